//! What stays as it is while a seed is lived through.

use std::path::{Path, PathBuf};

use super::ONE_BATCH;
use super::check::Place;
use super::random::Random;
use super::server::Server;
use crate::deliver::Destination;
use crate::plan::Keep;

/// The directories that disks are mounted at.
pub(super) const DISKS: [&str; 2] = ["one", "two"];

/// What stays as it is while a seed is lived through.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) maildir: bool,
    pub(super) mbox: bool,
    /// Each has a disk of its own.
    pub(super) two_disks: bool,
    pub(super) keep: Keep,
    /// Messages of a batch.
    pub(super) batch: usize,
    pub(super) server: Server,
    /// Which of the owners of one Maildir this is.
    pub(super) owner: usize,
}

impl Setting {
    pub(super) fn draw(random: &mut Random) -> Self {
        let (maildir, mbox) = match random.below(4) {
            0 | 1 => (true, false),
            2 => (false, true),
            _ => (true, true),
        };
        Self {
            maildir,
            mbox,
            two_disks: random.once_in(2),
            keep: random.pick(&[Keep::None, Keep::None, Keep::Forever]),
            batch: ONE_BATCH,
            server: Server::draw(random),
            owner: 0,
        }
    }

    /// The disk that the mbox is on.
    fn mbox_disk(&self) -> &'static str {
        DISKS[usize::from(self.two_disks)]
    }

    /// Where disks are mounted.
    pub(super) fn mounts(&self, root: &Path) -> Vec<PathBuf> {
        let mounts = [(self.maildir, DISKS[0]), (self.mbox, self.mbox_disk())];
        let mut mounts: Vec<PathBuf> = (mounts.iter())
            .filter(|(is_used, _)| *is_used)
            .map(|(_, name)| root.join(name))
            .collect();
        mounts.dedup();
        mounts
    }

    /// Where messages go, for the checker and for the engine.
    pub(super) fn targets(&self, root: &Path) -> (Vec<Place>, Vec<Destination>) {
        let (maildir, mbox) = (
            root.join(DISKS[0]).join("mail"),
            root.join(self.mbox_disk()).join("mbox"),
        );
        let maildir = self.maildir.then(|| {
            let place = Place::Maildir(maildir.clone());
            (place, Destination::Maildir(maildir))
        });
        let mbox = (self.mbox).then(|| (Place::Mbox(mbox.clone()), Destination::Mbox(mbox)));
        maildir.into_iter().chain(mbox).unzip()
    }
}
