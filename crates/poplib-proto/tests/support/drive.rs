//! The driver: what moves octets between the core and the server in memory.

use poplib_proto::{Connection, Error, Exchange, Step, Want};

use crate::support::peer::Peer;

/// Resumes until it is over. `resume` is an exchange's.
pub(crate) fn drive_with<T>(
    connection: &mut Connection,
    peer: &mut Peer,
    mut resume: impl FnMut(&mut Connection) -> Result<Step<T>, Error>,
) -> Result<T, Error> {
    loop {
        peer.step();
        let step = resume(connection);
        if step.is_err() && connection.poisoned().is_some() {
            assert!(connection.to_send().is_empty(), "a poisoned client sends");
            assert!(!connection.is_usable());
        }
        match step? {
            Step::Want(Want::Read) => {
                assert!(
                    connection.to_send().is_empty(),
                    "unsent octets wait for answers"
                );
                let count = peer.read(connection.space());
                connection.received(count);
            }
            Step::Want(Want::Write) => {
                let count = peer.write(connection.to_send());
                connection.sent(count);
            }
            Step::StartTls => {
                assert!(
                    connection.to_send().is_empty(),
                    "octets wait to be sent in clear"
                );
                if peer.handshake() {
                    connection.protect();
                } else {
                    connection.disconnect();
                }
            }
            Step::Done(output) => return Ok(output),
        }
    }
}

/// Drives one exchange to its end.
pub(crate) fn drive<E: Exchange>(
    connection: &mut Connection,
    peer: &mut Peer,
    mut exchange: E,
) -> Result<E::Output, Error> {
    drive_with(connection, peer, |connection| exchange.resume(connection))
}
