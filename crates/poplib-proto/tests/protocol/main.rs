//! The protocol core from outside: conversations, attacks, cancellation, pipelining.

#[path = "../support/mod.rs"]
mod support;
mod transcripts;
