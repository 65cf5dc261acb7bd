//! The POP3 protocol without I/O: bytes to typed replies, commands to bytes.
//!
//! A [`Connection`] holds what a POP3 session is (its buffers, its requests in flight, its state)
//! and an [`Exchange`] is one command or procedure that is resumed until it is done. Neither
//! reads, writes, waits or knows the time: a driver of about fifteen lines does that, and the
//! crate `poplib` has one for blocking sockets and one for tokio.
//!
//! ```text
//! socket ──read──▶ Connection ──line──▶ Status, Capabilities ──▶ Exchange ──▶ typed output
//!                      └──body──▶ Unstuff ──▶ borrowed runs ──▶ the caller's sink
//! caller ──▶ Exchange ──▶ Connection ──write──▶ socket
//! ```
//!
//! - [`command`]: one command, one file.
//! - [`rows`]: what the numbers in this documentation mean, [Q7](rows#q7) and its like.
//! - [`wire`]: lines, status lines, response codes, capabilities, stuffed bodies, limits.
//!
//! The crate is `no_std` and needs `alloc`. The feature `std`, on by default, only lets the SIMD
//! search choose the processor's widest registers at run time.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod command;
pub mod connection;
pub mod error;
pub mod exchange;
pub mod observe;
pub mod pipeline;
pub mod proxy;
pub mod rows;
pub mod sasl;
mod secret;
pub mod wire;

pub use connection::{Connection, State};
pub use error::{Error, Fault, Misuse};
pub use exchange::{Call, Command, Exchange, Step, Want};
pub use pipeline::{Pipeline, Planned, Window};
pub use secret::Secret;
pub use wire::capability::Capabilities;
pub use wire::code::{CodeKind, ResponseCode};
pub use wire::limits::Limits;
pub use wire::reply::Reply;

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
