use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;

/// Other seeds than the ordinary ones: `42`, or `0..1000000`.
const SEEDS: &str = "POPFETCH_SIMULATION_SEEDS";
/// What an ordinary test has time for.
const ORDINARY: u64 = 600;
/// A broken rule must show within so many seeds.
const SABOTAGED: u64 = 1000;

fn seeds() -> Range<u64> {
    let Ok(given) = std::env::var(SEEDS) else {
        return 0..ORDINARY;
    };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{SEEDS}={given}"));
    match given.split_once("..") {
        Some((start, end)) => number(start)..number(end),
        None => number(&given)..number(&given) + 1,
    }
}

/// What must not be and was, and the story if it was told.
struct Found {
    seed: u64,
    violations: Vec<String>,
    story: String,
}

/// The first of these seeds at which something must not be.
fn search(seeds: Range<u64>, trial: impl Fn(u64) -> Trial + Sync, tells: bool) -> Option<Found> {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let bench = Bench::new();
        let mut found = None;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if found.is_some() || seed >= seeds.end {
                return found;
            }
            let (violations, story) = bench.simulate(trial(seed), tells);
            if !violations.is_empty() {
                next.store(seeds.end, Ordering::Relaxed);
                found = Some(Found {
                    seed,
                    violations,
                    story,
                });
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let found = workers
            .into_iter()
            .filter_map(|worker| worker.join().unwrap());
        found.min_by_key(|found| found.seed)
    })
}

#[test]
fn whatever_happens_each_message_arrives_once_and_is_deleted_only_then() {
    let seeds = seeds();
    let tells = seeds.end - seeds.start == 1;
    if let Some(Found {
        seed, violations, ..
    }) = search(seeds, Trial::of, false)
    {
        let (_, story) = Bench::new().simulate(Trial::of(seed), true);
        panic!("{story}\n\n{violations:#?}\n\nagain: {SEEDS}={seed}");
    }
    if tells {
        println!("nothing is wrong with it");
    }
}

#[test]
fn whatever_happens_between_several_batches_each_message_arrives_once() {
    for batch in 1..=3 {
        let trial = |seed| Trial {
            batch,
            ..Trial::of(seed)
        };
        if let Some(Found {
            seed,
            violations,
            story,
        }) = search(seeds(), trial, true)
        {
            // The disk's threads may take other turns the next time.
            panic!("{story}\n\n{violations:#?}\n\nperhaps again: {SEEDS}={seed}");
        }
    }
}

#[test]
fn every_broken_rule_is_found() {
    for sabotage in Sabotage::ALL {
        let trial = |seed| Trial {
            sabotage: Some(sabotage),
            ..Trial::of(seed)
        };
        match search(0..SABOTAGED, trial, false) {
            Some(Found {
                seed, violations, ..
            }) => println!("{sabotage:?}: seed {seed}: {}", violations[0]),
            None => panic!("{sabotage:?} was not found"),
        }
    }
}

#[test]
fn a_seed_decides_everything() {
    let bench = Bench::new();
    for seed in 0..60 {
        let operations = || {
            let (_, story) = bench.simulate(Trial::of(seed), true);
            let is_operation = |line: &&str| line.trim_start().starts_with(char::is_numeric);
            let operations = story.lines().filter(is_operation).map(str::to_owned);
            operations.collect::<Vec<_>>()
        };
        assert_eq!(operations(), operations(), "seed {seed}");
    }
}
