//! `popfetch` against the sandbox, as the user runs it.

#[path = "../support/mod.rs"]
mod support;

mod demo;
mod exactly_once;
mod help;
mod options;
mod quirks;
mod refusals;
