//! Each module has one property of what comes from outside, as a function of any octets:
//!
//! | module | property |
//! |---|---|
//! | [`responses`] | an answer means the same however it is cut, and content is a part of what came |
//! | [`scram`] | a login succeeds only with the right signature |
//! | [`urls`] | what is accepted can be put on a command line |
//!
//! `fuzz_targets/` hands them to libFuzzer, `tests/` a seeded number of mutations.

pub mod responses;
pub mod scram;
pub mod urls;
