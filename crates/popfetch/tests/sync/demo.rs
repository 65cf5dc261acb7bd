//! `popfetch demo`.

use std::fs;

use poplib_sandbox::Mailbox;

use crate::support::{Rig, delivered, ran};

#[test]
fn the_demo_shows_what_arrives_and_fetches_nothing_twice() {
    let rig = Rig::new(Mailbox::empty());
    let first = ran(&mut rig.bare(&["demo"])).expect(0);
    assert!(
        first
            .out
            .contains("Jürgen Müller        Grüße aus Köln – und ein Bär 🐻")
    );
    assert!(first.out.contains("popfetch sync --server pops://"));
    assert!(!first.out.contains(['\x1b', '\u{202e}']), "{}", first.out);
    let mail = delivered(&rig.path("popfetch-demo"));
    assert_eq!(mail.len(), 7);
    assert!(mail.iter().any(|message| message.len() > 20_000_000));
    let dots = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/demo/mail/dots.eml"
    ))
    .unwrap();
    assert!(mail.contains(&dots));

    let second = ran(&mut rig.bare(&["demo"])).expect(0);
    assert!(second.out.contains("nothing new"), "{}", second.out);
    assert_eq!(delivered(&rig.path("popfetch-demo")), mail);
}
