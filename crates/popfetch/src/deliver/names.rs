//! The names of files on their way: `popfetch-OWNER-CLAIM-COUNTER` under `tmp/`, and the same in the
//! middle of the name that the message gets.
//!
//! The owner is an account of a state: a hash of their two identifiers, which never change. The
//! claim is a random number for each time that a process takes the account. A process writes to,
//! renames and removes only files with its own claim, and removes those that an earlier claim of the
//! same owner left behind.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::key::{Sum, hex};
use crate::state::Token;

const PREFIX: &str = "popfetch-";
const SUFFIX: &str = ".popfetch";

/// The names that one claim gives.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// `OWNER-`
    owner: String,
    /// `OWNER-CLAIM-`
    claim: String,
    given: AtomicU64,
}

impl Names {
    pub(super) fn new(state: &[u8], account: &[u8], claim: &Token) -> Self {
        let mut sha = Sha256::new();
        for part in [state, account] {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        let owner = format!("{}-", hex(&sha.finalize()[..8]));
        Self {
            claim: format!("{owner}{}-", hex(&claim[..8])),
            owner,
            given: AtomicU64::new(0),
        }
    }

    /// What makes the names of the next message its own.
    pub(super) fn next(&self) -> String {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        format!("{}{number}", self.claim)
    }

    /// Whether an earlier claim of the same owner gave this name under `tmp/`.
    pub(super) fn is_left_behind(&self, name: &[u8]) -> bool {
        let unique = name.strip_prefix(PREFIX.as_bytes());
        let is_ours = |unique: &[u8]| {
            unique.starts_with(self.owner.as_bytes()) && !unique.starts_with(self.claim.as_bytes())
        };
        unique.is_some_and(is_ours)
    }
}

/// The name under `tmp/`.
pub(super) fn temporary(unique: &str) -> String {
    format!("{PREFIX}{unique}")
}

/// The name that a message gets when it arrives.
pub(super) fn place(unique: &str, sum: &Sum, now: Timestamp) -> Vec<u8> {
    // The sum tells people and programs that two messages are the same.
    format!("{}.{unique}-{}{SUFFIX}", now.0, hex(&sum[..8])).into_bytes()
}

/// The name under `tmp/` of the message that was to get this one. The first format of the state has
/// a digest in the place of owner, claim and counter.
pub(super) fn temporary_of(place: &[u8]) -> Option<String> {
    let place = std::str::from_utf8(place).ok()?;
    let (_, rest) = place.split_once('.')?;
    let (unique, _) = rest.strip_suffix(SUFFIX)?.rsplit_once('-')?;
    Some(temporary(unique))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e23_names_are_unique_and_known_again_by_their_owner() {
        let one = Names::new(b"state", b"account", &[1; 16]);
        let first = one.next();
        assert_ne!(first, one.next());
        let another_claim = Names::new(b"state", b"account", &[2; 16]);
        let others = [
            Names::new(b"state", b"other", &[2; 16]),
            Names::new(b"other", b"account", &[2; 16]),
            Names::new(b"stateaccount", b"", &[2; 16]),
        ];
        let name = temporary(&first);
        assert!(another_claim.is_left_behind(name.as_bytes()));
        assert!(!one.is_left_behind(name.as_bytes()));
        assert!(
            !others
                .iter()
                .any(|names| names.is_left_behind(name.as_bytes()))
        );
        assert!(!another_claim.is_left_behind(b"popfetch-0123456789abcdef0123456789abcdef"));
    }

    #[test]
    fn e36_the_name_under_tmp_follows_from_the_place_in_both_formats() {
        let names = Names::new(b"state", b"account", &[1; 16]);
        let unique = names.next();
        let place = place(&unique, &[0xab; 32], Timestamp(1_800_000_000));
        assert_eq!(temporary_of(&place), Some(temporary(&unique)));
        let digest = "0123456789abcdef0123456789abcdef";
        let first = format!("1800000000.{digest}-00112233aabbccdd.popfetch");
        assert_eq!(
            temporary_of(first.as_bytes()),
            Some(format!("popfetch-{digest}"))
        );
        assert_eq!(temporary_of(b"1.x.popfetch"), None);
        assert_eq!(temporary_of(b"\xff"), None);
    }
}
