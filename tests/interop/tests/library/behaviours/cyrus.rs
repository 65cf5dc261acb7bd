//! What only Cyrus does.

use interop::{Cyrus, Mailbox, Server};
use poplib::{Credentials, Expire, sasl::Method};

use super::connect;
use crate::support::{alice, implicit_tls, only, stls};

fn cyrus(mailbox: &Mailbox) -> Server {
    Cyrus {
        users: alice(mailbox),
        ..Cyrus::default()
    }
    .start()
    .unwrap()
}

behaviour! {
    p10_cyrus_tells_its_delay_and_expiry {
        let server = cyrus(&Mailbox::ordinary(0));
        let mut client = go!(connect(&stls(&server)));
        let capabilities = go!(client.capa()).unwrap();
        assert_eq!(capabilities.expire().map(|expire| expire.value), Some(Expire::Never));
        assert_eq!(capabilities.login_delay().map(|delay| delay.value), Some(0));
        let implementation = capabilities.implementation().unwrap();
        assert!(implementation.starts_with(b"Cyrus POP3"), "{}", implementation.escape_ascii());
    }
}

behaviour! {
    p16_scram_ends_with_a_challenge {
        let server = cyrus(&Mailbox::ordinary(1));
        for method in [Method::ScramSha512, Method::ScramSha256, Method::ScramSha1] {
            let client = go!(connect(&only(implicit_tls(&server), method)));
            let credentials = Credentials::password("alice", "secret");
            let mut session = go!(client.login(&credentials)).unwrap();
            assert_eq!(go!(session.stat()).unwrap().messages, 1);
            go!(session.quit()).unwrap();
        }
    }
}

behaviour! {
    p17_plus_is_offered_without_a_binding_of_ours_and_the_login_works {
        let server = cyrus(&Mailbox::ordinary(1));
        let mut client = go!(connect(&implicit_tls(&server)));
        let capabilities = go!(client.capa()).unwrap();
        assert!(capabilities.sasl().any(|name| name == "SCRAM-SHA-256-PLUS"));
        let mut session = go!(client.login(&Credentials::password("alice", "secret")))
            .unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
        assert_eq!(go!(session.stat()).unwrap().messages, 1);
        go!(session.quit()).unwrap();
        assert!(server.log().contains(" SCRAM-SHA-512+TLS "), "{}", server.log());
    }
}
