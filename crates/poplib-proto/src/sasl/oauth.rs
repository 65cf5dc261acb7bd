//! What XOAUTH2 and OAUTHBEARER share.

mod json;

use alloc::string::String;

use super::credentials::check_text;
use super::{Bearer, Failure, Part, Unusable};

/// Ends the fields of both messages (RFC 7628 §3.1, `kvsep`).
pub(super) const SEPARATOR: &[u8] = b"\x01";

/// Refuses what would end a field early. Tokens are printable ASCII, since HTTP headers carry
/// them; RFC 6750 §2.1 allows less, and some authorization servers send more than that.
pub(super) fn check(credentials: &Bearer) -> Result<(), Unusable> {
    let user = credentials.user.as_bytes();
    let token = credentials.token.expose();
    check_text(Part::User, user)?;
    check_text(Part::Token, token)?;
    if user.iter().any(u8::is_ascii_control) {
        return Err(Unusable::Forbidden(Part::User));
    }
    if !token.iter().all(u8::is_ascii_graphic) {
        return Err(Unusable::Forbidden(Part::Token));
    }
    Ok(())
}

/// Reads the challenge that explains a refusal (RFC 7628 §3.2.2). A challenge that is not the
/// JSON it should be still refuses: its text is kept.
pub(super) fn explanation(challenge: &[u8]) -> Failure {
    let mut failure = Failure {
        text: String::from_utf8_lossy(challenge).into_owned(),
        ..Failure::default()
    };
    for (name, value) in json::members(&failure.text).unwrap_or_default() {
        match name.as_str() {
            "status" => failure.status = Some(value),
            "scope" => failure.scope = Some(value),
            "openid-configuration" => failure.openid_configuration = Some(value),
            _ => {}
        }
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p15_the_explanation_of_rfc_7628_is_read() {
        let failure = explanation(
            br#"{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-configuration"}"#,
        );
        assert_eq!(failure.status.as_deref(), Some("invalid_token"));
        assert_eq!(failure.scope.as_deref(), Some("example_scope"));
        assert_eq!(
            failure.openid_configuration.as_deref(),
            Some("https://example.com/.well-known/openid-configuration")
        );
    }

    #[test]
    fn q02_the_explanation_of_gmail_is_read() {
        let text = r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#;
        let failure = explanation(text.as_bytes());
        assert_eq!(failure.status.as_deref(), Some("400"));
        assert_eq!(failure.scope.as_deref(), Some("https://mail.google.com/"));
        assert_eq!(failure.text, text);
    }

    #[test]
    fn q02_an_explanation_that_is_no_json_is_kept() {
        let failure = explanation(b"go \xFFaway");
        assert_eq!(failure.text, "go \u{FFFD}away");
        assert_eq!(failure.status, None);
    }

    #[test]
    fn p15_what_would_end_a_field_early_is_refused() {
        let refused = |user: &str, token: &str| {
            check(&Bearer::new(user, token, "pop.example.org")).unwrap_err()
        };
        assert_eq!(refused("", "t"), Unusable::Empty(Part::User));
        assert_eq!(refused("u", ""), Unusable::Empty(Part::Token));
        for octet in ["\x01", "\r", "\n", "\0"] {
            assert_eq!(refused(octet, "t"), Unusable::Forbidden(Part::User));
            assert_eq!(refused("u", octet), Unusable::Forbidden(Part::Token));
        }
        assert_eq!(refused("u", "a b"), Unusable::Forbidden(Part::Token));
        assert_eq!(refused("u", "ä"), Unusable::Forbidden(Part::Token));
    }
}
