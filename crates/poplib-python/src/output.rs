//! What operations come to, as Python values.

use poplib_proto::command::{Language, LoggedIn, Maildrop, Welcome};
use poplib_proto::{Capabilities, Error, Reply};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::error::exception;

/// What an operation came to.
pub(crate) enum Output {
    Nothing,
    /// A status line, as `bytes`.
    Reply(Reply),
    /// The greeting, as `bytes`.
    Welcome(Welcome),
    /// `(method, response)`
    LoggedIn(LoggedIn),
    /// `(messages, octets)`
    Maildrop(Maildrop),
    /// `[(number, octets), ...]`
    Scans(Vec<(u32, Option<u64>)>),
    /// `[(number, unique-id), ...]`
    UniqueIds(Vec<(u32, Box<[u8]>)>),
    /// A unique-id, as `bytes`.
    UniqueId(Box<[u8]>),
    /// `{name: [argument, ...]}`
    Capabilities(Capabilities),
    /// `[(tag, name), ...]`
    Languages(Vec<Language>),
    /// A message, as `bytes`.
    Message(Vec<u8>),
    /// `(number, message or exception)`
    Outcome(u32, Result<Vec<u8>, Error>),
}

impl Output {
    pub(crate) fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::Nothing => Ok(py.None().into_bound(py)),
            Self::Reply(reply) => Ok(PyBytes::new(py, reply.line()).into_any()),
            Self::Welcome(welcome) => Ok(PyBytes::new(py, welcome.reply().line()).into_any()),
            Self::LoggedIn(logged_in) => {
                let response = PyBytes::new(py, logged_in.reply.line());
                Ok((logged_in.method, response).into_pyobject(py)?.into_any())
            }
            Self::Maildrop(maildrop) => Ok((maildrop.messages, maildrop.octets)
                .into_pyobject(py)?
                .into_any()),
            Self::Scans(scans) => scans.into_pyobject(py),
            Self::UniqueIds(unique_ids) => {
                let items = unique_ids
                    .iter()
                    .map(|(number, unique_id)| (number, PyBytes::new(py, unique_id)));
                Ok(PyList::new(py, items)?.into_any())
            }
            Self::UniqueId(unique_id) => Ok(PyBytes::new(py, &unique_id).into_any()),
            Self::Capabilities(capabilities) => dictionary(py, &capabilities),
            Self::Languages(languages) => {
                let pairs = languages
                    .into_iter()
                    .map(|language| (language.tag, language.name));
                Ok(PyList::new(py, pairs.collect::<Vec<_>>())?.into_any())
            }
            Self::Message(content) => Ok(PyBytes::new(py, &content).into_any()),
            Self::Outcome(number, Ok(content)) => Ok((number, PyBytes::new(py, &content))
                .into_pyobject(py)?
                .into_any()),
            Self::Outcome(number, Err(error)) => {
                let exception = exception(py, &error).into_value(py);
                Ok((number, exception).into_pyobject(py)?.into_any())
            }
        }
    }
}

/// As poplib's `capa()` gives it, where of two lines with one name the last counts.
fn dictionary<'py>(py: Python<'py>, capabilities: &Capabilities) -> PyResult<Bound<'py, PyAny>> {
    let dictionary = PyDict::new(py);
    for line in capabilities.lines() {
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_ascii_whitespace();
        if let Some(name) = words.next() {
            dictionary.set_item(name, words.collect::<Vec<_>>())?;
        }
    }
    Ok(dictionary.into_any())
}
