//! `popfetch` with several accounts, and as a service.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod many;
mod service;
mod units;
