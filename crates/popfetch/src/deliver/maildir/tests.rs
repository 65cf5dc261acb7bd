use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::fs::OsFileSystem;

const NOW: Timestamp = Timestamp(1_800_000_000);
const UNIQUE: &str = "0123456789abcdef-0123456789abcdef-7";

struct Fixture {
    directory: TempDir,
    maildir: Maildir,
}

impl Fixture {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("mail");
        let maildir = create(&path, 0o600).unwrap();
        Self { directory, maildir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("mail").join(name)
    }

    fn write(&self, content: &[u8]) -> Written {
        let mut incoming = self.maildir.begin(UNIQUE).unwrap();
        for piece in content.chunks(3) {
            incoming.write(piece).unwrap();
        }
        let sum: Sum = Sha256::digest(content).into();
        self.maildir.finish(incoming, UNIQUE, &sum, NOW).unwrap()
    }

    fn deliver(&self, content: &[u8]) -> Vec<u8> {
        let mut written = self.write(content);
        self.maildir.make_durable(&mut [&mut written]).unwrap();
        self.maildir.publish([&written].into_iter()).unwrap();
        fs::read(self.maildir.new_path(&written.place)).unwrap()
    }

    fn recover(&self, place: &[u8], age: Age) -> Recovered {
        let (recovered, _) = self.maildir.recover(&[Interrupted { place, age }]).unwrap();
        assert_eq!(recovered.len(), 1);
        recovered[0]
    }
}

fn create(path: &Path, mode: u32) -> Result<Maildir, Failure> {
    Maildir::make(&OsFileSystem, path)?;
    let target = Maildir::target_at(path)?;
    Maildir::open(
        Arc::new(OsFileSystem),
        &target,
        Marked::without(&target),
        mode,
    )
}

#[test]
fn what_is_written_is_what_is_there() {
    let fixture = Fixture::new();
    for content in [&b"a\nb\r\n"[..], b"bare\rcr, \0, \xff", b""] {
        assert_eq!(fixture.deliver(content), content);
    }
}

#[test]
fn a15_what_is_in_tmp_under_the_same_name_is_neither_followed_nor_replaced() {
    let fixture = Fixture::new();
    let victim = fixture.directory.path().join("victim");
    let name = fixture.path("tmp").join(format!("popfetch-{UNIQUE}"));
    symlink(&victim, &name).unwrap();
    assert!(fixture.maildir.begin(UNIQUE).is_err());
    assert!(!victim.exists() && name.is_symlink());
}

#[test]
fn what_is_discarded_leaves_nothing() {
    let fixture = Fixture::new();
    fixture
        .maildir
        .abandon(&fixture.maildir.begin(UNIQUE).unwrap())
        .unwrap();
    assert_eq!(fs::read_dir(fixture.path("tmp")).unwrap().count(), 0);
}

#[test]
fn recovery_renames_what_is_still_in_tmp() {
    let fixture = Fixture::new();
    let place = fixture.write(b"whole").place;
    for age in [Age::Recent, Age::Doubtful] {
        if age == Age::Doubtful {
            fs::remove_file(fixture.maildir.new_path(&place)).unwrap();
            fixture.write(b"whole");
        }
        assert_eq!(fixture.recover(&place, age), Recovered::Finished);
        assert_eq!(
            fs::read(fixture.maildir.new_path(&place)).unwrap(),
            b"whole"
        );
    }
}

#[test]
fn recovery_takes_what_left_tmp_for_delivered_while_nobody_sweeps_it() {
    let fixture = Fixture::new();
    fs::write(fixture.path("new/1.y.popfetch"), "another").unwrap();
    assert_eq!(
        fixture.recover(b"1.x.popfetch", Age::Recent),
        Recovered::Delivered
    );
    assert_eq!(
        fixture.recover(b"1.x.popfetch", Age::Doubtful),
        Recovered::Lost
    );
    // A mail program has shown it since, and marked it.
    fs::write(fixture.path("cur/1.x.popfetch:2,RS"), "").unwrap();
    assert_eq!(
        fixture.recover(b"1.x.popfetch", Age::Doubtful),
        Recovered::Delivered
    );
}

#[test]
fn recovery_ends_a_rename_of_which_both_names_are_left() {
    let fixture = Fixture::new();
    let place = fixture.write(b"whole").place;
    let shown = format!("cur/{}:2,S", String::from_utf8_lossy(&place));
    fs::write(fixture.path(&shown), "whole").unwrap();
    assert_eq!(fixture.recover(&place, Age::Recent), Recovered::Delivered);
    assert!(fs::read_dir(fixture.path("tmp")).unwrap().next().is_none());
    assert!(!fixture.maildir.new_path(&place).exists());
}

#[test]
fn nobody_knows_the_age_when_the_clock_was_set_back() {
    let hours = |hours: i64| Age::of(NOW, Timestamp(NOW.0 + hours * 3_600));
    assert_eq!(hours(0), Age::Recent);
    assert_eq!(hours(23), Age::Recent);
    assert_eq!(hours(24), Age::Doubtful);
    assert_eq!(hours(-1), Age::Doubtful);
}

#[test]
fn a_place_that_cannot_be_a_maildir_is_reported() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    for path in ["file", "file/mail", "missing/mail"] {
        let path = directory.path().join(path);
        let failure = create(&path, 0o600).err().unwrap();
        assert_eq!(failure.status, Status::CannotCreate, "{failure}");
    }
}

#[test]
fn files_get_the_permissions_that_were_asked_for() {
    let directory = TempDir::new().unwrap();
    let maildir = create(directory.path(), 0o640).unwrap();
    let written = maildir
        .finish(maildir.begin(UNIQUE).unwrap(), UNIQUE, &[0; 32], NOW)
        .unwrap();
    maildir.publish([&written].into_iter()).unwrap();
    let metadata = fs::metadata(maildir.new_path(&written.place)).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
}
