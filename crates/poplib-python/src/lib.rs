//! The native part of the Python module `poplib_rs`.
use pyo3::prelude::*;

#[pymodule]
mod _native {}
