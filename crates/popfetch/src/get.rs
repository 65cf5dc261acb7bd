//! `popfetch get`: single messages, to standard output or into files. Nothing is remembered, and
//! nothing deleted.

mod file;
mod sink;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use poplib::tokio::Session;
use poplib::{Config, Error, ProtocolError, UniqueIds};
use serde_json::json;

use crate::account::Account;
use crate::cli::{self, Common};
use crate::config;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::fetch::{Fetcher, trouble};
use crate::jobs::{Limits, block_on};
use crate::key::hex;
use crate::report::{End, Output, Report};
use crate::secret;
use crate::stop::Stop;

use file::NewFile;
use sink::{Got, Sink};

/// A message as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// By its number.
    Number(u32),
    /// By its unique-id, as the server has it or as `list` shows it.
    UniqueId(String),
}

impl FromStr for Wanted {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let unique_id = || Self::UniqueId(text.strip_prefix("uid:").unwrap_or(text).into());
        Ok(text.parse().map_or_else(|_| unique_id(), Self::Number))
    }
}

/// Gets the messages that the options name.
///
/// # Errors
/// What kept it from being complete.
pub(crate) fn run(
    options: &cli::Get,
    common: &Common,
    report: &Arc<dyn Report>,
) -> Result<(), Failure> {
    if common.json && options.output.is_none() {
        return Err(
            Failure::new(Status::Usage, "a message on standard output is no event")
                .hint("use --output FILE with --json"),
        );
    }
    let configuration = config::read(&options.files)?;
    let account =
        configuration.account_to_look_at(&options.settings, options.account.as_deref())?;
    let password = secret::password(&account.password, account.whose())?;
    let mut out = Output::new(common);
    let got = block_on(Limits::default(), async |stop| {
        let fetcher = Fetcher::new(&account, &**report, stop.clone());
        let source = Source {
            account: &account,
            stop: stop.clone(),
        };
        let mut get = Get {
            options,
            source,
            out: &mut out,
        };
        // On some servers QUIT deletes what was retrieved (P10), so it is never said: a session
        // that merely ends deletes nothing (RFC 1939, section 6).
        let mut session = stop.clone().or(fetcher.log_in(password)).await?;
        get.all(&mut session).await
    })?;
    End::settle(got.and_then(|()| out.finish()))
}

/// The messages, one after the other.
struct Get<'a> {
    options: &'a cli::Get,
    source: Source<'a>,
    out: &'a mut Output,
}

impl Get<'_> {
    async fn all(&mut self, session: &mut Session) -> Result<(), End> {
        let mut unique_ids = None;
        for wanted in &self.options.messages {
            let number = match wanted {
                Wanted::Number(number) => *number,
                Wanted::UniqueId(wanted) => {
                    if unique_ids.is_none() {
                        unique_ids = Some(self.source.unique_ids(session).await?);
                    }
                    find(unique_ids.as_ref(), wanted).ok_or_else(|| unknown(wanted))?
                }
            };
            match self.file_name(number) {
                Some(path) => self.write_file(session, number, &path).await?,
                None => {
                    let sink = Sink::output(self.out, self.options.raw);
                    self.source.retrieve(session, number, sink).await?;
                }
            }
        }
        Ok(())
    }

    async fn write_file(
        &mut self,
        session: &mut Session,
        number: u32,
        path: &Path,
    ) -> Result<(), End> {
        let cannot = |error| file::cannot_write(path, &error);
        let mut file = NewFile::create(path, self.options.force).map_err(cannot)?;
        let sink = Sink::file(&mut file, path, self.options.raw);
        let got = self.source.retrieve(session, number, sink).await?;
        file.keep().map_err(cannot)?;
        if !self.out.is_json() {
            return Ok(());
        }
        let fields = vec![
            ("number", json!(number)),
            ("octets", json!(got.octets)),
            ("sha256", json!(hex(&got.sum))),
            ("file", json!(path.to_string_lossy())),
        ];
        let account = &self.source.account.name;
        self.out.event("got", account, fields)
    }

    /// Where message `number` goes; `None` is standard output.
    fn file_name(&self, number: u32) -> Option<PathBuf> {
        let output = self.options.output.as_ref()?;
        Some(if output.is_dir() {
            output.join(format!("{number}.eml"))
        } else {
            output.clone()
        })
    }
}

/// Where the messages are.
struct Source<'a> {
    account: &'a Account,
    stop: Stop,
}

impl Source<'_> {
    async fn unique_ids(&mut self, session: &mut Session) -> Result<UniqueIds, Failure> {
        let config = &self.account.config;
        let uidl = async {
            let listed = session.uidl().await;
            listed.map_err(|error| trouble::failure("ask for the unique-ids", config, &error))
        };
        self.stop.or(uidl).await
    }

    async fn retrieve(
        &mut self,
        session: &mut Session,
        number: u32,
        mut sink: Sink<'_>,
    ) -> Result<Got, End> {
        let config = &self.account.config;
        let cannot = |error| cannot_fetch(number, config, &error);
        let retr = async { session.retr(number).await.map_err(cannot) };
        let mut body = self.stop.or(retr).await?;
        loop {
            let chunk = async { body.chunk().await.map_err(cannot) };
            match self.stop.or(chunk).await? {
                Some(chunk) => sink.write(chunk)?,
                None => return sink.finish(),
            }
        }
    }
}

fn cannot_fetch(number: u32, config: &Config, error: &Error) -> Failure {
    let failure = trouble::failure(&format!("fetch message {number}"), config, error);
    let is_refused = matches!(error, Error::Protocol(ProtocolError::Refused(_)));
    if !is_refused || failure.status != Status::Protocol {
        return failure;
    }
    Failure {
        status: Status::NoInput,
        ..failure.hint("`popfetch list` shows which messages there are")
    }
}

/// The number of the message that has this unique-id, spelt raw or escaped.
fn find(unique_ids: Option<&UniqueIds>, wanted: &str) -> Option<u32> {
    let is_it = |uid: &[u8]| uid == wanted.as_bytes() || escape::octets(uid).to_string() == wanted;
    (unique_ids?.iter())
        .find(|unique_id| is_it(unique_id.uid))
        .map(|unique_id| unique_id.number)
}

fn unknown(wanted: &str) -> Failure {
    Failure::new(
        Status::NoInput,
        format!("no message on the server has the unique-id {wanted}"),
    )
    .hint("`popfetch list` shows which messages there are")
}
