use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use tokio::task::LocalSet;
use tokio::time::sleep;

use super::support::{INTERVAL, Script, Told, account, failed, round};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// An office whose visits take a second.
struct Rig {
    office: Option<Office<Script>>,
    round: Rc<Round<Script>>,
    ask: watch::Sender<Option<Status>>,
    told: Arc<Told>,
    manager: UnixDatagram,
    _directory: TempDir,
}

impl Rig {
    fn new(ends: impl IntoIterator<Item = crate::fetch::Outcome>) -> Self {
        let (round, ask, told) = round(Script::new(SECOND, ends));
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let ledger = Arc::new(Ledger::new(Arc::clone(&told) as _, Arc::new(SystemClock)));
        let office = Office::new(round, ledger, Manager::at(path.as_os_str()));
        Self {
            round: Rc::clone(&office.round),
            office: Some(office),
            ask,
            told,
            manager,
            _directory: directory,
        }
    }

    /// Works with what is loaded, one configuration after the other, while `meddle` goes on.
    async fn run(
        &mut self,
        mut loads: Vec<Result<Vec<Account>, Failure>>,
        meddle: impl AsyncFnOnce(mpsc::Sender<()>, &watch::Sender<Option<Status>>),
    ) {
        let first = loads.remove(0).unwrap();
        let loads = Mutex::new(loads);
        let load = Arc::new(move || loads.lock().unwrap().remove(0));
        let (hang_up, hangups) = mpsc::channel(1);
        let work = self.office.take().unwrap().run(first, load, hangups);
        LocalSet::new()
            .run_until(async { tokio::join!(work, meddle(hang_up, &self.ask)) })
            .await;
    }

    /// What the service manager was told.
    fn notified(&self) -> Vec<String> {
        let mut datagram = [0; 256];
        std::iter::from_fn(|| {
            let octets = self.manager.recv(&mut datagram).ok()?;
            Some(String::from_utf8(datagram[..octets].to_vec()).unwrap())
        })
        .collect()
    }
}

fn stop(ask: &watch::Sender<Option<Status>>) {
    ask.send(Some(Status::Terminated)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_account_is_visited_until_somebody_asks_to_stop() {
    let mut rig = Rig::new([]);
    let accounts = vec![account("one"), account("two")];
    rig.run(vec![Ok(accounts)], async |_, ask| {
        sleep(INTERVAL * 2 / 3).await;
        stop(ask);
    })
    .await;
    let mut names = rig.round.visitor.names();
    names.sort();
    assert_eq!(names, ["one", "two"]);
    let lines = rig.told.lines();
    assert_eq!(lines[0], ": Polling { accounts: 2 }");
    assert_eq!(lines.last().unwrap(), ": Stopping { accounts: 0 }");
    let notified = rig.notified();
    assert_eq!(notified[0], "READY=1\nSTATUS=2 accounts");
    assert_eq!(notified.last().unwrap(), "STOPPING=1\nSTATUS=stopping");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_visits_to_end() {
    let mut rig = Rig::new([]);
    rig.run(vec![Ok(vec![account("one")])], async |_, ask| {
        sleep(SECOND / 2).await;
        stop(ask);
    })
    .await;
    assert_eq!(rig.round.visitor.names(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_dismisses_and_employs() {
    let mut rig = Rig::new([]);
    let loads = vec![
        Ok(vec![account("one"), account("two")]),
        Ok(vec![account("two"), account("three")]),
    ];
    rig.run(loads, async |hang_up, ask| {
        sleep(10 * SECOND).await;
        hang_up.send(()).await.unwrap();
        // Into the second interval of those that are left.
        sleep(INTERVAL * 3 / 2).await;
        stop(ask);
    })
    .await;
    let names = rig.round.visitor.names();
    let visits = |of: &str| names.iter().filter(|name| *name == of).count();
    assert_eq!([visits("one"), visits("two"), visits("three")], [1, 3, 2]);
    let notified = rig.notified();
    let reloading = notified
        .iter()
        .position(|told| told.starts_with("RELOADING=1\n"));
    let ready = notified
        .iter()
        .rposition(|told| told.starts_with("READY=1\n"));
    assert!(reloading.unwrap() < ready.unwrap(), "{notified:?}");
}

#[tokio::test(start_paused = true)]
async fn a_broken_configuration_changes_nothing_and_says_so() {
    let mut rig = Rig::new([]);
    let broken = Failure::new(Status::Configuration, "line 3: no such key");
    rig.run(
        vec![Ok(vec![account("one")]), Err(broken)],
        async |hang_up, ask| {
            sleep(10 * SECOND).await;
            hang_up.send(()).await.unwrap();
            sleep(INTERVAL * 3 / 2).await;
            stop(ask);
        },
    )
    .await;
    // At its own time, not at the time of the attempt.
    assert_eq!(rig.round.visitor.names(), ["one", "one"]);
    assert!(rig.round.visitor.seconds()[1] > 250.0);
    let lines = rig.told.lines().join("\n");
    assert!(
        lines.contains("kept the old configuration: line 3"),
        "{lines}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_that_comes_back_during_its_last_visit_has_one_task() {
    let mut rig = Rig::new([]);
    let loads = vec![
        Ok(vec![account("one")]),
        Ok(Vec::new()),
        Ok(vec![account("one")]),
    ];
    rig.run(loads, async |hang_up, ask| {
        sleep(SECOND / 4).await;
        hang_up.send(()).await.unwrap();
        sleep(SECOND / 4).await;
        hang_up.send(()).await.unwrap();
        sleep(100 * SECOND).await;
        stop(ask);
    })
    .await;
    let ended = rig.round.visitor.seconds();
    let rounded: Vec<f64> = ended.iter().map(|time| time.round()).collect();
    assert_eq!(rounded, [1.0, 2.0], "two visits at once");
}

#[tokio::test(start_paused = true)]
async fn a_configuration_error_of_one_account_is_no_error_of_another() {
    let mut rig = Rig::new([failed(Status::Configuration)]);
    let accounts = vec![account("one"), account("two")];
    rig.run(vec![Ok(accounts)], async |_, ask| {
        sleep(INTERVAL * 3 / 2).await;
        stop(ask);
    })
    .await;
    assert_eq!(rig.round.visitor.names().len(), 3);
    let lines = rig.told.lines().join("\n");
    assert!(
        lines.contains("left alone until the configuration"),
        "{lines}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_watchdog_is_told_twice_in_its_time() {
    let mut rig = Rig::new([]);
    let office = rig.office.as_mut().unwrap();
    office.manager.watchdog = Some(20 * SECOND);
    rig.run(vec![Ok(vec![account("one")])], async |_, ask| {
        sleep(105 * SECOND).await;
        stop(ask);
    })
    .await;
    let alive = rig
        .notified()
        .iter()
        .filter(|told| *told == "WATCHDOG=1")
        .count();
    assert_eq!(alive, 10);
}

#[test]
fn what_was_typed_in_once_is_not_asked_for_again() {
    static READ: AtomicUsize = AtomicUsize::new(0);
    let ask = |account: &mut Account, typed: &mut Typed| {
        typed.fill(account, |_| {
            READ.fetch_add(1, Ordering::Relaxed);
            Ok(Secret::from("typed"))
        });
    };
    let mut typed = Typed::default();
    for _ in 0..3 {
        let mut account = account("one");
        account.password = Source::Ask;
        ask(&mut account, &mut typed);
        assert!(matches!(account.password, Source::Given(_)));
    }
    assert_eq!(READ.load(Ordering::Relaxed), 1);
}
