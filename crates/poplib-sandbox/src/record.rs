//! What was said, for tests to look at.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::tls::TlsFacts;

/// The sessions that are remembered; older ones are forgotten first.
const SESSIONS: usize = 4096;

/// One connection, from its acceptance to now or to its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionRecord {
    /// Counted from 1 in the order of acceptance, over both ports.
    pub number: u64,
    /// The client's address.
    pub client: SocketAddr,
    /// What the client sent in the clear: all of it, or what came before the handshake.
    pub received_before_tls: Vec<u8>,
    /// What the client sent under TLS, decrypted.
    pub received_under_tls: Vec<u8>,
    /// What the server sent, before encryption.
    pub sent: Vec<u8>,
    /// Octets sent, those beyond the limit of the record included.
    pub octets_sent: u64,
    /// Octets received, those beyond the limit of the record included.
    pub octets_received: u64,
    /// What was agreed on, after a handshake that succeeded.
    pub tls: Option<TlsFacts>,
    /// Why the handshake failed: what the client did, or the alert that it sent.
    pub handshake_error: Option<String>,
    /// Who logged in.
    pub user: Option<String>,
    /// Whether the server is done with the connection.
    pub ended: bool,
}

impl SessionRecord {
    /// Everything the client sent, in the clear or decrypted.
    pub fn received(&self) -> Vec<u8> {
        [&*self.received_before_tls, &*self.received_under_tls].concat()
    }

    /// The lines that the client sent, without their ends.
    pub fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.received())
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

/// All sessions of a sandbox.
pub(crate) struct Records {
    /// How many sessions have ended.
    ended: Arc<(Mutex<u64>, Condvar)>,
    sessions: Mutex<VecDeque<Arc<Mutex<SessionRecord>>>>,
    /// Octets kept of each direction of each session.
    limit: usize,
}

impl Records {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            ended: Arc::default(),
            sessions: Mutex::default(),
            limit,
        }
    }

    pub(crate) fn begin(&self, number: u64, client: SocketAddr) -> Recorder {
        let record = Arc::new(Mutex::new(SessionRecord {
            number,
            client,
            received_before_tls: Vec::new(),
            received_under_tls: Vec::new(),
            sent: Vec::new(),
            octets_sent: 0,
            octets_received: 0,
            tls: None,
            handshake_error: None,
            user: None,
            ended: false,
        }));
        let mut sessions = lock(&self.sessions);
        if sessions.len() == SESSIONS {
            sessions.pop_front();
        }
        sessions.push_back(Arc::clone(&record));
        Recorder {
            record,
            ended: Arc::clone(&self.ended),
            limit: self.limit,
        }
    }

    /// Waits until so many sessions have ended; `false` if `timeout` came first.
    pub(crate) fn wait_ended(&self, sessions: u64, timeout: Duration) -> bool {
        let (ended, changed) = &*self.ended;
        let (ended, _) = changed
            .wait_timeout_while(lock(ended), timeout, |ended| *ended < sessions)
            .unwrap_or_else(PoisonError::into_inner);
        *ended >= sessions
    }

    pub(crate) fn all(&self) -> Vec<SessionRecord> {
        lock(&self.sessions)
            .iter()
            .map(|record| lock(record).clone())
            .collect()
    }
}

/// Writes one session's record; its end is the session's.
pub(crate) struct Recorder {
    record: Arc<Mutex<SessionRecord>>,
    ended: Arc<(Mutex<u64>, Condvar)>,
    limit: usize,
}

impl Recorder {
    pub(crate) fn received(&self, octets: &[u8], under_tls: bool) {
        let mut record = lock(&self.record);
        record.octets_received += octets.len() as u64;
        let kept = match under_tls {
            true => &mut record.received_under_tls,
            false => &mut record.received_before_tls,
        };
        keep(kept, octets, self.limit);
    }

    pub(crate) fn sent(&self, octets: &[u8]) {
        let mut record = lock(&self.record);
        record.octets_sent += octets.len() as u64;
        keep(&mut record.sent, octets, self.limit);
    }

    pub(crate) fn tls(&self, facts: TlsFacts) {
        lock(&self.record).tls = Some(facts);
    }

    pub(crate) fn handshake_failed(&self, error: &std::io::Error) {
        lock(&self.record).handshake_error = Some(error.to_string());
    }

    pub(crate) fn logged_in(&self, user: &str) {
        lock(&self.record).user = Some(user.to_owned());
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        lock(&self.record).ended = true;
        let (ended, changed) = &*self.ended;
        *lock(ended) += 1;
        changed.notify_all();
    }
}

fn keep(kept: &mut Vec<u8>, octets: &[u8], limit: usize) {
    let room = limit.saturating_sub(kept.len());
    kept.extend_from_slice(&octets[..octets.len().min(room)]);
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
