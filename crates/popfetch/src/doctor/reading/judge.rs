//! What is concluded from messages that were read.

use super::compare::TopAnswer;
use super::{Broken, Facts, Finding, LINES, Read, Reading};

impl Facts for Reading {
    const NAME: &'static str = "reading";

    fn title(&self) -> String {
        "Reading the smallest messages".into()
    }

    fn rows(&self) -> Vec<(String, String)> {
        let mut rows: Vec<_> = self.messages.iter().map(Read::row).collect();
        let mut row = |label: &str, value: String| rows.push((label.to_owned(), value));
        if self.messages.is_empty() {
            row("none", "nothing could be compared".into());
        }
        if let Some(changed) = self.changed_unique_ids {
            row(
                "UIDL",
                match changed {
                    0 => "the same in two sessions".into(),
                    changed => format!("{changed} others than in the session before"),
                },
            );
        }
        if let Some((before, after)) = &self.last {
            row("LAST", format!("{before} before, {after} after"));
        }
        match (&self.broken, self.gone) {
            (Some(broken), _) => row("broken", broken.how.clone()),
            (None, Some(gone)) => row("after QUIT", format!("{gone} messages are gone")),
            (None, None) => row("ended", "without QUIT, so that nothing is deleted".into()),
        }
        rows
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.judge_sizes(&mut findings);
        self.judge_top(&mut findings);
        self.judge_messages(&mut findings);
        self.judge_sessions(&mut findings);
        findings.extend(self.broken.as_ref().map(Broken::finding));
        findings
    }
}

impl Reading {
    fn judge_sizes(&self, findings: &mut Vec<Finding>) {
        let differs = |read: &&Read| read.listed.is_some_and(|listed| listed != read.retrieved);
        if let Some(read) = self.messages.iter().find(differs) {
            let what = format!(
                "LIST does not tell the octets that RETR gives: {} for {} of message {}",
                read.listed.unwrap_or_default(),
                read.retrieved,
                read.number
            );
            let then = "popfetch takes sizes for hints, never for lengths";
            findings.push(Finding::note(what, then).named("Q13"));
        }
    }

    fn judge_top(&self, findings: &mut Vec<Finding>) {
        let answers = || {
            (self.messages.iter()).flat_map(|read| [(0, &read.top_none), (LINES, &read.top_some)])
        };
        let wrong =
            |(_, answer): &(u32, &TopAnswer)| **answer != TopAnswer::Right && answer.is_answer();
        if let Some((lines, answer)) = answers().find(wrong) {
            let how = match answer {
                TopAnswer::CutOff { octets } => format!("it ends after {octets} octets"),
                TopAnswer::TooMuch { octets } => {
                    format!("it gives {octets} octets, which is too much")
                }
                _ => "it is another header, or another message".into(),
            };
            let what = format!("TOP with {lines} lines does not show what RETR shows: {how}");
            let then =
                "popfetch takes nothing from TOP but what tells messages without a unique-id apart";
            findings.push(Finding::note(what, then).named("Q23"));
        }
        if let Some((_, TopAnswer::Refused(words))) =
            answers().find(|(_, answer)| !answer.is_answer())
        {
            findings.push(Finding::note(
                format!("there is no TOP: {words}"),
                "popfetch needs it only for messages without a unique-id, and for headers",
            ));
        }
        if self.top_unlisted {
            let what = "TOP works although CAPA does not list it";
            findings.push(Finding::note(what, "popfetch uses it").named("Q5"));
        }
    }

    fn judge_messages(&self, findings: &mut Vec<Finding>) {
        if self.messages.iter().any(|read| read.bare_lf_dot) {
            let finding = Finding::note(
                "a line that is a lone dot stands between bare LFs, and is not stuffed",
                "popfetch takes it for content, since the server ends its own lines with CRLF",
            );
            findings.push(finding.named("Q9"));
        }
        if self.folder_data {
            let finding = Finding::note(
                "message 1 is the server's own folder data, and no mail",
                "leave it on the server; deleting it loses what the server keeps there",
            );
            findings.push(finding.named("Q28"));
        }
    }

