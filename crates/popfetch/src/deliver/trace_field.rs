//! The Received field that says from where and when a message was fetched.

use mail_parser::DateTime;
use poplib::{Config, Security};

use crate::clock::Timestamp;

/// What the field says of every message of an account.
#[derive(Clone, Debug)]
pub(crate) struct TraceField {
    from: String,
    with: &'static str,
    recipient: String,
}

impl TraceField {
    pub(crate) fn new(config: &Config, user: &str) -> Self {
        Self {
            from: config.address().0.into(),
            with: match config.security() {
                Security::ImplicitTls => "POP3S",
                Security::Stls | Security::Plaintext => "POP3",
            },
            recipient: user.into(),
        }
    }

    /// The field (RFC 5321, section 4.4) with its line end.
    pub(crate) fn at(&self, now: Timestamp) -> Vec<u8> {
        let by = super::host_name();
        let recipient = match word(&self.recipient) {
            Some(user) => format!(" for <{user}>"),
            None => String::new(),
        };
        format!(
            "Received: from {} by {}\r\n\twith {} (popfetch {}){recipient};\r\n\t{}\r\n",
            word(&self.from).unwrap_or("unknown"),
            word(&by).unwrap_or("unknown"),
            self.with,
            env!("CARGO_PKG_VERSION"),
            DateTime::from_timestamp(now.0).to_rfc822(),
        )
        .into_bytes()
    }
}

/// What can stand in the field without changing what the rest of it means.
fn word(text: &str) -> Option<&str> {
    let is_plain = |octet: u8| octet.is_ascii_graphic() && !br#"()<>";,\"#.contains(&octet);
    (!text.is_empty() && text.bytes().all(is_plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(user: &str, url: &str) -> String {
        let config = Config::from_url(url).unwrap();
        let field = TraceField::new(&config, user).at(Timestamp(1_800_000_000));
        String::from_utf8(field).unwrap()
    }

    #[test]
    fn it_says_from_where_how_for_whom_and_when() {
        let host = rustix::system::uname();
        let host = host.nodename().to_str().unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            field("me@example.org", "pops://pop.example.org"),
            format!(
                "Received: from pop.example.org by {host}\r\n\
                 \twith POP3S (popfetch {version}) for <me@example.org>;\r\n\
                 \tFri, 15 Jan 2027 08:00:00 +0000\r\n"
            )
        );
        assert!(field("me", "pop://host").contains("\twith POP3 (popfetch"));
    }

    #[test]
    fn a_name_that_would_break_it_is_left_out() {
        for user in ["a>b", "a b", "a\r\nX: y", "", "j\u{fc}rgen"] {
            let field = field(user, "pops://host");
            assert!(!field.contains(" for "), "{field}");
            assert_eq!(field.lines().count(), 3);
        }
    }
}
