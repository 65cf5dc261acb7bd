//! A view of this machine of a server's own, for servers whose packages must not be installed
//! beside each other.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::Path,
};

use super::{prepared::prepared, syslog::Syslog};
use crate::{Error, error::Doing};

/// Lays the unpacked packages over `/usr` and `/etc`, gives `/run` and `/dev/log` to the server
/// alone, and runs the server's own script. Every mount goes with the last process.
const SCRIPT: &str = include_str!("jail.sh");

/// The command that runs `script` where the prepared packages `name` look installed, and the log
/// that they write. The script finds its files in `dir`, its working directory.
pub(crate) fn command(
    name: &'static str,
    dir: &Path,
    script: &str,
) -> Result<(Vec<OsString>, Syslog), Error> {
    let packages = prepared(name)?;
    let start = dir.join("start.sh");
    fs::write(&start, script).doing(|| format!("writing {}", start.display()))?;
    // As process 1 of a process namespace the script takes every process of the server with it.
    let unshare = "unshare --mount --pid --fork --kill-child --mount-proc sh -c";
    let command = unshare
        .split(' ')
        .map(OsStr::new)
        .chain([
            SCRIPT.as_ref(),
            "jail".as_ref(),
            packages.as_ref(),
            dir.as_ref(),
        ])
        .map(OsStr::to_owned)
        .collect();
    Ok((command, Syslog::listen(dir)?))
}
