//! AUTH and the choice of a login: what the transcripts in `data/auth` cannot say.

use base64ct::{Base64, Encoding};
use poplib_proto::command::{Auth, Capa, Login, LoginParameters};
use poplib_proto::error::Misuse;
use poplib_proto::sasl::{
    Bearer, Credentials, External, Mechanism, OAuthBearer, Policy, SaslError, XOAuth2,
};
use poplib_proto::{Call, Connection, Error, Exchange, Fault, Secret, State, Step, Want};

use crate::support::calls;
use crate::support::drive::{drive, drive_with};
use crate::support::peer::{Pace, Peer, Turn};
use crate::support::scenario::{authorization, limits};

fn client(text: &str) -> Turn {
    Turn::Client(text.as_bytes().to_vec())
}

fn server(text: &str) -> Turn {
    Turn::Server(text.as_bytes().to_vec())
}

/// Runs AUTH over these turns, with the octets whole and one by one.
fn converse(mechanism: impl Fn() -> Box<dyn Mechanism>, turns: &[Turn]) -> Result<(), Error> {
    let run = |pace| {
        let mut connection = authorization(limits());
        let mut peer = Peer::new(turns.to_vec(), pace);
        let result = drive(&mut connection, &mut peer, Auth::new(mechanism()));
        peer.assert_done(false);
        assert_eq!(connection.poisoned(), None);
        result.map(drop)
    };
    let whole = run(Pace::Whole);
    assert_eq!(run(Pace::Pieces(1)), whole);
    whole
}

/// The lines of an AUTH whose initial response is `response`, up to the server's last answer.
fn in_order(name: &str, response: &[u8]) -> Vec<Turn> {
    let encoded = Base64::encode_string(response);
    let whole = format!("AUTH {name} {encoded}\r\n");
    if whole.len() <= 255 {
        return vec![client(&whole), server("+OK\r\n")];
    }
    vec![
        client(&format!("AUTH {name}\r\n")),
        server("+ \r\n"),
        client(&format!("{encoded}\r\n")),
        server("+OK\r\n"),
    ]
}

#[test]
fn p14_q01_an_initial_response_goes_along_while_the_line_fits() {
    let mut one_line = 0;
    for octets in (1..=300).chain([2_048, 8_000]) {
        let bearer = Bearer::new("me", "t".repeat(octets), "pop.example.org");
        let mechanism = || Box::new(XOAuth2::new(&bearer).unwrap()) as Box<dyn Mechanism>;
        let response = mechanism().initial_response().unwrap().unwrap();
        let turns = in_order("XOAUTH2", response.expose());
        one_line += usize::from(turns.len() == 2);
        assert_eq!(converse(mechanism, &turns), Ok(()), "{octets} octets");
    }
    // 240 octets of base64, 180 of response, 158 of token.
    assert_eq!(one_line, 158);
}

#[test]
fn p14_255_octets_are_one_line_and_256_are_two() {
    for (name, octets, lines) in [("XOAUTH2", 255, 1), ("EXTERNAL", 256, 2)] {
        let encoded = octets - "AUTH  \r\n".len() - name.len();
        let response = "x".repeat(encoded / 4 * 3);
        let turns = in_order(name, response.as_bytes());
        assert_eq!(turns.iter().step_by(2).count(), lines);
        let fixed = || {
            Box::new(Fixed {
                name,
                response: response.clone(),
            }) as Box<dyn Mechanism>
        };
        assert_eq!(converse(fixed, &turns), Ok(()));
    }
}

#[test]
fn p14_the_bound_is_the_limit_of_the_command_line() {
    let mut narrow = limits();
    narrow.command_line = 20;
    for (authzid, turns) in [
        (
            "abc",
            vec![client("AUTH EXTERNAL YWJj\r\n"), server("+OK\r\n")],
        ),
        (
            "abcd",
            vec![
                client("AUTH EXTERNAL\r\n"),
                server("+\r\n"),
                client("YWJjZA==\r\n"),
                server("+OK\r\n"),
            ],
        ),
    ] {
        let mut connection = authorization(narrow.clone());
        let mut peer = Peer::new(turns, Pace::Whole);
        let external = External::new(Some(authzid)).unwrap();
        drive(&mut connection, &mut peer, Auth::new(Box::new(external))).unwrap();
        assert_eq!(connection.state(), State::Transaction);
    }
}

