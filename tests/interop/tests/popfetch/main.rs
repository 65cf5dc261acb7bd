//! `popfetch` against a real Dovecot.

#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

mod durability;
mod faults;
mod logins;
mod refusals;
mod support;
mod takeover;
mod transfers;
