//! What may pass from thread to thread, and what `?` makes of it.

#![allow(missing_docs, reason = "a test")]

use std::error::Error as StdError;
use std::io;

use poplib::blocking::{Client, Session, Untimed};
use poplib::proto::command::{Dele, Retr};
use poplib::{Config, Credentials, LoginError, Security};

type Anything = Box<dyn StdError + Send + Sync>;

fn shared<T: Send + Sync + 'static>() {}

fn error<T: StdError + Send + Sync + 'static>() {}

#[test]
fn every_error_can_be_anyhows() {
    error::<poplib::Error>();
    error::<poplib::ProtocolError>();
    error::<poplib::Misuse>();
    error::<poplib::TlsError>();
    error::<poplib::UrlError>();
    error::<poplib::HostError>();
    error::<poplib::CopyError>();
    error::<LoginError<Client>>();
    error::<poplib::sasl::SaslError>();
    #[cfg(feature = "tokio")]
    error::<LoginError<poplib::tokio::Client>>();
}

#[test]
fn every_handle_can_be_shared() {
    shared::<Client>();
    shared::<Session>();
    shared::<poplib::blocking::Body<'static>>();
    shared::<poplib::blocking::Batch<'static, std::vec::IntoIter<u32>, Dele>>();
    shared::<poplib::blocking::Bodies<'static, std::vec::IntoIter<u32>, Retr>>();
    shared::<Config>();
    shared::<poplib::Tls>();
    shared::<poplib::TlsFacts>();
    shared::<poplib::Proxy>();
    shared::<poplib::Quirks>();
    shared::<poplib::Timeouts>();
    shared::<poplib::Limits>();
    shared::<Credentials>();
    shared::<poplib::Secret>();
    shared::<poplib::Welcome>();
    shared::<poplib::Overview>();
    shared::<poplib::Listing>();
    shared::<poplib::UniqueIds>();
    shared::<poplib::Capabilities>();
    shared::<poplib::Reply>();
    #[cfg(feature = "tokio")]
    {
        shared::<poplib::tokio::Client>();
        shared::<poplib::tokio::Session>();
        shared::<poplib::tokio::Body<'static>>();
        shared::<poplib::tokio::Batch<'static, std::vec::IntoIter<u32>, Dele>>();
    }
    #[cfg(feature = "discovery")]
    {
        shared::<poplib::discovery::Discovery>();
        shared::<poplib::discovery::Service>();
    }
}

/// A server in memory, which is not `Sync`.
struct Script {
    says: &'static [u8],
    _unshared: std::cell::Cell<()>,
}

impl io::Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A line a read, as each is asked for.
        let end = self.says.iter().position(|&octet| octet == b'\n');
        let line = end.map_or(self.says.len(), |end| end + 1);
        io::Read::read(&mut self.says, &mut buffer[..line])
    }
}

impl io::Write for Script {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As programs write it.
fn count(says: &'static [u8]) -> Result<u32, Anything> {
    let config = Config::new("localhost")
        .with_security(Security::Plaintext)
        .with_plaintext_credentials();
    let script = Script {
        says,
        _unshared: std::cell::Cell::new(()),
    };
    let client = Client::from_stream(Untimed(script), &config)?;
    let mut session = client.login(&Credentials::password("me", "secret"))?;
    Ok(session.stat()?.messages)
}

#[test]
fn a_login_that_is_refused_passes_through_a_question_mark() {
    let messages = count(b"+OK\r\n-ERR no CAPA\r\n+OK\r\n+OK\r\n+OK 3 300\r\n").unwrap();
    assert_eq!(messages, 3);
    let error = count(b"+OK\r\n-ERR no CAPA\r\n+OK\r\n-ERR [AUTH] no\r\n").unwrap_err();
    let refused = error.downcast::<LoginError<Client>>().unwrap();
    assert!(refused.client.is_some());
}
