//! OAUTHBEARER (RFC 7628) and its predecessor XOAUTH2.

use super::{Context, Exchange, Step};

pub(super) struct OAuth {
    /// XOAUTH2 names the user in a pair, OAUTHBEARER in its GS2 header.
    user_in_header: bool,
    /// What tells the client why, before the -ERR.
    failure: &'static str,
    failed: bool,
}

impl OAuth {
    pub(super) fn oauthbearer() -> Self {
        Self {
            user_in_header: true,
            failure: concat!(
                r#"{"status":"invalid_token","scope":"mail","#,
                r#""openid-configuration":"https://localhost/.well-known/openid-configuration"}"#
            ),
            failed: false,
        }
    }

    pub(super) fn xoauth2() -> Self {
        Self {
            user_in_header: false,
            failure: r#"{"status":"401","schemes":"bearer","scope":"https://localhost/mail"}"#,
            failed: false,
        }
    }

    /// The user and the token.
    fn parse<'a>(&self, response: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let mut parts = response
            .strip_suffix(b"\x01\x01")?
            .split(|octet| *octet == 1);
        let mut user = None;
        if self.user_in_header {
            let header = parts.next()?.strip_suffix(b",")?;
            user = header
                .strip_prefix(b"n,a=")
                .or_else(|| header.strip_prefix(b"y,a="));
        }
        let mut token = None;
        for part in parts {
            if let Some(value) = part.strip_prefix(b"user=") {
                user = Some(value);
            }
            if let Some(value) = part.strip_prefix(b"auth=Bearer ") {
                token = Some(value);
            }
        }
        Some((user?, token?))
    }
}

impl Exchange for OAuth {
    fn step(&mut self, response: Option<&[u8]>, context: &Context<'_>) -> Step {
        if self.failed {
            return Step::Done(None);
        }
        let Some(response) = response else {
            return Step::Challenge(Vec::new());
        };
        let Some((user, token)) = self.parse(response) else {
            return Step::Failed("not the form of a bearer token's message");
        };
        if context.settings.accounts.token_is(user, token) {
            return Step::Done(context.find(user));
        }
        self.failed = true;
        let explanation = context.misbehaviours.oauth_explanation();
        Step::Challenge(explanation.unwrap_or(self.failure.as_bytes()).to_vec())
    }
}
