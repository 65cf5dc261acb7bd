//! `popfetch` against the sandbox, as the user runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod config;
mod demo;
mod exactly_once;
mod help;
mod import;
mod mail_servers;
mod options;
mod policy;
mod proxies;
mod quirks;
mod refusals;
mod round_trips;
mod sessions;
mod targets;
mod trouble;
