//! Where it is told what happened: on standard output, unless that is where the messages go.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Standard output, or standard error. Clones go to the same of both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outlet {
    has_left: Arc<AtomicBool>,
}

impl Outlet {
    /// Leaves standard output to the messages, from now on.
    pub(crate) fn leave_standard_output(&self) {
        self.has_left.store(true, Ordering::Relaxed);
    }

    fn now(&self) -> Box<dyn Write> {
        match self.has_left.load(Ordering::Relaxed) {
            true => Box::new(io::stderr()),
            false => Box::new(io::stdout()),
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.now().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.now().flush()
    }
}
