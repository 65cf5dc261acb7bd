//! Servers and other programs that `tests/interop/prepare` has put beside the build, not into the system.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::Error;

/// The directory that holds `name`.
///
/// # Errors
///
/// [`Error::Missing`] where `tests/interop/prepare` has not run.
pub fn prepared(name: &'static str) -> Result<PathBuf, Error> {
    let servers = env::var_os("INTEROP_SERVERS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/interop"),
        PathBuf::from,
    );
    let dir = servers.join(name);
    // Written last, so what it marks is whole.
    if dir.join(".made-from").exists()
        && let Ok(dir) = dir.canonicalize()
    {
        return Ok(dir);
    }
    Err(Error::Missing {
        what: dir.display().to_string(),
        remedy: "run tests/interop/prepare",
    })
}
