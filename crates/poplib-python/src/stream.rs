//! A client's octets, from Python's own file and socket.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

/// Octets asked of one read of a file or a socket. Larger blocks would be mapped and unmapped by
/// malloc each time.
const CHUNK: usize = 64 * 1024;
/// Octets asked of one read under TLS, which gives no more than one record.
const RECORD: usize = 16 * 1024;

/// What a client reads from: its file, and below that the socket.
pub(crate) struct Stream<'py> {
    file: Bound<'py, PyAny>,
    socket: Option<Socket<'py>>,
}

/// A socket that may be used past the file.
pub(crate) struct Socket<'py> {
    sock: Bound<'py, PyAny>,
    /// What does the work of a socket under TLS, in a module written in C.
    tls: Option<Bound<'py, PyAny>>,
    /// The `Source` between the file and the socket.
    source: Bound<'py, PyAny>,
    /// Whether the file has nothing buffered, so that what comes next is in the socket.
    is_drained: bool,
    /// The method that reads, and how many octets it is asked for.
    receive: Bound<'py, PyAny>,
    octets: Bound<'py, PyTuple>,
}

impl<'py> Stream<'py> {
    pub(crate) fn new(file: Bound<'py, PyAny>, socket: Option<Socket<'py>>) -> Self {
        Self { file, socket }
    }

    /// What comes next, whatever its length; nothing at the end of the stream.
    pub(crate) fn read(&mut self) -> PyResult<Bound<'py, PyBytes>> {
        let py = self.file.py();
        let chunk = match &mut self.socket {
            Some(socket) if socket.is_drained => socket.read()?,
            below => {
                let chunk = self.file.call_method1(intern!(py, "read1"), (CHUNK,))?;
                // CHUNK is more than a file buffers: now it has given all.
                if let Some(socket) = below {
                    socket.set_drained()?;
                }
                chunk
            }
        };
        if chunk.is_none() {
            // A socket that does not block has nothing: poplib takes that for the end.
            return Ok(PyBytes::new(py, b""));
        }
        Ok(chunk.cast_into()?)
    }

    /// Lets the client's file go on with what was read and belongs to nobody here.
    pub(crate) fn give_back(&self, client: &Bound<'py, PyAny>, octets: &[u8]) -> PyResult<()> {
        if octets.is_empty() {
            return Ok(());
        }
        let octets = PyBytes::new(client.py(), octets);
        client.call_method1("_give_back", (octets,)).map(drop)
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
            is_drained: source.getattr(intern!(py, "is_drained"))?.is_truthy()?,
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

    fn set_drained(&mut self) -> PyResult<()> {
        let py = self.source.py();
        self.is_drained = true;
        self.source.setattr(intern!(py, "is_drained"), true)
    }
}
