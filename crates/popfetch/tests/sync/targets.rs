//! Where the mail goes: each kind of target, several at once, and targets that will not have it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use poplib_sandbox::Mailbox;

use crate::support::{By, PASSWORD, Ran, Rig, USER, five, in_mbox, names, ran, sorted};

/// `popfetch sync` with no target but these.
pub(crate) fn sync(rig: &Rig, options: &[&str]) -> Command {
    let mut command = rig.sync_to(By::ImplicitTls, options);
    command.env("PATH", "/usr/bin:/bin");
    command
}

pub(crate) fn run(rig: &Rig, options: &[&str]) -> Ran {
    ran(&mut sync(rig, options))
}

/// What a command has put into a directory, sorted.
fn contents(directory: &Path) -> Vec<Vec<u8>> {
    let names = names(directory).into_iter();
    sorted(
        names
            .map(|name| fs::read(directory.join(name)).unwrap())
            .collect(),
    )
}

#[test]
fn an_mbox_has_each_message_once() {
    let rig = Rig::five(&[]);
    for _ in 0..2 {
        run(&rig, &["--mbox", "mbox"]).expect(0);
        assert_eq!(rig.in_mbox("mbox"), sorted(five()));
    }
    rig.sandbox
        .deliver(USER, "Subject: six\n\nFrom me\n")
        .unwrap();
    run(&rig, &["--mbox", "mbox", "--keep", "none"]).expect(0);
    assert_eq!(rig.in_mbox("mbox").len(), 6);
    assert_eq!(rig.left(), 0);
    assert!(!rig.path("mbox.lock").exists());
}

#[test]
fn several_targets_get_every_message() {
    let rig = Rig::five(&[]);
    fs::create_dir(rig.path("copies")).unwrap();
    let options = [
        ["--maildir", "mail"],
        ["--maildir", "./mail"],
        ["--maildir", "mail2"],
        ["--mbox", "mbox"],
        ["--exec", "cat > copies/$POPFETCH_NUMBER"],
        ["--keep", "none"],
    ];
    run(&rig, options.as_flattened()).expect(0);
    rig.assert_five();
    assert_eq!(
        crate::support::delivered(&rig.path("mail2")),
        sorted(five())
    );
    assert_eq!(rig.in_mbox("mbox"), sorted(five()));
    assert_eq!(contents(&rig.path("copies")), sorted(five()));
    assert_eq!(rig.left(), 0);
}

#[test]
fn a_message_larger_than_any_buffer_reaches_every_target() {
    let large = [
        b"Subject: large\n\n".to_vec(),
        b"From 0123456789\n".repeat(300_000),
    ]
    .concat();
    let rig = Rig::new(Mailbox::messages([large.clone()]));
    let options = [
        ["--maildir", "mail"],
        ["--mbox", "mbox"],
        ["--exec", "cat > copy"],
    ];
    run(&rig, options.as_flattened()).expect(0);
    assert!(rig.delivered() == [large.clone()]);
    assert!(rig.in_mbox("mbox") == [large.clone()]);
    assert!(fs::read(rig.path("copy")).unwrap() == large);
}

#[test]
fn a_command_is_told_what_it_gets() {
    let message = "Return-Path: <ada@example.org>\nSubject: x\n\nhello\n";
    let rig = Rig::new(Mailbox::messages([message.as_bytes().to_vec()]));
    let command = "{ echo $POPFETCH_ACCOUNT; echo $POPFETCH_SENDER; echo $POPFETCH_NUMBER; \
                   echo $POPFETCH_OCTETS; echo ${POPFETCH_PASSWORD-none}; \
                   test -n \"$POPFETCH_UNIQUE_ID\" && echo some; } > told";
    // It reads nothing of the message, which is its own affair.
    run(&rig, &["--exec", command]).expect(0);
    let told = fs::read_to_string(rig.path("told")).unwrap();
    let account = format!(
        "{USER}@{}:{}",
        rig.sandbox.host(),
        rig.sandbox.tls_addr().port()
    );
    let octets = message.len() + message.lines().count();
    assert_eq!(
        told,
        format!("{account}\nada@example.org\n1\n{octets}\nnone\nsome\n")
    );
}

#[test]
fn a_command_that_fails_for_one_message_keeps_nobody_waiting() {
    let rig = Rig::five(&[]);
    let options =
        |command: &'static str| ["--maildir", "mail", "--keep", "none", "--exec", command];
    let fails = "! grep -q three || { printf 'no \\033[31mroom\\n' >&2; exit 1; }";
    for attempt in 1..=3 {
        rig.sandbox
            .deliver(USER, format!("Subject: more {attempt}\n\n"))
            .unwrap();
        let ran = run(&rig, &options(fails)).expect(75);
        let is_said = ran.err.contains(r"exit status: 1: no \x1b[31mroom");
        assert_eq!(is_said, attempt != 2, "{}", ran.err);
        assert_eq!(ran.err.contains("given up"), attempt == 3, "{}", ran.err);
        // The Maildir has it from the first time, and does not get it again.
        assert_eq!(rig.delivered().len(), 5 + attempt);
        // All that is stored everywhere is deleted, and this message is not.
        assert_eq!(rig.left(), 1);
        rig.pass_hours(1);
    }
    run(&rig, &options("true")).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (8, 1));
}

