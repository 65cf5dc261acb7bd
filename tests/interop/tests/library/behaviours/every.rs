//! What is the same with each server, or stands in `docs/interop.md`.

use std::collections::BTreeSet;

use interop::{Mailbox, Product, RawClient, Server, compare, page, with_each_product};
use poplib::{Capabilities, CodeKind, Credentials, Expire, ProtocolError, sasl::Method};

use super::{
    Session, connect, log_in, log_in_when_free, pipelining::same_pipelined_and_not, refusal,
    retrieve,
};
use crate::support::{alice, only, passages, plaintext, safest, stls};

macro_rules! product {
    ($body:ident $name:ident $product:ident) => {
        behaviour! {
            $name {
                go!(super::$body(interop::Product::$product));
            }
        }
    };
}

with_each_product! { product p20_each_mechanism_that_is_offered_logs_in }

function! {
    fn p20_each_mechanism_that_is_offered_logs_in(product: Product) {
        let server = product.start(alice(&Mailbox::ordinary(1))).unwrap();
        for &method in Method::ALL.iter().filter(|method| method.strength().is_some()) {
            let seen = go!(outcome(&server, method));
            page::assert_says(method.name().trim_start_matches('+'), product, seen);
        }
    }
}

function! {
    fn outcome(server: &Server, method: Method) -> &'static str {
        let mut client = go!(connect(&safest(server)));
        let capabilities = go!(client.capa());
        let offered = match (method, capabilities) {
            (Method::Apop, _) => client.greeting().unwrap().timestamp().is_ok(),
            (Method::UserPass, Ok(capabilities)) => capabilities.user(),
            (Method::UserPass, Err(_)) => true,
            (_, Ok(capabilities)) => capabilities.sasl().any(|name| name == method.name()),
            (_, Err(_)) => false,
        };
        if !offered {
            return "–";
        }
        let client = go!(connect(&only(safest(server), method)));
        match go!(client.login(&Credentials::password("alice", "secret"))) {
            Ok(mut session) => {
                assert_eq!(go!(session.stat()).unwrap().messages, 1);
                go!(session.quit()).unwrap();
                "yes"
            }
            Err(refused) => match refused.error.protocol() {
                Some(ProtocolError::Refused(_)) => "refused",
                _ => panic!("{}: {refused:?}\n{}", method.name(), server.log()),
            },
        }
    }
}

with_each_product! { product p11_p12_tls_protects_a_login_by_each_way_to_it }

function! {
    fn p11_p12_tls_protects_a_login_by_each_way_to_it(product: Product) {
        let server = product.start(alice(&Mailbox::ordinary(1))).unwrap();
        let mut client = go!(connect(&plaintext(&server)));
        let offers_stls = go!(client.capa()).is_ok_and(|capabilities| capabilities.stls());
        for (row, there, config) in [
            ("implicit TLS", server.has_tls(), safest(&server)),
            ("STLS", offers_stls, stls(&server)),
        ] {
            page::assert_says(row, product, if there { "yes" } else { "–" });
            if there {
                let session = go!(log_in(&config));
                assert!(session.tls().is_some());
                go!(session.quit()).unwrap();
            }
        }
        if !offers_stls {
            go!(refusal(&server, &stls(&server)));
        }
    }
}

with_each_product! { product p02_q30_each_message_is_what_the_server_sends }

function! {
    fn p02_q30_each_message_is_what_the_server_sends(product: Product) {
        let oddities: Vec<_> = Mailbox::oddities().chain([("20 MB", Mailbox::large())]).collect();
        let taken = oddities.iter().map(|(_, stored)| stored).filter(|stored| product.takes(stored));
        let mailbox = Mailbox::of(taken.cloned());
        let server = product.start(alice(&mailbox)).unwrap();
        let sent = RawClient::maildrop(server.plain_port(), "alice", "secret").unwrap();
        assert_eq!(sent.len(), mailbox.len());

        let mut session = go!(log_in(&safest(&server)));
        let unique_ids = go!(session.uidl()).unwrap();
        assert!(unique_ids.iter().all(|unique_id| unique_id.is_conformant()));
        let different: BTreeSet<&[u8]> = unique_ids.iter().map(|unique_id| unique_id.uid).collect();
        let all_differ = different.len() == mailbox.len();
        page::assert_says("UIDL", product, if all_differ { "yes" } else { "alike for some" });
        for (number, sent) in (1..).zip(&sent) {
            let received = go!(attempt(&mut session, number));
            match (sent, received) {
                (Ok(sent), Some(received)) => assert!(received == *sent, "message {number}"),
                (Err(_), None) => session = go!(log_in_when_free(&safest(&server))),
                (sent, received) => {
                    panic!("message {number}: {:?}, {:?}", sent.as_ref().err(), received.is_some())
                }
            }
        }
        go!(session.quit()).unwrap();

        for (row, passages) in passages(product, &oddities, &sent) {
            page::assert_says(row, product, &passages);
        }
    }
}

function! {
    fn attempt(session: &mut Session, number: u32) -> Option<Vec<u8>> {
        let body = go!(session.retr(number)).ok()?;
        let body = go!(body.collect()).ok()?;
        go!(session.noop()).ok()?;
        Some(body)
    }
}

with_each_product! { product p03_marks_of_deletion_count_at_quit_only_with_each }

