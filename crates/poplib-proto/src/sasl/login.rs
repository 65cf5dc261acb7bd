//! LOGIN, which no RFC describes but every large server speaks.

use super::{Mechanism, Password, SaslError, SaslMisbehaviour, Unusable};
use crate::Secret;

/// LOGIN: the user name, then the password itself, each for a prompt.
///
/// Servers word the prompts as they like (`Username:`, `User Name\0`, nothing at all, not even
/// base64), so the prompts are not read: the first is answered with the user name, the second
/// with the password.
#[derive(Debug)]
pub struct Login {
    user: Secret,
    password: Secret,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    User,
    Password,
    Done,
}

impl Login {
    /// A login with LOGIN.
    ///
    /// # Errors
    /// An empty part, NUL, or an authorization identity.
    pub fn new(credentials: &Password) -> Result<Self, Unusable> {
        credentials.check_without_authzid()?;
        Ok(Self {
            user: Secret::from(credentials.user.as_str()),
            password: credentials.secret.clone(),
            step: Step::User,
        })
    }
}

impl Mechanism for Login {
    fn name(&self) -> &str {
        "LOGIN"
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(None)
    }

    fn respond(&mut self, _prompt: &[u8]) -> Result<Secret, SaslError> {
        match self.step {
            Step::User => {
                self.step = Step::Password;
                Ok(self.user.clone())
            }
            Step::Password => {
                self.step = Step::Done;
                Ok(self.password.clone())
            }
            Step::Done => Err(SaslMisbehaviour::UnexpectedChallenge.into()),
        }
    }

    fn finish(&mut self) -> Result<(), SaslError> {
        match self.step {
            Step::Done => Ok(()),
            Step::User | Step::Password => Err(SaslMisbehaviour::UnearnedSuccess.into()),
        }
    }

    fn credentials_sent(&self) -> bool {
        self.step == Step::Done
    }

    fn ignores_challenge(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p20_login_answers_two_prompts_whatever_they_say() {
        for prompts in [
            [&b"Username:"[..], b"Password:"],
            [b"User Name\0", b"Password\0"],
            [b"", b""],
        ] {
            let mut login = Login::new(&Password::new("tim", "secret")).unwrap();
            assert!(login.initial_response().unwrap().is_none());
            assert_eq!(login.respond(prompts[0]).unwrap().expose(), b"tim");
            assert!(!login.credentials_sent());
            assert_eq!(login.respond(prompts[1]).unwrap().expose(), b"secret");
            assert!(login.credentials_sent());
            login.finish().unwrap();
        }
    }

    #[test]
    fn p20_login_does_not_repeat_the_password() {
        let mut login = Login::new(&Password::new("tim", "secret")).unwrap();
        login.respond(b"Username:").unwrap();
        login.respond(b"Password:").unwrap();
        assert_eq!(
            login.respond(b"Password:").unwrap_err(),
            SaslMisbehaviour::UnexpectedChallenge.into()
        );
    }

    #[test]
    fn p20_login_is_not_over_before_the_password() {
        let mut login = Login::new(&Password::new("tim", "secret")).unwrap();
        login.respond(b"Username:").unwrap();
        assert_eq!(
            login.finish().unwrap_err(),
            SaslMisbehaviour::UnearnedSuccess.into()
        );
    }

    #[test]
    fn p20_login_cannot_act_as_somebody_else() {
        let credentials = Password::new("tim", "secret").acting_as("ursel");
        assert_eq!(
            Login::new(&credentials).unwrap_err(),
            Unusable::NoAuthorizationIdentity
        );
    }
}
