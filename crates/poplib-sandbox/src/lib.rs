//! A POP3 server for tests, demos and benches that misbehaves on request.
//!
//! It runs in threads of its own, on ports that the system chooses, and stops when it is dropped:
//! as useful from a `#[test]` as from an async test or another language's.
//!
//! ```
//! use poplib_sandbox::{Mailbox, Sandbox};
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::TcpStream;
//!
//! # fn main() -> std::io::Result<()> {
//! let sandbox = Sandbox::builder()
//!     .mailbox("alice", "secret", Mailbox::messages(["Subject: hello\n\nworld\n"]))
//!     .misbehave("cut-in-body=1:5@1") // the first session only
//!     .start()?;
//!
//! let mut client = TcpStream::connect(sandbox.plain_addr())?;
//! client.write_all(b"USER alice\r\nPASS secret\r\nRETR 1\r\n")?;
//! let last = BufReader::new(client).lines().last().unwrap()?;
//! assert_eq!(last, "Subje");
//!
//! assert_eq!(sandbox.messages_left("alice")?, 1);
//! assert!(sandbox.sessions()[0].received().ends_with(b"RETR 1\r\n"));
//! # Ok(())
//! # }
//! ```
//!
//! # What it serves
//!
//! Every command of RFC 1939, and CAPA (RFC 2449), STLS (RFC 2595), AUTH (RFC 5034), UTF8 and LANG
//! (RFC 6856), and RPOP (RFC 1081). The mechanisms of AUTH are PLAIN, LOGIN, CRAM-MD5, DIGEST-MD5, SCRAM-SHA-1,
//! SCRAM-SHA-256 and SCRAM-SHA-512 with and without channel binding, XOAUTH2, OAUTHBEARER, EXTERNAL and
//! ANONYMOUS.
//! Commands may be pipelined. A maildrop has one session at a time, and messages are deleted by QUIT
//! alone.
//!
//! A [`Mailbox`] holds messages in memory, makes them from a seed while they are sent (a million of
//! them or one of 16 GiB, at no cost in memory), or serves a Maildir.
//!
//! # TLS
//!
//! Each sandbox has two ports, [`plain_addr`](Sandbox::plain_addr) with STLS and
//! [`tls_addr`](Sandbox::tls_addr) with TLS from the first octet, and makes a CA and a certificate
//! for `localhost`, `127.0.0.1` and `::1` when it starts. A client that trusts
//! [`ca_pem`](Sandbox::ca_pem) can verify it as it would any server's; with a [`CertificateSpec`] the
//! certificate is one that it must refuse. With [`Builder::client_certificate`] clients can show
//! certificates of their own, and log in by EXTERNAL.
//!
//! # Misbehaviour
//!
//! A [`Misbehaviour`] has a name and perhaps an argument, `err-on-retr=3`, and befalls every session
//! or, as a [`Fault`], some of them: `stall-in-body=2:100@1`. [`Misbehaviour::CATALOGUE`] lists them
//! all; those that imitate a real server say which quirk they are (Q7). Several can be combined.
//!
//! ```
//! use poplib_sandbox::{Fault, InBody, Misbehaviour};
//!
//! let place = InBody { number: 2, octets: 100 };
//! let fault: Fault = "stall-in-body=2:100@1".parse()?;
//! assert_eq!(fault, Misbehaviour::StallInBody(place).in_session(1));
//! # Ok::<(), poplib_sandbox::UnknownFault>(())
//! ```
//!
//! # Looking back
//!
//! [`Sandbox::sessions`] has what each client sent, before TLS and under it, and what it was told;
//! [`Sandbox::messages_left`] and [`Sandbox::retrievals`] what became of the mail. A session's record
//! is complete when it has ended, and [`Sandbox::wait_ended`] waits for that.
//!
//! # The command
//!
//! With the feature `cli`, which is on by default, there is a command of the same name for people
//! who test clients in other languages:
//!
//! ```text
//! poplib-sandbox --listen 127.0.0.1:1110 --user alice:secret --generate 1000 --octets 400..20000 \
//!     --misbehave cut-in-body=3:1000@1 --ca-out ca.pem --verbose
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod base64;
mod builder;
mod certificate;
mod command;
mod connection;
mod digest;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod input;
mod mailbox;
mod marks;
mod message;
mod misbehave;
mod output;
mod record;
mod response;
mod sandbox;
mod sasl;
mod server;
mod session;
mod settings;
mod stream;
mod tls;
mod transaction;

pub use builder::Builder;
pub use certificate::{CertificateSpec, ClientCertificate, Usage, Validity};
pub use command::Keyword;
pub use mailbox::{Generated, Mailbox, Octets};
pub use misbehave::{
    Answer, BodyOf, Entry, Fault, InAnswer, InBody, InBodyOf, Misbehaviour, Phase, Refusal,
    Sessions, Text, UnknownFault,
};
pub use record::SessionRecord;
pub use sandbox::Sandbox;
pub use settings::Stage;
pub use tls::{TlsFacts, TlsVersions};

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
