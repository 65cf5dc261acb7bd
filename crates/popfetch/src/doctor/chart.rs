//! The chart of a patient: what was found out, section by section as it becomes known, then the
//! findings and the verdict. For people as text, for programs as events.

use console::{StyledObject, style};
use serde::Serialize;
use serde_json::json;

use super::finding::{Finding, Severity, Verdict};
use crate::cli::Common;
use crate::escape;
use crate::failure::Status;
use crate::report::{End, Output};

/// What an examination has found out, before anything is made of it.
pub(super) trait Facts: Serialize {
    /// The examination's name.
    const NAME: &'static str;

    /// What stands above the rows: the name, and what it was done to.
    fn title(&self) -> String;

    /// Labels and values for people.
    fn rows(&self) -> Vec<(String, String)>;

    /// What is to be concluded. Pure: the same facts give the same findings.
    fn findings(&self) -> Vec<Finding>;
}

/// Writes facts as they come, and keeps the findings for the end.
pub(super) struct Chart {
    out: Output,
    /// Findings and verdict only.
    brief: bool,
    subject: String,
    findings: Vec<Finding>,
}

/// Labels end here; longer ones push their value on.
const LABEL: usize = 18;

impl Chart {
    pub(super) fn new(common: &Common, subject: &str) -> Self {
        Self {
            out: Output::new(common),
            brief: common.quiet,
            subject: subject.to_owned(),
            findings: Vec::new(),
        }
    }

    /// Writes what was found out.
    pub(super) fn add<F: Facts>(&mut self, facts: &F) -> Result<(), End> {
        for finding in facts.findings() {
            self.find(finding);
        }
        if self.out.is_json() {
            let fields = vec![("examination", json!(F::NAME)), ("facts", json!(facts))];
            self.out.event("examined", &self.subject, fields)
        } else if self.brief {
            Ok(())
        } else {
            self.section(&facts.title(), &facts.rows())
        }
    }

    /// Takes a finding, which may show in several states of a session, once.
    pub(super) fn find(&mut self, finding: Finding) {
        if !self.findings.iter().any(|known| known.what == finding.what) {
            self.findings.push(finding);
        }
    }

    /// Writes the findings and the verdict.
    pub(super) fn close(mut self) -> Result<Verdict, End> {
        let mut findings = std::mem::take(&mut self.findings);
        let verdict = Verdict::of(&findings);
        // The worst first, the others in the order of the examinations.
        findings.sort_by_key(|finding| !matches!(finding.severity, Severity::Bad(_)));
        if self.out.is_json() {
            self.events(&findings, verdict)?;
        } else {
            self.conclusion(&findings, verdict)?;
        }
        self.out.finish()?;
        Ok(verdict)
    }

    fn events(&mut self, findings: &[Finding], verdict: Verdict) -> Result<(), End> {
        for finding in findings {
            let fields = vec![
                ("name", json!(finding.name)),
                ("severity", json!(finding.severity.word())),
                ("what", json!(finding.what)),
                ("then", json!(finding.then)),
                ("server", json!(finding.server)),
            ];
            self.out.event("finding", &self.subject, fields)?;
        }
        let fields = vec![
            ("verdict", json!(verdict.words())),
            ("status", json!(verdict.status().map_or(0, Status::code))),
        ];
        self.out.event("verdict", &self.subject, fields)
    }

    fn section(&mut self, title: &str, rows: &[(String, String)]) -> Result<(), End> {
        self.out.line(style(escape::text(title)).bold())?;
        for (label, value) in rows {
            let label = escape::text(label).to_string();
            self.out
                .line(format!("  {label:LABEL$} {}", escape::text(value)))?;
        }
        self.out.line("")
    }

    fn conclusion(&mut self, findings: &[Finding], verdict: Verdict) -> Result<(), End> {
        for finding in findings {
            let name = finding
                .name
                .map_or_else(String::new, |name| format!("{name} "));
            let word = colored(finding.severity);
            self.out
                .line(format!("{word} {name}{}", escape::text(&finding.what)))?;
            if let Some(words) = &finding.server {
                self.out
                    .line(format!("  server said: {}", escape::text(words)))?;
            }
            if !finding.then.is_empty() {
                self.out
                    .line(format!("  {}", escape::text(&finding.then)))?;
            }
        }
        let subject = style(escape::text(&self.subject)).bold();
        let count = match findings.len() {
            0 => "nothing found".to_owned(),
            1 => "1 finding".to_owned(),
            findings => format!("{findings} findings"),
        };
        self.out
            .line(format!("{subject}: {} ({count})", verdict.words()))
    }
}

fn colored(severity: Severity) -> StyledObject<&'static str> {
    let word = style(severity.word()).bold();
    match severity {
        Severity::Note => word.cyan(),
        Severity::Care => word.yellow(),
        Severity::Bad(_) => word.red(),
    }
}
