//! `popfetch doctor`: looks at a server and tells what it is like, and what popfetch does about it.
//!
//! Each examination has a file: the facts that it gathers, and what is concluded from them, which
//! is a pure function. It reads a few small messages, deletes none, and sends no password to a
//! server that is not trusted.

mod chart;
mod finding;
mod logins;
mod maildrop;
mod name;
mod opening;
mod pipelining;
mod reading;
mod tls;

use std::net::Ipv6Addr;
use std::time::Duration;

use poplib::tokio::Session;
use poplib::{Capabilities, Config, Credentials, Security, Timeouts};

use self::chart::Chart;
use self::finding::{Finding, Verdict};
use self::logins::Logins;
use self::maildrop::Maildrop;
use self::name::Name;
use self::opening::Opening;
use self::pipelining::Pipelining;
use self::reading::Reading;
use self::tls::Protection;
use crate::account::{self, Account};
use crate::cli::{self, Common};
use crate::config;
use crate::failure::{Failure, Status};
use crate::fetch::trouble;
use crate::jobs;
use crate::report::End;
use crate::secret::{self, Source, Whose};
use crate::settings::{Settings, Span};
use crate::stop::Stop;

/// How long each step may take unless the user says otherwise: a server that is examined is one
/// that somebody waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Messages that are read: where their loss is risked, only one.
const MANY: usize = usize::MAX;
const ONE: usize = 1;

/// Examines what the options name. The status of the verdict.
///
/// # Errors
/// The options make no sense, or there is no password. What is wrong with the server is told in
/// the verdict.
pub(crate) fn run(options: &cli::Doctor, common: &Common) -> Result<Option<Status>, Failure> {
    let patient = Patient::new(options)?;
    let visit = Visit {
        credentials: patient.credentials()?,
        chart: Chart::new(common, &patient.name),
        quits_after_reading: options.quit_after_reading,
        patient,
    };
    let examined = async |mut stop: Stop| stop.or(async { Ok(visit.examine().await) }).await;
    match jobs::block_on(jobs::Limits::default(), examined)?? {
        Ok(verdict) => Ok(verdict.status()),
        Err(end) => End::settle(Err(end)).map(|()| None),
    }
}

/// A server, and perhaps an account on it.
struct Patient {
    name: String,
    /// The ports to look at, the best first.
    ports: Vec<Config>,
    user: Option<String>,
    password: Source,
    patience: Duration,
}

impl Patient {
    fn new(options: &cli::Doctor) -> Result<Self, Failure> {
        let settings = options.settings.settings();
        let subject = options.subject.as_deref();
        let patience = settings.timeout.map_or(PATIENCE, |Span(time)| time);
        let configuration = config::read(&options.files)?;
        let mut patient = match settings.server.as_deref().or(subject) {
            Some(url) if url.contains("://") => Self::at(url, &[url.to_owned()], settings)?,
            Some(host) if !configuration.has_account(host) => {
                // By its name alone, the two ports that POP3 has.
                let urls = ["pops", "pop"].map(|scheme| format!("{scheme}://{}", bracketed(host)));
                Self::at(host, &urls, settings)?
            }
            _ => configuration
                .account_to_look_at(&options.settings, subject)?
                .into(),
        };
        patient.patience = patience;
        for port in &mut patient.ports {
            *port = port.clone().with_timeouts(Timeouts::each(patience));
        }
        Ok(patient)
    }

    fn at(name: &str, urls: &[String], settings: &Settings) -> Result<Self, Failure> {
        let config = |url: &String| {
            let config = Config::from_url(url)
                .map_err(|error| Failure::new(Status::Usage, format!("{url}: {error}")))?;
            account::configure(config, settings)
        };
        let ports = urls.iter().map(config).collect::<Result<Vec<_>, _>>()?;
        let url_user = ports.first().and_then(Config::url_user).map(str::to_owned);
        Ok(Self {
            name: name.to_owned(),
            ports,
            user: settings.user.clone().or(url_user),
            password: account::source(settings),
            patience: PATIENCE,
        })
    }

    /// What to log in with, if a user was named.
    fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let (Some(user), Some(config)) = (&self.user, self.ports.first()) else {
            return Ok(None);
        };
        let whose = Whose {
            account: &self.name,
            user,
            host: config.address().0,
        };
        let password = secret::password(&self.password, whose)?;
        Ok(Some(account::credentials(config, user, password)))
    }
}

impl From<Account> for Patient {
    fn from(account: Account) -> Self {
        Self {
            name: account.name,
            ports: vec![account.config],
            user: Some(account.user),
            password: account.password,
            patience: PATIENCE,
        }
    }
}

