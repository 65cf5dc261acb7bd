//! Whether stored messages are held: their targets are looked at once more before anything is
//! deleted on the server.

use super::Delivery;
use super::maildir::Maildir;
use crate::evidence::Held;
use crate::failure::{Failure, Status};
use crate::key::KeyRef;

impl Delivery {
    /// Looks at every target of the account, through its path: what an open file leads to may have
    /// been moved away since.
    ///
    /// # Errors
    /// The state could not be read.
    pub(crate) fn look_at_targets(&self) -> Result<Sight, Failure> {
        let maildirs = self.targets.maildirs.iter().map(Maildir::look);
        // What took a message over has answered for it.
        let mboxes = self.targets.mboxes.iter().map(|_| Ok(()));
        let handovers = self.targets.handovers.iter().map(|_| Ok(()));
        Ok(Sight {
            targets: maildirs.chain(mboxes).chain(handovers).collect(),
            nowhere: Failure::new(Status::Temporary, "it is in no target"),
        })
    }
}

/// What the targets of an account show at one moment.
pub(crate) struct Sight {
    /// What is wrong with each, if anything is.
    targets: Vec<Result<(), Failure>>,
    nowhere: Failure,
}

impl Sight {
    /// Whether every target of this stored message holds it.
    ///
    /// # Errors
    /// What is wrong with the first that does not.
    pub(crate) fn held(&self, _: KeyRef<'_>) -> Result<Held, &Failure> {
        let all = Held::by_all(self.targets.iter().map(Result::is_ok));
        all.ok_or_else(|| self.failures().next().unwrap_or(&self.nowhere))
    }

    /// What is wrong with targets, to be told once and not for each message.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.targets
            .iter()
            .filter_map(|target| target.as_ref().err())
    }
}
