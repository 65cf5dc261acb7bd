//! What is in the maildrop: LIST and UIDL put together, and for messages without a unique-id a
//! digest of what TOP shows.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use poplib::tokio::Session;
use poplib::{Error, ProtocolError, Scan, UniqueId};
use sha2::{Digest, Sha256};

use super::{Broken, Fetcher, Opened, is_pipelined, trouble};
use crate::key::Sum;
use crate::plan::{By, Listing};

#[cfg(test)]
mod tests;

/// The time between two logins (RFC 2449, section 6.5) is no longer than a day, whatever the
/// server says.
const LONGEST_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Fetcher<'_> {
    /// Lists the maildrop. Where STAT counts other than the listing shows, all are asked once more:
    /// the maildrop may have changed in between (Q46).
    ///
    /// # Errors
    /// Nothing is shown, and something was refused that would show it: that is no empty maildrop.
    pub(super) async fn list(&self, session: Session) -> Result<Opened, Broken> {
        let opened = self.list_once(session).await?;
        match opened.stat_surplus {
            0 => Ok(opened),
            _ => self.list_once(opened.session).await,
        }
    }

    async fn list_once(&self, mut session: Session) -> Result<Opened, Broken> {
        let config = &self.config;
        let broken = |attempt, error: &Error| Broken {
            failure: trouble::failure(attempt, config, error),
            is_avoidable: is_pipelined(error),
        };
        let overview =
            (session.overview().await).map_err(|error| broken("list the messages", &error))?;
        let login_delay = (overview.capabilities.ok())
            .and_then(|capabilities| capabilities.login_delay())
            .map(|delay| Duration::from_secs(delay.value.into()).min(LONGEST_DELAY))
            .filter(|delay| !delay.is_zero());
        let uidl = overview.unique_ids.map_err(Error::from);
        let no_unique_ids = (uidl.as_ref().err())
            .map(|refused| trouble::no_unique_ids("ask for the unique-ids", config, refused));
        // One of them must have answered, and STAT if UIDL did not, before silence is believed (Q57).
        let (list, refusal) = match (overview.listing, overview.maildrop.as_ref().err()) {
            (Ok(list), Some(refused)) if uidl.is_err() => (list, Some(refused.clone())),
            (Ok(list), _) => (list, None),
            (Err(refused), _) => (poplib::Listing::default(), Some(refused)),
        };
        let uidl = uidl.unwrap_or_default();
        // Nearly all servers list in order; only for the others is there a copy.
        let mut scans = list.scans();
        let mut sorted_scans;
        if !scans.is_sorted_by_key(Scan::number) {
            sorted_scans = scans.to_vec();
            sorted_scans.sort_by_key(Scan::number);
            scans = &sorted_scans;
        }
        let listing = if uidl.iter().is_sorted_by_key(|unique_id| unique_id.number) {
            self.complete(&mut session, || merge(scans, uidl.iter()))
                .await
        } else {
            let mut sorted: Vec<UniqueId<'_>> = uidl.iter().collect();
            sorted.sort_by_key(|unique_id| unique_id.number);
            self.complete(&mut session, || merge(scans, sorted.iter().copied()))
                .await
        };
        let listing = listing.map_err(|error| Broken {
            is_avoidable: true,
            ..broken("read the headers of the messages", &error)
        })?;
        if let Some(refusal) = refusal.filter(|_| listing.len() == 0) {
            return Err(Broken {
                failure: trouble::unopened("list the messages", config, &refusal.into()),
                is_avoidable: false,
            });
        }
        let counted = overview.maildrop.ok().map(|maildrop| maildrop.messages);
        // A million messages take so much room that they are not to be there twice from here on.
        drop((list, uidl));
        Ok(Opened {
            session,
            stat_surplus: counted.map_or(0, |counted| {
                let listed = i64::try_from(listing.len()).unwrap_or(i64::MAX);
                i64::from(counted) - listed
            }),
            listing: Arc::new(listing.counted()),
            no_unique_ids,
            login_delay,
        })
    }

    /// The listing of these entries, where messages without a unique-id are told apart by their
    /// headers and sizes, unless TOP is to be avoided (Q23, Q54).
    async fn complete<'a, E: Iterator<Item = Entry<'a>>>(
        &self,
        session: &mut Session,
        entries: impl Fn() -> E,
    ) -> Result<Listing, Error> {
        let mut digests = BTreeMap::new();
        let is_bare = |entry: &Entry<'_>| entry.unique_id.is_none() && !self.avoids_top();
        for entry in entries().filter(is_bare) {
            let asked = unless_refused(digest(session, entry).await);
            let answer = asked.inspect_err(|error| self.top_broke(is_pipelined(error)))?;
            self.top_worked();
            if let Ok(Some(digest)) = answer {
                digests.insert(entry.number, digest);
            }
        }
        let mut listing = Listing::default();
        for Entry {
            number,
            octets,
            unique_id,
        } in entries()
        {
            let by =
                (unique_id.map(By::UniqueId)).or_else(|| digests.get(&number).map(By::Headers));
            listing.push(number, octets, by);
        }
        Ok(listing)
    }
}

/// Sets a refusal, with which the session goes on, apart from the end of everything.
fn unless_refused<T>(result: Result<T, Error>) -> Result<Result<T, Error>, Error> {
    match result {
        Err(error @ Error::Protocol(ProtocolError::Refused(_))) => Ok(Err(error)),
        Err(error) => Err(error),
        Ok(output) => Ok(Ok(output)),
    }
}

/// A message as the server lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry<'a> {
    number: u32,
    octets: Option<u64>,
    unique_id: Option<&'a [u8]>,
}

/// Puts sizes and unique-ids of the same message numbers together. Both come in the order of the
/// numbers.
fn merge<'a>(
    scans: &[Scan],
    unique_ids: impl Iterator<Item = UniqueId<'a>>,
) -> impl Iterator<Item = Entry<'a>> {
    let mut scans = scans.iter().copied().peekable();
    let mut unique_ids = unique_ids.peekable();
    let entries = std::iter::from_fn(move || {
        let order = match (scans.peek(), unique_ids.peek()) {
            (Some(scan), Some(unique_id)) => scan.number().cmp(&unique_id.number),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let scan = if order.is_le() { scans.next() } else { None };
        let unique_id = if order.is_ge() {
            unique_ids.next()
        } else {
            None
        };
        let number = scan
            .map(|scan| scan.number())
            .or(unique_id.map(|id| id.number))?;
        Some(Entry {
            number,
            octets: scan.and_then(|scan| scan.octets()),
            // RFC 1939 demands at least one octet.
            unique_id: unique_id.map(|id| id.uid).filter(|uid| !uid.is_empty()),
        })
    });
    // Numbers count from 1, and a second entry of a number contradicts the first (Q14).
    let mut last = 0;
    entries.filter(move |entry| {
        let follows = entry.number > last;
        last = last.max(entry.number);
        follows
    })
}

/// A digest of a message's header and its size; `None` where TOP shows no header, which tells no
/// message from another (Q52).
async fn digest(session: &mut Session, entry: Entry<'_>) -> Result<Option<Sum>, Error> {
    let mut sha = Sha256::new();
    sha.update(entry.octets.unwrap_or(0).to_be_bytes());
    let mut header = session.top(entry.number, 0).await?;
    let mut has_fields = false;
    while let Some(chunk) = header.chunk().await? {
        has_fields |= chunk.contains(&b':');
        sha.update(chunk);
    }
    Ok(has_fields.then(|| sha.finalize().into()))
}
