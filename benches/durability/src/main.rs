//! Makes many small files durable in different ways, each with the same guarantee: when it is done,
//! every file is whole under its last name, whatever happens to the power.
//!
//!     durability DIRECTORY ROUNDS OTHERS FILES...
//!
//! writes so many FILES of 4 KiB in each way in turn, ROUNDS times, and prints the medians. Before
//! each, OTHERS MiB are written that nobody wants durable, as by another program. Nothing is
//! deleted: ext4 is slow for minutes where many files were.

mod ways;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use ways::{WAYS, Way};

const OCTETS: usize = 4096;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, rounds, others, counts @ ..] = arguments.as_slice() else {
        return Err(io::Error::other(
            "durability DIRECTORY ROUNDS OTHERS FILES...",
        ));
    };
    let (rounds, others) = (number(rounds)?, number(others)?);
    open_as_many_as_allowed()?;
    println!("Milliseconds; in brackets beside one fsync after another.\n");
    println!("| files | {} |", WAYS.map(|(name, _)| name).join(" | "));
    println!("|---|{}", "---|".repeat(WAYS.len()));
    for count in counts {
        let count = number(count)?;
        let place = Path::new(directory).join(count.to_string());
        let medians = measure(&place, rounds, others, count)?;
        let cells = medians.map(|median| {
            let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
            format!("{:.1} ({ratio:.2})", median.as_secs_f64() * 1e3)
        });
        println!("| {count} | {} |", cells.join(" | "));
    }
    Ok(())
}

fn number(argument: &str) -> io::Result<usize> {
    argument.parse().map_err(io::Error::other)
}

/// All files of a group stay open until they are durable.
fn open_as_many_as_allowed() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// The median of each way.
fn measure(
    place: &Path,
    rounds: usize,
    others: usize,
    count: usize,
) -> io::Result<[Duration; WAYS.len()]> {
    let mut times = WAYS.map(|_| Vec::new());
    for round in 0..rounds {
        for (number, (_, way)) in WAYS.iter().enumerate() {
            let place = place.join(format!("{round}-{number}"));
            let mailbox = Mailbox::new(&place)?;
            // What others wrote before is no part of it.
            rustix::fs::sync();
            dirty(&place.join("others"), others)?;
            let begun = Instant::now();
            mailbox.fill(count, *way)?;
            times[number].push(begun.elapsed());
        }
    }
    Ok(times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    }))
}

fn dirty(path: &Path, mebibytes: usize) -> io::Result<()> {
    let mut file = File::create(path)?;
    (0..mebibytes).try_for_each(|_| file.write_all(&[b'o'; 1 << 20]))
}

/// A directory where files are written, and another where they go when they are durable.
struct Mailbox {
    tmp: PathBuf,
    new: PathBuf,
}

impl Mailbox {
    fn new(place: &Path) -> io::Result<Self> {
        let (tmp, new) = (place.join("tmp"), place.join("new"));
        fs::create_dir_all(&tmp)?;
        fs::create_dir(&new)?;
        Ok(Self { tmp, new })
    }

    fn fill(&self, count: usize, way: Way) -> io::Result<()> {
        let tmp = File::open(&self.tmp)?;
        let files = (0..count)
            .map(|name| {
                let mut file = match way {
                    Way::Renamed(_) => File::create_new(self.tmp.join(name.to_string()))?,
                    Way::NamedLast => unnamed(&tmp)?,
                };
                file.write_all(&[b'x'; OCTETS])?;
                Ok(file)
            })
            .collect::<io::Result<Vec<_>>>()?;
        match way {
            Way::Renamed(make_durable) => make_durable(&tmp, &files)?,
            Way::NamedLast => rustix::fs::syncfs(&tmp)?,
        }
        for (name, file) in files.iter().enumerate() {
            let name = name.to_string();
            match way {
                Way::Renamed(_) => fs::rename(self.tmp.join(&name), self.new.join(&name))?,
                Way::NamedLast => give_name(file, &self.new.join(&name))?,
            }
        }
        File::open(&self.new)?.sync_all()?;
        tmp.sync_all()
    }
}

fn unnamed(directory: &File) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(openat(directory, ".", flags, Mode::RUSR | Mode::WUSR)?.into())
}

fn give_name(file: &File, path: &Path) -> io::Result<()> {
    let here = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, here, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}
