//! What stays as it is while a seed is lived through.

use std::path::Path;

use super::ONE_BATCH;
use super::check::Place;
use super::random::Random;
use super::server::Server;
use crate::deliver::Destination;
use crate::plan::Keep;

/// What stays as it is while a seed is lived through.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) maildir: bool,
    pub(super) mbox: bool,
    pub(super) keep: Keep,
    /// Messages of a batch.
    pub(super) batch: usize,
    pub(super) server: Server,
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
            keep: random.pick(&[Keep::None, Keep::None, Keep::Forever]),
            batch: ONE_BATCH,
            server: Server::draw(random),
        }
    }

    /// Where messages go, for the checker and for the engine.
    pub(super) fn targets(&self, root: &Path) -> (Vec<Place>, Vec<Destination>) {
        let (maildir, mbox) = (root.join("mail"), root.join("mbox"));
        let maildir = self.maildir.then(|| {
            let place = Place::Maildir(maildir.clone());
            (place, Destination::Maildir(maildir))
        });
        let mbox = (self.mbox).then(|| (Place::Mbox(mbox.clone()), Destination::Mbox(mbox)));
        maildir.into_iter().chain(mbox).unzip()
    }
}
