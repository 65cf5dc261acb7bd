//! The server's messages (RFC 5802 §7).

use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64, Encoding};

use crate::sasl::SaslMisbehaviour::{self, Malformed};

/// `server-first-message`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerFirst<'a> {
    pub(super) nonce: &'a str,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
}

/// `server-final-message`
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerFinal<'a> {
    Error(&'a str),
    Verifier(Vec<u8>),
}

impl<'a> ServerFirst<'a> {
    /// Attributes stand in their order; optional extensions behind them are passed over.
    pub(super) fn parse(message: &'a str) -> Result<Self, SaslMisbehaviour> {
        let mut attributes = message.split(',');
        let mut next = |name, what| {
            let attribute = attributes.next().unwrap_or_default();
            attribute.strip_prefix(name).ok_or(Malformed(what))
        };
        if message.starts_with("m=") {
            return Err(SaslMisbehaviour::MandatoryExtension);
        }
        let nonce = next("r=", "no nonce")?;
        let salt = next("s=", "no salt")?;
        let iterations = next("i=", "no iteration count")?;
        Ok(Self {
            nonce,
            salt: base64(salt).ok_or(Malformed("the salt is not base64"))?,
            iterations: iteration_count(iterations)?,
        })
    }
}

impl<'a> ServerFinal<'a> {
    pub(super) fn parse(message: &'a str) -> Result<Self, SaslMisbehaviour> {
        if let Some(error) = error(message) {
            return Ok(Self::Error(error));
        }
        let first = message.split(',').next().unwrap_or_default();
        let verifier = first
            .strip_prefix("v=")
            .ok_or(Malformed("no server signature"))?;
        base64(verifier)
            .map(Self::Verifier)
            .ok_or(Malformed("the server signature is not base64"))
    }
}

/// `server-error`. Its place is the final message, but a server that cannot begin says it first.
pub(super) fn error(message: &str) -> Option<&str> {
    message.split(',').next()?.strip_prefix("e=")
}

/// `posit-number`
fn iteration_count(text: &str) -> Result<u32, SaslMisbehaviour> {
    let is_number = text.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number || text.is_empty() || text.starts_with('0') {
        return Err(Malformed("the iteration count is no positive number"));
    }
    text.parse()
        .map_err(|_| SaslMisbehaviour::TooManyIterations(None))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let octets = Base64::decode_vec(text).ok()?;
    (!octets.is_empty()).then_some(octets)
}

/// `saslname`: the characters that part a message, escaped.
pub(in crate::sasl) fn saslname(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn p16_server_first_is_read() {
        let expected = ServerFirst {
            nonce: "abc",
            salt: vec![0],
            iterations: 4096,
        };
        assert_eq!(ServerFirst::parse("r=abc,s=AA==,i=4096").unwrap(), expected);
        let extended = "r=abc,s=AA==,i=4096,x=y,z";
        assert_eq!(ServerFirst::parse(extended).unwrap(), expected);
    }

    #[test]
    fn p16_malformed_server_first_is_refused() {
        for message in [
            "",
            ",",
            "abc",
            "s=AA==,r=abc,i=4096",
            "r=abc,i=4096,s=AA==",
            "r=abc",
            "r=abc,s=AA==",
            "r=abc,s=,i=4096",
            "r=abc,s=AA,i=4096",
            "r=abc,s=A===,i=4096",
            "r=abc,s=*,i=4096",
            "r=abc,s=AA==,i=",
            "r=abc,s=AA==,i=0",
            "r=abc,s=AA==,i=04096",
            "r=abc,s=AA==,i=-1",
            "r=abc,s=AA==,i=+1",
            "r=abc,s=AA==,i=1e9",
            "r=abc,x=y,s=AA==,i=4096",
            "R=abc,s=AA==,i=1",
        ] {
            let refusal = ServerFirst::parse(message).unwrap_err();
            assert!(matches!(refusal, Malformed(_)), "{message}: {refusal:?}");
        }
    }

    #[test]
    fn p16_mandatory_extensions_are_refused() {
        assert_eq!(
            ServerFirst::parse("m=what,r=abc,s=AA==,i=4096").unwrap_err(),
            SaslMisbehaviour::MandatoryExtension
        );
    }

    #[test]
    fn p16_counts_beyond_32_bits_are_refused() {
        for count in ["4294967296", &"9".repeat(1_000)] {
            let message = ["r=abc,s=AA==,i=", count].concat();
            assert_eq!(
                ServerFirst::parse(&message).unwrap_err(),
                SaslMisbehaviour::TooManyIterations(None)
            );
        }
    }

    #[test]
    fn p16_server_final_is_read() {
        let verifier = ServerFinal::Verifier(vec![0]);
        assert_eq!(ServerFinal::parse("v=AA==").unwrap(), verifier);
        assert_eq!(ServerFinal::parse("v=AA==,x=y").unwrap(), verifier);
        assert_eq!(
            ServerFinal::parse("e=invalid-proof").unwrap(),
            ServerFinal::Error("invalid-proof")
        );
        for message in ["", "v", "v=", "v=*", "x=y,v=AA==", "AA=="] {
            let refusal = ServerFinal::parse(message).unwrap_err();
            assert!(matches!(refusal, Malformed(_)), "{message}: {refusal:?}");
        }
    }

    #[test]
    fn p16_names_are_escaped() {
        assert_eq!(saslname("a=b,c=2C"), "a=3Db=2Cc=3D2C");
    }
}
