use alloc::string::ToString;

use super::*;
use crate::sasl::{Part, SaslMisbehaviour, Unusable};
use crate::wire::code::CodeKind;
use crate::wire::reply::Status;

fn refused(line: &[u8]) -> Error {
    Error::Refused(Refused {
        verb: Verb::new("PASS"),
        reply: Status::parse(line).unwrap().to_reply(),
        explanation: None,
    })
}

fn misbehaved(how: Misbehaviour, line: &[u8]) -> Error {
    Error::misbehaved(&Verb::new("LIST"), how, line)
}

fn sasl(cause: SaslError) -> Error {
    Error::Sasl(SaslFailed {
        mechanism: "PLAIN".into(),
        cause,
    })
}

fn closed(verb: &'static str, partial: &[u8]) -> Error {
    Error::Closed(Closed {
        verb: Verb::new(verb),
        partial: partial.into(),
    })
}

#[test]
fn who_must_act_and_whether_later_is_soon_enough() {
    let broken = |error| Error::PipelineBroken(Box::new(error));
    let poisoned = |error| Error::Poisoned(Box::new(error));
    for (error, fault, is_retryable) in [
        (Error::Misuse(Misuse::AnswerGone), Fault::Caller, false),
        (refused(b"-ERR no"), Fault::Server, false),
        (refused(b"-ERR [AUTH] no"), Fault::Server, false),
        (refused(b"-ERR [IN-USE] no"), Fault::Server, true),
        (
            misbehaved(Misbehaviour::NoStatus, b""),
            Fault::Server,
            false,
        ),
        (
            sasl(SaslError::Misbehaved(SaslMisbehaviour::Malformed("no"))),
            Fault::Server,
            false,
        ),
        (ProxyError::NotAProxy.into(), Fault::Network, false),
        (
            ProxyError::Refused("no".into()).into(),
            Fault::Network,
            true,
        ),
        (closed("LIST", b""), Fault::Network, true),
        (
            broken(misbehaved(Misbehaviour::NoStatus, b"")),
            Fault::Server,
            true,
        ),
        (poisoned(closed("LIST", b"")), Fault::Network, true),
        (poisoned(refused(b"-ERR no")), Fault::Server, false),
    ] {
        let found = (error.fault(), error.is_retryable());
        assert_eq!(found, (fault, is_retryable), "{error:?}");
    }
}

#[test]
fn a_refusal_has_its_code() {
    let code = |error: &Error| error.code().map(ResponseCode::kind);
    assert_eq!(code(&refused(b"-ERR [IN-USE] no")), Some(CodeKind::InUse));
    assert_eq!(code(&refused(b"-ERR no")), None);
    assert_eq!(code(&closed("LIST", b"")), None);
}

#[test]
fn errors_say_what_was_attempted_and_what_came() {
    for (error, text) in [
        (
            closed("LIST", b""),
            "LIST: the connection was closed before the answer",
        ),
        (
            closed("PASS", b""),
            "PASS: the connection was closed before the answer, as some servers do at a wrong password",
        ),
        (
            closed("LIST", b"+OK \x1b["),
            r#"LIST: the connection was closed in the middle of the answer, after "+OK \u{1b}[""#,
        ),
        (
            misbehaved(Misbehaviour::NoStatus, b"what"),
            r#"LIST: the server's answer is neither +OK nor -ERR: "what""#,
        ),
        (
            misbehaved(Misbehaviour::LineTooLong, b""),
            "LIST: the server sent a line over the limit",
        ),
        (
            misbehaved(Misbehaviour::OtherProtocol(OtherProtocol::Ssh), b"SSH-2"),
            r#"LIST: the server does not speak POP3 here but SSH: "SSH-2""#,
        ),
        (
            sasl(SaslError::Unusable(Unusable::Empty(Part::Password))),
            "AUTH PLAIN was given up: the password is empty",
        ),
        (
            sasl(SaslError::Unusable(Unusable::TooLong(Part::Trace))),
            "AUTH PLAIN was given up: the trace is too long",
        ),
        (
            ProxyError::LoginRefused.into(),
            "the proxy refused the login, or demands one",
        ),
        (
            ProxyError::Refused("no route".into()).into(),
            "the proxy could not connect: no route",
        ),
    ] {
        assert_eq!(Chain(&error).to_string(), text);
    }
}

#[test]
fn an_error_says_nothing_that_its_source_says() {
    let cause = || Box::new(misbehaved(Misbehaviour::NoStatus, b"what"));
    for (error, texts) in [
        (
            sasl(SaslError::Misbehaved(SaslMisbehaviour::Nonce)),
            &[
                "AUTH PLAIN was given up",
                "the server's nonce does not continue ours",
            ][..],
        ),
        (
            Error::Poisoned(Box::new(Error::PipelineBroken(cause()))),
            &[
                "the connection was given up after an earlier error",
                "the connection broke while several commands were on their way",
                "LIST: the server's answer is neither +OK nor -ERR: \"what\"",
            ],
        ),
        (
            Misuse::AnswerGone.into(),
            &["the answer that was asked for has been read or skipped already"],
        ),
    ] {
        let mut next: Option<&dyn core::error::Error> = Some(&error);
        let chain = core::iter::from_fn(|| {
            let error = next?;
            next = error.source();
            Some(error.to_string())
        });
        assert!(chain.eq(texts.iter().copied()), "{error:?}");
    }
}
