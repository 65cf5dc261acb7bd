//! What stands on the wire: lines, status lines, response codes, capabilities, stuffed bodies.

pub(crate) mod buffer;
pub mod capability;
pub mod code;
pub(crate) mod glued;
// For poplib_rs, which shows the lines as they came; not covered by semantic versioning.
#[doc(hidden)]
pub mod lenient;
pub mod limits;
pub mod line;
pub mod reply;
pub mod unstuff;
pub(crate) mod words;
