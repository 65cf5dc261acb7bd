//! One file for each server, and beside it what the server is configured with.

pub(crate) mod courier;
pub(crate) mod cyrus;
pub(crate) mod dovecot;
pub(crate) mod mailutils;
pub(crate) mod mpopd;
pub(crate) mod nginx;
pub(crate) mod perdition;
pub(crate) mod popa3d;
pub(crate) mod twisted;
