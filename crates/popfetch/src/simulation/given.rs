//! What the server gave, and how often a target may hold it for that.

use std::collections::BTreeMap;

use super::mail::{self, Mail};

/// Everything that was given.
#[derive(Default)]
pub(super) struct Given {
    /// What was given for each message that was asked for.
    answers: BTreeMap<usize, Vec<Answer>>,
    /// How often more than once a message may be in a target.
    more: BTreeMap<usize, usize>,
    /// How often what is no message may be there.
    remains: BTreeMap<Vec<u8>, usize>,
}

/// An answer to RETR.
pub(super) struct Giving<'a> {
    /// What it was asked for.
    pub(super) asked: &'a Mail,
    pub(super) name: Name,
    /// Which message came whole.
    pub(super) whole: Option<&'a Mail>,
    pub(super) text: &'a [u8],
}

/// What a client knows a message by before it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) unique_id: Option<String>,
    /// Where there is no unique-id, what TOP and LIST say.
    pub(super) header: Option<(Vec<u8>, u64)>,
    /// Others have had the unique-id.
    pub(super) is_number: bool,
}

#[derive(PartialEq, Eq)]
struct Answer {
    name: Name,
    text: Vec<u8>,
    /// The message itself came.
    is_right: bool,
}

impl Given {
    /// A client delivers what it is given, unless it knows that it has delivered it before. So a
    /// target may hold
    ///
    /// - what is no message, or a message that was given in the place of another, once for each
    ///   message that it was given for;
    /// - a message once more whose text has changed, where nothing says that it is the same: it has
    ///   no Message-ID, has got another unique-id meanwhile, or is known by its content only;
    /// - a message once more that has got another name after the server confirmed that it was
    ///   deleted, or whose unique-id is its number, which is another one now;
    /// - all of that once more where something else was given for the message in between.
    pub(super) fn record(&mut self, giving: Giving<'_>) {
        let asked = giving.asked;
        let answer = Answer {
            name: giving.name,
            text: mail::stored(giving.text),
            is_right: giving.whole.is_some_and(|mail| mail.number == asked.number),
        };
        let before = self.answers.entry(asked.number).or_default();
        let is_again = before.last() == Some(&answer);
        let is_same_text = (before.last()).is_some_and(|last| {
            let is_named = !answer.name.is_number || last.name == answer.name;
            is_named && last.text == answer.text
        });
        match giving.whole {
            None => {
                let text = answer.text.clone();
                *self.remains.entry(text).or_default() += usize::from(!is_same_text);
            }
            Some(mail) if !answer.is_right => {
                *self.more.entry(mail.number).or_default() += usize::from(!is_same_text);
            }
            Some(_) => {
                let first = before.iter().position(|other| other.is_right);
                let since = first.map_or(&[][..], |first| &before[first..]);
                let is_more = !is_again && since.iter().any(|other| !answer.is_known(other, asked));
                *self.more.entry(asked.number).or_default() += usize::from(is_more);
            }
        }
        before.push(answer);
    }

    /// How often a target may have the message.
    pub(super) fn most(&self, mail: &Mail) -> usize {
        1 + self.more.get(&mail.number).copied().unwrap_or(0)
    }

    /// How often a target may have this, which is no message.
    pub(super) fn most_remains(&self, stored: &[u8]) -> usize {
        self.remains.get(stored).copied().unwrap_or(0)
    }
}

impl Answer {
    /// Whether a client that has delivered the other one knows that this is the same.
    fn is_known(&self, other: &Self, asked: &Mail) -> bool {
        let is_number = self.name.is_number || other.name.is_number;
        if self.name != other.name && (asked.is_denied || is_number) {
            return false;
        }
        let name = &self.name;
        let is_named = name.unique_id.is_some() || name.header.is_some();
        let has_same_id = name.unique_id == other.name.unique_id;
        let tells = asked.has_message_id && is_named && has_same_id;
        self.text == other.text || other.is_right && tells
    }
}
