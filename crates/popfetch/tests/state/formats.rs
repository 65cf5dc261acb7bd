//! A state of an older popfetch.

use std::fs;
use std::path::Path;

use poplib_sandbox::Mailbox;

use crate::namespace::mounted;
use crate::support::{Rig, finish, names, ran, start};

/// What the last popfetch of the first format left, with messages in every state.
pub(crate) const FIRST: &str = include_str!("../data/format-1.sql");

fn rig() -> Rig {
    let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
    write(&rig.path("state.db"));
    rig
}

pub(crate) fn write(path: &Path) {
    let state = rusqlite::Connection::open(path).unwrap();
    state.pragma_update(None, "journal_mode", "wal").unwrap();
    state.execute_batch(FIRST).unwrap();
}

fn version(path: &Path) -> i32 {
    let state = rusqlite::Connection::open(path).unwrap();
    state
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

#[test]
fn a_state_of_the_first_format_is_brought_to_the_second_by_one_of_several() {
    let rig = rig();
    let all: Vec<_> = (0..4)
        .map(|_| start(&mut rig.with_state(&["status"])))
        .collect();
    let mut told: Vec<_> = all
        .into_iter()
        .map(|child| finish(child).expect(0).out)
        .collect();
    told.dedup();
    let [told] = &told[..] else {
        panic!("{told:?}");
    };
    for line in [
        "alice@localhost:38187: stored 3 messages (192 B), the last on 2026-11-29 12:15 UTC\n",
        "3 deleted on the server, 2 perhaps deleted on the server\n",
        "carol@localhost:38187: stored 1 message (64 B), the last on 2026-11-29 12:15 UTC, 2 to be ",
        "ivan@localhost:38187: nothing stored\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert_eq!(version(&rig.path("state.db")), 2);
    assert_eq!(version(&rig.path("state.db.format-1")), 1);
    let copies = names(&rig.path(""));
    let copies = copies.iter().filter(|name| name.contains("format"));
    assert_eq!(copies.count(), 1);
}

#[test]
fn a_disk_without_room_for_a_copy_keeps_the_state_as_it_is() {
    let rig = rig();
    fs::create_dir(rig.path("disk")).unwrap();
    let small = "mount -t tmpfs -o size=256k popfetch-test disk\ncp state.db disk/state.db\n";
    let fill = "dd if=/dev/zero of=disk/ballast bs=4k count=ROOM status=none || :\n";
    let after = "cp -r disk/state.db* . ; rm disk/ballast\n";
    let mut whole = rig.bare(&["status", "--state", "disk/state.db"]);
    whole.env("PATH", std::env::var_os("PATH").unwrap());
    // The first lets it open the state, and not copy it; the second does not even let it open it.
    for (room, said, hint) in [
        (
            "40",
            "could not copy the state",
            "make room and run it again",
        ),
        ("64", "could not open the state", "its disk may be full"),
    ] {
        fs::remove_file(rig.path("state.db")).unwrap();
        write(&rig.path("state.db"));
        let script = format!(
            "{small}{}\"$0\" \"$@\" 2>full.err && exit 1 || echo $? >full.status\n{after}",
            fill.replace("ROOM", room)
        );
        let afterwards = ran(&mut mounted(&script, &whole)).expect(0);
        let told = fs::read_to_string(rig.path("full.err")).unwrap();
        assert_eq!(fs::read_to_string(rig.path("full.status")).unwrap(), "74\n");
        assert!(told.contains(said) && told.contains(hint), "{told}");
        assert!(afterwards.out.contains("2 perhaps deleted"));
        // As it was while there was no room.
        assert_eq!(version(&rig.path("state.db")), 1);
        assert!(!rig.path("state.db.format-1.new").exists());
        assert!(!rig.path("state.db.format-1").exists());
    }
}
