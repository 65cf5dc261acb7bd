//! Whether the host's name has addresses, and which of them answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use poplib::{Config, Error};
use serde::Serialize;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::chart::Facts;
use super::finding::Finding;
use crate::failure::{Failure, Status};
use crate::fetch::trouble;

/// More addresses of one host are not looked at.
const MOST: usize = 16;

/// A host's addresses.
#[derive(Serialize)]
pub(super) struct Name {
    host: String,
    /// Why there are none.
    failure: Option<Finding>,
    addresses: Vec<Address>,
}

#[derive(Serialize)]
struct Address {
    address: IpAddr,
    ports: Vec<Reached>,
}

/// What came of a connection to a port of one address.
#[derive(Serialize)]
struct Reached {
    port: u16,
    /// Why there was none.
    error: Option<String>,
}

impl Name {
    /// Looks the host up and connects to these ports of each address.
    pub(super) async fn examine(config: &Config, ports: &[u16], patience: Duration) -> Self {
        let (host, _) = config.address();
        let mut name = Self {
            host: host.to_owned(),
            failure: None,
            addresses: Vec::new(),
        };
        let found = match timeout(patience, lookup_host((host, 0))).await {
            Ok(Ok(found)) => found,
            Ok(Err(source)) => {
                let error = Error::Resolve {
                    host: host.to_owned(),
                    source,
                };
                let attempt = format!("find the address of {host}");
                let failure = trouble::failure(&attempt, config, &error);
                name.failure = Some(Finding::failure(failure));
                return name;
            }
            Err(_) => {
                let message = format!("could not find the address of {host}: no answer in time");
                let failure = Failure::new(Status::Unavailable, message)
                    .hint("check whether this machine is online");
                name.failure = Some(Finding::failure(failure));
                return name;
            }
        };
        let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        addresses.dedup();
        addresses.truncate(MOST);
        for address in addresses {
            let mut reached = Vec::new();
            for &port in ports {
                let connected = TcpStream::connect(SocketAddr::new(address, port));
                let error = match timeout(patience, connected).await {
                    Ok(Ok(_)) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(_) => Some("no answer in time".into()),
                };
                reached.push(Reached { port, error });
            }
            let ports = reached;
            name.addresses.push(Address { address, ports });
        }
        name
    }

    pub(super) fn has_addresses(&self) -> bool {
        self.failure.is_none()
    }

    /// Whether any address took a connection to this port.
    pub(super) fn answers(&self, port: u16) -> bool {
        let open = |reached: &Reached| reached.port == port && reached.error.is_none();
        (self.addresses.iter()).any(|address| address.ports.iter().any(open))
    }
}

impl Facts for Name {
    const NAME: &'static str = "name";

    fn title(&self) -> String {
        format!("Addresses of {}", self.host)
    }

    fn rows(&self) -> Vec<(String, String)> {
        let row = |address: &Address| {
            let ports = address.ports.iter().map(|reached| match &reached.error {
                None => format!("port {} answers", reached.port),
                Some(error) => format!("port {}: {error}", reached.port),
            });
            let ports: Vec<String> = ports.collect();
            (address.address.to_string(), ports.join("; "))
        };
        match &self.failure {
            Some(failure) => vec![("none".into(), failure.what.clone())],
            None => self.addresses.iter().map(row).collect(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        if let Some(failure) = &self.failure {
            return vec![failure.clone()];
        }
        let mut findings = Vec::new();
        let silent = |address: &&Address| {
            (address.ports.iter())
                .any(|reached| reached.error.is_some() && self.answers(reached.port))
        };
        for address in self.addresses.iter().filter(silent) {
            let family = if address.address.is_ipv6() {
                "IPv6"
            } else {
                "IPv4"
            };
            findings.push(Finding::note(
                format!("the {family} address {} does not answer", address.address),
                "the others do, and popfetch tries them beside it",
            ));
        }
        let answering = |is_ipv6: bool| {
            let of_family = |address: &&Address| address.address.is_ipv6() == is_ipv6;
            self.addresses.iter().filter(of_family).count()
        };
        if answering(true) > 1 || answering(false) > 1 {
            let finding = Finding::note(
                "the name has several addresses, behind which unique-ids may differ",
                "popfetch stays with one address for a session",
            );
            findings.push(finding.named("Q26"));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(addresses: &[(&str, &[(u16, bool)])]) -> Name {
        let reached = |&(port, open): &(u16, bool)| Reached {
            port,
            error: (!open).then(|| "refused".into()),
        };
        let addresses = addresses.iter().map(|(address, ports)| Address {
            address: address.parse().unwrap(),
            ports: ports.iter().map(reached).collect(),
        });
        Name {
            host: "pop.example.org".into(),
            failure: None,
            addresses: addresses.collect(),
        }
    }

    fn whats(name: &Name) -> Vec<String> {
        let findings = name.findings().into_iter();
        findings.map(|finding| finding.what).collect()
    }

    #[test]
    fn an_address_that_answers_like_the_others_is_no_finding() {
        assert!(
            whats(&name(&[
                ("::1", &[(995, true)]),
                ("127.0.0.1", &[(995, true)])
            ]))
            .is_empty()
        );
        // A port that is closed everywhere is another examination's finding.
        let closed = [("::1", &[(995, true), (110, false)][..])];
        assert!(whats(&name(&closed)).is_empty());
    }

    #[test]
    fn an_address_that_is_silent_while_another_answers_is_told() {
        let found = whats(&name(&[
            ("::1", &[(995, false)]),
            ("127.0.0.1", &[(995, true)]),
        ]));
        assert_eq!(found, ["the IPv6 address ::1 does not answer"]);
    }

    #[test]
    fn q26_several_addresses_of_one_family() {
        let both = name(&[("10.0.0.1", &[(995, true)]), ("10.0.0.2", &[(995, true)])]);
        assert_eq!(both.findings()[0].name, Some("Q26"));
    }
}
