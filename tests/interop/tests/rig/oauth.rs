//! That a Dovecot asks an OAuth server whose the tokens are. The AUTH lines are made by hand.

use crate::support::base64;
use interop::{Dovecot, OauthServer, RawClient, Server, User};

fn start(oauth: &OauthServer) -> Server {
    Dovecot {
        users: vec![User::new("alice", "unused"), User::new("bob", "unused")],
        oauth: Some(oauth.url()),
        ..Dovecot::default()
    }
    .start()
    .unwrap()
}

/// The answer to XOAUTH2 and to OAUTHBEARER (RFC 7628).
fn answers(server: &Server, user: &str, token: &str) -> [String; 2] {
    [
        (
            "XOAUTH2",
            format!("user={user}\x01auth=Bearer {token}\x01\x01"),
        ),
        (
            "OAUTHBEARER",
            format!("n,a={user},\x01auth=Bearer {token}\x01\x01"),
        ),
    ]
    .map(|(mechanism, response)| {
        let (mut client, _) = RawClient::connect(server.plain_port()).unwrap();
        let response = base64(response.as_bytes());
        client
            .command(&format!("AUTH {mechanism} {response}"))
            .unwrap()
    })
}

#[test]
fn the_right_token_logs_in_and_others_do_not() {
    let oauth = OauthServer::start().unwrap();
    let server = start(&oauth);
    let token = oauth.token("alice").unwrap();
    for answer in answers(&server, "alice", &token) {
        assert!(answer.starts_with("+OK"), "{answer}\n{}", server.log());
    }
    // Nine octets, so that no padding stands where the JSON goes on.
    let failure = base64(b"{\"status\"");
    for answer in answers(&server, "bob", &token) {
        assert!(answer.starts_with(&format!("+ {failure}")), "{answer}");
    }
    for answer in answers(&server, "alice", "no-such-token") {
        assert!(answer.starts_with("-ERR"), "{answer}");
    }
}
