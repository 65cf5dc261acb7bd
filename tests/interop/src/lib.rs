//! Real POP3 servers on loopback, for tests.
//!
//! Each server is described by a value such as [`Dovecot`] whose `start` gives a running
//! [`Server`]; all of them are in [`Product`]. It listens on free ports of 127.0.0.1, and is stopped when the value is
//! dropped, when the test panics, and when the test process is killed. A server that is not
//! installed is an error that says what to do: no test passes because its server is missing.
//! `tests/interop/prepare` installs and unpacks them all.
//!
//! ```no_run
//! use interop::{Dovecot, Mailbox, User};
//!
//! let server = Dovecot {
//!     users: vec![User::new("alice", "secret").with(&Mailbox::nasty())],
//!     ..Dovecot::default()
//! }
//! .start()?;
//! println!("pops://alice@{}:{}", server.host(), server.tls_port());
//! # Ok::<(), interop::Error>(())
//! ```

pub mod compare;
pub mod page;

mod error;
mod fetchers;
mod mailbox;
mod maildir;
mod mbox;
mod oauth;
mod product;
mod random;
mod raw;
mod rig;
mod server;
mod servers;
mod takers;
mod tap;
mod user;

pub use error::Error;
pub use fetchers::{Fetcher, Job};
pub use mailbox::Mailbox;
pub use maildir::Maildir;
pub use oauth::OauthServer;
pub use product::Product;
pub use random::Random;
pub use raw::RawClient;
pub use rig::certificate::{ClientCertificate, ServerCertificate};
pub use rig::prepared::prepared;
pub use server::Server;
pub use servers::{
    courier::Courier,
    cyrus::Cyrus,
    dovecot::{ClearText, Dovecot},
    mailutils::Mailutils,
    mpopd::Mpopd,
    nginx::Nginx,
    perdition::Perdition,
    popa3d::Popa3d,
    twisted::Twisted,
};
pub use takers::Taker;
pub use tap::Tap;
pub use user::User;
