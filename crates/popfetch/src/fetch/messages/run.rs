//! What has come of the messages so far.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::super::lost::{Lost, Why};
use super::super::trouble::Denial;
use crate::deliver::Ticket;
use crate::deliver::queue::Stopped;
use crate::failure::{Failure, Status};

/// So many refusals, one behind the other, are no longer about the messages: the server does not
/// want to give more today (Q21).
const REFUSALS: usize = 5;

/// How long a server that does not want to give more is left in peace.
const QUOTA_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Why no further message can be fetched in this session.
pub(super) enum Trouble {
    /// The session broke, and perhaps the message at hand is why.
    Broken {
        failure: Failure,
        /// The server sent what it must not.
        misbehaved: bool,
    },
    /// Somebody wants to stop.
    Asked(Failure),
    /// It is another account's turn.
    GivesWay,
    /// The disk stopped.
    Disk,
}

impl From<Stopped> for Trouble {
    fn from(_: Stopped) -> Self {
        Self::Disk
    }
}

/// A message of which everything seems to have come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unproven {
    pub(super) octets: u64,
    /// Octets as the server tells them.
    pub(super) expected: Option<u64>,
}

/// The messages so far.
#[derive(Default)]
pub(super) struct Run {
    pub(super) octets: u64,
    pub(super) lost: Vec<Lost>,
    /// The message that is being fetched.
    pub(super) current: Option<Ticket>,
    /// Nothing but that message is on its way.
    pub(super) alone: bool,
    /// The current message, once its terminator has come.
    pub(super) unproven: Option<Unproven>,
    /// How many at the end of `lost` were refused one behind the other.
    refused_in_a_row: usize,
    pub(super) failure: Option<Failure>,
    /// At least one message was whole.
    pub(super) has_fetched: bool,
    /// The rest was left for another turn.
    pub(super) gives_way: bool,
}

impl Run {
    /// The current message is whole, if there was one.
    pub(super) fn prove(&mut self) -> bool {
        let Some(unproven) = self.unproven.take() else {
            return false;
        };
        self.octets += unproven.octets;
        self.refused_in_a_row = 0;
        self.has_fetched = true;
        self.current = None;
        true
    }

    /// The server refused a message. Whether to ask for more, which is of no use where it says
    /// itself that it will give no more.
    pub(super) fn refused(&mut self, ticket: Ticket, failure: Failure, denial: Denial) -> bool {
        let why = Why::by(denial);
        self.lost.push(Lost {
            ticket,
            failure,
            why,
        });
        self.refused_in_a_row += 1;
        let is_quota = denial == Denial::Quota;
        if self.refused_in_a_row < REFUSALS && !is_quota {
            return true;
        }
        self.refusals_were_about_the_session(is_quota);
        false
    }

    fn refusals_were_about_the_session(&mut self, is_quota: bool) {
        let first = self.lost.len() - self.refused_in_a_row;
        for lost in &mut self.lost[first..] {
            lost.why = Why::ForNow;
        }
        self.failure = self.lost.last().map(|lost| {
            let message = match is_quota {
                true => {
                    "the server gives no more for now; the rest was left for another time".into()
                }
                false => format!(
                    "the server refused {} messages one behind the other; the rest was left for \
                     another time",
                    self.refused_in_a_row
                ),
            };
            Failure {
                retry_after: Some(QUOTA_PAUSE),
                server: lost.failure.server.clone(),
                ..Failure::new(Status::Temporary, message)
                    .hint("some servers allow only so much a day; run it again later")
            }
        });
    }

    /// The session cannot go on.
    pub(super) fn end(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Broken {
                failure,
                misbehaved,
            } => {
                let reason = Failure::new(failure.status, failure.message.clone());
                self.failure = Some(failure);
                if let Some(ticket) = self.current.take() {
                    self.lost.push(Lost {
                        ticket,
                        failure: reason,
                        why: Why::Broke {
                            misbehaved,
                            alone: self.alone,
                        },
                    });
                }
            }
            Trouble::Asked(failure) => self.failure = Some(failure),
            Trouble::GivesWay => self.gives_way = true,
            Trouble::Disk => {}
        }
    }
}
