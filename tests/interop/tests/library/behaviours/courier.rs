//! What only Courier does.

use interop::{Courier, Mailbox, Server, User};
use poplib::{Credentials, Utf8};

use super::{Session, connect, retrieve};
use crate::support::{alice, plaintext, stls};

fn courier(users: Vec<User>) -> Server {
    Courier {
        users,
        ..Courier::default()
    }
    .start()
    .unwrap()
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
    p18_a_session_is_opened_in_utf8 {
        let mailbox = Mailbox::of(["Subject: Grüße\n\nüber\n".as_bytes().to_vec()]);
        let server = courier(vec![User::new("jürgen", "geheim-ß").with(&mailbox)]);
        for utf8 in [Utf8::IfOffered, Utf8::Required] {
            let config = stls(&server).with_utf8(utf8);
            let credentials = Credentials::password("jürgen", "geheim-ß");
            let mut session = go!(Session::open(&config, &credentials))
                .unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
            assert!(session.connection().is_utf8());
            let received = go!(retrieve(&mut session, 1));
            assert_eq!(received, "Subject: Grüße\r\n\r\nüber\r\n".as_bytes());
            go!(session.quit()).unwrap();
        }
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
