//! What is measured: pieces of the core and the writer of a Maildir, each over the same octets every
//! time.

mod bodies;
mod commands;
mod logins;
mod maildir;

use std::hint::black_box;

/// Something to be measured, prepared to run any number of times.
pub struct Case {
    /// What the budget knows it by.
    pub name: &'static str,
    /// Octets that one run takes in; 0 where that says nothing.
    pub octets: usize,
    run: Box<dyn Fn() -> u64>,
}

impl Case {
    fn new(name: &'static str, octets: usize, run: impl Fn() -> u64 + 'static) -> Self {
        Self {
            name,
            octets,
            run: Box::new(run),
        }
    }

    /// Runs it once. The name is what the counter of instructions looks for.
    #[inline(never)]
    pub fn measured(&self) -> u64 {
        black_box((self.run)())
    }
}

/// All cases, by the names of the budget.
pub fn cases() -> Vec<Case> {
    let mut cases = bodies::cases();
    cases.extend(commands::cases());
    cases.extend(logins::cases());
    cases.extend(maildir::cases());
    cases
}
