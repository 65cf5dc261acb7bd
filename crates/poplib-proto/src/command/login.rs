//! Logging in: the best way that both sides know.

mod user_pass;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;

use self::user_pass::UserPass;
use super::{Apop, Auth, Capa};
use crate::connection::Connection;
use crate::error::{Error, Misuse, Refused};
use crate::exchange::{Call, Exchange, Step};
use crate::sasl::{
    Candidate, ChannelBinding, Context, Credentials, Mechanism, Method, NoCandidate, Offer, Policy,
    Timestamp, choose,
};
use crate::wire::capability::Capabilities;
use crate::wire::code::{CodeKind, ResponseCode};
use crate::wire::reply::Reply;

/// What a login depends on beside the credentials.
#[derive(Clone, Debug)]
pub struct LoginParameters {
    /// The host as the connection is configured: a token goes to no other ([A16]).
    ///
    /// [A16]: crate::rows#a16
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The bindings that this TLS connection has, the preferred one first.
    pub bindings: Vec<ChannelBinding>,
    /// What the user is willing to do. Whether a password or a token may be sent without TLS, the
    /// connection says ([`Connection::allow_plaintext_credentials`]).
    pub policy: Policy,
    /// The timestamp of the greeting, if it can be used.
    pub timestamp: Option<Timestamp>,
    /// 32 octets from the system's generator, new for each login.
    pub entropy: [u8; 32],
    /// A way that is left out, by its name: on an earlier connection the server hung up at it.
    pub except: Option<String>,
}

/// Logs in: asks for the capabilities where they are not known, and tries what
/// [`choose`] has found, strongest first.
///
/// It goes on to the next where a mechanism proves unusable ([Q19]), and stops at a refusal that
/// speaks of the credentials or of the maildrop. A refused channel binding speaks of neither
/// ([P17]).
///
/// [Q19]: crate::rows#q19
/// [P17]: crate::rows#p17
#[derive(Debug)]
pub struct Login {
    credentials: Credentials,
    parameters: LoginParameters,
    stage: Stage,
    /// Why the last try was no good.
    last: Option<Error>,
    /// The name of what was tried last.
    tried: Option<String>,
    may_pipeline: bool,
    is_pipelined: bool,
}

/// A login that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedIn {
    /// The name of what did it: a mechanism's, `+APOP`, or `USER`.
    pub method: String,
    /// The server's words.
    pub reply: Reply,
}

#[derive(Debug)]
enum Stage {
    Capa(Call<Capa>),
    Choice,
    Trying(Box<Attempt>, vec::IntoIter<Candidate>),
    Over,
}

#[derive(Debug)]
enum Attempt {
    Sasl(Auth),
    Apop(Call<Apop>),
    UserPass(UserPass),
}

impl LoggedIn {
    /// In this way, with these words of the server.
    #[must_use]
    pub fn new(method: &str, reply: Reply) -> Self {
        let method = method.to_owned();
        Self { method, reply }
    }
}

impl Login {
    /// A login that has not begun.
    #[must_use]
    pub fn new(credentials: Credentials, parameters: LoginParameters) -> Self {
        Self {
            credentials,
            parameters,
            stage: Stage::Capa(Call::new(Capa)),
            last: None,
            tried: None,
            may_pipeline: true,
            is_pipelined: false,
        }
    }

    /// The same without CAPA: it has been refused already, or the server cannot bear it ([Q24]).
    ///
    /// [Q24]: crate::rows#q24
    #[must_use]
    pub fn without_asking(mut self) -> Self {
        self.stage = Stage::Choice;
        self
    }

    /// The same with USER and PASS one after the other, whatever the server lists ([Q7]).
    ///
    /// [Q7]: crate::rows#q7
    #[must_use]
    pub fn without_pipelining(mut self) -> Self {
        self.may_pipeline = false;
        self
    }

    /// The name of what was tried last, if anything was.
    #[must_use]
    pub fn tried(&self) -> Option<&str> {
        self.tried.as_deref()
    }

    /// Whether what was tried last was USER and PASS in one flight.
    #[must_use]
    pub fn is_pipelined(&self) -> bool {
        self.is_pipelined
    }

    fn candidates(&mut self, connection: &Connection) -> Result<vec::IntoIter<Candidate>, Error> {
        let context = Context {
            host: &self.parameters.host,
            port: self.parameters.port,
            tls: connection.is_protected(),
            plaintext_credentials: connection.allows_plaintext_credentials(),
            bindings: &self.parameters.bindings,
            entropy: &self.parameters.entropy,
            policy: &self.parameters.policy,
        };
        let offer = offer(connection.capabilities(), self.parameters.timestamp.clone());
        let candidates = choose(&offer, &self.credentials, &context)?;
        Ok(candidates.into_iter())
    }

    /// Begins with the next candidate.
    fn next(
        &mut self,
        mut candidates: vec::IntoIter<Candidate>,
        connection: &Connection,
    ) -> Result<Stage, Error> {
        let except = self.parameters.except.as_deref();
        let Some(candidate) = candidates.find(|candidate| Some(candidate.name()) != except) else {
            return Err(self.last.take().unwrap_or_else(|| {
                let rejected = Vec::new();
                Error::NoWay(NoCandidate { rejected })
            }));
        };
        self.tried = Some(candidate.name().into());
        let attempt = match candidate {
            Candidate::Sasl(mechanism) => Attempt::Sasl(Auth::new(mechanism)),
            Candidate::Apop { user, digest } => {
                Attempt::Apop(Call::new(Apop::with_digest(user.as_bytes(), digest)))
            }
            Candidate::UserPass { user, password } => {
                self.is_pipelined = self.may_pipeline(connection);
                Attempt::UserPass(UserPass::new(&user, password, self.is_pipelined))
            }
        };
        Ok(Stage::Trying(Box::new(attempt), candidates))
    }

