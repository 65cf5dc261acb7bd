mod commands;
mod courier;
mod cyrus;
mod dovecot;
mod oauth;
mod pipelining;

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
