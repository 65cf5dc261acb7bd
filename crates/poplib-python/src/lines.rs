//! poplib's lists of lines.

use poplib_proto::wire::lenient::{LenientAnswer, Scan};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

/// Octets asked of one read. Larger blocks would be mapped and unmapped by malloc each time.
const CHUNK: usize = 64 * 1024;
/// Below this, giving the interpreter's lock away costs more than the scan.
const WORTH_RELEASING: usize = 8 * 1024;

/// The status line, the lines, their octets, what was read beyond them, why they are not all, and
/// the stakes.
type Answer<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyList>,
    u64,
    Option<Bound<'py, PyBytes>>,
    Option<Bound<'py, PyAny>>,
    Vec<Bound<'py, PyBytes>>,
);

/// Reads an answer of many lines, up to the terminator, from a `BufferedReader`.
///
/// Its result is `(status, lines, octets, beyond, failure, stakes)`: what was read beyond the
/// answer, where the answer is no good the argument of the exception, and the [`Stakes`]. An
/// exception of the reader passes through; what it has delivered is lost then, as in poplib.
#[pyfunction]
pub(crate) fn read_answer<'py>(file: &Bound<'py, PyAny>, limit: usize) -> PyResult<Answer<'py>> {
    let py = file.py();
    let lines = PyList::empty(py);
    let mut answer = LenientAnswer::new(limit);
    let mut stakes = Stakes::default();
    let (chunk, scan) = loop {
        let chunk = file.call_method1(intern!(py, "read1"), (CHUNK,))?;
        let chunk = chunk.cast_into::<PyBytes>()?;
        let octets = chunk.as_bytes();
        let Some(scan) = scan(py, &mut answer, octets) else {
            break (chunk, None);
        };
        for line in answer.found(octets) {
            let line = PyBytes::new(py, line);
            stakes.pass(&line);
            lines.append(line)?;
        }
        if scan != Scan::More {
            break (chunk, Some(scan));
        }
    };
    let status = PyBytes::new(py, answer.status().unwrap_or_default());
    let text = |text| Some(PyString::new(py, text).into_any());
    let (consumed, failure) = match scan {
        Some(Scan::End { consumed }) => (consumed, None),
        Some(Scan::Refused { consumed }) => (consumed, Some(status.clone().into_any())),
        Some(Scan::TooLong { consumed }) => (consumed, text("line too long")),
        Some(Scan::More) | None => (0, text("-ERR EOF")),
    };
    let beyond = &chunk.as_bytes()[consumed..];
    let beyond = (!beyond.is_empty()).then(|| PyBytes::new(py, beyond));
    Ok((
        status,
        lines,
        answer.octets(),
        beyond,
        failure,
        stakes.driven,
    ))
}

/// Looks at a chunk, of which no octets are the end of the stream; `None` where that is final.
fn scan(py: Python<'_>, answer: &mut LenientAnswer, octets: &[u8]) -> Option<Scan> {
    if octets.is_empty() {
        answer.end_of_stream()
    } else if octets.len() < WORTH_RELEASING {
        Some(answer.scan(octets))
    } else {
        Some(py.detach(|| answer.scan(octets)))
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
