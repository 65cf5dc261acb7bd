//! The sandbox from the outside, through raw sockets and Python's poplib.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[cfg(feature = "cli")]
mod binary;
mod bodies;
mod commands;
mod common;
mod faults;
mod mailboxes;
mod maildrops;
mod many;
mod python;
mod quirks;
mod sasl;
mod tls;
