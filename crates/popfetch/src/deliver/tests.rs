use std::fs;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use self::double::{Log, Logged, LoggedStore};
use super::batch::Batch;
use super::targets::Destination;
use super::*;
use crate::clock::Timestamp;
use crate::jobs::Limits;
use crate::key::{Key, Sum};
use crate::state::{Claim, Row, SqliteStore, State};

mod double;
mod fan_out;
pub(super) mod sample;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000)
    }
}

struct Silent;

impl Report for Silent {
    fn report(&self, _: &str, _: Event<'_>) {}
}

/// A delivery to these places in the directory.
fn delivery_to(directory: &TempDir, log: &Arc<Log>, all: Vec<Destination>) -> (Delivery, Claim) {
    let store = SqliteStore::open(&directory.path().join("state.db")).unwrap();
    let claim = store.claim("me").unwrap();
    let ours = Claim::of(claim.account);
    let file_system: Arc<dyn FileSystem> = Arc::new(Logged(Arc::clone(log)));
    let destinations = Destinations {
        all,
        ..Destinations::maildir(directory.path())
    };
    let delivery = Delivery {
        bounds: Bounds::of(Limits::default()),
        store: Arc::new(LoggedStore(store, Arc::clone(log))),
        account: claim.account,
        claim: ours,
        account_name: "me".into(),
        maildrop: "me".into(),
        targets: Targets::default(),
        file_system,
        clock: Arc::new(Still),
        report: Arc::new(Silent),
    };
    let delivery = delivery.open(&destinations).unwrap();
    log.begin();
    (delivery, claim)
}

fn delivery(directory: &TempDir, log: &Arc<Log>) -> (Delivery, Claim) {
    delivery_to(directory, log, vec![maildir(directory)])
}

fn maildir(directory: &TempDir) -> Destination {
    Destination::Maildir(directory.path().join("mail"))
}

fn mbox(directory: &TempDir) -> Destination {
    Destination::Mbox(directory.path().join("mbox"))
}

fn ticket(position: u32, known: &[Sum]) -> Ticket {
    let key = Key::of_unique_id(&position.to_be_bytes(), 1);
    Ticket {
        known: known.into(),
        ..Ticket::new(position, position + 1, key)
    }
}

fn content(position: u32) -> Vec<u8> {
    format!("message {position}\r\n").into_bytes()
}

/// Writes the messages at these positions and commits them.
fn deliver_each(
    delivery: &Delivery,
    positions: impl IntoIterator<Item = u32>,
) -> Result<Stored, Failure> {
    let mut recognition = Recognition::new(delivery.store.partly_delivered(delivery.account)?);
    let mut batch = Batch::default();
    for position in positions {
        let ticket = ticket(position, &[]);
        let mut incoming = delivery.begin(&batch, ticket)?;
        incoming.write(&mut content(position))?;
        delivery.finish(&mut batch, incoming, &mut recognition)?;
    }
    let mut stored = Stored::default();
    delivery.commit(batch, &mut stored)?;
    Ok(stored)
}

/// Writes so many messages and commits them.
fn deliver(delivery: &Delivery, messages: u32) -> Result<Stored, Failure> {
    deliver_each(delivery, 0..messages)
}

/// Fetches again what the state does not say is stored.
fn deliver_missing(delivery: &Delivery, messages: u32) {
    let mut stored = Vec::new();
    let visit = &mut |row: Row<'_>| {
        assert!(row.state != State::Storing, "it was to be recovered");
        if row.state == State::Stored {
            stored.push(row.key.to_key());
        }
    };
    delivery.store.rows(delivery.account, visit).unwrap();
    let missing = (0..messages).filter(|&position| !stored.contains(&ticket(position, &[]).key));
    deliver_each(delivery, missing).unwrap();
}

fn states(delivery: &Delivery) -> Vec<State> {
    let mut states = Vec::new();
    delivery
        .store
        .rows(delivery.account, &mut |row| states.push(row.state))
        .unwrap();
    states
}

fn files(directory: &TempDir) -> Vec<String> {
    let new = fs::read_dir(directory.path().join("mail/new")).unwrap();
    let mut files: Vec<String> = new
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    files.sort();
    files
}

