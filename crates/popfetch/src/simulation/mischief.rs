//! What goes wrong in one session.

use super::maildrop::Maildrop;
use super::random::Random;
use super::server::{Counts, Writes};

/// What goes wrong in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mischief {
    Nothing,
    /// The connection ends before the command with this index is obeyed.
    CutBefore(usize),
    /// It ends in the middle of its answer.
    CutWithin(usize),
    /// The command is obeyed, and its answer lost.
    AnswerLost(usize),
    /// The command with this name is refused.
    Refuses(&'static str),
    /// Messages are refused, for as long as they may be.
    RefusesMessages,
    /// Some messages are refused for now.
    RefusesForNow,
    /// There seems to be nothing.
    SeemsEmpty,
    /// QUIT deletes some messages only, and says -ERR.
    QuitInPart,
    /// QUIT is obeyed, and its answer lost; or the other way round.
    QuitUnanswered {
        is_obeyed: bool,
    },
    /// Of some messages something else comes, with a proper end.
    Gives(Instead),
    /// One line of UIDL is missing, or has no unique-id.
    UniqueIdMissing {
        at: usize,
        has_line: bool,
    },
    /// A message arrives before the command with this name, and shows at once (Q46).
    MailBefore(&'static str),
}

/// What comes in the place of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instead {
    /// Its beginning.
    Beginning,
    /// Nothing.
    Nothing,
    /// An error of the server, as the message.
    ErrorText,
    /// The next message, for each.
    TheNext,
    /// The first message, for each.
    TheFirst,
}

/// So many messages must be new where others come in their place: the sizes of fewer prove nothing.
const SEVERAL: usize = 4;

impl Mischief {
    /// Draws what can happen at this maildrop.
    pub(super) fn draw(random: &mut Random, maildrop: &Maildrop) -> Self {
        let (at, has_line) = (random.below(16), random.once_in(2));
        let drawn = random.pick(&[
            Self::CutBefore(at),
            Self::CutWithin(at),
            Self::AnswerLost(at),
            Self::Refuses(["LIST", "UIDL", "DELE", "PASS", "STAT"][at % 5]),
            Self::RefusesMessages,
            Self::RefusesForNow,
            Self::SeemsEmpty,
            Self::QuitInPart,
            Self::QuitUnanswered { is_obeyed: true },
            Self::QuitUnanswered { is_obeyed: false },
            Self::Gives(Instead::Beginning),
            Self::Gives(Instead::Beginning),
            Self::Gives([Instead::Nothing, Instead::ErrorText][at % 2]),
            Self::Gives([Instead::TheNext, Instead::TheFirst][at % 2]),
            Self::Gives([Instead::TheNext, Instead::TheFirst][at % 2]),
            Self::Gives([Instead::TheNext, Instead::TheFirst][at % 2]),
            Self::UniqueIdMissing { at, has_line },
            Self::MailBefore(["STAT", "UIDL", "LIST"][at % 3]),
        ]);
        match drawn {
            Self::Gives(Instead::TheNext | Instead::TheFirst) if !can_shift(maildrop) => {
                Self::Gives(Instead::Beginning)
            }
            // Nothing tells what comes without a name twice from itself, or from those that share
            // its name.
            Self::UniqueIdMissing { .. } if !maildrop.may_be_nameless() => Self::SeemsEmpty,
            // Without LIST nothing tells what has the name of another.
            Self::Refuses("LIST") if maildrop.server.needs_sizes() => Self::Refuses("UIDL"),
            drawn => drawn,
        }
    }
}

/// Whether sizes would show that messages came in the place of others: LIST tells octets, no two
/// messages have as many, and several were never asked for, so that all of these are now.
fn can_shift(maildrop: &Maildrop) -> bool {
    let (server, messages) = (maildrop.server, &maildrop.messages);
    let new = messages.iter().filter(|mail| !mail.is_asked).count();
    let mut sizes: Vec<usize> = messages.iter().map(|mail| mail.content.len()).collect();
    sizes.sort_unstable();
    let is_plain = server.counts == Counts::Octets && server.writes == Writes::Nothing;
    is_plain && server.cuts_at.is_none() && new >= SEVERAL && sizes.is_sorted_by(|a, b| a < b)
}
