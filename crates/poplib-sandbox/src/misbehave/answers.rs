//! The answers to commands in general.

use super::{Misbehaviour, Misbehaviours, Phase};
use crate::command::{self, Keyword};
use crate::response::{Ending, Interruption, Response};

impl Misbehaviours {
    /// The answer to a command that is not carried out.
    pub(crate) fn instead(&self, keyword: Keyword, argument: &[u8]) -> Option<Response> {
        let number = command::number(command::split(argument).0);
        self.active
            .iter()
            .find_map(|misbehaviour| match (misbehaviour, keyword) {
                (Misbehaviour::Stall(Phase::Command(stalled)), _) if *stalled == keyword => {
                    Some(Response::end(Ending::Stall))
                }
                (Misbehaviour::NoCapa, Keyword::Capa) => Some(Response::err("unknown command")),
                (Misbehaviour::ErrOnRetr(refused), Keyword::Retr) if number == Some(*refused) => {
                    Some(Response::err("cannot open that message"))
                }
                _ => None,
            })
    }

    /// Changes the answer to a command that was carried out.
    pub(crate) fn amend(
        &self,
        keyword: Keyword,
        argument: &[u8],
        mut response: Response,
    ) -> Response {
        let number = command::number(command::split(argument).0);
        for misbehaviour in &self.active {
            match (misbehaviour, keyword) {
                (Misbehaviour::CutInBody(place), Keyword::Retr) if number == Some(place.number) => {
                    response.interruption = Some(Interruption {
                        after: place.octets,
                        ending: Ending::Cut,
                    });
                }
                (Misbehaviour::StallInBody(place), Keyword::Retr)
                    if number == Some(place.number) =>
                {
                    response.interruption = Some(Interruption {
                        after: place.octets,
                        ending: Ending::Stall,
                    });
                }
                _ => {}
            }
        }
        self.inject(response)
    }
}
