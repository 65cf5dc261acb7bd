//! Q51: the first message is left alone only if all of it says that it is folder data.

use poplib_sandbox::{Mailbox, SessionRecord};

use crate::support::{Rig, USER, five, ran};

const FOLDER_DATA: &str = "From: Mail System Internal Data <MAILER-DAEMON@localhost>\n\
    Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n\
    X-IMAP: 0979830219 0000000001\n\
    Status: RO\n\
    \n\
    This text is part of the internal format of your mail folder, and is not\n\
    a real message.  It is created automatically by the mail system software.\n\
    If deleted, important folder data will be lost, and it will be re-created\n\
    with the data reset to initial values.\n";

fn tops(rig: &Rig) -> usize {
    let sessions = rig.sandbox.sessions();
    let lines = sessions.iter().flat_map(SessionRecord::lines);
    lines.filter(|line| line.starts_with("TOP")).count()
}

#[test]
fn q51_mail_that_mentions_folder_data_is_fetched() {
    let rig = Rig::five(&["mentions-folder-data"]);
    let ran = rig.run(&[]).expect(0);
    assert!(!ran.out.contains("left message"), "{}", ran.out);
    assert_eq!(rig.delivered().len(), 5);

    for (part, instead) in [
        ("DON'T", "Re: DON'T"),
        ("X-IMAP: 0979830219 0000000001\n", ""),
        ("with the data", "with my data"),
        ("values.\n", "values.\n\nIs this yours?\n"),
    ] {
        let mail = FOLDER_DATA.replace(part, instead);
        let rig = Rig::new(Mailbox::messages([mail.clone()]));
        rig.run(&["--keep", "none"]).expect(0);
        assert_eq!((rig.delivered(), rig.left()), (vec![mail.into_bytes()], 0));
    }
}

#[test]
fn q51_q28_folder_data_is_left_alone_for_good_and_that_is_said() {
    let rig = Rig::five(&["folder-data"]);
    let told = rig.run(&["--keep", "none", "-v"]).expect(0);
    assert!(
        told.out
            .contains("left message 1 alone: it is the server's own data"),
        "{}",
        told.out
    );
    assert_eq!((rig.delivered().len(), rig.left()), (4, 1));
    let asked = tops(&rig);
    rig.sandbox.deliver(USER, "Subject: new\n\n").unwrap();
    let again = rig.run(&["--keep", "none"]).expect(0);
    assert!(!again.out.contains("left message"), "{}", again.out);
    assert_eq!(
        (rig.delivered().len(), rig.left(), tops(&rig)),
        (5, 1, asked)
    );
    let status = ran(&mut rig.with_state(&["status"])).expect(0).out;
    assert!(status.contains("1 left alone"), "{status}");
}

#[test]
fn q51_where_top_does_not_show_all_of_it_it_is_fetched() {
    for fault in ["top-empty", "top-one-line", "top-without-header", "no-top"] {
        let rig = Rig::new(Mailbox::messages([FOLDER_DATA]));
        rig.misbehave(&[fault]);
        rig.run(&[]).expect(0);
        assert_eq!(rig.delivered(), [FOLDER_DATA.as_bytes()], "{fault}");
    }
}

#[test]
fn q51_ordinary_mail_costs_one_look_at_the_first_message() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    assert_eq!((tops(&rig), rig.delivered().len()), (1, five().len()));
}
