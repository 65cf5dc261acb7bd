//! fetchmail: words in any order and on any line; servers, and users of each.

use std::path::{Path, PathBuf};

use poplib::Secret;

use super::found::{Found, Memory, Owner, Security};
use super::mpop::at_home;

/// The POP3 accounts in a fetchmailrc.
pub(super) fn read(text: &str, home: &Path) -> Vec<Found> {
    let mut reader = Reader {
        words: words(text),
        at: 0,
        ids: home.join(".fetchids"),
        interval: None,
        defaults: Said::default(),
        found: Vec::new(),
        notes: Vec::new(),
    };
    reader.read(home);
    let mut found = reader.found;
    if let Some(first) = found.first_mut() {
        first.notes.splice(..0, reader.notes);
    }
    found
}

/// Words that are no value of the word before them: those that mean something to us, and those
/// that have a value of their own.
const KEYWORDS: &str = "aka antispam auth authenticate batchlimit bsmtp defaults envelope expunge \
    fetchall fetchlimit folder interval is keep limit localdomains mda no pass password plugin \
    plugout poll port postconnect preconnect proto protocol qvirtual server service set skip smtp \
    smtpaddress smtphost smtpname ssl sslcert sslcertck sslcertfile sslcertpath sslfingerprint \
    sslkey sslproto timeout to user username via warnings";

/// Words that fetchmail lets stand anywhere, and those for what popfetch does anyway.
const NOISE: &str = "and with has wants options here there uidl sslcertck nofetchall nossl nouidl";

/// What was said of a server and then of a user of it.
#[derive(Clone, Default)]
struct Said {
    /// The name that fetchmail knows the server by.
    server: String,
    via: Option<String>,
    protocol: Option<String>,
    port: Option<String>,
    timeout: Option<i64>,
    user: Option<String>,
    local_user: Option<String>,
    password: Option<String>,
    auth: Option<String>,
    ssl: bool,
    may_be_plain: bool,
    keep: bool,
    mda: Option<String>,
    smtp: Option<String>,
    limit: Option<i64>,
    fetch_limit: Option<i64>,
    ca_file: Option<String>,
    notes: Vec<String>,
}

struct Reader {
    words: Vec<String>,
    at: usize,
    ids: PathBuf,
    interval: Option<i64>,
    defaults: Said,
    found: Vec<Found>,
    /// What could not be carried over and is of no account.
    notes: Vec<String>,
}

impl Reader {
    fn read(&mut self, home: &Path) {
        let mut said: Option<Said> = None;
        // What holds for every user of the server.
        let mut server = Said::default();
        while let Some(word) = self.next() {
            match word.as_str() {
                "poll" | "server" | "skip" => {
                    self.end(said.take());
                    server = Said {
                        server: self.next().unwrap_or_default(),
                        ..self.defaults.clone()
                    };
                    if word == "skip" {
                        server.note("`skip`: fetchmail fetched it only when it was named");
                    }
                    said = Some(server.clone());
                }
                "defaults" => {
                    self.end(said.take());
                    let mut defaults = Said::default();
                    while let Some(word) = self.peek() {
                        if matches!(word, "poll" | "server" | "skip" | "set") {
                            break;
                        }
                        let word = self.next().unwrap_or_default();
                        self.option(&mut defaults, &word);
                    }
                    self.defaults = defaults;
                }
                "set" => self.set(home),
                "user" | "username" => {
                    let user = self.next();
                    match said.take() {
                        // The first one; what was said so far is the server's.
                        Some(first) if first.user.is_none() => {
                            server = first;
                        }
                        other => self.end(other),
                    }
                    said = Some(Said {
                        user,
                        ..server.clone()
                    });
                }
                _ => {
                    if let Some(said) = &mut said {
                        self.option(said, &word);
                    }
                }
            }
        }
        self.end(said);
    }

    /// `set` and what it is about, for the whole program.
    fn set(&mut self, home: &Path) {
        match self.next().as_deref() {
            Some("daemon") => self.interval = self.next().and_then(|word| word.parse().ok()),
            Some("idfile") => {
                if let Some(path) = self.next() {
                    self.ids = at_home(&path, home);
                }
            }
            Some(name) => {
                let said = self.with_values(name.to_owned());
                self.notes.push(format!("`set {said}` is not carried over"));
            }
            None => {}
        }
    }

    fn option(&mut self, said: &mut Said, word: &str) {
        match word {
            "via" => said.via = self.next(),
            "proto" | "protocol" => said.protocol = self.next(),
            "port" | "service" => said.port = self.next(),
            "timeout" => {
                said.timeout = self.number();
            }
            "auth" | "authenticate" => said.auth = self.next(),
            "is" | "to" => {
                let names = self.values();
                match &*names.iter().map(String::as_str).collect::<Vec<_>>() {
                    ["*"] | [] => said.local_user = None,
                    [name] | [_, "=", name] => said.local_user = Some((*name).to_owned()),
                    // By what headers say; popfetch believes none of them.
                    names => said.note(&format!(
                        "`{word} {}`: all messages go to one `recipient`, which must be named",
                        names.join(" ")
                    )),
                }
            }
            "pass" | "password" => said.password = self.next(),
            "ssl" => said.ssl = true,
            "sslproto" => said.may_be_plain = self.next().is_some_and(|proto| proto.is_empty()),
            "sslcertfile" => said.ca_file = self.next(),
            "keep" => said.keep = true,
            "nokeep" => said.keep = false,
            "mda" => said.mda = self.next(),
            "smtphost" | "smtp" => said.smtp = self.next(),
            "limit" => said.limit = self.number(),
            "fetchlimit" => said.fetch_limit = self.number(),
            "nosslcertck" => said.note("`no sslcertck`: certificates are verified here"),
            "no" => {
                let word = self.next().map(|word| format!("no{word}"));
                self.option(said, &word.unwrap_or_default());
            }
            "fetchall" => said.note("`fetchall`: popfetch fetches each message once only"),
            "preconnect" | "postconnect" | "plugin" | "plugout" | "sslfingerprint"
            | "sslcertpath" | "sslcert" | "sslkey" | "folder" | "interval" | "envelope"
            | "qvirtual" | "bsmtp" | "smtpname" | "smtpaddress" | "antispam" | "batchlimit"
            | "expunge" | "warnings" => {
                let argument = self.next().unwrap_or_default();
                said.note(&format!("`{word} {argument}` is not carried over"));
            }
            _ if has(NOISE, word) => {}
            _ => {
                let word = self.with_values(word.to_owned());
                said.note(&format!("`{word}` is not carried over"));
            }
        }
    }

