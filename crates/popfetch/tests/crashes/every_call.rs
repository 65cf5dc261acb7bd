//! SIGKILL at every system call that touches disk or network.

use std::collections::BTreeSet;

use crate::set_up::{Into, SetUp, is_whole, numbers};
use crate::support::{By, Rig};
use crate::tracer::{self, Call, Fate};

/// Threads take turns as they like, so that no two runs make the same number of calls.
const MORE: usize = 20;

/// The calls to be killed at. Where names are made, an ordinary run looks at each, elsewhere at some.
fn chosen(undisturbed: &[Call]) -> BTreeSet<usize> {
    let share = numbers(undisturbed.len() + MORE, 8);
    let named = (1..).zip(undisturbed).filter(|(_, call)| call.makes_name);
    let around = named.flat_map(|(number, _)| number..number + 2);
    share.chain(around).collect()
}

/// Kills a run at every call, and lets another one put it right. `before` is what came before it.
fn survives_a_kill_at_every_call(set_up: SetUp, before: fn(SetUp) -> Rig) {
    let rig = before(set_up);
    let undisturbed = tracer::run(&set_up.command(&rig), |_| true, Fate::Undisturbed);
    assert_eq!(undisturbed.status, Some(0), "{}", undisturbed.err);
    set_up.assert_recovers(&rig, "undisturbed");
    let calls = undisturbed.calls.len();
    let chosen = chosen(&undisturbed.calls);
    assert!(!is_whole() || chosen.len() == calls + MORE);
    let mut killed = 0;
    for &at in &chosen {
        let rig = before(set_up);
        let traced = tracer::run(&set_up.command(&rig), |_| true, Fate::KilledAt(at));
        let what = format!("killed at {at}: {:?}", traced.calls.last());
        match traced.status {
            None => killed += 1,
            status => assert!(status == Some(0) && at > calls / 2, "{what}: {status:?}"),
        }
        set_up.assert_recovers(&rig, &what);
    }
    println!("{set_up:?}: {calls} calls, killed at {killed} of them");
    assert!(killed > chosen.len() / 2);
}

/// A run that was killed when some files were in `new/` and others were not, or when an mbox was
/// written to and the state did not know it yet.
fn half_delivered(set_up: SetUp) -> Rig {
    let rig = set_up.rig();
    let (counts, at): (fn(&Call) -> bool, _) = match set_up.into {
        Into::Maildir => (|call| call.name == "rename", 3),
        Into::Mbox => (|call| call.name == "fsync" && call.is_of("/mbox"), 1),
    };
    let traced = tracer::run(&set_up.command(&rig), counts, Fate::KilledAt(at));
    assert_eq!(traced.status, None);
    set_up.await_server(&rig);
    rig
}

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn into_a_maildir_in_clear() {
    survives_a_kill_at_every_call(
        SetUp {
            by: By::Plaintext,
            into: Into::Maildir,
            messages: 6,
        },
        SetUp::rig,
    );
}

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn into_a_maildir_by_tls() {
    survives_a_kill_at_every_call(
        SetUp {
            by: By::ImplicitTls,
            into: Into::Maildir,
            messages: 6,
        },
        SetUp::rig,
    );
}

/// More messages than are made durable one by one.
#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn into_a_maildir_as_a_group() {
    survives_a_kill_at_every_call(
        SetUp {
            by: By::Stls,
            into: Into::Maildir,
            messages: 12,
        },
        SetUp::rig,
    );
}

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn into_an_mbox_in_clear() {
    survives_a_kill_at_every_call(
        SetUp {
            by: By::Plaintext,
            into: Into::Mbox,
            messages: 6,
        },
        SetUp::rig,
    );
}

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn into_an_mbox_by_tls() {
    survives_a_kill_at_every_call(
        SetUp {
            by: By::ImplicitTls,
            into: Into::Mbox,
            messages: 6,
        },
        SetUp::rig,
    );
}

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn recovering_a_maildir() {
    let set_up = SetUp {
        by: By::ImplicitTls,
        into: Into::Maildir,
        messages: 6,
    };
    survives_a_kill_at_every_call(set_up, half_delivered);
}

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn recovering_an_mbox() {
    let set_up = SetUp {
        by: By::Plaintext,
        into: Into::Mbox,
        messages: 6,
    };
    survives_a_kill_at_every_call(set_up, half_delivered);
}
