//! System calls as `strace -f -y` writes them down.

use std::collections::HashMap;

/// What [`read`] understands, as strace's option `trace` has it.
pub(crate) const CALLS: &str =
    "trace=openat,write,pwrite64,writev,sendto,fsync,fdatasync,syncfs,/^rename";

/// A call that succeeded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The lines of the log at which it began and had ended.
    pub(crate) begin: usize,
    pub(crate) end: usize,
    pub(crate) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Makes a file.
    Create(String),
    /// Writes to a file.
    Write(String),
    /// Makes a file or a directory durable.
    Sync(String),
    /// Makes the whole file system durable.
    SyncAll,
    /// Gives a file this other name.
    Rename(String, String),
    /// Sends octets that begin so.
    Send(String),
}

/// All calls of a log, in the order in which they ended.
pub(crate) fn read(log: &str) -> Vec<Call> {
    let mut unfinished = HashMap::new();
    let mut calls = Vec::new();
    for (number, line) in log.lines().enumerate() {
        let (thread, call) = line.split_once(' ').expect("a thread and what it did");
        let call = call.trim_start();
        let (begin, call) = if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, (number, begun));
            continue;
        } else if let Some((_, rest)) = call.split_once(" resumed>") {
            let (begin, begun) = unfinished.remove(thread).expect("it began");
            (begin, format!("{begun}{rest}"))
        } else {
            (number, call.to_owned())
        };
        if let Some(what) = what(&call) {
            let end = number;
            calls.push(Call { begin, end, what });
        }
    }
    calls
}

/// `None` where it failed or is of no interest.
fn what(call: &str) -> Option<What> {
    let (call, result) = call.rsplit_once(" = ")?;
    if result.starts_with('-') {
        return None;
    }
    let (name, arguments) = call.split_once('(')?;
    // The path of the first argument, which is a handle, and the first and second string.
    let of = || Some(arguments.split_once('<')?.1.split('>').next()?.to_owned());
    let string = |index: usize| Some(arguments.split('"').nth(2 * index + 1)?.to_owned());
    match name {
        "openat" => arguments
            .contains("O_CREAT")
            .then(|| string(0))?
            .map(What::Create),
        "fsync" | "fdatasync" => of().map(What::Sync),
        "syncfs" => Some(What::SyncAll),
        "write" | "pwrite64" | "writev" | "sendto" => {
            let of = of()?;
            match of.starts_with('/') {
                true => Some(What::Write(of)),
                false => string(0).map(What::Send),
            }
        }
        _ if name.starts_with("rename") => Some(What::Rename(string(0)?, string(1)?)),
        _ => None,
    }
}
