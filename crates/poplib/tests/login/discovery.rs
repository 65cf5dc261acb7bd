//! Servers found through a name server on loopback, which answers what each test wants.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use poplib::discovery::{Discovery, Service};
use poplib::{Config, Credentials, Error, Phase, Security, TlsError, TlsErrorKind};
use poplib_sandbox::{CertificateSpec, Sandbox};

use crate::support::{PASSWORD, USER, patient, sandbox, started, trusting};

/// Priority, weight, port, target.
type Record = (u16, u16, u16, &'static str);

/// What a name server says to a question.
enum Answer {
    Records(Vec<Record>),
    /// NOERROR with nothing in it.
    Nothing,
    /// NXDOMAIN
    NoSuchName,
    /// SERVFAIL
    Failure,
    Silence,
}

/// A name server that knows the services of `example.org`, as long as questions come.
fn name_server(pop3s: Answer, pop3: Answer) -> Discovery {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddr = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((octets, client)) = socket.recv_from(&mut buffer) {
            let (name, question) = question(&buffer[..octets]);
            let answer = match name.as_str() {
                "_pop3s._tcp.example.org" => &pop3s,
                "_pop3._tcp.example.org" => &pop3,
                _ => &Answer::NoSuchName,
            };
            if let Some(message) = message(&buffer[..2], question, answer) {
                let _ = socket.send_to(&message, client);
            }
        }
    });
    Discovery::new().with_name_servers([address])
}

/// The name in the question of a query, in lower case, and the question itself.
fn question(query: &[u8]) -> (String, &[u8]) {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] > 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..end].to_ascii_lowercase()).unwrap());
        at = end;
    }
    (labels.join("."), &query[12..at + 5])
}

/// RFC 1035 §4.1
fn message(id: &[u8], question: &[u8], answer: &Answer) -> Option<Vec<u8>> {
    let (code, records) = match answer {
        Answer::Records(records) => (0, &records[..]),
        Answer::Nothing => (0, &[][..]),
        Answer::NoSuchName => (3, &[][..]),
        Answer::Failure => (2, &[][..]),
        Answer::Silence => return None,
    };
    let count = u8::try_from(records.len()).unwrap();
    let mut message = id.to_vec();
    message.extend([0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
    message.extend(question);
    for &(priority, weight, port, target) in records {
        let mut data = Vec::new();
        for number in [priority, weight, port] {
            data.extend(number.to_be_bytes());
        }
        for label in target.split('.').filter(|label| !label.is_empty()) {
            data.push(u8::try_from(label.len()).unwrap());
            data.extend(label.bytes());
        }
        data.push(0);
        // The name of the question, SRV, IN, a minute.
        message.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60]);
        message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        message.extend(data);
    }
    Some(message)
}

fn described(services: &[Service]) -> Vec<String> {
    let described = services.iter().map(|service| {
        let config = service.config();
        let (host, port) = config.address();
        format!("{:?} {host}:{port}", config.security())
    });
    described.collect()
}

#[test]
fn implicit_tls_comes_first_and_then_the_priorities() {
    let discovery = name_server(
        Answer::Records(vec![
            (20, 0, 9995, "backup.example.org."),
            (10, 0, 995, "POP.example.org."),
        ]),
        Answer::Records(vec![(0, 1, 110, "pop.example.org.")]),
    );
    for domain in ["example.org", "Example.ORG."] {
        let services = discovery.find_blocking(domain).unwrap();
        assert_eq!(
            described(&services),
            [
                "ImplicitTls pop.example.org:995",
                "ImplicitTls backup.example.org:9995",
                "Stls pop.example.org:110",
            ]
        );
        assert!(services.iter().all(Service::is_within_domain));
    }
}

#[test]
fn a_dot_means_that_there_is_no_such_service() {
    let none = || Answer::Records(vec![(0, 0, 0, ".")]);
    let discovery = name_server(
        none(),
        Answer::Records(vec![(0, 0, 110, "pop.example.org.")]),
    );
    let services = discovery.find_blocking("example.org").unwrap();
    assert_eq!(described(&services), ["Stls pop.example.org:110"]);
    let services = name_server(none(), none())
        .find_blocking("example.org")
        .unwrap();
    assert_eq!(services, []);
}

