//! The core's errors as Python's exceptions.

use poplib_proto::Error;
use poplib_proto::error::Chain;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// `error_proto` with the server's line or a text, `ValueError` for what the caller cannot ask.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    match error {
        Error::Misuse(misuse) => PyValueError::new_err(misuse.to_string()),
        Error::Refused(refused) => {
            let exception = error_proto(py, PyBytes::new(py, refused.reply.line()));
            if let Some(explanation) = &refused.explanation {
                // A note that cannot be added is no reason to hide the refusal.
                let _ = exception.add_note(py, explanation.text.escape_debug().to_string());
            }
            exception
        }
        Error::Closed(_) => error_proto(py, "-ERR EOF"),
        error => error_proto(py, Chain(error).to_string()),
    }
}

pub(crate) fn error_proto<'py>(py: Python<'py>, argument: impl IntoPyObject<'py>) -> PyErr {
    let class = py
        .import("poplib_rs")
        .and_then(|module| module.getattr("error_proto"));
    match class.and_then(|class| class.call1((argument,))) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}
