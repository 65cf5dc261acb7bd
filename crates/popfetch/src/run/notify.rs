//! Telling systemd how it goes (sd_notify(3)): a datagram of `NAME=value` lines.

use std::env;
use std::ffi::OsStr;
use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

#[cfg(test)]
mod tests;

/// The service manager that started this process, if there is one that listens.
pub(super) struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that this process is alive.
    pub(super) watchdog: Option<Duration>,
}

impl Manager {
    /// The one that the environment names. Nobody, where it names none or one that is not there.
    pub(super) fn from_environment() -> Self {
        let name = env::var_os("NOTIFY_SOCKET");
        let variable = |name| env::var(name).ok();
        let watchdog = watchdog(
            variable("WATCHDOG_USEC").as_deref(),
            variable("WATCHDOG_PID").as_deref(),
            std::process::id(),
        );
        Self {
            watchdog,
            ..name.map_or_else(Self::nobody, |name| Self::at(&name))
        }
    }

    fn nobody() -> Self {
        Self {
            socket: None,
            watchdog: None,
        }
    }

    /// The one that listens there.
    pub(super) fn at(name: &OsStr) -> Self {
        let socket = || -> io::Result<_> {
            let (socket, address) = (UnixDatagram::unbound()?, address(name)?);
            // A manager that does not read is no reason to stop fetching mail.
            socket.set_nonblocking(true)?;
            Ok((socket, address))
        };
        Self {
            socket: socket().ok(),
            watchdog: None,
        }
    }

    /// How often to say [`alive`](Self::alive), if it is to be said: twice as often as it is
    /// waited for.
    pub(super) fn alive_every(&self) -> Option<Duration> {
        self.watchdog.map(|time| time / 2)
    }

    pub(super) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=stopping");
    }

    pub(super) fn status(&self, status: &str) {
        self.tell(&format!("STATUS={status}"));
    }

    pub(super) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    fn tell(&self, lines: &str) {
        if let Some((socket, address)) = &self.socket {
            // Whoever does not listen misses only this.
            let _: io::Result<usize> = socket.send_to_addr(lines.as_bytes(), address);
        }
    }
}

/// A path, or with `@` before it a name in Linux's abstract namespace.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// The time after which the manager gives up on the process `pid`, if it waits for that one.
fn watchdog(microseconds: Option<&str>, for_pid: Option<&str>, pid: u32) -> Option<Duration> {
    let meant = for_pid.is_none_or(|for_pid| for_pid.parse() == Ok(pid));
    let microseconds = microseconds?.parse().ok()?;
    (meant && microseconds > 0).then(|| Duration::from_micros(microseconds))
}
