//! Where it is told what happened: on standard output, unless that is where the messages go.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::failure::{Failure, Status};

/// Standard output, or standard error. Clones go to the same of both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outlet {
    has_left: Arc<AtomicBool>,
    /// Why something was not told, the first time that this happened.
    failed: Arc<Mutex<Option<String>>>,
}

impl Outlet {
    /// Leaves standard output to the messages, from now on.
    pub(crate) fn leave_standard_output(&self) {
        self.has_left.store(true, Ordering::Relaxed);
    }

    /// Why not everything was told, unless it is that nobody reads it any more.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let message = format!("could not tell what happened: {}", failed.as_ref()?);
        Some(Failure::new(Status::InputOutput, message))
    }

    fn now(&self) -> Box<dyn Write> {
        match self.has_left.load(Ordering::Relaxed) {
            true => Box::new(io::stderr()),
            false => Box::new(io::stdout()),
        }
    }

    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && !matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::Interrupted
            )
        {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| error.to_string());
        }
        result
    }
}

impl Write for Outlet {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.noted(self.now().write(octets))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.noted(self.now().flush())
    }
}
