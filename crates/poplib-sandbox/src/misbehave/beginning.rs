//! The greeting, STLS, the handshake and what CAPA says.

use super::{Misbehaviour, Misbehaviours, Phase, Text};
use crate::response::{Ending, Next, Response};
use crate::settings::Stage;

impl Misbehaviours {
    pub(crate) fn greeting(&self, greeting: Response) -> Response {
        for misbehaviour in &self.active {
            match misbehaviour {
                Misbehaviour::Stall(Phase::Greeting) => return Response::end(Ending::Stall),
                _ => {}
            }
        }
        greeting
    }

    /// Whether the handshake is never answered.
    pub(crate) fn stalls_handshake(&self) -> bool {
        self.has(&Misbehaviour::Stall(Phase::Tls))
    }

    /// Octets to be sent between the +OK of STLS and the handshake, in a segment of their own.
    pub(crate) fn injected_before_handshake(&self) -> &[u8] {
        let mut injected = self
            .active
            .iter()
            .filter_map(|misbehaviour| match misbehaviour {
                Misbehaviour::InjectBeforeTlsSplit(Text(octets)) => Some(&**octets),
                _ => None,
            });
        injected.next().unwrap_or_default()
    }

    pub(super) fn inject(&self, mut response: Response) -> Response {
        for misbehaviour in &self.active {
            if let (Misbehaviour::InjectBeforeTls(Text(octets)), Next::StartTls) =
                (misbehaviour, &response.next)
            {
                response.status.extend_from_slice(octets);
            }
        }
        response
    }

    pub(crate) fn capabilities(&self, _stage: Stage, lines: Vec<String>) -> Vec<String> {
        lines
    }
}
