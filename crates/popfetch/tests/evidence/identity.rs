//! The message that carries a number or a unique-id is the one that was fetched, or is another.

use poplib_sandbox::Mailbox;

use super::whole::{NONE, mail, server};
use crate::support::{Rig, ran, sorted};

const KEEPS: [&str; 4] = ["forever", "none", "1d", "1MB"];

fn deliver(rig: &Rig, message: impl Into<Vec<u8>>) {
    rig.sandbox.deliver("alice", message).unwrap();
}

#[test]
fn e06_what_a_server_writes_into_kept_messages_makes_no_second_copy() {
    for fault in [
        "status-line",
        "counted-status-line",
        "scan-stamp",
        "counted-scan-stamp",
    ] {
        let rig = server(12, &["lose-quit-answer@1", "ignore-dele@1"]);
        rig.run(&NONE).expect(75);
        rig.misbehave(&[fault]);
        rig.pass_hours(1);
        rig.run(&NONE);
        rig.pass_hours(1);
        rig.run(&NONE);
        assert_eq!(
            (rig.delivered(), rig.left()),
            (sorted(mail(12)), 0),
            "{fault}"
        );
    }
}

#[test]
fn e06_messages_that_are_kept_are_not_delivered_again_either() {
    for fault in ["counted-status-line", "counted-scan-stamp"] {
        let rig = server(30, &[fault]);
        rig.run(&[]);
        for _ in 0..3 {
            rig.pass_hours(25);
            rig.run(&[]);
        }
        let delivered = rig.delivered().len();
        assert_eq!(delivered, 30, "{fault}");
        // A few are fetched for all.
        let retrieved: u64 = rig.sandbox.retrievals("alice").unwrap().values().sum();
        assert!(retrieved <= 30 + 3 * 10, "{fault}: {retrieved}");
    }
}

#[test]
fn e07_a_server_that_renumbers_at_once_deletes_nothing_else() {
    let rig = server(6, &["renumber-after-dele"]);
    rig.run(&["--keep", "none", "--max-messages", "4"]);
    rig.run(&NONE).expect(0);
    assert_eq!((rig.delivered(), rig.left()), (sorted(mail(6)), 0));
}

#[test]
fn e08_a_unique_id_that_is_used_again_hides_no_new_message() {
    for keep in KEEPS {
        for fault in ["numeric-uidl", "reused-uidl"] {
            let rig = server(3, &[fault]);
            rig.run(&["--keep", keep]).expect(0);
            while rig.left() > 0 {
                rig.sandbox.remove("alice", 1).unwrap();
            }
            deliver(&rig, "Subject: new and of another size\n\nnew\n");
            rig.run(&["--keep", keep]).expect(0);
            assert_eq!(rig.delivered().len(), 4, "{fault}, keep {keep}");
        }
    }
}

#[test]
fn e09_a_line_of_uidl_that_is_missing_once_makes_no_second_copy() {
    for fault in ["uidl-gap=3@2", "uidl-without-id=3@2", "uidl-gap=5@2"] {
        for keep in KEEPS {
            let rig = server(5, &[fault]);
            for _ in 0..3 {
                rig.run(&["--keep", keep]);
                rig.pass_hours(1);
            }
            assert_eq!(rig.delivered(), sorted(mail(5)), "{fault}, keep {keep}");
        }
    }
}

#[test]
fn e09_messages_whose_unique_ids_change_come_once_in_every_target() {
    for changed in [1, 2, 5, 8] {
        let rig = server(10, &[&format!("changed-uidl={changed}@2-")]);
        let mbox = rig.path("mbox");
        let options = ["--mbox", mbox.to_str().unwrap()];
        for _ in 0..3 {
            rig.run(&options).expect(0);
        }
        let all = sorted(mail(10));
        assert_eq!(
            (rig.delivered(), rig.in_mbox("mbox")),
            (all.clone(), all),
            "{changed}"
        );
    }
}

