//! poplib's lists of lines.

use poplib_proto::wire::lenient::{LenientAnswer, Scan};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::error::error_proto;
use crate::stream::Stream;

/// Below this, giving the interpreter's lock away costs more than the scan.
const WORTH_RELEASING: usize = 8 * 1024;

/// The status line, the lines and their octets.
pub(crate) type LongResponse<'py> = (Bound<'py, PyBytes>, Bound<'py, PyList>, u64);

/// Reads an answer of many lines, up to the terminator.
///
/// What was read beyond it the client has back. An exception of the stream passes through; what
/// it has delivered is lost then, as in poplib.
pub(crate) fn read_answer<'py>(
    client: &Bound<'py, PyAny>,
    stream: &Stream<'py>,
    limit: usize,
) -> PyResult<LongResponse<'py>> {
    let py = client.py();
    let mut lines = Vec::new();
    let mut answer = LenientAnswer::new(limit);
    let mut stakes = Stakes::default();
    let (chunk, scan) = loop {
        let chunk = stream.read()?;
        let octets = chunk.as_bytes();
        if octets.is_empty() {
            break (chunk, Scan::More);
        }
        let scan = scan(py, &mut answer, octets);
        for content in answer.found(octets) {
            let line = PyBytes::new(py, content);
            stakes.pass(&line, content.len());
            lines.push(line);
        }
        if scan != Scan::More {
            break (chunk, scan);
        }
    };
    let status = PyBytes::new(py, answer.status().unwrap_or_default());
    let (consumed, failure) = match scan {
        Scan::End { consumed } => (consumed, None),
        Scan::Refused { consumed } => (consumed, Some(error_proto(py, &status))),
        Scan::TooLong { consumed } => (consumed, Some(error_proto(py, "line too long"))),
        Scan::More => (0, Some(error_proto(py, "-ERR EOF"))),
    };
    stream.give_back(client, &chunk.as_bytes()[consumed..])?;
    stakes.drive(client)?;
    match failure {
        None => Ok((status, PyList::new(py, lines)?, answer.octets())),
        Some(failure) => Err(failure),
    }
}

fn scan(py: Python<'_>, answer: &mut LenientAnswer, octets: &[u8]) -> Scan {
    match octets.len() < WORTH_RELEASING {
        true => answer.scan(octets),
        false => py.detach(|| answer.scan(octets)),
    }
}

/// Some of the lines, spread evenly over the memory of all.
///
/// Python gives an arena, a mebibyte of small objects, back to the kernel with its last object,
/// and for the next message asks for it again; clearing its pages is then half of all the time
/// that a large message takes. One line that lives on in each arena keeps it.
#[derive(Default)]
struct Stakes<'py> {
    since_last: usize,
    driven: Vec<Bound<'py, PyBytes>>,
}

impl<'py> Stakes<'py> {
    /// Octets of memory from one stake to the next: well below an arena.
    const DISTANCE: usize = 256 * 1024;
    /// So many hold no more than eight mebibytes, or twice that of a memory much divided.
    const MOST: usize = 32;
    /// Octets of a bytes object besides its content, its rounding included.
    const OVERHEAD: usize = 40;

    fn pass(&mut self, line: &Bound<'py, PyBytes>, octets: usize) {
        self.since_last += octets + Self::OVERHEAD;
        if self.since_last >= Self::DISTANCE && self.driven.len() < Self::MOST {
            self.since_last = 0;
            self.driven.push(line.clone());
        }
    }

    /// Has the client hold them, until the next large answer or its end.
    fn drive(self, client: &Bound<'py, PyAny>) -> PyResult<()> {
        if self.driven.is_empty() {
            return Ok(());
        }
        client.setattr("_stakes", self.driven)
    }
}
