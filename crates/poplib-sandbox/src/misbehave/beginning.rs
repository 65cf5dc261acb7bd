//! The greeting, STLS, the handshake and what CAPA says.

use super::{Misbehaviour, Misbehaviours, Phase, Text};
use crate::response::{Ending, Next, Response};
use crate::settings::Stage;

impl Misbehaviours {
    pub(crate) fn greeting(&self, greeting: Response) -> Response {
        let other = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::Stall(Phase::Greeting) => Some(Response::end(Ending::Stall)),
            Misbehaviour::Greeting(Text(octets)) => Some(Response::raw(&**octets)),
            Misbehaviour::ErrGreeting => {
                Some(Response::err("[SYS/TEMP] too busy").then(Next::End(Ending::Close)))
            }
            Misbehaviour::ImapGreeting => {
                Some(Response::raw("* OK [CAPABILITY IMAP4rev1] IMAP4 ready\r\n"))
            }
            Misbehaviour::SmtpGreeting => Some(Response::raw("220 localhost ESMTP ready\r\n")),
            _ => None,
        });
        other.unwrap_or(greeting)
    }

    /// What stands in the place of the APOP timestamp.
    pub(crate) fn stamp(&self) -> Option<String> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::Stamp(Text(octets)) => Some(String::from_utf8_lossy(octets).into_owned()),
            Misbehaviour::BadStamp => Some("<1896 697170952>".to_owned()),
            Misbehaviour::TwoStamps => Some("<1896.1@localhost> <1896.2@localhost>".to_owned()),
            _ => None,
        })
    }

    pub(crate) fn swaps_ports(&self) -> bool {
        self.has(&Misbehaviour::SwapPorts)
    }

    /// Whether the handshake is never answered.
    pub(crate) fn stalls_handshake(&self) -> bool {
        self.has(&Misbehaviour::Stall(Phase::Tls))
    }

    /// What is sent in the place of the handshake.
    pub(crate) fn instead_of_handshake(&self) -> Option<&'static [u8]> {
        self.has(&Misbehaviour::OldTls)
            .then_some(&TLS_1_1_SERVER_HELLO)
    }

    /// Octets to be sent between the +OK of STLS and the handshake, in a segment of their own.
    pub(crate) fn injected_before_handshake(&self) -> &[u8] {
        let injected = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::InjectBeforeTlsSplit(Text(octets)) => Some(&**octets),
            _ => None,
        });
        injected.unwrap_or_default()
    }

    pub(crate) fn capabilities(&self, stage: Stage, mut lines: Vec<String>) -> Vec<String> {
        for misbehaviour in &self.active {
            let after_login = stage == Stage::AfterLogin;
            match misbehaviour {
                Misbehaviour::HideCapability(tag) => hide(tag, &mut lines),
                Misbehaviour::HideBeforeLogin(tag) if !after_login => hide(tag, &mut lines),
                Misbehaviour::HideAfterLogin(tag) if after_login => hide(tag, &mut lines),
                Misbehaviour::NoStls => hide(&Text(b"STLS".to_vec()), &mut lines),
                Misbehaviour::NoUidl => hide(&Text(b"UIDL".to_vec()), &mut lines),
                Misbehaviour::NoTop => hide(&Text(b"TOP".to_vec()), &mut lines),
                _ => {}
            }
        }
        lines
    }
}

fn hide(Text(tag): &Text, lines: &mut Vec<String>) {
    lines.retain(|line| {
        let own = line.split(' ').next().unwrap_or_default();
        !own.as_bytes().eq_ignore_ascii_case(tag)
    });
}

/// RFC 4346 §7.4.1.3: a ServerHello that chooses TLS 1.1 and TLS_RSA_WITH_AES_128_CBC_SHA.
const TLS_1_1_SERVER_HELLO: [u8; 47] = {
    let mut hello = [0x5a; 47];
    let mut at = 0;
    // Record: handshake, version, length. Message: ServerHello, length, version.
    let start = [22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    while at < start.len() {
        hello[at] = start[at];
        at += 1;
    }
    // After 32 octets of random: no session id, the cipher suite, no compression.
    hello[43] = 0;
    hello[44] = 0;
    hello[45] = 0x2f;
    hello[46] = 0;
    hello
};
