//! The ways to log in that this crate knows, and how strong each is.

use core::fmt;
use core::str::FromStr;

use super::Credentials;

/// What a way to log in takes.
enum Takes {
    /// A password, which it protects so well.
    Password(Strength),
    /// An access token.
    Token,
    /// Who one is was settled outside.
    Outside,
    /// Nothing.
    Nothing,
}

/// The one list of the ways to log in, in the order of preference.
macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident $name:literal $takes:expr;)*) => {
        /// A way to log in: a SASL mechanism, or one of POP3's own two.
        ///
        /// The order is that of preference, strongest first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Method {
            $($(#[$doc])* $method,)*
        }

        impl Method {
            /// All of them, strongest first.
            pub const ALL: &'static [Self] = &[$(Self::$method,)*];

            /// The name of the SASL mechanism as it is registered, `+APOP` as RFC 2384 §4 writes
            /// it, or `USER`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$method => $name,)*
                }
            }

            fn takes(self) -> Takes {
                match self {
                    $(Self::$method => $takes,)*
                }
            }
        }
    };
}

methods! {
    /// `SCRAM-SHA-512-PLUS`
    ScramSha512Plus "SCRAM-SHA-512-PLUS" Takes::Password(Strength::ChannelBound);
    /// `SCRAM-SHA-256-PLUS`
    ScramSha256Plus "SCRAM-SHA-256-PLUS" Takes::Password(Strength::ChannelBound);
    /// `SCRAM-SHA-1-PLUS`
    ScramSha1Plus "SCRAM-SHA-1-PLUS" Takes::Password(Strength::ChannelBound);
    /// `SCRAM-SHA-512`
    ScramSha512 "SCRAM-SHA-512" Takes::Password(Strength::Mutual);
    /// `SCRAM-SHA-256`
    ScramSha256 "SCRAM-SHA-256" Takes::Password(Strength::Mutual);
    /// `SCRAM-SHA-1`
    ScramSha1 "SCRAM-SHA-1" Takes::Password(Strength::Mutual);
    /// `CRAM-MD5`
    CramMd5 "CRAM-MD5" Takes::Password(Strength::Digest);
    /// `DIGEST-MD5`, only where it is [named](super::Policy::only)
    DigestMd5 "DIGEST-MD5" Takes::Password(Strength::Digest);
    /// APOP
    Apop "+APOP" Takes::Password(Strength::Digest);
    /// `PLAIN`
    Plain "PLAIN" Takes::Password(Strength::Cleartext);
    /// `LOGIN`
    Login "LOGIN" Takes::Password(Strength::Cleartext);
    /// USER and PASS
    UserPass "USER" Takes::Password(Strength::Cleartext);
    /// `OAUTHBEARER`
    OAuthBearer "OAUTHBEARER" Takes::Token;
    /// `XOAUTH2`
    XOAuth2 "XOAUTH2" Takes::Token;
    /// `EXTERNAL`
    External "EXTERNAL" Takes::Outside;
    /// `ANONYMOUS`
    Anonymous "ANONYMOUS" Takes::Nothing;
}

/// What a way to log in with a password protects; the greater, the more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Strength {
    /// The server, and who can read the connection, gets the password: PLAIN, LOGIN, USER/PASS.
    #[default]
    Cleartext,
    /// A digest, cheap to guess from: CRAM-MD5, DIGEST-MD5, APOP.
    Digest,
    /// Both sides prove that they know the password, and guessing is made costly: SCRAM.
    Mutual,
    /// The same, and nobody sits between: SCRAM's -PLUS forms.
    ChannelBound,
}

impl Method {
    /// What it protects; `None` where no password is involved.
    #[must_use]
    pub fn strength(self) -> Option<Strength> {
        match self.takes() {
            Takes::Password(strength) => Some(strength),
            Takes::Token | Takes::Outside | Takes::Nothing => None,
        }
    }

    /// Whether it takes an access token.
    #[must_use]
    pub fn takes_token(self) -> bool {
        matches!(self.takes(), Takes::Token)
    }

    /// Whether such credentials can be said in it, as far as their kind goes.
    #[must_use]
    pub fn fits(self, credentials: &Credentials) -> bool {
        match credentials {
            Credentials::Password(_) => self.strength().is_some(),
            Credentials::Bearer(_) => self.takes_token(),
            Credentials::External { .. } => matches!(self.takes(), Takes::Outside),
            Credentials::Anonymous { .. } => matches!(self.takes(), Takes::Nothing),
        }
    }

    /// Whether it may be tried without being [named](super::Policy::only). DIGEST-MD5 is historic
    /// (RFC 6331).
    pub(super) fn is_automatic(self) -> bool {
        self != Self::DigestMd5
    }

    /// Whether it sends what opens the maildrop to everybody who reads it.
    pub(super) fn reveals_secret(self) -> bool {
        self.strength() == Some(Strength::Cleartext) || self.takes_token()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is none of [`Method::ALL`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownMethod;

impl core::error::Error for UnknownMethod {}

impl fmt::Display for UnknownMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a way to log in that is known here; known are")?;
        for (index, method) in Method::ALL.iter().enumerate() {
            write!(f, "{} {method}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Case does not matter; `APOP` is as good as `+APOP`.
impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let is_named = |method: &Self| {
            let known = method.name();
            name.eq_ignore_ascii_case(known)
                || known
                    .strip_prefix('+')
                    .is_some_and(|bare| name.eq_ignore_ascii_case(bare))
        };
        let known = Self::ALL.iter().copied().find(is_named);
        known.ok_or(UnknownMethod)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn p20_all_methods_stand_strongest_first() {
        assert!(Method::ALL.is_sorted());
        let strengths: Vec<Strength> = Method::ALL
            .iter()
            .filter_map(|method| method.strength())
            .collect();
        assert!(strengths.is_sorted_by(|stronger, weaker| stronger >= weaker));
    }

    #[test]
    fn p19_names_are_read_in_any_case() {
        for &method in Method::ALL {
            assert_eq!(method.name().parse(), Ok(method));
            assert_eq!(method.name().to_ascii_lowercase().parse(), Ok(method));
        }
        assert_eq!("apop".parse(), Ok(Method::Apop));
        for name in ["", "+", "*", "+PLAIN", "SCRAM", "PLAIN ", "GSSAPI"] {
            assert_eq!(name.parse::<Method>(), Err(UnknownMethod), "{name}");
        }
        assert!(UnknownMethod.to_string().ends_with("known are SCRAM-SHA-512-PLUS, SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-512, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, DIGEST-MD5, +APOP, PLAIN, LOGIN, USER, OAUTHBEARER, XOAUTH2, EXTERNAL, ANONYMOUS"));
    }
}
