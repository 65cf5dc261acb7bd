//! The behaviours over `poplib::tokio`.

use std::net::SocketAddr;

use poplib::tokio::{Client, Session};
use tokio::net::TcpStream;

use crate::octets::OneByOne;

macro_rules! go {
    ($call:expr) => {
        $call.await
    };
}

/// All outcomes of a batch.
macro_rules! all {
    ($batch:expr) => {
        $batch.collect().await
    };
}

macro_rules! function {
    ($(#[$meta:meta])* fn $($rest:tt)*) => {
        $(#[$meta])*
        pub(super) async fn $($rest)*
    };
}

macro_rules! behaviour {
    ($name:ident $body:block) => {
        #[::tokio::test]
        async fn $name() $body
    };
}

fn over(stream: std::net::TcpStream) -> TcpStream {
    stream.set_nonblocking(true).unwrap();
    TcpStream::from_std(stream).unwrap()
}

/// A connection that moves one octet at each read and write.
fn one_by_one(address: SocketAddr) -> OneByOne<TcpStream> {
    OneByOne(over(std::net::TcpStream::connect(address).unwrap()))
}

#[path = "behaviours/mod.rs"]
mod behaviours;
