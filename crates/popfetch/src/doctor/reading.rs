//! What comes of messages that are read: a few of the smallest, each by RETR and by TOP.
//!
//! The session that reads ends without QUIT, so that no server can delete what was read
//! (RFC 1939 §6), whether it should or not (Q22, Q25). Only where the user asks for it does it
//! end with RSET and QUIT, and another session looks whether the message is still there.

mod compare;
mod judge;

use poplib::tokio::{Body, Session};
use poplib::{Capabilities, Error, Phase, ProtocolError};
use serde::Serialize;

use self::compare::TopAnswer;
use super::chart::Facts;
use super::finding::Finding;
use super::maildrop::{self, Maildrop, Scan, UniqueId, unless_over};
use crate::escape;
use crate::words;

/// So many messages are read.
const MESSAGES: usize = 3;

/// Of each no more than this.
const MOST_OCTETS: usize = 1024 * 1024;

/// Lines of the body that TOP is asked for, beside none.
const LINES: u32 = 5;

/// What was read, and what the second session told otherwise than the first.
#[derive(Default, Serialize)]
pub(super) struct Reading {
    messages: Vec<Read>,
    /// How many unique-ids are others than in the session before; `None` if there was none.
    changed_unique_ids: Option<usize>,
    top_unlisted: bool,
    /// The answers to LAST (RFC 1460) before and after.
    last: Option<(String, String)>,
    folder_data: bool,
    /// How the session broke.
    broken: Option<Broken>,
    /// Messages that are gone after RSET and QUIT; `None` where that was not tried.
    gone: Option<usize>,
}

/// A message that was read.
#[derive(Clone, Debug, Serialize)]
struct Read {
    number: u32,
    listed: Option<u64>,
    retrieved: u64,
    bare_lf_dot: bool,
    top_none: TopAnswer,
    top_some: TopAnswer,
}

#[derive(Clone, Debug, Serialize)]
struct Broken {
    name: Option<&'static str>,
    how: String,
}

impl Reading {
    /// Reads. `before` is the maildrop as an earlier session saw it.
    pub(super) async fn examine(
        session: &mut Session,
        before: &Maildrop,
        again: bool,
        most: usize,
    ) -> Self {
        let mut reading = Self::default();
        if let Err(error) = reading
            .read(session, before, again, most.min(MESSAGES))
            .await
        {
            reading
                .broken
                .get_or_insert_with(|| Broken::at(&error, None));
        }
        reading
    }

    async fn read(
        &mut self,
        session: &mut Session,
        before: &Maildrop,
        again: bool,
        most: usize,
    ) -> Result<(), Error> {
        if again {
            let now = maildrop::unique_ids(session, &mut 0).await?;
            self.changed_unique_ids = Some(changed(before, now.as_deref().unwrap_or_default()));
        }
        let scans = before.listings.scans.as_deref().unwrap_or_default();
        let last = last(session).await?;
        if scans.iter().any(|scan| scan.number == 1)
            && let Ok(body) = unless_over(session.top(1, 0).await)?
        {
            let header = collect(body).await?;
            self.folder_data = header.is_some_and(|header| compare::is_folder_data(&header));
        }
        for scan in smallest(scans, most) {
            if let Err(error) = self.read_one(session, scan).await {
                self.broken = Some(Broken::at(&error, Some(scan.number)));
            }
            if self.broken.is_some() {
                return Ok(());
            }
        }
        if let (Some(before), Some(after)) = (last, self::last(session).await?) {
            self.last = Some((before, after));
        }
        let lists_top = before.capabilities().is_none_or(Capabilities::top);
        self.top_unlisted =
            !lists_top && self.messages.iter().any(|read| read.top_none.is_answer());
        Ok(())
    }

