//! A running server.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use crate::account::Account;
use crate::builder::Builder;
use crate::certificate::{ClientCertificate, Identity};
use crate::marks::Marks;
use crate::misbehave::Fault;
use crate::record::SessionRecord;
use crate::server::Server;

/// A POP3 server with threads of its own, which stops when this is dropped.
pub struct Sandbox {
    server: Arc<Server>,
    certificate: CertificateDer<'static>,
    ca_pem: String,
    client_certificates: Vec<ClientCertificate>,
    plain_addr: SocketAddr,
    tls_addr: SocketAddr,
    listeners: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Begins to describe a sandbox.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn start(
        server: Arc<Server>,
        identity: Identity,
        plain: TcpListener,
        implicit_tls: TcpListener,
    ) -> io::Result<Self> {
        let mut sandbox = Self {
            certificate: identity.certificate,
            ca_pem: identity.ca_pem,
            client_certificates: identity.clients,
            plain_addr: plain.local_addr()?,
            tls_addr: implicit_tls.local_addr()?,
            listeners: Vec::new(),
            server,
        };
        for (listener, is_tls) in [(plain, false), (implicit_tls, true)] {
            sandbox
                .listeners
                .push(sandbox.server.listen(listener, is_tls)?);
        }
        Ok(sandbox)
    }

    /// Where it listens in the clear, with STLS.
    pub fn plain_addr(&self) -> SocketAddr {
        self.plain_addr
    }

    /// Where it listens for TLS from the first octet.
    pub fn tls_addr(&self) -> SocketAddr {
        self.tls_addr
    }

    /// The host that the certificate is for, unless [`Builder::certificate`] says otherwise.
    pub fn host(&self) -> &str {
        "localhost"
    }

    /// The certificate of the CA that signed the server's, in PEM: what a client has to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The server's own certificate in DER, for clients that pin it.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// What a client shows to be this user, where [`Builder::client_certificate`] named it.
    pub fn client_certificate(&self, user: &str) -> Option<&ClientCertificate> {
        let mut certificates = self.client_certificates.iter();
        certificates.find(|certificate| certificate.user == user)
    }

    /// Every connection so far, in the order of acceptance. The record of one that is not yet
    /// [ended](SessionRecord::ended) may grow.
    pub fn sessions(&self) -> Vec<SessionRecord> {
        self.server.records().all()
    }

    /// Waits until so many sessions have ended in all, which is when their records are complete
    /// and their maildrops free; `false` if `timeout` came first.
    pub fn wait_ended(&self, sessions: u64, timeout: Duration) -> bool {
        self.server.records().wait_ended(sessions, timeout)
    }

    /// How many messages the user's next session would find.
    ///
    /// # Errors
    ///
    /// There is no such user, or the Maildir cannot be read.
    pub fn messages_left(&self, user: &str) -> io::Result<u64> {
        self.account(user)?.source().messages()
    }

    /// The unique-ids that the user's next session would find.
    ///
    /// # Errors
    ///
    /// There is no such user, or the Maildir cannot be read.
    pub fn unique_ids(&self, user: &str) -> io::Result<Vec<Vec<u8>>> {
        self.account(user)?.source().unique_ids()
    }

    /// How often RETR of each message was answered with +OK, by unique-id.
    ///
    /// # Errors
    ///
    /// There is no such user.
    pub fn retrievals(&self, user: &str) -> io::Result<BTreeMap<Vec<u8>, u64>> {
        Ok(self.account(user)?.retrievals())
    }

    /// Adds a message at the end of the user's mailbox, visible from the next login.
    ///
    /// # Errors
    ///
    /// There is no such user, the mailbox is a generated one, or the Maildir cannot be written.
    pub fn deliver(&self, user: &str, message: impl Into<Vec<u8>>) -> io::Result<()> {
        self.account(user)?.source().deliver(message.into())
    }

    /// Removes a message of the user's mailbox for good, as another client would. `number` is the
    /// one that a session would give it that logged in now.
    ///
    /// # Errors
    ///
    /// There is no such user or message, or the Maildir cannot be written.
    pub fn remove(&self, user: &str, number: u64) -> io::Result<()> {
        let maildrop = self.account(user)?.source().open()?;
        if !(1..=maildrop.messages()).contains(&number) {
            let message = format!("no message {number}");
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        let mut marked = Marks::default();
        marked.set(number);
        maildrop.remove(&marked)
    }

    /// Replaces all misbehaviours, for connections accepted from now on.
    pub fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.server.faults() = faults.into_iter().collect();
    }

    fn account(&self, user: &str) -> io::Result<Arc<Account>> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("no user {user}"));
        self.server
            .settings()
            .accounts
            .find(user.as_bytes())
            .ok_or_else(unknown)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server
            .stop_accepting(&[self.plain_addr, self.tls_addr]);
        for listener in self.listeners.drain(..) {
            listener.join().ok();
        }
        self.server.stop();
    }
}
