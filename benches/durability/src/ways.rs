//! The ways to make files durable that were written in one directory, and their names there.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::thread;

use io_uring::{IoUring, opcode, types};

/// How files come to be durable and to have their last names.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// They have a name from the beginning, and are renamed when this has made them durable. It takes
    /// the directory, which was open before the files were written, and the files.
    Renamed(fn(&File, &[File]) -> io::Result<()>),
    /// They get their first name when syncfs(2) has made them durable.
    NamedLast,
}

/// Each with its name.
pub(crate) const WAYS: [(&str, Way); 7] = [
    (
        "one fsync after another",
        Way::Renamed(|tmp, files| {
            fsync_each(files)?;
            tmp.sync_all()
        }),
    ),
    (
        "fsync on 2 threads",
        Way::Renamed(|tmp, files| {
            fsync_on_threads(2, files)?;
            tmp.sync_all()
        }),
    ),
    (
        "on 8",
        Way::Renamed(|tmp, files| {
            fsync_on_threads(8, files)?;
            tmp.sync_all()
        }),
    ),
    (
        "on 32",
        Way::Renamed(|tmp, files| {
            fsync_on_threads(32, files)?;
            tmp.sync_all()
        }),
    ),
    (
        "fsync by io_uring",
        Way::Renamed(|tmp, files| {
            fsync_by_ring(files)?;
            tmp.sync_all()
        }),
    ),
    // It brings the names along.
    (
        "syncfs",
        Way::Renamed(|tmp, _| Ok(rustix::fs::syncfs(tmp)?)),
    ),
    ("syncfs, named last", Way::NamedLast),
];

fn fsync_each(files: &[File]) -> io::Result<()> {
    files.iter().try_for_each(File::sync_all)
}

fn fsync_on_threads(threads: usize, files: &[File]) -> io::Result<()> {
    thread::scope(|scope| {
        let shares = files.chunks(files.len().div_ceil(threads));
        let running: Vec<_> = shares
            .map(|share| scope.spawn(|| fsync_each(share)))
            .collect();
        running
            .into_iter()
            .try_for_each(|thread| thread.join().expect("it does not panic"))
    })
}

/// How many calls are handed to the kernel at once.
const ENTRIES: usize = 1024;

fn fsync_by_ring(files: &[File]) -> io::Result<()> {
    let mut ring = IoUring::new(ENTRIES as u32)?;
    for batch in files.chunks(ENTRIES) {
        for file in batch {
            let call = opcode::Fsync::new(types::Fd(file.as_raw_fd())).build();
            // SAFETY: the call has no buffer, and its file is open until all are completed.
            unsafe { ring.submission().push(&call) }.expect("a batch fits in");
        }
        ring.submit_and_wait(batch.len())?;
        for done in ring.completion() {
            if done.result() < 0 {
                return Err(io::Error::from_raw_os_error(-done.result()));
            }
        }
    }
    Ok(())
}
