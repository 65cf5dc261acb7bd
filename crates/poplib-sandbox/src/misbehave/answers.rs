//! The answers to commands in general.

use std::io;

use super::bodies::BrokenOff;
use super::{Answer, InBody, Misbehaviour, Misbehaviours, Phase, Refusal, Text};
use crate::command::{self, Keyword};
use crate::response::{Body, Ending, Interruption, Lines, Next, Response};

impl Misbehaviours {
    /// The answer to a command that is not carried out.
    pub(crate) fn instead(
        &self,
        keyword: Keyword,
        argument: &[u8],
        after_login: bool,
    ) -> Option<Response> {
        if after_login && let Some(response) = self.instead_after_login(keyword, argument) {
            return Some(response);
        }
        let number = command::number(command::split(argument).0);
        let refused = || Some(Response::err("no, not that one"));
        self.find(|misbehaviour| match (misbehaviour, keyword) {
            (Misbehaviour::Stall(Phase::Command(named)), _) if *named == keyword => {
                Some(Response::end(Ending::Stall))
            }
            (Misbehaviour::Refuse(named), _) if *named == keyword => refused(),
            (Misbehaviour::CloseOn(named), _) if *named == keyword => {
                Some(Response::end(Ending::Cut))
            }
            (
                Misbehaviour::Answer(Answer {
                    keyword: named,
                    text: Text(octets),
                }),
                _,
            ) if *named == keyword => Some(Response::raw(&**octets)),
            (Misbehaviour::EndlessLine(named), _) if *named == keyword => {
                Some(Response::raw("+OK ").with_body(Endless(b"x")))
            }
            (Misbehaviour::NoCapa, Keyword::Capa)
            | (Misbehaviour::NoStls, Keyword::Stls)
            | (Misbehaviour::NoUidl, Keyword::Uidl)
            | (Misbehaviour::NoTop, Keyword::Top) => Some(Response::err("unknown command")),
            (Misbehaviour::InitialResponseLimit(most), Keyword::Auth)
                if command::split(argument).1.len() as u64 > *most =>
            {
                Some(Response::err("Protocol error"))
            }
            (Misbehaviour::ErrOnRetr(named), Keyword::Retr)
            | (Misbehaviour::ErrOnDele(named), Keyword::Dele)
                if number == Some(*named) =>
            {
                refused()
            }
            (Misbehaviour::EmptyListing, Keyword::Stat) => Some(Response::ok("0 0")),
            (Misbehaviour::EmptyListing, Keyword::List | Keyword::Uidl) if argument.is_empty() => {
                Some(Response::ok("0 messages").with_body(Lines::new::<&str>([])))
            }
            _ => None,
        })
    }

