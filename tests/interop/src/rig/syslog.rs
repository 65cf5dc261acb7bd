//! `/dev/log` for servers that can only log there.

use std::{
    fs::{self, File, Permissions},
    io::Write,
    net::Shutdown,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::Path,
    thread,
};

use crate::{Error, error::Doing};

/// Copies what arrives at a socket to a file, a line for each datagram, until it is dropped.
pub(crate) struct Syslog(UnixDatagram);

impl Syslog {
    /// Listens at `dir/log.socket` and writes to `dir/log`.
    pub(crate) fn listen(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("log.socket");
        let starting = || format!("listening at {}", path.display());
        let socket = UnixDatagram::bind(&path).doing(starting)?;
        fs::set_permissions(&path, Permissions::from_mode(0o666)).doing(starting)?;
        let mut log = File::create(dir.join("log")).doing(starting)?;
        let incoming = socket.try_clone().doing(starting)?;
        thread::spawn(move || {
            let mut datagram = [0; 8192];
            // A socket that is shut down receives nothing, at once.
            while let Ok(octets @ 1..) = incoming.recv(&mut datagram) {
                let line = datagram[..octets].trim_ascii_end();
                if log.write_all(&[line, b"\n"].concat()).is_err() {
                    return;
                }
            }
        });
        Ok(Self(socket))
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        // Fails only if the thread has ended already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}
