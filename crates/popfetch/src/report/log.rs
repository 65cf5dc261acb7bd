//! The log of a process that nobody watches: everything on standard error, each line with what
//! its reader needs.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use clap::ValueEnum;

use super::{Human, Json, Report, Verbosity};
use crate::clock::{Clock, SystemClock};

/// How a log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for people
    #[default]
    Text,
    /// The events of --json, each with its time
    Json,
}

/// A log on standard error.
pub(crate) fn log(format: Format, verbosity: Verbosity) -> Arc<dyn Report> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    match format {
        Format::Json => Arc::new(Json::new(io::stderr()).timed(clock)),
        Format::Text => {
            let mark = Mark::for_standard_error(clock);
            let lines = |priority| Lines::new(io::stderr(), mark.clone(), priority);
            Arc::new(Human::new(verbosity, lines(INFORMATION), lines(WARNING)))
        }
    }
}

/// Priorities as syslog numbers them.
const WARNING: u8 = 4;
const INFORMATION: u8 = 6;

/// What stands before each line.
#[derive(Clone)]
enum Mark {
    /// Nothing: somebody is watching.
    Nothing,
    /// `<N>`, the priority, for systemd's journal, which knows the time itself.
    Priority,
    /// Date and time, in a file.
    Time(Arc<dyn Clock>),
}

impl Mark {
    fn for_standard_error(clock: Arc<dyn Clock>) -> Self {
        if io::stderr().is_terminal() {
            Self::Nothing
        } else if is_journal(std::env::var("JOURNAL_STREAM").ok().as_deref()) {
            Self::Priority
        } else {
            Self::Time(clock)
        }
    }
}

/// Whether standard error leads to the journal. The variable names device and inode of what the
/// manager connected it to (systemd.exec(5)); it may have been redirected since.
fn is_journal(variable: Option<&str>) -> bool {
    let Ok(here) = rustix::fs::fstat(io::stderr()) else {
        return false;
    };
    variable == Some(&format!("{}:{}", here.st_dev, here.st_ino))
}

/// Puts a mark before each line.
struct Lines<W> {
    out: W,
    mark: Mark,
    priority: u8,
    /// What of the current line has come.
    line: Vec<u8>,
}

impl<W: Write> Lines<W> {
    fn new(out: W, mark: Mark, priority: u8) -> Self {
        Self {
            out,
            mark,
            priority,
            line: Vec::new(),
        }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        for piece in octets.split_inclusive(|&octet| octet == b'\n') {
            if self.line.is_empty() {
                match &self.mark {
                    Mark::Nothing => {}
                    Mark::Priority => write!(self.line, "<{}>", self.priority)?,
                    Mark::Time(clock) => write!(self.line, "{} ", clock.now().to_rfc3339())?,
                }
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                // In one write, so that lines of several writers are not mixed.
                let line = std::mem::take(&mut self.line);
                self.out.write_all(&line)?;
            }
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp(1_709_210_096)
        }
    }

    fn written(mark: Mark) -> String {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out, mark, WARNING);
        write!(lines, "one").unwrap();
        write!(lines, "\n  two\nth").unwrap();
        writeln!(lines, "ree").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_has_its_mark() {
        assert_eq!(written(Mark::Nothing), "one\n  two\nthree\n");
        assert_eq!(written(Mark::Priority), "<4>one\n<4>  two\n<4>three\n");
        let time = "2024-02-29T12:34:56Z";
        assert_eq!(
            written(Mark::Time(Arc::new(Fixed))),
            format!("{time} one\n{time}   two\n{time} three\n")
        );
    }

    #[test]
    fn the_journal_is_known_by_its_inode() {
        let here = rustix::fs::fstat(io::stderr()).unwrap();
        let name = format!("{}:{}", here.st_dev, here.st_ino);
        assert!(is_journal(Some(&name)));
        assert!(!is_journal(Some("1:2")));
        assert!(!is_journal(None));
    }
}
