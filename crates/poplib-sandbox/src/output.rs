//! What the server sends, gathered into large writes, with the faults that befall every octet.

use std::io;

use crate::misbehave::WireFaults;
use crate::record::Recorder;
use crate::response::{Body, Ending, Interruption};
use crate::stream::{Stream, Tcp};

/// A write is made when so many octets are at hand, or when there is nothing else to do.
const WRITE_OCTETS: usize = 128 * 1024;

pub(crate) struct Output {
    buffer: Vec<u8>,
    faults: WireFaults,
    tcp: Tcp,
    octets_sent: u64,
}

impl Output {
    pub(crate) fn new(faults: WireFaults, tcp: Tcp) -> Self {
        Self {
            buffer: Vec::new(),
            faults,
            tcp,
            octets_sent: 0,
        }
    }

    pub(crate) fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// Sends a body, through a buffer of fixed size, as far as `interruption` lets it.
    pub(crate) fn push_body(
        &mut self,
        body: &mut dyn Body,
        interruption: Option<Interruption>,
        stream: &mut Stream,
        recorder: &Recorder,
    ) -> Result<(), Ending> {
        let mut made = 0;
        loop {
            let before = self.buffer.len();
            let more = body
                .fill(&mut self.buffer, WRITE_OCTETS)
                .map_err(|_| Ending::Cut)?;
            let piece = (self.buffer.len() - before) as u64;
            if let Some(Interruption { after, ending }) = interruption
                && made + piece >= after
            {
                self.buffer.truncate(before + (after - made) as usize);
                self.flush(stream, recorder)?;
                return Err(ending);
            }
            made += piece;
            if self.buffer.len() >= WRITE_OCTETS {
                self.flush(stream, recorder)?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Sends what is at hand.
    pub(crate) fn flush(&mut self, stream: &mut Stream, recorder: &Recorder) -> Result<(), Ending> {
        let held_back = self.faults.lf_only && without_cr(&mut self.buffer);
        let mut ending = None;
        if let Some(Interruption { after, ending: how }) = self.faults.interruption {
            let allowed = after - self.octets_sent;
            if self.buffer.len() as u64 >= allowed {
                self.buffer.truncate(allowed as usize);
                ending = Some(how);
            }
        }
        recorder.sent(&self.buffer);
        self.octets_sent += self.buffer.len() as u64;
        let written = self.write(stream);
        self.buffer.clear();
        if held_back {
            self.buffer.push(b'\r');
        }
        match ending {
            Some(ending) => Err(ending),
            None => written.map_err(|_| Ending::Cut),
        }
    }

    fn write(&self, stream: &mut Stream) -> io::Result<()> {
        if !self.faults.one_by_one {
            return stream.write_all(&self.buffer);
        }
        for octet in self.buffer.chunks(1) {
            if let Some(pause) = self.faults.pause
                && self.tcp.wait_gone(Some(pause))
            {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            stream.write_all(octet)?;
        }
        Ok(())
    }
}

/// Removes the CR of every CRLF. A CR at the end may be half of one: it is taken off as well, and
/// `true` is returned.
fn without_cr(buffer: &mut Vec<u8>) -> bool {
    let mut kept = 0;
    for at in 0..buffer.len() {
        if buffer[at] == b'\r' && buffer.get(at + 1) == Some(&b'\n') {
            continue;
        }
        buffer[kept] = buffer[at];
        kept += 1;
    }
    buffer.truncate(kept);
    buffer.pop_if(|last| *last == b'\r').is_some()
}
