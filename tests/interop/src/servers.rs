//! One file for each server, and beside it what the server is configured with.

pub(crate) mod courier;
pub(crate) mod cyrus;
pub(crate) mod dovecot;
