//! What the protocol tests stand on: transcripts, a server in memory, and a driver between it
//! and the core.

pub(crate) mod calls;
pub(crate) mod drive;
pub(crate) mod logins;
pub(crate) mod peer;
pub(crate) mod replay;
pub(crate) mod scenario;
pub(crate) mod script;
pub(crate) mod text;
