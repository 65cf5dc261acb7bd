//! The keys that are about popfetch as a whole. They stand at the top of the file.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Value;

use super::origin::{Origin, Shown};
use super::{Configuration, expand, xdg};
use crate::cli;
use crate::failure::{Failure, Status};
use crate::jobs::Limits;
use crate::settings::Count;

/// What they say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Program {
    /// Absolute, or beginning with `~`.
    state: Option<PathBuf>,
    jobs: Option<Count>,
    per_host: Option<Count>,
}

impl Program {
    pub(super) const KEYS: [&str; 3] = ["state", "jobs", "per_host"];
}

impl Configuration {
    /// The file that remembers what was fetched.
    ///
    /// # Errors
    /// [`Status::Configuration`] when nobody says where, and there is no home directory.
    pub(crate) fn state(&self, files: &cli::Files) -> Result<PathBuf, Failure> {
        if let Some(path) = &files.state {
            return Ok(path.clone());
        }
        if let Some(path) = &self.program().state {
            return expand::home(path);
        }
        xdg("XDG_STATE_HOME", ".local/state", "state.db").ok_or_else(|| {
            Failure::new(
                Status::Configuration,
                "there is no home directory to keep state in",
            )
            .hint("use --state FILE")
        })
    }

    /// How much happens at once: as the command line says, or else the file.
    pub(crate) fn limits(&self, given: Limits) -> Limits {
        let Program { jobs, per_host, .. } = self.program();
        given.or(Limits { jobs, per_host })
    }

    /// These keys as they are in force.
    ///
    /// # Errors
    /// Those of [`state`](Self::state).
    pub(super) fn program_in_force(&self, files: &cli::Files) -> Result<Vec<Shown>, Failure> {
        let state = self.state(files)?.to_string_lossy().into_owned();
        let (jobs, per_host) = Limits::default().numbers();
        let values: [Value; 3] = [
            state.into(),
            i64::from(jobs.get()).into(),
            i64::from(per_host.get()).into(),
        ];
        let shown = |(key, default): (&'static str, Value)| {
            let entry = self.program.get(key);
            let (value, origin) = match entry {
                _ if key == "state" && files.state.is_some() => (default, Origin::Option),
                Some(entry) => (entry.value.clone(), Origin::File(entry.place.clone())),
                None => (default, Origin::Default),
            };
            Shown { key, value, origin }
        };
        Ok(Program::KEYS.into_iter().zip(values).map(shown).collect())
    }

    fn program(&self) -> Program {
        // Each of its keys has been tried.
        Program::deserialize(self.program.to_toml()).unwrap_or_default()
    }
}
