//! Whether SQLite may map a file into memory here.
//!
//! A write-ahead log comes with a file that all processes have mapped. Where there is no room for
//! one of its pages at the moment in which it is written, the system kills the process (SIGBUS), and
//! SQLite can do nothing about it. It makes room beforehand, by blocks of 4 KiB: that is of no use
//! where blocks are smaller, as on small disks, or where each write takes a new block. There the
//! state has a rollback journal, which is not mapped and takes a little longer.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rusqlite::Connection;

/// Where the file's header tells which journal it has, and what it tells of a write-ahead log.
const JOURNAL: u64 = 18;
const WRITE_AHEAD: u8 = 2;

/// How SQLite makes changes to the file at this path safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Journal {
    /// By a write-ahead log, which is mapped.
    WriteAhead,
    /// By a rollback journal.
    Rollback,
}

impl Journal {
    /// The one that is safe where this file is.
    pub(super) fn at(path: &Path) -> Self {
        match may_be_mapped(path) {
            true => Self::WriteAhead,
            false => Self::Rollback,
        }
    }

    /// Keeps SQLite from mapping anything, before it reads the file for the first time.
    pub(super) fn begin(self, connection: &Connection, path: &Path) -> rusqlite::Result<()> {
        // Alone with the file, SQLite needs no memory that it shares.
        match self == Self::Rollback && is_write_ahead(path).unwrap_or(false) {
            true => connection.pragma_update(None, "locking_mode", "exclusive"),
            false => Ok(()),
        }
    }

    /// Has the file have this journal from now on.
    pub(super) fn set(self, connection: &Connection) -> rusqlite::Result<()> {
        match self {
            Self::WriteAhead => connection.pragma_update(None, "journal_mode", "wal"),
            Self::Rollback => {
                connection.pragma_update(None, "journal_mode", "truncate")?;
                connection.pragma_update(None, "locking_mode", "normal")?;
                // With the next access the others may come in again.
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
            }
        }
    }
}

fn is_write_ahead(path: &Path) -> io::Result<bool> {
    let mut journal = [0];
    File::open(path)?.read_exact_at(&mut journal, JOURNAL)?;
    Ok(journal == [WRITE_AHEAD])
}

#[cfg(target_os = "linux")]
fn may_be_mapped(path: &Path) -> bool {
    /// File systems that never write to the same block twice.
    const COPYING: [u32; 5] = [
        0x9123_683e, // btrfs
        0xf2f5_2010, // F2FS
        0x2fc1_2fc1, // ZFS
        0xca45_1a4e, // bcachefs
        0x0000_3434, // NILFS
    ];
    const BLOCK: u64 = 4096;
    // Where it cannot be told, it is an ordinary one.
    rustix::fs::statfs(path).is_ok_and(|found| {
        let kind = u32::try_from(found.f_type).unwrap_or(0);
        let block = u64::try_from(found.f_bsize).unwrap_or(BLOCK);
        block >= BLOCK && !COPYING.contains(&kind)
    })
}

#[cfg(not(target_os = "linux"))]
fn may_be_mapped(_: &Path) -> bool {
    true
}
