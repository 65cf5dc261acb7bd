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

#[test]
fn q27_a_session_that_waits_for_the_disk_says_so() {
    let directory = TempDir::new().unwrap();
    let mailbox = Mailbox::messages(["Subject: one\n\n", "Subject: two\n\n"]);
    let sandbox = Sandbox::builder().mailbox("me", "secret", mailbox).start();
    let sandbox = Arc::new(sandbox.unwrap());
    let account = account(&sandbox, &directory);
    let store = SqliteStore::open(&directory.path().join("state.db")).unwrap();
    let claim = store.claim("me").unwrap();
    let file_system: Arc<dyn FileSystem> = Arc::new(OsFileSystem);
    let disk = Arc::new(SlowDisk {
        sandbox: Arc::clone(&sandbox),
        patient: OnceLock::new(),
    });
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
        report: Arc::clone(&disk) as Arc<dyn Report>,
    };
    let delivery = Arc::new(delivery.open(&account.destinations).unwrap());
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
