//! poplib's lists of lines.

use poplib_proto::wire::lenient::{LenientLines, Scan};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

/// Octets asked of one read. Larger blocks would be mapped and unmapped by malloc each time.
const CHUNK: usize = 64 * 1024;
/// Below this, giving the interpreter's lock away costs more than the scan.
const WORTH_RELEASING: usize = 8 * 1024;

/// The lines, their octets, what was read beyond them, why they are not all, and the stakes.
type Answer<'py> = (
    Bound<'py, PyList>,
    u64,
    Option<Bound<'py, PyBytes>>,
    Option<&'static str>,
    Vec<Bound<'py, PyBytes>>,
);

/// Reads the lines of a multi-line answer, up to the terminator, from a `BufferedReader`.
///
/// Its result is `(lines, octets, rest, failure, stakes)`: what was read beyond the answer,
/// where the answer is not complete the text of the error, and the [`Stakes`]. An exception of
/// the reader passes through; what it has delivered is lost then, as it is in poplib.
#[pyfunction]
pub(crate) fn read_lines<'py>(file: &Bound<'py, PyAny>, limit: usize) -> PyResult<Answer<'py>> {
    let py = file.py();
    let list = PyList::empty(py);
    let mut lines = LenientLines::new(limit);
    let mut stakes = Stakes::default();
    let (chunk, consumed, failure) = loop {
        let chunk = file.call_method1(intern!(py, "read1"), (CHUNK,))?;
        let chunk = chunk.cast_into::<PyBytes>()?;
        let octets = chunk.as_bytes();
        let Some(scan) = scan(py, &mut lines, octets) else {
            break (chunk, 0, Some("-ERR EOF"));
        };
        for line in lines.found(octets) {
            let line = PyBytes::new(py, line);
            stakes.pass(&line);
            list.append(line)?;
        }
        match scan {
            Scan::More => {}
            Scan::End { consumed } => break (chunk, consumed, None),
            Scan::TooLong { consumed } => break (chunk, consumed, Some("line too long")),
        }
    };
    let rest = &chunk.as_bytes()[consumed..];
    let rest = (!rest.is_empty()).then(|| PyBytes::new(py, rest));
    Ok((list, lines.octets(), rest, failure, stakes.driven))
}

/// Looks at a chunk, of which no octets are the end of the stream; `None` where that is final.
fn scan(py: Python<'_>, lines: &mut LenientLines, octets: &[u8]) -> Option<Scan> {
    if octets.is_empty() {
        lines.end_of_stream()
    } else if octets.len() < WORTH_RELEASING {
        Some(lines.scan(octets))
    } else {
        Some(py.detach(|| lines.scan(octets)))
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

    fn pass(&mut self, line: &Bound<'py, PyBytes>) {
        self.since_last += line.as_bytes().len() + Self::OVERHEAD;
        if self.since_last >= Self::DISTANCE && self.driven.len() < Self::MOST {
            self.since_last = 0;
            self.driven.push(line.clone());
        }
    }
}
