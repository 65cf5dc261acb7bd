//! What the simulated parts share: the moment at which everything stops, the disk, the maildrop,
//! the time, and the story of it all.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::check::Place;
use super::disk::Disk;
use super::maildrop::{Asked, Maildrop};
use super::random::Random;
use super::sabotage::Sabotage;
use crate::clock::{Clock, Timestamp};

/// Everything outside of the engine. Clones are the same one.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<Inside>>);

pub(super) struct Inside {
    pub(super) random: Random,
    pub(super) disk: Disk,
    pub(super) maildrop: Maildrop,
    /// Where every message is to be, and on which disks that is.
    pub(super) places: Vec<Place>,
    pub(super) mounts: Vec<PathBuf>,
    /// The targets that the client can tell from others, as it has marked them.
    pub(super) marked: BTreeSet<PathBuf>,
    /// Disks that were formatted and whose targets were not accepted since.
    pub(super) emptied: BTreeSet<PathBuf>,
    /// Messages that a disk lost when the server had none any more.
    pub(super) lost: BTreeSet<(usize, PathBuf)>,
    pub(super) now: i64,
    pub(super) sabotage: Option<Sabotage>,
    /// What must never be, and was.
    pub(super) violations: Vec<String>,
    fault: Option<Fault>,
    /// How many operations the run has asked for.
    operations: usize,
    /// The process is dead: nothing that it does has an effect any more.
    pub(super) is_dead: bool,
    story: Option<Vec<String>>,
}

/// What goes wrong in a run on this machine, and at which operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) kind: FaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The process is killed; the system goes on, and so does what it has not written yet.
    Kill,
    /// The power goes.
    PowerLoss,
    /// The operation fails, and the ones behind it do not.
    Error(io::ErrorKind),
    /// A disk is not there any more.
    Away,
}

impl World {
    pub(super) fn new(
        random: Random,
        disk: Disk,
        maildrop: Maildrop,
        sabotage: Option<Sabotage>,
        tells: bool,
    ) -> Self {
        Self(Arc::new(Mutex::new(Inside {
            random,
            disk,
            maildrop,
            places: Vec::new(),
            mounts: Vec::new(),
            marked: BTreeSet::new(),
            emptied: BTreeSet::new(),
            lost: BTreeSet::new(),
            now: 1_800_000_000,
            sabotage,
            violations: Vec::new(),
            fault: None,
            operations: 0,
            is_dead: false,
            story: tells.then(Vec::new),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for an operation, and tells what came of it.
    pub(super) fn step(&self, what: impl FnOnce() -> String) -> Result<(), io::Error> {
        self.lock().step(what)
    }

    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        self.lock().tell(what);
    }
}

impl Inside {
    /// A run begins, in which this goes wrong.
    pub(super) fn begin(&mut self, fault: Option<Fault>) {
        self.fault = fault;
        self.operations = 0;
        self.is_dead = false;
        self.maildrop.asked = Asked::default();
    }

    /// How the process died, if it did.
    pub(super) fn death(&self) -> Option<FaultKind> {
        self.fault.map(|fault| fault.kind).filter(|_| self.is_dead)
    }

    pub(super) fn step(&mut self, what: impl FnOnce() -> String) -> Result<(), io::Error> {
        if self.is_dead {
            return Err(io::Error::other("the process is dead"));
        }
        self.operations += 1;
        self.disk.now = self.now;
        let fault = self.fault.filter(|fault| fault.at == self.operations);
        let operation = self.operations;
        self.tell(|| match fault {
            Some(Fault { kind, .. }) => format!("  {operation}. {}: {kind:?}", what()),
            None => format!("  {operation}. {}", what()),
        });
        match fault.map(|fault| fault.kind) {
            None => Ok(()),
            Some(FaultKind::Error(kind)) => Err(kind.into()),
            Some(FaultKind::Away) => {
                let mount = self.mounts[operation % self.mounts.len()].clone();
                self.take_away(&mount);
                Ok(())
            }
            Some(FaultKind::Kill | FaultKind::PowerLoss) => {
                self.is_dead = true;
                Err(io::Error::other("the process is dead"))
            }
        }
    }

    pub(super) fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(what());
        }
    }

    pub(super) fn story(&self) -> String {
        self.story.as_deref().unwrap_or_default().join("\n")
    }
}

/// The simulated time.
impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(self.lock().now)
    }
}
