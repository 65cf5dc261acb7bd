//! Simulated crashes. A seed decides everything: which messages there are, where they go, what the
//! server does, what the disk loses, and at which operation the process is killed, the power goes
//! or an error occurs. After some such runs come undisturbed ones, until nothing is left to do;
//! then each message must be once in each target, and must never have been deleted on the server
//! while a loss of power could have taken it here.
//!
//! It is the engine itself that runs, from the login to the last transaction: `Fetcher`, planner,
//! the disk's threads, targets, recovery, and SQLite's transactions. Simulated are the disk (all
//! that goes through [`FileSystem`](crate::fs::FileSystem)), the server at the other end of a
//! stream in memory, the clock, and the moments at which transactions fail. Seeds are replayed
//! exactly, although there are threads: in a session with one batch, which these are, the disk's
//! operations have one order, and the server changes nothing before they are over. Only what the
//! story tells of the network may stand elsewhere between them. Several batches in one session
//! have a test of their own, as the disk's threads then take turns as they like.
//!
//! Not covered here: time limits (an answer that does not come is a connection that ends); the lock file of an mbox and the temporary files for whole messages,
//! which are real ones; other programs that write to an mbox; SQLite's own durability, which
//! stands as the trait promises it; commands and standard output.
//!
//! `POPFETCH_SIMULATION_SEEDS=0..1000000` runs other seeds than the ordinary ones, and one seed
//! that fails is told as a story.

mod check;
mod cuts;
mod disk;
mod file_system;
mod maildrop;
mod random;
mod sabotage;
mod store;
mod tests;
mod wire;
mod world;

use std::io;
use std::path::Path;
use std::sync::Arc;

use poplib::Secret;
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

use self::check::Place;
use self::disk::{Disk, Loss};
use self::file_system::SimulatedFileSystem;
use self::maildrop::{Mail, Maildrop};
use self::random::Random;
use self::sabotage::Sabotage;
use self::store::SimulatedStore;
use self::world::{Fault, FaultKind, World};
use crate::account::Account;
use crate::clock::Clock;
use crate::deliver::queue::Bounds;
use crate::deliver::{Delivery, Destination, Destinations, Targets};
use crate::failure::Failure;
use crate::fetch::Fetcher;
use crate::fs::FileSystem;
use crate::key::Key;
use crate::plan::Keep;
use crate::report::{Event, Report};
use crate::settings::Settings;
use crate::state::{AccountId, Change, Claim, Row, SqliteStore, State, StateStore};
use crate::stop::Stop;

pub(crate) use wire::open;

/// So many undisturbed runs must do.
const ENOUGH: usize = 12;
/// More messages than there are.
const ONE_BATCH: usize = 100;
const HOUR: i64 = 60 * 60;
const MINUTE: i64 = 60;

/// What seeds need that run one behind the other.
struct Bench {
    runtime: Runtime,
    stop: Stop,
    /// Where the lock files of mboxes are.
    root: TempDir,
    account: Account,
}

impl Bench {
    fn new() -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime needs little");
        let stop = runtime.block_on(async { Stop::listen() });
        let root = TempDir::new().expect("there is room for a directory");
        let settings = Settings {
            server: Some("pop://me@simulated.example".into()),
            allow_plaintext: Some(true),
            maildir: vec![root.path().join("mail")],
            ..Settings::default()
        };
        Self {
            runtime,
            stop: stop.expect("signals can be listened to"),
            root,
            account: Account::new(None, settings).expect("these are sound settings"),
        }
    }

    /// Lives through what the seed decides. What must not be and was, and the story if it is to be
    /// told.
    fn simulate(&self, trial: Trial, tells: bool) -> (Vec<String>, String) {
        let mut simulation = Simulation::new(self, trial, tells);
        simulation.live(self);
        let inside = simulation.world.lock();
        (inside.violations.clone(), inside.story())
    }
}

/// What is tried.
#[derive(Clone, Copy)]
struct Trial {
    seed: u64,
    sabotage: Option<Sabotage>,
    /// Messages of a batch.
    batch: usize,
}

impl Trial {
    fn of(seed: u64) -> Self {
        Self {
            seed,
            sabotage: None,
            batch: ONE_BATCH,
        }
    }
}

/// What stays as it is while a seed is lived through.
#[derive(Debug)]
struct Setting {
    maildir: bool,
    mbox: bool,
    keep: Keep,
    /// Messages of a batch.
    batch: usize,
    /// The server's: see [`Maildrop`].
    pipelines: bool,
    deletes_fetched: bool,
}

impl Setting {
    fn draw(random: &mut Random) -> Self {
        let (maildir, mbox) = match random.below(4) {
            0 | 1 => (true, false),
            2 => (false, true),
            _ => (true, true),
        };
        Self {
            maildir,
            mbox,
            keep: random.pick(&[Keep::None, Keep::None, Keep::Forever]),
            batch: ONE_BATCH,
            pipelines: random.once_in(2),
            deletes_fetched: random.once_in(6),
        }
    }

