//! What mail is handed over to: a command, a mail server, a pipe. They take whole messages one at
//! a time, and what they took cannot be taken back. Whether they took a message when everything
//! stopped in the middle, nobody knows: then they get it again.

use super::letter::Letter;
use crate::failure::Failure;
use crate::state::Target;

/// Something to hand messages over to.
pub(crate) trait Handover: Send + Sync {
    fn target(&self) -> &Target;

    /// Gets ready for some messages.
    ///
    /// # Errors
    /// It takes none at the moment.
    fn begin(&self) -> Result<Box<dyn Courier + '_>, Failure>;
}

/// Hands over messages, one behind the other.
pub(crate) trait Courier {
    /// Hands over a message. When this succeeds, it is the other side's to keep.
    fn hand_over(&mut self, letter: &Letter<'_>) -> Result<(), Refusal>;
}

/// Why a message was not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Because of the message: it will not do another time either.
    Message(Failure),
    /// It may be taken another time.
    ForNow(Failure),
    /// Nothing is taken any more.
    Everything(Failure),
}
