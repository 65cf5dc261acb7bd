//! What a user logs in with.

use alloc::string::String;

use super::{Part, Unusable};
use crate::Secret;

/// What a user logs in with.
///
/// `Debug` shows names and hides secrets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// A user name and a password.
    Password(Password),
    /// An OAuth 2.0 access token.
    Bearer(Bearer),
    /// Who one is was settled outside, as with a client certificate (RFC 4422 appendix A).
    External {
        /// The identity to act as; `None` for the one that was settled.
        authzid: Option<String>,
    },
    /// Nobody in particular (RFC 4505).
    Anonymous {
        /// What the server may log, by custom an e-mail address; may be empty.
        trace: String,
    },
}

/// A user name and a password.
#[derive(Clone, Debug)]
pub struct Password {
    /// The user name, the *authentication identity*: whose password it is.
    pub user: String,
    /// The password, UTF-8 for most servers; its octets are not judged.
    pub secret: Secret,
    /// The *authorization identity*: whose maildrop is meant, where that is somebody else's.
    pub authzid: Option<String>,
}

/// An OAuth 2.0 access token, good for one host.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The user name.
    pub user: String,
    /// The access token (RFC 6750 §2.1), as the authorization server gave it.
    pub token: Secret,
    /// The only host it may be sent to ([A16]), as the connection is configured.
    ///
    /// [A16]: crate::rows#a16
    pub host: String,
}

impl Credentials {
    /// A user name and a password.
    pub fn password(user: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self::Password(Password::new(user, secret))
    }

    /// An OAuth 2.0 access token, good for one host.
    pub fn bearer(
        user: impl Into<String>,
        token: impl Into<Secret>,
        host: impl Into<String>,
    ) -> Self {
        Self::Bearer(Bearer::new(user, token, host))
    }

    /// Who one is was settled outside.
    #[must_use]
    pub fn external() -> Self {
        Self::External { authzid: None }
    }

    /// Nobody in particular.
    pub fn anonymous(trace: impl Into<String>) -> Self {
        Self::Anonymous {
            trace: trace.into(),
        }
    }
}

impl Password {
    /// A user name and its password.
    pub fn new(user: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self {
            user: user.into(),
            secret: secret.into(),
            authzid: None,
        }
    }

    /// The same, to act as somebody else.
    #[must_use]
    pub fn acting_as(mut self, authzid: impl Into<String>) -> Self {
        self.authzid = Some(authzid.into());
        self
    }

    /// What every mechanism demands: both there, and no NUL, which ends strings in many a server.
    pub(super) fn check(&self) -> Result<(), Unusable> {
        check_text(Part::User, self.user.as_bytes())?;
        check_text(Part::Password, self.secret.expose())?;
        match &self.authzid {
            Some(authzid) => check_text(Part::AuthorizationIdentity, authzid.as_bytes()),
            None => Ok(()),
        }
    }

    /// The same, for what has no place for an authorization identity. It is not left out
    /// silently: the login would open another maildrop.
    pub(super) fn check_without_authzid(&self) -> Result<(), Unusable> {
        match self.authzid {
            Some(_) => Err(Unusable::NoAuthorizationIdentity),
            None => self.check(),
        }
    }
}

pub(super) fn check_text(part: Part, text: &[u8]) -> Result<(), Unusable> {
    if text.is_empty() {
        Err(Unusable::Empty(part))
    } else if text.contains(&0) {
        Err(Unusable::Forbidden(part))
    } else {
        Ok(())
    }
}

impl Bearer {
    /// A user name, its access token, and the only host the token may be sent to.
    pub fn new(user: impl Into<String>, token: impl Into<Secret>, host: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            token: token.into(),
            host: host.into(),
        }
    }

    /// Whether the token may be sent to a host ([A16]). Case and a final dot do not matter.
    ///
    /// [A16]: crate::rows#a16
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let bare = |name| {
            str::strip_suffix(name, '.')
                .unwrap_or(name)
                .to_ascii_lowercase()
        };
        bare(&self.host) == bare(host)
    }
}
