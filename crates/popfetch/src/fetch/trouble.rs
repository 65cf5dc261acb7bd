//! What the library's errors mean for the person who waits for mail: the likely cause, what to
//! do about it, and the exit status.

use poplib::{Config, Error, Phase, ProtocolError, Security, TlsError, TlsErrorKind};
use poplib_proto::error::{Misbehaviour, OtherProtocol, Refused};
use poplib_proto::wire::line::Verb;

use crate::failure::{Failure, Status};
use crate::key::hex;
use crate::words;

use self::refusal::Refusal;

mod refusal;
#[cfg(test)]
mod tests;

/// The failure of the opening of a session, from the name to the login.
pub(super) fn opening_failure(user: &str, config: &Config, error: &Error) -> Failure {
    let (host, port) = config.address();
    match reached_login(error) {
        true => login_failure(&format!("log in to {host} as {user}"), config, error),
        false => failure(&format!("connect to {host}, port {port}"), config, error),
    }
}

fn reached_login(error: &Error) -> bool {
    let is_early = |phase: &Phase| {
        matches!(
            phase,
            Phase::Connect | Phase::Proxy | Phase::Greeting | Phase::Tls
        )
    };
    match error {
        Error::Timeout(phase) | Error::Io { phase, .. } => !is_early(phase),
        Error::Protocol(error) => verb(error)
            .is_none_or(|verb| ![Verb::GREETING.as_str(), "CAPA", "STLS"].contains(&verb.as_str())),
        _ => false,
    }
}

/// What was being said when it happened.
fn verb(error: &ProtocolError) -> Option<&Verb> {
    match error {
        ProtocolError::Refused(refused) => Some(&refused.verb),
        ProtocolError::Misbehaved(misbehaved) => Some(&misbehaved.verb),
        ProtocolError::Closed(closed) => Some(&closed.verb),
        ProtocolError::PipelineBroken(cause) | ProtocolError::Poisoned(cause) => verb(cause),
        _ => None,
    }
}

/// The failure of UIDL for an account whose messages are known by their unique-ids.
pub(super) fn no_unique_ids(attempt: &str, config: &Config, error: &Error) -> Failure {
    let failure = Failure {
        status: Status::Temporary,
        ..failure(attempt, config, error)
    };
    failure.hint("without them nobody can tell what is new; try again later")
}

/// The failure of a listing in which nothing is shown and something was refused (Q57).
pub(super) fn unopened(attempt: &str, config: &Config, error: &Error) -> Failure {
    let failure = Failure {
        status: Status::Temporary,
        ..failure(attempt, config, error)
    };
    failure.hint(
        "the login succeeded, and the server could not open the maildrop: try again later, and ask \
         those who run it if it stays so",
    )
}

/// What a refusal of a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// The message.
    OfMessage,
    /// This moment: it may be given another time.
    ForNow,
    /// The server gives no more for now (Q21).
    Quota,
}

/// What the refusal of a message is about.
pub(super) fn denial(error: &Error) -> Denial {
    match error.protocol() {
        Some(ProtocolError::Refused(refused)) if refusal::is_quota(refused) => Denial::Quota,
        Some(ProtocolError::Refused(refused)) if refusal::is_for_now(refused) => Denial::ForNow,
        _ => Denial::OfMessage,
    }
}

/// The failure of an attempt, which reads on from "could not": `fetch message 3`.
pub(crate) fn failure(attempt: &str, config: &Config, error: &Error) -> Failure {
    let failed =
        |status, cause: &str| Failure::new(status, format!("could not {attempt}: {cause}"));
    match error {
        Error::Host { .. } => failed(Status::Configuration, &words::all(error)),
        Error::Resolve { source, .. } => failed(Status::Unavailable, &words::all(source))
            .hint("check the host name, and whether this machine is online"),
        Error::Connect { source, .. } => {
            failed(Status::Unavailable, &words::all(source)).hint(ports(config))
        }
        Error::Timeout(phase) => timeout(attempt, config, phase),
        Error::Io {
            phase: Phase::Tls,
            source,
        } => failed(Status::Unavailable, &words::all(source)).hint(ports(config)),
        Error::Io { source, .. } => temporary(failed(Status::Temporary, &words::all(source))),
        Error::TlsBroken { source, .. } => {
            temporary(failed(Status::Temporary, &words::all(source)))
        }
        Error::Tls(error) => tls(attempt, config, error),
        Error::ProxyTls(error) => failed(
            Status::Unavailable,
            &format!("TLS with the proxy: {}", words::all(error)),
        )
        .hint(
            "check the host and port of --proxy; if the proxy has an authority of its own, name it \
             with --ca-file PEM",
        ),
        Error::StlsRefused(refused) => {
            let failure = failed(Status::Unavailable, "the server offers no TLS on this port");
            with_reply(failure, refused.refusal()).hint(
                "try pops://, which is TLS from the start; --allow-plaintext does without TLS, \
                 for everybody on the way to read",
            )
        }
        Error::Protocol(error) => protocol(attempt, config, error),
        other => failed(Status::Protocol, &words::all(other)),
    }
}