    /// The answer to a command after login that is not carried out.
    fn instead_after_login(&self, keyword: Keyword, argument: &[u8]) -> Option<Response> {
        let number = command::number(argument);
        let before = match keyword {
            Keyword::Retr => self.course.count_retrieval(),
            _ => 0,
        };
        let refused = |refusal: &Refusal| {
            let Text(octets) = &refusal.text;
            Some(Response::err(String::from_utf8_lossy(octets)))
        };
        self.find(|misbehaviour| match (misbehaviour, keyword) {
            (Misbehaviour::CloseAfterLogin(named), _) if *named == keyword => {
                Some(Response::end(Ending::Cut))
            }
            (Misbehaviour::StallAfterLogin(named), _) if *named == keyword => {
                Some(Response::end(Ending::Stall))
            }
            (Misbehaviour::RefuseRetr(refusal), Keyword::Retr)
                if number == Some(refusal.number) =>
            {
                refused(refusal)
            }
            (Misbehaviour::RefuseRetrs(refusal), Keyword::Retr) if before < refusal.number => {
                refused(refusal)
            }
            (Misbehaviour::Quota(most), Keyword::Retr) if before >= *most => {
                Some(Response::err("Download exceed"))
            }
            (Misbehaviour::UnopenedMaildrop, Keyword::Stat) => {
                Some(Response::ok("no mail, cannot make temporary file"))
            }
            (
                Misbehaviour::UnopenedMaildrop,
                Keyword::List | Keyword::Uidl | Keyword::Retr | Keyword::Top | Keyword::Dele,
            ) => Some(Response::err("unable to open mailbox")),
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
        for misbehaviour in &self.active {
            match (misbehaviour, keyword) {
                (Misbehaviour::CutInBody(place), Keyword::Retr) => {
                    interrupt(&mut response, argument, *place, Ending::Cut);
                }
                (Misbehaviour::ResetInBody(place), Keyword::Retr) => {
                    interrupt(&mut response, argument, *place, Ending::Reset);
                }
                (Misbehaviour::StallInBody(place), Keyword::Retr) => {
                    interrupt(&mut response, argument, *place, Ending::Stall);
                }
                (Misbehaviour::CutInAnswer(place), _) if place.keyword == keyword => {
                    response.interruption = Some(Interruption {
                        after: place.octets,
                        ending: Ending::Cut,
                    });
                }
                (Misbehaviour::ErrInBody(place), Keyword::Retr)
                    if command::number(argument) == Some(place.number) =>
                {
                    let body = response.body.take();
                    response.body = body
                        .map(|body| -> Box<dyn Body> { Box::new(BrokenOff::new(body, *place)) });
                }
                (Misbehaviour::EndlessLines(named), _) if *named == keyword && response.is_ok() => {
                    response.body = Some(Box::new(Endless(b"1 endless\r\n")));
                }
                (Misbehaviour::EmptyDeleAnswer, Keyword::Dele) => {
                    response.status = b"\r\n".to_vec();
                }
                (Misbehaviour::LoseQuitAnswer, Keyword::Quit) => return Response::end(Ending::Cut),
                (Misbehaviour::TopTwoOk, Keyword::Top) if response.is_ok() => {
                    response.status = response.status.repeat(2);
                }
                (Misbehaviour::InjectBeforeTls(Text(octets)), Keyword::Stls)
                    if response.is_ok() =>
                {
                    response.status.extend_from_slice(octets);
                }
                (
                    Misbehaviour::CloseOnWrongPassword,
                    Keyword::Pass | Keyword::Apop | Keyword::Auth,
                ) if response.is_err() => response.next = Next::End(Ending::Close),
                (Misbehaviour::UidlWithoutNumber, Keyword::Uidl)
                    if response.is_ok() && !argument.is_empty() =>
                {
                    let number = b"+OK ".len()..b"+OK ".len() + argument.len() + 1;
                    response.status.drain(number);
                }
                (Misbehaviour::NoTexts, _) => remove_text(keyword, argument, &mut response),
                (Misbehaviour::PlusErr, _) if response.is_err() => response.status[0] = b'+',
                _ => {}
            }
        }
        response
    }

    /// Whether QUIT fails to delete.
    pub(crate) fn fails_update(&self) -> bool {
        self.has(&Misbehaviour::ErrOnQuit)
    }

    /// How many sessions log in before what QUIT deletes is gone.
    pub(crate) fn deletes_later(&self) -> Option<u64> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::LateDeletion(logins) => Some(*logins),
            _ => None,
        })
    }

    /// Whether QUIT deletes what was retrieved.
    pub(crate) fn deletes_retrieved(&self) -> bool {
        self.has(&Misbehaviour::DeleteRetrieved) || self.forgets_retrieved()
    }

    /// Whether RSET makes forget what was retrieved.
    pub(crate) fn forgets_retrieved(&self) -> bool {
        self.has(&Misbehaviour::DeleteRetrievedSinceRset)
    }
}

fn interrupt(response: &mut Response, argument: &[u8], place: InBody, ending: Ending) {
    if command::number(argument) == Some(place.number) {
        response.interruption = Some(Interruption {
            after: place.octets,
            ending,
        });
    }
}

/// Leaves alone what is not a text but the answer itself.
fn remove_text(keyword: Keyword, argument: &[u8], response: &mut Response) {
    let one_line = !argument.is_empty() && matches!(keyword, Keyword::List | Keyword::Uidl);
    if response.is_err() {
        response.status = b"-ERR\r\n".to_vec();
    } else if response.is_ok() && keyword != Keyword::Stat && !one_line {
        response.status = b"+OK\r\n".to_vec();
    }
}

/// The same octets for ever.
pub(super) struct Endless(pub(super) &'static [u8]);

impl Body for Endless {
    fn fill(&mut self, output: &mut Vec<u8>, size: usize) -> io::Result<bool> {
        while output.len() < size {
            output.extend_from_slice(self.0);
        }
        Ok(true)
    }
}
