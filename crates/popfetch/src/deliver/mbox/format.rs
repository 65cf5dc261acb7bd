//! A message as it stands in an mbox (mboxrd): a line that begins with `From `, the message with
//! such lines of its own quoted, and a blank line.

use std::io;

use mail_parser::DateTime;

use super::quote::Quote;
use crate::clock::Timestamp;
use crate::deliver::letter::Letter;
use crate::settings::LineEnd;

/// The first line of a message, without its end: who sent it, and when it was delivered, in UTC as
/// asctime(3) has it.
pub(crate) fn separator(letter: &Letter<'_>, now: Timestamp) -> io::Result<String> {
    let sender = letter.sender()?;
    let sender = sender.as_deref().unwrap_or("MAILER-DAEMON");
    Ok(format!("From {sender} {}", asctime(now)))
}

/// Gives the message in this format to `out`.
///
/// A message without a last line end gets one, as the blank line must be one: nothing else tells
/// that it was not there.
pub(crate) fn write(
    letter: &Letter<'_>,
    separator: &str,
    line_end: LineEnd,
    mut out: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let newline: &[u8] = match line_end {
        LineEnd::Lf | LineEnd::Keep => b"\n",
        LineEnd::CrLf => b"\r\n",
    };
    out(separator.as_bytes())?;
    out(newline)?;
    let mut quote = Quote::default();
    letter.write(line_end, |octets| quote.push(octets, &mut out))?;
    if quote.finish(&mut out)? {
        out(newline)?;
    }
    out(newline)
}

fn asctime(now: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let time = DateTime::from_timestamp(now.0);
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {:04}",
        DAYS[usize::from(time.day_of_week()) % 7],
        MONTHS[usize::from(time.month.saturating_sub(1)) % 12],
        time.day,
        time.hour,
        time.minute,
        time.second,
        time.year
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_asctime_has_them() {
        assert_eq!(asctime(Timestamp(0)), "Thu Jan  1 00:00:00 1970");
        assert_eq!(
            asctime(Timestamp(1_800_000_000)),
            "Fri Jan 15 08:00:00 2027"
        );
    }
}
