//! Opening the targets of an account. Each is known again before anything is made or written there,
//! and before anything is deleted that was delivered to it.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::contents::Contents;
use super::maildir::{self, Maildir};
use super::marker::{Marked, Shown, Site};
use super::mbox::{self, Mbox};
use super::names::Names;
use super::sameness::{self, Sameness};
use super::targets::{Destination, Destinations, Targets};
use super::{Delivery, cannot_read, cannot_write};
use crate::escape;
use crate::failure::{Failure, Status};
use crate::fs::FileSystem;
use crate::key::{Key, hex};
use crate::report::{Event, count};
use crate::state::{Change, Copied, Marker, State, Target, Verdict};

impl Delivery {
    /// Opens these targets, and finishes what an earlier run was interrupted in.
    ///
    /// # Errors
    /// One of them cannot be used, or is not what it was.
    pub(crate) fn open(mut self, destinations: &Destinations) -> Result<Self, Failure> {
        let mut targets = Targets::new(destinations)?;
        let uid = self.store.uid(self.account)?;
        targets.names = Names::new(self.store.id(), &uid, &self.store.token()?);
        let mut opening = Opening::new(&self)?;
        let Destinations { mode, line_end, .. } = *destinations;
        let all = opening.targets(destinations)?;
        opening.settle_what_the_user_gave_up(&all)?;
        for target in &all {
            let marked = opening.settle(target, Some(mode))?;
            let file_system = Arc::clone(&self.file_system);
            match target.kind == maildir::KIND {
                true => {
                    let maildir = Maildir::open(file_system, target, marked, mode)?;
                    targets.maildirs.push(maildir);
                }
                false => {
                    let mbox = Mbox::open(file_system, target, marked, mode, line_end);
                    targets.mboxes.push(mbox);
                }
            }
        }
        self.targets = targets;
        self.targets.waiting = self.recover()?;
        Ok(self)
    }

    /// How many messages wait for a target of an earlier run, which is away.
    pub(crate) fn waiting(&self) -> usize {
        self.targets.waiting
    }
}

/// Targets that are about to be opened.
pub(super) struct Opening<'a> {
    delivery: &'a Delivery,
    /// What markers know the account and its state by.
    account: String,
    state: String,
    /// What is known of the targets.
    known: Vec<Marker>,
}

impl<'a> Opening<'a> {
    pub(super) fn new(delivery: &'a Delivery) -> Result<Self, Failure> {
        Ok(Self {
            account: hex(&delivery.store.uid(delivery.account)?),
            state: hex(delivery.store.id()),
            known: delivery.store.markers(delivery.account)?,
            delivery,
        })
    }

    /// The targets that are files or directories, in the order of their paths. As all processes
    /// take locks in this order, no two of them wait for each other.
    fn targets(&self, destinations: &Destinations) -> Result<BTreeSet<Target>, Failure> {
        let located = destinations
            .all
            .iter()
            .filter_map(|destination| match destination {
                Destination::Maildir(path) => Some(Maildir::target_at(path)),
                Destination::Mbox(path) => {
                    Some(Mbox::target_at(path).map_err(|failure| self.away_or(path, failure)))
                }
                _ => None,
            });
        located.collect()
    }

    /// Why an mbox cannot be found: it may have been there.
    fn away_or(&self, path: &Path, failure: Failure) -> Failure {
        let Ok(path) = std::path::absolute(path) else {
            return failure;
        };
        let target = Target {
            kind: mbox::KIND.into(),
            location: path.as_os_str().as_bytes().into(),
        };
        match (self.marker(&target), Site::of(&target)) {
            (Some(_), Some(site)) => sameness::away(&site, "its directory is not there"),
            _ => failure,
        }
    }

    fn marker(&self, target: &Target) -> Option<&Marker> {
        self.known.iter().find(|marker| marker.target == *target)
    }

    /// What is to be done about a target before it is used.
    pub(super) fn verdict(&self, target: &Target) -> Option<Verdict> {
        self.marker(target)?.verdict
    }

    /// Makes sure that a target is what it was, and that it can be told next time. One that is new
    /// is made, with these permissions, if any are given.
    ///
    /// # Errors
    /// [`Status::Temporary`] where it is not what it was. It is as it was then.
    pub(super) fn settle(&mut self, target: &Target, mode: Option<u32>) -> Result<Marked, Failure> {
        let site = Site::of(target).ok_or_else(|| {
            Failure::new(Status::CannotCreate, "it is neither a file nor a directory")
        })?;
        let Some(marker) = self.marker(target).cloned() else {
            return self.meet(target, &site, mode);
        };
        match marker.verdict {
            Some(Verdict::Unmarked) => {
                self.recognise(&marker, &site)?;
                self.establish(&marker, &site, mode)
            }
            Some(Verdict::Accepted) => {
                let what = format!("{} is used as it is", site.path.display());
                self.take_back(&marker, &site, |_| true, &what)?;
                self.establish(&marker, &site, mode)
            }
            Some(Verdict::Emptied | Verdict::Left) => self.establish(&marker, &site, mode),
            None | Some(Verdict::Away) => self.check(&marker, &site),
        }
    }

