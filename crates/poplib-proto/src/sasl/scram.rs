//! SCRAM (RFC 5802): SCRAM-SHA-1, SCRAM-SHA-256 (RFC 7677), SCRAM-SHA-512 and their -PLUS forms.

mod binding;
mod hash;
mod message;
mod nonce;

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::{fmt, iter, mem, str};

use base64ct::{Base64, Encoding};
use hmac::{Hmac, Mac};

pub use self::binding::{BindingFlag, ChannelBinding};
pub use self::hash::{HashFunction, Sha1, Sha256, Sha512};
use self::hash::{hash, hi, keyed};
pub(super) use self::message::saslname;
use self::message::{ServerFinal, ServerFirst};
pub use self::nonce::Nonce;
use super::saslprep::{Unassigned, saslprep};
use super::{Failure, Mechanism, Part, Password, Policy, SaslError, SaslMisbehaviour, Unusable};
use crate::Secret;

/// SCRAM: client and server prove to each other that they know the password, or what the server
/// has stored of it, and neither hands it over.
///
/// ```text
/// Begin ──client-first──▶ FirstSent ──server-first, client-final──▶ FinalSent ──v=──▶ Verified
///                             └───────────────── e= ──────────────────┴─────────────▶ Over
/// ```
pub struct Scram<H: HashFunction> {
    /// The user name as the messages carry it.
    user: String,
    authzid: Option<String>,
    password: Secret,
    flag: BindingFlag,
    nonce: Nonce,
    iterations: RangeInclusive<u32>,
    state: State<H>,
    proof_sent: bool,
    failure: Option<Failure>,
}

enum State<H: HashFunction> {
    Begin,
    FirstSent {
        client_first_bare: String,
    },
    FinalSent {
        /// Knows the server's key and all that was said; what remains is to compare.
        server_signature: Hmac<H::Digest>,
    },
    Verified,
    /// Failed on either side. Nothing more is answered.
    Over,
}

impl<H: HashFunction> Scram<H> {
    /// A login with SCRAM; with its -PLUS form where the flag holds a channel binding.
    ///
    /// The nonce must be new for each login and impossible to guess.
    ///
    /// # Errors
    /// An empty part, NUL, or a user name that SASLprep prohibits (RFC 5802 §5.1).
    pub fn new(credentials: &Password, flag: BindingFlag, nonce: Nonce) -> Result<Self, Unusable> {
        credentials.check()?;
        let prepare = |part, name: &str| match saslprep(name, Unassigned::Allowed) {
            Ok(prepared) if prepared.is_empty() => Err(Unusable::Empty(part)),
            Ok(prepared) => Ok(saslname(&prepared)),
            Err(_) => Err(Unusable::Forbidden(part)),
        };
        Ok(Self {
            user: prepare(Part::User, &credentials.user)?,
            // Its form is the protocol's affair, not the mechanism's: it is not prepared.
            authzid: credentials.authzid.as_deref().map(saslname),
            password: prepared_password(&credentials.secret),
            flag,
            nonce,
            iterations: Policy::default().iterations,
            state: State::Begin,
            proof_sent: false,
            failure: None,
        })
    }

    /// Admits other iteration counts than [`Policy::iterations`] does by default.
    #[must_use]
    pub fn iterations(mut self, admitted: RangeInclusive<u32>) -> Self {
        self.iterations = admitted;
        self
    }

    /// `gs2-header` (RFC 5802 §7)
    fn gs2_header(&self) -> String {
        let authzid = self.authzid.as_deref();
        let prefix = if authzid.is_some() { "a=" } else { "" };
        [
            self.flag.text(),
            ",",
            prefix,
            authzid.unwrap_or_default(),
            ",",
        ]
        .concat()
    }

