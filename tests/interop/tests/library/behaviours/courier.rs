//! What only Courier does.

use interop::{Courier, Mailbox, Server, User, compare};
use poplib::{Credentials, sasl::Method};

use super::{connect, log_in, retrieve};
use crate::support::{alice, implicit_tls, only, plaintext, stls};

fn courier(users: Vec<User>) -> Server {
    Courier {
        users,
        ..Courier::default()
    }
    .start()
    .unwrap()
}

behaviour! {
    messages_of_courier_arrive_whole {
        let mailbox = Mailbox::ordinary(3);
        let server = courier(alice(&mailbox));
        for config in [implicit_tls(&server), stls(&server), plaintext(&server)] {
            let mut session = go!(log_in(&config));
            for (number, stored) in (1..).zip(mailbox.messages()) {
                let received = go!(retrieve(&mut session, number));
                compare::assert_same_messages(
                    vec![compare::on_the_wire(&stored)],
                    vec![received],
                );
            }
            go!(session.quit()).unwrap();
        }
    }
}

behaviour! {
    p18_utf8_before_login_and_a_user_outside_ascii {
        let mailbox = Mailbox::of(["Subject: Grüße\n\nüber\n".as_bytes().to_vec()]);
        let server = courier(vec![User::new("jürgen", "geheim-ß").with(&mailbox)]);
        let mut client = go!(connect(&stls(&server)));
        let capabilities = go!(client.capa()).unwrap();
        assert!(capabilities.utf8() && capabilities.utf8_user());
        go!(client.utf8()).unwrap();
        go!(client.user("jürgen")).unwrap();
        let mut session = go!(client.pass("geheim-ß"))
            .unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
        let received = go!(retrieve(&mut session, 1));
        assert_eq!(received, "Subject: Grüße\r\n\r\nüber\r\n".as_bytes());
        go!(session.quit()).unwrap();
    }
}

behaviour! {
    p18_no_stls_after_utf8 {
        let server = courier(alice(&Mailbox::ordinary(0)));
        let mut client = go!(connect(&plaintext(&server)));
        go!(client.utf8()).unwrap();
        let error = go!(client.stls()).unwrap_err();
        assert_eq!(error.fault(), poplib::Fault::Caller, "{error}");
    }
}

behaviour! {
    p20_each_mechanism_of_courier_logs_in {
        let server = courier(alice(&Mailbox::ordinary(1)));
        for method in [
            Method::CramMd5,
            Method::Plain,
            Method::Login,
            Method::UserPass,
        ] {
            let client = go!(connect(&only(implicit_tls(&server), method)));
            let session = go!(client.login(&Credentials::password("alice", "secret")))
                .unwrap_or_else(|error| panic!("{}: {error}\n{}", method.name(), server.log()));
            go!(session.quit()).unwrap();
        }
    }
}
