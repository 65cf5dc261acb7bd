//! LANG (RFC 6856 §3).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::ANY_STATE;
use crate::connection::{Connection, Shape, State, Subject, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

const VERB: Verb = Verb::new("LANG");

/// Chooses the language of the server's texts.
#[derive(Clone, Debug)]
pub struct Lang {
    tag: Box<str>,
}

/// Asks which languages there are.
#[derive(Clone, Debug, Default)]
pub struct LangList;

/// A language the server's texts can be in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Language {
    /// The language tag (RFC 5646), such as `en`.
    pub tag: String,
    /// Its name, in the language itself.
    pub name: String,
}

impl Lang {
    /// The language with this tag (RFC 5646); `*` leaves the choice to the server, and `MUL` is
    /// its default.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        Self { tag: tag.into() }
    }
}

impl Command for Lang {
    type Output = Reply;
    const SHAPE: Shape = Shape::Line;
    const STATES: &'static [State] = ANY_STATE;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB).argument(self.tag.as_bytes())?)
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Reply, Malformed> {
        Ok(status.to_reply())
    }
}

impl Command for LangList {
    type Output = Vec<Language>;
    const SHAPE: Shape = Shape::Lines;
    const SUBJECT: Subject = Subject::Server;
    const STATES: &'static [State] = ANY_STATE;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB))
    }

    fn begin(&mut self, _status: Status<'_>, _ticket: Ticket) -> Result<Vec<Language>, Malformed> {
        Ok(Vec::new())
    }

    fn line(&mut self, output: &mut Vec<Language>, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let (tag, name) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        if !tag.is_empty() {
            output.push(Language {
                tag: tag.into(),
                name: name.trim().into(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p18_languages_have_a_tag_and_a_name() {
        let mut languages = Vec::new();
        for line in ["en English", "de", "", "fr  Français"] {
            LangList.line(&mut languages, line.as_bytes());
        }
        let language = |tag: &str, name: &str| Language {
            tag: tag.into(),
            name: name.into(),
        };
        assert_eq!(
            languages,
            [
                language("en", "English"),
                language("de", ""),
                language("fr", "Français")
            ]
        );
    }
}
