//! Where the messages of an account go, and in which shape.

use std::path::{Path, PathBuf};
use std::time::Duration;

use poplib::{Config, Tls};

use super::exec::Exec;
use super::handover::Handover;
use super::mail_server::{Access, Address, MailServer, Protocol};
use super::maildir::Maildir;
use super::mbox::Mbox;
use super::names::Names;
use super::stdout::StandardOutput;
use super::trace_field::TraceField;
use crate::failure::{Failure, Status};
use crate::secret::{self, Source, Whose};
use crate::settings::{FileMode, LineEnd, Settings, Span};

/// How long a command or a mail server may take for a message, unless the user says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(5 * 60);
/// The permissions of new files, unless the user says otherwise.
const PRIVATE: u32 = 0o600;

/// A place that messages are to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Maildir(PathBuf),
    Mbox(PathBuf),
    Exec(String),
    MailServer(Protocol, Address),
    StandardOutput,
}

/// All that is to be known of an account's targets before they are opened.
#[derive(Clone, Debug)]
pub(crate) struct Destinations {
    /// Each gets every message.
    pub(crate) all: Vec<Destination>,
    /// Of messages in files and for commands.
    pub(crate) line_end: LineEnd,
    /// Permissions of new files.
    pub(crate) mode: u32,
    pub(crate) trace_field: Option<TraceField>,
    pub(crate) time_limit: Duration,
    pub(crate) access: Access,
}

impl Destinations {
    /// One Maildir, and nothing out of the ordinary.
    pub(crate) fn maildir(path: &Path) -> Self {
        Self {
            all: vec![Destination::Maildir(path.into())],
            line_end: LineEnd::default(),
            mode: PRIVATE,
            trace_field: None,
            time_limit: TIME_LIMIT,
            access: Access {
                account: String::new(),
                recipient: String::new(),
                tls: Tls::platform(),
                password: Source::Environment(secret::TARGET_VARIABLE.into()),
            },
        }
    }

    /// What the settings of an account say.
    ///
    /// # Errors
    /// [`Status::Usage`] when they name what can be no target.
    pub(crate) fn new(
        settings: &Settings,
        config: &Config,
        user: &str,
        access: Access,
    ) -> Result<Self, Failure> {
        let maildirs = settings.maildir.iter().cloned().map(Destination::Maildir);
        let mboxes = settings.mbox.iter().cloned().map(Destination::Mbox);
        let commands = settings.exec.iter().cloned().map(Destination::Exec);
        let mut all: Vec<Destination> = maildirs.chain(mboxes).chain(commands).collect();
        for (protocol, addresses) in [
            (Protocol::Lmtp, &settings.lmtp),
            (Protocol::Smtp, &settings.smtp),
        ] {
            for address in addresses {
                let address = Address::parse(address, protocol).map_err(|message| {
                    Failure::new(Status::Usage, format!("{}: {message}", protocol.kind()))
                })?;
                all.push(Destination::MailServer(protocol, address));
            }
        }
        if settings.stdout == Some(true) {
            all.push(Destination::StandardOutput);
        }
        Ok(Self {
            all,
            line_end: settings.line_ends.unwrap_or_default(),
            mode: settings.mode.map_or(PRIVATE, |FileMode(mode)| mode),
            trace_field: (settings.received == Some(true)).then(|| TraceField::new(config, user)),
            time_limit: settings.timeout.map_or(TIME_LIMIT, |Span(time)| time),
            access,
        })
    }
}

impl Destinations {
    /// Whether standard output is one of them.
    pub(crate) fn use_standard_output(&self) -> bool {
        self.all.contains(&Destination::StandardOutput)
    }

    /// Those who log in to mail servers, and where.
    pub(crate) fn logins(&self) -> impl Iterator<Item = Whose<'_>> {
        self.all.iter().filter_map(|destination| match destination {
            Destination::MailServer(_, address) => address.login(&self.access.account),
            _ => None,
        })
    }
}

/// The targets of an account, ready for messages. None of them is there twice.
#[derive(Default)]
pub(crate) struct Targets {
    /// These get the messages as they arrive.
    pub(super) maildirs: Vec<Maildir>,
    /// In the order of their paths. As all processes take locks in this order, no two of them wait
    /// for each other.
    pub(super) mboxes: Vec<Mbox>,
    pub(super) handovers: Vec<Box<dyn Handover>>,
    pub(super) line_end: LineEnd,
    pub(super) trace_field: Option<TraceField>,
    /// Of files on their way.
    pub(super) names: Names,
    /// How many messages wait for a target that is away, so that their delivery can be finished.
    pub(super) waiting: usize,
}

impl Targets {
    /// Those that are there without being opened: the ones that messages are handed over to.
    pub(super) fn new(destinations: &Destinations) -> Result<Self, Failure> {
        let Destinations {
            line_end,
            time_limit,
            ..
        } = *destinations;
        let mut targets = Self {
            line_end,
            trace_field: destinations.trace_field.clone(),
            ..Self::default()
        };
        for destination in &destinations.all {
            match destination {
                Destination::Maildir(_) | Destination::Mbox(_) => {}
                Destination::Exec(command) => {
                    let exec = Exec::new(command, line_end, time_limit);
                    targets.handovers.push(Box::new(exec));
                }
                Destination::MailServer(protocol, address) => {
                    let access = &destinations.access;
                    let server = MailServer::new(*protocol, address, access, time_limit)?;
                    targets.handovers.push(Box::new(server));
                }
                Destination::StandardOutput => {
                    let output = StandardOutput::new(line_end);
                    targets.handovers.push(Box::new(output));
                }
            }
        }
        targets
            .handovers
            .sort_by(|one, other| one.target().cmp(other.target()));
        (targets.handovers).dedup_by(|one, other| one.target() == other.target());
        Ok(targets)
    }

    /// Whether a message must be whole for some of them.
    pub(super) fn need_whole_messages(&self) -> bool {
        !self.mboxes.is_empty() || !self.handovers.is_empty()
    }
}
