//! What a user is willing to log in with.

use core::ops::RangeInclusive;

use super::{Method, Strength};

/// What a user is willing to log in with ([A12]).
///
/// ```
/// use poplib_proto::sasl::{Policy, Strength};
///
/// let mut policy = Policy::default();
/// policy.minimum = Strength::Mutual;
/// ```
///
/// [A12]: crate::rows#a12
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The weakest way to use a password. By default any, which TLS then protects; it does not
    /// apply to logins without a password.
    pub minimum: Strength,
    /// The one way to log in, and no other, stronger or weaker ([P19]). It is tried even where the
    /// server does not offer it, since some hide what they can do. By default none is named, and
    /// DIGEST-MD5 is not tried (RFC 6331).
    ///
    /// [P19]: crate::rows#p19
    pub only: Option<Method>,
    /// The iteration counts that SCRAM admits, both ends included.
    ///
    /// By default 4,096 to 2,000,000. Below, an exchange that somebody recorded would be cheaper
    /// to guess from than RFC 7677 §4 wants. Above, the server keeps our processor busy and no
    /// deadline can interrupt it: two million, half as much again as the greatest count
    /// recommended to anybody (1.4 million, for SHA-1), take from half a second to two, and up to
    /// three with SHA-512.
    pub iterations: RangeInclusive<u32>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            minimum: Strength::Cleartext,
            only: None,
            iterations: 4_096..=2_000_000,
        }
    }
}
