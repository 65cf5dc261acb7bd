//! What every server needs: a directory, ports, a certificate, and an end.

pub(crate) mod certificate;
pub(crate) mod jail;
pub(crate) mod ports;
pub(crate) mod prepared;
pub(crate) mod process;
mod syslog;