    /// Where messages go, for the checker and for the engine.
    fn targets(&self, root: &Path) -> (Vec<Place>, Vec<Destination>) {
        let (maildir, mbox) = (root.join("mail"), root.join("mbox"));
        let maildir = self.maildir.then(|| {
            let place = Place::Maildir(maildir.clone());
            (place, Destination::Maildir(maildir))
        });
        let mbox = (self.mbox).then(|| (Place::Mbox(mbox.clone()), Destination::Mbox(mbox)));
        maildir.into_iter().chain(mbox).unzip()
    }
}

struct Simulation {
    world: World,
    random: Random,
    store: Arc<SimulatedStore>,
    account_id: AccountId,
    account: Account,
    batch: usize,
    file_system: Arc<dyn FileSystem>,
    /// Every message there ever was.
    all: Vec<Mail>,
}

struct Silent;

impl Report for Silent {
    fn report(&self, _: &str, _: Event<'_>) {}
}

impl Simulation {
    /// What the seed decides.
    fn new(bench: &Bench, trial: Trial, tells: bool) -> Self {
        let Trial {
            seed,
            sabotage,
            batch,
        } = trial;
        let mut random = Random::new(seed);
        let setting = Setting {
            batch,
            ..Setting::draw(&mut random)
        };
        let simulation = Self::of(bench, &setting, random, sabotage, tells);
        (simulation.world).tell(|| format!("seed {seed}: {setting:?}"));
        simulation
    }

    fn of(
        bench: &Bench,
        setting: &Setting,
        mut random: Random,
        sabotage: Option<Sabotage>,
        tells: bool,
    ) -> Self {
        let (places, all) = setting.targets(bench.root.path());
        let mut account = bench.account.clone();
        account.policy.keep = setting.keep;
        account.destinations = Destinations {
            all,
            ..account.destinations
        };
        let maildrop = Maildrop {
            messages: Vec::new(),
            pipelines: setting.pipelines,
            deletes_fetched: setting.deletes_fetched,
            mischief_in: 0,
            cut: None,
        };
        let disk = Disk::new(bench.root.path());
        let world = World::new(Random::new(random.next()), disk, maildrop, sabotage, tells);
        world.lock().places = places;
        let inner = SqliteStore::in_memory().expect("there is memory for a state");
        let account_id = inner.meet(&account.maildrop).expect("it can be written");
        Self {
            file_system: Arc::new(SimulatedFileSystem {
                world: world.clone(),
                has_groups: random.once_in(2),
            }),
            store: Arc::new(SimulatedStore::new(inner, world.clone())),
            world,
            random,
            account_id,
            account,
            batch: setting.batch,
            all: Vec::new(),
        }
    }

    fn live(&mut self, bench: &Bench) {
        let first = match self.random.below(8) {
            0 => 9,
            _ => 1,
        };
        let messages = first + self.random.below(4);
        self.receive(messages);
        for _ in 0..=self.random.below(5) {
            let fault = self.fault();
            self.world.tell(|| format!("a run, and {fault:?}"));
            let mut inside = self.world.lock();
            inside.begin(fault);
            inside.maildrop.mischief_in = 2;
            drop(inside);
            // How it ends, the checker tells.
            let _ = bench.runtime.block_on(self.run(bench));
            self.between_runs();
        }
        self.retry();
        for _ in 0..ENOUGH {
            self.world.tell(|| "an undisturbed run".into());
            let mut inside = self.world.lock();
            inside.begin(None);
            inside.maildrop.mischief_in = 0;
            inside.now += HOUR;
            drop(inside);
            let ended = bench.runtime.block_on(self.run(bench));
            if let Err(failure) = &ended {
                self.world.tell(|| format!("  it failed: {failure}"));
            }
            if ended.is_ok() && self.is_settled() {
                return self.world.lock().check(&self.all);
            }
        }
        let rows = self.rows();
        let mut inside = self.world.lock();
        let left = inside.maildrop.messages.len();
        (inside.violations).push(format!("{left} messages are left, and rows: {rows:?}"));
        inside.check(&self.all);
    }

    /// Mail arrives at the server.
    fn receive(&mut self, messages: usize) {
        let is_first = self.all.is_empty();
        for _ in 0..messages {
            let number = self.all.len();
            let unique_id = match is_first && self.random.once_in(8) {
                // Some servers give a unique-id twice at a time,
                true => "shared".into(),
                // and some give it to another message when the first is gone.
                false => (self.used_unique_id()).unwrap_or_else(|| format!("id{number}")),
            };
            let mut filling = "x".repeat(self.random.below(200));
            let content = loop {
                let content = format!("Number: {number}\r\n\r\n{filling}\r\nend of {number}\r\n");
                // Where a deletion was not confirmed, only the size tells them apart.
                let is_like = |other: &Mail| {
                    other.unique_id == unique_id && other.content.len() == content.len()
                };
                if is_first || !self.all.iter().any(is_like) {
                    break content.into_bytes();
                }
                filling.push('x');
            };
            let mail = Mail {
                unique_id,
                content,
                refusals: 2,
            };
            self.all.push(mail.clone());
            self.world.lock().maildrop.messages.push(mail);
        }
    }

