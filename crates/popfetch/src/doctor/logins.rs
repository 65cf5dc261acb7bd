//! Logging in: as `sync` does, and then by each way that the server offers.
//!
//! Nobody is to be locked out: after a refused password nothing else is tried, and where the
//! password is known to be right, two refusals are enough. No way is tried that would show the
//! password to others; the library refuses it.

use poplib::sasl::Method;
use poplib::tokio::{Client, Session};
use poplib::{Capabilities, CodeKind, Config, Credentials, Error, ProtocolError, ResponseCode};
use serde::Serialize;

use super::chart::Facts;
use super::finding::Finding;
use super::opening::Opening;
use crate::escape;
use crate::fetch::trouble;
use crate::words;

/// Refused ways, the password being right, after which no other is tried.
const REFUSALS: usize = 2;

/// Mechanisms unknown here that are told.
const STRANGERS: usize = 4;

/// Logs in as `sync` does.
///
/// # Errors
/// What keeps it from working, with the quirk that it shows.
pub(super) async fn open(
    config: &Config,
    credentials: &Credentials,
    user: &str,
) -> Result<Session, Finding> {
    let error = match Session::open(config, credentials).await {
        Ok(session) => return Ok(session),
        Err(error) => error,
    };
    let attempt = format!("log in to {} as {user}", config.address().0);
    let finding = Finding::failure(trouble::login_failure(&attempt, config, &error));
    let code = error.code().map(ResponseCode::kind);
    Err(match (error.protocol(), code) {
        (Some(ProtocolError::Closed(_)), _) => finding.named("Q17"),
        (_, Some(CodeKind::InUse | CodeKind::LoginDelay | CodeKind::SysTemp)) => {
            finding.named("Q20")
        }
        _ => finding,
    })
}

/// The ways to log in that the server offers, and what came of each.
#[derive(Serialize)]
pub(super) struct Logins {
    tried: Vec<Tried>,
    /// Why the rest was not tried.
    stopped: Option<&'static str>,
}

#[derive(Serialize)]
struct Tried {
    method: String,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Works,
    /// In the server's words.
    Refused(String),
    Failed(String),
    /// It would not have been safe, or there is nothing to try it with.
    NotTried(String),
    /// It is not known here.
    Unknown,
}

impl Logins {
    /// Tries each way that `opening` offers and the credentials fit, in a session of its own.
    /// They are known to be right. A way that the user named is the only one.
    pub(super) async fn examine(
        config: &Config,
        opening: &Opening,
        credentials: &Credentials,
    ) -> Self {
        let mut logins = Self {
            tried: Vec::new(),
            stopped: None,
        };
        let mut refusals = 0;
        let only = config.login_policy().only;
        let is_wanted = |method: &Method| only.is_none_or(|only| only == *method);
        let wanted = offered(opening, credentials).into_iter().filter(is_wanted);
        // A binding that the server does not know is refused like a password (P17): those are
        // last, so that they cost none of the others.
        for method in wanted.collect::<Vec<_>>().into_iter().rev() {
            let outcome = attempt(config, method, credentials).await;
            refusals += usize::from(matches!(outcome, Outcome::Refused(_)));
            logins.push(method.name().trim_start_matches('+'), outcome);
            if refusals == REFUSALS {
                logins.stopped =
                    Some("two were refused; no more is tried, lest somebody be locked out");
                break;
            }
        }
        logins.tried.reverse();
        for name in strangers(opening.offer().capabilities()) {
            logins.push(&name, Outcome::Unknown);
        }
        logins
    }

    fn push(&mut self, method: &str, outcome: Outcome) {
        let method = escape::text(method).to_string();
        self.tried.push(Tried { method, outcome });
    }
}