#[test]
fn nothing_is_visible_before_it_is_durable_and_recorded() {
    let directory = TempDir::new().unwrap();
    let log = Arc::default();
    let (delivery, _claim) = delivery(&directory, &log);
    assert_eq!(deliver(&delivery, 2).unwrap().positions, [0, 1]);
    assert_eq!(
        log.steps(),
        [
            "create",
            "create",
            "mark",
            "sync file",
            "sync file",
            "sync tmp/",
            "sync marker",
            "state storing storing",
            "rename",
            "rename",
            "sync new/",
            "sync tmp/",
            "state stored stored"
        ]
    );
}

#[test]
fn a_maildir_is_durable_before_it_is_used_and_its_marker_before_the_state_knows_of_it() {
    let directory = TempDir::new().unwrap();
    let log = Log::from_the_beginning();
    delivery(&directory, &log);
    let above = format!("sync {}/", double::name(directory.path()));
    assert_eq!(
        log.steps(),
        [&above, "sync mail/", "create", "sync file", "sync mail/"]
    );
}

#[test]
fn a_directory_above_that_may_not_be_read_does_for_a_maildir_and_one_that_fails_does_not() {
    for (how, is_made) in [
        (io::ErrorKind::PermissionDenied, true),
        (io::ErrorKind::Other, false),
    ] {
        let directory = TempDir::new().unwrap();
        let above = format!("sync {}/", double::name(directory.path()));
        let log = Log::refusing(above, how);
        log.begin();
        let made = Maildir::make(&Logged(log), &directory.path().join("mail"));
        assert_eq!(made.is_ok(), is_made, "{how}");
    }
}

#[test]
fn a_file_that_cannot_be_made_tells_why_and_is_not_looked_for() {
    let directory = TempDir::new().unwrap();
    let log = Log::refusing("create".into(), io::ErrorKind::StorageFull);
    let (delivery, _claim) = delivery(&directory, &log);
    let failure = deliver(&delivery, 1).err().unwrap();
    assert!(
        failure
            .message
            .contains(&io::ErrorKind::StorageFull.to_string()),
        "{failure}"
    );
    assert!(!log.steps().contains(&"remove".into()));
}

#[tokio::test]
async fn a_batch_is_made_durable_when_it_has_enough_messages_or_octets() {
    let all = Bounds::of(Limits::default());
    // Messages have eleven octets.
    for (bounds, expected) in [
        (all, vec![5]),
        (
            Bounds {
                batch_messages: 2,
                ..all
            },
            vec![2, 2, 1],
        ),
        (
            Bounds {
                batch_octets: 22,
                ..all
            },
            vec![2, 2, 1],
        ),
        (
            Bounds {
                batch_octets: 23,
                ..all
            },
            vec![3, 2],
        ),
    ] {
        let directory = TempDir::new().unwrap();
        let log = Arc::default();
        let (mut delivery, _claim) = delivery(&directory, &log);
        delivery.bounds = bounds;
        let mut queue = queue::Queue::start(Arc::new(delivery));
        for position in 0..5 {
            queue.begin(ticket(position, &[])).await.unwrap();
            queue.write(&content(position)).await.unwrap();
            queue.end().await.unwrap();
        }
        let stored = queue.finish().await.unwrap();
        assert_eq!(stored.positions, [0, 1, 2, 3, 4]);
        let batches = log
            .steps()
            .into_iter()
            .filter(|step| step.contains("storing"));
        let sizes: Vec<usize> = batches
            .map(|step| step.matches("storing").count())
            .collect();
        assert_eq!(sizes, expected, "{bounds:?}");
    }
}

#[tokio::test]
async fn messages_that_are_recognised_fill_a_batch_too() {
    let directory = TempDir::new().unwrap();
    let log = Arc::default();
    let (mut delivery, _claim) = delivery(&directory, &log);
    deliver(&delivery, 4).unwrap();
    delivery.bounds.batch_messages = 2;
    let mut queue = queue::Queue::start(Arc::new(delivery));
    for position in 0..4 {
        let sum = <Sum>::from(Sha256::digest(content(position)));
        queue.begin(ticket(position, &[sum])).await.unwrap();
        queue.write(&content(position)).await.unwrap();
        queue.end().await.unwrap();
    }
    assert_eq!(queue.finish().await.unwrap().recognised.len(), 4);
    let transactions = log
        .steps()
        .into_iter()
        .filter(|step| step.contains("recognised"));
    let expected = "state recognised recognised";
    assert_eq!(transactions.collect::<Vec<_>>(), [expected; 2]);
}

