//! Whether stored messages are held: their targets are looked at once more before anything is
//! deleted on the server.

use std::collections::BTreeSet;
use std::iter;

use super::Delivery;
use super::marker::Site;
use super::opening::Opening;
use super::sameness::{self, Sameness};
use crate::evidence::Held;
use crate::failure::{Failure, Status};
use crate::key::{Key, KeyRef};
use crate::state::{Marker, Verdict};

impl Delivery {
    /// Looks at every target of the account, those of earlier configurations included, through
    /// their paths: what an open file leads to may have been moved away since.
    ///
    /// # Errors
    /// The state could not be read.
    pub(crate) fn look_at_targets(&self) -> Result<Sight, Failure> {
        let mut sight = Sight {
            targets: Vec::new(),
            nowhere: Failure::new(Status::Temporary, "it is in no target"),
        };
        for marker in self.store.markers(self.account)? {
            let mut failure = self.look_at(&marker).err();
            let mut depending = BTreeSet::new();
            if failure.is_some() {
                let visit = &mut |key: KeyRef<'_>| {
                    depending.insert(key.to_key());
                };
                (self.store).depending_on(self.account, &marker.target, visit)?;
            }
            // Where nothing depends on it, nothing is wrong.
            failure = failure.filter(|_| !depending.is_empty());
            sight.targets.push(Seen { failure, depending });
        }
        // What took a message over has answered for it.
        let handovers = self.targets.handovers.iter().map(|_| Seen::default());
        sight.targets.extend(handovers);
        Ok(sight)
    }

    /// Whether a target is the one that the marker tells of, and shows what it must.
    fn look_at(&self, marker: &Marker) -> Result<(), Failure> {
        let Some(site) = Site::of(&marker.target) else {
            return Ok(());
        };
        match marker.verdict {
            None | Some(Verdict::Away) => {}
            // By the user's word.
            Some(Verdict::Emptied | Verdict::Left) => return Ok(()),
            Some(Verdict::Unmarked) => {
                return Opening::new(self)?.settle(&marker.target, None).map(drop);
            }
            Some(Verdict::Accepted) => {
                return Err(sameness::away(
                    &site,
                    "what it lacks is fetched again first",
                ));
            }
        }
        match sameness::judge(&*self.file_system, &site, marker, self.clock.now()) {
            Sameness::Same(_) => Ok(()),
            Sameness::Older(_) => Err(sameness::away(&site, "it was set back to an earlier time")),
            Sameness::Away(failure) => Err(failure),
        }
    }
}

/// What the targets of an account show at one moment.
pub(crate) struct Sight {
    targets: Vec<Seen>,
    nowhere: Failure,
}

/// What one target shows.
#[derive(Default)]
struct Seen {
    /// What is wrong with it.
    failure: Option<Failure>,
    /// The stored messages that are held only if nothing is.
    depending: BTreeSet<Key>,
}

impl Sight {
    /// Whether every target of this stored message holds it.
    ///
    /// # Errors
    /// What is wrong with the first that does not.
    pub(crate) fn held(&self, key: KeyRef<'_>) -> Result<Held, &Failure> {
        let failures = self.targets.iter().map(|seen| match &seen.failure {
            Some(failure) if seen.depending.contains(&key.to_key()) => Some(failure),
            _ => None,
        });
        let held = Held::by_all(failures.clone().map(|failure| failure.is_none()));
        let mut failures = failures.flatten().chain(iter::once(&self.nowhere));
        held.ok_or_else(|| failures.next().unwrap_or(&self.nowhere))
    }

    /// What is wrong with targets, to be told once and not for each message.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.targets.iter().filter_map(|seen| seen.failure.as_ref())
    }
}
