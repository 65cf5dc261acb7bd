//! Whether PIPELINING is true (Q7): many questions at once, with answers known beforehand.

use poplib::tokio::Session;
use poplib::{Config, Error};
use serde::Serialize;

use super::chart::Facts;
use super::finding::Finding;
use super::maildrop::Maildrop;
use crate::words;

/// So many commands are on their way at once.
const COMMANDS: usize = 32;

#[derive(Serialize)]
pub(super) struct Pipelining {
    advertised: bool,
    /// Commands sent at once.
    commands: usize,
    /// How it went wrong.
    broken: Option<String>,
}

impl Pipelining {
    /// Asks for the sizes of some messages at once. Where it is not advertised, or was seen to
    /// break at the login, nothing is sent.
    pub(super) async fn examine(
        session: &mut Session,
        config: &Config,
        maildrop: &Maildrop,
    ) -> Self {
        let mut pipelining = Self {
            advertised: session.connection().advertises_pipelining(),
            commands: 0,
            broken: None,
        };
        if !config.quirks().pipelining.is_nothing() {
            pipelining.broken = Some("it broke at the login".into());
            return pipelining;
        }
        let scans = maildrop.listings.scans.iter().flatten();
        let known: Vec<_> = scans.filter(|scan| scan.number > 0).collect();
        if !pipelining.advertised || known.is_empty() {
            return pipelining;
        }
        pipelining.commands = COMMANDS;
        let asked = known.iter().cycle().take(COMMANDS);
        let numbers: Vec<u32> = asked.map(|scan| scan.number).collect();
        match ask(session, &numbers).await {
            Ok(answers) if answers.iter().copied().eq(numbers.into_iter().map(Some)) => {}
            Ok(_) => pipelining.broken = Some("the answers were mixed up".into()),
            Err(error) => pipelining.broken = Some(words::all(&error)),
        }
        pipelining
    }

    /// Whether the session is still good.
    pub(super) fn is_true(&self) -> bool {
        self.broken.is_none()
    }
}

/// The message that each answer is about, which its octets do not tell (Q31); `None` for what is no
/// answer to the command.
async fn ask(session: &mut Session, numbers: &[u32]) -> Result<Vec<Option<u32>>, Error> {
    let batch = session.list_many(numbers.iter().copied()).await?;
    let outcomes = batch.collect().await?.into_iter();
    Ok(outcomes
        .map(|(_, outcome)| outcome.ok().map(|scan| scan.number()))
        .collect())
}

impl Facts for Pipelining {
    const NAME: &'static str = "pipelining";

    fn title(&self) -> String {
        "Pipelining".into()
    }

    fn rows(&self) -> Vec<(String, String)> {
        let advertised = if self.advertised { "yes" } else { "no" };
        let tested = match (&self.broken, self.commands) {
            (Some(broken), _) => format!("broken: {broken}"),
            (None, 0) => "not tested".into(),
            (None, commands) => format!("{commands} commands at once, answered in order"),
        };
        vec![
            ("advertised".into(), advertised.into()),
            ("tested".into(), tested),
        ]
    }

    fn findings(&self) -> Vec<Finding> {
        let finding = |broken: &String| {
            Finding::care(
                format!("PIPELINING is advertised and breaks: {broken}"),
                "popfetch connects anew and sends one command after the other",
            )
            .named("Q7")
        };
        self.broken.iter().map(finding).collect()
    }
}
