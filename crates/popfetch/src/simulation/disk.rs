//! What is on the disks, and what only seems to be: contents and names that a loss of power may
//! take back, each on its own, as POSIX allows.

mod volume;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use self::volume::Backup;
use super::random::Random;

pub(super) struct Disk {
    nodes: Vec<Node>,
    /// What paths lead to.
    tree: Tree,
    /// Disks that are not mounted, by their mount points.
    away: BTreeMap<PathBuf, Tree>,
    backups: BTreeMap<PathBuf, Backup>,
    /// The time of the disk's clock, in seconds.
    pub(super) now: i64,
}

/// The names in a directory and below it.
struct Tree {
    /// The directory, which is always there.
    root: PathBuf,
    /// What goes by which name: for programs, and after the worst loss of power.
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// Changes of names that are not durable, in their order.
    pending: Vec<Naming>,
}

/// A file, or a directory if it has no content.
#[derive(Clone)]
struct Node {
    content: Option<Content>,
    /// When it was changed last: for programs, and after the worst loss of power.
    changed: i64,
    changed_durably: i64,
}

impl Node {
    fn new(content: Option<Content>, now: i64) -> Self {
        Self {
            content,
            changed: now,
            changed_durably: now,
        }
    }
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Edit>,
}

#[derive(Clone)]
enum Edit {
    Write { offset: usize, octets: Vec<u8> },
    Truncate(usize),
}

/// A name that was given or taken away.
#[derive(Clone)]
struct Naming {
    path: PathBuf,
    node: Option<usize>,
    /// What was taken away here is there now: a rename never makes both names vanish by itself.
    moved_to: Option<PathBuf>,
}

/// What a loss of power takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    Everything,
    Some,
    Nothing,
}

impl Disk {
    /// A disk with one directory, and these mount points in it.
    pub(super) fn new(root: &Path, mounts: &[PathBuf]) -> Self {
        let directories = [root]
            .into_iter()
            .chain(mounts.iter().map(PathBuf::as_path));
        let names: BTreeMap<PathBuf, usize> = directories.map(Path::to_owned).zip(0..).collect();
        Self {
            nodes: vec![Node::new(None, 0); names.len()],
            tree: Tree {
                root: root.into(),
                durable: names.clone(),
                names,
                pending: Vec::new(),
            },
            away: BTreeMap::new(),
            backups: BTreeMap::new(),
            now: 0,
        }
    }

    pub(super) fn create(&mut self, path: &Path, is_file: bool) -> io::Result<usize> {
        if self.tree.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let parent = path.parent().ok_or(io::ErrorKind::NotFound)?;
        self.node(parent)?;
        let content = is_file.then(Content::default);
        self.nodes.push(Node::new(content, self.now));
        let node = self.nodes.len() - 1;
        self.name(path, Some(node), None);
        Ok(node)
    }

