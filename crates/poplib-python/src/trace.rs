//! What a session sends, as debug output and audit events may show it.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use poplib_proto::observe::{Event, Observer};

/// The lines sent since the last look, secrets replaced by `***`.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<Mutex<Vec<Vec<u8>>>>);

impl Sent {
    pub(crate) fn take(&self) -> Vec<Vec<u8>> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Sent {
    fn wants_lines(&self) -> bool {
        true
    }

    fn observe(&self, event: Event<'_>) {
        let Event::Sent(shown) = event else {
            return;
        };
        let mut line = shown.text.to_vec();
        if shown.hidden {
            line.extend_from_slice(b"***");
        }
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}
