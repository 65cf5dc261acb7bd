//! poplib's lists of lines.

use poplib_proto::wire::lenient::{LenientLines, Scan};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

/// Octets asked of one read. Larger blocks would be mapped and unmapped by malloc each time.
const CHUNK: usize = 64 * 1024;
/// Below this, giving the interpreter's lock away costs more than the scan.
const WORTH_RELEASING: usize = 8 * 1024;

/// The lines, their octets, what was read beyond them, and why they are not all.
type Answer<'py> = (
    Bound<'py, PyList>,
    u64,
    Option<Bound<'py, PyBytes>>,
    Option<&'static str>,
);

/// Reads the lines of a multi-line answer, up to the terminator, from a `BufferedReader`.
///
/// Its result is `(lines, octets, rest, failure)`: what was read beyond the answer, and, where
/// the answer is not complete, the text of the error. An exception of the reader passes
/// through; what it has delivered is lost then, as it is in poplib.
#[pyfunction]
pub(crate) fn read_lines<'py>(file: &Bound<'py, PyAny>, limit: usize) -> PyResult<Answer<'py>> {
    let py = file.py();
    let list = PyList::empty(py);
    let mut lines = LenientLines::new(limit);
    loop {
        let chunk = file.call_method1(intern!(py, "read1"), (CHUNK,))?;
        let chunk = chunk.cast_into::<PyBytes>()?;
        let octets = chunk.as_bytes();
        let scan = if octets.is_empty() {
            match lines.end_of_stream() {
                Some(scan) => scan,
                None => return Ok((list, lines.octets(), None, Some("-ERR EOF"))),
            }
        } else if octets.len() < WORTH_RELEASING {
            lines.scan(octets)
        } else {
            py.detach(|| lines.scan(octets))
        };
        for line in lines.found(octets) {
            list.append(PyBytes::new(py, line))?;
        }
        let rest = |consumed: usize| match &octets[consumed..] {
            [] => None,
            rest => Some(PyBytes::new(py, rest)),
        };
        match scan {
            Scan::More => {}
            Scan::End { consumed } => return Ok((list, lines.octets(), rest(consumed), None)),
            Scan::TooLong { consumed } => {
                let failure = Some("line too long");
                return Ok((list, lines.octets(), rest(consumed), failure));
            }
        }
    }
}