    async fn read_one(&mut self, session: &mut Session, scan: Scan) -> Result<(), Error> {
        let number = scan.number;
        let Ok(body) = unless_over(session.retr(number).await)? else {
            return Ok(());
        };
        let Some(message) = collect(body).await? else {
            // Any further command would wait for the rest of it.
            self.broken = Some(Broken::too_large(number));
            return Ok(());
        };
        let top_none = top(session, number, 0, &message).await?;
        let top_some = top(session, number, LINES, &message).await?;
        // An answer behind the last body proves that it ended where it seemed to.
        let _: Result<_, Error> = unless_over(session.noop().await)?;
        self.messages.push(Read {
            number,
            listed: scan.octets,
            retrieved: message.len() as u64,
            bare_lf_dot: compare::has_bare_lf_dot(&message),
            top_none,
            top_some,
        });
        Ok(())
    }

    /// Looks whether all that was there before is there now.
    pub(super) fn look_again(&mut self, before: &Maildrop, now: &[UniqueId]) {
        let there = |uid: &[u8]| now.iter().any(|id| id.uid == uid);
        let unique_ids = before.unique_ids();
        self.gone = Some(unique_ids.values().filter(|uid| !there(uid)).count());
    }

    /// Whether the session is still good.
    pub(super) fn is_whole(&self) -> bool {
        self.broken.is_none()
    }
}

/// The smallest messages, those of unknown size last.
fn smallest(scans: &[Scan], most: usize) -> Vec<Scan> {
    let mut scans: Vec<Scan> = (scans.iter().copied())
        .filter(|scan| scan.number > 0)
        .filter(|scan| {
            scan.octets
                .is_none_or(|octets| octets <= MOST_OCTETS as u64)
        })
        .collect();
    scans.sort_by_key(|scan| (scan.octets.unwrap_or(u64::MAX), scan.number));
    scans.truncate(most);
    scans
}

/// Unique-ids that are others than `before`.
fn changed(before: &Maildrop, now: &[UniqueId]) -> usize {
    let before = before.unique_ids();
    let is_other = |id: &&UniqueId| before.get(&id.number).is_some_and(|uid| *uid != &*id.uid);
    now.iter().filter(is_other).count()
}

/// LAST, which RFC 1725 removed and some servers still have.
async fn last(session: &mut Session) -> Result<Option<String>, Error> {
    let reply = unless_over(session.custom("LAST").await)?;
    Ok(reply
        .ok()
        .map(|reply| escape::octets(reply.text()).to_string()))
}

async fn top(
    session: &mut Session,
    number: u32,
    lines: u32,
    message: &[u8],
) -> Result<TopAnswer, Error> {
    let body = match unless_over(session.top(number, lines).await)? {
        Ok(body) => body,
        Err(error) => return Ok(TopAnswer::Refused(words::all(&error))),
    };
    Ok(match collect(body).await? {
        Some(answer) => compare::top(message, &answer, lines),
        None => TopAnswer::Other,
    })
}

/// The whole body; `None` if it is larger than what is read here, and the session goes on.
async fn collect(mut body: Body<'_>) -> Result<Option<Vec<u8>>, Error> {
    let mut octets = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        octets.extend_from_slice(chunk);
        if octets.len() > MOST_OCTETS {
            return Ok(None);
        }
    }
    Ok(Some(octets))
}

impl Broken {
    fn too_large(number: u32) -> Self {
        Self {
            name: Some("Q13"),
            how: format!(
                "message {number} is larger than LIST lets expect, and was not read to its end"
            ),
        }
    }

    fn at(error: &Error, number: Option<u32>) -> Self {
        let name = match error {
            Error::Timeout(Phase::Body) => Some("Q12"),
            Error::Protocol(ProtocolError::Misbehaved(misbehaved)) => {
                match misbehaved.verb.as_str() {
                    // What should be the answer to TOP is the rest of what RETR began.
                    "TOP" | "NOOP" => Some("Q11"),
                    _ => None,
                }
            }
            _ => None,
        };
        let error = words::all(error);
        let how = match number {
            Some(number) => format!("message {number}: {error}"),
            None => error,
        };
        Self { name, how }
    }
}
