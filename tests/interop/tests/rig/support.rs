//! Python's client, so that the servers can be looked at without the library that they are to judge.

use std::{fs, process::Command};

use interop::Server;

/// Runs Python with its own `poplib` and `implicit_tls()` and `stls()`, which connect to `server`
/// and verify its certificate with OpenSSL. Returns what the script prints.
pub(crate) fn python(server: &Server, script: &str) -> String {
    const PREAMBLE: &str = "
import poplib, ssl, sys
ca, plain, tls = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
def implicit_tls():
    return poplib.POP3_SSL('localhost', int(tls), context=context, timeout=60)
def stls():
    client = poplib.POP3('localhost', int(plain), timeout=60)
    client.stls(context)
    return client
";
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, server.ca_pem()).unwrap();
    let output = Command::new("python3")
        .args(["-c", &format!("{PREAMBLE}\n{script}")])
        .arg(ca)
        .args([server.plain_port(), server.tls_port()].map(|port| port.to_string()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}\n{}", server.log());
    String::from_utf8(output.stdout).unwrap()
}

/// RFC 4648 section 4.
pub(crate) fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    octets
        .chunks(3)
        .flat_map(|chunk| {
            let bits = (0..3).fold(0, |bits, at| {
                bits << 8 | usize::from(*chunk.get(at).unwrap_or(&0))
            });
            (0..4).map(move |digit| match digit <= chunk.len() {
                true => char::from(DIGITS[bits >> (18 - 6 * digit) & 63]),
                false => '=',
            })
        })
        .collect()
}
