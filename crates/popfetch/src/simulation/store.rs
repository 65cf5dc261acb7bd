//! The state: SQLite's own transactions in memory, each of which may fail or be the last thing
//! that happened. What was committed is durable, as the trait promises.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Mutex;

use super::sabotage::Sabotage;
use super::world::World;
use crate::clock::Timestamp;
use crate::key::{Key, KeyRef};
use crate::state::{
    AccountId, Change, Claim, Copied, Doubt, Facts, Mark, Marker, Received, Row, SqliteStore,
    State, StateError, StateStore, Target, Token, Unfinished,
};

/// The state of a world.
pub(super) struct SimulatedStore {
    pub(super) inner: SqliteStore,
    pub(super) world: World,
    /// Which of the owners of one Maildir this state's account is.
    owner: usize,
    /// Keys of the last transaction, where a sabotage has it undone by a crash.
    undone: Mutex<Vec<Key>>,
}

impl SimulatedStore {
    pub(super) fn new(inner: SqliteStore, world: World, owner: usize) -> Self {
        let undone = Mutex::default();
        Self {
            inner,
            world,
            owner,
            undone,
        }
    }

    fn step(&self, what: impl FnOnce() -> String) -> Result<(), StateError> {
        self.world.step(what).map_err(|error| StateError::Store {
            path: "state".into(),
            reason: error.to_string(),
            is_full: false,
        })
    }

    fn is_sabotaged(&self, sabotage: Sabotage) -> bool {
        self.world.lock().sabotage == Some(sabotage)
    }

    /// The process died.
    pub(super) fn crash(&self, account: AccountId) {
        let undone = std::mem::take(&mut *self.undone.lock().expect("nobody panics with it"));
        let mut changes = undone
            .iter()
            .map(|key| Change::Forget { key: key.as_ref() });
        let forgotten = self.inner.apply(account, Timestamp(0), &mut changes);
        forgotten.expect("rows can be forgotten");
    }
}

impl StateStore for SimulatedStore {
    fn id(&self) -> &[u8] {
        b"simulated"
    }

    /// As the seed decides.
    fn token(&self) -> Result<Token, StateError> {
        let mut inside = self.world.lock();
        let mut token = Token::default();
        let halves = [inside.random.next(), inside.random.next()];
        token[..8].copy_from_slice(&halves[0].to_be_bytes());
        token[8..].copy_from_slice(&halves[1].to_be_bytes());
        Ok(token)
    }

    fn uid(&self, _: AccountId) -> Result<Vec<u8>, StateError> {
        match self.is_sabotaged(Sabotage::OwnerForgotten) {
            true => Ok(b"account".to_vec()),
            false => Ok(format!("account {}", self.owner).into_bytes()),
        }
    }

    fn account(&self, name: &str) -> Result<Option<AccountId>, StateError> {
        self.inner.account(name)
    }

    fn claim(&self, name: &str) -> Result<Claim, StateError> {
        self.inner.claim(name)
    }

    fn facts(&self, account: AccountId) -> Result<Facts, StateError> {
        self.step(|| "read the facts".into())?;
        self.inner.facts(account)
    }

    fn learn(&self, account: AccountId, facts: &Facts) -> Result<(), StateError> {
        self.step(|| "write the facts".into())?;
        self.inner.learn(account, facts)
    }

