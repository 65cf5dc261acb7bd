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
}

impl WireFaults {
    fn interrupt(&mut self, after: u64, ending: Ending) {
        self.interruption = Some(Interruption { after, ending });
    }
}
