//! The command: a POP3 server to try clients on.

mod arguments;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Parser;
use poplib_sandbox::{Sandbox, SessionRecord};
use rustix::process::{Resource, getrlimit, setrlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use arguments::{Arguments, Pair};

/// How often signals are looked for.
const INTERVAL: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("poplib-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    allow_many_connections();
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second signal ends the process at once.
        flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    let sandbox = arguments.sandbox()?.start()?;
    if let Some(path) = &arguments.ca_out {
        write_file(path, sandbox.ca_pem())?;
    }
    for Pair(user, path) in &arguments.client_certificates {
        if let Some(client) = sandbox.client_certificate(user) {
            let pem = client.certificate_pem.clone() + &client.key_pem;
            write_file(path.as_ref(), &pem)?;
        }
    }
    announce(&sandbox)?;
    let mut told = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        if !arguments.verbose {
            thread::sleep(INTERVAL);
        } else if sandbox.wait_ended(told.len() as u64 + 1, INTERVAL) {
            for session in sandbox.sessions() {
                if session.ended && told.insert(session.number) {
                    tell(&session)?;
                }
            }
        }
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> io::Result<()> {
    std::fs::write(path, text)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// A connection is a file; the limit that most systems set is low, and its upper bound is not.
fn allow_many_connections() {
    let mut limits = getrlimit(Resource::Nofile);
    limits.current = limits.maximum;
    setrlimit(Resource::Nofile, limits).ok();
}

/// One line an address, for people and for scripts.
fn announce(sandbox: &Sandbox) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "plain {}", sandbox.plain_addr())?;
    writeln!(output, "tls {}", sandbox.tls_addr())?;
    output.flush()
}

/// What a client did, its passwords included.
fn tell(session: &SessionRecord) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let tls = session.tls.as_ref().map_or("no TLS", |tls| &tls.version);
    let user = session.user.as_deref().unwrap_or("nobody");
    writeln!(
        output,
        "session {} from {}: {user}, {tls}, {} octets received, {} sent",
        session.number, session.client, session.octets_received, session.octets_sent
    )?;
    if let Some(error) = &session.handshake_error {
        writeln!(output, "  handshake failed: {error}")?;
    }
    for line in session.lines() {
        writeln!(output, "  {}", line.escape_debug())?;
    }
    output.flush()
}
