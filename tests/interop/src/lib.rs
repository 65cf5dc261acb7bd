//! Real POP3 servers on loopback, for tests.
//!
//! Each server is started by a call such as [`Dovecot::start`], listens on free ports of
//! 127.0.0.1, and is stopped when the value is dropped, when the test panics, and when the test
//! process is killed. Servers that are not installed are an error that says what to install:
//! no test passes because its server is missing.
//!
//! ```no_run
//! use interop::{Dovecot, DovecotOptions, Mailbox, User};
//!
//! let mailbox = Mailbox::nasty();
//! let dovecot = Dovecot::start(&DovecotOptions {
//!     users: vec![User::new("alice", "secret").with(&mailbox)],
//!     ..DovecotOptions::default()
//! })?;
//! println!("pops://alice@{}:{}", dovecot.host(), dovecot.tls_port());
//! # Ok::<(), interop::Error>(())
//! ```

pub mod compare;

mod certificate;
mod dovecot;
mod error;
mod mailbox;
mod maildir;
mod ports;
mod process;
mod tap;
mod user;

pub use certificate::ServerCertificate;
pub use dovecot::{ClearText, Dovecot, DovecotOptions};
pub use error::Error;
pub use mailbox::Mailbox;
pub use maildir::Maildir;
pub use tap::Tap;
pub use user::User;