    fn judge_sessions(&self, findings: &mut Vec<Finding>) {
        if self.changed_unique_ids.is_some_and(|changed| changed > 0) {
            let finding = Finding::care(
                "unique-ids are others than in the session before",
                "popfetch takes the messages for new ones and fetches them again",
            );
            findings.push(finding.named("Q15"));
        }
        if self
            .last
            .as_ref()
            .is_some_and(|(before, after)| before != after)
        {
            findings.push(Finding::note(
                "the server tells with LAST how far was read",
                "if it remembers that, other mail programs may take these messages for old ones",
            ));
        }
        if self.gone.is_some_and(|gone| gone > 0) {
            let finding = Finding::care(
                "what was read is deleted at QUIT, in spite of RSET",
                "popfetch stores everything before it sends QUIT; a message that another program \
                 reads is gone",
            );
            findings.push(finding.named("Q25"));
        }
    }
}

impl Read {
    fn row(&self) -> (String, String) {
        let listed = self
            .listed
            .map_or_else(|| "?".into(), |listed| listed.to_string());
        let top = [(0, &self.top_none), (LINES, &self.top_some)].map(|(lines, answer)| {
            let answer = match answer {
                TopAnswer::Right => "right",
                TopAnswer::CutOff { .. } => "cut off",
                TopAnswer::TooMuch { .. } => "too much",
                TopAnswer::Other => "other",
                TopAnswer::Refused(_) => "refused",
            };
            format!("TOP {lines} {answer}")
        });
        let octets = format!("LIST {listed} octets, RETR {}", self.retrieved);
        (
            format!("message {}", self.number),
            format!("{octets}; {}", top.join(", ")),
        )
    }
}

impl Broken {
    fn finding(&self) -> Finding {
        let then = match self.name {
            Some("Q11") => {
                "popfetch connects anew, tries such a message alone, and gives it up after several attempts"
            }
            Some("Q12") => {
                "popfetch waits no longer than its deadline, and gives such a message up after several attempts"
            }
            _ => "popfetch connects anew and goes on with the next message",
        };
        let finding = Finding::care(format!("reading broke the session: {}", self.how), then);
        match self.name {
            Some(name) => finding.named(name),
            None => finding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Read {
        Read {
            number: 1,
            listed: Some(100),
            retrieved: 100,
            bare_lf_dot: false,
            top_none: TopAnswer::Right,
            top_some: TopAnswer::Right,
        }
    }

    fn names(reading: &Reading) -> Vec<&'static str> {
        let findings = reading.findings();
        findings
            .iter()
            .map(|finding| finding.name.unwrap_or("-"))
            .collect()
    }

    fn of(read: Read) -> Reading {
        Reading {
            messages: vec![read],
            changed_unique_ids: Some(0),
            last: Some(("1".into(), "1".into())),
            gone: Some(0),
            ..Reading::default()
        }
    }

    #[test]
    fn what_is_right_is_no_finding() {
        assert!(names(&of(read())).is_empty());
        assert!(
            names(&of(Read {
                listed: None,
                ..read()
            }))
            .is_empty()
        );
        assert!(names(&Reading::default()).is_empty());
    }

    #[test]
    fn each_thing_that_is_wrong_has_its_name() {
        let cut = TopAnswer::CutOff { octets: 7 };
        let refused = TopAnswer::Refused("no".into());
        for (read, expected) in [
            (
                Read {
                    listed: Some(1024),
                    ..read()
                },
                ["Q13"],
            ),
            (
                Read {
                    top_none: TopAnswer::Other,
                    ..read()
                },
                ["Q23"],
            ),
            (
                Read {
                    top_some: cut,
                    ..read()
                },
                ["Q23"],
            ),
            (
                Read {
                    top_none: refused.clone(),
                    top_some: refused,
                    ..read()
                },
                ["-"],
            ),
            (
                Read {
                    bare_lf_dot: true,
                    ..read()
                },
                ["Q9"],
            ),
        ] {
            assert_eq!(names(&of(read)), expected);
        }
        let healthy = || of(read());
        for (reading, expected) in [
            (
                Reading {
                    changed_unique_ids: Some(3),
                    ..healthy()
                },
                ["Q15"],
            ),
            (
                Reading {
                    gone: Some(1),
                    ..healthy()
                },
                ["Q25"],
            ),
            (
                Reading {
                    folder_data: true,
                    ..healthy()
                },
                ["Q28"],
            ),
            (
                Reading {
                    top_unlisted: true,
                    ..healthy()
                },
                ["Q5"],
            ),
            (
                Reading {
                    last: Some(("0".into(), "1".into())),
                    ..healthy()
                },
                ["-"],
            ),
        ] {
            assert_eq!(names(&reading), expected);
        }
    }
}
