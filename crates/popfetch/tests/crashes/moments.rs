//! SIGKILL at random moments, several times in a row.

use std::thread;
use std::time::{Duration, Instant};

use crate::random::Random;
use crate::set_up::{Into, SetUp, is_whole};
use crate::support::{By, start};

const SET_UPS: [SetUp; 4] = [
    SetUp {
        by: By::ImplicitTls,
        into: Into::Maildir,
        messages: 60,
    },
    SetUp {
        by: By::Plaintext,
        into: Into::Mbox,
        messages: 60,
    },
    SetUp {
        by: By::Plaintext,
        into: Into::Maildir,
        messages: 7,
    },
    SetUp {
        by: By::Stls,
        into: Into::Mbox,
        messages: 7,
    },
];

/// How long an undisturbed run takes.
fn time(set_up: SetUp) -> Duration {
    let rig = set_up.rig();
    let begun = Instant::now();
    set_up.assert_recovers(&rig, "nothing");
    begun.elapsed()
}

/// Kills and starts again some times, and at last lets it run. How often it was killed.
fn round(seed: u64, set_up: SetUp, time: Duration) -> usize {
    let mut random = Random::new(seed);
    let rig = set_up.rig();
    let mut moment = || Duration::from_micros(random.next() % time.as_micros() as u64);
    let moments: Vec<_> = (0..1 + seed % 4).map(|_| moment()).collect();
    let mut killed = 0;
    for moment in &moments {
        let mut child = start(&mut set_up.command(&rig));
        thread::sleep(*moment);
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        set_up.await_server(&rig);
    }
    set_up.assert_recovers(&rig, &format!("round {seed}, killed after {moments:?}"));
    killed
}

#[test]
#[ignore = "needs a release build: some hundred runs"]
fn killed_at_random_moments_each_message_is_there_once() {
    let rounds = if is_whole() { 500 } else { 40 };
    let times = SET_UPS.map(time);
    let mut killed = 0;
    for seed in 0..rounds {
        let index = seed as usize / 4 % SET_UPS.len();
        killed += round(seed, SET_UPS[index], times[index]);
    }
    println!("{rounds} rounds, {killed} kills; undisturbed: {times:?}");
    // A moment may come too late.
    assert!(killed >= rounds as usize);
}
