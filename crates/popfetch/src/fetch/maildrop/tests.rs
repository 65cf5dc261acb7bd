use super::*;

/// Scans cannot be made outside the protocol crate, so these tests are about unique-ids alone;
/// those against a server see both.
fn merged(unique_ids: &[(u32, &'static str)]) -> Vec<(u32, Option<&'static [u8]>)> {
    let unique_ids = unique_ids.iter().map(|&(number, uid)| UniqueId {
        number,
        uid: uid.as_bytes(),
    });
    merge(&[], unique_ids)
        .map(|entry| (entry.number, entry.unique_id))
        .collect()
}

#[test]
fn q14_numbers_that_cannot_be_are_left_out() {
    assert_eq!(
        merged(&[(0, "zero"), (1, "a"), (1, "b"), (4, "c")]),
        [(1, Some(&b"a"[..])), (4, Some(b"c"))]
    );
}

#[test]
fn q14_an_empty_unique_id_is_none() {
    assert_eq!(
        merged(&[(1, ""), (2, "x")]),
        [(1, None), (2, Some(&b"x"[..]))]
    );
}
