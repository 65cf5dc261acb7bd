//! The protocol core from outside: conversations, attacks, cancellation, pipelining.

#[path = "../support/mod.rs"]
mod support;

mod attacks;
mod auth;
mod bodies;
mod cancel;
mod limits;
mod order;
mod random;
mod transcripts;
