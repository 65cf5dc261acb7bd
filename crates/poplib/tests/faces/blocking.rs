//! The behaviours over `poplib::blocking`.

use std::net::{SocketAddr, TcpStream};

use poplib::blocking::{Body, Client, Session, Untimed};

use crate::support::memory::Memory;

macro_rules! go {
    ($call:expr) => {
        $call
    };
}

/// All outcomes of a batch.
macro_rules! all {
    ($batch:expr) => {
        $batch.collect::<Result<Vec<_>, poplib::Error>>()
    };
}

macro_rules! function {
    ($(#[$meta:meta])* fn $($rest:tt)*) => {
        $(#[$meta])*
        pub(super) fn $($rest)*
    };
}

macro_rules! behaviour {
    ($name:ident $body:block) => {
        #[test]
        fn $name() $body
    };
}

fn tcp(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).unwrap()
}

fn stream(memory: Memory) -> Untimed<Memory> {
    Untimed(memory)
}

/// All of a body through its `Read`.
fn read_all(mut body: Body<'_>) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut body, &mut content)?;
    Ok(content)
}

/// Through its `Read` with a small buffer.
fn read_some(body: &mut Body<'_>, buffer: &mut [u8]) -> std::io::Result<usize> {
    std::io::Read::read(body, buffer)
}

#[path = "behaviours/mod.rs"]
mod behaviours;
mod iterating;
mod transports;
