use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::task::{self, JoinSet};

use super::*;

fn limits(jobs: u16, per_host: u16) -> Limits {
    Limits {
        jobs: jobs.try_into().ok().map(Count),
        per_host: per_host.try_into().ok().map(Count),
    }
}

#[test]
fn each_job_has_a_thread_for_what_blocks_and_there_are_some_to_spare() {
    let threads = |jobs| limits(jobs, 1).threads();
    assert_eq!([1, 64, 1_000].map(threads), [33, 96, 1_032]);
}

/// How many have their turn, on each host and (as "") in all: now and at most.
#[derive(Default)]
struct Watch(BTreeMap<String, (usize, usize)>);

impl Watch {
    fn enters(&mut self, host: &str) {
        for host in [host, ""] {
            let (now, most) = self.0.entry(host.into()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
    }

    fn leaves(&mut self, host: &str) {
        for host in [host, ""] {
            self.0.get_mut(host).unwrap().0 -= 1;
        }
    }
}

/// Gives each of these hosts its turn. How many had it at the same time.
fn rush(limits: Limits, hosts: impl Iterator<Item = String>) -> BTreeMap<String, (usize, usize)> {
    let watch = Rc::new(RefCell::new(Watch::default()));
    let finished = jobs(async {
        let turns = Rc::new(Turns::new(limits));
        let mut tasks = JoinSet::new();
        for host in hosts {
            let (turns, watch) = (Rc::clone(&turns), Rc::clone(&watch));
            tasks.spawn_local(async move {
                let _turn = turns.take(&host).await;
                watch.borrow_mut().enters(&host);
                // Long enough for everybody else to try.
                for _ in 0..100 {
                    task::yield_now().await;
                }
                watch.borrow_mut().leaves(&host);
            });
        }
        tasks.join_all().await.len()
    });
    assert!(finished > 0);
    Rc::try_unwrap(watch).ok().unwrap().into_inner().0
}

fn jobs<T>(work: impl Future<Output = T>) -> T {
    block_on(Limits::default(), async |_stop| work.await).unwrap()
}

#[test]
fn no_more_than_so_many_at_once_and_no_fewer() {
    let hosts = (0..100).map(|n| format!("host{n}"));
    assert_eq!(rush(limits(16, 4), hosts)[""], (0, 16));
}

#[test]
fn no_more_than_so_many_on_a_host_however_many_could() {
    let hosts = (0..60).map(|n| ["a", "b", "c"][n % 3].to_owned());
    let seen = rush(limits(64, 4), hosts);
    assert_eq!(seen[""], (0, 12));
    assert!(["a", "b", "c"].iter().all(|host| seen[*host] == (0, 4)));
}

#[test]
fn those_who_wait_for_their_host_keep_nobody_else_waiting() {
    jobs(async {
        let turns = Turns::new(limits(2, 1));
        let _first = turns.take("slow").await;
        let mut second = std::pin::pin!(turns.take("SLOW"));
        tokio::select! {
            biased;
            _ = &mut second => panic!("two on one host"),
            _other = turns.take("quick") => {}
        }
    });
}

#[test]
fn e19_a_turn_knows_whether_others_wait_for_it() {
    jobs(async {
        let turns = Turns::new(limits(2, 1));
        let first = turns.take("a").await;
        let second = turns.take("b").await;
        assert!(!first.is_wanted() && !second.is_wanted());
        {
            // Only the turn on its own host would help it.
            let mut same_host = std::pin::pin!(turns.take("A"));
            tokio::select! {
                biased;
                _turn = &mut same_host => panic!("the host has one already"),
                () = task::yield_now() => {}
            }
            assert!(first.is_wanted() && !second.is_wanted());
        }
        // Whoever has given up waits no more.
        assert!(!first.is_wanted());
        let mut third = std::pin::pin!(turns.take("c"));
        tokio::select! {
            biased;
            _turn = &mut third => panic!("there are two already"),
            () = task::yield_now() => {}
        }
        assert!(first.is_wanted() && second.is_wanted());
        drop(first);
        third.await;
        assert!(!second.is_wanted());
    });
}