#[test]
fn p14_a_name_that_is_no_word_is_not_sent() {
    let mut connection = authorization(limits());
    let mechanism = Fixed {
        name: "X-EVIL\r\nDELE 1",
        response: String::new(),
    };
    let error = Auth::new(Box::new(mechanism)).resume(&mut connection);
    assert!(matches!(
        error,
        Err(Error::Misuse(Misuse::ForbiddenOctet { .. }))
    ));
    assert_eq!(connection.to_send(), b"");
    assert!(connection.is_usable());
}

#[test]
fn p15_q02_all_of_the_explanation_reaches_the_error() {
    let json = r#"{"status":"invalid_token","scope":"mail","openid-configuration":"https://as.example.org/c"}"#;
    let bearer = Bearer::new("me", "token", "pop.example.org");
    let mechanism = || Box::new(OAuthBearer::new(&bearer, 995).unwrap()) as Box<dyn Mechanism>;
    let first = mechanism().initial_response().unwrap().unwrap();
    let encoded = |octets: &[u8]| Base64::encode_string(octets);
    let turns = [
        client(&format!("AUTH OAUTHBEARER {}\r\n", encoded(first.expose()))),
        server(&format!("+ {}\r\n", encoded(json.as_bytes()))),
        client("AQ==\r\n"),
        server("-ERR [AUTH] refused\r\n"),
    ];
    let error = converse(mechanism, &turns).unwrap_err();
    let refused = error.refusal().expect("a refusal");
    let explanation = refused.explanation.as_ref().expect("an explanation");
    assert_eq!(explanation.status.as_deref(), Some("invalid_token"));
    assert_eq!(explanation.scope.as_deref(), Some("mail"));
    let configuration = explanation.openid_configuration.as_deref();
    assert_eq!(configuration, Some("https://as.example.org/c"));
    assert_eq!(error.fault(), Fault::Server);
    let text = error.to_string();
    assert!(
        text.contains("[AUTH] refused") && text.contains(r#""scope":"mail""#),
        "{text}"
    );
}

#[test]
fn a07_a_challenge_over_the_limit_ends_it() {
    let mut connection = authorization(limits());
    let endless = format!("+ {}", "A".repeat(1 << 20));
    let mut peer = Peer::lenient(endless.as_bytes(), Pace::Whole);
    let mut call = calls::parse("auth CRAM-MD5 me secret");
    let result = drive_with(&mut connection, &mut peer, |it| call.resume(it));
    assert!(matches!(result, Err(Error::Misbehaved(_))), "{result:?}");
    assert!(connection.poisoned().is_some());
}

/// What a password cannot be in a line costs nothing: USER is not sent before it is known.
#[test]
fn a06_a_password_that_no_line_can_carry_is_found_before_user() {
    for password in ["se\rcret", "se\ncret", &"x".repeat(249)] {
        for capabilities in ["+OK\r\nUSER\r\n.\r\n", "+OK\r\nPIPELINING\r\nUSER\r\n.\r\n"] {
            let mut connection = protected();
            let turns = [client("CAPA\r\n"), server(capabilities)];
            let mut peer = Peer::new(turns, Pace::Whole);
            let error = drive(&mut connection, &mut peer, login("me", password)).unwrap_err();
            assert_eq!(error.fault(), Fault::Caller, "{error}");
            assert!(!error.to_string().contains("cret"), "{error}");
            assert_eq!(
                (connection.to_send(), connection.in_flight()),
                (&b""[..], 0)
            );
            assert!(connection.is_usable());
        }
    }
}

/// Q6: PIPELINING counts as it was listed last, before the login or after it; a refused CAPA clears it.
#[test]
fn q06_what_was_listed_before_login_counts_until_capa_is_asked_again() {
    const LISTED: &str = "+OK\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n";
    for (after, expected) in [
        (LISTED, true),
        ("+OK\r\nTOP\r\n.\r\n", false),
        ("-ERR what?\r\n", false),
    ] {
        let mut connection = protected();
        let turns = [
            client("CAPA\r\n"),
            server(LISTED),
            client("AUTH PLAIN AG1lAHNlY3JldA==\r\n"),
            server("+OK\r\n"),
        ];
        let mut peer = Peer::new(turns, Pace::Whole);
        drive(&mut connection, &mut peer, login("me", "secret")).expect("a login");
        assert!(connection.advertises_pipelining());
        let mut peer = Peer::new([client("CAPA\r\n"), server(after)], Pace::Whole);
        let capa = drive(&mut connection, &mut peer, Call::new(Capa));
        assert_eq!(capa.is_ok(), after.starts_with("+OK"));
        assert_eq!(connection.advertises_pipelining(), expected, "{after}");
    }
}

#[test]
fn a_login_that_is_over_does_not_wait() {
    const GONE: Error = Error::Misuse(Misuse::AnswerGone);
    for (answer, succeeds) in [("-ERR no\r\n", false), ("+OK\r\n", true)] {
        let mut connection = authorization(limits());
        let mut auth = Auth::new(Box::new(External::new(None).unwrap()));
        let mut peer = Peer::lenient(answer.as_bytes(), Pace::Whole);
        let result = drive(&mut connection, &mut peer, &mut auth);
        assert_eq!(result.is_ok(), succeeds);
        assert_eq!(auth.resume(&mut connection).unwrap_err(), GONE);
    }
    let mut connection = protected();
    let turns = [
        client("CAPA\r\n"),
        server("+OK\r\nSASL PLAIN\r\n.\r\n"),
        client("AUTH PLAIN AG1lAHNlY3JldA==\r\n"),
        server("-ERR [AUTH] no\r\n"),
    ];
    let mut login = login("me", "secret");
    let mut peer = Peer::new(turns, Pace::Whole);
    assert!(drive(&mut connection, &mut peer, &mut login).is_err());
    assert_eq!(login.resume(&mut connection).unwrap_err(), GONE);
}

#[test]
fn a_login_tells_what_it_tried_last() {
    let one_flight = [
        client("USER me\r\nPASS secret\r\n"),
        server("+OK\r\n+OK\r\n"),
    ];
    let one_by_one = [
        client("USER me\r\n"),
        server("+OK\r\n"),
        client("PASS secret\r\n"),
        server("+OK\r\n"),
    ];
    let mechanism = [client("AUTH PLAIN AG1lAHNlY3JldA==\r\n"), server("+OK\r\n")];
    for (listed, turns, name, is_pipelined) in [
        ("USER\r\nPIPELINING", &one_flight[..], "USER", true),
        ("USER", &one_by_one, "USER", false),
        ("SASL PLAIN\r\nPIPELINING", &mechanism, "PLAIN", false),
    ] {
        let capa = [
            client("CAPA\r\n"),
            server(&format!("+OK\r\n{listed}\r\n.\r\n")),
        ];
        let mut login = login("me", "secret");
        assert_eq!((login.tried(), login.is_pipelined()), (None, false));
        let mut peer = Peer::new(capa.iter().chain(turns).cloned(), Pace::Whole);
        drive(&mut protected(), &mut peer, &mut login).expect("a login");
        assert_eq!(login.tried(), Some(name));
        assert_eq!(login.is_pipelined(), is_pipelined, "{listed}");
    }
}

/// Dropped at any octet, a login leaves the connection usable, or, once something decisive is
/// under way, poisoned with nothing left to send.
#[test]
fn a_login_dropped_at_any_octet_confuses_nothing() {
    let conversations = [
        vec![
            client("CAPA\r\n"),
            server("+OK\r\nPIPELINING\r\nUSER\r\n.\r\n"),
            client("USER me\r\nPASS secret\r\n"),
            server("+OK\r\n+OK\r\n"),
        ],
        vec![
            client("CAPA\r\n"),
            server("-ERR what?\r\n"),
            client("USER me\r\n"),
            server("+OK\r\n"),
            client("PASS secret\r\n"),
            server("-ERR [AUTH] no\r\n"),
        ],
        vec![
            client("CAPA\r\n"),
            server("+OK\r\nSASL LOGIN CRAM-MD5\r\n.\r\n"),
            client("AUTH CRAM-MD5\r\n"),
            server("+ ?\r\n"),
            client("*\r\n"),
            server("-ERR cancelled\r\n"),
            client("AUTH LOGIN\r\n"),
            server("+ \r\n"),
            client("bWU=\r\n"),
            server("+ \r\n"),
            client("c2VjcmV0\r\n"),
            server("+OK\r\n"),
        ],
    ];
    for turns in conversations {
        let mut moves = 0;
        while let Some(mut dropped) = Dropped::after(moves, &turns) {
            let mut next = calls::parse("custom NEXT");
            let mut peer = Peer::lenient(&[dropped.rest, b"+OK\r\n".into()].concat(), Pace::Whole);
            let connection = &mut dropped.connection;
            let next = drive_with(connection, &mut peer, |it| next.resume(it));
            match next {
                Ok(_) => assert!(!dropped.decisive, "{moves}"),
                Err(Error::Poisoned(cause)) => {
                    assert!(dropped.decisive, "{moves}: {cause}");
                    assert!(matches!(*cause, Error::Misuse(Misuse::Abandoned { .. })));
                    assert_eq!(connection.to_send(), b"", "{moves}");
                    assert!(!connection.is_usable(), "{moves}");
                }
                Err(error) => panic!("{moves}: {error}"),
            }
            moves += 1;
        }
        assert!(moves > 60, "{moves}");
    }
}

/// A connection whose login was dropped.
struct Dropped {
    connection: Connection,
    /// Whether the login had begun what decides the state.
    decisive: bool,
    /// What the server has still to say before it must be asked.
    rest: Vec<u8>,
}

impl Dropped {
    /// After so many moves of an octet. `None`: the login was over before.
    fn after(moves: usize, turns: &[Turn]) -> Option<Self> {
        let mut connection = protected();
        let mut peer = Peer::new(turns.to_vec(), Pace::Pieces(1));
        let mut login = login("me", "secret");
        let (mut sent, mut read) = (Vec::new(), 0);
        for _ in 0..moves {
            match login.resume(&mut connection) {
                Ok(Step::Want(Want::Write)) => {
                    let octets = peer.write(connection.to_send());
                    sent.extend_from_slice(&connection.to_send()[..octets]);
                    connection.sent(octets);
                }
                Ok(Step::Want(Want::Read)) => {
                    let octets = peer.read(connection.space());
                    connection.received(octets);
                    read += octets;
                }
                _ => return None,
            }
        }
        if !matches!(login.resume(&mut connection), Ok(Step::Want(_))) {
            return None;
        }
        sent.extend_from_slice(connection.to_send());
        let sent = String::from_utf8(sent).expect("ASCII");
        let last = sent.lines().last().expect("CAPA at the least");
        Some(Self {
            connection,
            decisive: !last.starts_with("CAPA") && !last.starts_with("USER"),
            rest: rest(turns, read),
        })
    }
}

/// What is left of the server's turn in which it has said `read` octets in all.
fn rest(turns: &[Turn], mut read: usize) -> Vec<u8> {
    for turn in turns {
        if let Turn::Server(octets) = turn {
            if read < octets.len() {
                return octets[read..].to_vec();
            }
            read -= octets.len();
        }
    }
    Vec::new()
}

/// The AUTHORIZATION state under TLS.
fn protected() -> Connection {
    let mut connection = authorization(limits());
    connection.protect();
    connection
}

fn login(user: &str, password: &str) -> Login {
    let parameters = LoginParameters {
        host: "pop.example.org".into(),
        port: 995,
        bindings: Vec::new(),
        policy: Policy::default(),
        timestamp: None,
        entropy: [7; 32],
        except: None,
    };
    Login::new(Credentials::password(user, password), parameters)
}

/// A mechanism with one thing to say.
struct Fixed {
    name: &'static str,
    response: String,
}

impl Mechanism for Fixed {
    fn name(&self) -> &str {
        self.name
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(Some(Secret::from(self.response.as_str())))
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, SaslError> {
        panic!("nothing is left to say");
    }

    fn finish(&mut self) -> Result<(), SaslError> {
        Ok(())
    }
}
