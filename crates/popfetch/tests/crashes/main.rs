//! What crashes, full disks and lost connections leave, wherever they can come: real processes,
//! real files and real sockets, as `docs/reliability.md` describes.
//!
//! Of most campaigns an ordinary run takes a share; with `POPFETCH_CRASHES=all` they are run whole.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../../src/random.rs"]
mod random;

mod moments;
mod set_up;
mod slow;
mod stalls;

// What is known of system calls and registers is that of one machine.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod disk_errors;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod every_call;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod local;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tracer;