    pub(super) fn node(&self, path: &Path) -> io::Result<usize> {
        let found = self.tree.names.get(path).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn is_directory(&self, path: &Path) -> io::Result<bool> {
        Ok(self.nodes[self.node(path)?].content.is_none())
    }

    /// When a file or directory was changed last, in nanoseconds.
    pub(super) fn changed(&self, path: &Path) -> io::Result<i64> {
        Ok(self.nodes[self.node(path)?].changed * 1_000_000_000)
    }

    pub(super) fn names(&self, directory: &Path) -> Vec<OsString> {
        (self.tree.names.keys())
            .filter(|path| path.parent() == Some(directory))
            .filter_map(|path| Some(path.file_name()?.to_owned()))
            .collect()
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.node(path)?;
        self.name(path, None, None);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let node = self.node(from)?;
        self.name(to, Some(node), None);
        self.name(from, None, Some(to.into()));
        Ok(())
    }

    fn name(&mut self, path: &Path, node: Option<usize>, moved_to: Option<PathBuf>) {
        match node {
            Some(node) => self.tree.names.insert(path.into(), node),
            None => self.tree.names.remove(path),
        };
        self.touch(path.parent());
        self.tree.pending.push(Naming {
            path: path.into(),
            node,
            moved_to,
        });
    }

    fn touch(&mut self, directory: Option<&Path>) {
        if let Some(&node) = directory.and_then(|directory| self.tree.names.get(directory)) {
            self.nodes[node].changed = self.now;
        }
    }

    fn file(&mut self, node: usize) -> &mut Content {
        (self.nodes[node].content.as_mut()).expect("files are opened only")
    }

    pub(super) fn content(&self, node: usize) -> &[u8] {
        let content = self.nodes[node].content.as_ref();
        content.map_or(b"", |content| &content.now)
    }

    pub(super) fn write(&mut self, node: usize, offset: usize, octets: &[u8]) {
        self.edit(
            node,
            Edit::Write {
                offset,
                octets: octets.into(),
            },
        );
    }

    pub(super) fn truncate(&mut self, node: usize, length: usize) {
        self.edit(node, Edit::Truncate(length));
    }

    fn edit(&mut self, node: usize, edit: Edit) {
        let content = self.file(node);
        edit.apply(&mut content.now);
        content.pending.push(edit);
        self.nodes[node].changed = self.now;
    }

    /// Makes a content durable.
    pub(super) fn sync(&mut self, node: usize) {
        self.file(node).sync();
        self.nodes[node].changed_durably = self.nodes[node].changed;
    }

    /// An attempt to do that failed: what was not written is clean from now on, and is not going
    /// to be written any more. Lengths are the file system's own, and are.
    pub(super) fn forget(&mut self, node: usize) {
        let pending = &mut self.file(node).pending;
        pending.retain(|edit| matches!(edit, Edit::Truncate(_)));
    }

    /// Makes the names in a directory durable.
    pub(super) fn sync_directory(&mut self, directory: &Path) {
        self.tree.sync_directory(directory);
        if let Some(&node) = self.tree.names.get(directory) {
            self.nodes[node].changed_durably = self.nodes[node].changed;
        }
    }

    /// Makes everything durable that is on the file system of this directory, wherever it is now.
    pub(super) fn sync_everything(&mut self, directory: &Path) {
        let away = self.away.values_mut();
        let tree = away
            .into_iter()
            .find(|tree| directory.starts_with(&tree.root));
        let tree = tree.unwrap_or(&mut self.tree);
        for &node in tree.names.values() {
            let node = &mut self.nodes[node];
            if let Some(content) = &mut node.content {
                content.sync();
            }
            node.changed_durably = node.changed;
        }
        tree.durable.clone_from(&tree.names);
        tree.pending.clear();
    }

    /// Loses some of what is not durable.
    pub(super) fn lose_power(&mut self, loss: Loss, random: &mut Random) {
        self.tree.lose(loss, random);
        for tree in self.away.values_mut() {
            tree.lose(loss, random);
        }
        for node in &mut self.nodes {
            if let Some(content) = &mut node.content {
                content.lose(loss, random);
            }
            node.changed = node.changed_durably;
        }
    }

    /// A mail program takes away what lies under `tmp/` for too long.
    pub(super) fn sweep(&mut self, tmp: &Path) {
        for name in self.names(tmp) {
            self.name(&tmp.join(name), None, None);
        }
    }

    /// A mail program shows the new messages of a Maildir, and takes care of its own renames.
    pub(super) fn read_mail(&mut self, maildir: &Path) {
        for name in self.names(&maildir.join("new")) {
            let mut seen = name.clone();
            seen.push(":2,S");
            let (new, seen) = (
                maildir.join("new").join(name),
                maildir.join("cur").join(seen),
            );
            if self.tree.is_durable(&new) && self.tree.has_durable_parents(&seen) {
                for names in [&mut self.tree.names, &mut self.tree.durable] {
                    let node = names.remove(&new).expect("it is there");
                    names.insert(seen.clone(), node);
                }
                for directory in ["new", "cur"] {
                    self.touch(Some(&maildir.join(directory)));
                }
            }
        }
    }

    /// The contents of the files in a directory that the worst loss of power leaves, on whatever
    /// disk it is.
    pub(super) fn durable_files(&self, directory: &Path) -> Vec<&[u8]> {
        let tree = self.tree_of(directory);
        let files = (tree.durable.iter())
            .filter(|(path, _)| path.parent() == Some(directory) && tree.has_durable_parents(path));
        files
            .filter_map(|(_, &node)| self.durable_of(node))
            .collect()
    }

    /// The content of a file that the worst loss of power leaves, on whatever disk it is.
    pub(super) fn durable_file(&self, path: &Path) -> Option<&[u8]> {
        self.durable_of(*self.tree_of(path).durable.get(path)?)
    }

    fn tree_of(&self, path: &Path) -> &Tree {
        let away = self.away.values().find(|tree| path.starts_with(&tree.root));
        away.unwrap_or(&self.tree)
    }

    fn durable_of(&self, node: usize) -> Option<&[u8]> {
        Some(&self.nodes[node].content.as_ref()?.durable)
    }
}

impl Tree {
    fn sync_directory(&mut self, directory: &Path) {
        let (here, elsewhere) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|naming: &Naming| naming.path.parent() == Some(directory));
        self.pending = elsewhere;
        here.into_iter().for_each(|naming| self.settle(naming));
    }

