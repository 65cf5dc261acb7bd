//! Listening to what is traced and logged.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// What this thread traces, and what it logs through the crate `log`, as long as it lives.
#[derive(Clone, Default)]
pub(crate) struct Ear(Arc<Mutex<Vec<u8>>>);

impl Ear {
    /// Hears everything down to `level`.
    pub(crate) fn new(level: Level) -> (Self, impl Drop) {
        let ear = Self::default();
        let guard = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .without_time()
            .with_writer(ear.clone())
            .finish()
            .set_default();
        (ear, guard)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// The lines of the wire trace, without what stands before their text.
    pub(crate) fn wire(&self) -> Vec<String> {
        let text = self.text();
        let wire = text
            .lines()
            .filter_map(|line| line.split_once("poplib::wire: "));
        wire.map(|(_, text)| text.to_owned()).collect()
    }
}

pub(crate) use tracing_subscriber::filter::LevelFilter as Level;

impl Write for Ear {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Ear {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
