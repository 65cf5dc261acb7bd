//! Two accounts of two states deliver to one Maildir. They take turns, and either may be killed in
//! its own: what one has left half-written, the other must neither finish nor take away.

use super::sabotage::Sabotage;
use super::server::Server;
use super::setting::Setting;
use super::world::FaultKind;
use super::*;

/// More seeds than a broken rule needs to show.
const SEEDS: u64 = 300;

/// Lives through what the seed decides. What must not be and was.
fn live(bench: &Bench, seed: u64, sabotage: Option<Sabotage>) -> Vec<String> {
    let mut random = Random::new(seed);
    let first = Setting {
        maildir: true,
        mbox: false,
        ..Setting::draw(&mut random)
    };
    let second = Setting {
        server: Server::honest(random.once_in(2)),
        owner: 1,
        ..first
    };
    let mut owner = |setting: &Setting| {
        let random = Random::new(random.next());
        Simulation::of(bench, setting, random, sabotage, false)
    };
    let (mut first, mut second) = (owner(&first), owner(&second));
    for one in [&mut first, &mut second] {
        one.receive_first();
    }
    for _ in 0..3 {
        first.disturbed_run(bench);
        first.put_disks_right();
        first.lend_disk(&second);
        second.run_and_be_killed(bench);
        second.lend_disk(&first);
    }
    first.retry();
    first.settle(bench);
    first.lend_disk(&second);
    second.settle(bench);
    second.lend_disk(&first);
    // What the first has must be there still.
    let mut found = first.world.lock().findings();
    for one in [&first, &second] {
        found.append(&mut one.world.lock().violations);
    }
    found
}

impl Simulation {
    /// A run against a server that does what it should.
    fn run_and_be_killed(&mut self, bench: &Bench) {
        let fault = self.fault().filter(|fault| fault.kind == FaultKind::Kill);
        self.world.lock().begin(fault);
        let _ = bench.runtime.block_on(self.run(bench));
        let is_dead = self.world.lock().is_dead;
        if is_dead {
            self.store.crash(self.account_id);
        }
        let mut inside = self.world.lock();
        inside.now += MINUTE;
        inside.maildrop.receive(1, &mut self.random);
    }

    /// The other one has its turn.
    fn lend_disk(&self, other: &Self) {
        let (mut ours, mut theirs) = (self.world.lock(), other.world.lock());
        std::mem::swap(&mut ours.disk, &mut theirs.disk);
        theirs.now = theirs.now.max(ours.now);
    }
}

#[test]
fn e23_two_accounts_of_one_maildir_leave_each_other_alone() {
    let bench = Bench::new();
    for seed in 0..SEEDS {
        let found = live(&bench, seed, None);
        assert!(found.is_empty(), "seed {seed}: {found:#?}");
    }
}

#[test]
fn e23_names_that_do_not_tell_their_owner_are_found() {
    let bench = Bench::new();
    let sabotage = Some(Sabotage::OwnerForgotten);
    let seed = (0..SEEDS).find(|&seed| !live(&bench, seed, sabotage).is_empty());
    println!("{:?}: seed {}", sabotage, seed.expect("it was not found"));
}
