//! What others get to see: those who listen on the way, who read what the command prints and writes,
//! and who look into its memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod attacks;
mod certificates;
mod listener;
#[cfg(target_os = "linux")]
mod memory;
mod secrets;
