//! The methods of both clients, written once.
//!
//! Each macro expands to the same types and methods for either face; its first argument is the
//! keyword `async` or nothing, the second what follows a call. No protocol logic stands here: a
//! method runs one exchange.

mod batch;
mod body;
mod client;
mod common;
mod session;

pub(crate) use {batch::batches, body::body, client::client, common::common, session::session};
