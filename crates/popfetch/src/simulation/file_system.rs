//! The simulated disk behind the trait that the engine asks, every operation of which may fail or
//! be the last one.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::sabotage::Sabotage;
use super::world::World;
use crate::fs::{FileSystem, Group, OutputFile, SharedFile};

/// The file system of a world.
pub(super) struct SimulatedFileSystem {
    pub(super) world: World,
    /// Whether many files can be made durable at once.
    pub(super) has_groups: bool,
}

impl FileSystem for SimulatedFileSystem {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut inside = self.world.lock();
        inside.step(|| format!("make the directory {}", name(path)))?;
        inside.disk.create(path, false).map(|_| ())
    }

    fn is_directory(&self, path: &Path) -> io::Result<bool> {
        self.world.lock().disk.is_directory(path)
    }

    fn changed(&self, path: &Path) -> io::Result<i64> {
        let mut inside = self.world.lock();
        inside.step(|| format!("ask when {} was changed", name(path)))?;
        inside.disk.changed(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut inside = self.world.lock();
        inside.step(|| format!("look for {}", name(path)))?;
        let is_hidden = inside.sabotage == Some(Sabotage::TmpIgnored) && is_in(path, "tmp");
        Ok(inside.disk.node(path).is_ok() && !is_hidden)
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let mut inside = self.world.lock();
        inside.step(|| format!("list {}", name(directory)))?;
        inside.disk.node(directory)?;
        Ok(inside.disk.names(directory))
    }

    fn create(&self, path: &Path, _: u32) -> io::Result<Box<dyn OutputFile>> {
        let mut inside = self.world.lock();
        inside.step(|| format!("create {}", name(path)))?;
        let node = inside.disk.create(path, true)?;
        Ok(Box::new(self.open(node)))
    }

    fn open_shared(&self, path: &Path, mode: Option<u32>) -> io::Result<Box<dyn SharedFile>> {
        let mut inside = self.world.lock();
        inside.step(|| format!("open {}", name(path)))?;
        let node = match (inside.disk.node(path), mode) {
            (Err(_), Some(_)) => inside.disk.create(path, true)?,
            (node, _) => node?,
        };
        Ok(Box::new(self.open(node)))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inside = self.world.lock();
        inside.step(|| format!("remove {}", name(path)))?;
        inside.disk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inside = self.world.lock();
        inside.step(|| format!("rename {} to {}", name(from), name(to)))?;
        inside.disk.rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut inside = self.world.lock();
        inside.step(|| format!("make the names in {} durable", name(path)))?;
        inside.disk.node(path)?;
        let is_ignored = match inside.sabotage {
            Some(Sabotage::TmpNotDurable) => path.ends_with("tmp"),
            Some(Sabotage::NewNotDurable) => path.ends_with("new"),
            Some(Sabotage::PlaceNotDurable) => !path.ends_with("tmp") && !path.ends_with("new"),
            _ => false,
        };
        if !is_ignored {
            inside.disk.sync_directory(path);
        }
        Ok(())
    }

    fn group(&self, directory: &Path) -> io::Result<Option<Box<dyn Group>>> {
        let group = || {
            let (world, directory) = (self.world.clone(), directory.into());
            Box::new(Everything { world, directory }) as Box<dyn Group>
        };
        Ok(self.has_groups.then(group))
    }
}

impl SimulatedFileSystem {
    fn open(&self, node: usize) -> SimulatedFile {
        SimulatedFile {
            world: self.world.clone(),
            node,
            end: 0,
        }
    }
}

fn is_in(path: &Path, directory: &str) -> bool {
    (path.parent()).is_some_and(|parent| parent.ends_with(directory))
}

/// The last two parts of a path, which is all that tells it from others here.
fn name(path: &Path) -> String {
    let mut parts: Vec<_> = (path.iter().rev().take(2))
        .map(|part| part.to_string_lossy())
        .collect();
    parts.reverse();
    parts.join("/")
}

struct SimulatedFile {
    world: World,
    node: usize,
    /// Where the next octets of an [`OutputFile`] go.
    end: usize,
}

impl SimulatedFile {
    /// Where it fails, a part may have been written.
    fn put(&self, octets: &[u8], offset: usize) -> io::Result<()> {
        let mut inside = self.world.lock();
        let was_dead = inside.is_dead;
        let stepped = inside.step(|| format!("write {} octets at {offset}", octets.len()));
        let written = match (&stepped, was_dead) {
            (Ok(()), _) => octets.len(),
            (Err(_), false) => inside.random.below(octets.len() + 1),
            (Err(_), true) => 0,
        };
        inside.disk.write(self.node, offset, &octets[..written]);
        stepped
    }

    fn make_durable(&self, is_ignored: impl Fn(Sabotage) -> bool) -> io::Result<()> {
        let mut inside = self.world.lock();
        let was_dead = inside.is_dead;
        let stepped = inside.step(|| "make a content durable".into());
        match stepped {
            Ok(()) if inside.sabotage.is_some_and(is_ignored) => {}
            Ok(()) => inside.disk.sync(self.node),
            Err(_) if was_dead || inside.is_dead => {}
            Err(_) => inside.disk.forget(self.node),
        }
        stepped
    }
}

impl OutputFile for SimulatedFile {
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        if octets.is_empty() {
            return Ok(());
        }
        self.put(octets, self.end)?;
        self.end += octets.len();
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.make_durable(|sabotage| sabotage == Sabotage::ContentNotDurable)
    }
}

impl SharedFile for SimulatedFile {
    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        Ok(self.world.lock().disk.node(path).ok() == Some(self.node))
    }

    fn length(&self) -> io::Result<u64> {
        let mut inside = self.world.lock();
        inside.step(|| "ask for the length".into())?;
        Ok(inside.disk.content(self.node).len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut inside = self.world.lock();
        inside.step(|| format!("read at {offset}"))?;
        let content = inside.disk.content(self.node);
        let rest = &content[to_index(offset).min(content.len())..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        match octets {
            b"" => Ok(()),
            _ => self.put(octets, to_index(offset)),
        }
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut inside = self.world.lock();
        inside.step(|| format!("truncate to {length}"))?;
        if inside.sabotage != Some(Sabotage::MboxNotCut) {
            inside.disk.truncate(self.node, to_index(length));
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.make_durable(|sabotage| sabotage == Sabotage::MboxNotDurable)
    }
}

fn to_index(offset: u64) -> usize {
    usize::try_from(offset).expect("files are small here")
}

struct Everything {
    world: World,
    /// On the file system that everything is on.
    directory: PathBuf,
}

impl Group for Everything {
    fn sync(&self) -> io::Result<()> {
        let mut inside = self.world.lock();
        inside.step(|| "make everything durable".into())?;
        if inside.sabotage != Some(Sabotage::ContentNotDurable) {
            inside.disk.sync_everything(&self.directory);
        }
        Ok(())
    }
}
