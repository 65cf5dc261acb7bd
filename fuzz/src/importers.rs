//! What mpop, fetchmail and getmail have written.

/// As much as may be written for an octet: notes, keys, and their escapes.
const EXPANSION: usize = 64;

/// Whatever comes in, a configuration comes out that can be read, of bounded length, and without
/// passwords where none are asked for.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    // An account of mpop's can take over all that was said before.
    let accounts = 1 + text.matches("account").count();
    let bound = (input.len() + 64) * EXPANSION * accounts;
    for written in popfetch::fuzzing::imported(&text, true) {
        if let Err(error) = written.parse::<toml::Table>() {
            panic!("{error}\n{written}");
        }
        assert!(written.len() <= bound, "{} octets", written.len());
    }
    for ids in popfetch::fuzzing::unique_ids(input) {
        let octets: usize = ids.iter().map(|id| id.len() + 1).sum();
        assert!(octets <= input.len() + 1, "unique-ids that nobody wrote");
    }
    if !text.contains("hunter2") {
        without_passwords(&text);
    }
}

fn without_passwords(text: &str) {
    for (program, secret) in [
        (0, "\naccount a\nhost h\npassword hunter2\n"),
        (2, "\n[retriever]\npassword = hunter2\n"),
    ] {
        let text = format!("{text}{secret}");
        let written = &popfetch::fuzzing::imported(&text, false)[program];
        assert!(!written.contains("hunter2"), "{written}");
    }
}