    fn rows(&self, account: AccountId, visit: &mut dyn FnMut(Row<'_>)) -> Result<(), StateError> {
        self.step(|| "read the state".into())?;
        let sabotage = self.world.lock().sabotage;
        self.inner.rows(account, &mut |row| {
            visit(match (sabotage, row.state) {
                (Some(Sabotage::DeletedBeforeStored), State::Pending) => Row {
                    state: State::Stored,
                    ..row
                },
                (Some(Sabotage::ContentForgotten), _) => Row { sum: None, ..row },
                (Some(Sabotage::SizeForgotten), _) => Row {
                    listed: self.world.lock().maildrop.listed(row.key).or(row.listed),
                    ..row
                },
                _ => row,
            });
        })
    }

    fn unfinished(&self, account: AccountId) -> Result<Vec<Unfinished>, StateError> {
        self.step(|| "ask what is unfinished".into())?;
        match self.is_sabotaged(Sabotage::NotRecovered) {
            true => Ok(Vec::new()),
            false => self.inner.unfinished(account),
        }
    }

    fn partly_delivered(&self, account: AccountId) -> Result<Vec<Unfinished>, StateError> {
        self.step(|| "ask what is delivered in part".into())?;
        match self.is_sabotaged(Sabotage::CopiesForgotten) {
            true => Ok(Vec::new()),
            false => self.inner.partly_delivered(account),
        }
    }

    fn apply_marked(
        &self,
        account: AccountId,
        now: Timestamp,
        changes: &mut dyn Iterator<Item = Change<'_>>,
        marks: &[Mark<'_>],
    ) -> Result<(), StateError> {
        let changes: Vec<Change<'_>> = changes.collect();
        self.step(|| format!("commit{}", names(&changes)))?;
        let sabotage = self.world.lock().sabotage;
        let storing = || {
            let is_storing = |change: &&Change<'_>| matches!(change, Change::Storing { .. });
            changes.iter().filter(is_storing).map(|change| change.key())
        };
        let mut undone = self.undone.lock().expect("nobody panics with it");
        undone.clear();
        match sabotage {
            Some(Sabotage::StoringLate) => undone.extend(storing().map(KeyRef::to_key)),
            Some(Sabotage::StoredEarly) => {
                let stored = storing().map(|key| Change::Stored { key });
                let is_late = |change: &Change<'_>| matches!(change, Change::Stored { .. });
                let others = changes.iter().copied().filter(|change| !is_late(change));
                let mut all = others.chain(stored);
                return self.inner.apply_marked(account, now, &mut all, marks);
            }
            Some(Sabotage::PartBelieved | Sabotage::ExchangeBelieved) => {
                let exchanged = sabotage == Some(Sabotage::ExchangeBelieved);
                let mut changes = changes
                    .into_iter()
                    .map(|change| believed(change, exchanged));
                return self.inner.apply_marked(account, now, &mut changes, marks);
            }
            Some(Sabotage::LackingForgotten) => {
                let is_lacking = |change: &Change<'_>| matches!(change, Change::Lacking { .. });
                let mut others = changes.into_iter().filter(|change| !is_lacking(change));
                return self.inner.apply_marked(account, now, &mut others, marks);
            }
            Some(Sabotage::ForgottenAtOnce) => {
                let mut sabotaged = changes.iter().map(|&change| match change {
                    Change::Unseen { key } => Change::Forget { key },
                    other => other,
                });
                return self.inner.apply_marked(account, now, &mut sabotaged, marks);
            }
            _ => {}
        }
        let mut changes = changes.into_iter();
        (self.inner).apply_marked(account, now, &mut changes, marks)
    }

    fn markers(&self, account: AccountId) -> Result<Vec<Marker>, StateError> {
        self.step(|| "ask for the markers".into())?;
        let mut markers = self.inner.markers(account)?;
        if self.is_sabotaged(Sabotage::MarkerForgotten) {
            for marker in &mut markers {
                (marker.token, marker.seen) = (None, None);
            }
        }
        Ok(markers)
    }

    fn mark(&self, account: AccountId, marker: &Marker) -> Result<(), StateError> {
        self.step(|| format!("mark {:?}", marker.verdict))?;
        self.inner.mark(account, marker)?;
        let mut inside = self.world.lock();
        if marker.token.is_some() {
            let path = PathBuf::from(OsStr::from_bytes(&marker.target.location));
            inside.marked.insert(path);
        }
        Ok(())
    }

    fn relocate(&self, account: AccountId, from: &Target, to: &Target) -> Result<(), StateError> {
        self.step(|| "move a target".into())?;
        self.inner.relocate(account, from, to)
    }

    fn copies_in(
        &self,
        account: AccountId,
        target: &Target,
        visit: &mut dyn FnMut(Copied<'_>),
    ) -> Result<(), StateError> {
        self.step(|| "ask for copies".into())?;
        self.inner.copies_in(account, target, visit)
    }

    fn depending_on(
        &self,
        account: AccountId,
        target: &Target,
        visit: &mut dyn FnMut(KeyRef<'_>),
    ) -> Result<(), StateError> {
        self.step(|| "ask what depends on a target".into())?;
        self.inner.depending_on(account, target, visit)
    }
}

/// The same change without a doubt of one kind: that a message is another, or that it came in part.
fn believed(change: Change<'_>, exchanged: bool) -> Change<'_> {
    let left = |doubt: Option<Doubt>| doubt.filter(|doubt| (*doubt == Doubt::Shifted) != exchanged);
    match change {
        Change::Judged { key, doubt } => Change::Judged {
            key,
            doubt: left(doubt),
        },
        Change::Storing {
            key,
            sum,
            header,
            received,
            excerpt,
            copies,
        } => Change::Storing {
            key,
            sum,
            header,
            received: Received {
                doubt: left(received.doubt),
                ..received
            },
            excerpt,
            copies,
        },
        other => other,
    }
}

/// What changes, for the story.
fn names(changes: &[Change<'_>]) -> String {
    let names = changes.iter().map(|change| {
        let text = format!("{change:?}");
        let name = text
            .split([' ', '{'])
            .next()
            .unwrap_or_default()
            .to_lowercase();
        format!(
            " {name} {}#{}",
            change.key().identity,
            change.key().occurrence
        )
    });
    names.collect::<Vec<_>>().join(",")
}