#[test]
fn e09_what_is_to_be_forgotten_answers_for_a_new_message_first() {
    let rig = server(2, &[]);
    rig.run(&[]).expect(0);
    rig.sandbox.remove("alice", 2).unwrap();
    rig.run(&[]).expect(0);
    rig.pass_hours(31 * 24);
    deliver(&rig, mail(2).remove(1));
    rig.run(&[]).expect(0);
    assert_eq!((rig.delivered(), rig.left()), (sorted(mail(2)), 2));
    rig.run(&[]).expect(0);
    // What does not come back is forgotten.
    rig.sandbox.remove("alice", 2).unwrap();
    rig.run(&[]).expect(0);
    rig.pass_hours(31 * 24);
    rig.run(&[]).expect(0);
    deliver(&rig, mail(2).remove(1));
    rig.run(&[]).expect(0);
    assert_eq!(rig.delivered().len(), 3);
}

#[test]
fn e09_equal_messages_are_all_delivered() {
    let rig = Rig::new(Mailbox::messages(["Subject: same\n\n"; 2]));
    rig.run(&[]).expect(0);
    deliver(&rig, "Subject: same\n\n");
    rig.run(&NONE).expect(0);
    deliver(&rig, "Subject: same\n\n");
    rig.run(&NONE).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (4, 0));
}

#[test]
fn e10_mail_that_arrives_between_the_listings_comes_once() {
    for keep in KEEPS {
        let rig = server(5, &["late-message@1"]);
        for _ in 0..3 {
            rig.run(&["--keep", keep]);
        }
        assert_eq!(rig.delivered(), sorted(mail(5)), "keep {keep}");
    }
}

#[test]
fn e11_a_server_with_neither_uidl_nor_top() {
    for keep in KEEPS {
        let rig = server(5, &["no-uidl", "no-top"]);
        for visit in 0..3 {
            let ran = rig.run(&["--keep", keep]);
            assert_eq!(
                ran.status,
                Some(0),
                "keep {keep}, visit {visit}: {}",
                ran.err
            );
            assert_eq!(
                rig.delivered(),
                sorted(mail(5)),
                "keep {keep}, visit {visit}"
            );
        }
        assert_eq!(rig.left(), if keep == "none" { 0 } else { 5 });
        deliver(&rig, "Subject: new\n\n");
        rig.run(&["--keep", keep]).expect(0);
        assert_eq!(rig.delivered().len(), 6, "keep {keep}");
    }
}

#[test]
fn q41_what_was_not_deleted_for_certain_is_known_by_its_content() {
    let rig = server(5, &["no-uidl", "no-top", "err-on-quit@1"]);
    rig.run(&NONE).expect(75);
    assert_eq!(rig.left(), 5);
    rig.run(&NONE).expect(0);
    assert_eq!((rig.delivered(), rig.left()), (sorted(mail(5)), 0));
}

#[test]
fn e28_a_top_that_shows_nothing_makes_no_two_messages_one() {
    for fault in ["top-empty", "top-without-header"] {
        let rig = Rig::new(Mailbox::messages(["Subject: one\n\n", "Subject: two\n\n"]));
        rig.misbehave(&["no-uidl", fault]);
        rig.run(&["--keep", "1d"]);
        rig.sandbox.remove("alice", 1).unwrap();
        deliver(&rig, "Subject: six\n\n");
        rig.run(&["--keep", "1d"]);
        assert_eq!(rig.delivered().len(), 3, "{fault}");
    }
}

#[test]
fn e28_without_unique_ids_a_status_line_makes_no_second_copy() {
    let rig = server(5, &["no-uidl", "counted-status-line"]);
    for _ in 0..3 {
        rig.run(&["--keep", "1d"]);
        rig.pass_hours(1);
        assert_eq!(rig.delivered(), sorted(mail(5)));
    }
}

