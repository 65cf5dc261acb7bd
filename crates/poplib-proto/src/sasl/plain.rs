//! PLAIN (RFC 4616).

use super::{Mechanism, Password, SaslError, SaslMisbehaviour, Unusable};
use crate::Secret;

/// PLAIN: the password itself, in one message.
#[derive(Debug)]
pub struct Plain {
    message: Secret,
}

impl Plain {
    /// A login with PLAIN.
    ///
    /// # Errors
    /// An empty part, or one with NUL in it (RFC 4616 §2).
    pub fn new(credentials: &Password) -> Result<Self, Unusable> {
        credentials.check()?;
        let authzid = credentials.authzid.as_deref().unwrap_or_default();
        let parts = [
            authzid.as_bytes(),
            credentials.user.as_bytes(),
            credentials.secret.expose(),
        ];
        Ok(Self {
            message: Secret::from(parts.join(&0)),
        })
    }
}

impl Mechanism for Plain {
    fn name(&self) -> &str {
        "PLAIN"
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(Some(self.message.clone()))
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, SaslError> {
        Err(SaslMisbehaviour::UnexpectedChallenge.into())
    }

    fn finish(&mut self) -> Result<(), SaslError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sasl::Part;

    fn message(credentials: &Password) -> Secret {
        let mut plain = Plain::new(credentials).unwrap();
        plain.initial_response().unwrap().unwrap()
    }

    #[test]
    fn p20_plain_sends_the_messages_of_rfc_4616() {
        let tim = Password::new("tim", "tanstaaftanstaaf");
        assert_eq!(message(&tim).expose(), b"\0tim\0tanstaaftanstaaf");

        let kurt = Password::new("Kurt", "xipj3plmq").acting_as("Ursel");
        assert_eq!(message(&kurt).expose(), b"Ursel\0Kurt\0xipj3plmq");
    }

    #[test]
    fn p20_plain_cannot_say_nul_nor_nothing() {
        let refused = |credentials: Password| Plain::new(&credentials).unwrap_err();
        assert_eq!(
            refused(Password::new("t\0m", "secret")),
            Unusable::Forbidden(Part::User)
        );
        assert_eq!(
            refused(Password::new("tim", "sec\0ret")),
            Unusable::Forbidden(Part::Password)
        );
        assert_eq!(
            refused(Password::new("tim", "secret").acting_as("a\0")),
            Unusable::Forbidden(Part::AuthorizationIdentity)
        );
        assert_eq!(
            refused(Password::new("", "secret")),
            Unusable::Empty(Part::User)
        );
        assert_eq!(
            refused(Password::new("tim", "")),
            Unusable::Empty(Part::Password)
        );
    }

    #[test]
    fn p20_plain_has_one_message_only() {
        let mut plain = Plain::new(&Password::new("tim", "secret")).unwrap();
        plain.initial_response().unwrap();
        assert_eq!(
            plain.respond(b"").unwrap_err(),
            SaslMisbehaviour::UnexpectedChallenge.into()
        );
    }
}
