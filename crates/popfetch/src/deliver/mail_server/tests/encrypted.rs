//! TLS, and who logs in under it.

use std::fs;
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedKey, DnType, KeyPair, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// A server's certificate and how a client comes to trust it.
struct Identity {
    config: Arc<ServerConfig>,
    tls: Tls,
}

impl Identity {
    fn of(host: &str) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([host.to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        Self {
            config: Arc::new(config),
            tls: Tls::with_authorities(cert.pem().as_bytes()).unwrap(),
        }
    }

    /// Answers so by TLS, after having answered so without. What it is sent either way.
    fn serve(
        &self,
        before: &'static [&'static str],
        answers: &'static [&'static str],
    ) -> (u16, JoinHandle<Vec<String>>) {
        let connection = ServerConnection::new(Arc::clone(&self.config)).unwrap();
        listen(move |stream| {
            let mut stream = BufReader::new(stream);
            let mut heard = answer(&mut stream, before);
            let stream = StreamOwned::new(connection, stream.into_inner());
            heard.extend(play(stream, answers));
            heard
        })
    }
}

/// Trust in somebody who has certified nothing here.
fn unrelated() -> Tls {
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "somebody else");
    let authority = authority.self_signed(&KeyPair::generate().unwrap());
    Tls::with_authorities(authority.unwrap().pem().as_bytes()).unwrap()
}

fn smtp(url: &str, access: &Access) -> MailServer {
    let address = Address::parse(url, Protocol::Smtp).unwrap();
    MailServer::new(Protocol::Smtp, &address, access, LONG).unwrap()
}

fn trusting(identity: &Identity) -> Access {
    Access {
        tls: identity.tls.clone(),
        ..access("me@example.org")
    }
}

