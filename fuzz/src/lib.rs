//! Each module has one property of what comes from outside, as a function of any octets:
//!
//! | module | property |
//! |---|---|
//! | [`responses`] | an answer means the same however it is cut, and content is a part of what came |
//! | [`capabilities`] | a list of capabilities says what a plain reading of it says |
//! | [`listings`] | so do STAT, LIST and UIDL, and no line is lost |
//! | [`scram`] | a login succeeds only with the right signature |
//! | [`urls`] | what is accepted can be put on a command line |
//! | [`configuration`] | what is wrong stands at a place in the file, and tells no secret |
//! | [`importers`] | what other programs have written becomes a configuration that can be read |
//! | [`sandbox`] | whatever a client sends is answered in the right form |
//!
//! `fuzz_targets/` hands them to libFuzzer, `tests/` a seeded number of mutations.

pub mod capabilities;
pub mod configuration;
pub mod importers;
pub mod listings;
mod peer;
mod plain;
pub mod responses;
pub mod sandbox;
pub mod scram;
pub mod urls;
