//! Users, what they may log in with, and the lock on their maildrops.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::mailbox::{Mailbox, Source};
use crate::misbehave::History;

/// How long a login waits for a session whose client has gone to notice it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A user.
pub(crate) struct Account {
    name: String,
    password: Vec<u8>,
    source: Arc<dyn Source>,
    holder: Mutex<Option<Arc<dyn Peer>>>,
    released: Condvar,
    last_login: Mutex<Option<Instant>>,
    /// How often each message was retrieved, by unique-id.
    retrievals: Mutex<BTreeMap<Vec<u8>, u64>>,
    history: Mutex<History>,
}

/// The other end of a connection.
pub(crate) trait Peer: Send + Sync {
    /// Whether the client has closed its end.
    fn is_gone(&self) -> bool;
}

impl Account {
    pub(crate) fn new(name: String, password: Vec<u8>, mailbox: Mailbox) -> Self {
        Self {
            name,
            password,
            source: mailbox.source,
            holder: Mutex::default(),
            released: Condvar::new(),
            last_login: Mutex::default(),
            retrievals: Mutex::default(),
            history: Mutex::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn password(&self) -> &[u8] {
        &self.password
    }

    pub(crate) fn password_is(&self, password: &[u8]) -> bool {
        self.password == password
    }

    pub(crate) fn source(&self) -> &dyn Source {
        &*self.source
    }

    /// Locks the maildrop, unless another session holds it. A session whose client has gone does
    /// not count: its end is waited for, so that a client may come back at once.
    pub(crate) fn lock(self: &Arc<Self>, peer: &Arc<dyn Peer>) -> Option<Lock> {
        let (mut holder, _) = self
            .released
            .wait_timeout_while(guard(&self.holder), PATIENCE, |holder| {
                holder.as_ref().is_some_and(|peer| peer.is_gone())
            })
            .unwrap_or_else(PoisonError::into_inner);
        if holder.is_some() {
            return None;
        }
        *holder = Some(Arc::clone(peer));
        Some(Lock {
            account: Arc::clone(self),
            is_held: true,
        })
    }

    /// Counts a login, unless the last that counted was less than `delay` ago (RFC 2449 §6.5).
    pub(crate) fn begins_login(&self, delay: Duration) -> bool {
        let mut last = guard(&self.last_login);
        let too_soon = last.is_some_and(|last| last.elapsed() < delay);
        if !too_soon {
            *last = Some(Instant::now());
        }
        !too_soon
    }

    pub(crate) fn count_retrieval(&self, unique_id: Vec<u8>) {
        *guard(&self.retrievals).entry(unique_id).or_default() += 1;
    }

    pub(crate) fn retrievals(&self) -> BTreeMap<Vec<u8>, u64> {
        guard(&self.retrievals).clone()
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        guard(&self.history)
    }
}

/// A hold on a maildrop, given back on drop.
pub(crate) struct Lock {
    account: Arc<Account>,
    /// Whether it keeps others out.
    is_held: bool,
}

impl Lock {
    /// The hold of a server that knows no locks.
    pub(crate) fn shared(account: &Arc<Account>) -> Self {
        Self {
            account: Arc::clone(account),
            is_held: false,
        }
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_held {
            *guard(&self.account.holder) = None;
            self.account.released.notify_all();
        }
    }
}

/// All users, by name.
#[derive(Default)]
pub(crate) struct Accounts {
    by_name: HashMap<Vec<u8>, Arc<Account>>,
    /// The bearer tokens, with the user that each is for.
    tokens: HashMap<Vec<u8>, Vec<u8>>,
}

impl Accounts {
    pub(crate) fn insert(&mut self, account: Account) {
        self.by_name
            .insert(account.name.clone().into_bytes(), Arc::new(account));
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<Arc<Account>> {
        self.by_name.get(name).cloned()
    }

    pub(crate) fn insert_token(&mut self, user: &str, token: &str) {
        self.tokens.insert(token.into(), user.into());
    }

    pub(crate) fn token_is(&self, user: &[u8], token: &[u8]) -> bool {
        self.tokens.get(token).is_some_and(|owner| owner == user)
    }
}

/// A panic in another session must not make an account unusable.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
