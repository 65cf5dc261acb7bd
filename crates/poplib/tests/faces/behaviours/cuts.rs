//! The connection is cut at every octet of a session, in both directions: an error each time, and
//! nothing that came short is taken for whole.

use super::*;

/// Each command comes once.
fn script() -> Script {
    Script::new()
        .on("CAPA", "+OK\r\nTOP\r\nUIDL\r\nPIPELINING\r\n.\r\n")
        .on("STAT", "+OK 3 60\r\n")
        .on("LIST", "+OK\r\n1 20\r\n2 20\r\n3 20\r\n.\r\n")
        .on("UIDL", "+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n")
        .on("RETR 1", answer(1))
        .on("RETR 2", answer(2))
        .on("RETR 3", answer(3))
        .on("TOP 1 0", "+OK\r\nSubject: 1\r\n\r\n.\r\n")
        .on("DELE 1", "+OK\r\n")
        .on("QUIT", "+OK bye\r\n")
}

/// A message with a line that looks like its end when a part of it is lost.
fn answer(number: u32) -> String {
    format!("+OK\r\nSubject: {number}\r\n\r\n..\r\nend of {number}\r\n.\r\n")
}

fn message(number: u32) -> Vec<u8> {
    format!("Subject: {number}\r\n\r\n.\r\nend of {number}\r\n").into_bytes()
}

function! {
    /// A whole session. Messages that are whole, as far as the client can tell, are put into
    /// `messages`.
    fn everything(script: Script, messages: &mut Vec<Vec<u8>>) -> Result<(), Error> {
        let config = in_memory();
        let mut client = go!(Client::from_stream(stream(script.stream()), &config))?;
        go!(client.user("me"))?;
        let mut session = go!(client.pass("secret")).map_err(|refused| refused.error)?;
        go!(session.capa())?;
        assert_eq!(go!(session.stat())?.messages, 3);
        assert_eq!(go!(session.list())?.scans().len(), 3);
        assert_eq!(go!(session.uidl())?.len(), 3);
        let body = go!(session.retr(1))?;
        messages.push(go!(body.collect())?);
        let mut bodies = go!(session.retr_many([2, 3u32]))?;
        while let Some((_, body)) = go!(bodies.next_body())? {
            messages.push(go!(body?.collect())?);
        }
        let body = go!(session.top(1, 0))?;
        assert_eq!(go!(body.collect())?, b"Subject: 1\r\n\r\n");
        go!(session.dele(1))?;
        go!(session.quit()).map(|_| ())
    }
}

function! {
    /// Fails, and every message that it got is a whole one.
    fn fails(script: Script, place: &str) {
        let mut messages = Vec::new();
        let ended = go!(everything(script, &mut messages));
        assert!(ended.is_err(), "{place}");
        assert_eq!(messages, (1..).map(message).take(messages.len()).collect::<Vec<_>>(), "{place}");
    }
}

behaviour! { a_cut_at_any_octet_is_an_error {
    let mut messages = Vec::new();
    go!(everything(script().sends(script().octets()), &mut messages)).unwrap();
    assert_eq!(messages, [1, 2, 3].map(message));
    for octets in 0..script().octets() {
        go!(fails(script().sends(octets), &format!("{octets} octets were sent")));
        let slow = script().one_octet_at_a_time().sends(octets);
        go!(fails(slow, &format!("{octets} octets were sent one by one")));
    }
}}

behaviour! { a_cut_at_any_octet_of_the_commands_is_an_error {
    let commands = script().octets_of_commands();
    go!(everything(script().hears(commands), &mut Vec::new())).unwrap();
    for octets in 0..commands {
        go!(fails(script().hears(octets), &format!("{octets} octets arrived")));
    }
}}
