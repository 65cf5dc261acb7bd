//! A client's octets, from Python's own file and socket.
//!
//! They have one order and three places: the file's buffer, what was given back (`Source.ahead`),
//! the socket. Whoever passes a place by must know that it is empty, and so must ask: how much a
//! buffer holds depends on what was called before, and on the version of Python. All that passes
//! one by is in this file.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

/// Octets asked of one read of a file or a socket. Larger blocks would be mapped and unmapped by
/// malloc each time.
const CHUNK: usize = 64 * 1024;
/// Octets asked of one read under TLS, which gives no more than one record.
const RECORD: usize = 16 * 1024;

/// Has a file, which is an `io.BufferedReader` over a `Source`, go on with these octets.
#[pyfunction]
pub(crate) fn give_back(file: Bound<'_, PyAny>, octets: &[u8]) -> PyResult<()> {
    let source = file.getattr(intern!(file.py(), "raw"))?;
    Source::new(file, source).give_back(octets)
}

/// What a client reads from: its file, and below that the socket.
pub(crate) struct Stream<'py> {
    file: Bound<'py, PyAny>,
    source: Option<Source<'py>>,
    socket: Option<Socket<'py>>,
}

/// Python's `Source` below a file, which is an `io.BufferedReader` of Python's own.
pub(crate) struct Source<'py> {
    source: Bound<'py, PyAny>,
    file: Bound<'py, PyAny>,
}

/// A socket that may be used past the file.
pub(crate) struct Socket<'py> {
    sock: Bound<'py, PyAny>,
    /// What does the work of a socket under TLS, in a module written in C.
    tls: Option<Bound<'py, PyAny>>,
    /// The `Source` between the file and the socket.
    source: Bound<'py, PyAny>,
    /// The method that reads, and how many octets it is asked for.
    receive: Bound<'py, PyAny>,
    octets: Bound<'py, PyTuple>,
}

impl<'py> Stream<'py> {
    pub(crate) fn new(
        file: Bound<'py, PyAny>,
        source: Option<Source<'py>>,
        socket: Option<Socket<'py>>,
    ) -> Self {
        Self {
            file,
            source,
            socket,
        }
    }

    /// What comes next, whatever its length; nothing at the end of the stream.
    pub(crate) fn read(&self) -> PyResult<Bound<'py, PyBytes>> {
        let py = self.file.py();
        if let Some(source) = &self.source {
            let held = source.take_held()?;
            if !held.as_bytes().is_empty() {
                return Ok(held);
            }
        }
        let chunk = match &self.socket {
            Some(socket) => socket.read()?,
            None => self.file.call_method1(intern!(py, "read1"), (CHUNK,))?,
        };
        if chunk.is_none() {
            // A socket that does not block has nothing: poplib takes that for the end.
            return Ok(PyBytes::new(py, b""));
        }
        Ok(chunk.cast_into()?)
    }

    /// Lets the client's file go on with what was read and belongs to nobody here.
    pub(crate) fn give_back(&self, client: &Bound<'py, PyAny>, octets: &[u8]) -> PyResult<()> {
        match &self.source {
            _ if octets.is_empty() => Ok(()),
            Some(source) => source.give_back(octets),
            None => {
                let octets = PyBytes::new(client.py(), octets);
                client.call_method1("_give_back", (octets,)).map(drop)
            }
        }
    }
}

impl<'py> Source<'py> {
    /// Of a file and what is below it.
    pub(crate) fn new(file: Bound<'py, PyAny>, source: Bound<'py, PyAny>) -> Self {
        Self { source, file }
    }

    pub(crate) fn as_python(&self) -> &Bound<'py, PyAny> {
        &self.source
    }

    /// Has the file go on with octets that were read and belong to no answer.
    ///
    /// Between their taking and their return no code in Python runs: the handler of a signal could
    /// raise an exception there, and they would be lost.
    pub(crate) fn give_back(&self, octets: &[u8]) -> PyResult<()> {
        self.gather()?;
        let ahead = [octets, self.ahead()?.as_bytes()].concat();
        self.set_ahead(&ahead, false)
    }

    /// Takes what the file and the source hold. What comes next is in the stream below.
    fn take_held(&self) -> PyResult<Bound<'py, PyBytes>> {
        self.gather()?;
        let held = self.ahead()?;
        self.set_ahead(b"", true)?;
        Ok(held)
    }

    /// Takes what the file holds into the source.
    fn gather(&self) -> PyResult<()> {
        let py = self.source.py();
        let is_drained = intern!(py, "is_drained");
        if self.source.getattr(is_drained)?.is_truthy()? {
            return Ok(());
        }
        let is_asked = intern!(py, "is_asked");
        let mut held = Vec::new();
        self.source.setattr(is_asked, true)?;
        let drained = self.drain_file(&mut held);
        self.source.setattr(is_asked, false)?;
        held.extend_from_slice(self.ahead()?.as_bytes());
        self.set_ahead(&held, false)?;
        drained
    }

    /// Reads until the file has nothing. The source says that it has nothing while it is asked.
    fn drain_file(&self, held: &mut Vec<u8>) -> PyResult<()> {
        loop {
            let read1 = intern!(self.file.py(), "read1");
            let chunk = self.file.call_method0(read1)?.cast_into::<PyBytes>()?;
            if chunk.as_bytes().is_empty() {
                return Ok(());
            }
            held.extend_from_slice(chunk.as_bytes());
        }
    }

    fn ahead(&self) -> PyResult<Bound<'py, PyBytes>> {
        let ahead = self.source.getattr(intern!(self.source.py(), "ahead"))?;
        Ok(ahead.cast_into()?)
    }

    /// Sets what is read next, and whether that and the file are known to hold nothing.
    fn set_ahead(&self, octets: &[u8], is_drained: bool) -> PyResult<()> {
        let py = self.source.py();
        self.source
            .setattr(intern!(py, "ahead"), PyBytes::new(py, octets))?;
        self.source.setattr(intern!(py, "is_drained"), is_drained)
    }
}

impl<'py> Socket<'py> {
    /// The socket below a `Source`, and its `_sslobj` if it has one.
    pub(crate) fn new(
        source: Bound<'py, PyAny>,
        sock: Bound<'py, PyAny>,
        tls: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let py = sock.py();
        let (receive, octets) = match &tls {
            Some(tls) => (tls.getattr(intern!(py, "read"))?, RECORD),
            None => (sock.getattr(intern!(py, "recv"))?, CHUNK),
        };
        Ok(Self {
            octets: PyTuple::new(py, [octets])?,
            sock,
            tls,
            source,
            receive,
        })
    }

    /// Whether it is this one.
    pub(crate) fn is(&self, sock: &Bound<'py, PyAny>) -> bool {
        self.sock.is(sock)
    }

    pub(crate) fn send(&self, octets: &[u8]) -> PyResult<()> {
        let py = self.sock.py();
        let mut sent = 0;
        if let Some(tls) = &self.tls {
            let octets = PyBytes::new(py, octets);
            sent = tls
                .call_method1(intern!(py, "write"), (octets,))?
                .extract()?;
        }
        if sent < octets.len() {
            let rest = PyBytes::new(py, &octets[sent..]);
            self.sock.call_method1(intern!(py, "sendall"), (rest,))?;
        }
        Ok(())
    }

    fn read(&self) -> PyResult<Bound<'py, PyAny>> {
        let py = self.source.py();
        // No Python code runs between two reads of a message that comes without a pause.
        py.check_signals()?;
        self.receive.call1(&self.octets).or_else(|error| {
            self.source
                .call_method1(intern!(py, "after"), (error.into_value(py),))
        })
    }
}
