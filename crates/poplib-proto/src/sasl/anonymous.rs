//! ANONYMOUS (RFC 4505).

use alloc::string::String;

use super::saslprep::is_prohibited_in_trace;
use super::{Mechanism, Part, SaslError, SaslMisbehaviour, Unusable};
use crate::Secret;

/// ANONYMOUS: nobody in particular, with a trace for the server's log.
#[derive(Debug)]
pub struct Anonymous {
    trace: String,
}

impl Anonymous {
    /// An anonymous login. The trace is an e-mail address, another text without `@`, or empty.
    ///
    /// # Errors
    /// A trace of more than 255 characters, or with characters that RFC 4505 §3 prohibits.
    pub fn new(trace: &str) -> Result<Self, Unusable> {
        const LONGEST: usize = 255;
        if trace.chars().count() > LONGEST {
            return Err(Unusable::TooLong(Part::Trace));
        }
        let half_an_address = trace.starts_with('@') || trace.ends_with('@');
        if half_an_address || is_prohibited_in_trace(trace) {
            return Err(Unusable::Forbidden(Part::Trace));
        }
        Ok(Self {
            trace: trace.into(),
        })
    }
}

impl Mechanism for Anonymous {
    fn name(&self) -> &str {
        "ANONYMOUS"
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(Some(Secret::from(self.trace.as_str())))
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, SaslError> {
        Err(SaslMisbehaviour::UnexpectedChallenge.into())
    }

    fn finish(&mut self) -> Result<(), SaslError> {
        Ok(())
    }

    fn reveals_secret(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p20_anonymous_sends_the_trace_of_rfc_4505() {
        let mut anonymous = Anonymous::new("sirhc").unwrap();
        let message = anonymous.initial_response().unwrap().unwrap();
        assert_eq!(message.expose(), b"sirhc");
        anonymous.finish().unwrap();
        let out_of_place = SaslMisbehaviour::UnexpectedChallenge;
        assert_eq!(anonymous.respond(b"?").unwrap_err(), out_of_place.into());
    }

    #[test]
    fn p20_anonymous_needs_no_trace() {
        let mut anonymous = Anonymous::new("").unwrap();
        let message = anonymous.initial_response().unwrap().unwrap();
        assert_eq!(message.expose(), b"");
    }

    #[test]
    fn p20_anonymous_counts_characters_not_octets() {
        assert!(Anonymous::new(&"é".repeat(255)).is_ok());
        assert_eq!(
            Anonymous::new(&"e".repeat(256)).unwrap_err(),
            Unusable::TooLong(Part::Trace)
        );
    }

    #[test]
    fn p20_anonymous_refuses_what_is_no_trace() {
        assert!(Anonymous::new("guest@example.org").is_ok());
        for trace in ["a\nb", "a\u{7f}", "\u{202e}gnp", "@example.org", "guest@"] {
            assert_eq!(
                Anonymous::new(trace).unwrap_err(),
                Unusable::Forbidden(Part::Trace),
                "{trace:?}"
            );
        }
    }
}
