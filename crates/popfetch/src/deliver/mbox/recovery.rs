//! What became of messages that were being appended when everything stopped.

use std::io;

use super::super::cannot_read;
use super::{BUFFER, Extent, Mbox};
use crate::failure::Failure;
use crate::fs::SharedFile;

impl Mbox {
    /// Of each of these places, whether its message is there, durably; what was written of others
    /// is cut off. With the answers comes when the mbox was changed then, by its own time.
    ///
    /// # Errors
    /// It cannot be read, or somebody else keeps it locked.
    pub(crate) fn recover(&self, places: &[&[u8]]) -> Result<(Vec<bool>, Option<i64>), Failure> {
        if !(self.file_system.exists(&self.path))
            .map_err(|error| cannot_read(&self.path, &error))?
        {
            // The disk may have gone since it was found to be the one that it was.
            self.marked.check(&*self.file_system)?;
            return Ok((vec![false; places.len()], None));
        }
        let locked = self.lock(None)?;
        let recovered = || -> io::Result<(Vec<bool>, Option<i64>)> {
            let file = &*locked.file;
            let extents: Vec<Option<Extent>> = places
                .iter()
                .map(|place| Extent::from_place(place))
                .collect();
            let mut delivered = Vec::new();
            for extent in &extents {
                delivered.push(match extent {
                    Some(extent) => extent.is_in(file)?,
                    None => false,
                });
            }
            let ours: Vec<&Extent> = extents.iter().flatten().collect();
            let partial = (extents.iter().zip(&delivered)).filter(|(_, delivered)| !**delivered);
            let start = partial
                .filter_map(|(extent, _)| Some(extent.as_ref()?.offset))
                .min();
            if let Some(start) = start
                && cut(file, start, &ours)?
            {
                // Those behind it went with it.
                for (extent, delivered) in extents.iter().zip(&mut delivered) {
                    *delivered &= extent.as_ref().is_some_and(|extent| extent.offset < start);
                }
            }
            let there = extents
                .iter()
                .zip(&delivered)
                .filter(|(_, delivered)| **delivered);
            let whole = there.filter_map(|(extent, _)| extent.as_ref());
            // Perhaps nobody came so far as to make durable what is there, or what was cut off when
            // it could not be written.
            whole
                .into_iter()
                .try_for_each(|extent| extent.rewrite(file))?;
            let changed = self.file_system.changed(&self.path)?;
            file.sync()?;
            self.sync_name(file)?;
            Ok((delivered, Some(changed)))
        };
        recovered().map_err(|error| self.cannot_write(&error))
    }
}

impl Extent {
    pub(crate) fn from_place(place: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(place).ok()?.splitn(4, ' ');
        let (offset, length) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let digits = words.next()?;
        let mut sum = [0; 32];
        for (index, octet) in sum.iter_mut().enumerate() {
            *octet = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self {
            offset,
            length,
            sum,
            separator: words.next()?.into(),
        })
    }

    /// Whether these octets, which are at this place, may be its first line, perhaps cut short, or
    /// with zeros where a loss of power took something.
    fn begins(&self, place: u64, octets: &[u8]) -> bool {
        let mut both = self.separator.bytes().zip(octets);
        // In front of the line there may be line ends that belong to it.
        (self.offset..=self.offset + 2).contains(&place)
            && both.all(|(written, &there)| there == written || there == 0)
    }

    fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }

    /// Writes the octets that are there once more. When an attempt to make them durable has failed,
    /// systems take them for written, and the next attempt succeeds without doing anything.
    fn rewrite(&self, file: &dyn SharedFile) -> io::Result<()> {
        let (mut offset, mut written) = (self.offset, Ok(()));
        read(file, self.offset, self.end(), |octets| {
            written = file.write_at(octets, offset);
            offset += octets.len() as u64;
            written.is_ok()
        })?;
        written
    }

    /// Whether the file has these octets there.
    pub(crate) fn is_in(&self, file: &dyn SharedFile) -> io::Result<bool> {
        if file.length()? < self.end() {
            return Ok(false);
        }
        let mut measure = super::Measure::at(self.offset);
        read(file, self.offset, self.end(), |octets| {
            measure.count(octets);
            true
        })?;
        Ok(measure.finish(self.separator.clone()) == *self)
    }
}

/// Cuts off what was written from here on, if that is all of these messages and nobody else's mail
/// is in it. Whether it did.
fn cut(file: &dyn SharedFile, start: u64, ours: &[&Extent]) -> io::Result<bool> {
    let length = file.length()?;
    let end = ours.iter().map(|extent| extent.end()).max();
    let is_ours = end.is_some_and(|end| length <= end);
    if start >= length || !is_ours || has_foreign_message(file, start, length, ours)? {
        return Ok(false);
    }
    file.truncate(start)?;
    Ok(true)
}

/// Whether a message begins in this part of the file elsewhere than where ours do. A message of
/// ours has no such line inside, as these are quoted; but another program may not have begun a
/// new line, so any place will do that looks like `From somebody Mon Jan`.
fn has_foreign_message(
    file: &dyn SharedFile,
    start: u64,
    end: u64,
    ours: &[&Extent],
) -> io::Result<bool> {
    let mut search = Search {
        offset: start,
        tail: Vec::new(),
        ours,
    };
    let mut found = false;
    read(file, start, end, |octets| {
        found = found || search.push(octets);
        !found
    })?;
    Ok(found)
}

/// A search for beginnings of messages in pieces of a file.
struct Search<'a> {
    /// Where `tail` is.
    offset: u64,
    /// The end of the piece before, in which a beginning may stand that is not whole.
    tail: Vec<u8>,
    ours: &'a [&'a Extent],
}

impl Search<'_> {
    /// The longest beginning that is recognised. Addresses are not longer.
    const LONGEST: usize = 400;

    fn push(&mut self, octets: &[u8]) -> bool {
        self.tail.extend_from_slice(octets);
        let found = memchr::memmem::find_iter(&self.tail, b"From ").any(|at| {
            let (place, octets) = (self.offset + at as u64, &self.tail[at..]);
            let is_ours = |extent: &&Extent| extent.begins(place, octets);
            is_separator(octets) && !self.ours.iter().any(is_ours)
        });
        let keep = self.tail.len().saturating_sub(Self::LONGEST);
        self.tail.drain(..keep);
        self.offset += keep as u64;
        found
    }
}

/// Whether this begins with `From `, a word, and a day of the week.
fn is_separator(octets: &[u8]) -> bool {
    let line = &octets[..octets.len().min(Search::LONGEST)];
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .skip(2);
    let is_day = |word: &[u8]| {
        [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"]
            .iter()
            .any(|day| word == *day)
    };
    words.next().is_some_and(is_day)
}

/// Reads a part of a file, as long as `visit` wants more.
fn read(
    file: &dyn SharedFile,
    start: u64,
    end: u64,
    mut visit: impl FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut offset = start;
    while offset < end {
        let left = usize::try_from(end - offset).map_or(BUFFER, |left| left.min(BUFFER));
        let read = file.read_at(&mut buffer[..left], offset)?;
        if read == 0 || !visit(&buffer[..read]) {
            break;
        }
        offset += read as u64;
    }
    Ok(())
}
