//! The behaviours over `poplib::tokio`.

use std::net::SocketAddr;

use poplib::tokio::{Body, Client, Session};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::memory::Memory;

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

async fn tcp(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

fn stream(memory: Memory) -> Memory {
    memory
}

/// All of a body through its `AsyncRead`.
async fn read_all(mut body: Body<'_>) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    body.read_to_end(&mut content).await?;
    Ok(content)
}

/// Through its `AsyncRead` with a small buffer.
async fn read_some(body: &mut Body<'_>, buffer: &mut [u8]) -> std::io::Result<usize> {
    body.read(buffer).await
}

#[path = "behaviours/mod.rs"]
mod behaviours;
mod transports;