/// Whether the server sent what it must not.
pub(super) fn is_misbehaviour(error: &Error) -> bool {
    match error {
        Error::Protocol(ProtocolError::Misbehaved(_)) => true,
        Error::Protocol(ProtocolError::PipelineBroken(cause)) => {
            matches!(**cause, ProtocolError::Misbehaved(_))
        }
        _ => false,
    }
}

fn protocol(attempt: &str, config: &Config, error: &ProtocolError) -> Failure {
    let failed =
        |status, cause: &str| Failure::new(status, format!("could not {attempt}: {cause}"));
    match error {
        ProtocolError::Refused(refused) if refused.verb == Verb::GREETING => {
            let (status, hint) = match Refusal::of(refused) {
                Refusal::Permanent => (Status::Unavailable, "ask those who run it"),
                _ => (
                    Status::Temporary,
                    "it may be busy, or let nobody in from here; try again later",
                ),
            };
            with_reply(
                failed(status, "the server greeted with a refusal"),
                Some(refused),
            )
            .hint(hint)
        }
        ProtocolError::Refused(refused) => {
            let status = if error.is_retryable() {
                Status::Temporary
            } else {
                Status::Protocol
            };
            let failure = failed(status, &format!("the server refused {}", refused.verb));
            with_reply(failure, Some(refused))
        }
        ProtocolError::Misbehaved(misbehaved) => {
            let failure = failed(Status::Protocol, &misbehaved.how.to_string());
            let failure = match &*misbehaved.line {
                b"" => failure,
                line => failure.server(line),
            };
            match misbehaved.how {
                Misbehaviour::OtherProtocol(other) => failure.hint(other_port(config, other)),
                _ => failure,
            }
        }
        ProtocolError::Closed(closed) if closed.verb == Verb::GREETING => failed(
            Status::Unavailable,
            "the server closed the connection without a greeting",
        )
        .hint(ports(config)),
        ProtocolError::Closed(closed) => {
            let cause = format!("the server closed the connection during {}", closed.verb);
            temporary(failed(Status::Temporary, &cause))
        }
        ProtocolError::PipelineBroken(cause) | ProtocolError::Poisoned(cause) => {
            protocol(attempt, config, cause)
        }
        ProtocolError::Misuse(misuse) => failed(Status::Usage, &words::all(misuse)),
        ProtocolError::Proxy(proxy) => failed(Status::Unavailable, &words::all(proxy))
            .hint("check --proxy, and whether the proxy may connect to the server"),
        other => failed(Status::Protocol, &words::all(other)),
    }
}

/// The failure of a login, where a refusal means something else than elsewhere.
pub(crate) fn login_failure(attempt: &str, config: &Config, error: &Error) -> Failure {
    let failed =
        |status, cause: &str| Failure::new(status, format!("could not {attempt}: {cause}"));
    match error.protocol() {
        Some(ProtocolError::Refused(refused)) => {
            let refusal = Refusal::of(refused);
            let (status, cause, hint) = refusal.words();
            let cause = match explanation(refused) {
                Some(explanation) => format!("{cause} ({explanation})"),
                None => cause.to_owned(),
            };
            with_reply(failed(status, &cause), Some(refused))
                .hint(hint)
                .retry_after(refusal.pause())
        }
        // Some servers answer a wrong password by hanging up (Q17).
        Some(ProtocolError::Closed(closed)) if closed.verb.as_str() != "USER" => failed(
            Status::LoginRefused,
            "the server closed the connection instead of answering",
        )
        .hint("that is how some servers refuse a wrong password"),
        _ => failure(attempt, config, error),
    }
}

