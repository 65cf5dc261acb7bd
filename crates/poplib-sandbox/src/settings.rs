//! How the server behaves when it behaves.

use std::time::Duration;

use crate::account::Accounts;
use crate::sasl;

/// What all connections share. Nothing here changes after the start.
pub(crate) struct Settings {
    pub(crate) accounts: Accounts,
    /// Whether the greeting carries an APOP timestamp.
    pub(crate) apop: bool,
    pub(crate) allow_rpop: bool,
    /// Whether logins need TLS.
    pub(crate) require_tls: bool,
    pub(crate) mechanisms: Vec<String>,
    /// Who EXTERNAL logs in without a certificate.
    pub(crate) external: Option<String>,
    /// Who ANONYMOUS logs in.
    pub(crate) anonymous: Option<String>,
    /// The parameter of EXPIRE: `NEVER`, days, perhaps followed by ` USER`.
    pub(crate) expire: Option<String>,
    /// The parameter of LOGIN-DELAY: seconds, perhaps followed by ` USER`.
    pub(crate) login_delay: Option<String>,
    pub(crate) implementation: Option<String>,
    pub(crate) chosen_capabilities: ChosenCapabilities,
}

/// Lists that take the place of the server's own.
#[derive(Default)]
pub(crate) struct ChosenCapabilities {
    pub(crate) before_tls: Option<Vec<String>>,
    pub(crate) under_tls: Option<Vec<String>>,
    pub(crate) after_login: Option<Vec<String>>,
}

/// What the answer to CAPA depends on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// In the clear, before login.
    BeforeTls,
    /// Under TLS, before login.
    UnderTls,
    /// After login, with TLS or without.
    AfterLogin,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            accounts: Accounts::default(),
            apop: true,
            allow_rpop: false,
            require_tls: false,
            mechanisms: sasl::NAMES.iter().map(|name| (*name).to_owned()).collect(),
            external: None,
            anonymous: None,
            expire: None,
            login_delay: None,
            implementation: Some(concat!("poplib-sandbox ", env!("CARGO_PKG_VERSION")).to_owned()),
            chosen_capabilities: ChosenCapabilities::default(),
        }
    }
}

impl Settings {
    /// The mechanisms that AUTH offers. Those with channel binding need TLS, ANONYMOUS somebody to
    /// be, and EXTERNAL a client who `is_known`.
    pub(crate) fn mechanisms(&self, stage: Stage, is_known: bool) -> Vec<String> {
        let offered = |name: &&String| match &***name {
            _ if stage == Stage::AfterLogin => false,
            _ if stage == Stage::BeforeTls && self.require_tls => false,
            "EXTERNAL" => is_known,
            "ANONYMOUS" => self.anonymous.is_some(),
            name => stage == Stage::UnderTls || !name.ends_with("-PLUS"),
        };
        self.mechanisms.iter().filter(offered).cloned().collect()
    }

    /// The lines of the answer to CAPA.
    pub(crate) fn capabilities(&self, stage: Stage, mechanisms: &[String]) -> Vec<String> {
        let chosen = match stage {
            Stage::BeforeTls => &self.chosen_capabilities.before_tls,
            Stage::UnderTls => &self.chosen_capabilities.under_tls,
            Stage::AfterLogin => &self.chosen_capabilities.after_login,
        };
        chosen
            .clone()
            .unwrap_or_else(|| self.own_capabilities(stage, mechanisms))
    }

    fn own_capabilities(&self, stage: Stage, mechanisms: &[String]) -> Vec<String> {
        let mut lines: Vec<String> = [
            "TOP",
            "UIDL",
            "RESP-CODES",
            "AUTH-RESP-CODE",
            "PIPELINING",
            "LANG",
        ]
        .map(str::to_owned)
        .into();
        if stage != Stage::AfterLogin {
            lines.push("UTF8 USER".to_owned());
            if stage == Stage::UnderTls || !self.require_tls {
                lines.push("USER".to_owned());
            }
            if !mechanisms.is_empty() {
                lines.push(format!("SASL {}", mechanisms.join(" ")));
            }
        }
        if stage == Stage::BeforeTls {
            lines.push("STLS".to_owned());
        }
        let parameters = [
            ("EXPIRE", &self.expire),
            ("LOGIN-DELAY", &self.login_delay),
            ("IMPLEMENTATION", &self.implementation),
        ];
        for (tag, parameter) in parameters {
            lines.extend(
                parameter
                    .as_ref()
                    .map(|parameter| format!("{tag} {parameter}")),
            );
        }
        lines
    }

    /// Whether the server deletes at QUIT what was retrieved (RFC 2449 §6.7, EXPIRE 0).
    pub(crate) fn deletes_retrieved(&self) -> bool {
        first_word(&self.expire) == Some("0")
    }

    /// The least time between two logins of a user; none where LOGIN-DELAY is not announced.
    pub(crate) fn delay_of_logins(&self) -> Duration {
        let seconds = first_word(&self.login_delay).and_then(|word| word.parse().ok());
        Duration::from_secs(seconds.unwrap_or_default())
    }
}

/// A parameter without the ` USER` that may follow it.
fn first_word(parameter: &Option<String>) -> Option<&str> {
    parameter.as_deref()?.split(' ').next()
}
