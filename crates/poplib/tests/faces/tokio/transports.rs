//! What an async client can run over beside TCP.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use poplib::tokio::{Client, Session};
use poplib::{Config, Timeouts};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::support::memory::{Memory, Script};
use crate::support::{PASSWORD, USER, implicit_tls, in_memory, plaintext, sandbox, started};

#[tokio::test]
async fn a_unix_socket() {
    let (near, mut far) = UnixStream::pair().unwrap();
    let server = tokio::spawn(async move {
        far.write_all(b"+OK\r\n").await.unwrap();
        let mut line = [0; 6];
        far.read_exact(&mut line).await.unwrap();
        far.write_all(b"+OK\r\n").await.unwrap();
        line
    });
    let client = Client::from_stream(near, &in_memory()).await.unwrap();
    client.quit().await.unwrap();
    assert_eq!(&server.await.unwrap(), b"QUIT\r\n");
}

/// A stream that never comes to its end.
struct Unending(Memory);

impl AsyncRead for Unending {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Unending {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// What was deleted is deleted by then, so that it is no error.
#[tokio::test]
async fn a10_quit_does_not_wait_for_ever_for_the_end_of_the_stream() {
    let memory = Script::new().on("QUIT", "+OK bye\r\n").stream();
    let config = in_memory().with_timeouts(Timeouts::each(Duration::from_millis(250)));
    let client = Client::from_stream(Unending(memory), &config)
        .await
        .unwrap();
    let reply = client.quit().await.unwrap();
    assert_eq!(reply.text(), b"bye");
}

async fn session(config: &Config) -> Session {
    let mut client = Client::connect(config).await.unwrap();
    client.user(USER).await.unwrap();
    client.pass(PASSWORD).await.unwrap()
}

/// Says NOOP without the library.
async fn noop(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Vec<u8> {
    stream.write_all(b"NOOP\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = vec![0; 3];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_stream_that_is_had_back_goes_on() {
    let sandbox = started(sandbox());
    let (transport, _) = session(&plaintext(&sandbox)).await.into_inner().unwrap();
    let tcp: Box<dyn Any> = transport;
    assert_eq!(noop(*tcp.downcast::<TcpStream>().unwrap()).await, b"+OK");
    let (mut transport, _) = session(&implicit_tls(&sandbox)).await.into_inner().unwrap();
    assert_eq!(noop(&mut transport).await, b"+OK");
    // It can be a client's again.
    let (near, mut far) = UnixStream::pair().unwrap();
    far.write_all(b"+OK\r\n").await.unwrap();
    let client = Client::from_stream(near, &in_memory()).await.unwrap();
    let (transport, _) = client.into_inner().unwrap();
    far.write_all(b"+OK again\r\n").await.unwrap();
    let client = Client::from_stream(transport, &in_memory()).await.unwrap();
    assert_eq!(client.greeting().unwrap().reply().text(), b"again");
}
