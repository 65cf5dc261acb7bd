//! Streams that move one octet at a time.

use std::io::{self, Read, Write};
use std::time::Duration;

use poplib::blocking::Transport;

/// Each read and each write moves at most one octet.
pub(crate) struct OneByOne<S>(pub(crate) S);

impl<S: Read> Read for OneByOne<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(1);
        self.0.read(&mut buffer[..most])
    }
}

impl<S: Write> Write for OneByOne<S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(&octets[..octets.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Transport> Transport for OneByOne<S> {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_timeout(timeout)
    }

    fn shutdown(&mut self) {
        self.0.shutdown();
    }
}

#[cfg(feature = "tokio")]
mod polled {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::OneByOne;

    impl<S: AsyncRead + Unpin> AsyncRead for OneByOne<S> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let mut octet = [0];
            let most = buffer.remaining().min(1);
            let mut small = ReadBuf::new(&mut octet[..most]);
            ready!(Pin::new(&mut self.0).poll_read(context, &mut small))?;
            buffer.put_slice(small.filled());
            Poll::Ready(Ok(()))
        }
    }

    impl<S: AsyncWrite + Unpin> AsyncWrite for OneByOne<S> {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, &octets[..octets.len().min(1)])
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(context)
        }
    }
}
