//! A connection whose other side has said all that it will say.

use poplib_proto::{Connection, Error, Exchange, Step};

pub(crate) struct Peer<'a> {
    pub(crate) connection: Connection,
    /// What has not been read yet.
    pub(crate) wire: &'a [u8],
    /// How many octets a read brings, of so many that it could.
    pub(crate) cut: &'a mut dyn FnMut(usize) -> usize,
}

impl Peer<'_> {
    pub(crate) fn drive<E: Exchange>(&mut self, mut exchange: E) -> Result<E::Output, Error> {
        loop {
            match exchange.resume(&mut self.connection)? {
                Step::Done(output) => return Ok(output),
                Step::Want(_) => self.read(),
                Step::StartTls => unreachable!("nobody asked for TLS"),
            }
        }
    }

    pub(crate) fn read(&mut self) {
        let waiting = self.connection.to_send().len();
        self.connection.sent(waiting);
        let space = self.connection.space();
        let most = space.len().min(self.wire.len());
        let octets = if most == 0 { 0 } else { (self.cut)(most) };
        space[..octets].copy_from_slice(&self.wire[..octets]);
        self.wire = &self.wire[octets..];
        self.connection.received(octets);
    }
}
