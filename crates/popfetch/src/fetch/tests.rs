use std::sync::OnceLock;
use std::thread;

use poplib::Tls;
use poplib_sandbox::{Mailbox, Sandbox};
use tempfile::TempDir;

use super::*;
use crate::account::INTERVAL;
use crate::clock::SystemClock;
use crate::deliver::queue::Bounds;
use crate::deliver::{Destinations, Targets};
use crate::fs::{FileSystem, OsFileSystem};
use crate::jobs::{self, Limits};
use crate::plan::Keep;
use crate::plan::Policy;
use crate::secret::Source;
use crate::state::{SqliteStore, StateStore};

/// Keeps the disk's thread busy with the first message until the server has heard NOOP twice more
/// than the one behind the last message.
struct SlowDisk {
    sandbox: Arc<Sandbox>,
    patient: OnceLock<bool>,
}

impl SlowDisk {
    fn wait(&self) -> bool {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let lines = self.sandbox.sessions()[0].lines();
            if lines.iter().filter(|line| *line == "NOOP").count() >= 3 {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Report for SlowDisk {
    fn report(&self, _: &str, event: Event<'_>) {
        if let Event::Stored { .. } = event {
            self.patient.get_or_init(|| self.wait());
        }
    }
}

fn account(sandbox: &Sandbox, directory: &TempDir) -> Account {
    let tls = Tls::with_authorities(sandbox.ca_pem().as_bytes()).unwrap();
    let config = Config::new(sandbox.host())
        .with_port(sandbox.tls_addr().port())
        .with_tls(tls);
    Account {
        name: "me".into(),
        maildrop: "me".into(),
        config,
        user: "me".into(),
        password: Source::Given(Secret::from("secret")),
        destinations: Destinations::maildir(&directory.path().join("mail")),
        policy: Policy {
            keep: Keep::None,
            ..Policy::default()
        },
        filter: None,
        rsets_before_quit: false,
        interval: INTERVAL,
    }
}

/// A delivery to the account's targets, with a state of its own.
fn delivery(account: &Account, directory: &TempDir, report: Arc<dyn Report>) -> Arc<Delivery> {
    let store = SqliteStore::open(&directory.path().join("state.db")).unwrap();
    let claim = store.claim("me").unwrap();
    let file_system: Arc<dyn FileSystem> = Arc::new(OsFileSystem);
    let delivery = Delivery {
        bounds: Bounds::of(Limits::default()),
        store: Arc::new(store),
        account: claim.account,
        claim,
        account_name: "me".into(),
        maildrop: "me".into(),
        targets: Targets::default(),
        file_system,
        clock: Arc::new(SystemClock),
        report,
    };
    Arc::new(delivery.open(&account.destinations).unwrap())
}

struct Silent;

impl Report for Silent {
    fn report(&self, _: &str, _: Event<'_>) {}
}

#[test]
fn e19_whoever_drips_while_others_wait_stores_deletes_and_gives_way() {
    for is_wanted in [false, true] {
        let directory = TempDir::new().unwrap();
        let messages = (1..=3).map(|number| format!("Subject: {number}\n\n"));
        let sandbox = Sandbox::builder().mailbox("me", "secret", Mailbox::messages(messages));
        let sandbox = sandbox.start().unwrap();
        let account = account(&sandbox, &directory);
        let delivery = delivery(&account, &directory, Arc::new(Silent));
        let visits = jobs::block_on(Limits::default(), async |stop| {
            let one = Limits {
                jobs: 1.try_into().ok().map(crate::settings::Count),
                per_host: None,
            };
            let turns = jobs::Turns::new(one);
            let turn = turns.take("here").await;
            let mut other = std::pin::pin!(turns.take("there"));
            if is_wanted {
                tokio::select! {
                    biased;
                    _turn = &mut other => panic!("there is one turn"),
                    () = tokio::task::yield_now() => {}
                }
            }
            let mut visits = Vec::new();
            loop {
                let fetcher = Fetcher::new(&account, &Silent, stop.clone());
                let mut fetcher = fetcher.in_turn(&turn);
                // Whatever moves is too little.
                (fetcher.movement.patience, fetcher.movement.least) = (Duration::ZERO, u64::MAX);
                let outcome = fetcher.fetch(Secret::from("secret"), &delivery).await;
                assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
                visits.push((outcome.summary.stored, outcome.summary.deleted));
                if !outcome.gave_way {
                    break visits;
                }
            }
        });
        let expected = match is_wanted {
            false => vec![(3, 3)],
            true => vec![(1, 1), (1, 1), (1, 1)],
        };
        assert_eq!(visits.unwrap(), expected);
        assert_eq!(sandbox.messages_left("me").unwrap(), 0);
    }
}

#[test]
fn q27_a_session_that_waits_for_the_disk_says_so() {
    let directory = TempDir::new().unwrap();
    let mailbox = Mailbox::messages(["Subject: one\n\n", "Subject: two\n\n"]);
    let sandbox = Sandbox::builder().mailbox("me", "secret", mailbox).start();
    let sandbox = Arc::new(sandbox.unwrap());
    let account = account(&sandbox, &directory);
    let disk = Arc::new(SlowDisk {
        sandbox: Arc::clone(&sandbox),
        patient: OnceLock::new(),
    });
    let delivery = delivery(&account, &directory, Arc::clone(&disk) as Arc<dyn Report>);
    let outcome = jobs::block_on(Limits::default(), async |stop| {
        let mut fetcher = Fetcher::new(&account, &*disk, stop);
        fetcher.noop_every = Duration::from_millis(5);
        fetcher.fetch(Secret::from("secret"), &delivery).await
    });
    let outcome = outcome.unwrap();
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    assert_eq!(disk.patient.get(), Some(&true));
    assert_eq!((outcome.summary.stored, outcome.summary.deleted), (2, 2));
    assert_eq!(sandbox.messages_left("me").unwrap(), 0);
}
