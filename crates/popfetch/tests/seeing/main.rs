//! What a person or a program gets to see of `popfetch`, as the user runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod get;
mod list;
mod outputs;
mod quarantine;
mod state;
mod status;
