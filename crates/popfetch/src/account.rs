//! An account: a maildrop on a server, how to get at it, and what to do with its messages.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use poplib::{
    Config, Credentials, Pipelining, Proxy, Secret, Security, Timeouts, Tls, Utf8, Window,
};

use crate::config::Facts;
use crate::deliver::{Access, Destinations};
use crate::failure::{Failure, Status};
use crate::plan::Policy;
use crate::secret::{self, Source, Whose};
use crate::settings::{Auth, Password, Pin, Pipeline, Settings, Size, Span};
use crate::words;

#[cfg(test)]
mod tests;

/// An account as the options and the configuration file describe it.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// What the user calls it.
    pub(crate) name: String,
    /// What the state knows it by. The user may call it something else tomorrow, or nothing at
    /// all; and unique-ids tell the messages of one maildrop apart, not those of two.
    pub(crate) maildrop: String,
    pub(crate) config: Config,
    pub(crate) user: String,
    pub(crate) password: Source,
    pub(crate) destinations: Destinations,
    pub(crate) policy: Policy,
    /// A shell command that is asked about each message's header.
    pub(crate) filter: Option<String>,
    /// Whether RSET is sent before QUIT (Q25).
    pub(crate) rsets_before_quit: bool,
    /// How often it is visited, if that is done more than once.
    pub(crate) interval: Duration,
}

/// How often an account is visited unless somebody says otherwise.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5 * 60);

impl Account {
    /// The account that these settings describe. Its name is its maildrop's unless it has one.
    ///
    /// # Errors
    /// [`Status::Usage`] when something is missing or makes no sense, [`Status::Configuration`]
    /// when a file it names is of no use.
    pub(crate) fn new(name: Option<&str>, settings: Settings) -> Result<Self, Failure> {
        let account = Self::to_look_at(name, settings)?;
        if account.destinations.all.is_empty() {
            let hint = format!("use {}", say(name, "maildir", "DIR"));
            return Err(usage("no place for the mail was given").hint(hint));
        }
        Ok(account)
    }

    /// The same for commands that deliver nothing, and so need no place for the mail.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), but for the missing place.
    pub(crate) fn to_look_at(name: Option<&str>, mut settings: Settings) -> Result<Self, Failure> {
        let say = |option, value| say(name, option, value);
        let server = settings.server.as_deref().ok_or_else(|| {
            usage("no server was given").hint(format!("use {}", say("server", "pops://USER@HOST")))
        })?;
        let config = Config::from_url(server).map_err(|error| usage(format!("server: {error}")))?;
        let user = (settings.user.clone())
            .or_else(|| config.url_user().map(str::to_owned))
            .ok_or_else(|| {
                usage("no user name was given").hint(format!(
                    "use {}, or {}",
                    say("server", "pops://USER@HOST"),
                    say("user", "NAME")
                ))
            })?;
        let maildrop = maildrop(&user, &config);
        let name = name.unwrap_or(&maildrop);
        let facts = Facts {
            account: name,
            user: &user,
            host: config.address().0,
        };
        for path in settings.paths_mut() {
            *path = facts.expand(path)?;
        }
        for socket in settings.sockets_mut() {
            *socket = facts.expand(Path::new(&*socket))?.display().to_string();
        }
        let access = access(name, &user, &settings)?;
        let destinations = Destinations::new(&settings, &config, &user, access)?;
        Ok(Self {
            name: name.to_owned(),
            config: configure(config, &settings)?,
            user,
            password: source(&settings),
            destinations,
            policy: policy(&settings),
            filter: settings.filter.clone(),
            rsets_before_quit: settings.rset_before_quit.unwrap_or_default(),
            maildrop,
            interval: settings.interval.map_or(INTERVAL, |Span(time)| time),
        })
    }

    pub(crate) fn host(&self) -> &str {
        self.config.address().0
    }

    /// Whether its messages go to standard output, where nothing else may go then.
    pub(crate) fn uses_standard_output(&self) -> bool {
        self.destinations.use_standard_output()
    }

    /// Whose password it takes.
    pub(crate) fn whose(&self) -> Whose<'_> {
        Whose {
            account: &self.name,
            user: &self.user,
            host: self.host(),
        }
    }
}

/// What a hint names, as it can be changed: in the section or on the command line.
fn say(section: Option<&str>, option: &str, value: &str) -> String {
    match section {
        Some(_) => format!("`{option} = \"{value}\"`"),
        None => format!("--{option} {value}"),
    }
}

/// The same for both ports of a server, as they lead to the same messages,
/// but not for others, which may lead anywhere.
fn maildrop(user: &str, config: &Config) -> String {
    let (host, port) = config.address();
    let host = host.to_ascii_lowercase();
    match port {
        110 | 995 => format!("{user}@{host}"),
        _ if host.contains(':') => format!("{user}@[{host}]:{port}"),
        _ => format!("{user}@{host}:{port}"),
    }
}

/// The name that the state has for a maildrop, which the user writes as `USER@HOST` or
/// `USER@HOST:PORT`.
///
/// # Errors
/// [`Status::Usage`] when it is written otherwise.
pub(crate) fn maildrop_of(text: &str) -> Result<String, Failure> {
    let wrong = || usage(format!("{text} is no maildrop"));
    let (user, host) = text.rsplit_once('@').ok_or_else(wrong)?;
    let config = Config::from_url(&format!("pops://{host}")).map_err(|_| wrong())?;
    match user {
        "" => Err(wrong()),
        user => Ok(maildrop(user, &config)),
    }
}

