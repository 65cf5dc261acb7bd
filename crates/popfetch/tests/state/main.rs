//! The state as a file, and `popfetch state`, as the user runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod command;
mod formats;
mod moved;
mod names;
mod namespace;
mod targets;
mod transfer;
