//! A line of progress, made for the width that there is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use console::{Alignment, pad_str, truncate_str};

use crate::report::size;

/// The shortest bar that still shows something, and the longest that is not a waste.
const BAR: (usize, usize) = (10, 24);

/// The widths of what stands below each other.
#[derive(Default)]
pub(super) struct Widths {
    pub(super) name: AtomicUsize,
    pub(super) counts: AtomicUsize,
}

/// What a line tells.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// How many accounts have no line of their own.
    pub(super) hidden: usize,
    pub(super) received: usize,
    pub(super) expected: usize,
    pub(super) octets: u64,
    /// As the server states; more may arrive.
    pub(super) total: u64,
    pub(super) per_second: f64,
    pub(super) left: Duration,
}

impl Line<'_> {
    /// The line for so many columns. It keeps off the last one, where terminals wrap. What is
    /// missed least is left out first: the bar, the rate, the octets, the time; the name is cut
    /// before them.
    pub(super) fn fit(&self, columns: usize, widths: &Widths) -> String {
        let columns = columns.saturating_sub(1);
        let name = widths.name.load(Ordering::Relaxed);
        let counts = widths.counts.load(Ordering::Relaxed);
        let counts = right(&format!("{}/{}", self.received, self.expected), counts);
        let mut room = columns.saturating_sub(counts.len() + 2);
        let least = name.min(columns / 3);
        let mut fits = true;
        let [left, octets, rate] = [self.left(), self.octets(), self.rate()].map(|cell| {
            fits &= room >= least + 2 + cell.len();
            room -= if fits { 2 + cell.len() } else { 0 };
            fits.then_some(cell)
        });
        let name_width = name.min(room);
        let bar = (room - name_width).saturating_sub(2).min(BAR.1);
        let bar = (bar >= BAR.0).then(|| self.bar(bar));
        let name = truncate_str(&self.name(), name_width, "…").into_owned();
        let name = pad_str(&name, name_width, Alignment::Left, None).into_owned();
        let cells = [Some(name), Some(counts), bar, octets, rate, left];
        let cells: Vec<String> = cells.into_iter().flatten().collect();
        truncate_str(&cells.join("  "), columns, "").into_owned()
    }

    fn name(&self) -> String {
        match self.hidden {
            0 => self.name.into(),
            hidden => format!("{}{}", self.name, and_hidden(hidden)),
        }
    }

    fn bar(&self, width: usize) -> String {
        let share = match self.total {
            0 => 1.0,
            total => (self.octets as f64 / total as f64).min(1.0),
        };
        let filled = (share * width as f64) as usize;
        let head = if filled < width { "╸" } else { "" };
        let rest = width - filled - usize::from(filled < width);
        format!("{}{head}{}", "━".repeat(filled), "─".repeat(rest))
    }

    fn octets(&self) -> String {
        let octets = format!("{}/{}", size(self.octets), size(self.total));
        right(&octets, "999 kB/999 kB".len())
    }

    fn rate(&self) -> String {
        right(
            &format!("{}/s", size(self.per_second as u64)),
            "999 kB/s".len(),
        )
    }

    fn left(&self) -> String {
        let seconds = self.left.as_secs();
        let left = match seconds {
            0..60 => format!("{seconds} s left"),
            60..3_600 => format!("{} min left", seconds / 60),
            3_600..172_800 => format!("{} h left", seconds / 3_600),
            _ if self.octets == 0 => String::new(),
            _ => format!("{} d left", (seconds / 86_400).min(999)),
        };
        right(&left, "59 min left".len())
    }
}

/// What follows the name where accounts have no line.
pub(super) fn and_hidden(accounts: usize) -> String {
    format!(", {accounts} more")
}

fn right(text: &str, width: usize) -> String {
    pad_str(text, width, Alignment::Right, None).into_owned()
}
