//! What changes at login, and whether STAT, LIST and UIDL agree with each other and with the RFC.

use std::collections::{HashMap, HashSet};

use poplib::tokio::Session;
use poplib::{Capabilities, Error, ProtocolError};
use serde::Serialize;

use super::chart::Facts;
use super::finding::Finding;
use super::opening::{self, Listed};

/// A maildrop as its server describes it.
#[derive(Default, Serialize)]
pub(super) struct Maildrop {
    /// CAPA after login, and what it has that it had not before (`+`), or no longer (`-`).
    capabilities: Listed,
    changes: Vec<String>,
    #[serde(flatten)]
    pub(super) listings: Listings,
}

/// The answers to STAT, LIST and UIDL.
#[derive(Default, Serialize)]
pub(super) struct Listings {
    stat: Option<Stat>,
    /// `None` where it was refused.
    #[serde(skip)]
    pub(super) scans: Option<Vec<Scan>>,
    #[serde(skip)]
    pub(super) unique_ids: Option<Vec<UniqueId>>,
    /// Lines without a number.
    unreadable: usize,
    /// The answer to UIDL with an argument is not that of the listing.
    uidl_of_one_differs: bool,
    /// A refusal that began with +ERR.
    plus_err: bool,
}

#[derive(Clone, Copy, Serialize)]
struct Stat {
    messages: u32,
    octets: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Scan {
    pub(super) number: u32,
    pub(super) octets: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UniqueId {
    pub(super) number: u32,
    pub(super) uid: Vec<u8>,
    pub(super) is_conformant: bool,
}

impl Maildrop {
    /// Asks for everything, and reads no message.
    ///
    /// # Errors
    /// The session ended.
    pub(super) async fn examine(session: &mut Session, before: &Listed) -> Result<Self, Error> {
        let mut maildrop = Self::default();
        if !matches!(before, Listed::Silence(_)) {
            maildrop.capabilities = Listed::of(unless_over(session.capa().await)?);
        }
        if let (Some(before), Some(after)) =
            (before.capabilities(), maildrop.capabilities.capabilities())
        {
            maildrop.changes = changes(before, after);
        }
        maildrop.listings = Listings::ask(session).await?;
        Ok(maildrop)
    }

    pub(super) fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.capabilities()
    }

    /// The unique-ids by message number.
    pub(super) fn unique_ids(&self) -> HashMap<u32, &[u8]> {
        let unique_ids = self.listings.unique_ids.iter().flatten();
        unique_ids.map(|id| (id.number, &*id.uid)).collect()
    }
}

impl Listings {
    async fn ask(session: &mut Session) -> Result<Self, Error> {
        let mut listings = Self::default();
        if let Ok(stat) = unless_over(session.stat().await)? {
            listings.stat = Some(Stat {
                messages: stat.messages,
                octets: stat.octets,
            });
        }
        if let Ok(list) = unless_over(session.list().await)? {
            listings.unreadable += list.unreadable();
            let scan = |scan: &poplib::Scan| Scan {
                number: scan.number(),
                octets: scan.octets(),
            };
            listings.scans = Some(list.scans().iter().map(scan).collect());
        }
        listings.unique_ids = unique_ids(session, &mut listings.unreadable).await?;
        listings.ask_about_one(session).await?;
        // There is no such message.
        if let Err(Error::Protocol(ProtocolError::Refused(refused))) =
            unless_over(session.list_one(u32::MAX).await)?
        {
            listings.plus_err = refused.reply.line().starts_with(b"+");
        }
        Ok(listings)
    }

    async fn ask_about_one(&mut self, session: &mut Session) -> Result<(), Error> {
        let first =
            (self.unique_ids.iter().flatten()).find(|id| id.number > 0 && !id.uid.is_empty());
        if let Some(UniqueId { number, uid, .. }) = first {
            let one = unless_over(session.uidl_one(*number).await)?;
            self.uidl_of_one_differs = one.map_or(true, |one| *one != **uid);
        }
        Ok(())
    }
}

/// UIDL; `None` where it is refused.
pub(super) async fn unique_ids(
    session: &mut Session,
    unreadable: &mut usize,
) -> Result<Option<Vec<UniqueId>>, Error> {
    let Ok(unique_ids) = unless_over(session.uidl().await)? else {
        return Ok(None);
    };
    *unreadable += unique_ids.unreadable();
    let unique_id = |id: poplib::UniqueId<'_>| UniqueId {
        number: id.number,
        uid: id.uid.to_vec(),
        is_conformant: id.is_conformant(),
    };
    Ok(Some(unique_ids.iter().map(unique_id).collect()))
}

