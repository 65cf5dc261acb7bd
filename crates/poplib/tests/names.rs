//! Every type that something returns has a name: it can stand in a struct, and nothing else than
//! `poplib` need be a dependency for that.

#![allow(missing_docs, reason = "a test")]

use std::net::SocketAddr;
use std::slice;
use std::vec::IntoIter;

use poplib::proto::command::{BodyStart, Dele, ListOne, Retr, Top, UidlOne, UniqueIdsIter};
use poplib::proto::connection::{BodyStep, ListLine, Ticket};
use poplib::proto::error::{Chain, Closed, Misbehaved, Misbehaviour, OtherProtocol, Refused};
use poplib::proto::proxy::ProxyError;
use poplib::proto::sasl::{NoCandidate, Rejection, SaslError, TimestampError, UnknownMethod};
use poplib::proto::wire::capability::{Lines, Mechanisms, Parameters};
use poplib::proto::wire::line::Verb;
use poplib::proto::{Connection, Pipeline, Planned};
use poplib::rustls::ClientConfig;
use poplib::sasl::{ChannelBinding, Policy, Timestamp};
use poplib::{
    Capabilities, Config, CopyError, CustomAnswer, Error, Evidence, Expire, Fault, HostError,
    Language, Limits, Listing, LoggedIn, LoginError, Maildrop, Misuse, Overview, PeerCertificates,
    PerUser, Phase, ProtocolError, Proxy, Quirks, Reply, ResponseCode, Scan, Security, State,
    Timeouts, Tls, TlsError, TlsErrorKind, TlsFacts, TlsVersion, UniqueId, UniqueIds, UrlError,
    Wanted, Welcome, Window,
};

/// A batch that is kept, with what its messages came from.
pub struct Kept<'a> {
    pub bodies: poplib::blocking::Bodies<'a, IntoIter<Wanted>, Retr>,
    pub scanned: poplib::blocking::Bodies<'a, slice::Iter<'a, Scan>, Retr>,
    pub headers: poplib::blocking::Bodies<'a, IntoIter<u32>, Top>,
    pub deletions: poplib::blocking::Batch<'a, IntoIter<u32>, Dele>,
    pub sizes: poplib::blocking::Batch<'a, IntoIter<u32>, ListOne>,
    pub ids: poplib::blocking::Batch<'a, IntoIter<u32>, UidlOne>,
    pub body: poplib::blocking::Body<'a>,
    pub stream: Box<dyn poplib::blocking::Transport>,
}

#[cfg(feature = "tokio")]
pub struct KeptByTokio<'a> {
    pub bodies: poplib::tokio::Bodies<'a, IntoIter<Wanted>, Retr>,
    pub headers: poplib::tokio::Bodies<'a, IntoIter<u32>, Top>,
    pub deletions: poplib::tokio::Batch<'a, IntoIter<u32>, Dele>,
    pub body: poplib::tokio::Body<'a>,
    pub stream: Box<dyn poplib::tokio::Transport>,
}

/// What methods return, and what is within it.
pub struct Returned<'a> {
    pub lines: Lines<'a>,
    pub parameters: Parameters<'a>,
    pub mechanisms: Mechanisms<'a>,
    pub ids: UniqueIdsIter<'a>,
    pub certificates: PeerCertificates<'a>,
    pub chain: Chain<'a>,
    pub id: UniqueId<'a>,
    pub replies: (
        Reply,
        Welcome,
        Capabilities,
        Maildrop,
        Listing,
        Scan,
        UniqueIds,
        Overview,
    ),
    pub others: (
        CustomAnswer,
        Vec<Language>,
        LoggedIn,
        PerUser<Expire>,
        BodyStart,
        BodyStep,
    ),
    pub login: LoginError<poplib::blocking::Client>,
    pub errors: (
        Error,
        ProtocolError,
        CopyError,
        TlsError,
        TlsErrorKind,
        UrlError,
        HostError,
    ),
    pub within: (
        Misuse,
        Refused,
        Misbehaved,
        Misbehaviour,
        OtherProtocol,
        Closed,
        ProxyError,
    ),
    pub of_sasl: (
        SaslError,
        NoCandidate,
        Rejection,
        TimestampError,
        UnknownMethod,
        Timestamp,
    ),
    pub codes: (
        Fault,
        ResponseCode,
        Verb,
        Phase,
        State,
        Security,
        TlsVersion,
    ),
    pub settings: (
        Config,
        Limits,
        Policy,
        Proxy,
        Quirks,
        Evidence,
        Timeouts,
        Tls,
        Window,
    ),
    pub tls: (TlsFacts, Vec<ChannelBinding>, ClientConfig, SocketAddr),
    pub core: (
        Connection,
        Ticket,
        ListLine<'a>,
        Pipeline<IntoIter<Planned<Retr>>, Retr>,
    ),
}

/// Begins what is kept.
fn headers(
    session: &mut poplib::blocking::Session,
    numbers: Vec<u32>,
) -> Result<poplib::blocking::Bodies<'_, IntoIter<u32>, Top>, Error> {
    session.top_many(numbers, 0)
}

#[test]
fn what_is_returned_can_be_named() {
    fn named<T>() -> &'static str {
        std::any::type_name::<T>()
    }
    assert!(named::<Kept<'_>>().contains("Kept") && named::<Returned<'_>>().contains("Returned"));
    #[cfg(feature = "tokio")]
    assert!(named::<KeptByTokio<'_>>().contains("KeptByTokio"));
    let _ = headers;
}
