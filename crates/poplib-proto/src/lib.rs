//! The POP3 protocol without I/O: bytes to typed replies, commands to bytes.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod secret;

pub use secret::Secret;
