//! Standard output of the commands whose result is a text, such as `list`: lines for people, or
//! events for programs.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};

use console::{Term, style};

use super::json::{self, Fields};
use crate::cli::Common;
use crate::failure::{Failure, Status};
use crate::state::StateError;

/// Where the result of a command goes.
pub(crate) struct Output {
    out: BufWriter<Box<dyn Write + Send>>,
    /// How wide the terminal is, if it is one.
    columns: Option<usize>,
    json: bool,
    quiet: bool,
}

impl Output {
    /// Standard output.
    pub(crate) fn new(common: &Common) -> Self {
        let columns = Term::stdout().size_checked().map(|(_, columns)| columns);
        Self {
            out: BufWriter::new(Box::new(io::stdout())),
            columns: columns.map(usize::from),
            json: common.json,
            quiet: common.quiet,
        }
    }

    /// Whether a program reads it.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// How wide the terminal is, if it is one.
    pub(crate) fn columns(&self) -> Option<usize> {
        self.columns
    }

    /// Writes a line for people. What is not our own in it has been escaped.
    pub(crate) fn line(&mut self, text: impl Display) -> Result<(), End> {
        writeln!(self.out, "{text}")?;
        self.show()
    }

    /// Writes a line that only explains the others.
    pub(crate) fn heading(&mut self, text: &str) -> Result<(), End> {
        if self.quiet {
            return Ok(());
        }
        self.line(style(text).bold())
    }

    /// Writes an event for programs.
    pub(crate) fn event(
        &mut self,
        name: &'static str,
        account: &str,
        fields: Fields,
    ) -> Result<(), End> {
        writeln!(self.out, "{}", json::line(name, account, fields))?;
        self.show()
    }

    /// Writes octets as they are.
    pub(crate) fn octets(&mut self, octets: &[u8]) -> Result<(), End> {
        Ok(self.out.write_all(octets)?)
    }

    /// Writes what is held back.
    pub(crate) fn finish(&mut self) -> Result<(), End> {
        Ok(self.out.flush()?)
    }

    /// Somebody who watches wants to see lines as they come.
    fn show(&mut self) -> Result<(), End> {
        match self.columns {
            Some(_) => self.finish(),
            None => Ok(()),
        }
    }
}

/// Why a command ended before its end.
#[derive(Debug)]
pub(crate) enum End {
    /// Whoever read the output has seen enough, as `head` does.
    ReaderGone,
    Failed(Failure),
}

impl End {
    /// What the command as a whole came to.
    pub(crate) fn settle(result: Result<(), Self>) -> Result<(), Failure> {
        match result {
            Ok(()) | Err(Self::ReaderGone) => Ok(()),
            Err(Self::Failed(failure)) => Err(failure),
        }
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Failed(Failure::new(
                Status::InputOutput,
                format!("could not write to standard output: {error}"),
            )),
        }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StateError> for End {
    fn from(error: StateError) -> Self {
        Self::Failed(error.into())
    }
}
