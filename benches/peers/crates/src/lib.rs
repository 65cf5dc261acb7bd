//! What the programs share: their arguments, and the files they write.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

/// What goes wrong in a program that has nobody to hand it to.
pub type Failure = Box<dyn Error>;

/// Where the mail is, and where it goes.
pub struct Job {
    /// Of the server on this machine.
    pub port: u16,
    directory: PathBuf,
    /// The server's certificate, if it is to be reached by TLS.
    pub certificate: Option<PathBuf>,
}

impl Job {
    /// From `PORT DIRECTORY [CERTIFICATE]`.
    ///
    /// # Errors
    /// When the arguments are others.
    pub fn from_arguments() -> Result<Self, Failure> {
        let mut arguments = std::env::args().skip(1);
        let (Some(port), Some(directory)) = (arguments.next(), arguments.next()) else {
            return Err("PORT DIRECTORY [CERTIFICATE]".into());
        };
        Ok(Self {
            port: port.parse()?,
            directory: directory.into(),
            certificate: arguments.next().map(Into::into),
        })
    }

    /// Writes a message into a file of its own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store(&self, number: u32, message: &[u8]) -> Result<(), Failure> {
        Ok(fs::write(self.directory.join(number.to_string()), message)?)
    }
}
