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
//! Not covered here: time limits (an answer that does not come is a connection that ends); the lock
//! file of an mbox and the temporary files for whole messages, which are real ones; other programs
//! that write to an mbox; SQLite's own durability, which stands as the trait promises it; commands
//! and standard output.
//!
//! `POPFETCH_SIMULATION_SEEDS=0..1000000` runs other seeds than the ordinary ones, and one seed
//! that fails is told as a story.

mod check;
mod cuts;
mod disk;
mod file_system;
mod given;
mod mail;
mod maildrop;
mod mischief;
mod owners;
mod random;
mod sabotage;
mod server;
mod session;
mod setting;
mod store;
mod tests;
mod volumes;
mod wire;
mod world;

use std::fs;
use std::io;
use std::sync::Arc;

use poplib::Secret;
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

use self::check::Place;
use self::disk::{Disk, Loss};
use self::file_system::SimulatedFileSystem;
use self::maildrop::{Maildrop, OWNERS_APART};
use self::random::Random;
use self::sabotage::Sabotage;
use self::server::Obeys;
use self::setting::Setting;
use self::store::SimulatedStore;
use self::world::{Fault, FaultKind, World};
use crate::account::Account;
use crate::clock::Clock;
use crate::deliver::queue::Bounds;
use crate::deliver::{Delivery, Destinations, Targets};
use crate::failure::Failure;
use crate::fetch::Fetcher;
use crate::fs::FileSystem;
use crate::key::Key;
use crate::plan::Keep;
use crate::report::{Event, Report};
use crate::settings::Settings;
use crate::state::{AccountId, Change, Claim, Doubt, Row, SqliteStore, State, StateStore};
use crate::stop::Stop;

pub(crate) use wire::open;

/// So many undisturbed runs must do.
const ENOUGH: usize = 24;
/// So many new messages tell how a server counts octets.
const ENOUGH_SIZES: usize = 10;
/// More messages than there are.
const ONE_BATCH: usize = 100;
const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
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
        for name in setting::DISKS {
            let made = fs::create_dir(root.path().join(name));
            made.expect("there is room for a directory");
        }
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

struct Simulation {
    world: World,
    random: Random,
    store: Arc<SimulatedStore>,
    account_id: AccountId,
    account: Account,
    batch: usize,
    file_system: Arc<dyn FileSystem>,
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
        let maildrop = Maildrop::new(setting.server, setting.owner * OWNERS_APART);
        account.maildrop += &setting.owner.to_string();
        let mounts = setting.mounts(bench.root.path());
        let disk = Disk::new(bench.root.path(), &mounts);
        let world = World::new(Random::new(random.next()), disk, maildrop, sabotage, tells);
        let mut inside = world.lock();
        (inside.places, inside.mounts) = (places, mounts);
        drop(inside);
        let inner = SqliteStore::in_memory().expect("there is memory for a state");
        let account_id = inner.meet(&account.maildrop).expect("it can be written");
        Self {
            file_system: Arc::new(SimulatedFileSystem {
                world: world.clone(),
                has_groups: random.once_in(2),
            }),
            store: Arc::new(SimulatedStore::new(inner, world.clone(), setting.owner)),
            world,
            random,
            account_id,
            account,
            batch: setting.batch,
        }
    }

    fn live(&mut self, bench: &Bench) {
        self.receive_first();
        for _ in 0..=self.random.below(5) {
            self.disturbed_run(bench);
            self.change_disks();
        }
        self.retry();
        self.put_disks_right();
        self.settle(bench);
    }

    fn receive_first(&mut self) {
        let first = match self.random.below(4) {
            0 => 9,
            _ => 1,
        };
        let messages = first + self.random.below(4);
        let mut inside = self.world.lock();
        inside.maildrop.receive(messages, &mut self.random);
    }

    fn disturbed_run(&mut self, bench: &Bench) {
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

    /// Nothing goes wrong any more, until there is nothing left to do.
    fn settle(&mut self, bench: &Bench) {
        let mut inside = self.world.lock();
        if inside.maildrop.server.overstates() {
            inside.maildrop.receive(ENOUGH_SIZES, &mut self.random);
        }
        drop(inside);
        for run in 0..ENOUGH {
            self.world.tell(|| "an undisturbed run".into());
            let mut inside = self.world.lock();
            inside.begin(None);
            inside.maildrop.mischief_in = 0;
            inside.now += if run < ENOUGH / 2 { HOUR } else { DAY };
            drop(inside);
            let ended = bench.runtime.block_on(self.run(bench));
            if let Err(failure) = &ended {
                self.world.tell(|| format!("  it failed: {failure}"));
            }
            if ended.is_ok() && self.is_settled() {
                break;
            }
            if run + 1 == ENOUGH {
                let rows = self.rows();
                let mut inside = self.world.lock();
                let left = inside.maildrop.messages.len();
                (inside.violations).push(format!("{left} messages are left, and rows: {rows:?}"));
            }
        }
        let mut inside = self.world.lock();
        let mut findings = inside.findings();
        inside.violations.append(&mut findings);
    }

    fn fault(&mut self) -> Option<Fault> {
        use FaultKind::{Away, Error, Kill, PowerLoss};
        let kind = self.random.pick(&[
            None,
            Some(Kill),
            Some(Kill),
            Some(PowerLoss),
            Some(PowerLoss),
            Some(Error(io::ErrorKind::StorageFull)),
            Some(Error(io::ErrorKind::Other)),
            Some(Away),
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
        let messages = inside.maildrop.messages.len();
        if messages > 0 && self.random.once_in(12) {
            let index = self.random.below(messages);
            inside.take(index);
        }
        for told in inside.maildrop.pass(&mut self.random) {
            inside.tell(|| told);
        }
    }

    /// Somebody wants messages tried again that were given up.
    fn retry(&self) {
        let rows = self.rows().into_iter();
        let given_up: Vec<Key> = rows
            .filter(|(_, state, _)| *state == State::Quarantined)
            .map(|(key, ..)| key)
            .collect();
        let mut changes = given_up
            .iter()
            .map(|key| Change::Retry { key: key.as_ref() });
        let now = self.world.now();
        let retried = (self.store.inner).apply(self.account_id, now, &mut changes);
        retried.expect("they were given up");
    }

    fn rows(&self) -> Vec<(Key, State, Option<Doubt>)> {
        let mut rows = Vec::new();
        let visit = &mut |row: Row<'_>| rows.push((row.key.to_key(), row.state, row.doubt));
        if let Err(error) = self.store.inner.rows(self.account_id, visit) {
            let mut inside = self.world.lock();
            inside.violations.push(format!("unreadable: {error}"));
        }
        rows
    }

    /// Whether there is nothing left to do: what can go is gone from the server, and what stays is
    /// not asked for again.
    fn is_settled(&self) -> bool {
        let rows = self.rows();
        if (rows.iter()).any(|(_, state, _)| *state == State::Storing) {
            return false;
        }
        let is_decided =
            (rows.iter()).all(|(_, state, doubt)| *state != State::Pending && doubt.is_none());
        let inside = self.world.lock();
        let Maildrop {
            server,
            messages,
            asked,
            ..
        } = &inside.maildrop;
        let stays = self.account.policy.keep == Keep::Forever || server.obeys == Obeys::Nothing;
        if !stays {
            return messages.is_empty();
        }
        let is_known = inside.maildrop.is_known_again();
        let is_quiet = asked.is_little() || !is_known;
        let is_whole = is_decided && is_known;
        is_quiet && (is_whole || inside.findings().is_empty())
    }
}
