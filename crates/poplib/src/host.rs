//! The names of hosts, as people write them and as the DNS has them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A host's name or address in the form that the DNS, TLS and certificates have: of an
/// internationalized name (`bücher.example`) its A-labels (`xn--bcher-kva.example`), by UTS 46 without
/// its transitional rules. What is ASCII stays as it is.
///
/// # Errors
///
/// [`HostError`] says why it is none.
pub fn host_name(host: &str) -> Result<String, HostError> {
    if !host.is_ascii() {
        return a_labels(host);
    }
    if !is_address(host) {
        check_name(host)?;
    }
    Ok(host.to_owned())
}

/// Addresses of IPv6 may have a zone behind them (RFC 4007 §11).
fn is_address(host: &str) -> bool {
    match host.split_once('%') {
        Some((address, zone)) => {
            address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && check_name(zone).is_ok()
        }
        None => host.parse::<IpAddr>().is_ok(),
    }
}

fn check_name(host: &str) -> Result<(), HostError> {
    if host.is_empty() {
        return Err(HostError::Empty);
    }
    if host.contains("://") {
        return Err(HostError::Url);
    }
    if host.starts_with('[') {
        return Err(HostError::Brackets);
    }
    let is_number = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    let behind_colon = host.split_once(':').map(|(_, behind)| behind);
    if behind_colon.is_some_and(is_number) {
        return Err(HostError::Port);
    }
    let is_wrong = |character: &char| !character.is_ascii_graphic() || DENIED.contains(*character);
    if let Some(character) = host.chars().find(is_wrong) {
        return Err(HostError::Character(character));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| (1..=63).contains(&label.len());
    match name.len() <= 253 && name.split('.').all(is_label) {
        true => Ok(()),
        false => Err(HostError::Length),
    }
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
    /// It is empty.
    Empty,
    /// It is a URL.
    Url,
    /// It has a port behind it.
    Port,
    /// It is an address in brackets.
    Brackets,
    /// It holds a character that no name and no address has.
    Character(char),
    /// The name is longer than 253 octets, or what stands between two of its dots is empty or longer
    /// than 63 (RFC 1035 §2.3.4).
    Length,
    /// It is not ASCII, and no internationalized name (RFC 5890) either.
    NotIdn,
    /// It is not ASCII, and poplib was built without the feature `idn`.
    IdnUnsupported,
}

impl std::error::Error for HostError {}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the host is empty",
            Self::Url => "a URL is no host; Config::from_url and Proxy::from_url take URLs",
            Self::Port => "the host has a port behind it, which with_port takes",
            Self::Brackets => "the host is an address in brackets, and is given without them",
            Self::Character(character) => {
                let character = character.escape_debug();
                return write!(f, "no host has the character '{character}' in it");
            }
            Self::Length => {
                "the host has more than 253 octets, or between two dots none or more than 63"
            }
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
        let zoned = "fe80::1%eth0";
        assert_eq!(host_name(zoned).as_deref(), Ok(zoned));
        let longest = ["a".repeat(63).as_str(), "."].concat().repeat(4)[..253].to_owned();
        assert!(host_name(&longest).is_ok());
    }

    #[test]
    fn what_can_be_no_host_is_told_with_the_way_out() {
        let long_label = ["a".repeat(64).as_str(), ".example"].concat();
        let long = "aa.".repeat(85);
        for (host, error) in [
            ("", HostError::Empty),
            (".", HostError::Length),
            ("localhost:995", HostError::Port),
            ("localhost:", HostError::Port),
            ("pops://localhost", HostError::Url),
            ("[::1]", HostError::Brackets),
            ("[::1]:995", HostError::Brackets),
            ("me@host", HostError::Character('@')),
            ("a b", HostError::Character(' ')),
            ("a\nb", HostError::Character('\n')),
            ("a/b", HostError::Character('/')),
            ("a%b", HostError::Character('%')),
            ("pop..example", HostError::Length),
            (".example", HostError::Length),
            (&long_label, HostError::Length),
            (&long, HostError::Length),
        ] {
            assert_eq!(host_name(host), Err(error), "{host:?}");
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
