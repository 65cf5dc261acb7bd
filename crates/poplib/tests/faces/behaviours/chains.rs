//! The chains that `anyhow` and `eyre` print: each thing once, down to what began it.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use poplib::rustls;
use poplib::{
    Chain, Config, Credentials, Error, Phase, ProtocolError, Security, Tls, TlsErrorKind,
};

use super::*;
use crate::support::{implicit_tls, sandbox, started, stls};

/// One error for both of them.
#[derive(Clone, Debug)]
struct Shared(Arc<dyn StdError + Send + Sync>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// The texts of an error and its sources, once it is seen that both crates print each once.
fn texts(error: impl StdError + Send + Sync + 'static) -> Vec<String> {
    let in_one_line = Chain(&error).to_string();
    let shared = Shared(Arc::new(error));
    let report = anyhow::Error::new(shared.clone());
    let texts: Vec<String> = report.chain().map(ToString::to_string).collect();
    for (index, text) in texts.iter().enumerate() {
        let (before, behind) = (&texts[..index], &texts[index + 1..]);
        let says = |other: &&String| other.contains(text.as_str());
        assert_eq!(before.iter().chain(behind).find(says), None, "{texts:?}");
        assert!(!text.is_empty(), "{texts:?}");
    }
    assert_eq!(format!("{report:#}"), texts.join(": "));
    assert_eq!(in_one_line, texts.join(": "));
    let report = eyre::Report::new(shared);
    assert!(
        report
            .chain()
            .map(ToString::to_string)
            .eq(texts.iter().cloned())
    );
    assert_eq!(format!("{report:#}"), texts.join(": "));
    texts
}

/// Whether an error goes back to one of this type.
fn goes_back_to<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    let mut next = error.source();
    while let Some(source) = next {
        if source.is::<T>() {
            return true;
        }
        next = source.source();
    }
    false
}

behaviour! { a_chain_ends_at_the_error_of_the_system {
    let host = Config::new("no-such-host.invalid");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = Config::new("127.0.0.1").with_port(port);
    for (config, attempt) in [
        (host, "the name no-such-host.invalid could not be resolved"),
        (port, "connecting to 127.0.0.1:"),
    ] {
        let error = go!(not_connected(&config));
        assert!(goes_back_to::<io::Error>(&error), "{error:?}");
        let texts = texts(error);
        assert!(texts[0].starts_with(attempt) && texts.len() == 2, "{texts:?}");
    }
    let source = io::Error::from(io::ErrorKind::ConnectionReset);
    let reset = Error::Io { phase: Phase::Body, source };
    assert_eq!(texts(reset), ["reading a message failed", "connection reset"]);
}}

behaviour! { a_chain_ends_at_the_error_of_rustls {
    let sandbox = started(sandbox());
    let config = implicit_tls(&sandbox).with_tls(Tls::platform());
    for config in [config.clone(), config.with_tls(Tls::pinned([7; 32]))] {
        let error = go!(not_connected(&config));
        assert!(goes_back_to::<rustls::Error>(&error), "{error:?}");
        texts(error);
    }
}}

behaviour! { a_chain_of_tls_that_breaks_ends_there_too {
    let sandbox = started(sandbox());
    let is_broken = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let address = crate::support::wire::breaking(sandbox.tls_addr(), is_broken.clone());
    let config = implicit_tls(&sandbox).with_port(address.port());
    let mut session = go!(logged_in(go!(connected(&config))));
    is_broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let error = go!(session.stat()).unwrap_err();
    assert!(goes_back_to::<rustls::Error>(&error), "{error:?}");
    let texts = texts(error);
    assert_eq!(texts, ["STAT failed", "TLS failed", "cannot decrypt peer's message"]);
}}

behaviour! { a_chain_says_what_the_server_said_once {
    let (mut session, _) = go!(scripted_session(Script::new().on("STAT", "2 320\r\n")));
    let broken = "STAT: the server's answer is neither +OK nor -ERR: \"2 320\"";
    assert_eq!(texts(go!(session.stat()).unwrap_err()), [broken]);
    let given_up = "the connection was given up after an earlier error";
    assert_eq!(texts(go!(session.noop()).unwrap_err()), [given_up, broken]);

    let (client, _) = go!(scripted(Script::new().on("CAPA", "+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n")));
    let credentials = Credentials::password("me", "se\0cret");
    let texts = texts(go!(client.login(&credentials)).unwrap_err());
    assert!(texts.iter().all(|text| !text.contains("cret")), "{texts:?}");
}}

behaviour! { a_chain_tells_what_was_demanded_and_what_came {
    let script = Script::new().on("STLS", "-ERR no\r\n");
    let config = in_memory().with_security(Security::Stls);
    let error = go!(Client::from_stream(stream(script.stream()), &config)).unwrap_err();
    let (demanded, came) = ("TLS is required, and did not begin", "STLS was refused: the server said \"no\"");
    assert_eq!(texts(error), [demanded, came]);
    let sandbox = started(sandbox());
    let error = go!(not_connected(&stls(&sandbox).with_tls(Tls::pinned([7; 32]))));
    assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::PinMismatch { .. }));
    assert!(!matches!(error, Error::Protocol(ProtocolError::Closed(_))));
}}