    /// Compares a target with what is known of it.
    fn check(&self, marker: &Marker, site: &Site) -> Result<Marked, Failure> {
        let Delivery {
            store,
            account,
            file_system,
            clock,
            ..
        } = self.delivery;
        let now = clock.now();
        // A batch that was begun and never stored keeps its number: what a backup shows of it is
        // something else than the next one.
        let judged = |verdict: Option<Verdict>, batch: u64| Marker {
            since: verdict.map(|_| now),
            verdict,
            batch: batch.max(marker.batch),
            ..marker.clone()
        };
        let record = |judged: Marker| match judged == *marker {
            true => Ok(judged),
            false => store.mark(*account, &judged).map(|()| judged),
        };
        match sameness::judge(&**file_system, site, marker, now) {
            Sameness::Same(batch) => {
                let marker = record(judged(None, batch))?;
                Ok(Marked::new(site.clone(), marker.token, marker.batch))
            }
            Sameness::Older(set_back) => {
                let what = format!("{} was set back to an earlier time", site.path.display());
                self.take_back(marker, site, |copy| set_back.may_lack(copy), &what)?;
                let shown = judged(marker.verdict, set_back.batch);
                let since = marker.since;
                self.advance(record(Marker { since, ..shown })?, site)
            }
            Sameness::Away(failure) => {
                if marker.verdict != Some(Verdict::Away) {
                    record(judged(Some(Verdict::Away), 0))?;
                }
                Err(failure)
            }
        }
    }

