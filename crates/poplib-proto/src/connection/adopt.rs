//! Sessions that somebody else began.

use alloc::vec::Vec;

use super::{Connection, State};
use crate::wire::limits::Limits;

impl Connection {
    /// A connection whose session is under way: somebody else has read the greeting, and maybe
    /// started TLS and logged in. None of their requests may be without its answer.
    ///
    /// Who drives the same stream by turns, with a connection and otherwise, gives it back with
    /// [`take_unclaimed`](Self::take_unclaimed).
    #[must_use]
    pub fn adopted(limits: Limits, state: State, protected: bool) -> Self {
        let mut connection = Self::new(limits);
        connection.finish_front();
        connection.state = state;
        connection.protected = protected;
        connection
    }

    /// Takes the octets received that are not part of an answer yet. Where nothing is in flight,
    /// nothing asked for them.
    pub fn take_unclaimed(&mut self) -> Vec<u8> {
        let unclaimed = self.receive.waiting().to_vec();
        self.receive.take(unclaimed.len());
        unclaimed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Noop;
    use crate::exchange::{Call, Exchange, Step};

    #[test]
    fn an_adopted_session_goes_on_in_its_state() {
        let mut connection = Connection::adopted(Limits::default(), State::Transaction, true);
        assert!(connection.is_protected());
        assert_eq!(connection.in_flight(), 0);
        let mut noop = Call::new(Noop);
        assert!(matches!(noop.resume(&mut connection), Ok(Step::Want(_))));
        connection.space()[..9].copy_from_slice(b"+OK\r\nmore");
        connection.received(9);
        assert!(matches!(noop.resume(&mut connection), Ok(Step::Done(_))));
        assert_eq!(connection.take_unclaimed(), b"more");
        assert_eq!(connection.take_unclaimed(), b"");
        assert!(Call::new(Noop).resume(&mut connection).is_ok());
    }
}