    /// A unique-id whose message is gone, if the server is to use it again. Whoever keeps messages
    /// would take the next one for that.
    fn used_unique_id(&mut self) -> Option<String> {
        if self.account.policy.keep == Keep::Forever || !self.random.once_in(3) {
            return None;
        }
        let there = self.world.lock().maildrop.messages.clone();
        let used = self.all.iter().map(|mail| &mail.unique_id);
        let free: Vec<&String> = used
            .filter(|&used| there.iter().all(|mail| mail.unique_id != *used))
            .filter(|&used| used != "shared")
            .collect();
        (!free.is_empty()).then(|| self.random.pick(&free).clone())
    }

    fn fault(&mut self) -> Option<Fault> {
        use FaultKind::{Error, Kill, PowerLoss};
        let kind = self.random.pick(&[
            None,
            Some(Kill),
            Some(Kill),
            Some(PowerLoss),
            Some(PowerLoss),
            Some(Error(io::ErrorKind::StorageFull)),
            Some(Error(io::ErrorKind::Other)),
        ]);
        let at = 1 + self.random.below(52);
        kind.map(|kind| Fault { at, kind })
    }

    /// One run of the command.
    async fn run(&self, bench: &Bench) -> Result<(), Failure> {
        let _wire = wire::Wire::to(&self.world);
        let ended = self.visit(bench).await;
        wire::hang_up().await;
        ended
    }

    async fn visit(&self, bench: &Bench) -> Result<(), Failure> {
        let delivery = Delivery {
            bounds: Bounds {
                parcels: 4,
                batch_messages: self.batch,
                batch_octets: u64::MAX,
            },
            store: Arc::clone(&self.store) as Arc<dyn StateStore>,
            account: self.account_id,
            claim: Claim::of(self.account_id),
            account_name: self.account.name.clone(),
            maildrop: self.account.maildrop.clone(),
            targets: Targets::default(),
            file_system: Arc::clone(&self.file_system),
            clock: Arc::new(self.world.clone()),
            report: Arc::new(Silent),
        };
        let delivery = delivery.open(&self.account.destinations)?;
        let mut fetcher = Fetcher::new(&self.account, &Silent, bench.stop.clone());
        let password = Secret::from("secret".to_owned());
        let outcome = fetcher.fetch(password, &Arc::new(delivery)).await;
        outcome.failure.map_or(Ok(()), Err)
    }

    /// What happens to the machine, to the Maildir and at the server until the next run.
    fn between_runs(&mut self) {
        let mut inside = self.world.lock();
        let death = inside.death();
        if inside.is_dead {
            self.store.crash(self.account_id);
        }
        if death == Some(FaultKind::PowerLoss) || self.random.once_in(4) {
            let loss =
                (self.random).pick(&[Loss::Everything, Loss::Some, Loss::Some, Loss::Nothing]);
            inside.tell(|| format!("the power goes, and takes {loss:?}"));
            inside.disk.lose_power(loss, &mut self.random);
        }
        let jump = (self.random).pick(&[0, MINUTE, MINUTE, -HOUR, 37 * HOUR, 240 * HOUR]);
        inside.now += jump;
        inside.disk.now = inside.now;
        inside.tell(|| format!("{jump} seconds pass"));
        for place in inside.places.clone() {
            if let Place::Maildir(root) = place {
                if jump > 36 * HOUR {
                    inside.disk.sweep(&root.join("tmp"));
                }
                if self.random.once_in(3) {
                    inside.disk.read_mail(&root);
                }
            }
        }
        drop(inside);
        if self.random.once_in(3) {
            self.receive(1);
        }
    }

    /// Somebody wants messages tried again that were given up.
    fn retry(&self) {
        let rows = self.rows().into_iter();
        let given_up: Vec<Key> = rows
            .filter(|(_, state)| *state == State::Quarantined)
            .map(|(key, _)| key)
            .collect();
        let mut changes = given_up
            .iter()
            .map(|key| Change::Retry { key: key.as_ref() });
        let now = self.world.now();
        let retried = (self.store.inner).apply(self.account_id, now, &mut changes);
        retried.expect("they were given up");
    }

    fn rows(&self) -> Vec<(Key, State)> {
        let mut rows = Vec::new();
        let visit = &mut |row: Row<'_>| rows.push((row.key.to_key(), row.state));
        if let Err(error) = self.store.inner.rows(self.account_id, visit) {
            let mut inside = self.world.lock();
            inside.violations.push(format!("unreadable: {error}"));
        }
        rows
    }

    /// Whether there is nothing left to do.
    fn is_settled(&self) -> bool {
        let on_server = self.world.lock().maildrop.messages.len();
        let is_empty = self.account.policy.keep == Keep::Forever || on_server == 0;
        is_empty && (self.rows().iter()).all(|(_, state)| *state != State::Storing)
    }
}
