//! Configuration files.

use std::path::Path;

const PATH: &str = "/nowhere/config.toml";
const SECRET: &str = "hunter2";
/// What stands before a secret, and what directly after makes it one.
const SECRETS: [(&str, &str); 6] = [
    ("password = \"", ""),
    ("password = ", ""),
    ("target_password = \"", ""),
    ("passwd = \"", ""),
    ("[account.secret]\npassword = '''\n", ""),
    ("proxy = \"socks5://me:", "@"),
];

/// Whatever is wrong stands at a place that the file has; and what is said of a file with a secret
/// in it does not tell the secret.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    wrong(text);
    let Some((before, after)) = text.split_once('\0') else {
        return;
    };
    // Behind what is no TOML, a key may be in the middle of a text, where it is no key.
    if before.parse::<toml::Table>().is_err() || text.contains(SECRET) {
        return;
    }
    for (key, end) in SECRETS {
        let text = format!("{before}\n{key}{SECRET}{end}{after}");
        for shown in wrong(&text) {
            assert!(!shown.contains(SECRET), "{text}\n{shown}");
        }
    }
}

/// What is wrong with a text, as it is shown.
fn wrong(text: &str) -> Vec<String> {
    let failures = match popfetch::fuzzing::configuration(Path::new(PATH), text) {
        Ok(_) => return Vec::new(),
        Err(failures) => failures,
    };
    for shown in &failures {
        has_its_place(shown, text);
    }
    failures
}

fn has_its_place(shown: &str, text: &str) {
    let place = shown.strip_prefix(PATH).expect("the file's name");
    let mut numbers = place.split(':').skip(1).map(str::parse::<usize>);
    let (Some(Ok(line)), Some(Ok(column))) = (numbers.next(), numbers.next()) else {
        panic!("no place: {shown}");
    };
    // The last line may be empty, and the last column is that behind the line.
    let lines: Vec<&str> = text.split('\n').collect();
    assert!((1..=lines.len()).contains(&line), "{shown}");
    let columns = lines[line - 1].chars().count() + 1;
    assert!((1..=columns).contains(&column), "{shown}");
    let is_active = |c: char| c.is_control() && c != '\n';
    assert!(!shown.contains(is_active), "{shown:?}");
}
