//! The behaviours over `poplib::blocking`.

use std::net::{SocketAddr, TcpStream};

use poplib::blocking::{Client, Session};

use crate::octets::OneByOne;

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

fn over(stream: TcpStream) -> TcpStream {
    stream
}

/// A connection that moves one octet at each read and write.
fn one_by_one(address: SocketAddr) -> OneByOne<TcpStream> {
    OneByOne(TcpStream::connect(address).unwrap())
}

#[path = "behaviours/mod.rs"]
mod behaviours;
