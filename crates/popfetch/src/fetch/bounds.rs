//! How much a server may send: a message and a header have an end (E19).

use std::sync::Arc;

use poplib::Error;

use super::lost::{Lost, Why};
use super::{Fetcher, ticket};
use crate::deliver::Delivery;
use crate::failure::{Failure, Status};
use crate::plan::{Listing, Plan};
use crate::report::size;

/// No message is larger, unless `--largest-message` says otherwise.
pub(crate) const LARGEST_MESSAGE: u64 = 64 << 30;

/// LIST's number is a hint: some servers count compressed files, or lines, or round (Q13). A
/// message may be larger by so many octets,
const BEYOND_LISTED: u64 = 64 << 20;
/// and by so many times that number.
const TIMES_LISTED: u64 = 100;

/// A header is not longer than this, whether TOP or RETR brings it.
const LONGEST_HEADER: u64 = 16 << 20;

/// What comes of one message, counted.
pub(crate) struct Bound {
    most: u64,
    octets: u64,
    header: HeaderEnd,
}

/// Whether the empty line behind the header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeaderEnd {
    /// Nothing of the current line but perhaps a CR has come.
    LineStart,
    InLine,
    Seen,
}

/// More has come than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// The message is larger than this.
    Message(u64),
    /// Its header is.
    Header,
}

/// Why a message could not be read.
pub(crate) enum Unread {
    Error(Error),
    Excess(Excess),
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Excess> for Unread {
    fn from(excess: Excess) -> Self {
        Self::Excess(excess)
    }
}

impl Bound {
    /// That of a message of which LIST told these octets.
    pub(crate) fn of(listed: Option<u64>, largest: Option<u64>) -> Self {
        let largest = largest.unwrap_or(LARGEST_MESSAGE);
        let most = listed.map_or(largest, |listed| {
            let times = listed.saturating_mul(TIMES_LISTED);
            times.saturating_add(BEYOND_LISTED).min(largest)
        });
        Self {
            most,
            octets: 0,
            header: HeaderEnd::LineStart,
        }
    }

    /// Counts a piece of the message.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<(), Excess> {
        self.octets += piece.len() as u64;
        if self.header != HeaderEnd::Seen {
            self.look_for_end(piece);
        }
        if self.octets > self.most {
            return Err(Excess::Message(self.most));
        }
        match self.header {
            HeaderEnd::Seen => Ok(()),
            _ if self.octets > LONGEST_HEADER => Err(Excess::Header),
            _ => Ok(()),
        }
    }

    fn look_for_end(&mut self, piece: &[u8]) {
        for line in piece.split_inclusive(|&octet| octet == b'\n') {
            let ends = line.ends_with(b"\n");
            let is_bare = matches!(line, b"\n" | b"\r\n" | b"\r");
            self.header = match (self.header, ends, is_bare) {
                (HeaderEnd::LineStart, true, true) => HeaderEnd::Seen,
                (HeaderEnd::LineStart, false, true) | (_, true, _) => HeaderEnd::LineStart,
                (_, false, _) => HeaderEnd::InLine,
            };
            if self.header == HeaderEnd::Seen {
                return;
            }
        }
    }
}

impl Excess {
    /// The failure of an attempt, which reads on from "could not".
    pub(crate) fn failure(self, attempt: &str) -> Failure {
        let what = match self {
            Self::Message(most) => format!("more than {} came, and no end", size(most)),
            Self::Header => format!(
                "its header has more than {}, and no end",
                size(LONGEST_HEADER)
            ),
        };
        Failure::new(Status::Temporary, format!("could not {attempt}: {what}")).hint(
            "LIST told less, or --largest-message allows less; ask those who run the server, or \
             allow more",
        )
    }
}

impl Fetcher<'_> {
    /// The bound of a message of which LIST told these octets.
    pub(super) fn bound(&self, listed: Option<u64>) -> Bound {
        Bound::of(listed, self.account.policy.largest_message)
    }

    /// Takes out of the plan what is too large by LIST's own number, and tells of it.
    pub(super) async fn leave_too_large(
        &mut self,
        listing: &Listing,
        plan: &mut Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<(), Failure> {
        let largest = (self.account.policy.largest_message).unwrap_or(LARGEST_MESSAGE);
        let octets = |position| listing.octets(position).filter(|&octets| octets > largest);
        let mut lost = Vec::new();
        for fetch in &plan.fetch {
            let Some(octets) = octets(fetch.position) else {
                continue;
            };
            let message = format!(
                "could not fetch message {}: it has {}, and {} are allowed",
                listing.number(fetch.position),
                size(octets),
                size(largest)
            );
            let hint = "allow more with --largest-message SIZE, or leave it on the server with \
                --skip-over SIZE";
            lost.push(Lost {
                ticket: ticket(listing, fetch, plan),
                failure: Failure::new(Status::Temporary, message).hint(hint),
                why: Why::ForNow,
            });
        }
        if lost.is_empty() {
            return Ok(());
        }
        plan.fetch.retain(|fetch| octets(fetch.position).is_none());
        self.settle(&lost, delivery).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    fn most(listed: Option<u64>, largest: Option<u64>) -> u64 {
        Bound::of(listed, largest).most
    }

    #[test]
    fn e19_no_honest_way_to_count_octets_comes_near_the_bound() {
        for (octets, listed) in [
            // Rounded, without CRs, without some lines, compressed, nothing at all.
            (50 * MIB, 50 * MIB + KIB),
            (50 * MIB, 49 * MIB),
            (20 * MIB, 0),
            (50 * MIB, MIB),
            (4 * GIB, 400 * MIB),
        ] {
            assert!(octets <= most(Some(listed), None), "{octets}, {listed}");
        }
        // Those that tell no number are bounded by the largest message alone.
        assert_eq!(most(None, None), LARGEST_MESSAGE);
        assert_eq!(most(Some(u64::MAX), None), LARGEST_MESSAGE);
        assert_eq!(most(Some(87), None), 64 * MIB + 8_700);
        assert_eq!(most(Some(87), Some(MIB)), MIB);
        assert_eq!(most(None, Some(MIB)), MIB);
    }

    #[test]
    fn e19_a_message_without_end_ends_at_its_bound() {
        let mut bound = Bound::of(Some(87), Some(100));
        assert_eq!(bound.take(b"a: b\r\n\r\n"), Ok(()));
        assert_eq!(bound.take(&[b'x'; 92]), Ok(()));
        assert_eq!(bound.take(b"x"), Err(Excess::Message(100)));
    }

    #[test]
    fn e19_a_header_without_end_ends_at_its_bound() {
        let field = [b"x: ".to_vec(), vec![b'y'; 65_000], b"\r\n".to_vec()].concat();
        let fields = LONGEST_HEADER as usize / field.len();
        let endless = |last: &[&[u8]]| {
            let mut bound = Bound::of(None, None);
            for _ in 0..fields {
                assert_eq!(bound.take(&field), Ok(()));
            }
            last.iter().for_each(|piece| {
                let _ = bound.take(piece);
            });
            bound.take(&field)
        };
        assert_eq!(endless(&[]), Err(Excess::Header));
        assert_eq!(endless(&[b"x:\r", b"\n\r", b"y\n"]), Err(Excess::Header));
        for end in [
            &[&b"\r\n"[..]][..],
            &[b"\n"],
            &[b"\r", b"\n"],
            &[b"a: b\r", b"\n", b"\r", b"\n"],
            &[b"a: b\n\nbody"],
        ] {
            assert_eq!(endless(end), Ok(()), "{end:?}");
        }
    }
}
