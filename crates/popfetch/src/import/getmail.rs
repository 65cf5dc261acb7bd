//! getmail: sections with a `key = value` a line; one account a file.

use std::collections::BTreeMap;
use std::path::Path;

use poplib::Secret;

use super::found::{Found, Memory, Owner, Security};
use super::shell;

/// `section.key` and its value. A later one replaces an earlier one.
type Settings = BTreeMap<String, String>;

/// The account in a getmailrc.
pub(super) fn read(text: &str, path: &Path, home: &Path) -> Vec<Found> {
    let mut settings = parse(text);
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match name.as_ref() {
        "getmailrc" | ".getmailrc" => "getmail",
        name => name.trim_start_matches("getmailrc-"),
    };
    account(name, &mut settings, path, home)
        .into_iter()
        .collect()
}

fn parse(text: &str) -> Settings {
    let mut settings = Settings::new();
    let (mut section, mut last) = (String::new(), None::<String>);
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = trimmed.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned();
            last = None;
        } else if line.starts_with([' ', '\t'])
            && let Some(key) = &last
        {
            // What is indented goes on where the line before ended.
            settings.entry(key.clone()).and_modify(|value| {
                value.push(' ');
                value.push_str(trimmed);
            });
        } else if let Some((key, value)) = trimmed.split_once(['=', ':']) {
            let key = format!("{section}.{}", key.trim().to_lowercase());
            settings.insert(key.clone(), value.trim().replace("%%", "%"));
            last = Some(key);
        }
    }
    settings
}

fn account(name: &str, settings: &mut Settings, path: &Path, home: &Path) -> Option<Found> {
    let mut found = Found::new(name);
    let kind = settings.remove("retriever.type").unwrap_or_default();
    // Only POP3; multidrop retrievers differ in what the destination gets.
    let is_tls = kind.contains("SSL");
    if !kind.contains("POP3") {
        return None;
    }
    let host = settings.remove("retriever.server")?;
    let user = settings.remove("retriever.username").unwrap_or_default();
    let port = settings.remove("retriever.port");
    let usual = if is_tls { "995" } else { "110" };
    let file = format!("oldmail-{host}-{}-{user}", port.as_deref().unwrap_or(usual));
    let security = match is_tls {
        true => Security::Tls,
        false => Security::Plaintext,
    };
    found.server(security, &host, port.as_deref());
    found.set("user", user.as_str());
    if kind.starts_with("Multidrop") || kind.starts_with("BrokenUIDL") {
        found.note(format!(
            "`type = {kind}`: all messages go to the same target"
        ));
    }
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    found.memory = Some(Memory {
        file: directory
            .map_or_else(|| home.join(".config/getmail"), Path::to_owned)
            .join(without_separators(&file)),
        of: Owner::Getmail,
    });
    let days = number(settings.remove("options.delete_after"));
    match (is_true(settings.remove("options.delete")), days) {
        (true, _) => found.set("keep", "none"),
        (false, Some(days)) => found.set("keep", format!("{days}d")),
        (false, None) => {}
    }
    destination(&mut found, settings);
    for (key, value) in std::mem::take(settings) {
        carry_over(&mut found, &key, &value);
    }
    Some(found)
}

/// As getmail names its files: each run of what a file system or a mail program could mind is `-`.
fn without_separators(name: &str) -> String {
    let mut clean = String::new();
    for c in name.chars() {
        match r"/\:;<>|".contains(c) {
            true if clean.ends_with('-') => {}
            true => clean.push('-'),
            false => clean.push(c),
        }
    }
    clean
}

fn destination(found: &mut Found, settings: &mut Settings) {
    let kind = settings.remove("destination.type").unwrap_or_default();
    let path = settings.remove("destination.path").unwrap_or_default();
    let arguments = settings.remove("destination.arguments").unwrap_or_default();
    match kind.as_str() {
        "Maildir" => found.set("maildir", path.trim_end_matches('/')),
        "Mboxrd" => found.set("mbox", path),
        "MDA_external" if !arguments.contains("%(") => {
            let words: Vec<String> = [vec![path], tuple(&arguments)].concat();
            found.set("exec", shell::join(&words));
        }
        _ => found.note(format!(
            "`type = {kind}` of [destination]: name a target here"
        )),
    }
}

fn carry_over(found: &mut Found, key: &str, value: &str) {
    match (key, value.to_lowercase().as_str()) {
        ("retriever.password", _) => found.password = Some(Secret::from(value)),
        ("retriever.password_command", _) => {
            found.set("password_command", shell::join(&tuple(value)));
        }
        ("retriever.use_apop", "true" | "1" | "yes" | "on") => found.set("auth", "apop"),
        ("retriever.use_xoauth2", "true" | "1" | "yes" | "on") => found.set("auth", "xoauth2"),
        ("retriever.ca_certs", _) => found.set("ca_file", value),
        ("retriever.timeout" | "options.timeout", _) => match value.parse::<u32>() {
            Ok(seconds) if seconds > 0 => found.set("timeout", i64::from(seconds)),
            _ => found.note(format!("`{key} = {value}`")),
        },
        ("options.max_message_size", _) => limit(found, "skip_over", value),
        ("options.max_messages_per_session", _) => limit(found, "max_messages", value),
        ("options.max_bytes_per_session", _) => limit(found, "max_octets", value),
        ("options.received", "true" | "1" | "yes" | "on") => found.set("received", true),
        ("options.use_netrc", "true" | "1" | "yes" | "on") => found.set("netrc", true),
        ("options.read_all", "true" | "1" | "yes" | "on") => {
            found.note("`read_all`: popfetch fetches each message once only");
        }
        // Nothing that is not so anyway.
        (_, "false" | "0" | "no" | "off" | "none" | "") | ("options.verbose", _) => {}
        _ => found.note(format!("`{key} = {value}` is not carried over")),
    }
}

/// 0 is no limit.
fn limit(found: &mut Found, key: &'static str, value: &str) {
    if let Some(limit) = number(Some(value.to_owned())) {
        found.set(key, i64::from(limit));
    }
}

fn number(value: Option<String>) -> Option<u32> {
    value?.parse().ok().filter(|number| *number > 0)
}

fn is_true(value: Option<String>) -> bool {
    value.is_some_and(|value| matches!(value.to_lowercase().as_str(), "true" | "1" | "yes" | "on"))
}

/// The strings of a tuple as Python writes it: `("a", 'b')`.
fn tuple(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'']) {
        let (quote, after) = rest[at..].split_at(1);
        let Some((word, after)) = after.split_once(quote) else {
            break;
        };
        words.push(word.to_owned());
        rest = after;
    }
    words
}
