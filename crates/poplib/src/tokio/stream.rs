//! What a session runs over: a transport, in clear or within TLS.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio_rustls::client::TlsStream;

/// A connected stream. Everything that reads and writes asynchronously is one.
///
/// As it is [`Any`], what [`Client::into_inner`](super::Client::into_inner) gives can be made what it
/// was.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + Any {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for S {}

/// What is read of a transport before TLS asks for it.
pub(super) type Buffered = BufReader<Box<dyn Transport>>;

/// A transport and what protects it.
pub(super) enum Stream {
    Plain(Box<dyn Transport>),
    Tls(Box<TlsStream<Buffered>>),
    /// A handshake failed or was cancelled, or the session is over.
    Closed,
}

impl Stream {
    /// The stream as it is.
    pub(super) fn take(&mut self) -> Option<Box<dyn Transport>> {
        match std::mem::replace(self, Self::Closed) {
            Self::Plain(transport) => Some(transport),
            Self::Tls(stream) => Some(stream),
            Self::Closed => None,
        }
    }

    /// Says good-bye to TLS and ends the stream. What fails no longer matters.
    pub(super) async fn close(&mut self) {
        match std::mem::replace(self, Self::Closed) {
            Self::Plain(mut transport) => drop(transport.shutdown().await),
            Self::Tls(mut stream) => drop(stream.shutdown().await),
            Self::Closed => {}
        }
    }

    fn get(&mut self) -> io::Result<Pin<&mut dyn Transport>> {
        match self {
            Self::Plain(transport) => Ok(Pin::new(transport)),
            Self::Tls(stream) => Ok(Pin::new(stream)),
            Self::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(space);
        let poll = self.get()?.poll_read(context, &mut buffer);
        poll.map_ok(|()| buffer.filled().len())
    }

    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get()?.poll_write(context, octets)
    }

    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get()?.poll_flush(context)
    }
}
