//! XOAUTH2, the forerunner of OAUTHBEARER that Google and Microsoft speak.

use super::oauth::{SEPARATOR, check, explanation};
use super::{Bearer, Failure, Mechanism, SaslError, SaslMisbehaviour, Unusable};
use crate::Secret;

/// XOAUTH2: an OAuth 2.0 access token.
#[derive(Debug)]
pub struct XOAuth2 {
    message: Secret,
    failure: Option<Failure>,
}

impl XOAuth2 {
    /// A login with XOAUTH2.
    ///
    /// # Errors
    /// An empty part, or one with octets that would end its field.
    pub fn new(credentials: &Bearer) -> Result<Self, Unusable> {
        check(credentials)?;
        let message = [
            b"user=",
            credentials.user.as_bytes(),
            SEPARATOR,
            b"auth=Bearer ",
            credentials.token.expose(),
            SEPARATOR,
            SEPARATOR,
        ];
        Ok(Self {
            message: Secret::from(message.concat()),
            failure: None,
        })
    }
}

impl Mechanism for XOAuth2 {
    fn name(&self) -> &str {
        "XOAUTH2"
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(Some(self.message.clone()))
    }

    /// A challenge is a refusal with its reasons; the answer to it is empty (Q2).
    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, SaslError> {
        if self.failure.is_some() {
            return Err(SaslMisbehaviour::UnexpectedChallenge.into());
        }
        self.failure = Some(explanation(challenge));
        Ok(Secret::default())
    }

    fn finish(&mut self) -> Result<(), SaslError> {
        match self.failure {
            Some(_) => Err(SaslMisbehaviour::UnearnedSuccess.into()),
            None => Ok(()),
        }
    }

    fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> XOAuth2 {
        XOAuth2::new(&Bearer::new(
            "someuser@example.com",
            "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
            "pop.gmail.com",
        ))
        .unwrap()
    }

    #[test]
    fn p20_xoauth2_sends_the_message_of_its_documentation() {
        let message = somebody().initial_response().unwrap().unwrap();
        assert_eq!(
            message.expose(),
            b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
        );
    }

    #[test]
    fn p15_xoauth2_answers_a_refusal_with_nothing_and_keeps_its_reasons() {
        let mut xoauth2 = somebody();
        xoauth2.initial_response().unwrap();
        assert_eq!(xoauth2.failure(), None);
        let answer = xoauth2.respond(br#"{"status":"401"}"#).unwrap();
        assert_eq!(answer.expose(), b"");
        let failure = xoauth2.failure().unwrap();
        assert_eq!(failure.status.as_deref(), Some("401"));
        assert_eq!(
            xoauth2.respond(b"{}").unwrap_err(),
            SaslMisbehaviour::UnexpectedChallenge.into()
        );
        assert_eq!(
            xoauth2.finish().unwrap_err(),
            SaslMisbehaviour::UnearnedSuccess.into()
        );
    }
}