#[test]
fn e29_listings_that_disagree_are_asked_again_and_said() {
    for fault in ["short-list=2", "nonsense-list=2", "short-uidl=1"] {
        let rig = server(5, &[fault]);
        let ran = rig.run(&[]);
        let all_came = rig.delivered() == sorted(mail(5));
        assert!(
            all_came || ran.status == Some(75),
            "{fault}: {:?} {}",
            ran.status,
            ran.err
        );
    }
    // Another client deletes a message between the listings.
    let rig = server(5, &["vanishing-message=2@1"]);
    rig.run(&[]);
    rig.run(&[]).expect(0);
    assert!(
        rig.delivered()
            .iter()
            .all(|message| mail(5).contains(message))
    );
    assert_eq!(rig.delivered().len(), 4);
}

#[test]
fn e30_numbers_for_unique_ids_hide_no_mail_behind_what_is_left_alone() {
    let rig = server(3, &["numeric-uidl"]);
    rig.run(&["--only-new"]).expect(0);
    assert_eq!(rig.delivered().len(), 0);
    while rig.left() > 0 {
        rig.sandbox.remove("alice", 1).unwrap();
    }
    deliver(&rig, "Subject: new\n\nof another size\n");
    rig.run(&["--only-new"]).expect(0);
    assert_eq!(rig.delivered().len(), 1);
}

#[test]
fn q53_text_that_is_built_anew_at_each_retr_is_the_same_message() {
    let multipart = "Message-ID: <m@test.example>\nDate: d\nFrom: a@b\nSubject: parts\n\
        Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\n\none\n--b\n\ntwo\n--b--\n";
    let rig = Rig::new(Mailbox::messages([multipart]));
    rig.misbehave(&["fresh-boundaries", "err-on-quit@1"]);
    rig.run(&NONE).expect(75);
    rig.pass_hours(1);
    for _ in 0..3 {
        rig.run(&NONE);
        rig.pass_hours(25);
    }
    assert_eq!((rig.delivered().len(), rig.left()), (1, 0));
}

#[test]
fn e06_control_an_honest_server_costs_no_command_more() {
    let rig = server(5, &[]);
    rig.run(&[]).expect(0);
    rig.run(&NONE).expect(0);
    let sessions = rig.sandbox.sessions();
    let commands = |session: usize| {
        let lines = sessions[session].lines();
        let verbs = lines
            .iter()
            .map(|line| line.split(' ').next().unwrap().to_owned());
        let is_verb = |verb: &String| {
            !verb.is_empty() && verb.bytes().all(|octet| octet.is_ascii_uppercase())
        };
        let mut verbs: Vec<String> = verbs
            .filter(|verb| verb != "AUTH" && is_verb(verb))
            .collect();
        verbs.dedup();
        verbs.join(" ")
    };
    assert_eq!(commands(0), "CAPA STAT UIDL LIST TOP RETR NOOP QUIT");
    assert_eq!(commands(1), "CAPA STAT UIDL LIST DELE QUIT");
}

#[test]
fn e11_what_only_its_content_tells_apart_is_left_alone_once_it_is_known() {
    let rig = server(3, &["no-uidl", "no-top"]);
    let marked = ran(rig
        .ask(&["mark-seen", "--maildir", "mail"])
        .arg("--state")
        .arg(rig.path("other.db")));
    assert!(
        marked.err.contains("3 messages cannot be marked"),
        "{}",
        marked.err
    );
    rig.run(&["--only-new"]).expect(0);
    assert_eq!(rig.delivered().len(), 0);
    deliver(&rig, "Subject: new\n\n");
    rig.run(&["--only-new"]).expect(0);
    assert_eq!(rig.delivered(), [b"Subject: new\n\n"]);
}

#[test]
fn e08_numbers_for_unique_ids_that_move_up_make_no_second_copies() {
    for messages in [6, 30] {
        let rig = server(messages, &["numeric-uidl"]);
        rig.run(&[]).expect(0);
        rig.sandbox.remove("alice", 1).unwrap();
        deliver(&rig, "Subject: new and of another size\n\nnew\n");
        for _ in 0..3 {
            rig.run(&[]);
        }
        let all = [
            mail(messages),
            vec![b"Subject: new and of another size\n\nnew\n".to_vec()],
        ];
        assert_eq!(rig.delivered().len(), messages + 1);
        assert!(rig.delivered() == sorted(all.concat()), "{messages}");
    }
}
