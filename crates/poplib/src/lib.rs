//! A POP3 client, blocking and async, over one protocol core.
//!
//! [`blocking`] reads and writes the standard library's sockets, [`tokio`] those of
//! tokio. Both have the same types and methods, and differ in `.await`.
//!
//! ```no_run
//! use poplib::Config;
//! use poplib::blocking::Client;
//!
//! let config = Config::new("pop.example.org");
//! let mut client = Client::connect(&config)?;
//! client.user("me")?;
//! let mut session = client.pass("secret")?;
//! for scan in session.list()?.scans() {
//!     let message = session.retr(scan.number())?.collect()?;
//!     println!("{} octets", message.len());
//! }
//! session.quit()?;
//! # Ok::<(), poplib::Error>(())
//! ```
//!
//! A [`Client`](blocking::Client) is in the AUTHORIZATION state of RFC 1939, a
//! [`Session`](blocking::Session) in the TRANSACTION state; a command in the wrong state does not
//! compile.
//!
//! # Features
//!
//! - `ring`, on by default: the cryptography of TLS.
//! - `aws-lc-rs`: the same by aws-lc-rs, whose key exchange withstands quantum computers. Where both are
//!   on, ring is used.
//! - `platform-verifier`, on by default: trust in what the operating system trusts.
//! - `tokio`: the async client.
//! - `idn`: internationalized names of hosts.
//! - `discovery`: the servers of a domain by its SRV records.
//!
//! Without `ring` and `aws-lc-rs` there are sessions in clear and over streams of your own, and TLS with
//! a configuration of rustls that brings its cryptography.
//!
//! # rustls and its versions
//!
//! TLS is [rustls]'s. What takes or gives a type of rustls has `unversioned` in its
//! name: [`Tls::unversioned_with_rustls`], [`Tls::unversioned_client_config`],
//! [`TlsError::unversioned_from_rustls`]. These and the [source](std::error::Error::source) of a
//! [`TlsError`] follow rustls, and a minor version of this crate may come with a new rustls. Name its
//! types as `poplib::rustls::…`, so that they are always the right ones; where they change, the
//! compiler tells you. Nothing else here depends on rustls's version.
//!
//! # What is where
//!
//! What is the same for every client stands here: [`Config`], [`Tls`], [`Timeouts`], [`Error`],
//! and the types of `poplib-proto`, which does everything but input and output.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod batch;
pub mod blocking;
mod config;
mod core;
#[cfg(feature = "discovery")]
pub mod discovery;
pub mod docs;
mod error;
mod evidence;
mod exclusive;
mod eyeballs;
mod face;
mod host;
mod learning;
mod opening;
mod proxy;
mod quirks;
mod timeouts;
mod tls;
#[cfg(feature = "tokio")]
pub mod tokio;
mod trace;
mod url;

pub use ::rustls;
pub use batch::Wanted;
pub use config::{Config, Pipelining, Security, Utf8};
pub use error::{CopyError, Error, LoginError};
pub use evidence::Evidence;
pub use host::{HostError, host_name};
pub use poplib_proto as proto;
pub use poplib_proto::command::{
    CustomAnswer, Language, Listing, LoggedIn, Maildrop, Overview, Scan, UniqueId, UniqueIds,
    Welcome,
};
pub use poplib_proto::error::Chain;
pub use poplib_proto::sasl::{self, Credentials};
pub use poplib_proto::wire::capability::{Expire, PerUser};
pub use poplib_proto::wire::reply::Printable;
pub use poplib_proto::{
    Capabilities, CodeKind, Error as ProtocolError, Fault, Limits, Misuse, Reply, ResponseCode,
    Secret, State, Window,
};
pub use proxy::Proxy;
pub use quirks::Quirks;
pub use timeouts::{Phase, Timeouts};
pub use tls::{PeerCertificates, Tls, TlsError, TlsErrorKind, TlsFacts, TlsVersion};
pub use url::UrlError;
