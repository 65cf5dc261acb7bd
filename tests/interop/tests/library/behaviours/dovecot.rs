//! Every way to log in that Dovecot offers, and TLS that must not come about.

use std::net::TcpListener;

use interop::{ClearText, ClientCertificate, Dovecot, Mailbox, ServerCertificate, Tap};
use poplib::{Config, Credentials, Error, Security, Tls, sasl::Method};

use super::{connect, refusal};
use crate::support::{alice, dovecot, implicit_tls, only, plaintext, showing, stls, trust};

const METHODS: [Method; 8] = [
    Method::ScramSha256,
    Method::ScramSha1,
    Method::CramMd5,
    Method::DigestMd5,
    Method::Plain,
    Method::Login,
    Method::UserPass,
    Method::Apop,
];

behaviour! {
    p20_each_mechanism_logs_in {
        let server = dovecot(&Mailbox::ordinary(1));
        for method in METHODS {
            let client = go!(connect(&only(implicit_tls(&server), method)));
            let mut session = go!(client.login(&Credentials::password("alice", "secret")))
                .unwrap_or_else(|error| panic!("{}: {error}\n{}", method.name(), server.log()));
            assert_eq!(go!(session.stat()).unwrap().messages, 1, "{}", method.name());
            go!(session.quit()).unwrap();
            let logged = match method {
                Method::UserPass => "method=PLAIN",
                Method::Apop => "method=APOP",
                _ => &format!("method={}", method.name()),
            };
            // Dovecot writes its log when it has answered.
            let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
            while !server.log().contains(logged) && std::time::Instant::now() < end {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            assert!(server.log().contains(logged), "{}\n{}", method.name(), server.log());
        }
    }
}

behaviour! {
    p20_each_mechanism_is_refused_with_a_wrong_password {
        let server = dovecot(&Mailbox::ordinary(1));
        for method in METHODS {
            let client = go!(connect(&only(implicit_tls(&server), method)));
            let refused = go!(client.login(&Credentials::password("alice", "wrong"))).unwrap_err();
            assert!(!refused.error.is_retryable(), "{}: {refused}", method.name());
        }
        assert!(!server.log().contains("Login:"), "{}", server.log());
    }
}

behaviour! {
    p20_the_strongest_mechanism_is_chosen {
        let server = dovecot(&Mailbox::ordinary(0));
        for config in [implicit_tls(&server), stls(&server), plaintext(&server)] {
            let client = go!(connect(&config));
            let session = go!(client.login(&Credentials::password("alice", "secret"))).unwrap();
            go!(session.quit()).unwrap();
        }
        assert_eq!(server.log().matches("method=SCRAM-SHA-256").count(), 3, "{}", server.log());
    }
}

behaviour! {
    p20_anonymous_logs_in {
        let server = dovecot(&Mailbox::ordinary(2));
        let client = go!(connect(&implicit_tls(&server)));
        let mut session = go!(client.login(&Credentials::anonymous("interop"))).unwrap();
        assert_eq!(go!(session.stat()).unwrap().messages, 2);
        go!(session.quit()).unwrap();
    }
}

behaviour! {
    p20_external_is_whom_our_certificate_is_for {
        let alices = ClientCertificate::new("alice").unwrap();
        let server = Dovecot {
            users: alice(&Mailbox::ordinary(2)),
            clients: Some(alices.ca_pem.clone()),
            ..Dovecot::default()
        }
        .start()
        .unwrap();
        for config in [implicit_tls(&server), stls(&server)] {
            let with_certificate = config.clone().with_tls(showing(&alices, &server));
            let client = go!(connect(&with_certificate));
            let mut session = go!(client.login(&Credentials::external()))
                .unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
            assert_eq!(go!(session.stat()).unwrap().messages, 2);
            go!(session.quit()).unwrap();

            // Nobody is known by no certificate, and everybody by a password.
            let client = go!(connect(&config));
            let refused = go!(client.login(&Credentials::external())).unwrap_err();
            let password = Credentials::password("alice", "secret");
            let session = go!(refused.client.unwrap().login(&password)).unwrap();
            go!(session.quit()).unwrap();
        }
        assert_eq!(server.log().matches("method=EXTERNAL").count(), 2, "{}", server.log());
    }
}

behaviour! {
    p05_apop_answers_the_greetings_stamp {
        let server = dovecot(&Mailbox::ordinary(0));
        let client = go!(connect(&plaintext(&server)));
        go!(go!(client.apop("alice", "secret")).unwrap().quit()).unwrap();
        assert!(server.log().contains("method=APOP"), "{}", server.log());
    }
}

behaviour! {
    a02_not_an_octet_of_the_password_crosses_in_clear_unasked {
        let server = Dovecot {
            users: alice(&Mailbox::ordinary(0)),
            clear_text: ClearText::Refused,
            ..Dovecot::default()
        }
        .start()
        .unwrap();
        let tap = Tap::before(server.plain_port()).unwrap();
        let config = Config::new("localhost")
            .with_port(tap.port())
            .with_security(Security::Plaintext);
        for method in [Method::Plain, Method::Login, Method::UserPass] {
            let client = go!(connect(&only(config.clone(), method)));
            assert!(go!(client.login(&Credentials::password("alice", "secret"))).is_err());
        }
        let mut client = go!(connect(&config));
        assert!(go!(client.user("alice")).is_err());
        let sent = tap.from_clients().escape_ascii().to_string();
        assert!(!sent.contains("alice") && !sent.contains("AUTH"), "{sent}");
    }
}

behaviour! {
    p11_after_stls_everything_is_under_tls {
        let server = dovecot(&Mailbox::ordinary(1));
        let tap = Tap::before(server.plain_port()).unwrap();
        let client = go!(connect(&stls(&server).with_port(tap.port())));
        assert_eq!(client.tls().unwrap().version(), "TLSv1.3");
        let session = go!(client.login(&Credentials::password("alice", "secret"))).unwrap();
        go!(session.quit()).unwrap();
        let sent = tap.from_clients();
        // The first octet behind the command line is that of a TLS record with a handshake.
        assert!(sent.starts_with(b"STLS\r\n\x16"), "{}", sent[..40].escape_ascii());
    }
}

behaviour! {
    p13_certificates_of_strangers_are_refused_before_any_credential {
        for (certificate, words) in [
            (ServerCertificate::OtherName, "pop.example.org"),
            (ServerCertificate::Expired, "out of date"),
        ] {
            let server = Dovecot {
                users: alice(&Mailbox::ordinary(0)),
                certificate,
                ..Dovecot::default()
            }
            .start()
            .unwrap();
            for config in [implicit_tls(&server), stls(&server)] {
                let error = go!(refusal(&server, &config));
                assert!(matches!(error, Error::Tls(_)), "{error:?}");
                let text = error.to_string();
                assert!(text.contains(words), "{text}");
            }
        }
    }
}

behaviour! {
    p13_authorities_of_strangers_are_refused_before_any_credential {
        let server = dovecot(&Mailbox::ordinary(0));
        let other = dovecot(&Mailbox::ordinary(0));
        for tls in [Tls::platform(), trust(&other)] {
            for config in [implicit_tls(&server), stls(&server)] {
                let error = go!(refusal(&server, &config.with_tls(tls.clone())));
                assert!(matches!(error, Error::Tls(_)), "{error:?}");
            }
        }
        assert!(!server.log().contains("Login:"), "{}", server.log());
    }
}

behaviour! {
    p12_a_clear_text_greeting_on_the_tls_port_and_the_reverse_are_errors {
        let server = dovecot(&Mailbox::ordinary(0));
        let swapped = implicit_tls(&server).with_port(server.plain_port());
        let error = go!(refusal(&server, &swapped));
        assert!(error.to_string().contains("does not speak TLS"), "{error}");

        let timeouts = poplib::Timeouts::each(std::time::Duration::from_secs(3));
        let swapped = stls(&server).with_port(server.tls_port()).with_timeouts(timeouts);
        go!(refusal(&server, &swapped));
    }
}

behaviour! {
    a_port_where_nothing_listens_is_a_network_error {
        let server = dovecot(&Mailbox::ordinary(0));
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let error = go!(refusal(&server, &implicit_tls(&server).with_port(port)));
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        assert!(error.is_retryable());
    }
}
