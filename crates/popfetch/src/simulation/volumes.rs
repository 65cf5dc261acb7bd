//! What happens to the disks that mail is delivered to, and what people do about it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Simulation;
use super::check::Place;
use super::disk::Disk;
use super::mail::Mail;
use super::maildrop::Maildrop;
use super::world::Inside;
use crate::clock::Timestamp;
use crate::state::{Marker, StateStore, Verdict};

impl Simulation {
    /// What happens to the disks until the next run.
    pub(super) fn change_disks(&mut self) {
        let mounts = self.world.lock().mounts.clone();
        for mount in mounts {
            let (what, keeps_times) = (self.random.below(24), self.random.once_in(2));
            let unfinished = self.store.inner.unfinished(self.account_id);
            let is_finished = unfinished.expect("the state can be read").is_empty();
            let mut inside = self.world.lock();
            if inside.disk.is_away(&mount) {
                if what < 12 {
                    inside.bring_back(&mount);
                }
                continue;
            }
            match what {
                0 => inside.take_away(&mount),
                // Nobody finds the half of a message that was in an mbox at that time.
                1..=3 if is_finished || !inside.has_mbox(&mount) => inside.back_up(&mount),
                4 | 5 => inside.restore(&mount, keeps_times),
                6 => inside.format(&mount),
                7..=9 => {
                    drop(inside);
                    self.accept(&mount);
                }
                _ => {}
            }
        }
    }

    /// Disks come back, and people accept what does not.
    pub(super) fn put_disks_right(&self) {
        let mounts = self.world.lock().mounts.clone();
        for mount in mounts {
            self.world.lock().bring_back(&mount);
            self.accept(&mount);
        }
    }

    /// Somebody says that the targets on a disk that was formatted are to be used as they are.
    fn accept(&self, mount: &Path) {
        let mut inside = self.world.lock();
        if !inside.emptied.remove(mount) {
            return;
        }
        inside.tell(|| format!("what is on {} is accepted", mount.display()));
        // There are to be new markers, of which it knows nothing.
        inside.marked.retain(|path| !path.starts_with(mount));
        inside.disk.throw_backup_away(mount);
        let now = inside.now;
        drop(inside);
        let markers = self.store.inner.markers(self.account_id);
        for marker in markers.expect("the state can be read") {
            let path = Path::new(OsStr::from_bytes(&marker.target.location));
            if path.starts_with(mount) {
                let accepted = Marker {
                    verdict: Some(Verdict::Accepted),
                    since: Some(Timestamp(now)),
                    ..marker
                };
                let marked = self.store.inner.mark(self.account_id, &accepted);
                marked.expect("the state can be written");
            }
        }
    }
}

impl Inside {
    /// Whether the client can tell this disk from others: it has marked every target there.
    fn is_marked(&self, mount: &Path) -> bool {
        let mut places = (self.places.iter()).filter(|place| place.path().starts_with(mount));
        places.all(|place| self.marked.contains(place.path()))
    }

    fn has_mbox(&self, mount: &Path) -> bool {
        let is_mbox = |place: &Place| matches!(place, Place::Mbox(path) if path.starts_with(mount));
        self.places.iter().any(is_mbox)
    }

    /// The disk is not there any more. Of one that is not marked nobody could know.
    pub(super) fn take_away(&mut self, mount: &Path) {
        if self.is_marked(mount) && !self.disk.is_away(mount) {
            self.tell(|| format!("  the disk at {} is away", mount.display()));
            self.disk.take_away(mount);
        }
    }

    fn bring_back(&mut self, mount: &Path) {
        if !self.disk.is_away(mount) {
            return;
        }
        self.tell(|| format!("the disk at {} is back", mount.display()));
        let hidden = self.disk.bring_back(mount);
        if !hidden.is_empty() {
            let violation = format!("under the mount point of a disk was written {hidden:?}");
            self.violations.push(violation);
        }
    }

    fn back_up(&mut self, mount: &Path) {
        // Nobody could know a disk without a marker for a backup of this one.
        if self.is_marked(mount) && !self.emptied.contains(mount) {
            self.tell(|| format!("the disk at {} is copied", mount.display()));
            self.disk.back_up(mount);
        }
    }

    fn restore(&mut self, mount: &Path, keeps_times: bool) {
        if self.disk.has_backup(mount) {
            self.tell(|| format!("the disk at {} is set back", mount.display()));
            self.replace(mount, |disk| disk.restore(mount, keeps_times));
            self.emptied.remove(mount);
        }
    }

    fn format(&mut self, mount: &Path) {
        self.tell(|| format!("the disk at {} is formatted", mount.display()));
        self.replace(mount, |disk| disk.format(mount));
        self.emptied.insert(mount.into());
    }

    /// Another disk takes the place of this one. What the server has no more and this one lacks is
    /// lost.
    fn replace(&mut self, mount: &Path, replace: impl FnOnce(&mut Disk)) {
        replace(&mut self.disk);
        let Maildrop { all, messages, .. } = &self.maildrop;
        let is_left = |mail: &&Mail| messages.iter().any(|left| left.number == mail.number);
        for mail in all.iter().filter(|mail| !is_left(mail)) {
            let places = (self.places.iter()).filter(|place| place.path().starts_with(mount));
            let lost = places.filter(|place| !place.shows(&self.disk, mail));
            (self.lost).extend(lost.map(|place| (mail.number, place.path().into())));
        }
    }

    /// Whether a disk lost this message when the server had none any more.
    pub(super) fn is_lost(&self, place: &Place, mail: &Mail) -> bool {
        self.lost.contains(&(mail.number, place.path().into()))
    }
}