/// What the server told a mechanism about its refusal.
fn explanation(refused: &Refused) -> Option<String> {
    let explanation = refused.explanation.as_ref()?;
    let scope = explanation
        .scope
        .as_ref()
        .map(|scope| format!("scope {scope}"));
    let parts: Vec<String> = explanation
        .status
        .clone()
        .into_iter()
        .chain(scope)
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn with_reply(failure: Failure, refused: Option<&Refused>) -> Failure {
    match refused {
        Some(refused) => failure.server(refused.reply.line()),
        None => failure,
    }
}

fn temporary(failure: Failure) -> Failure {
    failure.hint("run it again to fetch the rest; what is stored is safe")
}

fn timeout(attempt: &str, config: &Config, phase: &Phase) -> Failure {
    let early = matches!(phase, Phase::Connect | Phase::Greeting | Phase::Tls);
    let status = if early {
        Status::Unavailable
    } else {
        Status::Temporary
    };
    let failure = Failure::new(
        status,
        format!("could not {attempt}: {phase} took too long"),
    );
    match phase {
        // A server that expects TLS waits for us to begin.
        Phase::Greeting if config.security() != Security::ImplicitTls => {
            failure.hint("if this port speaks TLS from the start, use pops:// instead of pop://")
        }
        Phase::Connect => failure.hint(ports(config)),
        Phase::Tls => failure.hint(ports(config)),
        _ => failure.hint("try again, or give it more time with --timeout SECONDS"),
    }
}

fn tls(attempt: &str, config: &Config, error: &TlsError) -> Failure {
    let status = match error.kind() {
        TlsErrorKind::NotTls => Status::Protocol,
        TlsErrorKind::NoAuthority | TlsErrorKind::BadName(_) => Status::Configuration,
        _ => Status::Unavailable,
    };
    let failure = Failure::new(
        status,
        format!("could not {attempt}: {}", words::all(error)),
    );
    let hint = match error.kind() {
        TlsErrorKind::UnknownIssuer | TlsErrorKind::BadCertificate => {
            "if the server has an authority of its own, name it with --ca-file PEM; to trust \
             this one certificate, give its SHA-256 with --pin sha256:HEX"
                .into()
        }
        TlsErrorKind::BadSignature => {
            "the authority may have been made anew under its old name: ask for its certificate \
             again, and name it with --ca-file PEM; if nobody did, do not go on"
                .into()
        }
        TlsErrorKind::WrongName { .. } => {
            "use the name that the certificate is for; if somebody else answers in the server's \
             place, do not go on"
                .into()
        }
        TlsErrorKind::OutOfDate => {
            "check this machine's clock; if it is right, those who run the server must act".into()
        }
        TlsErrorKind::PinMismatch { actual } => format!(
            "if those who run the server confirm the new certificate, use --pin sha256:{}",
            hex(actual)
        ),
        TlsErrorKind::NotTls if config.security() == Security::ImplicitTls => {
            "this port does not begin with TLS; use pop:// instead of pops:// for STLS, usually \
             on port 110"
                .into()
        }
        TlsErrorKind::NothingInCommon => {
            "the server may be too old: TLS 1.2 is the least that is accepted".into()
        }
        _ => return failure,
    };
    failure.hint(hint)
}

/// Somebody else answers on this port (Q29).
fn other_port(config: &Config, other: OtherProtocol) -> String {
    match other {
        OtherProtocol::Tls => {
            "this port speaks TLS from the start: use pops:// instead of pop://".into()
        }
        _ => ports(config).into(),
    }
}

fn ports(config: &Config) -> &'static str {
    match config.security() {
        Security::ImplicitTls => {
            "check host and port: pops:// is TLS from the start, usually on port 995"
        }
        Security::Stls | Security::Plaintext => {
            "check host and port: pop:// begins without TLS, usually on port 110; if the server \
             wants TLS from the start, use pops://"
        }
    }
}
