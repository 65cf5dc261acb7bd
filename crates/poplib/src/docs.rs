//! Longer texts, whose examples are compiled.

#[doc = include_str!("../docs/from-poplib.md")]
pub mod from_poplib {}
