//! What stands behind the name of a misbehaviour.

use std::fmt;

use crate::command::Keyword;

/// An argument that can be read from a command line.
pub(super) trait Argument: Sized {
    /// `None` as the text means that the name stood alone.
    fn parse(text: Option<&str>) -> Option<Self>;
}

impl Argument for u64 {
    fn parse(text: Option<&str>) -> Option<Self> {
        text?.parse().ok()
    }
}

/// A place in the body of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InBody {
    /// The message's number.
    pub number: u64,
    /// Octets of its body on the wire that come before the place.
    pub octets: u64,
}

impl Argument for InBody {
    fn parse(text: Option<&str>) -> Option<Self> {
        let (number, octets) = text?.split_once(':')?;
        Some(Self {
            number: number.parse().ok()?,
            octets: octets.parse().ok()?,
        })
    }
}

impl fmt::Display for InBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.octets)
    }
}

/// A place in the body of a message, wherever the message stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InBodyOf {
    /// The message's true unique-id.
    pub unique_id: Text,
    /// Octets of its body on the wire that come before the place.
    pub octets: u64,
}

impl Argument for InBodyOf {
    fn parse(text: Option<&str>) -> Option<Self> {
        let (unique_id, octets) = text?.rsplit_once(':')?;
        Some(Self {
            unique_id: Text::parse(Some(unique_id))?,
            octets: octets.parse().ok()?,
        })
    }
}

impl fmt::Display for InBodyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.unique_id, self.octets)
    }
}

/// A place in the lines that answer a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InAnswer {
    /// The command.
    pub keyword: Keyword,
    /// Octets of the lines that come before the place.
    pub octets: u64,
}

impl Argument for InAnswer {
    fn parse(text: Option<&str>) -> Option<Self> {
        let (keyword, octets) = text?.split_once(':')?;
        Some(Self {
            keyword: Keyword::parse(Some(keyword))?,
            octets: octets.parse().ok()?,
        })
    }
}

impl fmt::Display for InAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.keyword, self.octets)
    }
}

/// A message whose body is another's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BodyOf {
    /// The number of the message that is asked for.
    pub number: u64,
    /// The number of the message that is sent.
    pub sent: u64,
}

impl Argument for BodyOf {
    fn parse(text: Option<&str>) -> Option<Self> {
        let (number, sent) = text?.split_once(':')?;
        Some(Self {
            number: number.parse().ok()?,
            sent: sent.parse().ok()?,
        })
    }
}

impl fmt::Display for BodyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.sent)
    }
}

/// What is refused, and in which words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// A message's number, or how many commands are refused.
    pub number: u64,
    /// What follows -ERR.
    pub text: Text,
}

impl Argument for Refusal {
    fn parse(text: Option<&str>) -> Option<Self> {
        let (number, text) = text?.split_once(':')?;
        Some(Self {
            number: number.parse().ok()?,
            text: Text::parse(Some(text))?,
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.text)
    }
}

/// A part of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Phase {
    /// Before the first octet of the server.
    Greeting,
    /// The handshake, whether at the start or after STLS.
    Tls,
    /// The answer to a command.
    Command(Keyword),
}

impl Argument for Phase {
    fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("greeting") => Some(Self::Greeting),
            Some("tls") => Some(Self::Tls),
            Some(name) => Keyword::find(name.as_bytes()).map(Self::Command),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting => f.write_str("greeting"),
            Self::Tls => f.write_str("tls"),
            Self::Command(keyword) => keyword.fmt(f),
        }
    }
}

impl Argument for Keyword {
    fn parse(text: Option<&str>) -> Option<Self> {
        Self::find(text?.as_bytes())
    }
}

/// An answer to a command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The command.
    pub keyword: Keyword,
    /// All octets of the answer.
    pub text: Text,
}

impl Argument for Answer {
    fn parse(text: Option<&str>) -> Option<Self> {
        let (keyword, text) = text?.split_once(':')?;
        Some(Self {
            keyword: Keyword::parse(Some(keyword))?,
            text: Text::parse(Some(text))?,
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.keyword, self.text)
    }
}

/// Octets, written as text with `\r`, `\n`, `\\`, `\t`, `\0` and `\xHH`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Text(pub Vec<u8>);

impl Argument for Text {
    fn parse(text: Option<&str>) -> Option<Self> {
        let mut octets = Vec::new();
        let mut rest = text?;
        while let Some((plain, escaped)) = rest.split_once('\\') {
            octets.extend_from_slice(plain.as_bytes());
            let mut characters = escaped.chars();
            let octet = match characters.next()? {
                'r' => b'\r',
                'n' => b'\n',
                't' => b'\t',
                '0' => 0,
                '\\' => b'\\',
                'x' => {
                    let digits = escaped.get(1..3)?;
                    characters.nth(1);
                    u8::from_str_radix(digits, 16).ok()?
                }
                _ => return None,
            };
            octets.push(octet);
            rest = characters.as_str();
        }
        octets.extend_from_slice(rest.as_bytes());
        Some(Self(octets))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in &self.0 {
            match octet {
                b'\r' => f.write_str("\\r")?,
                b'\n' => f.write_str("\\n")?,
                b'\\' => f.write_str("\\\\")?,
                // An `@` would begin the sessions.
                0x20..=0x7e if *octet != b'@' => write!(f, "{}", char::from(*octet))?,
                _ => write!(f, "\\x{octet:02x}")?,
            }
        }
        Ok(())
    }
}
