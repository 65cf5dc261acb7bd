//! One body for each behaviour, run over both faces: that they have the same methods with the
//! same meanings is then a fact of compilation.
//!
//! What stands in `behaviours/` is compiled twice, as a part of `blocking` and as a part of
//! `tokio`. There `go!(call)` is the call, or the call awaited; `behaviour!` is a test and
//! `function!` a function, or an async one.
#![allow(
    clippy::duplicate_mod,
    clippy::unwrap_used,
    reason = "one file for both faces; a test may panic"
)]

mod blocking;
#[cfg(feature = "tokio")]
mod cancellation;
mod support;
#[cfg(feature = "tokio")]
mod tokio;
