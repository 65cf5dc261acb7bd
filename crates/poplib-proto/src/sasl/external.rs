//! EXTERNAL (RFC 4422 appendix A).

use alloc::string::String;

use super::credentials::check_text;
use super::{Mechanism, Part, SaslError, SaslMisbehaviour, Unusable};
use crate::Secret;

/// EXTERNAL: the server knows already who it is, from a client certificate for example.
#[derive(Debug)]
pub struct External {
    authzid: String,
}

impl External {
    /// A login as whoever was settled outside, or, where the server lets one, as `authzid`.
    ///
    /// # Errors
    /// An `authzid` that is empty or holds NUL.
    pub fn new(authzid: Option<&str>) -> Result<Self, Unusable> {
        if let Some(authzid) = authzid {
            check_text(Part::AuthorizationIdentity, authzid.as_bytes())?;
        }
        Ok(Self {
            authzid: authzid.unwrap_or_default().into(),
        })
    }
}

impl Mechanism for External {
    fn name(&self) -> &str {
        "EXTERNAL"
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(Some(Secret::from(self.authzid.as_str())))
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

    fn message(authzid: Option<&str>) -> Secret {
        let mut external = External::new(authzid).unwrap();
        external.initial_response().unwrap().unwrap()
    }

    #[test]
    fn p20_external_sends_the_messages_of_rfc_4422() {
        assert_eq!(message(None).expose(), b"");
        assert_eq!(
            message(Some("fred@example.com")).expose(),
            b"fred@example.com"
        );
    }

    #[test]
    fn p20_external_is_asked_nothing() {
        let mut external = External::new(None).unwrap();
        let out_of_place = SaslMisbehaviour::UnexpectedChallenge;
        assert_eq!(external.respond(b"?").unwrap_err(), out_of_place.into());
    }

    #[test]
    fn p20_external_cannot_act_as_nobody() {
        let part = Part::AuthorizationIdentity;
        assert_eq!(External::new(Some("")).unwrap_err(), Unusable::Empty(part));
        assert_eq!(
            External::new(Some("a\0b")).unwrap_err(),
            Unusable::Forbidden(part)
        );
    }
}
