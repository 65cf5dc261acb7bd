//! What arrived, as a short table.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use console::{Term, measure_text_width, style};

use crate::escape;
use crate::report::{Header, Table, size};

/// No header of the sample is longer.
const HEADER: u64 = 64 * 1024;

/// The widest table that is still easy to read.
const WIDEST: usize = 100;

struct Line {
    sender: String,
    subject: String,
    size: String,
}

/// Tells what these files are, and what to do next.
pub(super) fn print(out: &mut dyn Write, files: &[PathBuf], maildir: &Path) -> io::Result<()> {
    let (_, columns) = Term::stdout().size_checked().unwrap_or((24, 80));
    print_within(out, files, maildir, usize::from(columns).min(WIDEST))
}

fn print_within(
    out: &mut dyn Write,
    files: &[PathBuf],
    maildir: &Path,
    columns: usize,
) -> io::Result<()> {
    let maildir = maildir.display();
    writeln!(out)?;
    if files.is_empty() {
        writeln!(
            out,
            "Nothing new: what the demo's server has was fetched before."
        )?;
        writeln!(
            out,
            "To see it arrive again, remove {maildir} and run this again."
        )?;
    } else {
        let lines = files
            .iter()
            .map(|file| read(file))
            .collect::<io::Result<Vec<_>>>()?;
        table(out, &lines, columns)?;
        writeln!(out)?;
        writeln!(
            out,
            "The messages are in {maildir}, a Maildir that any mail program opens."
        )?;
        writeln!(out, "Run this again: nothing is fetched twice.")?;
    }
    writeln!(out)?;
    writeln!(out, "Your own mail:")?;
    writeln!(
        out,
        "  popfetch sync --server pops://YOU@pop.example.org --maildir ~/Mail"
    )
}

fn table(out: &mut dyn Write, lines: &[Line], columns: usize) -> io::Result<()> {
    let widest = |of: fn(&Line) -> &str| {
        lines
            .iter()
            .map(|line| measure_text_width(of(line)))
            .max()
            .unwrap_or(0)
    };
    let sizes = widest(|line| &line.size).max(4);
    // Two spaces between columns; the sender gets a third of the rest at most.
    let rest = columns.saturating_sub(sizes + 4);
    let senders = widest(|line| &line.sender).max(4).min(rest / 3);
    let subjects = widest(|line| &line.subject).max(7).min(rest - senders);
    let table = Table::new(true)
        .text("From", senders)
        .text("Subject", subjects)
        .number("Size", sizes);
    writeln!(out, "{}", style(table.heading()).bold())?;
    lines.iter().try_for_each(|line| {
        let cells = [&line.sender, &line.subject, &line.size];
        writeln!(out, "{}", table.row(&cells))
    })
}

/// Reads the header of a message.
fn read(path: &Path) -> io::Result<Line> {
    let file = File::open(path)?;
    let octets = file.metadata()?.len();
    let mut header = Vec::new();
    file.take(HEADER).read_to_end(&mut header)?;
    let header = Header::parse(&header);
    let shown = |text: Option<&str>| escape::text(text.unwrap_or("(none)")).to_string();
    Ok(Line {
        sender: shown(header.shown_sender()),
        subject: shown(header.subject.as_deref()),
        size: size(octets),
    })
}
