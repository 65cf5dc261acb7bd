//! What both faces do.

mod attacks;
mod authentication;
mod batches;
mod bodies;
mod certificates;
mod chains;
mod connecting;
mod cuts;
mod deadlines;
mod errors;
mod login;
mod panics;
mod proxies;
mod secrets;
mod skipping;
mod streams;
mod trace;
mod transaction;
mod trust;
mod whole_session;

use poplib::{Config, Error};
use poplib_sandbox::Sandbox;

use super::{Client, Session, read_all, read_some, stream, tcp};
use crate::support::memory::{Received, Script};
use crate::support::{PASSWORD, USER, in_memory, plaintext};

function! {
    fn connected(config: &Config) -> Client {
        go!(Client::connect(config)).unwrap()
    }
}

function! {
    /// Why no connection came about.
    fn not_connected(config: &Config) -> Error {
        go!(Client::connect(config)).unwrap_err()
    }
}

function! {
    fn logged_in(mut client: Client) -> Session {
        go!(client.user(USER)).unwrap();
        go!(client.pass(PASSWORD)).unwrap()
    }
}

function! {
    /// A session with the sandbox, in clear.
    fn session(sandbox: &Sandbox) -> Session {
        let client = go!(connected(&plaintext(sandbox)));
        go!(logged_in(client))
    }
}

function! {
    /// A client of a server in memory, and what that server receives.
    fn scripted(script: Script) -> (Client, Received) {
        let memory = script.stream();
        let received = memory.received();
        let client = go!(Client::from_stream(stream(memory), &in_memory())).unwrap();
        (client, received)
    }
}

function! {
    fn scripted_session(script: Script) -> (Session, Received) {
        let (mut client, received) = go!(scripted(script));
        go!(client.user("me")).unwrap();
        (go!(client.pass("secret")).unwrap(), received)
    }
}
