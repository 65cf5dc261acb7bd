//! Connecting where the system makes no thread.

#![allow(missing_docs, reason = "a test")]

use std::env;
use std::process::Command;

use poplib::blocking::Client;
use poplib::{Config, Error, Security};
use poplib_sandbox::{Mailbox, Sandbox};

const PORT: &str = "POPLIB_TEST_PORT";

fn config(host: &str, port: u16) -> Config {
    Config::new(host)
        .with_port(port)
        .with_security(Security::Plaintext)
}

/// The same test again as another process, in which no thread can have the stack it should.
#[test]
fn connecting_without_threads_panics_nowhere() {
    if let Ok(port) = env::var(PORT) {
        let port = port.parse().unwrap();
        assert!(std::thread::Builder::new().spawn(|| {}).is_err());
        let client = Client::connect(&config("127.0.0.1", port)).unwrap();
        client.quit().unwrap();
        let error = Client::connect(&config("localhost", port)).unwrap_err();
        assert!(matches!(error, Error::Resolve { .. }), "{error:?}");
        println!("no thread was made");
        return;
    }
    let mailbox = Mailbox::messages(["Subject: x\r\n\r\n"]);
    let sandbox = Sandbox::builder().mailbox("me", "secret", mailbox);
    let sandbox = sandbox.start().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "connecting_without_threads_panics_nowhere"])
        .args(["--test-threads=1", "--nocapture"])
        .env(PORT, sandbox.plain_addr().port().to_string())
        .env("RUST_MIN_STACK", (1_u64 << 46).to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains("no thread was made"), "{said}");
}
