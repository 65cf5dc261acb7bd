//! The connection is cut at every octet of a session, and one undisturbed run puts it right.

use super::maildrop::Cut;
use super::server::Server;
use super::*;

/// More than any session has.
const LONGEST: usize = 100_000;

/// One run whose connection is cut, and one that is undisturbed. Whether it came to the cut, and
/// what must not be and was.
fn cut(bench: &Bench, setting: &Setting, cut: Cut) -> (bool, Vec<String>) {
    let mut simulation = Simulation::of(bench, setting, Random::new(1), None, false);
    let mut inside = simulation.world.lock();
    inside.maildrop.receive(4, &mut simulation.random);
    inside.maildrop.cut = Some(cut);
    drop(inside);
    let mut ended = Ok(());
    for _ in 0..2 {
        simulation.world.lock().begin(None);
        ended = bench.runtime.block_on(simulation.run(bench));
    }
    let is_settled = simulation.is_settled();
    let mut inside = simulation.world.lock();
    let mut findings = inside.findings();
    inside.violations.append(&mut findings);
    if let Err(failure) = ended {
        inside.violations.push(format!("the second run: {failure}"));
    }
    if !is_settled {
        inside.violations.push("something is left to do".into());
    }
    (inside.maildrop.cut.is_none(), inside.violations.clone())
}

fn survives_every_cut(maildir: bool, mbox: bool, pipelines: bool) {
    let setting = Setting {
        maildir,
        mbox,
        two_disks: false,
        keep: Keep::None,
        batch: ONE_BATCH,
        server: Server::honest(pipelines),
        owner: 0,
    };
    let bench = Bench::new();
    for direction in [Cut::Sent, Cut::Received] {
        let mut octets = 0;
        loop {
            let (was_cut, violations) = cut(&bench, &setting, direction(octets));
            assert!(
                violations.is_empty(),
                "{:?}: {violations:#?}",
                direction(octets)
            );
            if !was_cut {
                break;
            }
            octets += 1;
            assert!(octets < LONGEST, "no session has as many octets");
        }
        println!("{setting:?}: {:?} and before", direction(octets));
        // The greeting, the login, lists and four messages; the commands for that.
        assert!(octets > 100, "it was cut at {octets} octets only");
    }
}

#[test]
fn a_cut_at_any_octet_leaves_a_maildir_whole() {
    survives_every_cut(true, false, false);
}

#[test]
fn a_cut_at_any_octet_of_a_pipeline_leaves_a_maildir_whole() {
    survives_every_cut(true, false, true);
}

#[test]
fn a_cut_at_any_octet_leaves_an_mbox_whole() {
    survives_every_cut(false, true, false);
}

#[test]
fn a_cut_at_any_octet_of_a_pipeline_leaves_an_mbox_whole() {
    survives_every_cut(false, true, true);
}
