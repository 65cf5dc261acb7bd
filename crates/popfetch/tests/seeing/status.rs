//! `popfetch status`, and states that are of no use.

use poplib_sandbox::Mailbox;

use crate::support::{Rig, masked, ran};

#[test]
fn a14_it_tells_what_is_stored_and_what_was_given_up() {
    let rig = Rig::new(Mailbox::messages(["Subject: one\n\n"]));
    let status = |options: &[&str]| {
        let ran = ran(rig.with_state(&["status"]).args(options)).expect(0);
        masked(&rig, &ran.out)
    };
    assert_eq!(status(&[]), "nothing was fetched yet\n");
    assert!(!rig.path("state.db").exists());

    rig.run(&[]).expect(0);
    insta::assert_snapshot!("stored", status(&[]));
    rig.sandbox.deliver("alice", "Subject: two\n\n").unwrap();
    rig.misbehave(&["answer=RETR:-ERR \x1b[31m\u{202e}no\r\n"]);
    rig.run(&[]).expect(75);
    insta::assert_snapshot!("failing", status(&[]));
    rig.run(&[]).expect(75);
    rig.pass_hours(1);
    rig.run(&[]).expect(75);
    let (people, programs) = (status(&[]), status(&["--json"]));
    for text in [&people, &programs] {
        assert!(!text.contains(['\x1b', '\u{202e}']), "{text}");
    }
    insta::assert_snapshot!("given-up", people);
    insta::assert_snapshot!("given-up-json", programs);

    // No server was asked.
    assert_eq!(rig.sandbox.sessions().len(), 4);
    let name = format!("alice@localhost:{}", rig.sandbox.tls_addr().port());
    assert_eq!(status(&[&name]), status(&[]));
    let unknown = ran(&mut rig.with_state(&["status", "\x1b[2J"])).expect(64);
    insta::assert_snapshot!("unknown", masked(&rig, &unknown.err));
}
