//! `popfetch state`: what is remembered of messages and servers, and what can be put right there.
//! No server is asked.

mod check;
mod moving;
mod quirks;
mod show;
mod targets;
mod transfer;

use std::path::PathBuf;

use crate::cli::{Common, Files, state};
use crate::config::{self, Configuration};
use crate::failure::{Failure, Status};
use crate::report::{End, Output};
use crate::state::SqliteStore;
use crate::status::{self, Surveyed};

/// Does what the options say.
///
/// # Errors
/// When the state cannot be read or written, or does not know what was named.
pub(crate) fn run(options: &state::State, common: &Common) -> Result<(), Failure> {
    let mut out = Output::new(common);
    let done = match options {
        state::State::Show(options) => show::run(options, &mut out),
        state::State::Move(options) => moving::run(options, &mut out),
        state::State::Separate(options) => moving::separate(options, &mut out),
        state::State::AcceptTarget(options) => targets::accept(options, &mut out),
        state::State::Resolve(options) => targets::resolve(options, &mut out),
        state::State::Quirks(options) => quirks::run(options, &mut out),
        state::State::Check(options) => check::run(options, &mut out),
        state::State::Export(options) => transfer::export(options, &mut out),
        state::State::Import(options) => transfer::import(options, &mut out),
    };
    End::settle(done.and_then(|()| out.finish()))
}

/// The state, and what the user calls its accounts.
struct Opened {
    configuration: Configuration,
    path: PathBuf,
    /// To be read only. `None` where nothing was fetched yet.
    store: Option<SqliteStore>,
}

impl Opened {
    fn new(files: &Files) -> Result<Self, Failure> {
        let configuration = config::read(files)?;
        let path = configuration.state(files)?;
        Ok(Self {
            store: SqliteStore::read(&path)?,
            configuration,
            path,
        })
    }

    /// The accounts that were named, all if none was.
    fn accounts(&self, names: &[String]) -> Result<Vec<Surveyed>, Failure> {
        let all = status::survey(&self.configuration, self.store.as_ref())?;
        status::choose(all, names)
    }

    /// The one account of this name, and the state that knows it.
    fn account(&self, name: &str) -> Result<(&SqliteStore, Surveyed), Failure> {
        let mut accounts = self.accounts(&[name.into()])?;
        let account = accounts.pop().filter(|_| accounts.is_empty());
        match (&self.store, account) {
            (Some(store), Some(account)) => Ok((store, account)),
            _ => Err(Failure::new(
                Status::Usage,
                format!("the state knows several accounts {name}"),
            )
            .hint("name it as USER@HOST")),
        }
    }

    /// The state, to be changed. It is there.
    fn to_change(&self) -> Result<SqliteStore, Failure> {
        Ok(SqliteStore::open(&self.path)?)
    }
}
