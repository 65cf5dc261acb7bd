//! The server's side of SASL, one mechanism a file.

mod plain;

use std::sync::Arc;

use crate::account::{Account, Accounts};

/// The mechanisms' names, strongest first.
pub(crate) const NAMES: &[&str] = &["PLAIN"];

/// The mechanism of this name.
pub(crate) fn mechanism(name: &str) -> Option<Box<dyn Exchange>> {
    Some(match name {
        "PLAIN" => Box::new(plain::Plain),
        _ => return None,
    })
}

/// The server's side of one exchange.
pub(crate) trait Exchange: Send {
    /// Takes the client's response, decoded; `None` at the start if it sent no initial response.
    fn step(
        &mut self,
        response: Option<&[u8]>,
        accounts: &Accounts,
        bindings: Option<&Bindings>,
    ) -> Step;
}

/// What comes next.
pub(crate) enum Step {
    Challenge(Vec<u8>),
    /// The end: whose credentials they were, or nobody's.
    Done(Option<Arc<Account>>),
}

/// What the TLS connection can be recognised by.
#[derive(Clone, Debug)]
pub(crate) struct Bindings {
    /// RFC 9266.
    pub(crate) tls_exporter: Vec<u8>,
    /// RFC 5929 §4.
    pub(crate) tls_server_end_point: Vec<u8>,
}
