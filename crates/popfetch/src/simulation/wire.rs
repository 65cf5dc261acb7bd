//! Streams in memory in place of connections.

use std::cell::RefCell;

use poplib::tokio::{Client, Session};
use poplib::{Config, Credentials, Error};
use tokio::io::duplex;
use tokio::task::JoinHandle;

use super::session;
use super::world::World;

/// How many octets are between the two sides.
const BUFFER: usize = 64 * 1024;

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
    static SESSIONS: RefCell<Vec<JoinHandle<()>>> = const { RefCell::new(Vec::new()) };
}

/// As long as it lives, this thread's connections lead to the maildrop of a world.
pub(super) struct Wire;

impl Wire {
    pub(super) fn to(world: &World) -> Self {
        WORLD.set(Some(world.clone()));
        Self
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        WORLD.set(None);
    }
}

/// Waits until the server knows that all sessions have ended.
pub(super) async fn hang_up() {
    for session in SESSIONS.take() {
        session.await.expect("the server does not panic");
    }
}

/// Opens a session: with the simulated server, if there is one.
pub(crate) async fn open(config: &Config, credentials: &Credentials) -> Result<Session, Error> {
    let Some(world) = WORLD.with_borrow(Clone::clone) else {
        return Session::open(config, credentials).await;
    };
    let (here, there) = duplex(BUFFER);
    let session = tokio::spawn(session::serve(there, world));
    SESSIONS.with_borrow_mut(|sessions| sessions.push(session));
    let client = Client::from_stream(here, config).await?;
    let login = client.login(credentials).await;
    login.map_err(|refused| refused.error)
}