    /// Whether USER and PASS may go in one flight: where the server says that it can take that,
    /// and TLS keeps others from reading a password whose USER was refused.
    fn may_pipeline(&self, connection: &Connection) -> bool {
        let listed = connection.capabilities().map(Capabilities::pipelining);
        self.may_pipeline && connection.is_protected() && listed == Some(true)
    }
}

/// What the server offers, as far as it says.
fn offer(capabilities: Option<&Capabilities>, timestamp: Option<Timestamp>) -> Offer {
    let mut offer = match capabilities {
        Some(capabilities) => Offer::of_mechanisms(capabilities.sasl()),
        None => Offer::default(),
    };
    // A server without CAPA can do what RFC 1939 has; one that lists neither USER nor a
    // mechanism has forgotten USER.
    let silent = capabilities.is_none_or(|capabilities| capabilities.sasl().next().is_none());
    if silent || capabilities.is_some_and(Capabilities::user) {
        offer = offer.with_user_pass();
    }
    match timestamp {
        Some(timestamp) => offer.with_apop(timestamp),
        None => offer,
    }
}

impl Exchange for Login {
    type Output = LoggedIn;

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<LoggedIn>, Error> {
        loop {
            match mem::replace(&mut self.stage, Stage::Over) {
                Stage::Capa(mut capa) => {
                    if let Some(waiting) = ask(&mut capa, connection)? {
                        self.stage = Stage::Capa(capa);
                        return Ok(waiting);
                    }
                    self.stage = Stage::Choice;
                }
                Stage::Choice => {
                    let candidates = self.candidates(connection)?;
                    self.stage = self.next(candidates, connection)?;
                }
                Stage::Trying(mut attempt, candidates) => {
                    match attempt.resume(connection).map(Step::into_done) {
                        Ok(Ok(logged_in)) => return Ok(Step::Done(logged_in)),
                        Ok(Err(waiting)) => {
                            self.stage = Stage::Trying(attempt, candidates);
                            return Ok(waiting);
                        }
                        Err(error) if attempt.allows_another(&error) => {
                            let candidates = match error {
                                Error::Refused(_) => without_binding(attempt.name(), candidates),
                                _ => candidates,
                            };
                            self.last = Some(error);
                            self.stage = self.next(candidates, connection)?;
                        }
                        // The server had its say before it hung up (Q17).
                        Err(Error::Closed(closed)) => {
                            let said = self.last.take().filter(|last| last.refusal().is_some());
                            return Err(said.unwrap_or(Error::Closed(closed)));
                        }
                        Err(error) => return Err(error),
                    }
                }
                Stage::Over => return Err(Misuse::AnswerGone.into()),
            }
        }
    }
}

/// Behind a binding that was refused the others would be too, and each might count as a wrong
/// password: where there is a way without, it is next.
fn without_binding(
    refused: &str,
    candidates: vec::IntoIter<Candidate>,
) -> vec::IntoIter<Candidate> {
    let unbound = |candidate: &Candidate| !binds(candidate.name());
    if !binds(refused) || !candidates.as_slice().iter().any(unbound) {
        return candidates;
    }
    candidates.filter(unbound).collect::<Vec<_>>().into_iter()
}

/// Learns the capabilities unless they are known; a server need not have CAPA. What there is to
/// wait for.
fn ask<T>(capa: &mut Call<Capa>, connection: &mut Connection) -> Result<Option<Step<T>>, Error> {
    if connection.capabilities().is_some() {
        return Ok(None);
    }
    match capa.resume(connection).map(Step::into_done) {
        Ok(Ok(_)) | Err(Error::Refused(_)) => Ok(None),
        Ok(Err(waiting)) => Ok(Some(waiting)),
        Err(error) => Err(error),
    }
}

impl Attempt {
    fn resume(&mut self, connection: &mut Connection) -> Result<Step<LoggedIn>, Error> {
        let step = match self {
            Self::Sasl(auth) => auth.resume(connection)?,
            Self::Apop(apop) => apop.resume(connection)?,
            Self::UserPass(user_pass) => user_pass.resume(connection)?,
        };
        Ok(step.map(|reply| LoggedIn {
            method: self.name().into(),
            reply,
        }))
    }

    fn name(&self) -> &str {
        match self {
            Self::Sasl(auth) => auth.mechanism().name(),
            Self::Apop(_) => Method::Apop.name(),
            Self::UserPass(_) => Method::UserPass.name(),
        }
    }

    /// Whether the error speaks of the mechanism only, so that the next one may be tried.
    fn allows_another(&self, error: &Error) -> bool {
        match (self, error) {
            (_, Error::Sasl(failed)) => failed.cause.allows_another(),
            (Self::Sasl(auth), Error::Refused(refused)) => {
                speaks_of_mechanism(auth.mechanism(), refused)
            }
            _ => false,
        }
    }
}

/// Whether a refusal leaves it open that the credentials are right: the server had not seen them
/// yet; or it may know no binding of our kind, which Cyrus says at the very end only, with the
/// words of a wrong password and no explanation (P17). One that explains that the bindings do not
/// match says that somebody sits between.
fn speaks_of_mechanism(mechanism: &dyn Mechanism, refused: &Refused) -> bool {
    let unseen = !mechanism.credentials_sent();
    let binding = binds(mechanism.name()) && (unseen || mechanism.failure().is_none());
    match refused.reply.code().map(ResponseCode::kind) {
        None | Some(CodeKind::Other) => unseen || binding,
        Some(CodeKind::Auth) => binding,
        Some(_) => false,
    }
}

fn binds(name: &str) -> bool {
    name.ends_with("-PLUS")
}