/// An address of IPv6 stands in brackets in a URL.
fn bracketed(host: &str) -> String {
    match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host.to_owned(),
    }
}

/// One examination of a patient, from the name to the messages.
struct Visit {
    patient: Patient,
    credentials: Option<Credentials>,
    chart: Chart,
    quits_after_reading: bool,
}

impl Visit {
    async fn examine(mut self) -> Result<Verdict, End> {
        let ports: Vec<Config> = std::mem::take(&mut self.patient.ports);
        if let Some((config, opening)) = self.approach(&ports).await?
            && let Some(credentials) = self.credentials.take()
        {
            self.enter(config, &opening, &credentials).await?;
        }
        self.chart.close()
    }

    /// All that can be seen without a login. The first port where people can log in.
    async fn approach<'a>(
        &mut self,
        ports: &'a [Config],
    ) -> Result<Option<(&'a Config, Opening)>, End> {
        let alternatives = ports.len() > 1;
        let mut answering: Vec<&Config> = ports.iter().collect();
        if ports[0].proxy().is_none() {
            let numbers: Vec<u16> = ports.iter().map(|config| config.address().1).collect();
            let name = Name::examine(&ports[0], &numbers, self.patient.patience).await;
            self.chart.add(&name)?;
            if !name.has_addresses() {
                return Ok(None);
            }
            if alternatives && numbers.iter().any(|&port| name.answers(port)) {
                answering.retain(|config| name.answers(config.address().1));
            }
        }
        let mut best = None;
        for config in answering {
            let opening = Opening::examine(config).await;
            self.chart.add(&opening)?;
            let mut is_good = opening.is_open();
            if is_good && config.security() != Security::Plaintext {
                let protection = Protection::examine(config).await;
                self.chart.add(&protection)?;
                is_good = protection.is_trusted();
            }
            if is_good && best.is_none() {
                best = Some((config, opening));
            }
        }
        Ok(best)
    }

    /// All that needs a login.
    async fn enter(
        &mut self,
        config: &Config,
        opening: &Opening,
        credentials: &Credentials,
    ) -> Result<(), End> {
        let Some(mut session) = self.log_in(config, credentials).await else {
            return Ok(());
        };
        let maildrop = match Maildrop::examine(&mut session, opening.offer()).await {
            Ok(maildrop) => maildrop,
            Err(error) => {
                let failure = trouble::failure("list the messages", config, &error);
                self.chart.find(Finding::failure(failure));
                return Ok(());
            }
        };
        self.chart.add(&maildrop)?;
        let pipelining = Pipelining::examine(&mut session, config, &maildrop).await;
        self.chart.add(&pipelining)?;
        if only_one_login(&[opening.offer().capabilities(), maildrop.capabilities()]) {
            if pipelining.is_true() {
                let reading = Reading::examine(&mut session, &maildrop, false, MANY).await;
                self.chart.add(&reading)?;
            }
            return Ok(());
        }
        // Nothing was read, so nothing can be lost; and the maildrop is free again.
        let _ = session.quit().await;
        let logins = Logins::examine(config, opening, credentials).await;
        self.chart.add(&logins)?;
        self.read(config, credentials, &maildrop).await
    }

    async fn log_in(&mut self, config: &Config, credentials: &Credentials) -> Option<Session> {
        let user = self.patient.user.clone().unwrap_or_default();
        match logins::open(config, credentials, &user).await {
            Ok(session) => Some(session),
            Err(finding) => {
                self.chart.find(finding);
                None
            }
        }
    }

    async fn read(
        &mut self,
        config: &Config,
        credentials: &Credentials,
        before: &Maildrop,
    ) -> Result<(), End> {
        let Some(mut session) = self.log_in(config, credentials).await else {
            return Ok(());
        };
        let most = if self.quits_after_reading { ONE } else { MANY };
        let mut reading = Reading::examine(&mut session, before, true, most).await;
        if self.quits_after_reading && reading.is_whole() {
            let left = session.rset().await.is_ok() && session.quit().await.is_ok();
            if left && let Some(mut session) = self.log_in(config, credentials).await {
                if let Ok(Some(now)) = maildrop::unique_ids(&mut session, &mut 0).await {
                    reading.look_again(before, &now);
                }
                let _ = session.quit().await;
            }
        }
        self.chart.add(&reading)
    }
}

/// Whether the server wants time between logins (RFC 2449 §6.5).
fn only_one_login(announced: &[Option<&Capabilities>]) -> bool {
    let delays = |capabilities: &&Capabilities| {
        capabilities
            .login_delay()
            .is_some_and(|delay| delay.value > 0)
    };
    announced.iter().flatten().any(delays)
}
