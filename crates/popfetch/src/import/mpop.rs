//! mpop: a command a line, in sections for accounts, which may build on each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use poplib::Secret;

use super::found::{Found, Memory, Owner, Security};

/// The commands of a section; a later one replaces an earlier one.
type Section = BTreeMap<String, String>;

/// The accounts in an mpoprc.
pub(super) fn read(text: &str, home: &Path) -> Vec<Found> {
    let mut defaults = Section::new();
    let mut accounts: Vec<(String, Section)> = Vec::new();
    for line in text.lines().map(str::trim) {
        let (command, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let argument = unquoted(argument.trim());
        match command {
            "" => {}
            _ if command.starts_with('#') => {}
            "defaults" => accounts.push((String::new(), defaults.clone())),
            "account" => {
                let (name, bases) = argument.split_once(':').unwrap_or((argument, ""));
                let mut section = defaults.clone();
                for base in bases.split([',', ' ']).filter(|base| !base.is_empty()) {
                    if let Some((_, base)) = accounts.iter().find(|(name, _)| name == base) {
                        section.extend(base.clone());
                    }
                }
                accounts.push((name.trim().to_owned(), section));
            }
            _ => {
                if let Some((name, section)) = accounts.last_mut() {
                    section.insert(command.to_owned(), argument.to_owned());
                    if name.is_empty() {
                        defaults.insert(command.to_owned(), argument.to_owned());
                    }
                }
            }
        }
    }
    accounts
        .into_iter()
        .filter(|(name, _)| !name.is_empty())
        .filter_map(|(name, section)| account(&name, section, home))
        .collect()
}

fn unquoted(argument: &str) -> &str {
    argument
        .strip_prefix('"')
        .and_then(|argument| argument.strip_suffix('"'))
        .unwrap_or(argument)
}

/// `None` for a section that others build on.
fn account(name: &str, mut section: Section, home: &Path) -> Option<Found> {
    let mut found = Found::new(name);
    let host = section.remove("host")?;
    let user = section.remove("user").unwrap_or_default();
    let is_on = |value: Option<String>| value.map(|value| value != "off");
    let tls = is_on(section.remove("tls")).unwrap_or(false);
    let starttls = is_on(section.remove("tls_starttls")).unwrap_or(true);
    let security = match (tls, starttls) {
        (true, false) => Security::Tls,
        (true, true) => Security::Stls,
        (false, _) => Security::Plaintext,
    };
    found.server(security, &host, section.remove("port").as_deref());
    found.set("user", user.as_str());
    if !is_on(section.remove("keep")).unwrap_or(false) {
        found.set("keep", "none");
    }
    if is_on(section.remove("received_header")).unwrap_or(true) {
        found.set("received", true);
    }
    let uidls = section.remove("uidls_file");
    let uidls = uidls.unwrap_or_else(|| "~/.mpop_uidls/%U_at_%H".into());
    let uidls = uidls
        .replace("%U", &user)
        .replace("%H", &host)
        .replace("%N", name);
    found.memory = Some(Memory {
        file: at_home(&uidls, home),
        of: Owner::Mpop { host, user },
    });
    for (command, argument) in section {
        carry_over(&mut found, &command, &argument);
    }
    let is_said = found.keys.iter().any(|(key, _)| *key == "password_command");
    if found.password.is_none() && !is_said && home.join(".netrc").exists() {
        found.set("netrc", true);
    }
    Some(found)
}

fn carry_over(found: &mut Found, command: &str, argument: &str) {
    match (command, argument) {
        ("password", _) => found.password = Some(Secret::from(argument)),
        ("passwordeval", _) => found.set("password_command", argument),
        ("auth", "on" | "")
        | ("tls_certcheck" | "only_new" | "tls_trust_file", "on" | "system" | "") => {}
        ("auth", "digest-md5" | "gssapi" | "ntlm" | "external") => {
            found.note(format!("`auth {argument}`: popfetch has no such method"));
        }
        ("auth", _) => found.set("auth", argument),
        ("timeout", "off") | ("pipelining", "auto") => {}
        ("timeout", _) => match argument.parse::<u32>() {
            Ok(seconds) if seconds > 0 => found.set("timeout", i64::from(seconds)),
            _ => found.note(format!("`timeout {argument}`")),
        },
        ("pipelining", "off") => found.set("pipeline", "off"),
        ("tls_trust_file", _) => found.set("ca_file", argument),
        ("tls_fingerprint", _) => pin(found, argument),
        ("skipsize", _) => match octets(argument) {
            Some(octets) => found.set("skip_over", octets),
            None => found.note(format!("`skipsize {argument}`")),
        },
        ("filter", _) if !argument.contains('%') => filter(found, argument),
        ("delivery", _) => delivery(found, argument),
        ("tls_certcheck", _) => {
            found.note("`tls_certcheck off`: certificates are verified; use `pin` or `ca_file`");
        }
        _ => found.note(format!("`{command} {argument}` is not carried over")),
    }
}

/// mpop's filters decide by their exit status, with which a filter that breaks ends, too.
fn filter(found: &mut Found, command: &str) {
    found.set(
        "filter",
        format!("({command}) > /dev/null; case $? in 0) echo fetch;; 1 | 2) echo skip;; esac"),
    );
    found.note(format!(
        "`filter {command}`: with exit status 1 it deletes a message in mpop; here the message is \
         skipped, and stays on the server: to delete it, print delete"
    ));
}

fn delivery(found: &mut Found, argument: &str) {
    let (how, place) = argument
        .split_once(char::is_whitespace)
        .unwrap_or((argument, ""));
    let place = unquoted(place.trim());
    match how {
        "maildir" => found.set("maildir", place.trim_end_matches('/')),
        "mbox" => found.set("mbox", place),
        "mda" if !place.contains('%') => found.set("exec", place),
        _ => found.note(format!("`delivery {argument}`: name a target here")),
    }
}

fn pin(found: &mut Found, fingerprint: &str) {
    let digits: String = fingerprint
        .chars()
        .filter(char::is_ascii_hexdigit)
        .collect();
    if digits.len() == 64 {
        found.set("pin", format!("sha256:{}", digits.to_lowercase()));
    } else {
        found.note("`tls_fingerprint`: popfetch pins SHA-256 only; `popfetch doctor` shows it");
    }
}

/// mpop's `k` and `m` are powers of two.
fn octets(size: &str) -> Option<i64> {
    let (digits, factor) = match size.to_lowercase().as_str() {
        size if size.ends_with('k') => (size.trim_end_matches('k').to_owned(), 1 << 10),
        size if size.ends_with('m') => (size.trim_end_matches('m').to_owned(), 1 << 20),
        size => (size.to_owned(), 1),
    };
    let number: i64 = digits.parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(factor)
}

/// A path that may begin with `~`.
pub(super) fn at_home(path: &str, home: &Path) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(below) => home.join(below),
        None => home.join(path),
    }
}
