use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::deliver::marker::{Shown, Site};
use crate::deliver::tests::sample::Sample;
use crate::fs::OsFileSystem;

const NOW: Timestamp = Timestamp(1_800_000_000);
const DATE: &str = "Fri Jan 15 08:00:00 2027";

struct Fixture {
    directory: TempDir,
    mbox: Mbox,
}

impl Fixture {
    fn new() -> Self {
        Self::with(LineEnd::Lf)
    }

    fn with(line_end: LineEnd) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("mbox");
        let mbox = open(&path, line_end).unwrap();
        Self { directory, mbox }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("mbox")
    }

    fn content(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// Gives the letters to `work`, ready to be appended.
    fn prepared<T>(&self, messages: &[&[u8]], work: impl FnOnce(Append<'_>) -> T) -> T {
        let samples: Vec<Sample> = (messages.iter())
            .map(|message| Sample::new(b"Ux", message))
            .collect();
        let letters = samples.iter().map(|sample| Some(sample.letter()));
        work(self.mbox.prepare(letters, NOW).unwrap())
    }

    fn append(&self, messages: &[&[u8]]) {
        self.prepared(messages, |append| append.run().unwrap());
    }

    /// The places of messages, and what they would have been there.
    fn places(&self, messages: &[&[u8]]) -> Vec<Vec<u8>> {
        self.prepared(messages, |append| {
            append
                .places()
                .map(|place| place.unwrap().to_vec())
                .collect()
        })
    }

    fn recover(&self, places: &[Vec<u8>]) -> Vec<bool> {
        let places: Vec<&[u8]> = places.iter().map(Vec::as_slice).collect();
        self.mbox.recover(&places).unwrap().0
    }
}

fn open(path: &Path, line_end: LineEnd) -> Result<Mbox, Failure> {
    let target = Mbox::target_at(path)?;
    let marked = Marked::without(&target);
    Ok(Mbox::open(
        Arc::new(OsFileSystem),
        &target,
        marked,
        0o600,
        line_end,
    ))
}

#[test]
fn messages_stand_behind_each_other_with_their_separators() {
    let fixture = Fixture::new();
    fixture.append(&[
        b"Return-Path: <ada@example.org>\r\n\r\nHello\r\nFrom here\r\n",
        b"Subject: x\r\n\r\nno end",
    ]);
    fixture.append(&[b""]);
    assert_eq!(
        String::from_utf8(fixture.content()).unwrap(),
        format!(
            "From ada@example.org {DATE}\nReturn-Path: <ada@example.org>\n\nHello\n>From here\n\n\
             From MAILER-DAEMON {DATE}\nSubject: x\n\nno end\n\n\
             From MAILER-DAEMON {DATE}\n\n"
        )
    );
    let mode = fs::metadata(fixture.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn every_octet_survives() {
    let content = b"bare\rcr, \0, \xff\r\n\r\r\n".as_slice();
    for (line_end, stored) in [
        (LineEnd::Lf, &b"bare\rcr, \0, \xff\n\r\n\n"[..]),
        (LineEnd::Keep, b"bare\rcr, \0, \xff\r\n\r\r\n\n"),
        (LineEnd::CrLf, b"bare\rcr, \0, \xff\r\n\r\r\n\r\n"),
    ] {
        let fixture = Fixture::with(line_end);
        fixture.append(&[content]);
        let line = fixture.content().iter().position(|&octet| octet == b'\n');
        assert_eq!(fixture.content()[line.unwrap() + 1..], *stored);
    }
}

#[test]
fn a_message_larger_than_what_is_written_at_once_is_whole() {
    let fixture = Fixture::new();
    fixture.append(&[b"before\r\n"]);
    let before = fixture.content();
    let line = b"123456789\n".repeat(BUFFER / 4);
    fixture.append(&[&line]);
    let separator = format!("From MAILER-DAEMON {DATE}\n");
    let expected = [&before, separator.as_bytes(), &line, b"\n"].concat();
    assert!(fixture.content() == expected);
}

#[test]
fn a_message_never_continues_what_another_program_left() {
    for (before, gap) in [
        ("From a b\n\nx\n\n", ""),
        ("From a b\n\nx\n", "\n"),
        ("From a b\n\nx", "\n\n"),
        ("x\r\n\r\n", ""),
    ] {
        let fixture = Fixture::new();
        fs::write(fixture.path(), before).unwrap();
        fixture.append(&[b"y\r\n"]);
        assert_eq!(
            String::from_utf8(fixture.content()).unwrap(),
            format!("{before}{gap}From MAILER-DAEMON {DATE}\ny\n\n")
        );
    }
}

#[test]
fn a15_a_link_is_not_followed() {
    let directory = TempDir::new().unwrap();
    let (path, victim) = (
        directory.path().join("mbox"),
        directory.path().join("victim"),
    );
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, &path).unwrap();
    let open = || open(&path, LineEnd::Lf);
    let failure = open().err().unwrap();
    assert_eq!(failure.status, Status::CannotCreate);

    // Nor one that was put there a moment later.
    fs::remove_file(&path).unwrap();
    let mbox = open().unwrap();
    symlink(&victim, &path).unwrap();
    assert!(mbox.prepare(std::iter::empty(), NOW).is_err());
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert!(!directory.path().join("mbox.lock").exists());
}

#[test]
fn a_place_that_cannot_be_an_mbox_is_reported() {
    let directory = TempDir::new().unwrap();
    for name in ["", "missing/mbox"] {
        let path = directory.path().join(name);
        let failure = open(&path, LineEnd::Lf);
        assert_eq!(failure.err().unwrap().status, Status::CannotCreate);
    }
}

#[test]
fn an_mbox_that_stays_locked_is_for_another_time() {
    let mut fixture = Fixture::new();
    fixture.mbox.patience = Duration::ZERO;
    fs::write(fixture.directory.path().join("mbox.lock"), "").unwrap();
    let failure = fixture.mbox.prepare(std::iter::empty(), NOW).err().unwrap();
    assert_eq!(failure.status, Status::Temporary);
    assert!(failure.message.contains("locked"), "{failure}");
}

/// An mbox whose marker tells this batch, and the marker's file.
fn marked(directory: &TempDir) -> (Mbox, PathBuf) {
    let path = directory.path().join("mbox");
    let target = Mbox::target_at(&path).unwrap();
    let site = Site::of(&target).unwrap();
    let shown = Shown {
        state: "0123".into(),
        account: "4567".into(),
        maildrop: "me@example.org".into(),
        token: [7; 16],
        batch: 1,
    };
    site.create(&OsFileSystem, &shown, 0o600).unwrap();
    let marker = site.file(&shown.token);
    let marked = Marked::new(site, Some(shown.token), shown.batch);
    let mbox = Mbox::open(Arc::new(OsFileSystem), &target, marked, 0o600, LineEnd::Lf);
    (mbox, marker)
}

#[test]
fn e02_nothing_is_written_to_an_mbox_whose_marker_has_gone() {
    let directory = TempDir::new().unwrap();
    let (mbox, marker) = marked(&directory);
    let sample = Sample::new(b"Ux", b"one\r\n");
    let prepare = || mbox.prepare([Some(sample.letter())].into_iter(), NOW);
    prepare().unwrap().run().unwrap();
    // The disk is not there any more, and something else is in its place.
    fs::remove_file(&marker).unwrap();
    fs::remove_file(mbox.path()).unwrap();
    let failure = prepare().err().unwrap();
    assert_eq!(failure.status, Status::Temporary);
    assert!(failure.message.contains("marker"), "{failure}");
    assert_eq!(fs::read(mbox.path()).unwrap(), b"");
    // Nor is anything believed that could not be looked for.
    fs::remove_file(mbox.path()).unwrap();
    assert!(mbox.recover(&[b"0 9"]).is_err());
}

#[test]
fn recovery_finds_what_was_written_whole_and_cuts_off_the_rest() {
    let messages: [&[u8]; 2] = [b"one\r\n", b"two, and longer\r\n"];
    for written in 0..=110 {
        let fixture = Fixture::new();
        fixture.append(&[b"before\r\n"]);
        let before = fixture.content();
        let places = fixture.places(&messages);
        fixture.append(&messages);
        let whole = fixture.content();
        let length = (before.len() + written).min(whole.len());
        fs::write(fixture.path(), &whole[..length]).unwrap();

        let delivered = fixture.recover(&places);
        let one = Extent::from_place(&places[0]).unwrap().length;
        assert_eq!(delivered[0], written as u64 >= one, "{written}");
        assert_eq!(delivered[1], length == whole.len(), "{written}");
        let kept = match delivered[..] {
            [false, false] => before.len(),
            [true, false] => before.len() + usize::try_from(one).unwrap(),
            _ => whole.len(),
        };
        assert_eq!(fixture.content(), whole[..kept], "{written}");
    }
}

#[test]
fn what_the_disk_lost_is_cut_off() {
    let fixture = Fixture::new();
    let places = fixture.places(&[b"one\r\n"]);
    fixture.append(&[b"one\r\n"]);
    // The length was durable, and the octets were not.
    let length = fixture.content().len();
    fs::write(fixture.path(), vec![0; length]).unwrap();
    assert_eq!(fixture.recover(&places), [false]);
    assert_eq!(fixture.content(), b"");
}

#[test]
fn what_is_whole_behind_what_the_disk_lost_is_cut_off_with_it() {
    let large = vec![b'x'; 2 * BUFFER];
    let messages: [&[u8]; 2] = [&large, b"behind it\r\n"];
    let fixture = Fixture::new();
    fixture.append(&[b"before\r\n"]);
    let before = fixture.content();
    let places = fixture.places(&messages);
    fixture.append(&messages);
    let mut left = fixture.content();
    left[before.len() + BUFFER] = 0;
    fs::write(fixture.path(), &left).unwrap();
    assert_eq!(fixture.recover(&places), [false; 2]);
    assert!(fixture.content() == before);
}

#[test]
fn what_recovery_finds_stays_as_it_is() {
    let message = b"123456789\r\n".repeat(BUFFER / 4);
    let fixture = Fixture::new();
    fixture.append(&[b"before\r\n"]);
    let places = fixture.places(&[&message]);
    fixture.append(&[&message, b"behind it\r\n"]);
    let content = fixture.content();
    assert_eq!(fixture.recover(&places), [true]);
    assert!(fixture.content() == content);
}

#[test]
fn a_line_of_a_message_is_no_beginning_of_another_one() {
    let message: &[u8] = b"Subject: x\r\n\r\nFrom the other side\r\nof a river\r\n";
    let fixture = Fixture::new();
    let places = fixture.places(&[message]);
    fixture.append(&[message]);
    let whole = fixture.content();
    fs::write(fixture.path(), &whole[..whole.len() - 3]).unwrap();
    assert_eq!(fixture.recover(&places), [false]);
    assert_eq!(fixture.content(), b"");
}

#[test]
fn recovery_never_cuts_off_what_another_program_appended() {
    let message: &[u8] = &b"a line of the message\r\n".repeat(10);
    let foreign = "From eve@example.org Sat Jan 16 08:00:00 2027\nhi\n\n";
    for (cut, gap) in [(60, ""), (60, "\n"), (20, "\n\n"), (0, "")] {
        let fixture = Fixture::new();
        let places = fixture.places(&[message]);
        fixture.append(&[message]);
        let partial = fixture.content()[..cut].to_vec();
        let left = [&partial, gap.as_bytes(), foreign.as_bytes()].concat();
        assert!(left.len() < fixture.content().len());
        fs::write(fixture.path(), &left).unwrap();
        assert_eq!(fixture.recover(&places), [false]);
        assert_eq!(fixture.content(), left, "{cut}");
    }
    // One that begins as ours does.
    let fixture = Fixture::new();
    fixture.append(&[b"before\r\n"]);
    let start = fixture.content().len();
    let places = fixture.places(&[message]);
    fixture.append(&[message]);
    let mut left = fixture.content();
    let separator = left[start..start + 45].to_vec();
    left.truncate(start + 45);
    left.extend_from_slice(&separator);
    fs::write(fixture.path(), &left).unwrap();
    assert_eq!(fixture.recover(&places), [false]);
    assert_eq!(fixture.content(), left);
    // Longer than ours would be.
    let fixture = Fixture::new();
    let places = fixture.places(&[message]);
    let left = vec![b'x'; 100_000];
    fs::write(fixture.path(), &left).unwrap();
    assert_eq!(fixture.recover(&places), [false]);
    assert_eq!(fixture.content(), left);
}

#[test]
fn recovery_looks_at_every_octet_however_it_is_cut() {
    // The foreign separator lies across two of the pieces that are read.
    let message = vec![b'x'; 2 * BUFFER];
    let fixture = Fixture::new();
    let places = fixture.places(&[&message]);
    fixture.append(&[&message]);
    let mut left = fixture.content();
    left[BUFFER - 10..BUFFER + 21].copy_from_slice(b"\nFrom a@example.org Sat Jan 16 ");
    fs::write(fixture.path(), &left).unwrap();
    assert_eq!(fixture.recover(&places), [false]);
    assert_eq!(fixture.content(), left);
}

#[test]
fn a_place_that_is_none_and_an_mbox_that_is_gone_hold_nothing() {
    let fixture = Fixture::new();
    let places = fixture.places(&[b"one\r\n"]);
    fs::remove_file(fixture.path()).unwrap();
    assert_eq!(fixture.recover(&places), [false]);
    assert!(!fixture.path().exists());

    fixture.append(&[b"one\r\n"]);
    let content = fixture.content();
    assert_eq!(
        fixture.recover(&[b"garbage".to_vec(), Vec::new()]),
        [false; 2]
    );
    assert_eq!(fixture.content(), content);
    assert_eq!(fixture.recover(&places), [true]);
}