    /// A target that the first format of the state knows shows at least one of the messages that
    /// were delivered to it, if any were.
    fn recognise(&self, marker: &Marker, site: &Site) -> Result<(), Failure> {
        let contents = Contents::of(&*self.delivery.file_system, &marker.target, site)?;
        let (mut is_empty, mut shown) = (true, Ok(false));
        let visit = &mut |copy: Copied<'_>| {
            is_empty = false;
            if let Ok(false) = shown {
                shown = contents.shows(copy.place);
            }
        };
        (self.delivery.store).copies_in(self.delivery.account, &marker.target, visit)?;
        match is_empty || shown? {
            true => Ok(()),
            false => Err(sameness::away(site, "nothing of that is there")),
        }
    }

    /// A target of which nothing is known, though it may know of us.
    fn meet(&mut self, target: &Target, site: &Site, mode: Option<u32>) -> Result<Marked, Failure> {
        let file_system = &*self.delivery.file_system;
        let all = (site.all(file_system)).map_err(|error| cannot_read(&site.path, &error))?;
        for shown in all {
            if shown.state != self.state || shown.account != self.account {
                // Other accounts may deliver to the same target.
                if shown.maildrop == self.maildrop() && shown.batch > FIRST {
                    return Err(foreign(site, &shown));
                }
                continue;
            }
            let is_it = |marker: &&mut Marker| marker.token == Some(shown.token);
            match self.known.iter_mut().find(is_it) {
                Some(marker) if is_there(file_system, marker) => {}
                // It was moved here.
                Some(marker) => {
                    let Delivery { store, account, .. } = self.delivery;
                    store.relocate(*account, &marker.target, target)?;
                    marker.target = target.clone();
                    return self.settle(target, mode);
                }
                None if shown.batch > FIRST => return Err(sameness::behind(site)),
                // Nothing was delivered before everything stopped.
                None => {}
            }
        }
        if mode.is_none() {
            return Err(sameness::away(site, "it has no marker"));
        }
        let unknown = Marker {
            target: target.clone(),
            token: None,
            batch: FIRST - 1,
            seen: None,
            verdict: None,
            since: None,
        };
        self.establish(&unknown, site, mode)
    }

    fn maildrop(&self) -> String {
        escape::text(&self.delivery.maildrop).to_string()
    }

    /// Has a target tell from now on what it is. One that is to be made is.
    fn establish(
        &self,
        marker: &Marker,
        site: &Site,
        mode: Option<u32>,
    ) -> Result<Marked, Failure> {
        let Delivery {
            store, file_system, ..
        } = self.delivery;
        if marker.target.kind == maildir::KIND && mode.is_some() {
            Maildir::make(&**file_system, &site.path)?;
        }
        let shown = Shown {
            state: self.state.clone(),
            account: self.account.clone(),
            maildrop: self.maildrop(),
            token: store.token()?,
            batch: marker.batch + 1,
        };
        let token = match site.create(&**file_system, &shown, mode.unwrap_or(PRIVATE)) {
            Ok(()) => Some(shown.token),
            // In a directory that is not ours to write to, times must do.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            Err(error) => return Err(cannot_write(&site.path, &error)),
        };
        if let Some(before) = marker.token {
            site.remove(&**file_system, &before)?;
        }
        self.record(
            Marker {
                token,
                ..marker.clone()
            },
            site,
        )
    }

    /// Has a target tell the next batch, though it is empty.
    fn advance(&self, marker: Marker, site: &Site) -> Result<Marked, Failure> {
        let file_system = &*self.delivery.file_system;
        if let Some(token) = &marker.token {
            let file = site.advance(file_system, token, marker.batch + 1);
            let synced = file.and_then(|file| file.sync());
            synced.map_err(|error| cannot_write(&site.path, &error))?;
        }
        self.record(marker, site)
    }

    /// Lets the state know that a target tells the next batch, and is as it is to be.
    fn record(&self, marker: Marker, site: &Site) -> Result<Marked, Failure> {
        let Delivery {
            store,
            account,
            file_system,
            ..
        } = self.delivery;
        let seen = site.changed(&**file_system);
        let marker = Marker {
            batch: marker.batch + 1,
            seen: seen.map_err(|error| cannot_read(&site.path, &error))?,
            verdict: None,
            since: None,
            ..marker
        };
        store.mark(*account, &marker)?;
        Ok(Marked::new(site.clone(), marker.token, marker.batch))
    }

    /// Has messages fetched again that a target lacks, of those that it may lack.
    fn take_back(
        &self,
        marker: &Marker,
        site: &Site,
        may_lack: impl Fn(&Copied<'_>) -> bool,
        what: &str,
    ) -> Result<(), Failure> {
        let Delivery {
            store,
            account,
            file_system,
            clock,
            ..
        } = self.delivery;
        let target = &marker.target;
        let contents = Contents::of(&**file_system, target, site)?;
        let (mut lacking, mut gone, mut trouble) = (Vec::<Key>::new(), 0_u64, None);
        let visit = &mut |copy: Copied<'_>| {
            if !may_lack(&copy) {
                return;
            }
            match contents.has(copy.place) {
                Ok(true) => {}
                Ok(false) => {
                    gone += u64::from(copy.state == State::Gone);
                    lacking.push(copy.key.to_key());
                }
                Err(failure) => trouble = Some(failure),
            }
        };
        store.copies_in(*account, target, visit)?;
        if let Some(failure) = trouble {
            return Err(failure);
        }
        let keys = lacking.iter().map(Key::as_ref);
        let mut changes = keys.map(|key| Change::Lacking { key, target });
        store.apply(*account, clock.now(), &mut changes)?;
        if !lacking.is_empty() {
            let fetched = count(lacking.len() as u64 - gone);
            let message = match gone {
                0 => format!("{what}: what it lacks is fetched again, {fetched}"),
                _ => format!(
                    "{what}: what it lacks is fetched again, {fetched}; {} more had been deleted \
                     on the server",
                    count(gone)
                ),
            };
            let failure = Failure::new(Status::Temporary, message);
            self.delivery.event(Event::Warning { failure: &failure });
        }
        Ok(())
    }

    /// Settles what the user said of targets that are none of the account's any more.
    fn settle_what_the_user_gave_up(&mut self, today: &BTreeSet<Target>) -> Result<(), Failure> {
        let file_system = &*self.delivery.file_system;
        for marker in self.known.clone() {
            let is_given_up = matches!(marker.verdict, Some(Verdict::Accepted | Verdict::Emptied));
            if !is_given_up || today.contains(&marker.target) {
                continue;
            }
            let Some(site) = Site::of(&marker.target) else {
                continue;
            };
            let is_there = (site.changed(file_system)).is_ok_and(|changed| changed.is_some());
            if is_there {
                self.settle(&marker.target, None)?;
                continue;
            }
            if marker.verdict == Some(Verdict::Accepted) {
                let what = format!("{} was given up", site.path.display());
                self.take_back(&marker, &site, |_| true, &what)?;
            }
            let left = Marker {
                verdict: Some(Verdict::Left),
                ..marker
            };
            (self.delivery.store).mark(self.delivery.account, &left)?;
        }
        Ok(())
    }
}

/// The number that a target begins with.
const FIRST: u64 = 1;
/// The permissions of a marker, unless the user says otherwise.
const PRIVATE: u32 = 0o600;

/// Whether a marker is where it was left.
fn is_there(file_system: &dyn FileSystem, marker: &Marker) -> bool {
    let site = Site::of(&marker.target);
    let shown = site
        .zip(marker.token)
        .map(|(site, token)| site.read(file_system, &token));
    matches!(shown, Some(Ok(Some(_))))
}

/// Another state has delivered the same mail there.
fn foreign(site: &Site, shown: &Shown) -> Failure {
    let path = site.path.display();
    let message = format!(
        "{path} has mail of {} by another state: all of it would arrive again",
        shown.maildrop
    );
    Failure::new(Status::Temporary, message).hint(format!(
        "put that state back, or use it with --state FILE. If it is lost: \
         popfetch state accept-target {path}"
    ))
}