/// What is offered to these credentials, strongest first. Without CAPA it is USER and PASS.
fn offered(opening: &Opening, credentials: &Credentials) -> Vec<Method> {
    let capabilities = opening.offer().capabilities();
    let by_sasl: Vec<Method> = (capabilities.into_iter())
        .flat_map(Capabilities::sasl)
        .filter_map(|name| name.parse().ok())
        .collect();
    let is_offered = |method: &Method| match method {
        Method::Apop => opening.offers_apop(),
        Method::UserPass => capabilities.is_none_or(Capabilities::user),
        method => by_sasl.contains(method),
    };
    let all = Method::ALL.iter().copied();
    all.filter(|method| is_offered(method) && method.fits(credentials))
        .collect()
}

/// The mechanisms that are not known here.
fn strangers(capabilities: Option<&Capabilities>) -> Vec<String> {
    let names = capabilities.into_iter().flat_map(Capabilities::sasl);
    let unknown = names.filter(|name| name.parse::<Method>().is_err());
    unknown.map(str::to_owned).take(STRANGERS).collect()
}

async fn attempt(config: &Config, method: Method, credentials: &Credentials) -> Outcome {
    let mut policy = config.login_policy().clone();
    policy.only = Some(method);
    let config = config.clone().with_login_policy(policy);
    let client = match Client::connect(&config).await {
        Ok(client) => client,
        Err(error) => return Outcome::Failed(words::all(&error)),
    };
    match client.login(credentials).await {
        Ok(session) => {
            // Nothing was read, so nothing can be lost.
            let _ = session.quit().await;
            Outcome::Works
        }
        Err(refused) => Outcome::of(&refused.error),
    }
}

impl Outcome {
    fn of(error: &Error) -> Self {
        match error.protocol() {
            Some(ProtocolError::Refused(refused)) => {
                Self::Refused(escape::octets(refused.reply.line()).to_string())
            }
            Some(ProtocolError::NoWay(why)) => Self::NotTried(why.to_string()),
            _ => Self::Failed(words::all(error)),
        }
    }
}

impl Facts for Logins {
    const NAME: &'static str = "logins";

    fn title(&self) -> String {
        "Ways to log in".into()
    }

    fn rows(&self) -> Vec<(String, String)> {
        let row = |tried: &Tried| {
            let outcome = match &tried.outcome {
                Outcome::Works => "works".into(),
                Outcome::Refused(words) => format!("refused: {words}"),
                Outcome::Failed(error) => format!("failed: {error}"),
                Outcome::NotTried(why) => format!("not tried: {why}"),
                Outcome::Unknown => "not known to popfetch".into(),
            };
            (tried.method.clone(), outcome)
        };
        let stopped = self.stopped.map(|why| ("…".to_owned(), why.to_owned()));
        self.tried.iter().map(row).chain(stopped).collect()
    }

    fn findings(&self) -> Vec<Finding> {
        let finding = |tried: &Tried| {
            let (how, words) = match &tried.outcome {
                Outcome::Refused(words) => ("is refused", Some(words)),
                Outcome::Failed(_) => ("does not work", None),
                Outcome::Unknown => ("is not known to popfetch", None),
                Outcome::Works | Outcome::NotTried(_) => return None,
            };
            let finding = Finding::note(
                format!("{} is offered and {how}", tried.method),
                "popfetch goes on to the next way to log in",
            );
            let finding = match words {
                Some(words) => finding.server(words.as_bytes()),
                None => finding,
            };
            Some(finding.named("Q19"))
        };
        self.tried.iter().filter_map(finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q19_what_is_offered_and_does_not_work_is_told() {
        let outcomes = [
            Outcome::Works,
            Outcome::Refused("-ERR no".into()),
            Outcome::Failed("closed".into()),
            Outcome::NotTried("no TLS".into()),
            Outcome::Unknown,
        ];
        let tried = outcomes.map(|outcome| Tried {
            method: "PLAIN".into(),
            outcome,
        });
        let logins = Logins {
            tried: tried.into(),
            stopped: None,
        };
        let findings = logins.findings();
        assert_eq!(findings.len(), 3);
        assert!(findings.iter().all(|finding| finding.name == Some("Q19")));
    }
}