/// Hands over one message. Nothing may be taken; why it is not.
#[track_caller]
fn refused(url: &str, access: &Access) -> Failure {
    match hand_over(&smtp(url, access), &[b"a\r\n"]).remove(0) {
        Err(Refusal::Everything(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

const BEFORE: &[&str] = &["220 here\r\n", "250-here\r\n250 STARTTLS\r\n", "220 go\r\n"];
const TAKES_ONE: [&str; 4] = ["250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 ok\r\n"];

#[test]
fn a_message_is_handed_over_by_tls_after_a_login() {
    const ANSWERS: &[&str] = &[
        "220 here\r\n",
        "250-here\r\n250 AUTH LOGIN PLAIN\r\n",
        "235 welcome\r\n",
        TAKES_ONE[0],
        TAKES_ONE[1],
        TAKES_ONE[2],
        TAKES_ONE[3],
    ];
    let identity = Identity::of("localhost");
    let (port, heard) = identity.serve(&[], ANSWERS);
    let server = smtp(
        &format!("smtps://me@localhost:{port}"),
        &trusting(&identity),
    );
    hand_over(&server, &[b"a\r\n.b\r\n"]).remove(0).unwrap();
    let heard = heard.join().unwrap();
    // NUL, `me`, NUL, `hunter2`.
    assert_eq!(heard[1], "AUTH PLAIN AG1lAGh1bnRlcjI=\r\n");
    assert_eq!(heard[4..8], ["DATA\r\n", "a\r\n", "..b\r\n", ".\r\n"]);
}

#[test]
fn starttls_comes_before_everything_else() {
    const ANSWERS: &[&str] = &[
        "",
        "250-here\r\n250-SIZE\r\n250 AUTH LOGIN\r\n",
        "334 VXNlcm5hbWU6\r\n",
        "334 what?\r\n",
        "235 welcome\r\n",
        TAKES_ONE[0],
        TAKES_ONE[1],
        TAKES_ONE[2],
        TAKES_ONE[3],
    ];
    let identity = Identity::of("localhost");
    let (port, heard) = identity.serve(BEFORE, ANSWERS);
    let server = smtp(&format!("smtp://me@localhost:{port}"), &trusting(&identity));
    hand_over(&server, &[b"a\r\n"]).remove(0).unwrap();
    let heard = heard.join().unwrap();
    assert!(
        heard[0].starts_with("EHLO ") && heard[2] == heard[0],
        "{heard:?}"
    );
    assert_eq!(heard[1], "STARTTLS\r\n");
    assert_eq!(
        heard[3..6],
        ["AUTH LOGIN\r\n", "bWU=\r\n", "aHVudGVyMg==\r\n"]
    );
    // What was offered before TLS does not count.
    assert_eq!(heard[6], "MAIL FROM:<> SIZE=3\r\n");
}

#[test]
fn a02_a_mail_server_without_starttls_gets_nothing() {
    const STRIPPED: &[&str] = &["220 here\r\n", "250-here\r\n250 AUTH PLAIN\r\n"];
    const REFUSED: &[&str] = &[BEFORE[0], BEFORE[1], "454 \x1b[31mnot now\r\n"];
    for (answers, why) in [
        (STRIPPED, "offers no TLS"),
        (REFUSED, r"454 \x1b[31mnot now"),
    ] {
        let (port, heard) = listen(|stream| play(stream, answers));
        let failure = refused(&format!("smtp://me@localhost:{port}"), &access("me"));
        assert_eq!(failure.status, Status::Unavailable);
        assert!(failure.message.contains(why), "{failure}");
        assert!(failure.hint.unwrap().contains("smtps://"));
        let heard = heard.join().unwrap();
        assert!(
            heard
                .iter()
                .all(|line| line.starts_with("EHLO ") || line == "STARTTLS\r\n")
        );
    }
}

#[test]
fn a01_what_a_mail_server_says_before_tls_is_not_believed_after_it() {
    const INJECTED: &[&str] = &[
        BEFORE[0],
        BEFORE[1],
        "220 go\r\n250-here\r\n250 AUTH PLAIN\r\n",
    ];
    let (port, heard) = listen(|stream| play(stream, INJECTED));
    let failure = refused(&format!("smtp://localhost:{port}"), &access("me"));
    assert!(failure.message.contains("before TLS"), "{failure}");
    heard.join().unwrap();
}

#[test]
fn a11_a_mail_server_with_another_certificate_gets_nothing() {
    let identity = Identity::of("localhost");
    let other = Identity::of("mail.example.org");
    let unrelated = unrelated();
    for (served, trusted, hint) in [
        (&identity, &other.tls, "under its old name"),
        (&identity, &unrelated, "an authority of its own"),
        (&identity, &Tls::pinned([7; 32]), "--target-pin"),
        (&other, &other.tls, "somebody else"),
    ] {
        for (scheme, before) in [("smtps", &[][..]), ("smtp", BEFORE)] {
            let (port, heard) = served.serve(before, &["220 here\r\n"]);
            let access = Access {
                tls: trusted.clone(),
                ..access("me")
            };
            let failure = refused(&format!("{scheme}://me@localhost:{port}"), &access);
            assert_eq!(failure.status, Status::Unavailable);
            assert!(failure.to_string().contains(hint), "{failure}");
            assert_eq!(heard.join().unwrap().len(), before.len().saturating_sub(1));
        }
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_told_apart() {
    let (port, heard) = listen(|stream| play(stream, &["220 here\r\n"]));
    let failure = refused(&format!("smtps://localhost:{port}"), &access("me"));
    assert!(
        failure.to_string().contains("smtp:// instead of smtps://"),
        "{failure}"
    );
    heard.join().unwrap();
    // Where TLS was to begin later, there is no other scheme to try.
    let (port, heard) = listen(|stream| {
        let mut stream = BufReader::new(stream);
        let heard = answer(&mut stream, BEFORE);
        // Behind the first octet of the handshake.
        stream.read_exact(&mut [0]).unwrap();
        stream
            .get_mut()
            .write_all(b"250 here, in the clear\r\n")
            .unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
        heard
    });
    let failure = refused(&format!("smtp://localhost:{port}"), &access("me"));
    assert!(!failure.to_string().contains("instead of"), "{failure}");
    heard.join().unwrap();
}

#[test]
fn a_server_that_hangs_up_in_the_handshake_is_told() {
    let (port, heard) = listen(|_| Vec::new());
    let failure = refused(&format!("smtps://localhost:{port}"), &access("me"));
    assert!(
        failure.message.contains("it closed the connection"),
        "{failure}"
    );
    heard.join().unwrap();
}

#[test]
fn a_refused_login_takes_no_message() {
    const HELLO: &str = "250-here\r\n250 AUTH PLAIN\r\n";
    const REFUSED: &[&str] = &["220 here\r\n", HELLO, "535 5.7.8 \x1b[31mno\r\n"];
    const NOT_NOW: &[&str] = &["220 here\r\n", HELLO, "454 4.7.0 not now\r\n"];
    const ASKS_ON: &[&str] = &["220 here\r\n", HELLO, "334 \r\n"];
    const WELCOMES_ANYBODY: &[&str] = &[
        "220 here\r\n",
        "250-here\r\n250 AUTH LOGIN\r\n",
        "235 welcome\r\n",
    ];
    const NO_WAY: &[&str] = &["220 here\r\n", "250-here\r\n250 AUTH GSSAPI\r\n"];
    let identity = Identity::of("localhost");
    for (answers, status, why) in [
        (REFUSED, Status::LoginRefused, r"535 5.7.8 \x1b[31mno"),
        (NOT_NOW, Status::Temporary, "454 4.7.0 not now"),
        (ASKS_ON, Status::Temporary, "challenge"),
        (WELCOMES_ANYBODY, Status::Temporary, "success"),
        (NO_WAY, Status::Unavailable, "neither PLAIN nor LOGIN"),
    ] {
        let (port, heard) = identity.serve(&[], answers);
        let failure = refused(
            &format!("smtps://me@localhost:{port}"),
            &trusting(&identity),
        );
        assert_eq!(failure.status, status, "{failure}");
        let text = failure.to_string();
        assert!(text.contains(why) && !text.contains("hunter2"), "{text}");
        let heard = heard.join().unwrap();
        assert!(
            !heard.iter().any(|line| line.starts_with("MAIL")),
            "{heard:?}"
        );
    }
}

#[test]
fn the_password_is_asked_for_once() {
    const ANSWERS: &[&str] = &[
        "220 here\r\n",
        "250-here\r\n250 AUTH PLAIN\r\n",
        "235 welcome\r\n",
    ];
    let identity = Identity::of("localhost");
    let directory = tempfile::tempdir().unwrap();
    let asked = directory.path().join("asked");
    let command = format!(
        "echo $POPFETCH_ACCOUNT $POPFETCH_USER $POPFETCH_HOST >> {}; echo hunter2",
        asked.display()
    );
    let access = Access {
        password: Source::Command(command),
        ..trusting(&identity)
    };
    let (port, heard) = identity.serve(&[], ANSWERS);
    let mut server = smtp(&format!("smtps://me@localhost:{port}"), &access);
    drop(server.begin().unwrap());
    heard.join().unwrap();

    let (port, heard) = identity.serve(&[], ANSWERS);
    let again = format!("smtps://me@localhost:{port}");
    server.address = Address::parse(&again, Protocol::Smtp).unwrap();
    drop(server.begin().unwrap());
    assert_eq!(heard.join().unwrap()[1], "AUTH PLAIN AG1lAGh1bnRlcjI=\r\n");
    assert_eq!(fs::read_to_string(asked).unwrap(), "work me localhost\n");
}
