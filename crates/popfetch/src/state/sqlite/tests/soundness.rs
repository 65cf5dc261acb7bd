//! What a state that is not sound is told of.

use super::formats::First;
use super::*;
use crate::state::sqlite::soundness::NEVER;

/// One way to break each rule, in the order of the rules.
const BROKEN: [&str; 11] = [
    "UPDATE account SET uid = x'00' WHERE id = 1",
    "UPDATE account SET uid = (SELECT uid FROM account WHERE id = 1) WHERE id = 2",
    "UPDATE message SET identity = x'43' WHERE account = 4 AND state = 'pending'",
    "UPDATE message SET header = x'00' WHERE account = 1",
    "UPDATE message SET sha256 = NULL WHERE account = 1",
    "DELETE FROM copy WHERE account = 3",
    "UPDATE message SET excerpt = 1 WHERE account = 2 AND state = 'deleting'",
    "UPDATE message SET checks = -1 WHERE account = 1",
    "UPDATE copy SET batch = -1 WHERE account = 1",
    "UPDATE facts SET passed = -1 WHERE account = 1",
    "INSERT INTO store (id) VALUES (x'00')",
];

#[test]
fn every_rule_is_missed_when_it_is_broken() {
    assert_eq!(BROKEN.len(), NEVER.len());
    for (sql, (_, what)) in BROKEN.iter().zip(NEVER) {
        let first = First::new();
        let store = SqliteStore::open(&first.path()).unwrap();
        assert_eq!(store.complaints().unwrap(), []);
        store
            .connection
            .read(|connection| connection.execute_batch(sql))
            .unwrap();
        let complaints = store.complaints().unwrap();
        let [complaint] = &complaints[..] else {
            panic!("{sql}: {complaints:?}");
        };
        assert!(complaint.what.starts_with(what), "{sql}: {complaint:?}");
    }
}
