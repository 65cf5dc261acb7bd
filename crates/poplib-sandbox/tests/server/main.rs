//! The sandbox from the outside, through raw sockets and Python's poplib.

mod commands;
mod common;
mod faults;
mod python;
