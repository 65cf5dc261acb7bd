//! OAUTHBEARER (RFC 7628).

use alloc::string::ToString;

use super::oauth::{SEPARATOR, check, explanation};
use super::scram::saslname;
use super::{Bearer, Failure, Mechanism, SaslError, SaslMisbehaviour, Unusable};
use crate::Secret;

/// OAUTHBEARER: an OAuth 2.0 access token, with the host and port it is shown to.
#[derive(Debug)]
pub struct OAuthBearer {
    message: Secret,
    failure: Option<Failure>,
}

impl OAuthBearer {
    /// A login with OAUTHBEARER, over a connection to `port` of the token's host.
    ///
    /// # Errors
    /// An empty part, or one with octets that would end its field.
    pub fn new(credentials: &Bearer, port: u16) -> Result<Self, Unusable> {
        check(credentials)?;
        let user = saslname(&credentials.user);
        let port = port.to_string();
        let message = [
            b"n,a=",
            user.as_bytes(),
            b",",
            SEPARATOR,
            b"host=",
            credentials.host.as_bytes(),
            SEPARATOR,
            b"port=",
            port.as_bytes(),
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

impl Mechanism for OAuthBearer {
    fn name(&self) -> &str {
        "OAUTHBEARER"
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(Some(self.message.clone()))
    }

    /// A challenge is a refusal with its reasons; the answer to it is a lone separator
    /// (RFC 7628 §3.2.3).
    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, SaslError> {
        if self.failure.is_some() {
            return Err(SaslMisbehaviour::UnexpectedChallenge.into());
        }
        self.failure = Some(explanation(challenge));
        Ok(Secret::from(SEPARATOR))
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

    fn message(user: &str) -> Secret {
        let credentials = Bearer::new(
            user,
            "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
            "server.example.com",
        );
        let mut oauth = OAuthBearer::new(&credentials, 143).unwrap();
        oauth.initial_response().unwrap().unwrap()
    }

    #[test]
    fn p20_oauthbearer_sends_the_message_of_rfc_7628() {
        assert_eq!(
            message("user@example.com").expose(),
            b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01\
              auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
    }

    #[test]
    fn p20_oauthbearer_escapes_the_user_name() {
        assert!(message("a,b=c").expose().starts_with(b"n,a=a=2Cb=3Dc,\x01"));
    }

    #[test]
    fn p15_oauthbearer_answers_a_refusal_with_a_separator_and_keeps_its_reasons() {
        let credentials = Bearer::new("user", "token", "server.example.com");
        let mut oauth = OAuthBearer::new(&credentials, 995).unwrap();
        oauth.initial_response().unwrap();
        let answer = oauth
            .respond(br#"{"status":"invalid_token","scope":"mail"}"#)
            .unwrap();
        assert_eq!(answer.expose(), b"\x01");
        let failure = oauth.failure().unwrap();
        assert_eq!(failure.status.as_deref(), Some("invalid_token"));
        assert_eq!(failure.scope.as_deref(), Some("mail"));
        assert_eq!(
            oauth.respond(b"{}").unwrap_err(),
            SaslMisbehaviour::UnexpectedChallenge.into()
        );
        assert_eq!(
            oauth.finish().unwrap_err(),
            SaslMisbehaviour::UnearnedSuccess.into()
        );
    }
}
