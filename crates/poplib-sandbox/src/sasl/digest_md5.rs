//! DIGEST-MD5 (RFC 2831) with `qop=auth`.

use std::sync::Arc;

use super::{Context, Exchange, Step};
use crate::account::Account;
use crate::digest;

/// What the server calls itself.
const REALM: &str = "localhost";

#[derive(Default)]
pub(super) struct DigestMd5 {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Begin,
    Challenged {
        nonce: String,
    },
    /// The proof is on its way; the client confirms it with an empty response.
    Confirmation(Option<Arc<Account>>),
}

impl Exchange for DigestMd5 {
    fn step(&mut self, response: Option<&[u8]>, context: &Context<'_>) -> Step {
        match (std::mem::take(&mut self.state), response) {
            (State::Begin, None) => {
                let nonce = super::nonce();
                let challenge = format!(
                    "realm=\"{REALM}\",nonce=\"{nonce}\",qop=\"auth\",charset=utf-8,algorithm=md5-sess"
                );
                self.state = State::Challenged { nonce };
                Step::Challenge(challenge.into_bytes())
            }
            (State::Challenged { nonce }, Some(response)) => {
                match Response::read(response).and_then(|response| response.judge(&nonce, context))
                {
                    Ok(Some((account, proof))) => {
                        self.state = State::Confirmation(Some(account));
                        Step::Challenge(format!("rspauth={proof}").into_bytes())
                    }
                    Ok(None) => Step::Done(None),
                    Err(amiss) => Step::Failed(amiss),
                }
            }
            (State::Confirmation(account), Some([])) => Step::Done(account),
            _ => Step::Failed("not the steps of DIGEST-MD5"),
        }
    }
}

/// `digest-response`, as our client writes it: no quotes within quotes but escaped ones.
struct Response {
    directives: Vec<(String, Vec<u8>)>,
}

impl Response {
    fn read(text: &[u8]) -> Result<Self, &'static str> {
        let mut directives = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let equals = rest.iter().position(|octet| *octet == b'=');
            let (name, behind) = rest.split_at(equals.ok_or("a directive without a value")?);
            let (mut value, mut quoted, mut escaped, mut end) = (Vec::new(), false, false, None);
            for (at, octet) in behind.iter().enumerate().skip(1) {
                match octet {
                    _ if escaped => {
                        value.push(*octet);
                        escaped = false;
                    }
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    b',' if !quoted => {
                        end = Some(at + 1);
                        break;
                    }
                    octet => value.push(*octet),
                }
            }
            if quoted {
                return Err("a quote that does not end");
            }
            directives.push((String::from_utf8_lossy(name).into_owned(), value));
            rest = end.map_or(&[], |end| &behind[end..]);
        }
        Ok(Self { directives })
    }

    fn get(&self, name: &str) -> Result<&[u8], &'static str> {
        let mut values = self.directives.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value),
            _ => Err("a directive is missing, or there twice"),
        }
    }

    /// Whose response it is, and the server's own proof; `None` where the digest is wrong.
    fn judge(
        &self,
        nonce: &str,
        context: &Context<'_>,
    ) -> Result<Option<(Arc<Account>, String)>, &'static str> {
        let uri = self.get("digest-uri")?;
        if self.get("nonce")? != nonce.as_bytes() || self.get("nc")? != b"00000001" {
            return Err("not the nonce, or not its first use");
        }
        if self.get("realm")? != REALM.as_bytes() || self.get("qop")? != b"auth" {
            return Err("not the realm or the qop that was offered");
        }
        if !uri.starts_with(b"pop/") {
            return Err("it is for another service");
        }
        let user = self.get("username")?;
        let Some(account) = context.find(user) else {
            return Ok(None);
        };
        if self.get("authzid").is_ok_and(|authzid| authzid != user) {
            return Err("acting for another user is not allowed");
        }
        let secret = [
            &*latin_1(user),
            REALM.as_bytes(),
            &*latin_1(account.password()),
        ];
        let cnonce = self.get("cnonce")?;
        let secret = digest::md5(&secret.join(&b':'));
        let mut a1 = vec![&secret[..], nonce.as_bytes(), cnonce];
        a1.extend(self.get("authzid").ok());
        let a1 = hex_of(&a1);
        let prove = |method: &[u8]| {
            let a2 = hex_of(&[method, uri]);
            let parts = [
                a1.as_bytes(),
                nonce.as_bytes(),
                b"00000001",
                cnonce,
                b"auth",
                a2.as_bytes(),
            ];
            hex_of(&parts)
        };
        let is_right = self.get("response")? == prove(b"AUTHENTICATE").as_bytes();
        Ok(is_right.then(|| (account, prove(b""))))
    }
}

fn hex_of(parts: &[&[u8]]) -> String {
    digest::hex(&digest::md5(&parts.join(&b':')))
}

/// RFC 2831 §2.1.2.1: what can be in ISO 8859-1 is so in the hash.
fn latin_1(octets: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(octets).ok();
    let converted = text.and_then(|text| text.chars().map(|one| u8::try_from(one).ok()).collect());
    converted.unwrap_or_else(|| octets.to_vec())
}
