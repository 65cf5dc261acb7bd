//! Where something stands in a configuration file, and how that is shown.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::{Program, keys};
use crate::failure::{Failure, Status};

/// A line and a column of a file, both from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// The text of a file.
pub(super) struct Text<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    /// Where its lines end, the last one perhaps excepted.
    ends: Vec<usize>,
}

impl<'a> Text<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(end, _)| end).collect();
        Self { file, text, ends }
    }

    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let line = self.line(span.start);
        Place {
            file: self.file.to_owned(),
            line: self.ends.partition_point(|&end| end < line.start) + 1,
            column: self.text[line.start..self.boundary(span.start)]
                .chars()
                .count()
                + 1,
        }
    }

    /// A failure that shows what stands at `span`.
    pub(super) fn failure(&self, span: &Range<usize>, message: &str) -> Failure {
        let place = self.place(span);
        let failure = Failure::new(Status::Configuration, format!("{place}: {message}"));
        match self.excerpt(span, &place) {
            Some(excerpt) => failure.details(&excerpt),
            None => failure,
        }
    }

    /// The line with carets under the span.
    ///
    /// `None` where the line could show a secret: it is shown only if it is known what it says, and
    /// what looks like a key is one. In the middle of a text of several lines nothing is.
    fn excerpt(&self, span: &Range<usize>, place: &Place) -> Option<String> {
        let line = self.line(span.start);
        DeTable::parse(&self.text[..line.start]).ok()?;
        let shown = without_secrets(&self.text[line.clone()])?;
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let end = self.boundary(span.end.clamp(span.start, line.end.max(span.start)));
        let carets = self.text[self.boundary(span.start)..end].chars().count();
        let indent = " ".repeat(place.column - 1);
        let carets = if place.column > shown.chars().count() {
            "^".to_owned()
        } else {
            "^".repeat(carets.clamp(1, shown.chars().count() + 1 - place.column))
        };
        Some(format!(
            "{margin} |\n{number} | {}\n{margin} | {indent}{carets}",
            // A tab would move the line away from its carets.
            shown.replace('\t', " ")
        ))
    }

    /// The line that an octet is in, without its end.
    fn line(&self, at: usize) -> Range<usize> {
        let at = self.boundary(at);
        let start = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let length = self.text[start..].lines().next().map_or(0, str::len);
        start..start + length
    }

    /// The nearest beginning of a character, at or before this octet.
    fn boundary(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        let mut before = (0..=at).rev();
        before
            .find(|&at| self.text.is_char_boundary(at))
            .unwrap_or(0)
    }
}

/// What of a line can be shown. The value of a key that is not known may be a password whose key
/// is misspelt.
fn without_secrets(line: &str) -> Option<String> {
    let Some((key, value)) = line.split_once('=') else {
        return line.trim_start().starts_with('[').then(|| line.to_owned());
    };
    let is_public = |name: &str| {
        name == "include"
            || Program::KEYS.contains(&name)
            || keys::find(name).is_some_and(|key| !key.is_secret)
    };
    if is_public(key.trim()) && !has_password(value) {
        Some(line.to_owned())
    } else {
        Some(format!("{key}= …"))
    }
}

/// Whether a URL in the text carries a password, as a proxy's can.
fn has_password(text: &str) -> bool {
    without_password(text) != text
}

/// The text without the password that a URL in it may carry.
pub(super) fn without_password(text: &str) -> String {
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (login, host) = rest.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:…@{host}"))
    });
    hidden.unwrap_or_else(|| text.to_owned())
}
