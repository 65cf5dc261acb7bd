use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, Source) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    (directory, Source::File(path))
}

fn ask(source: &Source) -> Result<Vec<u8>, Failure> {
    let whose = Whose {
        account: "work",
        user: "me",
        host: "host",
    };
    password(source, whose).map(|secret| secret.expose().to_vec())
}

#[test]
fn a_password_is_the_first_line() {
    for (content, expected) in [
        (&b"secret\n"[..], &b"secret"[..]),
        (b"secret", b"secret"),
        (b" with spaces \r\nsecond line\n", b" with spaces "),
        (b"\xff\xfe\n", b"\xff\xfe"),
        (b"\n", b""),
    ] {
        let (_kept, source) = file(content, 0o600);
        assert_eq!(ask(&source).unwrap(), expected);
    }
}

#[test]
fn a15_a_password_file_that_others_can_read_is_refused() {
    for mode in [0o644, 0o640, 0o602, 0o610] {
        let (_kept, source) = file(b"secret\n", mode);
        let failure = ask(&source).unwrap_err();
        assert_eq!(failure.status, Status::Configuration);
        assert!(failure.hint.unwrap().starts_with("chmod 600"));
        assert!(!failure.message.contains("secret\n"));
    }
}

#[test]
fn a_file_without_a_password_is_refused() {
    let (_kept, source) = file(b"", 0o600);
    assert_eq!(ask(&source).unwrap_err().status, Status::Configuration);
    let missing = Source::File("/nowhere/at/all".into());
    assert_eq!(ask(&missing).unwrap_err().status, Status::Configuration);
}

#[test]
fn a_command_prints_the_password() {
    let command = |text: &str| ask(&Source::Command(text.into()));
    assert_eq!(
        command("printf 'pass word\\nmore\\n'").unwrap(),
        b"pass word"
    );
    assert!(
        command("true")
            .unwrap_err()
            .message
            .contains("printed nothing")
    );
    assert!(
        command("echo secret; exit 3")
            .unwrap_err()
            .message
            .contains("exit status: 3")
    );
}