#[test]
fn a_domain_that_names_no_server_is_no_error() {
    for (pop3s, pop3) in [
        (Answer::NoSuchName, Answer::NoSuchName),
        (Answer::Nothing, Answer::NoSuchName),
    ] {
        let services = name_server(pop3s, pop3).find_blocking("example.org");
        assert_eq!(services.unwrap(), []);
    }
}

#[test]
fn a_name_server_that_fails_is_an_error_unless_something_was_learned() {
    let discovery = name_server(Answer::Failure, Answer::NoSuchName);
    let error = discovery.find_blocking("example.org").unwrap_err();
    assert!(matches!(error, Error::Resolve { .. }), "{error:?}");
    assert!(error.to_string().contains("example.org"), "{error}");
    let known = Answer::Records(vec![(0, 0, 995, "pop.example.org.")]);
    let services = name_server(known, Answer::Failure).find_blocking("example.org");
    assert_eq!(services.unwrap().len(), 1);
}

#[test]
fn a10_a_silent_name_server_is_waited_for_no_longer_than_allowed() {
    let discovery = name_server(Answer::Silence, Answer::Silence);
    let error = discovery
        .with_timeout(Duration::from_millis(250))
        .find_blocking("example.org")
        .unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Connect)), "{error:?}");
}

#[test]
fn what_is_no_domain_is_not_asked_for() {
    let error = Discovery::new().find_blocking("a..b").unwrap_err();
    assert!(matches!(error, Error::Resolve { .. }), "{error:?}");
}

#[tokio::test]
async fn both_faces_find_the_same() {
    let records = || Answer::Records(vec![(0, 0, 995, "pop.example.org.")]);
    let discovery = name_server(records(), Answer::NoSuchName);
    let found = discovery.find("example.org").await.unwrap();
    // Also from within a runtime.
    assert_eq!(discovery.find_blocking("example.org").unwrap(), found);
    assert_eq!(found[0].host(), "pop.example.org");
}

/// The service of `example.org`, which is the sandbox's.
fn service(sandbox: &Sandbox, security: Security) -> Service {
    let record = |port| Answer::Records(vec![(0, 0, port, "localhost.")]);
    let discovery = match security {
        Security::ImplicitTls => name_server(record(sandbox.tls_addr().port()), Answer::Nothing),
        _ => name_server(Answer::Nothing, record(sandbox.plain_addr().port())),
    };
    discovery.find_blocking("example.org").unwrap().remove(0)
}

fn opened(config: Config, sandbox: &Sandbox) -> Result<(), Error> {
    let config = config.with_tls(trusting(sandbox)).with_timeouts(patient());
    let credentials = Credentials::password(USER, PASSWORD);
    let session = poplib::blocking::Session::open(&config, &credentials)?;
    session.quit().map(drop)
}

#[test]
fn p13_another_host_proves_that_it_is_the_domain() {
    let of_domain = sandbox().certificate(CertificateSpec::for_names(["example.org"]));
    let sandbox = started(of_domain);
    for security in [Security::ImplicitTls, Security::Stls] {
        let service = service(&sandbox, security);
        assert!(!service.is_within_domain());
        opened(service.config(), &sandbox).unwrap();
    }
}

#[test]
fn p13_a_host_that_the_dns_may_have_been_made_to_name_is_not_believed() {
    let sandbox = started(sandbox());
    for security in [Security::ImplicitTls, Security::Stls] {
        let service = service(&sandbox, security);
        let error = opened(service.config(), &sandbox).unwrap_err();
        let Some(TlsErrorKind::WrongName { expected, .. }) = error.tls().map(TlsError::kind) else {
            panic!("{error:?}");
        };
        assert_eq!(expected, "example.org");
        assert_eq!(sandbox.sessions().pop().unwrap().user, None);
        // Unless somebody who knows it has said so.
        opened(service.confirmed_config(), &sandbox).unwrap();
    }
}
