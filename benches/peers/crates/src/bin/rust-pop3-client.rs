//! Fetches a mailbox with the crate `rust-pop3-client`.

use peer_crates::{Failure, Job};
use rust_pop3_client::{Pop3Connection, Pop3ConnectionFactory};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

fn main() -> Result<(), Failure> {
    let job = Job::from_arguments()?;
    let mut client: Box<dyn Pop3Connection> = match &job.certificate {
        None => Box::new(Pop3ConnectionFactory::without_tls("localhost", job.port)?),
        Some(certificate) => {
            let mut trusted = RootCertStore::empty();
            trusted.add(CertificateDer::from_pem_file(certificate)?)?;
            let factory = Pop3ConnectionFactory::with_custom_certs;
            Box::new(factory("localhost", job.port, trusted)?)
        }
    };
    client.login("u1", "secret")?;
    let mut message = Vec::new();
    for number in 1..=client.stat()?.message_count {
        message.clear();
        client.retrieve(number, &mut message)?;
        job.store(number, &message)?;
    }
    Ok(())
}
