//! The names of hosts, as people write them and as the DNS has them.

use std::fmt;
use std::net::IpAddr;

/// A host's name or address in the form that the DNS, TLS and certificates have: of an
/// internationalized name (`bücher.example`) its A-labels (`xn--bcher-kva.example`), by UTS 46 without
/// its transitional rules. What is ASCII stays as it is.
///
/// # Errors
///
/// [`HostError`] says why it is none.
pub fn host_name(host: &str) -> Result<String, HostError> {
    let is_address = host.parse::<IpAddr>().is_ok();
    if is_address || host.is_ascii() && is_name(host) {
        return Ok(host.to_owned());
    }
    if host.is_ascii() {
        return Err(HostError::NotAHost);
    }
    a_labels(host)
}

fn is_name(host: &str) -> bool {
    let may_be_there = |octet: u8| octet.is_ascii_graphic() && !DENIED.as_bytes().contains(&octet);
    !host.is_empty() && host.bytes().all(may_be_there)
}

/// What no name holds, for it means something beside a name in a URL, in HTTP, or in a shell.
const DENIED: &str = "%#/:<>?@[\\]^|\"`{}";

#[cfg(feature = "idn")]
fn a_labels(host: &str) -> Result<String, HostError> {
    use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

    const NOT_IN_A_NAME: AsciiDenyList = AsciiDenyList::new(true, DENIED);
    let (hyphens, length) = (Hyphens::CheckFirstLast, DnsLength::VerifyAllowRootDot);
    let name = Uts46::new().to_ascii(host.as_bytes(), NOT_IN_A_NAME, hyphens, length);
    name.map(String::from).map_err(|_| HostError::NotIdn)
}

#[cfg(not(feature = "idn"))]
fn a_labels(_host: &str) -> Result<String, HostError> {
    Err(HostError::IdnUnsupported)
}

/// Why a text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// It is empty, or holds what no name has: a blank, a slash, or a port.
    NotAHost,
    /// It is not ASCII, and no internationalized name (RFC 5890) either.
    NotIdn,
    /// It is not ASCII, and poplib was built without the feature `idn`.
    IdnUnsupported,
}

impl std::error::Error for HostError {}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAHost => "the host is neither a name nor an address; a port is given apart",
            Self::NotIdn => "the host is not ASCII, and no valid internationalized name either",
            Self::IdnUnsupported => {
                "the host is not ASCII, and this program was built without internationalized names: \
                 write its form that begins with xn--"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ascii_stays_as_it_is() {
        for host in [
            "pop.example.org",
            "POP.Example.org.",
            "localhost",
            "under_score",
            "xn--bcher-kva.example",
            "127.0.0.1",
            "::1",
        ] {
            assert_eq!(host_name(host).as_deref(), Ok(host));
        }
        for host in [
            "",
            "a b",
            "localhost:995",
            "a/b",
            "a\nb",
            "[::1]",
            "me@host",
            "a%b",
        ] {
            assert_eq!(host_name(host), Err(HostError::NotAHost), "{host}");
        }
    }

    #[cfg(feature = "idn")]
    #[test]
    fn a_u_label_becomes_its_a_label() {
        for (host, name) in [
            ("bücher.example", "xn--bcher-kva.example"),
            ("Bücher.Example.", "xn--bcher-kva.example."),
            // Composed anew: u, and a diaeresis of its own.
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            // Not transitional: `fass` is another host.
            ("faß.de", "xn--fa-hia.de"),
            ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("pop_1.bücher.example", "pop_1.xn--bcher-kva.example"),
        ] {
            assert_eq!(host_name(host).as_deref(), Ok(name), "{host}");
        }
    }

    #[cfg(feature = "idn")]
    #[test]
    fn a06_what_is_no_idn_is_an_error() {
        let long = "ü".repeat(64);
        for host in [
            "bücher..example",
            ".bücher.example",
            "-ü.example",
            "ü-.example",
            "ü ü.example",
            "bücher.example/x",
            "bücher.example:995",
            // Both become what ends a name in a URL.
            "bücher.example\u{ff0f}x",
            "me\u{ff20}bücher.example",
            "bücher\u{85}.example",
            "bücher\r\n.example",
            "xn--\u{fc}.example",
            // A mark without a letter, a joiner without neighbours, both directions in one label.
            "\u{308}u.example",
            "\u{200d}a.example",
            "aא.example",
            &long,
        ] {
            assert_eq!(host_name(host), Err(HostError::NotIdn), "{host:?}");
        }
    }

    #[cfg(not(feature = "idn"))]
    #[test]
    fn without_the_feature_it_is_said() {
        assert_eq!(host_name("bücher.example"), Err(HostError::IdnUnsupported));
    }
}
