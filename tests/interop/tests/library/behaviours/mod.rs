mod commands;
mod courier;
mod cyrus;
mod dovecot;
mod every;
mod oauth;
mod pipelining;

use std::{
    thread,
    time::{Duration, Instant},
};

use interop::Server;
use poplib::{Config, Error};

use super::{Client, Session};

function! {
    fn connect(config: &Config) -> Client {
        go!(Client::connect(config)).unwrap()
    }
}

function! {
    fn log_in(config: &Config) -> Session {
        let mut client = go!(connect(config));
        go!(client.user("alice")).unwrap();
        go!(client.pass("secret")).unwrap()
    }
}

function! {
    fn log_in_when_free(config: &Config) -> Session {
        // A maildrop is in use until the server has noticed that a session has ended (Q20).
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let mut client = go!(connect(config));
            go!(client.user("alice")).unwrap();
            match go!(client.pass("secret")) {
                Ok(session) => return session,
                Err(refused) if Instant::now() > deadline => panic!("{refused}"),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

function! {
    fn retrieve(session: &mut Session, number: u32) -> Vec<u8> {
        go!(go!(session.retr(number)).unwrap().collect()).unwrap()
    }
}

function! {
    fn refusal(server: &Server, config: &Config) -> Error {
        match go!(Client::connect(config)) {
            Ok(_) => panic!("it connected\n{}", server.log()),
            Err(error) => error,
        }
    }
}
