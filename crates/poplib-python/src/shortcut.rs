//! Whole answers in one crossing, where nobody can tell the difference.

use pyo3::exceptions::PyImportError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString, PyType};

use crate::lines::{self, LongResponse};
use crate::originals::Originals;
use crate::stream::{Socket, Source, Stream};

/// The way past poplib's methods, open while all of them are what they were at import.
///
/// Programs override `_getline`, ask for debug output, replace `socket.socket`. They must see
/// each call that poplib makes. `None` says so, before anything is done: the caller goes the
/// long way.
#[pyclass(frozen, module = "poplib_rs._native")]
pub(crate) struct Shortcut {
    audit: Py<PyAny>,
    buffered_reader: Py<PyAny>,
    source: Py<PyAny>,
    /// The methods of `POP3` that send, and those that read lines.
    sending: Originals,
    reading: Originals,
    plain: SocketClass,
    /// None where Python has no TLS, or somebody has replaced its sockets before we came.
    tls: Option<SocketClass>,
}

/// A class of sockets.
struct SocketClass {
    class: Py<PyAny>,
    methods: Originals,
}

#[pymethods]
impl Shortcut {
    /// Remembers `POP3`; and `Source`, which is between its files and their sockets.
    #[new]
    fn new(client: &Bound<'_, PyType>, source: Py<PyAny>) -> PyResult<Self> {
        let py = client.py();
        Ok(Self {
            audit: py.import("sys")?.getattr("audit")?.unbind(),
            buffered_reader: py.import("io")?.getattr("BufferedReader")?.unbind(),
            source,
            sending: Originals::of(client, &["_putcmd", "_putline", "_getlongresp"])?,
            reading: Originals::of(client, &["_getline", "_getresp"])?,
            plain: SocketClass::plain(py)?,
            tls: SocketClass::tls(py)?,
        })
    }

    /// Sends a command and reads its answer of many lines.
    fn ask<'py>(
        &self,
        client: &Bound<'py, PyAny>,
        line: &Bound<'py, PyAny>,
        limit: &Bound<'py, PyAny>,
    ) -> PyResult<Option<LongResponse<'py>>> {
        let py = client.py();
        let (Some(command), Some(limit)) = (command(line), line_limit(limit)) else {
            return Ok(None);
        };
        if client.getattr(intern!(py, "_debugging"))?.is_truthy()?
            || !client.getattr(intern!(py, "_batch"))?.is_none()
            || !client
                .getattr(intern!(py, "encoding"))?
                .eq(intern!(py, "UTF-8"))?
            || !self.sending.are_in(client)?
            || !self.reading.are_in(client)?
        {
            return Ok(None);
        }
        let Some(file) = self.file(client)? else {
            return Ok(None);
        };
        let Some(source) = self.source(&file)? else {
            return Ok(None);
        };
        let Some(socket) = self.socket(&source)? else {
            return Ok(None);
        };
        if !socket.is(&client.getattr(intern!(py, "sock"))?) {
            return Ok(None);
        }
        let audited = (
            intern!(py, "poplib.putline"),
            client,
            PyBytes::new(py, command),
        );
        self.audit.bind(py).call1(audited)?;
        socket.send(&[command, b"\r\n"].concat())?;
        lines::read_answer(
            client,
            &Stream::new(file, Some(source), Some(socket)),
            limit,
        )
        .map(Some)
    }

    /// Reads an answer of many lines.
    fn read_answer<'py>(
        &self,
        client: &Bound<'py, PyAny>,
        limit: &Bound<'py, PyAny>,
    ) -> PyResult<Option<LongResponse<'py>>> {
        let py = client.py();
        let Some(limit) = line_limit(limit) else {
            return Ok(None);
        };
        if client.getattr(intern!(py, "_debugging"))?.gt(1)?
            || !client.getattr(intern!(py, "_batch"))?.is_none()
            || !self.reading.are_in(client)?
        {
            return Ok(None);
        }
        let Some(file) = self.file(client)? else {
            return Ok(None);
        };
        let source = self.source(&file)?;
        let socket = match &source {
            Some(source) => self.socket(source)?,
            None => None,
        };
        lines::read_answer(client, &Stream::new(file, source, socket), limit).map(Some)
    }
}

impl Shortcut {
    /// The client's file, if it is Python's own and open.
    fn file<'py>(&self, client: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = client.py();
        let file = client.getattr(intern!(py, "file"))?;
        let is_open = file.get_type().is(&self.buffered_reader)
            && !file.getattr(intern!(py, "closed"))?.is_truthy()?;
        Ok(is_open.then_some(file))
    }

    /// The `Source` below a file, if there is one.
    fn source<'py>(&self, file: &Bound<'py, PyAny>) -> PyResult<Option<Source<'py>>> {
        let source = file.getattr(intern!(file.py(), "raw"))?;
        let is_ours = source.get_type().is(&self.source);
        Ok(is_ours.then(|| Source::new(file.clone(), source)))
    }

    /// The socket below a `Source`, if it is one of Python's own.
    fn socket<'py>(&self, source: &Source<'py>) -> PyResult<Option<Socket<'py>>> {
        let source = source.as_python();
        let py = source.py();
        let sock = source.getattr(intern!(py, "socket"))?;
        let class = sock.get_type();
        if class.is(&self.plain.class) && self.plain.methods.are_of(&class)? {
            return Socket::new(source.clone(), sock, None).map(Some);
        }
        match &self.tls {
            Some(tls) if class.is(&tls.class) && tls.methods.are_in(&sock)? => {
                let session = sock.getattr(intern!(py, "_sslobj"))?;
                if session.is_none() {
                    return Ok(None);
                }
                Socket::new(source.clone(), sock, Some(session)).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl SocketClass {
    /// `socket.socket`, as long as it sends and receives as the module written in C does. Its
    /// objects have no attributes of their own.
    fn plain(py: Python<'_>) -> PyResult<Self> {
        let primitive = py.import("_socket")?.getattr("socket")?;
        Ok(Self {
            class: py.import("socket")?.getattr("socket")?.unbind(),
            methods: Originals::of(&primitive, &["sendall", "recv_into", "recv"])?,
        })
    }

    /// `ssl.SSLSocket`, as long as it is Python's own.
    fn tls(py: Python<'_>) -> PyResult<Option<Self>> {
        let ssl = match py.import("ssl") {
            Ok(ssl) => ssl,
            Err(error) if error.is_instance_of::<PyImportError>(py) => return Ok(None),
            Err(error) => return Err(error),
        };
        let class = ssl.getattr("SSLSocket")?;
        let methods = Originals::of(&class, &["sendall", "send", "recv_into", "read"])?;
        let is_pythons_own = methods.belong_to(py, "ssl")?;
        let class = class.unbind();
        Ok(is_pythons_own.then_some(Self { class, methods }))
    }
}

/// A command's octets, if it is one that poplib would send.
fn command<'a>(line: &'a Bound<'_, PyAny>) -> Option<&'a [u8]> {
    let line = line.cast_exact::<PyString>().ok()?.to_str().ok()?;
    let has_control = |octets: &[u8]| octets.iter().any(u8::is_ascii_control);
    (!has_control(line.as_bytes())).then_some(line.as_bytes())
}

/// `_MAXLINE`, if it is a number that a line may be one longer than.
fn line_limit(limit: &Bound<'_, PyAny>) -> Option<usize> {
    let limit: isize = limit.cast_exact::<PyInt>().ok()?.extract().ok()?;
    let limit = usize::try_from(limit).ok()?;
    (limit < isize::MAX.unsigned_abs()).then_some(limit)
}