/// Where the password of the account is.
pub(crate) fn source(settings: &Settings) -> Source {
    first_of(
        settings.password.as_ref(),
        settings.password_file.as_ref(),
        settings.password_command.as_ref(),
        settings.password_env.as_ref(),
        settings.netrc.as_ref(),
        settings.keyring,
    )
    .unwrap_or(Source::Ask)
}

/// What its mail servers have in common.
fn access(name: &str, user: &str, settings: &Settings) -> Result<Access, Failure> {
    let password = first_of(
        settings.target_password.as_ref(),
        settings.target_password_file.as_ref(),
        settings.target_password_command.as_ref(),
        settings.target_password_env.as_ref(),
        settings.target_netrc.as_ref(),
        settings.target_keyring,
    );
    let variable = || Source::Environment(secret::TARGET_VARIABLE.into());
    Ok(Access {
        account: name.into(),
        recipient: settings.recipient.clone().unwrap_or_else(|| user.into()),
        tls: trust(settings.target_ca_file.as_deref(), settings.target_pin)?,
        password: password.unwrap_or_else(variable),
    })
}

fn first_of(
    given: Option<&Password>,
    file: Option<&PathBuf>,
    command: Option<&String>,
    variable: Option<&String>,
    netrc: Option<&PathBuf>,
    keyring: Option<bool>,
) -> Option<Source> {
    (given.map(|Password(password)| Source::Given(password.clone())))
        .or_else(|| file.map(|path| Source::File(path.clone())))
        .or_else(|| command.map(|command| Source::Command(command.clone())))
        .or_else(|| variable.map(|variable| Source::Environment(variable.clone())))
        .or_else(|| netrc.map(|path| Source::Netrc(path.clone())))
        .or_else(|| (keyring == Some(true)).then_some(Source::Keyring))
}

/// Whom to trust: these authorities, this certificate, or whomever the system does.
fn trust(ca_file: Option<&Path>, pin: Option<Pin>) -> Result<Tls, Failure> {
    // One for all accounts: the system's authorities are read once.
    static PLATFORM: LazyLock<Tls> = LazyLock::new(Tls::platform);
    match (ca_file, pin) {
        (Some(path), _) => {
            let pem = fs::read(path).map_err(|error| {
                configuration(format!("could not read {}: {error}", path.display()))
            })?;
            Tls::with_authorities(&pem).map_err(|error| {
                configuration(format!("{}: {}", path.display(), words::all(&error)))
            })
        }
        (None, Some(Pin(pin))) => Ok(Tls::pinned(pin)),
        (None, None) => Ok(PLATFORM.clone()),
    }
}

/// What to log in with: the password is an access token where a way to log in is named that takes
/// one.
pub(crate) fn credentials(config: &Config, user: &str, password: Secret) -> Credentials {
    match config.login_policy().only {
        Some(method) if method.takes_token() => {
            Credentials::bearer(user, password, config.address().0)
        }
        _ => Credentials::password(user, password),
    }
}

fn policy(settings: &Settings) -> Policy {
    Policy {
        keep: settings.keep.unwrap_or_default(),
        skip_over: settings.skip_over.map(|Size(octets)| octets),
        largest_message: settings.largest_message.map(|Size(octets)| octets),
        oversize: settings.oversize.unwrap_or_default(),
        max_messages: settings.max_messages,
        max_octets: settings.max_octets.map(|Size(octets)| octets),
        only_new: settings.only_new.unwrap_or_default(),
    }
}

pub(crate) fn configure(mut config: Config, settings: &Settings) -> Result<Config, Failure> {
    config = config.with_tls(trust(settings.ca_file.as_deref(), settings.pin)?);
    if settings.allow_plaintext == Some(true) && config.security() == Security::Stls {
        config = config
            .with_security(Security::Plaintext)
            .with_plaintext_credentials();
    }
    if let Some(auth) = settings.auth {
        let mut policy = config.login_policy().clone();
        policy.only = match auth {
            Auth::Auto => None,
            Auth::Only(method) => Some(method),
        };
        config = config.with_login_policy(policy);
    }
    if let Some(proxy) = &settings.proxy {
        let proxy = Proxy::from_url(proxy).map_err(|error| usage(format!("proxy: {error}")))?;
        // A pin is the server's own.
        let trust = trust(settings.ca_file.as_deref(), None)?;
        config = config.with_proxy(proxy.with_tls(trust));
    }
    if settings.utf8 == Some(true) {
        config = config.with_utf8(Utf8::IfOffered);
    }
    if let Some(pipeline) = settings.pipeline {
        config = config.with_pipelining(match pipeline {
            Pipeline::Auto => Pipelining::Auto,
            Pipeline::Off => Pipelining::Off,
            Pipeline::Commands(commands) => {
                let mut window = Window::default();
                window.commands = commands;
                Pipelining::Window(window)
            }
        });
    }
    if let Some(Span(time)) = settings.timeout {
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
