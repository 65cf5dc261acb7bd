//! Something that only one thread uses at a time, as everything behind `&mut` is.

use std::sync::{Mutex, PoisonError};

/// A value that is shared between threads without being used by more than one: it can only be got at
/// through `&mut`. So what holds it is `Sync`, though the value is not.
pub(crate) struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn get(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}
