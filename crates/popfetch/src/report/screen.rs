//! Progress on a terminal: a line for each account that is being fetched, and one for all of them
//! together where there are several; never more than the screen has.

mod line;
#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use console::{Term, measure_text_width};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::Planned;
use crate::escape;
use line::{Line, Widths, and_hidden};

/// How often what passes by itself is drawn anew, such as the time that is left.
const TICK: Duration = Duration::from_millis(200);

/// How many rows and columns there are at the moment: a window may be resized at any time.
pub(super) type Size = dyn Fn() -> (u16, u16) + Send + Sync;

/// The lines at the bottom of a terminal, or nothing where there is none.
pub(super) struct Screen {
    lines: MultiProgress,
    size: Arc<Size>,
    widths: Arc<Widths>,
    running: Mutex<Running>,
}

/// The accounts whose messages are arriving, in the order in which they began.
struct Running {
    accounts: Vec<Progress>,
    total: Progress,
    /// How many have begun so far.
    begun: usize,
}

/// How far an account is, or all of them.
struct Progress {
    name: String,
    bar: ProgressBar,
    counts: Arc<Counts>,
    is_shown: bool,
}

#[derive(Default)]
struct Counts {
    /// Messages that are to arrive, and those that have.
    expected: AtomicUsize,
    received: AtomicUsize,
    /// Accounts for which there is no line, where this is the total.
    hidden: AtomicUsize,
}

impl Screen {
    /// The terminal that standard error is, if it is one.
    pub(super) fn stderr() -> Self {
        let size = || Term::stderr().size_checked().unwrap_or((24, 80));
        Self::new(ProgressDrawTarget::stderr(), Arc::new(size))
    }

    pub(super) fn new(target: ProgressDrawTarget, size: Arc<Size>) -> Self {
        let widths = Arc::new(Widths::default());
        let running = Running {
            accounts: Vec::new(),
            total: Progress::new("total", &size, &widths),
            begun: 0,
        };
        Self {
            lines: MultiProgress::with_draw_target(target),
            size,
            widths,
            running: Mutex::new(running),
        }
    }

    /// Does something that prints, above the lines.
    pub(super) fn suspend(&self, print: impl FnOnce()) {
        self.lines.suspend(print);
    }

    /// The messages of an account begin to arrive.
    pub(super) fn begin(&self, account: &str, planned: &Planned) {
        if planned.fetch == 0 || self.lines.is_hidden() {
            return;
        }
        let mut running = self.running();
        let running = &mut *running;
        let progress = Progress::new(account, &self.size, &self.widths);
        running.begun += 1;
        if running.begun == 1 {
            // The rate counts from here, not from the login.
            running.total.bar.reset();
        }
        running.total.expect(planned, &self.widths);
        progress.expect(planned, &self.widths);
        running.accounts.push(progress);
        if running.begun > 1 && !running.total.is_shown {
            self.lines.add(running.total.bar.clone());
            running.total.shown();
        }
        self.fill(running);
    }

    /// So much of it has arrived.
    pub(super) fn advance(&self, account: &str, octets: usize, messages: usize) {
        let running = self.running();
        if let Some(progress) = running.accounts.iter().find(|one| one.name == account) {
            progress.advance(octets, messages);
            running.total.advance(octets, messages);
        }
    }

    /// An account is done with; all are, where it has no name.
    pub(super) fn end(&self, account: &str) {
        let mut running = self.running();
        running.accounts.retain(|progress| {
            let stays = !account.is_empty() && progress.name != account;
            if !stays {
                self.remove(progress);
            }
            stays
        });
        if account.is_empty() {
            self.remove(&running.total);
        }
        self.fill(&mut running);
    }

    fn remove(&self, progress: &Progress) {
        if progress.is_shown {
            progress.bar.finish_and_clear();
            self.lines.remove(&progress.bar);
        }
    }

    /// Gives lines to accounts without one, as long as there is room. One row is left for what
    /// is being typed, one for the total.
    fn fill(&self, running: &mut Running) {
        let (rows, _) = (self.size)();
        let room = usize::from(rows).saturating_sub(2).max(1);
        let shown = running.accounts.iter().filter(|one| one.is_shown).count();
        let waiting = running.accounts.iter_mut().filter(|one| !one.is_shown);
        for progress in waiting.take(room.saturating_sub(shown)) {
            match running.total.is_shown {
                true => self
                    .lines
                    .insert_before(&running.total.bar, progress.bar.clone()),
                false => self.lines.add(progress.bar.clone()),
            };
            progress.shown();
        }
        let hidden = running.accounts.iter().filter(|one| !one.is_shown).count();
        running.total.counts.hidden.store(hidden, Ordering::Relaxed);
        if hidden > 0 {
            let width = running.total.name.len() + and_hidden(hidden).len();
            self.widths.name.fetch_max(width, Ordering::Relaxed);
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// Has no line yet.
    fn new(account: &str, size: &Arc<Size>, widths: &Arc<Widths>) -> Self {
        let shown_name = escape::text(account).to_string();
        widths
            .name
            .fetch_max(measure_text_width(&shown_name), Ordering::Relaxed);
        let counts = Arc::new(Counts::default());
        let (size, widths, of) = (Arc::clone(size), Arc::clone(widths), Arc::clone(&counts));
        let write_line = move |state: &ProgressState, out: &mut dyn Write| {
            let line = of.line(&shown_name, state);
            // Writing to memory does not fail.
            let _ = out.write_str(&line.fit(size().1.into(), &widths));
        };
        let style = ProgressStyle::with_template("{line}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("line", write_line);
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        Self {
            name: account.into(),
            bar: bar.with_style(style),
            counts,
            is_shown: false,
        }
    }

    fn expect(&self, planned: &Planned, widths: &Widths) {
        self.bar.inc_length(planned.fetch_octets);
        let before = self
            .counts
            .expected
            .fetch_add(planned.fetch, Ordering::Relaxed);
        let digits = (before + planned.fetch).to_string().len();
        widths.counts.fetch_max(2 * digits + 1, Ordering::Relaxed);
    }

    fn shown(&mut self) {
        self.is_shown = true;
        self.bar.tick();
        self.bar.enable_steady_tick(TICK);
    }

    fn advance(&self, octets: usize, messages: usize) {
        self.counts.received.fetch_add(messages, Ordering::Relaxed);
        self.bar.inc(octets as u64);
    }
}

impl Counts {
    fn line<'a>(&self, name: &'a str, state: &ProgressState) -> Line<'a> {
        Line {
            name,
            hidden: self.hidden.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            expected: self.expected.load(Ordering::Relaxed),
            octets: state.pos(),
            total: state.len().unwrap_or(0),
            per_second: state.per_sec(),
            left: state.eta(),
        }
    }
}
