//! A server in memory, for tests in which every octet matters.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

/// What a server in memory says.
///
/// Each command line has one answer, however often it comes; to others it says -ERR. It hangs up
/// when the client waits for more than there is. After the answer to STLS it listens no more.
#[derive(Clone)]
pub(crate) struct Script {
    greeting: Vec<u8>,
    answers: Vec<(String, Vec<u8>)>,
    piece: usize,
    sends: usize,
    hears: usize,
    takes: usize,
    #[cfg(feature = "tokio")]
    hesitant: bool,
}

impl Script {
    /// A greeting with the timestamp of RFC 1939's example, and a login for anybody.
    pub(crate) fn new() -> Self {
        Self::greeting("+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n")
            .on("USER me", "+OK\r\n")
            .on("PASS secret", "+OK logged in\r\n")
    }

    /// This greeting and nothing more.
    pub(crate) fn greeting(greeting: impl AsRef<[u8]>) -> Self {
        Self {
            greeting: greeting.as_ref().to_vec(),
            answers: Vec::new(),
            piece: usize::MAX,
            sends: usize::MAX,
            hears: usize::MAX,
            takes: usize::MAX,
            #[cfg(feature = "tokio")]
            hesitant: false,
        }
    }

    /// Answers `line` so.
    pub(crate) fn on(mut self, line: &str, answer: impl AsRef<[u8]>) -> Self {
        self.answers.push((line.into(), answer.as_ref().to_vec()));
        self
    }

    /// Lets each read and write move at most one octet.
    pub(crate) fn one_octet_at_a_time(mut self) -> Self {
        self.piece = 1;
        self
    }

    /// Hangs up behind so many octets of its own.
    pub(crate) fn sends(mut self, octets: usize) -> Self {
        self.sends = octets;
        self
    }

    /// Nothing that the client sends behind so many octets arrives.
    pub(crate) fn hears(mut self, octets: usize) -> Self {
        self.hears = octets;
        self
    }

    /// Writes behind so many octets take nothing, and are no errors.
    pub(crate) fn takes(mut self, octets: usize) -> Self {
        self.takes = octets;
        self
    }

    /// How many octets it sends if each command comes once.
    pub(crate) fn octets(&self) -> usize {
        let answers = self.answers.iter().map(|(_, answer)| answer);
        answers.chain([&self.greeting]).map(Vec::len).sum()
    }

    /// How many octets the client sends then.
    pub(crate) fn octets_of_commands(&self) -> usize {
        self.answers.iter().map(|(line, _)| line.len() + 2).sum()
    }

    /// Ends every line with LF alone.
    pub(crate) fn bare_line_feeds(mut self) -> Self {
        let answers = self.answers.iter_mut().map(|(_, answer)| answer);
        for octets in answers.chain([&mut self.greeting]) {
            octets.retain(|&octet| octet != b'\r');
        }
        self
    }

    /// Lets every other poll find nothing.
    #[cfg(feature = "tokio")]
    pub(crate) fn hesitant(mut self) -> Self {
        self.hesitant = true;
        self
    }

    pub(crate) fn stream(self) -> Memory {
        Memory {
            outbox: self.greeting.iter().copied().collect(),
            script: self,
            inbox: Vec::new(),
            received: Received::default(),
            listens: true,
            #[cfg(feature = "tokio")]
            hesitates: true,
            #[cfg(feature = "tokio")]
            is_spoken_to: false,
        }
    }
}

/// What a server in memory was sent.
#[derive(Clone, Default)]
pub(crate) struct Received(Arc<Mutex<Vec<u8>>>);

impl Received {
    pub(crate) fn octets(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.octets()).into_owned()
    }
}

/// The client's end of the stream.
pub(crate) struct Memory {
    script: Script,
    inbox: Vec<u8>,
    outbox: VecDeque<u8>,
    received: Received,
    listens: bool,
    #[cfg(feature = "tokio")]
    hesitates: bool,
    /// The client is about to write more, so that nobody hangs up.
    #[cfg(feature = "tokio")]
    is_spoken_to: bool,
}

impl Memory {
    pub(crate) fn received(&self) -> Received {
        self.received.clone()
    }

    fn answer(&mut self) {
        while self.listens
            && let Some(end) = self.inbox.iter().position(|&octet| octet == b'\n')
        {
            let line: Vec<u8> = self.inbox.drain(..=end).collect();
            let line = String::from_utf8_lossy(line.trim_ascii_end());
            let known = self.script.answers.iter().find(|(known, _)| *known == line);
            match known {
                Some((_, answer)) => {
                    self.listens = line != "STLS" || answer.starts_with(b"-ERR");
                    self.outbox.extend(answer);
                }
                None => self.outbox.extend(b"-ERR unknown command\r\n"),
            }
        }
    }
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let script = &mut self.script;
        let most = script.piece.min(script.sends).min(self.outbox.len());
        let octets = buffer.len().min(most);
        script.sends -= octets;
        for (place, octet) in buffer.iter_mut().zip(self.outbox.drain(..octets)) {
            *place = octet;
        }
        Ok(octets)
    }
}

impl Write for Memory {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let most = self.script.piece.min(self.script.takes);
        let octets = &octets[..octets.len().min(most)];
        self.script.takes -= octets.len();
        self.received.0.lock().unwrap().extend_from_slice(octets);
        let heard = &octets[..octets.len().min(self.script.hears)];
        self.script.hears -= heard.len();
        self.inbox.extend_from_slice(heard);
        self.answer();
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "tokio")]
mod polled {
    use std::io::{self, Read, Write};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::Memory;

    impl Memory {
        /// Whether this poll is one that finds nothing.
        fn hesitates(&mut self, context: &mut Context<'_>) -> bool {
            let hesitates = self.script.hesitant && self.hesitates;
            self.hesitates = !self.hesitates;
            if hesitates {
                context.waker().wake_by_ref();
            }
            hesitates
        }
    }

    impl AsyncRead for Memory {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.hesitates(context) || self.is_spoken_to && self.outbox.is_empty() {
                return Poll::Pending;
            }
            let octets = self.read(buffer.initialize_unfilled())?;
            buffer.advance(octets);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Memory {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.is_spoken_to = self.hesitates(context);
            if self.is_spoken_to {
                return Poll::Pending;
            }
            Poll::Ready(self.write(octets))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
