//! Logins, openings, batches and ways to the server, over both faces as in `tests/faces`: what
//! stands in `behaviours/` is compiled twice, with `go!`, `function!` and `behaviour!`.
#![allow(
    clippy::duplicate_mod,
    clippy::unwrap_used,
    reason = "one file for both faces; a test may panic"
)]

mod blocking;
#[cfg(feature = "tokio")]
mod cancellation;
#[cfg(feature = "discovery")]
mod discovery;
mod examples;
mod octets;
mod stubborn;
#[path = "../faces/support/mod.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod support;
#[cfg(feature = "tokio")]
mod tokio;
