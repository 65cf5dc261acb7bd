//! The kinds of values that settings have. Each is read from text in one way, wherever it stands.

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use poplib::Secret;
use poplib::sasl::Method;
use serde::de;
use serde::{Deserialize, Deserializer};

use crate::plan::{Keep, Oversize};

#[cfg(test)]
mod tests;

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// The best that both sides know and that is safe.
    Auto,
    /// This and nothing else.
    Only(Method),
}

impl FromStr for Auth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        match text.parse::<Method>() {
            Ok(method) if method.strength().is_some() || method.takes_token() => {
                Ok(Self::Only(method))
            }
            _ => Err("see `popfetch sync --help` for the methods that are known".into()),
        }
    }
}

/// A password as it stands in a file.
#[derive(Clone, Debug)]
pub(crate) struct Password(pub(crate) Secret);

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|password| Self(Secret::from(password)))
    }
}

/// The SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin(pub(crate) [u8; 32]);

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it is `sha256:` and 64 hexadecimal digits".to_owned();
        let digits = text
            .strip_prefix("sha256:")
            .ok_or_else(wrong)?
            .replace(':', "");
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut pin = [0; 32];
        for (octet, start) in pin.iter_mut().zip((0..).step_by(2)) {
            *octet = u8::from_str_radix(&digits[start..start + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(pin))
    }
}

/// How many commands may be on their way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pipeline {
    /// As many as are good, where the server advertises that it can.
    Auto,
    /// One.
    Off,
    /// So many, whatever the server says.
    Commands(usize),
}

impl FromStr for Pipeline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            _ => match text.parse() {
                Ok(commands) if commands > 0 => Ok(Self::Commands(commands)),
                _ => Err("it is `auto`, `off`, or a number of commands, at least 1".into()),
            },
        }
    }
}

/// A number of things, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) NonZeroU16);

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().map(Self);
        number.map_err(|_| "it is a number from 1 to 65535".into())
    }
}

/// A span of time of at least a second: `90`, `90s`, `5m`, `2h`, `14d`, `2w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "it is a time like 90 (seconds), 5m, 2h or 14d, at least a second".to_owned();
        let (digits, unit) = split_unit(text);
        let seconds = match unit {
            "" | "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            "w" => 7 * 24 * 60 * 60,
            _ => return Err(wrong()),
        };
        match digits.parse::<u32>() {
            Ok(number) if number > 0 => Ok(Self(Duration::from_secs(u64::from(number) * seconds))),
            _ => Err(wrong()),
        }
    }
}

/// Octets: `4096`, `50MB`, `50MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it is a size like 4096 (octets), 100kB, 50MB, 2GB or 50MiB".to_owned();
        let (digits, unit) = split_unit(text);
        let octets = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" => 1_000,
            "m" | "mb" => 1_000_000,
            "g" | "gb" => 1_000_000_000,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        number.checked_mul(octets).map(Self).ok_or_else(wrong)
    }
}

/// The leading digits, and what follows them.
fn split_unit(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|octet| !octet.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits, unit.trim_start())
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "forever" => return Ok(Self::Forever),
            "none" => return Ok(Self::None),
            _ => {}
        }
        // A bare number could be either.
        let (_, unit) = split_unit(text);
        let span = text.parse().map(|Span(time)| Self::For(time));
        let size = text.parse().map(|Size(octets)| Self::Octets(octets));
        span.or(size)
            .ok()
            .filter(|_| !unit.is_empty())
            .ok_or_else(|| "it is `forever`, `none`, a time like 14d, or a size like 500MB".into())
    }
}

impl FromStr for Oversize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "skip" => Ok(Self::Skip),
            "headers" => Ok(Self::Headers),
            _ => Err("it is `skip` or `headers`".into()),
        }
    }
}

/// Line ends as they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// CRLF becomes LF.
    #[default]
    Lf,
    /// A bare LF becomes CRLF.
    CrLf,
    /// As received.
    Keep,
}

impl FromStr for LineEnd {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "lf" => Ok(Self::Lf),
            "crlf" => Ok(Self::CrLf),
            "keep" => Ok(Self::Keep),
            _ => Err("it is `lf`, `crlf` or `keep`".into()),
        }
    }
}

/// Permissions of a file: three octal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileMode(pub(crate) u32);

impl FromStr for FileMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match u32::from_str_radix(text, 8) {
            // The owner must be able to read and write what was delivered.
            Ok(mode) if mode & !0o777 == 0 && mode & 0o600 == 0o600 => Ok(Self(mode)),
            _ => Err("it is three octal digits, and the owner can read and write: 600, 640".into()),
        }
    }
}

/// Whether the address of a mail server is the path of a Unix socket.
pub(crate) fn is_socket(address: &str) -> bool {
    address.contains('/') && !address.contains("://")
}

/// Where netrc is unless somebody says otherwise.
pub(super) const NETRC: &str = "~/.netrc";

/// Reads `true` for the file that everybody uses, `false` for none, or a path.
pub(super) fn netrc<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PathBuf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected true, false or a path")]
    enum Netrc {
        Usual(bool),
        At(PathBuf),
    }

    Ok(match Netrc::deserialize(deserializer)? {
        Netrc::Usual(wanted) => wanted.then(|| NETRC.into()),
        Netrc::At(path) => Some(path),
    })
}

/// Reads one value, or an array of them.
pub(super) fn one_or_many<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a string or an array of strings")]
    enum OneOrMany<T> {
        One(T),
        Many(Vec<T>),
    }

    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(value) => vec![value],
        OneOrMany::Many(values) => values,
    })
}

/// Reads a setting from a string or a number, in the one way that its `FromStr` has.
fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = String>,
    D: Deserializer<'de>,
{
    struct Text<T>(std::marker::PhantomData<T>);

    impl<T: FromStr<Err = String>> de::Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a number")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }
    }

    deserializer.deserialize_any(Text(std::marker::PhantomData))
}

macro_rules! deserialize_from_text {
    ($($value:ty),*) => {$(
        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_text(deserializer)
            }
        }
    )*};
}

deserialize_from_text!(
    Auth, Count, FileMode, Keep, LineEnd, Oversize, Pin, Pipeline, Size, Span
);
