//! The greeting, and what CAPA lists before TLS and under it. Nobody logs in.

use poplib::tokio::Client;
use poplib::{Capabilities, Config, Error, Expire, ProtocolError, Security, Tls, TlsErrorKind};
use poplib_proto::error::Misbehaviour;
use poplib_proto::sasl::{Timestamp, TimestampError};
use poplib_proto::wire::line::Verb;
use serde::Serialize;

use super::chart::Facts;
use super::finding::Finding;
use crate::escape;
use crate::fetch::trouble;
use crate::words;

/// How a port begins a session.
#[derive(Default, Serialize)]
pub(super) struct Opening {
    port: u16,
    security: &'static str,
    greeting: Option<String>,
    stamp: Stamp,
    bare_lf: bool,
    pub(super) before_tls: Listed,
    pub(super) under_tls: Listed,
    /// Why it went no further.
    failure: Option<Finding>,
}

/// The timestamp of APOP (RFC 1939 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Stamp {
    #[default]
    None,
    Good,
    Malformed,
    Several,
}

/// What came of CAPA.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Listed {
    #[default]
    NotAsked,
    Capabilities {
        lines: Vec<String>,
        #[serde(skip)]
        typed: Capabilities,
    },
    /// In the server's words.
    Refused(String),
    /// The connection ended, or there was no answer.
    Silence(String),
}

impl Listed {
    pub(super) fn of(outcome: Result<Capabilities, Error>) -> Self {
        match outcome {
            Ok(typed) => Self::Capabilities {
                lines: typed
                    .lines()
                    .map(|line| escape::octets(line).to_string())
                    .collect(),
                typed,
            },
            Err(Error::Protocol(ProtocolError::Refused(refused))) => {
                Self::Refused(escape::octets(refused.reply.line()).to_string())
            }
            Err(error) => Self::Silence(words::all(&error)),
        }
    }

    pub(super) fn capabilities(&self) -> Option<&Capabilities> {
        match self {
            Self::Capabilities { typed, .. } => Some(typed),
            _ => None,
        }
    }

    /// Whether the connection outlived it.
    fn goes_on(&self) -> bool {
        !matches!(self, Self::Silence(_))
    }

    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::NotAsked => None,
            Self::Capabilities { lines, .. } => Some(lines.join(", ")),
            Self::Refused(words) => Some(format!("refused: {words}")),
            Self::Silence(error) => Some(format!("no answer: {error}")),
        }
    }
}

impl Opening {
    /// Connects without looking at the certificate, for nothing secret is sent: whom to trust is
    /// another examination.
    pub(super) async fn examine(config: &Config) -> Self {
        let mut opening = Self {
            port: config.address().1,
            security: security(config),
            ..Self::default()
        };
        if let Err(error) = opening.look(config).await {
            let (host, port) = config.address();
            let attempt = format!("connect to {host}, port {port}");
            let mut finding = Finding::failure(trouble::failure(&attempt, config, &error));
            finding.name = is_somebody_else(&error).then_some("Q29");
            opening.failure = Some(finding);
        }
        opening
    }

    async fn look(&mut self, config: &Config) -> Result<(), Error> {
        let mut look = config.clone().with_tls(Tls::dangerously_unverified());
        if config.security() == Security::Stls {
            look = look.with_security(Security::Plaintext);
        }
        let mut client = Client::connect(&look).await?;
        self.greet(&client);
        if look.security() == Security::ImplicitTls {
            self.under_tls = Listed::of(client.capa().await);
        } else {
            self.before_tls = Listed::of(client.capa().await);
        }
        if config.security() == Security::Stls {
            if !self.before_tls.goes_on() {
                client = Client::connect(&look).await?;
            }
            upgrade(&mut client).await?;
            self.under_tls = if self.before_tls.goes_on() {
                Listed::of(client.capa().await)
            } else {
                Listed::NotAsked
            };
        }
        if client.connection().is_usable() {
            // Nothing depends on how it takes leave.
            let _ = client.quit().await;
        }
        Ok(())
    }

    fn greet(&mut self, client: &Client) {
        self.bare_lf = client.connection().has_seen_bare_lf();
        let Some(welcome) = client.greeting() else {
            return;
        };
        self.greeting = Some(escape::octets(welcome.reply().line()).to_string());
        self.stamp = match Timestamp::in_greeting(welcome.reply().text()) {
            Ok(None) => Stamp::None,
            Ok(Some(_)) => Stamp::Good,
            Err(TimestampError::Several) => Stamp::Several,
            Err(_) => Stamp::Malformed,
        };
    }

    pub(super) fn is_open(&self) -> bool {
        self.failure.is_none()
    }

    pub(super) fn offers_apop(&self) -> bool {
        self.stamp == Stamp::Good
    }

    /// What is offered where people log in.
    pub(super) fn offer(&self) -> &Listed {
        match &self.under_tls {
            Listed::NotAsked => &self.before_tls,
            listed => listed,
        }
    }
}

async fn upgrade(client: &mut Client) -> Result<(), Error> {
    match client.stls().await {
        Err(Error::Protocol(error @ ProtocolError::Refused(_))) => Err(Error::StlsRefused(error)),
        outcome => outcome,
    }
}

fn security(config: &Config) -> &'static str {
    match config.security() {
        Security::ImplicitTls => "TLS",
        Security::Stls => "STLS",
        Security::Plaintext => "no TLS",
    }
}

