//! Many commands at once, where the server advertises PIPELINING: the same as one by one.

use interop::{Dovecot, Mailbox, compare};
use poplib::{Config, Pipelining};

use super::{Session, log_in, log_in_when_free, retrieve};
use crate::support::{alice, implicit_tls, plaintext};

function! {
    fn retrieve_all(session: &mut Session) -> Vec<Vec<u8>> {
        let listing = go!(session.list()).unwrap();
        let mut received = Vec::new();
        let mut bodies = go!(session.retr_many(listing.scans())).unwrap();
        while let Some((number, body)) = go!(bodies.next_body()).unwrap() {
            assert_eq!(number as usize, received.len() + 1);
            received.push(go!(body.unwrap().collect()).unwrap());
        }
        received
    }
}

function! {
    fn same_pipelined_and_not(config: &Config) -> Vec<Vec<u8>> {
        let mut session = go!(log_in(config));
        // Without it nothing is pipelined; that it is refused harms nothing.
        let _ = go!(session.capa());
        let pipelined = go!(retrieve_all(&mut session));
        for (number, expected) in (1..).zip(&pipelined) {
            assert!(go!(retrieve(&mut session, number)) == *expected, "message {number}");
        }
        go!(session.quit()).unwrap();

        let off = config.clone().with_pipelining(Pipelining::Off);
        let mut session = go!(log_in_when_free(&off));
        assert!(go!(retrieve_all(&mut session)) == pipelined);
        go!(session.quit()).unwrap();
        pipelined
    }
}

behaviour! {
    a_mailbox_of_dovecot_is_the_same_pipelined_and_not {
        let mixed = Mailbox::mixed(3, 30);
        let mailbox = Mailbox::of(mixed.messages().chain(Mailbox::nasty().messages()));
        let server = Dovecot { users: alice(&mailbox), ..Dovecot::default() }.start().unwrap();
        let expected: Vec<_> = mailbox
            .messages()
            .map(|stored| compare::on_the_wire(&stored))
            .collect();
        for config in [implicit_tls(&server), plaintext(&server)] {
            let received = go!(same_pipelined_and_not(&config));
            compare::assert_same_messages(expected.clone(), received);
        }
    }
}

behaviour! {
    a_refusal_in_the_middle_loses_nothing_else {
        let mailbox = Mailbox::ordinary(20);
        let server = Dovecot { users: alice(&mailbox), ..Dovecot::default() }.start().unwrap();
        let mut session = go!(log_in(&implicit_tls(&server)));
        let mut marked = go!(session.dele_many([3, 99, 4])).unwrap();
        let mut outcomes = Vec::new();
        while let Some((number, outcome)) = go!(marked.next_outcome()).unwrap() {
            outcomes.push((number, outcome.is_ok()));
        }
        drop(marked);
        assert_eq!(outcomes, [(3, true), (99, false), (4, true)]);

        let mut bodies = go!(session.retr_many(1..=6)).unwrap();
        let mut retrieved = Vec::new();
        while let Some((number, body)) = go!(bodies.next_body()).unwrap() {
            match body {
                Ok(body) => assert!(!go!(body.collect()).unwrap().is_empty()),
                Err(refused) => assert!(refused.protocol().is_some(), "{refused}"),
            }
            retrieved.push(number);
        }
        drop(bodies);
        assert_eq!(retrieved, [1, 2, 3, 4, 5, 6]);
        go!(session.quit()).unwrap();
        assert_eq!(server.maildir("alice").files().unwrap().len(), 18);
    }
}
