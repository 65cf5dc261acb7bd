//! Mailboxes whose messages never change and are only struck from a list.

use std::io::{self, BufRead};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Maildrop, Source};
use crate::marks::Marks;

/// Messages by an index that is never used twice.
pub(crate) trait Catalogue: Send + Sync + 'static {
    /// How many messages there are at the start.
    fn messages(&self) -> u64;

    fn octets(&self, index: u64) -> u64;

    fn unique_id(&self, index: u64) -> Vec<u8>;

    fn content(&self, index: u64) -> Box<dyn BufRead + Send>;

    /// Adds a message with the next index, where the kind of mailbox can.
    fn deliver(&self, _message: Vec<u8>) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "mail can be delivered to mailboxes in memory and Maildirs only",
        ))
    }
}

/// A catalogue and which of its messages are left.
pub(crate) struct Kept<C> {
    shared: Arc<Shared<C>>,
}

struct Shared<C> {
    catalogue: C,
    left: Mutex<Left>,
    /// By index; beyond the end the catalogue's own hold.
    chosen_unique_ids: Mutex<Arc<[Vec<u8>]>>,
}

impl<C: Catalogue> Kept<C> {
    pub(crate) fn new(catalogue: C) -> Self {
        let left = Mutex::new(Left::First(catalogue.messages()));
        Self {
            shared: Arc::new(Shared {
                catalogue,
                left,
                chosen_unique_ids: Mutex::new(Arc::new([])),
            }),
        }
    }
}

impl<C: Catalogue> Source for Kept<C> {
    fn messages(&self) -> io::Result<u64> {
        Ok(self.shared.left().len())
    }

    fn open(&self) -> io::Result<Box<dyn Maildrop>> {
        Ok(Box::new(View {
            left: self.shared.left().clone(),
            chosen_unique_ids: Arc::clone(&lock(&self.shared.chosen_unique_ids)),
            shared: Arc::clone(&self.shared),
        }))
    }

    fn deliver(&self, message: Vec<u8>) -> io::Result<()> {
        let mut left = self.shared.left();
        self.shared.catalogue.deliver(message)?;
        let index = self.shared.catalogue.messages() - 1;
        left.push(index);
        Ok(())
    }

    fn choose_unique_ids(&self, unique_ids: Vec<Vec<u8>>) {
        *lock(&self.shared.chosen_unique_ids) = unique_ids.into();
    }
}

impl<C> Shared<C> {
    fn left(&self) -> MutexGuard<'_, Left> {
        lock(&self.left)
    }
}

struct View<C> {
    shared: Arc<Shared<C>>,
    left: Left,
    chosen_unique_ids: Arc<[Vec<u8>]>,
}

impl<C: Catalogue> Maildrop for View<C> {
    fn messages(&self) -> u64 {
        self.left.len()
    }

    fn octets(&self, number: u64) -> io::Result<u64> {
        Ok(self.shared.catalogue.octets(self.left.index(number)))
    }

    fn unique_id(&self, number: u64) -> Vec<u8> {
        let index = self.left.index(number);
        match self.chosen_unique_ids.get(index as usize) {
            Some(chosen) => chosen.clone(),
            None => self.shared.catalogue.unique_id(index),
        }
    }

    fn content(&self, number: u64) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(self.shared.catalogue.content(self.left.index(number)))
    }

    fn remove(&self, marked: &Marks) -> io::Result<()> {
        if !marked.is_empty() {
            let indexes: Vec<_> = marked
                .iter()
                .map(|number| self.left.index(number))
                .collect();
            let mut left = self.shared.left();
            *left = left.without(&indexes);
        }
        Ok(())
    }
}

/// Which indexes are left, in order.
#[derive(Clone)]
enum Left {
    /// All below this one: a million untouched messages need no list.
    First(u64),
    These(Arc<Vec<u64>>),
}

impl Left {
    fn len(&self) -> u64 {
        match self {
            Self::First(count) => *count,
            Self::These(indexes) => indexes.len() as u64,
        }
    }

    /// The index of a message number that is in range.
    fn index(&self, number: u64) -> u64 {
        match self {
            Self::First(_) => number - 1,
            Self::These(indexes) => indexes[number as usize - 1],
        }
    }

    /// What is left without these indexes, which are in order. Some may be gone already: a server
    /// without locks has several sessions that delete.
    fn without(&self, indexes: &[u64]) -> Self {
        let left = (1..=self.len()).map(|number| self.index(number));
        let kept = left.filter(|index| indexes.binary_search(index).is_err());
        Self::These(Arc::new(kept.collect()))
    }

    fn push(&mut self, index: u64) {
        match self {
            Self::First(count) => *count += 1,
            Self::These(indexes) => Arc::make_mut(indexes).push(index),
        }
    }
}

/// A panic in another session must not make this mailbox unusable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