function! {
    fn p03_marks_of_deletion_count_at_quit_only_with_each(product: Product) {
        let server = product.start(alice(&Mailbox::ordinary(4))).unwrap();
        let mut session = go!(log_in(&safest(&server)));
        let unique_ids = go!(session.uidl()).unwrap();
        let fourth = unique_ids.iter().nth(3).unwrap().uid.to_vec();
        go!(session.dele(4)).unwrap();
        drop(session);

        let mut session = go!(log_in_when_free(&safest(&server)));
        assert_eq!(go!(session.stat()).unwrap().messages, 4);
        go!(session.dele(1)).unwrap();
        assert!(go!(session.retr(1)).is_err());
        go!(session.rset()).unwrap();
        go!(session.dele(2)).unwrap();
        go!(session.dele(3)).unwrap();
        go!(session.noop()).unwrap();
        go!(session.quit()).unwrap();

        let mut session = go!(log_in_when_free(&safest(&server)));
        let left = go!(session.uidl()).unwrap();
        assert_eq!(left.len(), 2);
        assert_eq!(left.iter().nth(1).unwrap().uid.to_vec(), fourth);
        go!(session.quit()).unwrap();
    }
}

with_each_product! { product p07_q06_what_works_after_login }

function! {
    fn p07_q06_what_works_after_login(product: Product) {
        let server = product.start(alice(&Mailbox::ordinary(3))).unwrap();
        let mut client = go!(connect(&safest(&server)));
        let before = go!(client.capa()).ok();
        go!(client.user("alice")).unwrap();
        let mut session = go!(client.pass("secret")).unwrap();
        let after = go!(session.capa()).ok();
        assert_capabilities(product, before, after);

        let mut retrieved = go!(retrieve(&mut session, 1));
        let top = match go!(session.top(1, 0)) {
            Ok(top) => {
                let top = go!(top.collect()).unwrap();
                retrieved.truncate(top.len());
                if top == retrieved { "yes" } else { "not RETR's header" }
            }
            Err(_) => "–",
        };
        page::assert_says("TOP", product, top);

        let listing = go!(session.list()).unwrap();
        let unique_ids = go!(session.uidl()).unwrap();
        let first = unique_ids.iter().next().unwrap().uid.to_vec();
        assert_eq!(*go!(session.uidl_one(1)).unwrap(), *first);
        let mut exact = true;
        for scan in listing.scans() {
            let octets = go!(retrieve(&mut session, scan.number())).len() as u64;
            exact &= scan.octets() == Some(octets);
        }
        page::assert_says("octets in LIST", product, if exact { "exact" } else { "not exact" });
        go!(session.quit()).unwrap();

        let mut client = RawClient::login(server.plain_port(), "alice", "secret").unwrap();
        let answer = client.ok("UIDL 1").unwrap();
        let one = if answer.starts_with("+OK 1 ") { "yes" } else { "without its number" };
        page::assert_says("UIDL of one message", product, one);
    }
}

fn assert_capabilities(
    product: Product,
    before: Option<Capabilities>,
    after: Option<Capabilities>,
) {
    let lines = |capabilities: &Option<Capabilities>| {
        let capabilities = capabilities.as_ref()?;
        Some(
            capabilities
                .lines()
                .map(<[u8]>::to_vec)
                .collect::<BTreeSet<_>>(),
        )
    };
    let compared = match (lines(&before), lines(&after)) {
        (None, None) => "–",
        (before, after) if before == after => "alike",
        _ => "differs",
    };
    page::assert_says("CAPA before and after login", product, compared);

    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    for (row, is_listed) in [
        ("PIPELINING", after.pipelining()),
        ("RESP-CODES", after.response_codes()),
        ("UTF8", before.utf8()),
    ] {
        page::assert_says(row, product, if is_listed { "yes" } else { "–" });
    }
    let expire = after.expire().map(|expire| match expire.value {
        Expire::Never => "NEVER".to_owned(),
        Expire::Days(days) => days.to_string(),
    });
    let delay = after.login_delay().map(|delay| delay.value.to_string());
    for (row, value) in [("EXPIRE", expire), ("LOGIN-DELAY", delay)] {
        page::assert_says(row, product, value.as_deref().unwrap_or("–"));
    }
}

with_each_product! { product p09_q17_a_wrong_password_is_final }

function! {
    fn p09_q17_a_wrong_password_is_final(product: Product) {
        let server = product.start(alice(&Mailbox::ordinary(1))).unwrap();
        let mut client = go!(connect(&safest(&server)));
        go!(client.user("alice")).unwrap();
        let refused = go!(client.pass("wrong")).unwrap_err();
        assert!(!refused.error.is_retryable(), "{refused}");
        let says_so = refused.error.code().is_some_and(|code| code.kind() == CodeKind::Auth);
        // Q17: some hang up behind their answer.
        let mut client = refused.client.expect("the client comes back");
        let goes_on = go!(client.user("alice")).is_ok();
        if goes_on {
            go!(go!(client.pass("secret")).unwrap().quit()).unwrap();
        }
        let seen = match (says_so, goes_on) {
            (true, true) => "[AUTH]",
            (true, false) => "[AUTH], hangs up",
            (false, true) => "-ERR",
            (false, false) => "-ERR, hangs up",
        };
        page::assert_says("a wrong password", product, seen);
    }
}

with_each_product! { product a_mailbox_is_the_same_pipelined_and_not }

function! {
    fn a_mailbox_is_the_same_pipelined_and_not(product: Product) {
        let server = product.start(alice(&Mailbox::ordinary(10))).unwrap();
        let sent = RawClient::maildrop(server.plain_port(), "alice", "secret").unwrap();
        let received = go!(same_pipelined_and_not(&safest(&server)));
        compare::assert_same_messages(sent.into_iter().map(Result::unwrap).collect(), received);
    }
}
