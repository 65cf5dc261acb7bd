//! Which versions of TLS the server speaks, what its certificate says, and whether it is trusted.

mod certificate;

use poplib::tokio::Client;
use poplib::{Config, Error, Tls, TlsError, TlsErrorKind, TlsVersion};
use serde::Serialize;

use self::certificate::Certificate;
use super::chart::Facts;
use super::finding::Finding;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::failure::{Failure, Status};
use crate::fetch::trouble;
use crate::words;

/// The TLS of a port.
#[derive(Serialize)]
pub(super) struct Protection {
    port: u16,
    versions: Vec<Version>,
    certificate: Option<Certificate>,
    /// Why it is not trusted.
    distrust: Option<Finding>,
    /// Of the certificate, negative when it is over.
    days_left: Option<i64>,
}

/// What came of a handshake in one version.
#[derive(Serialize)]
struct Version {
    name: &'static str,
    cipher_suite: Option<String>,
    /// Why there was none.
    error: Option<String>,
}

/// Days before the end of a certificate from which on somebody should see to it.
const SOON: i64 = 14;

impl Protection {
    /// Shakes hands in each version, and once as `sync` does. Nobody logs in.
    pub(super) async fn examine(config: &Config) -> Self {
        let mut versions = Vec::new();
        let mut certificate = None;
        for (name, version) in [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)] {
            // The certificate is to be seen whatever it is; nothing secret is sent.
            let tls = Tls::dangerously_unverified().with_version(version);
            let (cipher_suite, error) = match Client::connect(&config.clone().with_tls(tls)).await {
                Ok(client) => {
                    let facts = client.tls();
                    let shown = facts.and_then(|facts| facts.peer_certificate());
                    certificate = shown.map(Certificate::read).or(certificate);
                    let suite = facts.map(|facts| facts.cipher_suite().to_owned());
                    leave(client).await;
                    (suite, None)
                }
                Err(error) => (None, Some(words::all(&error))),
            };
            versions.push(Version {
                name,
                cipher_suite,
                error,
            });
        }
        let distrust = match Client::connect(config).await {
            Ok(client) => {
                leave(client).await;
                None
            }
            Err(error) => Some(distrust(config, &error, certificate.as_ref())),
        };
        Self {
            port: config.address().1,
            versions,
            distrust,
            days_left: certificate
                .as_ref()
                .and_then(|certificate| certificate.days_left(SystemClock.now())),
            certificate,
        }
    }

    /// Whether a login may follow.
    pub(super) fn is_trusted(&self) -> bool {
        self.distrust.is_none()
    }

    fn speaks(&self, name: &str) -> bool {
        let spoken = |version: &Version| version.name == name && version.error.is_none();
        self.versions.iter().any(spoken)
    }
}

async fn leave(client: Client) {
    // Nothing depends on how it takes leave.
    let _ = client.quit().await;
}

/// The failure of `sync`, with the pin at hand that its hint speaks of.
fn distrust(config: &Config, error: &Error, certificate: Option<&Certificate>) -> Finding {
    let (host, port) = config.address();
    let failure = trouble::failure(&format!("trust {host}, port {port}"), config, error);
    let mut finding = Finding::failure(failure);
    let kind = error.tls().map(TlsError::kind);
    if let (Some(TlsErrorKind::UnknownIssuer | TlsErrorKind::BadCertificate), Some(certificate)) =
        (kind, certificate)
    {
        finding.then = format!(
            "if the server has an authority of its own, name it with --ca-file PEM; if those who \
             run it confirm this certificate, use --pin {}",
            certificate.pin
        );
    }
    finding
}

impl Facts for Protection {
    const NAME: &'static str = "tls";

    fn title(&self) -> String {
        format!("TLS on port {}", self.port)
    }

    fn rows(&self) -> Vec<(String, String)> {
        let version = |version: &Version| {
            let outcome = match (&version.cipher_suite, &version.error) {
                (_, Some(error)) => format!("no: {error}"),
                (Some(suite), None) => format!("yes, {suite}"),
                (None, None) => "yes".into(),
            };
            (format!("TLS {}", version.name), outcome)
        };
        let mut rows: Vec<_> = self.versions.iter().map(version).collect();
        rows.extend(self.certificate.iter().flat_map(Certificate::rows));
        let trusted = match &self.distrust {
            None => "yes".to_owned(),
            Some(distrust) => format!("no: {}", distrust.what),
        };
        rows.push(("trusted".into(), trusted));
        rows
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        match (self.speaks("1.2"), self.speaks("1.3")) {
            (false, false) => {
                let failure = Failure::new(
                    Status::Unavailable,
                    format!("no TLS from 1.2 on comes about on port {}", self.port),
                );
                findings.push(Finding::failure(failure.hint(
                    "older versions are not safe, and popfetch speaks none of them",
                )));
            }
            (true, false) => findings.push(Finding::note(
                "it does not speak TLS 1.3",
                "TLS 1.2 is good enough for popfetch",
            )),
            (_, true) => {}
        }
        findings.extend(self.distrust.clone());
        let ends_soon = |days: &i64| (0..SOON).contains(days);
        if let Some(days) = self.days_left.filter(ends_soon) {
            findings.push(Finding::care(
                format!("the certificate ends in {days} days"),
                "those who run the server must renew it, or popfetch will refuse it",
            ));
        }
        findings
    }
}

impl Certificate {
    /// Whole days until it ends.
    fn days_left(&self, now: Timestamp) -> Option<i64> {
        let end = self.not_after?;
        Some(end.seconds_since(now).div_euclid(24 * 60 * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protection(spoken: &[&'static str], days_left: i64) -> Protection {
        let version = |name| Version {
            name,
            cipher_suite: None,
            error: (!spoken.contains(&name)).then(|| "no".into()),
        };
        Protection {
            port: 995,
            versions: ["1.2", "1.3"].map(version).into(),
            certificate: None,
            distrust: None,
            days_left: Some(days_left),
        }
    }

    fn severities(protection: &Protection) -> Vec<&'static str> {
        let findings = protection.findings().into_iter();
        findings.map(|finding| finding.severity.word()).collect()
    }

    #[test]
    fn p12_tls_1_2_will_do_and_nothing_older() {
        assert!(severities(&protection(&["1.2", "1.3"], 90)).is_empty());
        assert!(severities(&protection(&["1.3"], 90)).is_empty());
        assert_eq!(severities(&protection(&["1.2"], 90)), ["note"]);
        assert_eq!(severities(&protection(&[], 90)), ["bad"]);
    }

    #[test]
    fn a_certificate_that_ends_soon_is_told() {
        assert!(severities(&protection(&["1.3"], SOON)).is_empty());
        assert_eq!(severities(&protection(&["1.3"], SOON - 1)), ["care"]);
        // Of one that is over the handshake tells.
        assert!(severities(&protection(&["1.3"], -1)).is_empty());
    }
}
