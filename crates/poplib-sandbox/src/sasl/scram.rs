//! SCRAM-SHA-1, SCRAM-SHA-256, SCRAM-SHA-512 and their -PLUS forms (RFC 5802, RFC 7677).
//!
//! Passwords are taken as the octets that the builder was given, without SASLprep.

use std::sync::Arc;

use super::{Context, Exchange, Step};
use crate::account::Account;
use crate::base64;
use crate::digest::Hash;

/// RFC 5802 §5.1 recommends no less.
const ITERATIONS: u64 = 4096;

pub(super) struct Scram {
    hash: Hash,
    plus: bool,
    state: State,
}

enum State {
    ClientFirst,
    ClientFinal(Begun),
    /// The signature is on its way; the client confirms it with an empty response.
    Confirmation(Option<Arc<Account>>),
}

/// What the first two messages settled.
struct Begun {
    /// Everything before the client's own message.
    gs2_header: Vec<u8>,
    channel_binding: Vec<u8>,
    client_first_bare: Vec<u8>,
    server_first: Vec<u8>,
    nonce: Vec<u8>,
    iterations: u64,
    salt: Vec<u8>,
    /// Nobody, if the user does not exist: that is told at the end.
    account: Option<Arc<Account>>,
}

impl Scram {
    pub(super) fn with(hash: Hash) -> Self {
        Self {
            hash,
            plus: false,
            state: State::ClientFirst,
        }
    }

    /// With channel binding.
    pub(super) fn plus(mut self) -> Self {
        self.plus = true;
        self
    }

    fn client_first(
        &mut self,
        message: &[u8],
        context: &Context<'_>,
    ) -> Result<Step, &'static str> {
        let mut parts = message.splitn(3, |octet| *octet == b',');
        let (Some(flag), Some(authorization), Some(bare)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err("no GS2 header");
        };
        let channel_binding = self.channel_binding(flag, context)?.to_vec();
        let mut attributes = bare.split(|octet| *octet == b',');
        let user = attribute(b"n=", attributes.next())?;
        let client_nonce = attribute(b"r=", attributes.next())?;
        let user = unescape(user).ok_or("bad escape in the name")?;
        if !authorization.is_empty() && attribute(b"a=", Some(authorization))? != &*user {
            return Err("acting for another user is not allowed");
        }

        let misbehaviours = context.misbehaviours;
        let nonce = match misbehaviours.exchanges_nonce() {
            true => format!("foreign{}", super::nonce()).into_bytes(),
            false => [client_nonce, super::nonce().as_bytes()].concat(),
        };
        let salt = self.hash.digest(&user);
        let iterations = misbehaviours.scram_iterations().unwrap_or(ITERATIONS);
        let salt_text = base64::encode(&salt);
        let server_first = [
            b"r=",
            &*nonce,
            format!(",s={salt_text},i={iterations}").as_bytes(),
        ]
        .concat();
        self.state = State::ClientFinal(Begun {
            gs2_header: message[..message.len() - bare.len()].to_vec(),
            channel_binding,
            client_first_bare: bare.to_vec(),
            server_first: server_first.clone(),
            nonce,
            iterations,
            salt,
            account: context.find(&user),
        });
        Ok(Step::Challenge(server_first))
    }

    /// What the client must prove to have seen of the channel.
    fn channel_binding<'a>(
        &self,
        flag: &[u8],
        context: &'a Context<'_>,
    ) -> Result<&'a [u8], &'static str> {
        let offered = context.bindings.is_some()
            && context
                .settings
                .mechanisms
                .iter()
                .any(|name| name.ends_with("-PLUS"));
        match (flag, context.bindings) {
            (b"n", _) if !self.plus => Ok(&[]),
            // RFC 5802 §6: somebody took the -PLUS out of what we offered.
            (b"y", _) if !self.plus && offered => Err("channel binding was offered"),
            (b"y", _) if !self.plus => Ok(&[]),
            (_, Some(_)) if context.misbehaviours.knows_tls_unique_only() => {
                Err("unknown channel binding")
            }
            (b"p=tls-exporter", Some(bindings)) if self.plus => Ok(&bindings.tls_exporter),
            (b"p=tls-server-end-point", Some(bindings)) if self.plus => {
                Ok(&bindings.tls_server_end_point)
            }
            _ => Err("not the channel binding for this mechanism"),
        }
    }

    fn client_final(
        &self,
        message: &[u8],
        begun: &Begun,
        context: &Context<'_>,
    ) -> Result<Step, &'static str> {
        let proof_at = message
            .windows(3)
            .rposition(|window| window == b",p=")
            .ok_or("no proof")?;
        let without_proof = &message[..proof_at];
        let proof = base64::decode(&message[proof_at + 3..]).ok_or("proof not in base64")?;
        let mut attributes = without_proof.split(|octet| *octet == b',');
        let bound = attribute(b"c=", attributes.next())?;
        let nonce = attribute(b"r=", attributes.next())?;
        let expected = [&*begun.gs2_header, &*begun.channel_binding].concat();
        if base64::decode(bound).ok_or("channel binding not in base64")? != expected {
            return Err("channel binding does not match");
        }
        if nonce != begun.nonce {
            return Err("nonce does not match");
        }
        let Some(account) = &begun.account else {
            return Ok(Step::Done(None));
        };

        let hash = self.hash;
        let salted = hash.pbkdf2(account.password(), &begun.salt, begun.iterations);
        let client_key = hash.hmac(&salted, b"Client Key");
        let signed = [
            &*begun.client_first_bare,
            &*begun.server_first,
            without_proof,
        ]
        .join(&b',');
        let signature = hash.hmac(&hash.digest(&client_key), &signed);
        let expected_proof: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(key, sign)| key ^ sign)
            .collect();
        if proof != expected_proof {
            return Ok(Step::Done(None));
        }
        let mut verifier = hash.hmac(&hash.hmac(&salted, b"Server Key"), &signed);
        if context.misbehaviours.falsifies_signature() {
            verifier[0] ^= 1;
        }
        Ok(Step::Challenge(
            format!("v={}", base64::encode(&verifier)).into_bytes(),
        ))
    }
}

impl Exchange for Scram {
    fn step(&mut self, response: Option<&[u8]>, context: &Context<'_>) -> Step {
        let Some(response) = response else {
            return Step::Challenge(Vec::new());
        };
        let result = match std::mem::replace(&mut self.state, State::Confirmation(None)) {
            State::ClientFirst => self.client_first(response, context),
            State::ClientFinal(begun) => {
                let result = self.client_final(response, &begun, context);
                self.state = State::Confirmation(begun.account);
                result
            }
            State::Confirmation(account) => Ok(Step::Done(account.filter(|_| response.is_empty()))),
        };
        result.unwrap_or_else(Step::Failed)
    }
}

/// The value of the attribute that must stand here.
fn attribute<'a>(name: &[u8], part: Option<&'a [u8]>) -> Result<&'a [u8], &'static str> {
    part.and_then(|part| part.strip_prefix(name))
        .ok_or("not the attributes of SCRAM")
}

/// RFC 5802 §5.1: `=2C` is a comma and `=3D` an equals sign.
fn unescape(name: &[u8]) -> Option<Vec<u8>> {
    let mut parts = name.split(|octet| *octet == b'=');
    let mut plain = parts.next()?.to_vec();
    for part in parts {
        let (octet, rest) = match part {
            [b'2', b'C', rest @ ..] => (b',', rest),
            [b'3', b'D', rest @ ..] => (b'=', rest),
            _ => return None,
        };
        plain.push(octet);
        plain.extend_from_slice(rest);
    }
    Some(plain)
}
