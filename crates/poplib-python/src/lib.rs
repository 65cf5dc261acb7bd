//! The native part of the Python module `poplib_rs`.
//!
//! Python owns the socket and everything that programs see of it. What arrives is understood
//! here: `lines` makes poplib's lists, with poplib's rules; `session` is the protocol core,
//! for all that poplib does not have.

mod batch;
mod code;
mod error;
mod lines;
mod login;
mod operation;
mod originals;
mod output;
mod session;
mod shortcut;
mod stream;
mod trace;

use pyo3::pymodule;

/// The native part of poplib_rs.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::code::response_code;
    #[pymodule_export]
    use crate::session::Session;
    #[pymodule_export]
    use crate::shortcut::Shortcut;
    #[pymodule_export]
    use crate::stream::give_back;
}
