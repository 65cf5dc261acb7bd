//! What happens to every octet, whatever it means.

use std::time::Duration;

use super::{Misbehaviour, Misbehaviours};
use crate::response::{Ending, Interruption};

/// How octets go out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WireFaults {
    pub(crate) one_by_one: bool,
    /// Before each octet.
    pub(crate) pause: Option<Duration>,
    pub(crate) lf_only: bool,
    /// Counted over the whole connection, TLS's own octets left out.
    pub(crate) interruption: Option<Interruption>,
}

/// What becomes of a command behind which another one waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pipelined {
    Answered,
    /// After the one behind it.
    AnsweredSecond,
    /// And the others are forgotten.
    AnsweredAlone,
    /// Not at all: the connection is closed.
    Closed,
}

impl Misbehaviours {
    pub(crate) fn wire(&self) -> WireFaults {
        let mut wire = WireFaults::default();
        for misbehaviour in &self.active {
            match misbehaviour {
                Misbehaviour::OneByteWrites => wire.one_by_one = true,
                Misbehaviour::Drip(millis) => {
                    wire.one_by_one = true;
                    wire.pause = Some(Duration::from_millis(*millis));
                }
                Misbehaviour::LfOnly => wire.lf_only = true,
                Misbehaviour::CutAfter(octets) => wire.interrupt(*octets, Ending::Cut),
                Misbehaviour::ResetAfter(octets) => wire.interrupt(*octets, Ending::Reset),
                Misbehaviour::StallAfter(octets) => wire.interrupt(*octets, Ending::Stall),
                _ => {}
            }
        }
        wire
    }

    /// How long an answer takes.
    pub(crate) fn delay(&self) -> Option<Duration> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::Delay(millis) => Some(Duration::from_millis(*millis)),
            _ => None,
        })
    }

    /// How long the client may be silent.
    pub(crate) fn idle_timeout(&self) -> Option<Duration> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::IdleTimeout(millis) => Some(Duration::from_millis(*millis)),
            _ => None,
        })
    }

    pub(crate) fn pipelined(&self) -> Pipelined {
        let found = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::PipelineMixed => Some(Pipelined::AnsweredSecond),
            Misbehaviour::PipelineForgotten => Some(Pipelined::AnsweredAlone),
            Misbehaviour::PipelineCloses => Some(Pipelined::Closed),
            _ => None,
        });
        found.unwrap_or(Pipelined::Answered)
    }
}

impl WireFaults {
    fn interrupt(&mut self, after: u64, ending: Ending) {
        self.interruption = Some(Interruption { after, ending });
    }
}
