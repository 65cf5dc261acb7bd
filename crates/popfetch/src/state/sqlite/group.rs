//! One transaction for the changes of many accounts.
//!
//! What takes time is to make a transaction durable. So whoever sees others waiting leaves that to
//! them: the last one commits for all, and nobody goes on before it has.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::{Connection, ErrorCode};

/// A connection that many threads write to.
pub(super) struct Shared {
    inside: Mutex<Inside>,
    /// Who is about to write.
    coming: AtomicUsize,
    /// A round has ended.
    ended: Condvar,
}

struct Inside {
    connection: Connection,
    /// The transaction that is open.
    round: Option<Arc<Round>>,
}

/// How the transaction that several take part in ended, once it has.
type Round = OnceLock<Result<(), Trouble>>;

/// What SQLite says, for everybody it concerns.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) reason: String,
    /// It was for want of space.
    pub(super) is_full: bool,
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self {
            is_full: error.sqlite_error_code() == Some(ErrorCode::DiskFull),
            reason: error.to_string(),
        }
    }
}

impl Shared {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            inside: Mutex::new(Inside {
                connection,
                round: None,
            }),
            coming: AtomicUsize::new(0),
            ended: Condvar::new(),
        }
    }

    /// Reads. What others are about to commit may be seen.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        work(&self.lock().connection)
    }

    /// Writes, all or nothing. What is written is durable afterwards.
    ///
    /// # Errors
    /// Those of `work`, which then has changed nothing; and whatever else SQLite says.
    pub(super) fn write<T, E: From<Trouble>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.coming.fetch_add(1, Ordering::SeqCst);
        let mut inside = self.lock();
        let is_last = self.coming.fetch_sub(1, Ordering::SeqCst) == 1;
        let round = inside.round().map_err(Trouble::from)?;
        // Whoever waits for the end of this round waits for ever if a panic goes on before it.
        let written = catch_unwind(AssertUnwindSafe(|| inside.write(work)));
        if is_last || inside.is_lost() {
            inside.commit();
            self.ended.notify_all();
        }
        let written = written.unwrap_or_else(|panic| resume_unwind(panic))?;
        let waiting = self.ended.wait_while(inside, |_| round.get().is_none());
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
        match round.get() {
            Some(Err(trouble)) => Err(trouble.clone().into()),
            _ => Ok(written),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // A panic elsewhere leaves the connection whole: what it had written was taken back.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// The transaction that is open, or else a new one.
    fn round(&mut self) -> rusqlite::Result<Arc<Round>> {
        if self.round.is_none() {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
        }
        Ok(Arc::clone(self.round.get_or_insert_default()))
    }

    /// One part of the transaction, which is taken back alone if it fails.
    fn write<T, E: From<Trouble>>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let part = self.connection.savepoint().map_err(Trouble::from)?;
        let written = work(&part)?;
        part.commit().map_err(Trouble::from)?;
        Ok(written)
    }

    /// Whether SQLite has taken back the whole transaction over the trouble of one part, as it does
    /// when the disk is full.
    fn is_lost(&self) -> bool {
        self.connection.is_autocommit()
    }

    fn commit(&mut self) {
        let committed = match self.is_lost() {
            true => Err(Trouble {
                reason: "what was written with it could not be".into(),
                is_full: false,
            }),
            false => (self.connection.execute_batch("COMMIT")).map_err(Trouble::from),
        };
        if !self.is_lost() {
            // If that fails, too, the next one cannot begin, and says so.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        if let Some(round) = self.round.take() {
            // It was not set before: the round was open.
            let _ = round.set(committed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const SCHEMA: &str = "PRAGMA foreign_keys = on;
        CREATE TABLE parent (id INTEGER PRIMARY KEY);
        CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)";

    fn shared() -> Shared {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        Shared::new(connection)
    }

    fn execute(shared: &Shared, sql: &str) -> Result<(), Trouble> {
        shared.write(|connection| Ok(connection.execute_batch(sql)?))
    }

    /// Has these executed side by side, all of which are waiting before the first one begins.
    fn together(shared: &Shared, all: &[&str]) -> Vec<Result<(), Trouble>> {
        let execute = |which: usize, connection: &Connection| connection.execute_batch(all[which]);
        side_by_side(shared, all.len(), execute)
    }

    /// The same, in the order in which they have their turn, which nobody can know before.
    fn one_by_one(shared: &Shared, all: &[&str]) -> Vec<Result<(), Trouble>> {
        let turn = AtomicUsize::new(0);
        let execute = |_, connection: &Connection| {
            connection.execute_batch(all[turn.fetch_add(1, Ordering::SeqCst)])
        };
        side_by_side(shared, all.len(), execute)
    }

    fn side_by_side(
        shared: &Shared,
        many: usize,
        work: impl Fn(usize, &Connection) -> rusqlite::Result<()> + Sync,
    ) -> Vec<Result<(), Trouble>> {
        let work = &work;
        thread::scope(|scope| {
            let (hold, held) = mpsc::channel::<()>();
            let holder = scope.spawn(move || shared.read(|_| held.recv().is_err()));
            while shared.inside.try_lock().is_ok() {
                thread::yield_now();
            }
            let written: Vec<_> = (0..many)
                .map(|which| {
                    scope.spawn(move || shared.write(|connection| Ok(work(which, connection)?)))
                })
                .collect();
            while shared.coming.load(Ordering::SeqCst) < many {
                thread::yield_now();
            }
            drop(hold);
            holder.join().unwrap();
            written
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        })
    }

    fn parents(shared: &Shared) -> i64 {
        let count = "SELECT count(*) FROM parent";
        shared.read(|connection| connection.query_row(count, [], |row| row.get(0)).unwrap())
    }

    #[test]
    fn those_who_wait_together_are_committed_together() {
        let shared = shared();
        // No parent 9: so the transaction cannot be committed, and nobody's part of it is.
        let orphan = "INSERT INTO child VALUES (9)";
        let all = [
            "INSERT INTO parent VALUES (1)",
            orphan,
            "INSERT INTO parent VALUES (2)",
        ];
        let ended = together(&shared, &all);
        for outcome in ended {
            assert!(outcome.unwrap_err().reason.contains("FOREIGN KEY"));
        }
        assert_eq!(parents(&shared), 0);
        execute(&shared, "INSERT INTO parent VALUES (1)").unwrap();
        assert_eq!(parents(&shared), 1);
    }

    #[test]
    fn a_part_that_fails_is_taken_back_alone() {
        let shared = shared();
        let twice = "INSERT INTO parent VALUES (7); INSERT INTO parent VALUES (7)";
        let all = [
            "INSERT INTO parent VALUES (1)",
            twice,
            "INSERT INTO parent VALUES (2)",
        ];
        let ended = together(&shared, &all);
        assert!(ended[0].is_ok() && ended[1].is_err() && ended[2].is_ok());
        assert_eq!(parents(&shared), 2);
    }

    #[test]
    fn where_one_loses_the_transaction_all_others_hear_of_it() {
        // What SQLite does by itself where a disk is full.
        let lose = "INSERT OR ROLLBACK INTO parent VALUES (7), (7)";
        let insert = "INSERT INTO parent VALUES (1)";
        // Whoever comes behind it has a transaction of its own.
        for (order, kept) in [([insert, lose], 0), ([lose, insert], 1)] {
            let shared = shared();
            let ended = one_by_one(&shared, &order);
            let fine = ended.iter().filter(|outcome| outcome.is_ok()).count();
            assert_eq!((fine, parents(&shared)), (kept, kept as i64), "{order:?}");
        }
    }

    #[test]
    fn a_panic_keeps_nobody_waiting() {
        let shared = shared();
        let panicked = thread::scope(|scope| {
            let panics = || shared.write(|_| -> Result<(), Trouble> { panic!("on purpose") });
            scope.spawn(panics).join()
        });
        assert!(panicked.is_err());
        execute(&shared, "INSERT INTO parent VALUES (1)").unwrap();
        assert_eq!(parents(&shared), 1);
    }
}
