//! What a listener between the command and the server looks for.

use std::process::Command;

use poplib_sandbox::{Sandbox, SessionRecord};

use crate::support::tap::{Record, Tap};
use crate::support::{By, PASSWORD, Rig, USER};

/// `popfetch sync` of the rig's account, as one on `host`, over a tap.
pub(crate) fn sync(rig: &Rig, by: By, host: &str, tap: &Tap) -> Command {
    let (scheme, address) = match by {
        By::ImplicitTls => ("pops", rig.sandbox.tls_addr()),
        By::Stls | By::Plaintext => ("pop", rig.sandbox.plain_addr()),
    };
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let url = format!("{scheme}://{USER}@{host}:{}", address.port());
    let mut command = rig.bare(&["sync", "--server", &url, "--proxy", &tap.url]);
    command.args(["--maildir", "mail", "--state", "state.db"]);
    command.env("POPFETCH_PASSWORD", PASSWORD);
    command
}

pub(crate) fn tap(rig: &Rig, by: By) -> Tap {
    Tap::leading_to(match by {
        By::ImplicitTls => rig.sandbox.tls_addr(),
        By::Stls | By::Plaintext => rig.sandbox.plain_addr(),
    })
}

/// Nothing that was sent holds the user, the password or what mechanisms make of them, and of POP3
/// nothing was sent in clear but STLS.
#[track_caller]
pub(crate) fn assert_nothing_in_clear(by: By, records: &[Record]) {
    assert!(!records.is_empty(), "nobody came");
    for Record { sent, .. } in records {
        assert_no_secret(sent);
        let under_tls = match by {
            By::ImplicitTls => sent,
            By::Stls => sent
                .strip_prefix(b"STLS\r\n")
                .expect("STLS, and nothing else"),
            By::Plaintext => panic!("everything is in clear there"),
        };
        // The first record of TLS is of its handshake.
        assert!(matches!(under_tls, [] | [0x16, 3, ..]), "{under_tls:?}");
    }
}

#[track_caller]
fn assert_no_secret(sent: &[u8]) {
    assert_none_of(&[USER.to_owned()], sent);
    assert_no_password(sent);
}

#[track_caller]
pub(crate) fn assert_no_password(octets: &[u8]) {
    assert_none_of(&passwords(), octets);
}

#[track_caller]
fn assert_none_of(secrets: &[String], octets: &[u8]) {
    for secret in secrets {
        let found = memchr::memmem::find(octets, secret.as_bytes());
        assert!(found.is_none(), "{secret} in {}", octets.escape_ascii());
    }
}

/// The password, and its base64 wherever it may begin, alone and with the user before it.
pub(crate) fn passwords() -> Vec<String> {
    let mut passwords = vec![PASSWORD.to_owned()];
    for text in [PASSWORD.to_owned(), format!("\0{USER}\0{PASSWORD}")] {
        passwords.extend(base64_of(&text));
    }
    passwords
}

/// The characters of base64 that the text alone decides, at each of its three positions.
fn base64_of(text: &str) -> [String; 3] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0, 1, 2].map(|before| {
        let octets = [vec![0; before], text.as_bytes().to_vec()].concat();
        let bits: Vec<bool> = octets
            .iter()
            .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1))
            .collect();
        let sextets = bits.chunks_exact(6).skip((before * 8).div_ceil(6));
        sextets
            .map(|bits| {
                bits.iter()
                    .fold(0, |number, bit| number * 2 + usize::from(*bit))
            })
            .map(|number| char::from(ALPHABET[number]))
            .collect()
    })
}

/// The commands that the server understood, of all sessions.
pub(crate) fn commands(sandbox: &Sandbox) -> Vec<String> {
    let sessions = sandbox.sessions();
    sessions.iter().flat_map(SessionRecord::lines).collect()
}

#[test]
fn base64_is_found_wherever_it_begins() {
    // "open sesame", and the same behind one octet and behind two.
    let [first, second, third] = base64_of(PASSWORD);
    assert!("b3BlbiBzZXNhbWU=".contains(&first) && first.len() == 14);
    assert!("AG9wZW4gc2VzYW1l".contains(&second) && second.len() == 14);
    assert!("AABvcGVuIHNlc2FtZQ==".contains(&third) && third.len() == 14);
}
