//! Whether a target is the one that it was.

use std::io;

use super::cannot_read;
use super::marker::Site;
use crate::clock::Timestamp;
use crate::failure::{Failure, Status};
use crate::fs::FileSystem;
use crate::state::{Copied, Marker};

const SECOND: i64 = 1_000_000_000;

/// What a target turns out to be.
#[derive(Debug)]
pub(super) enum Sameness {
    /// It is the one that the marker tells of, and shows what it must: that this batch was begun.
    Same(u64),
    /// It was set back, as from a backup.
    Older(SetBack),
    /// It does not show what it must.
    Away(Failure),
}

/// What tells how far a target was set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SetBack {
    /// The last batch that was begun in it.
    pub(super) batch: u64,
    /// When it was changed last, where that is what tells; nanoseconds since 1970.
    time: Option<i64>,
}

impl SetBack {
    /// Whether this copy came later, so that it is missing unless it is found.
    pub(super) fn may_lack(&self, copy: &Copied<'_>) -> bool {
        let later = |time: i64| copy.stored_at.is_some_and(|at| at.0 >= time / SECOND);
        copy.batch > self.batch || self.time.is_some_and(later)
    }
}

/// What the target at this site turns out to be, compared with what is known of it.
pub(super) fn judge(
    file_system: &dyn FileSystem,
    site: &Site,
    known: &Marker,
    now: Timestamp,
) -> Sameness {
    let shown = match &known.token {
        None => Ok(Some(known.batch)),
        Some(token) => (site.read(file_system, token)).map(|shown| Some(shown?.batch)),
    };
    let batch = match shown {
        Ok(Some(batch)) => batch,
        Ok(None) => return Sameness::Away(away(site, "its marker is not there")),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Sameness::Away(away(site, &error.to_string()));
        }
        Err(error) => return Sameness::Away(cannot_read(&site.path, &error)),
    };
    // The marker is written before the state: it can be ahead by the batch that was interrupted.
    if batch > known.batch + 1 {
        return Sameness::Away(behind(site));
    }
    let changed = match site.changed(file_system) {
        Ok(None) if known.token.is_none() || site.dated().is_some() => {
            return Sameness::Away(away(site, "it is not there"));
        }
        Ok(changed) => changed,
        Err(error) => return Sameness::Away(cannot_read(&site.path, &error)),
    };
    let older =
        changed.filter(|&changed| (known.seen).is_some_and(|seen| is_older(changed, seen, now)));
    match older {
        Some(_) => Sameness::Older(SetBack { batch, time: older }),
        None if batch < known.batch => Sameness::Older(SetBack { batch, time: None }),
        None => Sameness::Same(batch),
    }
}

/// Whether the target was changed last before it was seen last. A clock that is behind what was
/// seen proves nothing: whatever changes the target now seems to have changed it before.
fn is_older(changed: i64, seen: i64, now: Timestamp) -> bool {
    // Some file systems and archives cut times off, to microseconds or to seconds.
    let units = [SECOND, 1_000_000, 1_000, 100];
    let unit = units.into_iter().find(|unit| changed % unit == 0);
    let seen = seen - seen % unit.unwrap_or(1);
    now.0 >= seen / SECOND && changed < seen
}

/// A target that does not show what it must. Nothing is written to it, and nothing is deleted that
/// was delivered there.
pub(super) fn away(site: &Site, why: &str) -> Failure {
    let path = site.path.display();
    let message = format!("{path} is not what mail was delivered to: {why}");
    Failure::new(Status::Temporary, message).hint(format!(
        "its disk may not be mounted: mount it, and run it again. Nothing is written there, and \
         nothing is deleted on the server, until then. If {path} is to be used as it is: \
         popfetch state accept-target {path}"
    ))
}

/// The target is ahead of the state.
pub(super) fn behind(site: &Site) -> Failure {
    let path = site.path.display();
    let message =
        format!("the state is older than {path}: what it does not know would arrive twice");
    Failure::new(Status::Temporary, message).hint(format!(
        "put the newest state back, or use it with --state FILE. If it is lost: \
         popfetch state accept-target {path}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_was_cut_off_is_not_an_older_one() {
        let seen = 1_800_000_000 * SECOND + 123_456_789;
        let now = Timestamp(seen / SECOND);
        for (changed, older) in [
            (seen, false),
            (seen + 1, false),
            (seen - 1, true),
            (seen - seen % SECOND, false),
            (seen - seen % SECOND - SECOND, true),
            (seen - seen % 1_000, false),
            (seen - seen % 1_000 - 1_000, true),
        ] {
            assert_eq!(is_older(changed, seen, now), older, "{changed}");
        }
        // By a clock that is behind, nothing is older.
        assert!(!is_older(seen - 1, seen, Timestamp(now.0 - 1)));
    }
}
