//! What a command was asked to print, as opposed to what it reports while it works.

use std::io::{self, Write};

use crate::failure::{Failure, Status};

/// Prints text on standard output. A reader that has gone away had enough.
///
/// # Errors
/// [`Status::InputOutput`] when it cannot be written.
pub(crate) fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let message = format!("could not print: {error}");
            Err(Failure::new(Status::InputOutput, message))
        }
        _ => Ok(()),
    }
}
