//! That nothing is deleted on the server before it is on the disk, as the kernel sees it.

use std::{collections::HashMap, fs, process::Command};

use interop::Mailbox;

use crate::support::{Home, dovecot, pop};

/// What a system call that matters here did, in the order of their ends; what is sent counts from
/// the beginning.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// A file, or the whole file system.
    Durable(String),
    /// From `tmp/` into `new/`.
    Renamed(String),
    Sent(&'static str),
}

fn events(trace: &str) -> Vec<Event> {
    let mut unfinished = HashMap::new();
    let mut events = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        events.extend(
            ["DELE ", "QUIT\\r\\n"]
                .into_iter()
                .find(|command| call.contains(&format!("\"{command}")))
                .map(Event::Sent),
        );
        let whole = match call.strip_suffix(" <unfinished ...>") {
            Some(begun) => {
                unfinished.insert(thread, begun);
                continue;
            }
            None => match call.split_once(" resumed>") {
                Some((_, rest)) => format!("{}{rest}", unfinished.remove(thread).unwrap_or("")),
                None => call.to_owned(),
            },
        };
        if whole.ends_with(" = 0") {
            events.extend(durable(&whole));
        }
    }
    events
}

fn durable(call: &str) -> Option<Event> {
    let (name, arguments) = call.split_once('(')?;
    match name {
        "fsync" | "fdatasync" => {
            let (_, path) = arguments.split_once('<')?;
            Some(Event::Durable(path.split('>').next()?.to_owned()))
        }
        "syncfs" => Some(Event::Durable("everything".to_owned())),
        _ if name.starts_with("rename") => {
            let from = arguments.split('"').nth(1)?;
            from.contains("Mail/tmp/")
                .then(|| Event::Renamed(from.to_owned()))
        }
        _ => None,
    }
}

/// Fetches with `--keep none` under strace and checks the order.
fn in_order(messages: usize) {
    let mailbox = Mailbox::ordinary(messages);
    let server = dovecot(&mailbox);
    let home = Home::trusting(&server);
    let options = ["--keep", "none", "--allow-plaintext", "--auth", "user"];
    let popfetch = home.command(&pop(&server), "secret", &options);
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-y", "-s", "64", "-o", "trace"])
        .args([
            "-e",
            "trace=fsync,fdatasync,syncfs,/^rename,sendto,write,writev",
        ])
        .arg(popfetch.get_program())
        .args(popfetch.get_args())
        .current_dir(popfetch.get_current_dir().unwrap())
        .env_clear()
        .envs(
            popfetch
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let output = strace
        .output()
        .expect("strace; tests/interop/prepare installs it");
    assert!(output.status.success(), "{output:?}");
    home.assert_holds(&mailbox);

    let trace = fs::read_to_string(home.path().join("trace")).unwrap();
    let events = events(&trace);
    let position = |start: usize, what: &str, wanted: &dyn Fn(&Event) -> bool| {
        let found = events[start..].iter().position(wanted);
        start + found.unwrap_or_else(|| panic!("no {what} after {start} in {events:#?}"))
    };
    let is_durable = |event: &Event, part: &str| match event {
        Event::Durable(path) => path.contains(part) || path == "everything",
        _ => false,
    };
    let mut last_rename = 0;
    let mut renamed = 0;
    for (at, event) in events.iter().enumerate() {
        let Event::Renamed(from) = event else {
            continue;
        };
        let content = position(0, from, &|event| is_durable(event, from));
        let entry = position(content, "tmp/", &|event| is_durable(event, "Mail/tmp"));
        let storing = position(entry, "state", &|event| is_durable(event, "state.db"));
        assert!(storing < at, "{from} was renamed too early: {events:#?}");
        (last_rename, renamed) = (at, renamed + 1);
    }
    assert_eq!(renamed, messages);
    let names = position(last_rename, "new/", &|event| is_durable(event, "Mail/new"));
    let stored = position(names, "state", &|event| is_durable(event, "state.db"));
    let deleted = position(0, "DELE", &|event| *event == Event::Sent("DELE "));
    assert!(
        stored < deleted,
        "deleted before it was stored: {events:#?}"
    );
    position(deleted, "QUIT", &|event| {
        *event == Event::Sent("QUIT\\r\\n")
    });
}

#[test]
fn few_messages_are_durable_before_they_are_deleted() {
    in_order(3);
}

#[test]
fn many_messages_are_durable_before_they_are_deleted() {
    in_order(100);
}
