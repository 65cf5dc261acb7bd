//! Fetches a page with ureq.

use std::error::Error;
use std::io;

use ureq::tls::{RootCerts, TlsConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier);
    let agent = ureq::Agent::config_builder()
        .tls_config(tls.build())
        .build();
    let mut answer = agent.new_agent().get("https://www.example.org/").call()?;
    io::copy(&mut answer.body_mut().as_reader(), &mut io::stdout())?;
    Ok(())
}
