//! An account: a maildrop on a server, how to get at it, and what to do with its messages.

use std::fs;
use std::path::PathBuf;

use poplib::{Config, Security, Timeouts, Tls};

use crate::cli;
use crate::failure::{Failure, Status};
use crate::plan::Policy;
use crate::secret::Source;

#[cfg(test)]
mod tests;

/// An account as the options describe it.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// What the state and the user know it by.
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) user: String,
    pub(crate) password: Source,
    pub(crate) maildir: PathBuf,
    pub(crate) policy: Policy,
}

impl Account {
    /// The account that the options of `sync` describe.
    pub(crate) fn from_options(options: &cli::Sync) -> Result<Self, Failure> {
        let server = &options.server;
        let config =
            Config::from_url(&server.url).map_err(|error| usage(format!("--server: {error}")))?;
        let user = (server.user.clone())
            .or_else(|| config.url_user().map(str::to_owned))
            .ok_or_else(|| {
                usage("no user name was given")
                    .hint("use --server pops://USER@HOST, or --user NAME")
            })?;
        Ok(Self {
            name: name(&user, &config),
            config: configure(config, server)?,
            user,
            password: match (&server.password_file, &server.password_command) {
                (Some(path), _) => Source::File(path.clone()),
                (None, Some(command)) => Source::Command(command.clone()),
                (None, None) => Source::Ask,
            },
            maildir: options.maildir.clone(),
            policy: Policy { keep: options.keep },
        })
    }

    pub(crate) fn host(&self) -> &str {
        self.config.address().0
    }
}

/// The maildrop's name: the same for both ports of a server, as they lead to the same messages,
/// but not for others, which may lead anywhere.
fn name(user: &str, config: &Config) -> String {
    let (host, port) = config.address();
    let host = host.to_ascii_lowercase();
    match port {
        110 | 995 => format!("{user}@{host}"),
        _ if host.contains(':') => format!("{user}@[{host}]:{port}"),
        _ => format!("{user}@{host}:{port}"),
    }
}

fn configure(mut config: Config, server: &cli::Server) -> Result<Config, Failure> {
    if let Some(path) = &server.ca_file {
        let pem = fs::read(path).map_err(|error| {
            configuration(format!("could not read {}: {error}", path.display()))
        })?;
        let tls = Tls::with_authorities(&pem)
            .map_err(|error| configuration(format!("{}: {error}", path.display())))?;
        config = config.with_tls(tls);
    } else if let Some(pin) = server.pin {
        config = config.with_tls(Tls::pinned(pin));
    }
    if server.allow_plaintext && config.security() == Security::Stls {
        config = config
            .with_security(Security::Plaintext)
            .with_plaintext_credentials();
    }
    if let Some(auth) = server.auth {
        let mut policy = config.login_policy().clone();
        policy.only = match auth {
            cli::Auth::Auto => None,
            cli::Auth::Only(method) => Some(method),
        };
        config = config.with_login_policy(policy);
    }
    if let Some(time) = server.timeout {
        config = config.with_timeouts(Timeouts::each(time));
    }
    Ok(config)
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Status::Usage, message)
}

fn configuration(message: impl Into<String>) -> Failure {
    Failure::new(Status::Configuration, message)
}
