//! `popfetch` where deletion needs evidence, and where a message or a target is in trouble.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod away;
mod bounds;
mod breaks;
mod broken_targets;
mod closed_maildrops;
mod filters;
mod folder_data;
mod identity;
mod moved;
mod obedience;
mod older;
mod refused_messages;
mod small_disk;
mod two_owners;
mod volumes;
mod whole;
