//! `popfetch` against real servers, most often Dovecot.

#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

mod doctor;
mod durability;
mod every;
mod faults;
mod logins;
mod mail_servers;
mod many;
mod refusals;
mod support;
mod takeover;
mod transfers;
