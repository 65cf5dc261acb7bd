//! `poplib` against real servers, each behaviour over both of its faces.
//!
//! What stands in `behaviours/` is compiled twice, as a part of `blocking` and as a part of
//! `tokio`. There `go!(call)` is the call, or the call awaited; `behaviour!` is a test and
//! `function!` a function, or an async one.

#![allow(clippy::unwrap_used, reason = "a failure ends the test")]
#![allow(clippy::duplicate_mod, reason = "one body for both faces")]

mod blocking;
mod support;
mod tokio;
