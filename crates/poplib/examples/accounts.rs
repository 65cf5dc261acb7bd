//! Looks into many mailboxes at once, a few at a time, until it is done or Ctrl-C is pressed.
//!
//! `cargo run --features tokio --example accounts FILE`. Each line of the file is a URL and a password:
//! `pops://me@pop.example.org secret`

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;

use poplib::tokio::Session;
use poplib::{Config, Credentials};
use tokio::task::JoinSet;

/// Sessions at the same time.
const AT_ONCE: usize = 8;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: accounts FILE")?;
    let accounts = fs::read_to_string(path)?
        .lines()
        .map(Account::from_line)
        .collect::<Result<Vec<_>, _>>()?;
    let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
    look_into(accounts, AT_ONCE, ctrl_c, |name, outcome| match outcome {
        Outcome::Messages(messages) => println!("{name}: {messages} messages"),
        Outcome::Failed(error) if error.is_retryable() => println!("{name}: {error}; try later"),
        Outcome::Failed(error) => println!("{name}: {error}"),
        Outcome::Cancelled => println!("{name}: cancelled"),
    })
    .await;
    Ok(())
}

pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) credentials: Credentials,
}

pub(crate) enum Outcome {
    Messages(u32),
    Failed(poplib::Error),
    /// The program was stopped first.
    Cancelled,
}

impl Account {
    fn from_line(line: &str) -> Result<Self, Box<dyn Error>> {
        let (url, password) = line
            .split_once(' ')
            .ok_or("a line is a URL and a password")?;
        let config = Config::from_url(url)?;
        let user = config.url_user().ok_or("the URL names no user")?;
        let credentials = Credentials::password(user, password);
        Ok(Self {
            name: url.to_owned(),
            config,
            credentials,
        })
    }

    async fn messages(self) -> Result<u32, poplib::Error> {
        let mut session = Session::open(&self.config, &self.credentials).await?;
        let maildrop = session.stat().await?;
        session.quit().await?;
        Ok(maildrop.messages)
    }
}

/// Reports each account once: when its session has ended, or when `stop` ends all of them.
pub(crate) async fn look_into(
    accounts: Vec<Account>,
    at_once: usize,
    stop: impl Future<Output = ()>,
    mut report: impl FnMut(&str, Outcome),
) {
    let mut stop = Box::pin(stop);
    let mut waiting = accounts.into_iter();
    let mut running = JoinSet::new();
    let mut names = HashMap::new();
    loop {
        while running.len() < at_once {
            let Some(account) = waiting.next() else { break };
            let name = account.name.clone();
            names.insert(running.spawn(account.messages()).id(), name);
        }
        let (id, outcome) = tokio::select! {
            joined = running.join_next_with_id() => match joined {
                None => return,
                Some(Ok((id, Ok(messages)))) => (id, Outcome::Messages(messages)),
                Some(Ok((id, Err(error)))) => (id, Outcome::Failed(error)),
                Some(Err(ended)) => (ended.id(), Outcome::Cancelled),
            },
            () = &mut stop => break,
        };
        if let Some(name) = names.remove(&id) {
            report(&name, outcome);
        }
    }
    // A future of poplib may be dropped at any point. Without QUIT the server changes nothing.
    running.shutdown().await;
    for name in names
        .into_values()
        .chain(waiting.map(|account| account.name))
    {
        report(&name, Outcome::Cancelled);
    }
}
