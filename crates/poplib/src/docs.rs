//! Longer texts, whose examples are compiled.

#[doc = include_str!("../docs/from-poplib.md")]
pub mod from_poplib {}

#[doc = include_str!("../docs/tutorial.md")]
pub mod tutorial {}

#[doc = include_str!("../docs/cookbook.md")]
pub mod cookbook {}

/// The example of the README, which is the repository's, too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
