//! USER, PASS, APOP and AUTH.

use std::time::Duration;

use super::answers::Endless;
use super::{Misbehaviour, Misbehaviours, Text};
use crate::response::Response;

impl Misbehaviours {
    /// The answer to right credentials that do not help.
    pub(crate) fn refuses_login(&self) -> Option<Response> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::RefuseLogin(Text(text)) => {
                Some(Response::err(String::from_utf8_lossy(text)))
            }
            _ => None,
        })
    }

    /// How long the maildrop stays locked when the connection is lost.
    pub(crate) fn holds_lock(&self) -> Option<Duration> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::HoldLock(millis) => Some(Duration::from_millis(*millis)),
            _ => None,
        })
    }

    /// How many logins are refused after a connection that ended without QUIT.
    pub(crate) fn holds_lock_for(&self) -> Option<u64> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::HoldLockFor(logins) => Some(*logins),
            _ => None,
        })
    }

    /// Whether other sessions may have the maildrop at the same time.
    pub(crate) fn shares_maildrop(&self) -> bool {
        self.has(&Misbehaviour::NoLock)
    }

    /// The SASL mechanisms offered.
    pub(crate) fn mechanisms(&self, mut names: Vec<String>) -> Vec<String> {
        if self.has(&Misbehaviour::UnusableMechanism) && !names.is_empty() {
            names.insert(0, "GSSAPI".to_owned());
        }
        names
    }

    /// What a refused token is explained with.
    pub(crate) fn oauth_explanation(&self) -> Option<&[u8]> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::OauthExplanation(Text(octets)) => Some(&**octets),
            _ => None,
        })
    }

    pub(crate) fn falsifies_signature(&self) -> bool {
        self.has(&Misbehaviour::ScramWrongSignature)
    }

    pub(crate) fn exchanges_nonce(&self) -> bool {
        self.has(&Misbehaviour::ScramForeignNonce)
    }

    pub(crate) fn scram_iterations(&self) -> Option<u64> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::ScramIterations(iterations) => Some(*iterations),
            _ => None,
        })
    }

    pub(crate) fn knows_tls_unique_only(&self) -> bool {
        self.has(&Misbehaviour::TlsUniqueOnly)
    }

    pub(crate) fn challenge(&self, challenge: Response) -> Response {
        let empty = challenge.status == b"+ \r\n";
        let other = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::BarePlus if empty => Some(Response::raw("+\r\n")),
            Misbehaviour::TextChallenge if empty => Some(Response::raw("+ go ahead\r\n")),
            Misbehaviour::EndlessChallenge => Some(Response::raw("+ ").with_body(Endless(b"A"))),
            _ => None,
        });
        other.unwrap_or(challenge)
    }
}
