//! A week of polling in less than a minute. The clocks are ours: they stand still during a visit, and
//! move on to the next one when it is over. The visits are real, by TLS, with a state and a Maildir
//! on the disk.

use std::fs;
use std::iter;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc as threads;

use poplib::{Config, Timeouts, Tls};
use poplib_sandbox::{Mailbox, Sandbox};
use tempfile::TempDir;
use tokio::task::LocalSet;
use tokio::time;

use super::support::account;
use super::*;
use crate::clock::{Clock, Timestamp};
use crate::deliver::Destinations;
use crate::jobs::Limits;
use crate::plan::Keep;
use crate::random::Random;
use crate::stop::Stop;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long messages are kept on the server.
const KEPT: Duration = Duration::from_secs(2 * 24 * 60 * 60);
const USER: &str = "one";

/// What goes wrong, each in a visit of its own: before the login, at it, in the listing, in a
/// message, and at the end.
const FAULTS: [&str; 11] = [
    "err-greeting",
    "close-on=CAPA",
    "refuse-login=[SYS/TEMP] later",
    "close-on=UIDL",
    "refuse=RETR",
    "close-on=RETR",
    "reset-after=4000",
    "close-on=DELE",
    "err-on-quit",
    "close-on=QUIT",
    "lose-quit-answer",
];

/// The time of day, for the state.
#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_225_600 + self.0.load(Ordering::Relaxed))
    }
}

/// Says when a visit is over: how long the account waits now, and whether the visit failed.
struct Waits(mpsc::UnboundedSender<(Duration, bool)>);

impl Report for Waits {
    fn report(&self, _: &str, event: Event<'_>) {
        if let Event::Waiting { time, failed } = event {
            self.0.send((time, failed)).unwrap();
        }
    }
}

/// What this process holds: file descriptors, threads, and KiB of memory.
#[derive(Debug)]
struct Held {
    files: usize,
    threads: usize,
    kib: usize,
}

impl Held {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let number = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.unwrap().trim().trim_end_matches(" kB");
            number.parse::<usize>().unwrap()
        };
        Self {
            files: fs::read_dir("/proc/self/fd").unwrap().count(),
            threads: number("Threads:"),
            kib: number("VmRSS:"),
        }
    }
}

/// A server to which mail comes, and what came.
struct Post {
    sandbox: Sandbox,
    random: Random,
    /// Every message, and when it came.
    sent: Vec<(String, Duration)>,
    faults: iter::Cycle<std::array::IntoIter<&'static str, 11>>,
}

impl Post {
    fn new() -> Self {
        let sandbox = Sandbox::builder()
            .mailbox(USER, "secret", Mailbox::empty())
            .record_up_to(0)
            .start();
        Self {
            sandbox: sandbox.unwrap(),
            random: Random::new(7),
            sent: Vec::new(),
            faults: FAULTS.into_iter().cycle(),
        }
    }

    fn account(&self, root: &TempDir) -> Account {
        let tls = Tls::with_authorities(self.sandbox.ca_pem().as_bytes()).unwrap();
        let mut account = account(USER);
        // The library counts from what the machine's clock says, which ours leaves behind.
        account.config = Config::new(self.sandbox.host())
            .with_port(self.sandbox.tls_addr().port())
            .with_tls(tls)
            .with_timeouts(Timeouts::each(2 * WEEK));
        account.destinations = Destinations::maildir(&root.path().join("mail"));
        account.policy.keep = Keep::For(KEPT);
        account
    }

    /// What happens until the next visit: before one in seven, some mail comes. In half of those
    /// and in one in twenty of the others, something goes wrong in the first session.
    fn goes_on(&mut self, now: Duration) {
        let sessions = self.sandbox.sessions().len() as u64;
        assert!(self.sandbox.wait_ended(sessions, DAY));
        let has_mail = self.once_in(7);
        let messages = if has_mail {
            1 + self.random.next() % 3
        } else {
            0
        };
        for _ in 0..messages {
            let number = self.sent.len();
            let message = format!("Subject: {number}\n\n{}", "0123456789\n".repeat(100));
            self.sandbox.deliver(USER, message.as_str()).unwrap();
            self.sent.push((message, now));
        }
        let goes_wrong = self.once_in(if has_mail { 2 } else { 20 });
        let fault = self.faults.by_ref().take(usize::from(goes_wrong));
        let fault = fault.map(|fault| format!("{fault}@{}", sessions + 1).parse().unwrap());
        self.sandbox.set_faults(fault);
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.random.next().is_multiple_of(times)
    }