    fn settle(&mut self, naming: Naming) {
        match naming.node {
            Some(node) => self.durable.insert(naming.path, node),
            None => self.durable.remove(&naming.path),
        };
    }

    /// Loses some of the names that are not durable.
    fn lose(&mut self, loss: Loss, random: &mut Random) {
        let mut survives = |_: &Naming| match loss {
            Loss::Everything => false,
            Loss::Some => random.once_in(2),
            Loss::Nothing => true,
        };
        let mut lost: Vec<PathBuf> = Vec::new();
        for naming in std::mem::take(&mut self.pending) {
            let is_torn = (naming.moved_to.as_ref()).is_some_and(|to| lost.contains(to));
            if survives(&naming) && !is_torn {
                lost.retain(|path| *path != naming.path);
                self.settle(naming);
            } else {
                lost.push(naming.path);
            }
        }
        // What stood in a directory that is gone is gone, too.
        let paths = self.durable.keys().cloned();
        let orphans: Vec<PathBuf> = paths
            .filter(|path| !self.has_durable_parents(path))
            .collect();
        for path in orphans {
            self.durable.remove(&path);
        }
        self.names.clone_from(&self.durable);
    }

    fn is_durable(&self, path: &Path) -> bool {
        self.durable.contains_key(path)
    }

    /// Whether every directory above this one survives the worst loss of power.
    fn has_durable_parents(&self, path: &Path) -> bool {
        let mut above = (path.ancestors().skip(1)).take_while(|above| *above != self.root);
        path == self.root || above.all(|directory| self.is_durable(directory))
    }
}

impl Content {
    fn sync(&mut self) {
        for edit in self.pending.drain(..) {
            edit.apply(&mut self.durable);
        }
    }

    /// Edits are written or not in any order, the last of them perhaps in part; and a file may
    /// have become longer before there is anything in it.
    fn lose(&mut self, loss: Loss, random: &mut Random) {
        for edit in std::mem::take(&mut self.pending) {
            match (loss, edit) {
                (Loss::Everything, _) => {}
                (Loss::Nothing, edit) => edit.apply(&mut self.durable),
                (Loss::Some, Edit::Truncate(length)) if random.once_in(2) => {
                    Edit::Truncate(length).apply(&mut self.durable);
                }
                (Loss::Some, Edit::Write { offset, octets }) => match random.below(4) {
                    0 => {}
                    1 => Edit::Truncate(self.durable.len().max(offset + octets.len()))
                        .apply(&mut self.durable),
                    2 => {
                        let part = octets[..random.below(octets.len() + 1)].into();
                        let octets = part;
                        Edit::Write { offset, octets }.apply(&mut self.durable);
                    }
                    _ => Edit::Write { offset, octets }.apply(&mut self.durable),
                },
                (Loss::Some, Edit::Truncate(_)) => {}
            }
        }
        self.now.clone_from(&self.durable);
    }
}

impl Edit {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, octets } => {
                let end = offset + octets.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(octets);
            }
            Self::Truncate(length) => content.resize(*length, 0),
        }
    }
}
