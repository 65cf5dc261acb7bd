//! That the servers are what the other tests take them for, judged without the library that they
//! are there to judge.

#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

mod courier;
mod cyrus;
mod dovecot;
mod every;
mod oauth;
mod support;
