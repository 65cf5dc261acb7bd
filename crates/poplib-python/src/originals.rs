//! Whether somebody has replaced what Python came with.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

/// Attributes that a class had when the module was imported.
pub(crate) struct Originals(Vec<(Py<PyString>, Py<PyAny>)>);

impl Originals {
    pub(crate) fn of(class: &Bound<'_, PyAny>, names: &[&str]) -> PyResult<Self> {
        let py = class.py();
        let attribute = |name: &&str| {
            let value = class.getattr(*name)?;
            Ok((PyString::new(py, name).unbind(), value.unbind()))
        };
        names
            .iter()
            .map(attribute)
            .collect::<PyResult<_>>()
            .map(Self)
    }

    /// Whether an object has these, from its class and not of its own.
    pub(crate) fn are_in(&self, object: &Bound<'_, PyAny>) -> PyResult<bool> {
        let own = object.getattr(intern!(object.py(), "__dict__"))?;
        let own = own.cast_into::<PyDict>()?;
        for (name, _) in &self.0 {
            if own.contains(name)? {
                return Ok(false);
            }
        }
        self.are_of(&object.get_type())
    }

    /// Whether a class still has these.
    pub(crate) fn are_of(&self, class: &Bound<'_, PyType>) -> PyResult<bool> {
        for (name, original) in &self.0 {
            if !class.getattr(name)?.is(original) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether all are functions of this module of Python's.
    pub(crate) fn belong_to(&self, py: Python<'_>, module: &str) -> PyResult<bool> {
        for (_, original) in &self.0 {
            if !original.bind(py).getattr("__module__")?.eq(module)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