/// Sets the errors with which a session goes on apart from the end of everything.
pub(super) fn unless_over<T>(result: Result<T, Error>) -> Result<Result<T, Error>, Error> {
    use poplib_proto::error::Misbehaviour::MalformedReply;
    match result {
        Ok(output) => Ok(Ok(output)),
        Err(Error::Protocol(ProtocolError::Misbehaved(misbehaved)))
            if misbehaved.how != MalformedReply =>
        {
            Err(Error::Protocol(ProtocolError::Misbehaved(misbehaved)))
        }
        Err(error @ Error::Protocol(ProtocolError::Refused(_) | ProtocolError::Misbehaved(_))) => {
            Ok(Err(error))
        }
        Err(error) => Err(error),
    }
}

/// What is listed after login and was not before, and the reverse, by its tag. What belongs to
/// one of the two states alone is no change (RFC 2449 §6).
fn changes(before: &Capabilities, after: &Capabilities) -> Vec<String> {
    const BEFORE_LOGIN_ONLY: [&str; 4] = ["STLS", "SASL", "USER", "UTF8"];
    let tags = |capabilities: &Capabilities| -> Vec<String> {
        let tag = |line: &[u8]| {
            let first = line
                .split(u8::is_ascii_whitespace)
                .find(|word| !word.is_empty());
            String::from_utf8_lossy(first.unwrap_or_default()).to_ascii_uppercase()
        };
        capabilities.lines().map(tag).collect()
    };
    let (before, after) = (tags(before), tags(after));
    let new = after
        .iter()
        .filter(|tag| !before.contains(tag))
        .map(|tag| format!("+{tag}"));
    let gone = before
        .iter()
        .filter(|tag| !after.contains(tag) && !BEFORE_LOGIN_ONLY.contains(&tag.as_str()));
    new.chain(gone.map(|tag| format!("-{tag}"))).collect()
}

impl Facts for Maildrop {
    const NAME: &'static str = "maildrop";

    fn title(&self) -> String {
        "After login".into()
    }

    fn rows(&self) -> Vec<(String, String)> {
        let Listings {
            stat,
            scans,
            unique_ids,
            ..
        } = &self.listings;
        let count = |count: Option<usize>| {
            count.map_or_else(|| "refused".into(), |count| format!("{count} messages"))
        };
        let stat = stat.map_or_else(
            || "refused".into(),
            |stat| {
                let octets = stat
                    .octets
                    .map_or_else(|| "?".into(), |octets| octets.to_string());
                format!("{} messages, {octets} octets", stat.messages)
            },
        );
        let mut rows = Vec::new();
        rows.extend(
            self.capabilities
                .words()
                .map(|words| ("CAPA".to_owned(), words)),
        );
        if !self.changes.is_empty() {
            rows.push(("changed by login".into(), self.changes.join(", ")));
        }
        rows.push(("STAT".into(), stat));
        rows.push(("LIST".into(), count(scans.as_ref().map(Vec::len))));
        rows.push(("UIDL".into(), count(unique_ids.as_ref().map(Vec::len))));
        rows
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = judge_changes(&self.capabilities, &self.changes);
        if let Some(capabilities) = self.capabilities() {
            findings.extend(opening::judge_promises(capabilities));
            if !capabilities.uidl() && self.listings.unique_ids.is_some() {
                findings.push(
                    Finding::note(
                        "UIDL works although CAPA does not list it",
                        "popfetch uses it",
                    )
                    .named("Q5"),
                );
            }
        }
        self.listings.judge_octets(&mut findings);
        self.listings.judge_numbers(&mut findings);
        self.listings.judge_unique_ids(&mut findings);
        if self.listings.plus_err {
            findings.push(
                Finding::note("it says +ERR for -ERR", "popfetch takes it for a refusal")
                    .named("Q16"),
            );
        }
        findings
    }
}