#[test]
fn a_message_or_its_headers_that_no_command_takes_is_given_up() {
    for options in [&[][..], &["--skip-over", "1kB", "--oversize", "headers"]] {
        let rig = Rig::five(&[]);
        let options = [options, &["--exec", "! grep -q three"]].concat();
        for attempt in 1..=3 {
            // It takes others, so it works.
            rig.sandbox.deliver(USER, "Subject: more\n\n").unwrap();
            let ran = run(&rig, &options).expect(75);
            assert_eq!(ran.err.contains("given up"), attempt == 3, "{}", ran.err);
            rig.pass_hours(1);
        }
        run(&rig, &options).expect(0);
    }
}

#[test]
fn headers_that_a_command_cannot_take_for_now_come_again() {
    let rig = Rig::five(&[]);
    let command = "cat > taken; test -e ready || exit 75";
    let options = [
        "--skip-over",
        "1kB",
        "--oversize",
        "headers",
        "--exec",
        command,
    ];
    for _ in 0..4 {
        let ran = run(&rig, &options).expect(75);
        assert!(!ran.err.contains("given up"), "{}", ran.err);
    }
    fs::write(rig.path("ready"), "").unwrap();
    run(&rig, &options).expect(0);
    assert_eq!(rig.states(), ["stored"]);
}

#[test]
fn a_command_that_has_trouble_for_now_gets_the_message_again() {
    let rig = Rig::five(&[]);
    let command = "cat >/dev/null; test -e ready || exit 75; echo x >> taken";
    for _ in 0..5 {
        let ran = run(&rig, &["--exec", command]).expect(75);
        assert!(!ran.err.contains("given up"), "{}", ran.err);
    }
    fs::write(rig.path("ready"), "").unwrap();
    run(&rig, &["--exec", command]).expect(0);
    assert_eq!(
        fs::read_to_string(rig.path("taken")).unwrap(),
        "x\n".repeat(5)
    );
}

#[test]
fn a_command_that_is_not_there_stops_the_run() {
    let rig = Rig::five(&[]);
    let ran = run(&rig, &["--exec", "no-such-command-anywhere"]).expect(78);
    assert!(ran.err.contains("not found"), "{}", ran.err);
    assert_eq!(rig.left(), 5);
    run(&rig, &["--exec", "cat > /dev/null"]).expect(0);
}

