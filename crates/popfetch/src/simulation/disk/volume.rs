//! What happens to a whole disk: it is not mounted, it comes back, it is set back to a backup, or
//! it is formatted anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Disk, Node, Tree};

/// What was on a disk once.
pub(super) struct Backup(BTreeMap<PathBuf, Node>);

impl Disk {
    /// Takes the disk away that is mounted here. Files that are open stay on it.
    pub(in super::super) fn take_away(&mut self, mount: &Path) {
        let tree = self.tree.split_off(mount);
        self.away.insert(mount.into(), tree);
    }

    /// Mounts it again. The files that got a content under its mount point meanwhile; nobody finds
    /// them any more.
    pub(in super::super) fn bring_back(&mut self, mount: &Path) -> Vec<PathBuf> {
        let Some(tree) = self.away.remove(mount) else {
            return Vec::new();
        };
        let hidden = self.tree.split_off(mount);
        self.tree.append(tree);
        let has_content = |node: usize| !self.content(node).is_empty();
        let written = hidden.names.into_iter();
        let written = written.filter(|&(_, node)| has_content(node));
        written.map(|(path, _)| path).collect()
    }

    pub(in super::super) fn is_away(&self, mount: &Path) -> bool {
        self.away.contains_key(mount)
    }

    /// Copies everything that is on a disk.
    pub(in super::super) fn back_up(&mut self, mount: &Path) {
        let names = (self.tree.names.iter()).filter(|(path, _)| is_below(mount, path));
        let copies = names.map(|(path, &node)| (path.clone(), self.nodes[node].durably()));
        let backup = Backup(copies.collect());
        self.backups.insert(mount.into(), backup);
    }

    pub(in super::super) fn has_backup(&self, mount: &Path) -> bool {
        self.backups.contains_key(mount)
    }

    pub(in super::super) fn throw_backup_away(&mut self, mount: &Path) {
        self.backups.remove(mount);
    }

    /// Puts a disk in the place of this one that has what the backup had, with the times of then
    /// or of now.
    pub(in super::super) fn restore(&mut self, mount: &Path, keeps_times: bool) {
        drop(self.tree.split_off(mount));
        let Some(Backup(copies)) = self.backups.get(mount) else {
            return;
        };
        for (path, copy) in copies {
            let mut node = copy.clone();
            if !keeps_times {
                (node.changed, node.changed_durably) = (self.now, self.now);
            }
            self.nodes.push(node);
            for names in [&mut self.tree.names, &mut self.tree.durable] {
                names.insert(path.clone(), self.nodes.len() - 1);
            }
        }
    }

    /// Puts an empty disk in the place of this one.
    pub(in super::super) fn format(&mut self, mount: &Path) {
        drop(self.tree.split_off(mount));
    }
}

impl Node {
    /// The same on another disk, to which everything was written.
    fn durably(&self) -> Self {
        let mut copy = self.clone();
        copy.changed_durably = copy.changed;
        if let Some(content) = &mut copy.content {
            content.durable.clone_from(&content.now);
            content.pending.clear();
        }
        copy
    }
}

impl Tree {
    /// Takes out what is below this directory.
    fn split_off(&mut self, root: &Path) -> Self {
        let split = |names: &mut BTreeMap<PathBuf, usize>| {
            let (below, others) = std::mem::take(names)
                .into_iter()
                .partition(|(path, _)| is_below(root, path));
            *names = others;
            below
        };
        let (below, others) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|naming| is_below(root, &naming.path));
        self.pending = others;
        Self {
            root: root.into(),
            names: split(&mut self.names),
            durable: split(&mut self.durable),
            pending: below,
        }
    }

    fn append(&mut self, mut other: Self) {
        self.names.append(&mut other.names);
        self.durable.append(&mut other.durable);
        self.pending.append(&mut other.pending);
    }
}

fn is_below(directory: &Path, path: &Path) -> bool {
    path != directory && path.starts_with(directory)
}
