//! What both clients hold and neither awaits: the connection, its deadlines, its TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use poplib_proto::command::{Login, LoginParameters, Survey, Welcome};
use poplib_proto::sasl::{Credentials, Timestamp};
use poplib_proto::{Capabilities, Connection, Misuse, Window};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::host::host_name;
use crate::proxy::Handshake;
use crate::quirks::{Avoided, Known};
use crate::timeouts::{Deadline, Phase, Progress};
use crate::tls::{self, TlsError, TlsErrorKind, TlsFacts};
use crate::trace::WireTrace;
use crate::{Config, Error, Pipelining, Security, Utf8};

/// A session without its stream.
pub(crate) struct Core {
    pub(crate) connection: Connection,
    pub(crate) welcome: Option<Welcome>,
    pub(crate) tls: Option<TlsFacts>,
    /// Whom the TCP connection goes to, where it was made here.
    pub(crate) peer: Option<SocketAddr>,
    config: Config,
    /// What this session does without.
    avoided: Avoided,
    /// Whether the server has said something under TLS: until then, in TLS 1.3, it may still refuse
    /// our certificate.
    heard_under_tls: bool,
    /// Whether TLS with the proxy is what the stream runs over.
    through_tls: bool,
    session_end: Option<Instant>,
}

impl Core {
    /// For a session that began at `begun`, before its connection was made.
    pub(crate) fn new(config: &Config, begun: Instant) -> Self {
        let mut connection = Connection::new(config.limits().clone());
        if config.allows_plaintext_credentials() {
            connection.allow_plaintext_credentials();
        }
        connection.set_observer(Box::new(WireTrace));
        Self {
            connection,
            welcome: None,
            tls: None,
            peer: None,
            config: config.clone(),
            avoided: config.known().avoided(Instant::now()),
            heard_under_tls: false,
            through_tls: false,
            session_end: config.timeouts().session_end(begun),
        }
    }

    pub(crate) fn known(&self) -> &Known {
        self.config.known()
    }

    /// What came and nothing was done with; `None` where a command is not answered yet, or the
    /// connection is of no use any more.
    pub(crate) fn unread_at_rest(&self) -> Option<Vec<u8>> {
        let connection = &self.connection;
        let is_at_rest = connection.in_flight() == 0 && connection.to_send().is_empty();
        (is_at_rest && connection.is_usable()).then(|| connection.unread().to_vec())
    }

    pub(crate) fn avoided(&self) -> Avoided {
        self.avoided
    }

    /// Has this session do without these.
    pub(crate) fn avoid(&mut self, avoided: Avoided) {
        self.avoided = avoided;
    }

    pub(crate) fn security(&self) -> Security {
        self.config.security()
    }

    pub(crate) fn timestamp(&self) -> Result<Timestamp, Misuse> {
        match &self.welcome {
            Some(welcome) => welcome.timestamp(),
            None => Err(Misuse::NoTimestamp),
        }
    }

    /// Whether to ask for UTF-8 before the login, now that it is known what the server offers, if it
    /// is.
    pub(crate) fn wants_utf8(&self) -> bool {
        let capabilities = self.connection.capabilities();
        match self.config.utf8() {
            Utf8::Never => false,
            Utf8::IfOffered => capabilities.is_some_and(Capabilities::utf8),
            Utf8::Required => true,
        }
    }

    /// Goes on after UTF8, which some refuse that offer it.
    ///
    /// # Errors
    ///
    /// `outcome`'s own where the session does not go on without.
    pub(crate) fn goes_on_after_utf8<T>(&self, outcome: Result<T, Error>) -> Result<(), Error> {
        match outcome {
            Err(Error::Protocol(poplib_proto::Error::Refused(_)))
                if self.config.utf8() != Utf8::Required =>
            {
                Ok(())
            }
            outcome => outcome.map(drop),
        }
    }

    /// A login with these credentials over this connection, in any way but `except`.
    pub(crate) fn login(
        &self,
        credentials: &Credentials,
        except: Option<String>,
    ) -> Result<Login, Error> {
        let (host, port) = self.config.address();
        let parameters = LoginParameters {
            host: host.to_owned(),
            port,
            bindings: match &self.tls {
                Some(facts) => facts.bindings().to_vec(),
                None => Vec::new(),
            },
            policy: self.config.login_policy().clone(),
            timestamp: self.timestamp().ok(),
            entropy: tls::entropy()?,
            except,
        };
        let mut login = Login::new(for_names(credentials.clone()), parameters);
        if self.avoided.capa {
            login = login.without_asking();
        }
        if self.pipelining() == Pipelining::Off {
            login = login.without_pipelining();
        }
        Ok(login)
    }

    /// A survey of the maildrop, and whether it is pipelined: not where CAPA broke a session before,
    /// so that it shows whether CAPA alone does.
    pub(crate) fn survey(&self) -> (Survey, bool) {
        let asks_capa = self.may_ask_capa();
        let doubts_capa = self.known().quirks().capa_after_login.breaks() > 0;
        let one_flight = self.may_pipeline() && !(asks_capa && doubts_capa);
        let survey = Survey::new(one_flight);
        match asks_capa {
            true => (survey, one_flight),
            false => (survey.without_capa(), one_flight),
        }
    }