#[test]
fn standard_output_has_the_messages_and_nothing_else() {
    let rig = Rig::five(&[]);
    let output = sync(&rig, &["--stdout", "--keep", "none"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(in_mbox(&output.stdout), sorted(five()));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("stored 5 messages"), "{told}");
    assert_eq!(rig.left(), 0);
}

#[test]
fn the_configuration_can_say_that_messages_go_to_standard_output() {
    let rig = Rig::five(&[]);
    let url = rig.url(By::ImplicitTls);
    let account = format!("[account.alice]\nserver = '{url}'\nca_file = 'ca.pem'\nstdout = true\n");
    fs::write(rig.path("config.toml"), account).unwrap();
    for (option, expected) in [
        ("-v", "stored 5 messages"),
        ("--json", "\"event\":\"finished\""),
    ] {
        let state = format!("state{option}.db");
        let mut command = rig.bare(&["sync", "--config", "config.toml", "--state", &state]);
        command.arg(option).env("POPFETCH_PASSWORD", PASSWORD);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(in_mbox(&output.stdout), sorted(five()), "{option}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_reader_that_goes_away_loses_nothing() {
    let large = b"0123456789abcdef\n".repeat(10_000);
    let rig = Rig::new(Mailbox::messages(vec![large; 3]));
    let mut command = sync(&rig, &["--stdout", "--keep", "none"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = ran(command.stdout(writer)).expect(74);
    assert!(ran.err.contains("standard output"), "{}", ran.err);
    assert_eq!(rig.left(), 3);
    let output = sync(&rig, &["--stdout"]).output().unwrap();
    assert_eq!(in_mbox(&output.stdout).len(), 3);
}

#[test]
fn line_ends_are_as_they_are_wanted() {
    let crlf = |message: &[u8]| String::from_utf8_lossy(message).replace('\n', "\r\n");
    for (option, expected) in [
        ("lf", "a\n\nb\n".to_owned()),
        ("crlf", crlf(b"a\n\nb\n")),
        ("keep", crlf(b"a\n\nb\n")),
    ] {
        let rig = Rig::new(Mailbox::messages([b"a\n\nb\n".to_vec()]));
        let options = [
            "--line-ends",
            option,
            "--maildir",
            "mail",
            "--exec",
            "cat > copy",
        ];
        run(&rig, &options).expect(0);
        assert_eq!(rig.delivered(), [expected.as_bytes()], "{option}");
        assert_eq!(fs::read(rig.path("copy")).unwrap(), expected.as_bytes());
    }
}

#[test]
fn a_trace_field_is_put_in_front_where_it_is_wanted() {
    let rig = Rig::five(&[]);
    let options = ["--received", "--maildir", "mail", "--mbox", "mbox"];
    run(&rig, &options).expect(0);
    for message in rig.delivered().into_iter().chain(rig.in_mbox("mbox")) {
        let message = String::from_utf8_lossy(&message).into_owned();
        assert!(
            message.starts_with("Received: from localhost by "),
            "{message}"
        );
        let (field, rest) = message.split_once("\nSubject: ").unwrap();
        assert!(field.contains("\twith POP3S (popfetch ") && field.contains(" for <alice>;"));
        assert!(!rest.contains("Received:"));
    }
    // It is no part of what tells messages apart.
    run(&rig, &["--maildir", "mail", "--keep", "none"]).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (5, 0));
}

#[test]
fn files_have_the_permissions_that_are_wanted() {
    let rig = Rig::five(&[]);
    let options = ["--mode", "640", "--maildir", "mail", "--mbox", "mbox"];
    run(&rig, &options).expect(0);
    let new = rig.path("mail/new");
    for path in names(&new)
        .iter()
        .map(|name| new.join(name))
        .chain([rig.path("mbox")])
    {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}

#[test]
fn a15_an_mbox_that_is_a_link_is_refused() {
    let rig = Rig::five(&[]);
    fs::write(rig.path("precious"), "precious").unwrap();
    symlink("precious", rig.path("mbox")).unwrap();
    let ran = run(&rig, &["--mbox", "mbox", "--keep", "none"]).expect(73);
    assert!(ran.err.contains("it is a link"), "{}", ran.err);
    assert_eq!(fs::read(rig.path("precious")).unwrap(), b"precious");
    assert_eq!(rig.left(), 5);
}

/// A file system of one megabyte, gone with the value.
pub(crate) struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    pub(crate) fn mounted(at: &'a Path) -> Self {
        fs::create_dir(at).unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=1m", "popfetch-test"];
        let status = Command::new("mount").args(mount).arg(at).status().unwrap();
        assert!(
            status.success(),
            "these tests mount a small tmpfs and need root for it"
        );
        Self(at)
    }
}

/// Root may write wherever it likes, but not to what is mounted for reading.
pub(crate) fn disk_for_reading(disk: &Path) {
    let remount = ["-o", "remount,ro"];
    let status = Command::new("mount").args(remount).arg(disk).status();
    assert!(status.unwrap().success());
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_and_has_everything_once_there_is_room() {
    let large = |name: &str| {
        let subject = format!("Subject: {name}\n\n").into_bytes();
        [subject, b"0123456789abcde\n".repeat(20_000)].concat()
    };
    let messages: Vec<Vec<u8>> = ["one", "two", "three"].map(large).into();
    for target in ["--maildir", "--mbox"] {
        let rig = Rig::new(Mailbox::messages(messages.clone()));
        let disk = rig.path("disk");
        let _mounted = SmallDisk::mounted(&disk);
        fs::write(disk.join("ballast"), vec![0; 400_000]).unwrap();
        let options = [target, "disk/mail", "--keep", "none"];
        let ran = run(&rig, &options).expect(74);
        assert!(ran.err.contains("hint: make room"), "{}", ran.err);
        assert_eq!(rig.left(), 3);
        fs::remove_file(disk.join("ballast")).unwrap();
        run(&rig, &options).expect(0);
        let delivered = match target {
            "--maildir" => crate::support::delivered(&disk.join("mail")),
            _ => rig.in_mbox("disk/mail"),
        };
        assert!(delivered == sorted(messages.clone()), "{target}");
        assert_eq!(rig.left(), 0);
    }
}

#[test]
fn a_disk_that_cannot_be_written_any_more_is_reported() {
    for target in ["--maildir", "--mbox"] {
        let rig = Rig::five(&[]);
        let disk = rig.path("disk");
        let _mounted = SmallDisk::mounted(&disk);
        run(&rig, &[target, "disk/mail"]).expect(0);
        disk_for_reading(&disk);
        rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
        let ran = run(&rig, &[target, "disk/mail"]).expect(74);
        assert!(ran.err.contains("Read-only file system"), "{}", ran.err);
    }
}

#[test]
fn a_disk_that_cannot_be_written_is_reported() {
    for (target, status) in [("--maildir", 73), ("--mbox", 74)] {
        let rig = Rig::five(&[]);
        let disk = rig.path("disk");
        let _mounted = SmallDisk::mounted(&disk);
        disk_for_reading(&disk);
        let ran = run(&rig, &[target, "disk/mail", "--keep", "none"]).expect(status);
        assert!(ran.err.contains("Read-only file system"), "{}", ran.err);
        assert_eq!(rig.left(), 5);
    }
}