    /// `client-final-message`, and the signature that must come back (RFC 5802 §3).
    fn answer(&mut self, client_first_bare: &str, challenge: &str) -> Result<Secret, SaslError> {
        let server_first = ServerFirst::parse(challenge)?;
        if !self.nonce.is_continued_by(server_first.nonce) {
            return Err(SaslMisbehaviour::Nonce.into());
        }
        self.check_iterations(server_first.iterations)?;

        let binding = [self.gs2_header().as_bytes(), self.flag.data()].concat();
        let without_proof = [
            "c=",
            &Base64::encode_string(&binding),
            ",r=",
            server_first.nonce,
        ]
        .concat();
        let auth_message = [client_first_bare, challenge, &without_proof].join(",");

        let salted_password = hi::<H::Digest>(
            self.password.expose(),
            &server_first.salt,
            server_first.iterations,
        );
        let sign = |key: &[u8], message: &str| {
            let signature = keyed::<H::Digest>(key).chain_update(message).finalize();
            Secret::from(&signature.into_bytes()[..])
        };
        let client_key = sign(salted_password.expose(), "Client Key");
        let stored_key = hash::<H::Digest>(client_key.expose());
        let client_signature = sign(stored_key.expose(), &auth_message);
        let proof = iter::zip(client_key.expose(), client_signature.expose())
            .map(|(key, signature)| key ^ signature);
        let proof = Secret::from(proof.collect::<Vec<u8>>());

        let server_key = sign(salted_password.expose(), "Server Key");
        self.state = State::FinalSent {
            server_signature: keyed::<H::Digest>(server_key.expose()).chain_update(&auth_message),
        };
        self.proof_sent = true;
        let proof = Secret::from(Base64::encode_string(proof.expose()));
        let client_final = [without_proof.as_bytes(), b",p=", proof.expose()];
        Ok(Secret::from(client_final.concat()))
    }

    fn check_iterations(&self, announced: u32) -> Result<(), SaslError> {
        if announced < *self.iterations.start() {
            Err(SaslMisbehaviour::TooFewIterations(announced).into())
        } else if announced > *self.iterations.end() {
            Err(SaslMisbehaviour::TooManyIterations(Some(announced)).into())
        } else {
            Ok(())
        }
    }

    /// The server's own word for its refusal, which -ERR will follow: nothing is left to say.
    fn refused(&mut self, error: &str, challenge: &str) -> Secret {
        self.failure = Some(Failure {
            status: Some(error.into()),
            text: challenge.into(),
            ..Failure::default()
        });
        Secret::default()
    }
}

impl<H: HashFunction> Mechanism for Scram<H> {
    fn name(&self) -> &str {
        match self.flag {
            BindingFlag::Bound(_) => H::PLUS_NAME,
            BindingFlag::Unsupported | BindingFlag::NotOffered => H::NAME,
        }
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        let client_first_bare = ["n=", &self.user, ",r=", self.nonce.as_str()].concat();
        let client_first = [self.gs2_header(), client_first_bare.clone()].concat();
        self.state = State::FirstSent { client_first_bare };
        Ok(Some(Secret::from(client_first)))
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, SaslError> {
        let state = mem::replace(&mut self.state, State::Over);
        let challenge =
            str::from_utf8(challenge).map_err(|_| SaslMisbehaviour::Malformed("not UTF-8"))?;
        match state {
            State::FirstSent { client_first_bare } => match message::error(challenge) {
                Some(error) => Ok(self.refused(error, challenge)),
                None => self.answer(&client_first_bare, challenge),
            },
            State::FinalSent { server_signature } => match ServerFinal::parse(challenge)? {
                ServerFinal::Error(error) => Ok(self.refused(error, challenge)),
                ServerFinal::Verifier(signature) => {
                    // In constant time.
                    server_signature
                        .verify_slice(&signature)
                        .map_err(|_| SaslMisbehaviour::Signature)?;
                    self.state = State::Verified;
                    Ok(Secret::default())
                }
            },
            State::Begin | State::Verified | State::Over => {
                Err(SaslMisbehaviour::UnexpectedChallenge.into())
            }
        }
    }

    fn finish(&mut self) -> Result<(), SaslError> {
        match self.state {
            State::Verified => Ok(()),
            State::Begin | State::FirstSent { .. } | State::FinalSent { .. } => {
                Err(SaslMisbehaviour::UnprovenSuccess.into())
            }
            State::Over => Err(SaslMisbehaviour::UnearnedSuccess.into()),
        }
    }

    fn reveals_secret(&self) -> bool {
        false
    }

    fn credentials_sent(&self) -> bool {
        self.proof_sent
    }

    fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

/// `Normalize(password)` (RFC 5802 §2.2). A password that SASLprep prohibits is used as it is:
/// the only servers that can have stored it are those that do not prepare.
fn prepared_password(password: &Secret) -> Secret {
    let prepared = str::from_utf8(password.expose())
        .ok()
        .and_then(|text| saslprep(text, Unassigned::Prohibited).ok())
        .filter(|prepared| !prepared.is_empty());
    prepared.map_or_else(
        || password.clone(),
        |prepared| Secret::from(prepared.as_str()),
    )
}

impl<H: HashFunction> fmt::Debug for Scram<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Begin => "Begin",
            State::FirstSent { .. } => "FirstSent",
            State::FinalSent { .. } => "FinalSent",
            State::Verified => "Verified",
            State::Over => "Over",
        };
        f.debug_struct(self.name())
            .field("user", &self.user)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