    /// Whether the server can be asked after login what it can do.
    fn may_ask_capa(&self) -> bool {
        !self.avoided.capa && !self.avoided.capa_after_login
    }

    fn pipelining(&self) -> Pipelining {
        match self.config.pipelining() {
            Pipelining::Auto if self.avoided.pipelining => Pipelining::Off,
            pipelining => pipelining,
        }
    }

    /// Whether CAPA must be asked before it is known how many commands may be on their way.
    pub(crate) fn must_learn_pipelining(&self) -> bool {
        self.pipelining() == Pipelining::Auto
            && self.connection.capabilities().is_none()
            && self.may_ask_capa()
    }

    /// Whether several commands may be on their way at once.
    fn may_pipeline(&self) -> bool {
        match self.pipelining() {
            Pipelining::Auto => self.connection.advertises_pipelining(),
            Pipelining::Off => false,
            Pipelining::Window(window) => window != Window::ONE,
        }
    }

    /// How many commands may be on their way at once; with how many octets of their lines, the
    /// driver knows.
    pub(crate) fn window(&self, command_octets: usize) -> Window {
        match self.pipelining() {
            Pipelining::Window(window) => window,
            _ if !self.may_pipeline() => Window::ONE,
            _ => {
                let mut window = Window::default();
                window.command_octets = command_octets;
                window
            }
        }
    }

    pub(crate) fn deadline(&self, phase: Phase) -> Deadline {
        Deadline::new(phase, self.config.timeouts(), self.session_end)
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress::new(self.config.timeouts(), self.session_end)
    }

    pub(crate) fn tls_parameters(
        &self,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), TlsError> {
        let name = tls::server_name(self.config.certificate_name())?;
        Ok((self.config.tls().unversioned_client_config()?, name))
    }

    /// The same for the proxy, where it speaks TLS.
    pub(crate) fn proxy_tls_parameters(
        &self,
    ) -> Option<Result<(Arc<ClientConfig>, ServerName<'static>), TlsError>> {
        let (tls, host) = self.config.proxy()?.tls()?;
        let parameters = || Ok((tls.unversioned_client_config()?, tls::server_name(host)?));
        Some(parameters())
    }

    /// TLS with the proxy came about. The protocol is no safer for it: behind the proxy the octets
    /// go on as they are.
    pub(crate) fn reached_proxy_under_tls(&mut self) {
        self.through_tls = true;
    }

    /// Octets came; none is the end of the stream.
    pub(crate) fn received(&mut self, octets: usize) {
        self.heard_under_tls |= octets > 0 && self.tls.is_some();
        self.connection.received(octets);
    }

    pub(crate) fn protected(&mut self, facts: TlsFacts) {
        self.connection.protect();
        self.tls = Some(facts);
    }

    /// The handshake with the proxy, where there is one.
    pub(crate) fn proxy_handshake(&self) -> Option<Handshake> {
        let proxy = self.config.proxy()?;
        Some(proxy.handshake(self.config.address()))
    }

    /// The stream failed: nothing more can come of the connection. What to tell the caller.
    pub(crate) fn failed(&mut self, source: io::Error, deadline: &Deadline) -> Error {
        // In clear behind the proxy, what breaks is the proxy's TLS, in the middle of the session.
        let between = self.through_tls && self.tls.is_none() && *deadline.phase() != Phase::Tls;
        let error = stream_error(source, deadline, self.heard_under_tls || between);
        self.connection.disconnect();
        error
    }

    pub(crate) fn timed_out(&mut self, deadline: &Deadline) -> Error {
        self.connection.disconnect();
        deadline.passed()
    }
}

/// The same credentials, a token's host in the form in which that of the connection is.
fn for_names(mut credentials: Credentials) -> Credentials {
    if let Credentials::Bearer(bearer) = &mut credentials
        && let Ok(host) = host_name(&bearer.host)
    {
        bearer.host = host;
    }
    credentials
}

/// What a failure of the stream means: time-outs and errors of TLS hide in it.
fn stream_error(source: io::Error, deadline: &Deadline, heard_under_tls: bool) -> Error {
    use io::ErrorKind::{TimedOut, WouldBlock};

    if let Some(error) = source
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return match heard_under_tls {
            true => Error::TlsBroken {
                phase: deadline.phase().clone(),
                source: TlsError::new(TlsErrorKind::Other, error.clone()),
            },
            false => Error::Tls(TlsError::unversioned_from_rustls(error.clone())),
        };
    }
    // A blocking socket says WouldBlock when its time is over.
    if matches!(source.kind(), WouldBlock | TimedOut) {
        return deadline.passed();
    }
    Error::Io {
        phase: deadline.phase().clone(),
        source,
    }
}

/// A read of a TLS stream that ended without close_notify is an end like any other: the
/// protocol knows by itself whether something is missing.
pub(crate) fn end_of_stream(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        other => other,
    }
}
