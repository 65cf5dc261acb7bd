//! The same mailbox in every way it can be fetched. What it must be is known here, and not from
//! one of the ways.

use poplib::{Pipelining, Window};
use poplib_sandbox::Mailbox;

use super::*;
use crate::support::{implicit_tls, plaintext, started, stls};

/// Messages of all kinds as they are stored, among them a line of `long` octets and so many of
/// growing sizes.
fn messages(long: usize, growing: usize) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = vec![
        b"Subject: small\r\n\r\nx\r\n".to_vec(),
        b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\n\r\n.\r\n".to_vec(),
        b"Subject: no last line end\r\n\r\nlast".to_vec(),
        b"Subject: bare\r\n\r\na\rb\nc\n.\nd\r\r\n".to_vec(),
        b"Subject: octets\r\n\r\n\0\xff\xfe\x80 \xc3\r\n".to_vec(),
        b"\r\n".to_vec(),
        b".\r\n".to_vec(),
    ];
    let long = "l".repeat(long);
    messages.push(format!("Subject: long line\r\n\r\n{long}\r\n").into_bytes());
    for number in 0..growing {
        let line = format!("{}.{number}\r\n.\r\n", "z".repeat(number * 7 % 80));
        messages
            .push(format!("Subject: {number}\r\n\r\n{}", line.repeat(number * 13)).into_bytes());
    }
    messages
}

/// A maildrop, and what a client must get of it.
pub(super) struct Maildrop {
    sandbox: Sandbox,
    expected: Vec<Vec<u8>>,
}

impl Maildrop {
    fn of(messages: Vec<Vec<u8>>) -> Self {
        let mailbox = Mailbox::verbatim(messages.clone());
        let mut expected = messages;
        // The terminator cannot follow a line without an end.
        for message in &mut expected {
            if !message.ends_with(b"\r\n") {
                message.extend(b"\r\n");
            }
        }
        let sandbox = started(Sandbox::builder().mailbox(USER, PASSWORD, mailbox));
        Self { sandbox, expected }
    }
}

fn ways_to_pipeline() -> [Pipelining; 4] {
    let mut narrow = Window::default();
    narrow.commands = 2;
    narrow.answer_octets = 100;
    [
        Pipelining::Auto,
        Pipelining::Off,
        Pipelining::Window(Window::default()),
        Pipelining::Window(narrow),
    ]
}

function! {
    fn fetched_in_a_batch(mut client: Client) -> Vec<Vec<u8>> {
        go!(client.user(USER)).unwrap();
        let mut session = go!(client.pass(PASSWORD)).unwrap();
        let listing = go!(session.list()).unwrap();
        let mut bodies = go!(session.retr_many(listing.scans())).unwrap();
        let mut messages = Vec::new();
        while let Some((number, body)) = go!(bodies.next_body()).unwrap() {
            let message = go!(body.unwrap().collect()).unwrap();
            let listed = listing.scans()[messages.len()];
            assert_eq!((listed.number(), listed.octets()), (number, Some(message.len() as u64)));
            messages.push(message);
        }
        drop(bodies);
        go!(session.quit()).unwrap();
        messages
    }
}

function! {
    fn fetched_one_by_one(mut client: Client) -> Vec<Vec<u8>> {
        go!(client.user(USER)).unwrap();
        let mut session = go!(client.pass(PASSWORD)).unwrap();
        let mut messages = Vec::new();
        let count = go!(session.stat()).unwrap().messages;
        for number in 1..=count {
            let mut body = go!(session.retr(number)).unwrap();
            let mut message = Vec::new();
            while let Some(chunk) = go!(body.chunk()).unwrap() {
                message.extend_from_slice(chunk);
            }
            messages.push(message);
        }
        go!(session.quit()).unwrap();
        messages
    }
}

function! {
    fn all_alike(maildrop: &Maildrop, config: &Config) {
        let client = go!(connected(config));
        assert!(go!(fetched_one_by_one(client)) == maildrop.expected);
        for pipelining in ways_to_pipeline() {
            let client = go!(connected(&config.clone().with_pipelining(pipelining)));
            assert!(go!(fetched_in_a_batch(client)) == maildrop.expected, "{pipelining:?}");
        }
    }
}

behaviour! { one_mailbox_however_it_is_fetched {
    let maildrop = Maildrop::of(messages(70_000, 20));
    let sandbox = &maildrop.sandbox;
    for config in [implicit_tls(sandbox), stls(sandbox), plaintext(sandbox)] {
        go!(all_alike(&maildrop, &config));
    }
}}

behaviour! { one_mailbox_octet_by_octet {
    let maildrop = Maildrop::of(messages(3_000, 4));
    let sandbox = &maildrop.sandbox;
    for (config, address) in [
        (plaintext(sandbox), sandbox.plain_addr()),
        (implicit_tls(sandbox), sandbox.tls_addr()),
    ] {
        for pipelining in [Pipelining::Auto, Pipelining::Off] {
            let config = config.clone().with_pipelining(pipelining);
            let stream = one_by_one(address);
            let client = go!(Client::from_stream(stream, &config)).unwrap();
            assert!(go!(fetched_in_a_batch(client)) == maildrop.expected, "{pipelining:?}");
        }
        let stream = one_by_one(address);
        let client = go!(Client::from_stream(stream, &config)).unwrap();
        assert!(go!(fetched_one_by_one(client)) == maildrop.expected);
    }
}}
