//! What a client sends to the sandbox.

/// No answer can be longer: the maildrop has three short messages.
const ANSWER: usize = 4096;

/// Every answer has its right form and no more octets than there are to say, and they are the same
/// however what the client sends is cut.
pub fn check(input: &[u8]) {
    let whole = poplib_sandbox::fuzzing::answers(input, &mut |left| left);
    for answer in &whole {
        assert!(answer.len() <= ANSWER, "{} octets", answer.len());
        is_framed(answer);
    }
    let lines = input.iter().filter(|octet| **octet == b'\n').count();
    // The greeting, and a last line that has no end and is too long.
    assert!(whole.len() <= lines + 2, "answers that nobody asked for");
    let mut length = 1;
    let pieces = poplib_sandbox::fuzzing::answers(input, &mut |left| {
        length = length * 7 % 257 + 1;
        length.min(left)
    });
    assert_eq!(
        kinds(&whole),
        kinds(&pieces),
        "in pieces it means something else"
    );
}

/// RFC 1939 §3: a status line, and where there is more, lines that are stuffed and end with a dot.
fn is_framed(answer: &[u8]) {
    let shown = answer.escape_ascii();
    let mut lines = answer.split_inclusive(|octet| *octet == b'\n');
    let status = lines.next().expect("a status line");
    let starts: [&[u8]; 4] = [b"+OK ", b"+OK\r", b"-ERR ", b"+ "];
    let is_status = starts.iter().any(|start| status.starts_with(start));
    assert!(is_status && is_one_line(status), "{shown}");
    let lines: Vec<&[u8]> = lines.collect();
    let Some((last, lines)) = lines.split_last() else {
        return;
    };
    assert!(status.starts_with(b"+OK") && *last == b".\r\n", "{shown}");
    for line in lines {
        let is_stuffed = !line.starts_with(b".") || line.starts_with(b"..");
        assert!(is_stuffed && is_one_line(line), "{shown}");
    }
}

fn is_one_line(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r\n");
    line.is_some_and(|line| !line.iter().any(|octet| b"\r\n\0".contains(octet)))
}

/// Answers without what differs each time: challenges are drawn by lot.
fn kinds(answers: &[Vec<u8>]) -> Vec<&[u8]> {
    answers
        .iter()
        .map(|answer| match answer.as_slice() {
            [b'+', b' ', ..] => b"+ ",
            answer => answer,
        })
        .collect()
}
