//! P8: neither side waits for the other.

use poplib::{Pipelining, Window};

use super::*;
use crate::stubborn::{self, OCTETS};
use crate::support::in_memory;

const COMMANDS: u32 = 10_000;

behaviour! { p08_ten_thousand_commands_to_a_server_that_reads_nothing_while_it_writes {
    let stream = stubborn::server(COMMANDS);
    let mut client = go!(Client::from_stream(over(stream), &in_memory())).unwrap();
    go!(client.user("me")).unwrap();
    let mut session = go!(client.pass("secret")).unwrap();
    let mut bodies = go!(session.retr_many(1..=COMMANDS)).unwrap();
    let mut seen = 0;
    while let Some((number, body)) = go!(bodies.next_body()).unwrap() {
        seen += 1;
        assert_eq!(number, seen);
        let mut body = body.unwrap();
        let mut octets = 0;
        while let Some(chunk) = go!(body.chunk()).unwrap() {
            octets += chunk.len();
        }
        assert_eq!(octets, OCTETS);
    }
    assert_eq!(seen, COMMANDS);
    drop(bodies);
    let batch = go!(session.dele_many(1..=COMMANDS)).unwrap();
    assert_eq!(all!(batch).unwrap().len(), COMMANDS as usize);
    go!(session.quit()).unwrap();
}}

behaviour! { p08_a_window_of_ones_own_is_kept_to {
    let mut window = Window::default();
    window.commands = 3;
    let config = in_memory().with_pipelining(Pipelining::Window(window));
    let stream = stubborn::server(100);
    let mut client = go!(Client::from_stream(over(stream), &config)).unwrap();
    go!(client.user("me")).unwrap();
    let mut session = go!(client.pass("secret")).unwrap();
    let mut bodies = go!(session.retr_many(1..=100u32)).unwrap();
    let mut seen = 0;
    while let Some((_, body)) = go!(bodies.next_body()).unwrap() {
        assert_eq!(go!(body.unwrap().collect()).unwrap().len(), OCTETS);
        seen += 1;
    }
    assert_eq!(seen, 100);
}}