/// Whether it is not a POP3 server that answers, or none that serves (Q29).
fn is_somebody_else(error: &Error) -> bool {
    match error {
        Error::Tls(error) => *error.kind() == TlsErrorKind::NotTls,
        Error::Protocol(ProtocolError::Refused(refused)) => refused.verb == Verb::GREETING,
        Error::Protocol(ProtocolError::Misbehaved(misbehaved)) => {
            matches!(misbehaved.how, Misbehaviour::OtherProtocol(_))
        }
        _ => false,
    }
}

impl Facts for Opening {
    const NAME: &'static str = "opening";

    fn title(&self) -> String {
        format!("Port {} ({})", self.port, self.security)
    }

    fn rows(&self) -> Vec<(String, String)> {
        let row = |label: &str, value: Option<String>| Some((label.to_owned(), value?));
        let rows = [
            row("greeting", self.greeting.clone()),
            row("CAPA before TLS", self.before_tls.words()),
            row("CAPA under TLS", self.under_tls.words()),
            row(
                "no further",
                self.failure.as_ref().map(|failure| failure.what.clone()),
            ),
        ];
        rows.into_iter().flatten().collect()
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.failure.clone());
        if self.bare_lf {
            let finding = Finding::note(
                "it ends its lines with LF alone",
                "popfetch takes LF for a line end where the status lines have it, and only there",
            );
            findings.push(finding.named("Q8"));
        }
        findings.extend(judge_greeting(self.greeting.as_deref(), self.stamp));
        for listed in [&self.before_tls, &self.under_tls] {
            findings.extend(judge_capa(listed));
        }
        findings.dedup_by(|a, b| a.what == b.what);
        if self.security == "no TLS" && self.is_open() {
            findings.push(Finding::care(
                "there is no TLS: everybody on the way can read password and mail",
                "use pops://, or pop:// without --allow-plaintext",
            ));
        }
        if let Some(capabilities) = self.offer().capabilities() {
            findings.extend(judge_promises(capabilities));
        }
        findings
    }
}

fn judge_greeting(greeting: Option<&str>, stamp: Stamp) -> Option<Finding> {
    let then = "popfetch does not use APOP with it";
    match stamp {
        Stamp::Malformed => Some(
            Finding::note(
                "the timestamp in the greeting is no msg-id (RFC 1939 §7)",
                then,
            )
            .named("Q18"),
        ),
        Stamp::Several => {
            Some(Finding::note("the greeting has more than one timestamp", then).named("Q18"))
        }
        Stamp::None | Stamp::Good => greeting
            .filter(|line| line.trim_end() == "+OK")
            .map(|_| Finding::note("the greeting has no text", "popfetch needs none").named("Q4")),
    }
}

fn judge_capa(listed: &Listed) -> Option<Finding> {
    match listed {
        Listed::Refused(words) => Some(
            Finding::note(
                "CAPA is refused",
                "popfetch tries what RFC 1939 has, and does not pipeline",
            )
            .named("Q5")
            .server(words.as_bytes()),
        ),
        Listed::Silence(_) => Some(
            Finding::care(
                "CAPA ends the connection, or is not answered",
                "popfetch connects anew and does not ask again",
            )
            .named("Q24"),
        ),
        Listed::NotAsked | Listed::Capabilities { .. } => None,
    }
}

/// What the server announces that it will do with messages and logins.
pub(super) fn judge_promises(capabilities: &Capabilities) -> Vec<Finding> {
    let mut findings = Vec::new();
    match capabilities.expire().map(|expire| expire.value) {
        Some(Expire::Days(0)) => findings.push(
            Finding::care(
                "EXPIRE 0: what was retrieved is deleted when a session ends",
                "popfetch ends no session with QUIT before all it fetched is stored",
            )
            .named("P10"),
        ),
        Some(Expire::Days(days)) => findings.push(
            Finding::note(
                format!("EXPIRE {days}: the server deletes messages after so many days"),
                "fetch more often than that",
            )
            .named("P10"),
        ),
        Some(Expire::Never) | None => {}
    }
    if let Some(delay) = capabilities.login_delay().filter(|delay| delay.value > 0) {
        findings.push(
            Finding::note(
                format!(
                    "LOGIN-DELAY {}: seconds that must lie between two logins",
                    delay.value
                ),
                "fetch less often than that; doctor logs in once only",
            )
            .named("P10"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(opening: &Opening) -> Vec<&'static str> {
        let findings = opening.findings();
        findings
            .iter()
            .map(|finding| finding.name.unwrap_or("-"))
            .collect()
    }

    #[test]
    fn q18_only_a_timestamp_that_is_wrong_is_told() {
        for (stamp, expected) in [
            (Stamp::None, &[][..]),
            (Stamp::Good, &[]),
            (Stamp::Malformed, &["Q18"]),
            (Stamp::Several, &["Q18"]),
        ] {
            let opening = Opening {
                security: "TLS",
                greeting: Some("+OK ready".into()),
                stamp,
                ..Opening::default()
            };
            assert_eq!(names(&opening), expected);
        }
    }

    #[test]
    fn q24_a_capa_that_is_silent_is_told_once() {
        let opening = Opening {
            security: "STLS",
            before_tls: Listed::Silence("it was closed".into()),
            under_tls: Listed::Silence("it was closed".into()),
            ..Opening::default()
        };
        assert_eq!(names(&opening), ["Q24"]);
    }

    #[test]
    fn without_tls_care_is_needed() {
        let opening = Opening {
            security: "no TLS",
            ..Opening::default()
        };
        assert_eq!(names(&opening), ["-"]);
    }
}