#[test]
fn a_message_is_whole_to_its_last_octet_however_it_comes() {
    let directory = TempDir::new().unwrap();
    let (delivery, _claim) = delivery(&directory, &Arc::default());
    let mut batch = Batch::default();
    let mut incoming = delivery.begin(&batch, ticket(0, &[])).unwrap();
    for piece in ["one\r", "\ntwo\r"] {
        incoming.write(&mut piece.as_bytes().to_vec()).unwrap();
    }
    let mut recognition = Recognition::new(Vec::new());
    delivery
        .finish(&mut batch, incoming, &mut recognition)
        .unwrap();
    delivery.commit(batch, &mut Stored::default()).unwrap();

    assert_eq!(files(&directory), ["one\ntwo\r"]);
    let mut octets = Vec::new();
    let visit = &mut |row: Row<'_>| octets.push(row.octets);
    delivery.store.rows(delivery.account, visit).unwrap();
    assert_eq!(octets, [Some(9)]);
}

#[test]
fn many_are_made_durable_as_a_group() {
    let directory = TempDir::new().unwrap();
    let log = Arc::default();
    let (delivery, _claim) = delivery(&directory, &log);
    deliver(&delivery, 100).unwrap();
    let steps = log.steps();
    assert_eq!(steps[100..102], ["mark", "sync everything"]);
    assert!(steps[102].starts_with("state storing"));
    assert!(!steps.contains(&"sync file".into()));
}

#[test]
fn what_was_delivered_before_is_not_delivered_again() {
    let directory = TempDir::new().unwrap();
    let log = Arc::default();
    let (delivery, _claim) = delivery(&directory, &log);
    let commit = |known: &[Sum]| {
        let mut batch = Batch::default();
        let mut incoming = delivery.begin(&batch, ticket(0, known)).unwrap();
        incoming.write(&mut content(0)).unwrap();
        let mut recognition = Recognition::default();
        delivery
            .finish(&mut batch, incoming, &mut recognition)
            .unwrap();
        let mut stored = Stored::default();
        delivery.commit(batch, &mut stored).unwrap();
        stored
    };
    commit(&[]);
    let sum = <Sum>::from(Sha256::digest(content(0)));
    let stored = commit(&[sum]);
    assert_eq!((stored.positions, stored.recognised), (vec![0], vec![0]));
    assert_eq!(files(&directory).len(), 1);
}

/// The power goes at every step in turn; afterwards each message is there once.
#[test]
fn a_crash_at_any_step_neither_loses_nor_duplicates() {
    const MESSAGES: u32 = 3;
    let expected: Vec<String> = (0..MESSAGES)
        .map(|position| format!("message {position}\n"))
        .collect();
    let mut at = 0;
    loop {
        let directory = TempDir::new().unwrap();
        let log = Log::failing_at(at);
        let complete = deliver(&delivery(&directory, &log).0, MESSAGES).is_ok();

        let (restarted, _claim) = delivery(&directory, &Arc::default());
        let stored = states(&restarted);
        assert!(
            stored.iter().all(|&state| state == State::Stored),
            "step {at}: {stored:?}"
        );
        // Those without a row are fetched again, and those with one are not.
        assert!(
            stored.is_empty() || stored.len() == MESSAGES as usize,
            "step {at}"
        );
        if stored.is_empty() {
            assert_eq!(files(&directory), [""; 0], "step {at}");
            deliver(&restarted, MESSAGES).unwrap();
        }
        assert_eq!(files(&directory), expected, "step {at}");
        if complete {
            break;
        }
        at += 1;
    }
    assert_eq!(at, 16);
}

#[test]
fn recovery_waits_for_a_maildir_that_is_away() {
    let directory = TempDir::new().unwrap();
    // Stops before the renaming.
    let log = Log::failing_at(7);
    deliver(&delivery(&directory, &log).0, 1).err().unwrap();
    let (here, away) = (directory.path().join("mail"), directory.path().join("away"));
    fs::rename(&here, &away).unwrap();

    let elsewhere = Destination::Maildir(directory.path().join("elsewhere"));
    let (delivery, _claim) = delivery_to(&directory, &Arc::default(), vec![elsewhere]);
    delivery.recover().unwrap();
    assert_eq!(states(&delivery), [State::Storing]);
    fs::rename(&away, &here).unwrap();
    delivery.recover().unwrap();
    assert_eq!(states(&delivery), [State::Stored]);
    assert_eq!(files(&directory), ["message 0\n"]);
}
