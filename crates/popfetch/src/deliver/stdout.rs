//! Handing over to standard output, in mbox format: whatever reads it is to keep it.

use std::io::{self, BufWriter, Write};

use super::handover::{Courier, Handover, Refusal};
use super::letter::Letter;
use super::mbox::format;
use crate::clock::{Clock, SystemClock};
use crate::failure::{Failure, Status};
use crate::settings::LineEnd;
use crate::state::Target;

/// The kind of [`Target`] this is.
pub(crate) const KIND: &str = "stdout";

/// Standard output.
pub(crate) struct StandardOutput {
    target: Target,
    line_end: LineEnd,
}

impl StandardOutput {
    pub(crate) fn new(line_end: LineEnd) -> Self {
        Self {
            target: Target {
                kind: KIND.into(),
                location: Vec::new(),
            },
            line_end,
        }
    }
}

impl Handover for StandardOutput {
    fn target(&self) -> &Target {
        &self.target
    }

    fn begin(&self) -> Result<Box<dyn Courier + '_>, Failure> {
        Ok(Box::new(Printer {
            out: BufWriter::new(io::stdout()),
            line_end: self.line_end,
        }))
    }
}

struct Printer<W: Write> {
    out: BufWriter<W>,
    line_end: LineEnd,
}

impl<W: Write> Courier for Printer<W> {
    fn hand_over(&mut self, letter: &Letter<'_>) -> Result<(), Refusal> {
        self.print(letter).map_err(|error| {
            Refusal::Everything(
                Failure::new(
                    Status::InputOutput,
                    format!("could not write to standard output: {error}"),
                )
                .hint("what was not written is fetched again next time"),
            )
        })
    }
}

impl<W: Write> Printer<W> {
    fn print(&mut self, letter: &Letter<'_>) -> io::Result<()> {
        let separator = format::separator(letter, SystemClock.now())?;
        let out = &mut self.out;
        format::write(letter, &separator, self.line_end, |octets| {
            out.write_all(octets)
        })?;
        self.out.flush()
    }
}