fn judge_changes(capabilities: &Listed, changes: &[String]) -> Vec<Finding> {
    let then = "popfetch asks again after login, and goes by that";
    let change = match capabilities {
        Listed::Refused(words) => {
            Finding::note("CAPA is refused after login", then).server(words.as_bytes())
        }
        _ if changes.is_empty() => return Vec::new(),
        _ => Finding::note(
            format!("login changes the capabilities: {}", changes.join(", ")),
            then,
        ),
    };
    vec![change.named("Q6")]
}

impl Listings {
    /// Q13: the counts and sums agree, and octets are numbers.
    fn judge_octets(&self, findings: &mut Vec<Finding>) {
        let mut found = |what: String| {
            let then = "popfetch takes counts and sizes for hints, never for lengths";
            findings.push(Finding::note(what, then).named("Q13"));
        };
        let Some(scans) = &self.scans else {
            return;
        };
        let unknown = scans.iter().filter(|scan| scan.octets.is_none()).count();
        if unknown > 0 {
            found(format!(
                "LIST gives octets of {unknown} messages that are no numbers"
            ));
        }
        let Some(stat) = self.stat else {
            return;
        };
        let listed = scans.iter().filter(|scan| scan.number > 0).count();
        if stat.messages as usize != listed {
            found(format!(
                "STAT counts {} messages, LIST {listed}",
                stat.messages
            ));
        }
        let sum: u64 = scans
            .iter()
            .filter_map(|scan| scan.octets)
            .fold(0, u64::saturating_add);
        match stat.octets {
            None => found("STAT gives octets that are no number".into()),
            Some(octets) if unknown == 0 && octets != sum => {
                found(format!("STAT counts {octets} octets, LIST {sum} together"));
            }
            Some(_) => {}
        }
    }

    /// Q14: message numbers are 1, 2, 3 …
    fn judge_numbers(&self, findings: &mut Vec<Finding>) {
        let mut found = |what: &str| {
            let then = "popfetch keeps what can be kept, and fetches the rest when it is listed";
            findings.push(Finding::note(what, then).named("Q14"));
        };
        let numbers = self.scans.iter().flatten().map(|scan| scan.number);
        let numbers: Vec<u32> = numbers
            .chain(self.unique_ids.iter().flatten().map(|id| id.number))
            .collect();
        if numbers.contains(&0) {
            found("a listing has a message number 0");
        }
        let real: HashSet<u32> = numbers.into_iter().filter(|&number| number > 0).collect();
        if real
            .iter()
            .max()
            .is_some_and(|&most| most as usize != real.len())
        {
            found("the message numbers have gaps");
        }
        if self.unreadable > 0 {
            found("a listing has lines without a number");
        }
    }

    /// Q14: each message has a unique-id of its own, as RFC 1939 §7 wants it.
    fn judge_unique_ids(&self, findings: &mut Vec<Finding>) {
        let Some(unique_ids) = &self.unique_ids else {
            findings.push(Finding::care(
                "there is no UIDL",
                "popfetch tells messages apart by a digest of their headers and their size",
            ));
            return;
        };
        let mut found = |what: String, then| findings.push(Finding::care(what, then).named("Q14"));
        let real: Vec<&UniqueId> = unique_ids.iter().filter(|id| id.number > 0).collect();
        let without = real.iter().filter(|id| id.uid.is_empty()).count();
        if without > 0 {
            found(
                format!("messages without a unique-id: {without}"),
                "popfetch tells them apart by a digest of their headers and their size",
            );
        }
        let with = || real.iter().filter(|id| !id.uid.is_empty());
        let distinct: HashSet<&[u8]> = with().map(|id| &*id.uid).collect();
        let shared = with().count() - distinct.len();
        if shared > 0 {
            found(
                format!("messages that share a unique-id with an earlier one: {shared}"),
                "popfetch counts them in the order of their numbers",
            );
        }
        let odd = with().filter(|id| !id.is_conformant).count();
        if odd > 0 {
            let finding = Finding::note(
                format!(
                    "unique-ids that are not 1 to 70 octets of printable ASCII (RFC 1939 §7): {odd}"
                ),
                "popfetch takes them as they are",
            );
            findings.push(finding.named("Q14"));
        }
        if self.uidl_of_one_differs {
            let finding = Finding::note(
                "UIDL with an argument does not answer as UIDL without one does",
                "popfetch asks without one",
            );
            findings.push(finding.named("Q14"));
        }
    }
}
