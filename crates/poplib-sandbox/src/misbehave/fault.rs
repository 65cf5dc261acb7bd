//! A misbehaviour and the sessions that it befalls.

use std::fmt;
use std::str::FromStr;

use super::Misbehaviour;

/// A misbehaviour in some sessions or all.
///
/// Written `cut-in-body=3:1000` for every session, `cut-in-body=3:1000@1` for the first only,
/// `…@2-4` for some and `…@2-` for the second and all later ones. Sessions are connections to the
/// sandbox, counted from 1 in the order in which they were accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What happens.
    pub misbehaviour: Misbehaviour,
    /// To whom.
    pub sessions: Sessions,
}

/// A range of sessions, both ends included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sessions {
    /// The first, counted from 1.
    pub first: u64,
    /// The last; `u64::MAX` for no end.
    pub last: u64,
}

impl Sessions {
    /// Every session.
    pub const ALL: Self = Self {
        first: 1,
        last: u64::MAX,
    };

    pub(crate) fn contains(self, session: u64) -> bool {
        (self.first..=self.last).contains(&session)
    }
}

impl Misbehaviour {
    /// Confines the misbehaviour to one session, counted from 1.
    pub fn in_session(self, session: u64) -> Fault {
        Fault {
            misbehaviour: self,
            sessions: Sessions {
                first: session,
                last: session,
            },
        }
    }
}

impl From<Misbehaviour> for Fault {
    fn from(misbehaviour: Misbehaviour) -> Self {
        Self {
            misbehaviour,
            sessions: Sessions::ALL,
        }
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let (misbehaviour, sessions) = match text.rsplit_once('@') {
            Some((misbehaviour, sessions)) => (misbehaviour, sessions.parse()?),
            None => (text, Sessions::ALL),
        };
        Ok(Self {
            misbehaviour: misbehaviour.parse()?,
            sessions,
        })
    }
}

impl TryFrom<&str> for Fault {
    type Error = UnknownFault;

    fn try_from(text: &str) -> Result<Self, UnknownFault> {
        text.parse()
    }
}

impl TryFrom<String> for Fault {
    type Error = UnknownFault;

    fn try_from(text: String) -> Result<Self, UnknownFault> {
        text.parse()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.misbehaviour)?;
        match self.sessions {
            Sessions::ALL => Ok(()),
            Sessions { first, last } if first == last => write!(f, "@{first}"),
            Sessions {
                first,
                last: u64::MAX,
            } => write!(f, "@{first}-"),
            Sessions { first, last } => write!(f, "@{first}-{last}"),
        }
    }
}

impl FromStr for Sessions {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |digits: &str| digits.parse().map_err(|_| UnknownFault::sessions(text));
        Ok(Self {
            first: number(first)?,
            last: if last.is_empty() {
                u64::MAX
            } else {
                number(last)?
            },
        })
    }
}

/// A text that names no misbehaviour.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownFault {
    text: String,
    part: &'static str,
}

impl UnknownFault {
    pub(super) fn name(text: &str) -> Self {
        Self::new(text, "name")
    }

    pub(super) fn argument(text: &str) -> Self {
        Self::new(text, "argument")
    }

    fn sessions(text: &str) -> Self {
        Self::new(text, "range of sessions")
    }

    fn new(text: &str, part: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            part,
        }
    }
}

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no such misbehaviour: the {} of {:?} is not known",
            self.part, self.text
        )
    }
}

impl std::error::Error for UnknownFault {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::misbehave::{InBody, Phase, Text};

    fn fault(text: &str) -> Fault {
        text.parse().unwrap()
    }

    #[test]
    fn faults_are_read_and_written() {
        assert_eq!(
            fault("cut-after=1000").misbehaviour,
            Misbehaviour::CutAfter(1000)
        );
        let in_body = InBody {
            number: 3,
            octets: 1000,
        };
        assert_eq!(
            fault("cut-in-body=3:1000@1"),
            Misbehaviour::CutInBody(in_body).in_session(1)
        );
        assert_eq!(
            fault("stall").misbehaviour,
            Misbehaviour::Stall(Phase::Greeting)
        );
        let text = Text(b"+OK @1\r\n\xff".to_vec());
        assert_eq!(
            fault("inject-before-tls=+OK \\x401\\r\\n\\xff").misbehaviour,
            Misbehaviour::InjectBeforeTls(text)
        );
        for text in [
            "lf-only",
            "drip=5@2-4",
            "stall=RETR@7-",
            "inject-before-tls=+OK \\x401\\r\\n\\xff",
        ] {
            assert_eq!(fault(text).to_string(), text);
        }
    }

    #[test]
    fn every_entry_of_the_catalogue_can_be_asked_for() {
        for entry in Misbehaviour::CATALOGUE {
            let example = match entry.argument {
                "" => entry.name.to_owned(),
                "N:BYTES" | "N:M" => format!("{}=3:1000", entry.name),
                "UNIQUE-ID:BYTES" => format!("{}=a:b:10", entry.name),
                "COMMAND:BYTES" => format!("{}=UIDL:10", entry.name),
                "N:TEXT" => format!("{}=3:[SYS/TEMP] later", entry.name),
                "PHASE" => format!("{}=greeting", entry.name),
                "COMMAND" => format!("{}=RETR", entry.name),
                "COMMAND:TEXT" => format!("{}=RETR:-ERR\\r\\n", entry.name),
                _ => format!("{}=7", entry.name),
            };
            assert_eq!(fault(&example).to_string(), example);
            assert!(entry.description().ends_with('.'), "{}", entry.name);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "cut",
            "cut-after",
            "cut-after=x",
            "lf-only=1",
            "lf-only@x",
            "stall=coffee",
            "inject-before-tls=\\q",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text:?}");
        }
    }
}
