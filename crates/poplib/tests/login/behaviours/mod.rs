//! What both faces do.

mod buffers;
mod evidence;
mod faults;
mod mailbox;
mod mechanisms;
mod opening;
mod proxies;
mod quirks;

use poplib::sasl::{Method, Policy};
use poplib::{Config, Credentials, Error, LoginError};
use poplib_sandbox::Sandbox;

use super::{Client, Session, one_by_one, over};
use crate::support::{PASSWORD, USER};

fn credentials() -> Credentials {
    Credentials::password(USER, PASSWORD)
}

fn only(method: Method) -> Policy {
    let mut policy = Policy::default();
    policy.only = Some(method);
    policy
}

/// The lines that the last session sent.
fn lines(sandbox: &Sandbox) -> Vec<String> {
    sandbox.sessions().pop().unwrap().lines()
}

function! {
    fn connected(config: &Config) -> Client {
        go!(Client::connect(config)).unwrap()
    }
}

function! {
    /// Logs in, asks a question, and leaves.
    fn works(config: &Config, credentials: &Credentials) {
        let client = go!(connected(config));
        let mut session = go!(client.login(credentials)).unwrap();
        assert_eq!(go!(session.stat()).unwrap().messages, 3);
        go!(session.quit()).unwrap();
    }
}

function! {
    fn refused(config: &Config, credentials: &Credentials) -> LoginError<Client> {
        let client = go!(connected(config));
        go!(client.login(credentials)).unwrap_err()
    }
}

function! {
    fn opened(config: &Config) -> Session {
        go!(Session::open(config, &credentials())).unwrap()
    }
}

function! {
    fn not_opened(config: &Config) -> Error {
        go!(Session::open(config, &credentials())).unwrap_err()
    }
}
