//! The writer of a Maildir without the disk, for `benches/micro`: all the work that is ours.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::batch::Batch;
use super::queue::Bounds;
use super::recognition::Recognition;
use super::{Delivery, Destinations, Stored, Targets, Ticket};
use crate::clock::{Clock, Timestamp};
use crate::failure::Failure;
use crate::fs::{FileSystem, Group, OutputFile, SharedFile};
use crate::jobs::Limits;
use crate::key::Key;
use crate::report::{Event, Report};
use crate::state::{Claim, SqliteStore};

/// What travels from the session to the writer at once.
const PIECE: usize = 128 * 1024;

/// Delivers so many messages with this content as one batch, and records them in a state in
/// memory. How many were stored.
///
/// # Errors
/// What can go wrong with a delivery. Nothing of it does.
pub fn deliver(messages: u32, content: &[u8]) -> Result<usize, String> {
    delivered(messages, content).map_err(|failure| failure.to_string())
}

fn delivered(messages: u32, content: &[u8]) -> Result<usize, Failure> {
    let delivery = delivery()?;
    let (mut batch, mut recognition) = (Batch::default(), Recognition::default());
    let mut octets = Vec::new();
    for number in 1..=messages {
        let mut incoming = delivery.begin(&batch, ticket(number))?;
        for piece in content.chunks(PIECE) {
            octets.clear();
            octets.extend_from_slice(piece);
            incoming.write(&mut octets)?;
        }
        delivery.finish(&mut batch, incoming, &mut recognition)?;
    }
    let mut stored = Stored::default();
    delivery.commit(batch, &mut stored)?;
    Ok(stored.positions.len())
}

fn delivery() -> Result<Delivery, Failure> {
    let store = SqliteStore::in_memory()?;
    let claim = Claim::of(store.meet("me")?);
    let file_system: Arc<dyn FileSystem> = Arc::new(Nowhere);
    let destinations = Destinations::maildir(Path::new(MAILDIR));
    let delivery = Delivery {
        store: Arc::new(store),
        account: claim.account,
        claim,
        account_name: "me".into(),
        maildrop: "me".into(),
        targets: Targets::default(),
        file_system,
        clock: Arc::new(Nowhere),
        report: Arc::new(Nowhere),
        bounds: Bounds::of(Limits::default()),
    };
    delivery.open(&destinations)
}

fn ticket(number: u32) -> Ticket {
    let key = Key::of_unique_id(format!("{number:016x}").as_bytes(), 1);
    Ticket::new(number - 1, number, key)
}

const MAILDIR: &str = "/mail";

/// Where everything is taken and nothing kept, and the time stands still.
struct Nowhere;

impl FileSystem for Nowhere {
    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn is_directory(&self, _: &Path) -> io::Result<bool> {
        Ok(true)
    }

    fn changed(&self, _: &Path) -> io::Result<i64> {
        Ok(0)
    }

    fn exists(&self, _: &Path) -> io::Result<bool> {
        Ok(false)
    }

    fn names(&self, _: &Path) -> io::Result<Vec<OsString>> {
        Ok(Vec::new())
    }

    /// No marker: it could not be read again.
    fn create(&self, path: &Path, _: u32) -> io::Result<Box<dyn OutputFile>> {
        match path.parent() == Some(Path::new(MAILDIR)) {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => Ok(Box::new(Self)),
        }
    }

    fn open_shared(&self, _: &Path, _: Option<u32>) -> io::Result<Box<dyn SharedFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn group(&self, _: &Path) -> io::Result<Option<Box<dyn Group>>> {
        Ok(Some(Box::new(Self)))
    }
}

impl OutputFile for Nowhere {
    fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Group for Nowhere {
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Clock for Nowhere {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000)
    }
}

impl Report for Nowhere {
    fn report(&self, _: &str, _: Event<'_>) {}
}
