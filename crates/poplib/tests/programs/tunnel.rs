use std::net::SocketAddr;
use std::process::Command;

use poplib_sandbox::Sandbox;

use self::program::{Tunnel, fetch};
use super::{message, server};

#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../../examples/tunnel.rs"]
mod program;

/// A program that leads to the server, as ssh and nc would.
fn tunnel(address: SocketAddr) -> Tunnel {
    let script = r#"exec 3<>"/dev/tcp/$0/$1"; cat <&3 & cat >&3; wait"#;
    let mut bash = Command::new("bash");
    bash.args([
        "-c",
        script,
        &address.ip().to_string(),
        &address.port().to_string(),
    ]);
    Tunnel::new(&mut bash).unwrap()
}

#[test]
fn tunnel_fetches_over_the_pipes_of_a_program() {
    let (server, _) = server(Sandbox::builder());
    let fetched = fetch(&mut tunnel(server.plain_addr()), "alice", "secret").unwrap();
    assert_eq!(
        fetched,
        [1, 2, 3].map(|number| message(number).into_bytes())
    );
}

#[test]
fn tunnel_tells_of_a_refusal() {
    let (server, _) = server(Sandbox::builder());
    let error = fetch(&mut tunnel(server.plain_addr()), "alice", "sesame").unwrap_err();
    assert!(error.to_string().contains("PASS was refused"), "{error}");
}

#[test]
fn tunnel_tells_of_an_end_that_comes_early() {
    let error = fetch(
        &mut Tunnel::new(&mut Command::new("true")).unwrap(),
        "alice",
        "secret",
    );
    error.unwrap_err();
}
