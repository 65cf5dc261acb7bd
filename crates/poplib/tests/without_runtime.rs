//! The tokio client where there is no runtime of tokio: an error, and no panic.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

use std::pin::Pin;
use std::task::{Context, Poll};

use poplib::tokio::Client;
use poplib::{Config, Error, Fault, Security};
use smol::future;
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// Says this, a line a read, and then nothing more.
struct Saying(&'static [u8]);

impl AsyncRead for Saying {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        let line = self.0.split_inclusive(|&octet| octet == b'\n').next();
        let line = line.map_or(0, <[u8]>::len);
        let (now, later) = self.0.split_at(line.min(buffer.remaining()));
        buffer.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Saying {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn is_no_runtime(error: &Error) {
    assert!(matches!(error, Error::NoRuntime), "{error:?}");
    assert_eq!(error.fault(), Fault::Caller);
    assert!(!error.is_retryable());
}

#[test]
fn a_client_outside_a_runtime_is_an_error() {
    for host in ["localhost", "127.0.0.1"] {
        let config = Config::new(host);
        is_no_runtime(&future::block_on(Client::connect(&config)).unwrap_err());
    }
    let config = Config::new("localhost").with_security(Security::Plaintext);
    let stream = Saying(b"+OK\r\n");
    is_no_runtime(&future::block_on(Client::from_stream(stream, &config)).unwrap_err());
}

#[test]
fn a_session_that_leaves_its_runtime_says_so_and_can_go_back() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let config = Config::new("localhost")
        .with_security(Security::Plaintext)
        .with_plaintext_credentials();
    let says = Saying(b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\nhalf a mess");
    let mut session = runtime().block_on(async {
        let mut client = Client::from_stream(says, &config).await.unwrap();
        client.user("me").await.unwrap();
        client.pass("secret").await.unwrap()
    });
    is_no_runtime(&future::block_on(session.noop()).unwrap_err());
    runtime().block_on(session.noop()).unwrap();
    let mut body = runtime().block_on(session.retr(1)).unwrap();
    let mut read = Vec::new();
    let error = future::block_on(body.read_to_end(&mut read)).unwrap_err();
    assert_eq!(read, b"half a mess");
    is_no_runtime(error.get_ref().unwrap().downcast_ref().unwrap());
}

#[cfg(feature = "discovery")]
#[test]
fn a_search_outside_a_runtime_is_an_error() {
    let discovery = poplib::discovery::Discovery::new();
    is_no_runtime(&future::block_on(discovery.find("example.org")).unwrap_err());
}