    fn end(&mut self, said: Option<Said>) {
        let Some(said) = said else {
            return;
        };
        let is_pop3 = (said.protocol.as_deref()).is_none_or(|protocol| {
            matches!(protocol.to_lowercase().as_str(), "pop3" | "auto" | "apop")
        });
        if !is_pop3 {
            let note = format!("`poll {}`: popfetch knows POP3 only", said.server);
            self.notes.push(note);
            return;
        }
        if said.server.is_empty() {
            return;
        }
        let found = said.into_found(self.ids.clone(), self.interval);
        self.found.push(found);
    }

    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    /// The words up to the next that has a meaning of its own.
    fn values(&mut self) -> Vec<String> {
        let rest = self.words.get(self.at..).unwrap_or_default();
        let is_value = |word: &&String| {
            let known = |word: &str| has(KEYWORDS, word) || has(NOISE, word);
            !known(word) && !word.strip_prefix("no").is_some_and(known)
        };
        let values: Vec<String> = rest.iter().take_while(is_value).cloned().collect();
        self.at += values.len();
        values
    }

    fn with_values(&mut self, word: String) -> String {
        [vec![word], self.values()].concat().join(" ")
    }

    fn number(&mut self) -> Option<i64> {
        self.next()?.parse().ok().filter(|number| *number > 0)
    }
}

impl Said {
    fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    fn into_found(self, ids: PathBuf, interval: Option<i64>) -> Found {
        let mut found = Found::new(&self.server);
        let security = match (self.ssl, self.may_be_plain) {
            (true, _) => Security::Tls,
            (false, true) => Security::Plaintext,
            (false, false) => Security::Stls,
        };
        let host = self.via.unwrap_or_else(|| self.server.clone());
        found.server(security, &host, self.port.as_deref());
        let user = self.user.unwrap_or_default();
        found.set("user", user.as_str());
        found.notes = self.notes;
        let is_apop = self
            .protocol
            .is_some_and(|protocol| protocol.eq_ignore_ascii_case("apop"));
        match self.auth.as_deref() {
            _ if is_apop => found.set("auth", "apop"),
            None | Some("any" | "password") => {}
            Some("oauthbearer") => found.set("auth", "oauthbearer"),
            Some(auth) => found.note(format!("`auth {auth}`: popfetch chooses the method itself")),
        }
        found.password = self.password.map(Secret::from);
        if let Some(path) = self.ca_file {
            found.set("ca_file", path);
        }
        if let Some(seconds) = self.timeout {
            found.set("timeout", seconds);
        }
        match self.mda {
            Some(mda) if !mda.contains('%') => found.set("exec", mda),
            Some(mda) => found.note(format!("`mda {mda:?}`: name a target here")),
            None => {
                found.set("smtp", self.smtp.unwrap_or_else(|| "localhost:25".into()));
                if let Some(recipient) = self.local_user {
                    found.set("recipient", recipient);
                }
            }
        }
        if !self.keep {
            found.set("keep", "none");
        }
        if let Some(octets) = self.limit {
            found.set("skip_over", octets);
        }
        if let Some(messages) = self.fetch_limit {
            found.set("max_messages", messages);
        }
        if let Some(seconds) = interval.filter(|seconds| *seconds > 0) {
            found.set("interval", seconds);
        }
        found.memory = Some(Memory {
            file: ids,
            of: Owner::Fetchmail {
                server: self.server,
                user,
            },
        });
        found
    }
}

fn has(words: &str, word: &str) -> bool {
    words.split(' ').any(|other| other == word)
}

/// The words of the file. `:`, `;` and `,` are white space; `=` is a word of its own.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(&c) = characters.peek() {
        match c {
            '#' => while characters.next_if(|c| *c != '\n').is_some() {},
            '"' | '\'' => {
                characters.next();
                words.push(quoted(&mut characters, c));
            }
            '=' => {
                characters.next();
                words.push("=".into());
            }
            c if c.is_whitespace() || ":;,".contains(c) => {
                characters.next();
            }
            _ => {
                let mut word = String::new();
                while let Some(c) =
                    characters.next_if(|c| !c.is_whitespace() && !":;,=\"'".contains(*c))
                {
                    word.push(c);
                }
                words.push(word);
            }
        }
    }
    words
}

fn quoted(characters: &mut impl Iterator<Item = char>, quote: char) -> String {
    let mut word = String::new();
    while let Some(c) = characters.next() {
        match c {
            '\\' => word.extend(characters.next().map(|c| match c {
                'n' => '\n',
                't' => '\t',
                c => c,
            })),
            c if c == quote => break,
            c => word.push(c),
        }
    }
    word
}
