//! Every command of RFC 1939 and its extensions that Dovecot knows, and the refusal of those that
//! it does not.

use interop::{Mailbox, compare};
use poplib::CodeKind;

use super::{connect, log_in, retrieve};
use crate::support::{dovecot, implicit_tls, plaintext, stls};

behaviour! {
    the_same_messages_arrive_over_tls_over_stls_and_in_clear {
        let mailbox = Mailbox::nasty();
        let server = dovecot(&mailbox);
        for config in [implicit_tls(&server), stls(&server), plaintext(&server)] {
            let mut session = go!(log_in(&config));
            for (index, stored) in mailbox.messages().enumerate() {
                let received = go!(retrieve(&mut session, index as u32 + 1));
                compare::assert_same_messages(
                    vec![compare::on_the_wire(&stored)],
                    vec![received],
                );
            }
            go!(session.quit()).unwrap();
        }
    }
}

behaviour! {
    stat_list_and_uidl_agree_with_the_disk {
        let mailbox = Mailbox::mixed(1, 5);
        let server = dovecot(&mailbox);
        let mut session = go!(log_in(&implicit_tls(&server)));
        let octets: Vec<u64> = mailbox
            .messages()
            .map(|stored| compare::on_the_wire(&stored).len() as u64)
            .collect();

        let maildrop = go!(session.stat()).unwrap();
        assert_eq!(maildrop.messages, 5);
        let listing = go!(session.list()).unwrap();
        let listed: Vec<_> = listing.scans().iter().map(|scan| scan.octets().unwrap()).collect();
        assert_eq!(maildrop.octets, Some(listed.iter().sum()));
        for (listed, octets) in listed.iter().zip(&octets) {
            // Dovecot does not count the line end that it adds to a last line without one.
            assert!(octets - listed <= 2, "{listed} listed, {octets} sent");
        }
        let scan = go!(session.list_one(3)).unwrap();
        assert_eq!((scan.number(), scan.octets()), (3, Some(listed[2])));

        let unique_ids = go!(session.uidl()).unwrap();
        assert_eq!(unique_ids.len(), 5);
        assert!(unique_ids.iter().all(|unique_id| unique_id.is_conformant()));
        let third = unique_ids.iter().nth(2).unwrap().uid.to_vec();
        assert_eq!(*go!(session.uidl_one(3)).unwrap(), *third);
        go!(session.quit()).unwrap();
    }
}

behaviour! {
    top_gives_the_header_and_as_many_lines_as_asked {
        let mailbox = Mailbox::of([b"Subject: x\n\none\n.two\nthree\n".to_vec()]);
        let server = dovecot(&mailbox);
        let mut session = go!(log_in(&implicit_tls(&server)));
        for (lines, expected) in [
            (0, &b"Subject: x\r\n\r\n"[..]),
            (2, b"Subject: x\r\n\r\none\r\n.two\r\n"),
            (u32::MAX, b"Subject: x\r\n\r\none\r\n.two\r\nthree\r\n"),
        ] {
            let top = go!(go!(session.top(1, lines)).unwrap().collect()).unwrap();
            assert_eq!(top, expected, "{}", top.escape_ascii());
        }
        go!(session.quit()).unwrap();
    }
}

behaviour! {
    p03_marks_of_deletion_count_at_quit_only {
        let server = dovecot(&Mailbox::ordinary(3));
        let files = || server.maildir("alice").files().unwrap().len();

        let mut session = go!(log_in(&implicit_tls(&server)));
        go!(session.dele(1)).unwrap();
        drop(session);
        let mut session = go!(log_in(&implicit_tls(&server)));
        assert_eq!(go!(session.stat()).unwrap().messages, 3);

        go!(session.dele(1)).unwrap();
        go!(session.dele(2)).unwrap();
        assert!(go!(session.retr(2)).is_err());
        go!(session.rset()).unwrap();
        go!(session.dele(3)).unwrap();
        go!(session.noop()).unwrap();
        assert_eq!(files(), 3);
        go!(session.quit()).unwrap();
        assert_eq!(files(), 2);
    }
}

behaviour! {
    p07_capabilities_are_those_of_the_state {
        let server = dovecot(&Mailbox::ordinary(0));
        let mut client = go!(connect(&stls(&server)));
        assert!(client.greeting().is_some());
        let before = go!(client.capa()).unwrap();
        assert!(!before.stls(), "TLS is there already");
        assert!(before.uidl() && before.top() && before.user() && before.pipelining());
        assert_eq!(
            before.sasl().collect::<Vec<_>>(),
            [
                "PLAIN",
                "LOGIN",
                "CRAM-MD5",
                "DIGEST-MD5",
                "SCRAM-SHA-1",
                "SCRAM-SHA-256",
                "ANONYMOUS"
            ]
        );

        go!(client.user("alice")).unwrap();
        let mut session = go!(client.pass("secret")).unwrap();
        assert!(session.capabilities().is_none());
        let after = go!(session.capa()).unwrap();
        assert_eq!(after.sasl().count(), 0);
        assert!(after.pipelining());
        go!(session.quit()).unwrap();
    }
}

behaviour! {
    what_dovecot_does_not_know_is_refused_and_the_connection_goes_on {
        let server = dovecot(&Mailbox::ordinary(1));
        // The third command that Dovecot does not know ends the session.
        let mut client = go!(connect(&implicit_tls(&server)));
        assert!(go!(client.utf8()).is_err());
        assert!(go!(client.lang_list()).is_err());
        go!(client.quit()).unwrap();
        let mut client = go!(connect(&implicit_tls(&server)));
        assert!(go!(client.lang("de")).is_err());
        assert!(go!(client.custom("XTND XMIT")).is_err());
        go!(client.quit()).unwrap();

        let client = go!(connect(&implicit_tls(&server)));
        let refused = go!(client.rpop("alice")).unwrap_err();
        let mut client = refused.client.expect("the client comes back");
        assert!(!go!(client.auth_list()).unwrap().is_empty());
        go!(client.user("alice")).unwrap();
        let mut session = go!(client.pass("secret")).unwrap();
        for number in [2, u32::MAX] {
            assert!(go!(session.retr(number)).is_err());
            assert!(go!(session.top(number, 0)).is_err());
            assert!(go!(session.dele(number)).is_err());
            assert!(go!(session.list_one(number)).is_err());
            assert!(go!(session.uidl_one(number)).is_err());
        }
        go!(session.custom("NOOP")).unwrap();
        let lines = go!(session.custom_lines("UIDL")).unwrap();
        assert_eq!(lines.lines.len(), 1);
        go!(session.quit()).unwrap();
    }
}

behaviour! {
    p09_a_wrong_password_is_told_from_other_refusals {
        let server = dovecot(&Mailbox::ordinary(0));
        let mut client = go!(connect(&implicit_tls(&server)));
        go!(client.user("alice")).unwrap();
        let refused = go!(client.pass("wrong")).unwrap_err();
        let code = refused.error.code().expect("a response code");
        assert_eq!(code.kind(), CodeKind::Auth);
        assert!(!refused.error.is_retryable());

        let mut client = refused.client.expect("the client comes back");
        go!(client.user("alice")).unwrap();
        go!(go!(client.pass("secret")).unwrap().quit()).unwrap();
    }
}