    /// How many came after this.
    fn since(&self, time: Duration) -> u64 {
        self.sent.iter().filter(|(_, came)| *came >= time).count() as u64
    }
}

/// Lives through the week while the office works. What was held after the first day and at the end,
/// how many visits there were, and how many of them failed.
async fn live(
    post: &mut Post,
    hands: &Hands,
    mut waits: mpsc::UnboundedReceiver<(Duration, bool)>,
) -> ([Held; 2], usize, usize) {
    let (mut now, mut visits, mut failures) = (Duration::ZERO, 0, 0);
    let mut first_day = None;
    while now < WEEK {
        let (wait, failed) = waits.recv().await.unwrap();
        visits += 1;
        failures += usize::from(failed);
        if now >= DAY && first_day.is_none() {
            first_day = Some(Held::now());
        }
        post.goes_on(now);
        now += wait;
        hands.0.store(now.as_secs() as i64, Ordering::Relaxed);
        time::advance(wait + Duration::from_millis(1)).await;
    }
    waits.recv().await.unwrap();
    ([first_day.unwrap(), Held::now()], visits, failures)
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a release build: two thousand visits"]
async fn a_week_of_polling_delivers_everything_once_and_holds_no_more_than_a_day_of_it() {
    let (root, mut post, hands) = (TempDir::new().unwrap(), Post::new(), Arc::default());
    // tokio moves a paused clock on when there is nothing to do but wait, be it for a server, unless
    // a thread is at work.
    let (done, work) = threads::channel::<()>();
    task::spawn_blocking(move || work.recv());

    let (tell, waits) = mpsc::unbounded_channel();
    let ledger = Ledger::new(Arc::new(Waits(tell)), Arc::clone(&hands) as _);
    let ledger = Arc::new(ledger);
    let state = root.path().join("state.db");
    let report = Arc::clone(&ledger) as Arc<dyn Report>;
    let shared = Shared::open(&state, Mode::Fetch, Limits::default(), Arc::clone(&report));
    let (ask, stop) = Stop::by_hand();
    let round = Round {
        visitor: shared.unwrap().by(Arc::clone(&hands) as _),
        turns: Turns::new(Limits::default()),
        report,
        stop,
    };
    let (_hang_up, hangups) = mpsc::channel(1);
    let office = Office::new(round, ledger, Manager::from_environment());
    let accounts = vec![post.account(&root)];
    let work = office.run(accounts, Arc::new(|| Ok(Vec::new())), hangups);
    let life = async {
        let lived = live(&mut post, &hands, waits).await;
        ask.send(Some(Status::Terminated)).unwrap();
        lived
    };
    let ((), lived) = LocalSet::new()
        .run_until(async { tokio::join!(work, life) })
        .await;
    drop(done);

    let ([day, week], visits, failures) = lived;
    println!(
        "{visits} visits, {failures} failed, {} messages",
        post.sent.len()
    );
    println!("after a day {day:?}, after a week {week:?}");
    assert!(visits > 2_000 && failures > 100, "{failures} of {visits}");
    let mut sent: Vec<String> = post
        .sent
        .iter()
        .map(|(message, _)| message.clone())
        .collect();
    let mut delivered: Vec<String> = fs::read_dir(root.path().join("mail/new"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    sent.sort();
    delivered.sort();
    assert!(delivered == sent, "{} delivered", delivered.len());
    // What was kept long enough is gone, and nothing else.
    let left = post.sandbox.messages_left(USER).unwrap();
    assert!(left >= post.since(WEEK - KEPT) && left <= post.since(WEEK - KEPT - DAY));
    // A session may be ending still. And the sandbox, which is in this process, too, remembers all.
    assert!(week.files <= day.files + 4 && week.threads <= day.threads + 4);
    assert!(week.kib < day.kib + 8 * 1024);
}
