//! The order that neither loses nor duplicates a message: content durable before it is named, the
//! state knows before that where, names durable before the state says that it is stored, and that
//! before DELE.

use super::log::{Call, What};

/// A moment between two lines of the log.
type Moment = usize;

/// How many messages were delivered in this order.
///
/// # Errors
///
/// What came too early, or never.
pub(crate) fn check(calls: &[Call]) -> Result<usize, String> {
    let log = Log(calls);
    let fetched = log.first(
        0,
        |what| matches!(what, What::Send(line) if line.starts_with("RETR ")),
    );
    let fetched = fetched.ok_or("nothing was fetched")?.end;
    let deletion = log.first(
        0,
        |what| matches!(what, What::Send(line) if line.starts_with("DELE ")),
    );
    let deletion = deletion.ok_or("nothing was deleted")?.begin;
    let mut delivered = 0;
    let mut stored = 0;
    for call in calls {
        if let What::Rename(from, to) = &call.what
            && in_tmp(from)
        {
            delivered += 1;
            stored = stored.max(log.stored_in_maildir(call, from, to)?);
        }
    }
    if log.first(0, |what| is_write(what, is_mbox)).is_some() {
        delivered += 1;
        stored = stored.max(log.stored_in_mbox(fetched)?);
    }
    if stored >= deletion {
        return Err("DELE was sent before the state said that all is stored".into());
    }
    let quit = log.first(
        deletion,
        |what| matches!(what, What::Send(line) if line.starts_with("QUIT")),
    );
    quit.ok_or("there was no QUIT behind DELE")?;
    Ok(delivered)
}

struct Log<'a>(&'a [Call]);

impl Log<'_> {
    /// The first such call that began at this moment or later.
    fn first(&self, from: Moment, is_it: impl Fn(&What) -> bool) -> Option<&Call> {
        let mut calls = self
            .0
            .iter()
            .filter(|call| call.begin >= from && is_it(&call.what));
        let first = calls.next()?;
        Some(calls.fold(first, |first, call| {
            if call.begin < first.begin {
                call
            } else {
                first
            }
        }))
    }

    /// When the last such call had ended that began before.
    fn last(&self, before: Moment, is_it: impl Fn(&What) -> bool) -> Option<Moment> {
        let calls = self
            .0
            .iter()
            .filter(|call| call.begin < before && is_it(&call.what));
        calls.map(|call| call.end).max()
    }

    /// When that was durable which was done before this moment.
    fn durable(&self, after: Moment, path: &str) -> Result<Moment, String> {
        let syncs = self
            .0
            .iter()
            .filter(|call| call.begin > after && is_sync_of(&call.what, path));
        let ended = syncs.map(|call| call.end).min();
        ended.ok_or_else(|| format!("{path} was not made durable"))
    }

    /// When the state had committed something that it did not know before this moment.
    fn committed(&self, after: Moment) -> Result<Moment, String> {
        let written = self.first(after + 1, |what| is_write(what, is_state));
        let written = written.ok_or("the state was not written to any more")?;
        let syncs = self.0.iter().filter(|call| {
            call.begin > written.end && matches!(&call.what, What::Sync(path) if is_state(path))
        });
        let ended = syncs.map(|call| call.end).min();
        ended.ok_or_else(|| "the state was not made durable".into())
    }

    /// When the state said that a message is stored which a Maildir got by this call.
    fn stored_in_maildir(&self, rename: &Call, from: &str, to: &str) -> Result<Moment, String> {
        let of_it = |what: &What| match what {
            What::Create(path) | What::Write(path) => path == from,
            _ => false,
        };
        let written = self.last(rename.begin, of_it);
        let written = written.ok_or_else(|| format!("nothing was written to {from}"))?;
        let content = self.durable(written, from)?;
        let name = self.durable(written, directory(from))?;
        let storing = self.committed(content.max(name))?;
        if storing >= rename.begin {
            return Err(format!(
                "{to} was there before its content was durable and recorded"
            ));
        }
        let name = self.durable(rename.end, directory(to))?;
        self.committed(name)
    }

    /// When the state said that those messages are stored that the mbox got, which were asked for
    /// at `fetched`: what the state was told before is of no account.
    fn stored_in_mbox(&self, fetched: Moment) -> Result<Moment, String> {
        let of_it = |what: &What| is_write(what, is_mbox);
        let first = self
            .first(0, of_it)
            .ok_or("nothing was written to the mbox")?;
        if self.committed(fetched)? >= first.begin {
            return Err("the mbox was written to before the state knew of it".into());
        }
        let written = self.last(Moment::MAX, of_it).unwrap_or(first.end);
        let What::Write(mbox) = &first.what else {
            return Err("it was written to otherwise".into());
        };
        let content = self.durable(written, mbox)?;
        let name = self.durable(written, directory(mbox))?;
        self.committed(content.max(name))
    }
}

fn is_write(what: &What, is_it: fn(&str) -> bool) -> bool {
    matches!(what, What::Write(path) if is_it(path))
}

fn is_sync_of(what: &What, wanted: &str) -> bool {
    match what {
        What::Sync(path) => path == wanted,
        What::SyncAll => true,
        _ => false,
    }
}

fn in_tmp(path: &str) -> bool {
    directory(path).ends_with("/Mail/tmp")
}

fn is_mbox(path: &str) -> bool {
    path.ends_with("/mbox")
}

/// SQLite's log, by which a transaction is committed.
fn is_state(path: &str) -> bool {
    path.ends_with("/state.db-wal")
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

#[cfg(test)]
mod tests {
    use super::super::log;
    use super::*;

    /// A message on its way, as strace tells it: two threads, one of them in the middle of a call.
    const IN_ORDER: &str = r#"
2 sendto(9<socket:[1]>, "RETR 1\r\n", 8, MSG_NOSIGNAL, NULL, 0) = 8
3 openat(AT_FDCWD</h>, "/h/Mail/tmp/a", O_WRONLY|O_CREAT|O_EXCL, 0600) = 7</h/Mail/tmp/a>
3 write(7</h/Mail/tmp/a>, "Subject"..., 99) = 99
3 fsync(7</h/Mail/tmp/a>) = 0
3 fsync(8</h/Mail/tmp>) = 0
3 pwrite64(5</h/state.db-wal>, "storing"..., 4096, 32) = 4096
3 fsync(5</h/state.db-wal> <unfinished ...>
2 write(1<pipe:[2]>, "fetching"..., 8) = 8
3 <... fsync resumed>) = 0
3 rename("/h/Mail/tmp/a", "/h/Mail/new/a") = 0
3 fsync(8</h/Mail/new>) = 0
3 pwrite64(5</h/state.db-wal>, "stored"..., 4096, 4128) = 4096
3 fsync(5</h/state.db-wal>) = 0
2 sendto(9<socket:[1]>, "DELE 1\r\n", 8, MSG_NOSIGNAL, NULL, 0) = 8
2 sendto(9<socket:[1]>, "QUIT\r\n", 6, MSG_NOSIGNAL, NULL, 0) = 6
"#;

    const INTO_AN_MBOX: &str = r#"
2 sendto(9<socket:[1]>, "RETR 1\r\n", 8, MSG_NOSIGNAL, NULL, 0) = 8
3 pwrite64(5</h/state.db-wal>, "storing"..., 4096, 32) = 4096
3 fsync(5</h/state.db-wal>) = 0
3 pwrite64(7</h/mbox>, "From "..., 99, 0) = 99
3 fsync(7</h/mbox>) = 0
3 fsync(8</h>) = 0
3 pwrite64(5</h/state.db-wal>, "stored"..., 4096, 4128) = 4096
3 fsync(5</h/state.db-wal>) = 0
2 sendto(9<socket:[1]>, "DELE 1\r\n", 8, MSG_NOSIGNAL, NULL, 0) = 8
2 sendto(9<socket:[1]>, "QUIT\r\n", 6, MSG_NOSIGNAL, NULL, 0) = 6
"#;

    fn checked(log: &[&str]) -> Result<usize, String> {
        check(&log::read(&log.join("\n")))
    }

    fn lines(log: &str) -> Vec<&str> {
        log.trim().lines().collect()
    }

    #[test]
    fn the_right_order_is_right() {
        for log in [IN_ORDER, INTO_AN_MBOX] {
            assert_eq!(checked(&lines(log)), Ok(1));
        }
        let grouped = IN_ORDER.replace("fsync(7</h/Mail/tmp/a>)", "syncfs(8</h/Mail>)");
        let grouped = grouped.replace("3 fsync(8</h/Mail/tmp>) = 0\n", "");
        assert_eq!(checked(&lines(&grouped)), Ok(1));
    }

    #[test]
    fn nothing_can_be_left_out() {
        // An empty message has nothing to be written, and a file is known by that.
        let unneeded = ["openat", "write(7</h/Mail/tmp/a>", "pipe"];
        let is_needed = |line: &str| unneeded.iter().all(|unneeded| !line.contains(unneeded));
        for log in [IN_ORDER, INTO_AN_MBOX] {
            let lines = lines(log);
            for left_out in 0..lines.len() {
                let mut log = lines.clone();
                let line = log.remove(left_out);
                if line.contains("unfinished") {
                    let rest = log.iter().position(|line| line.contains("resumed"));
                    log.remove(rest.unwrap());
                }
                if is_needed(line) && !line.contains("resumed") {
                    assert_ne!(checked(&log), Ok(1), "without {line}");
                }
            }
        }
    }

    #[test]
    fn nothing_can_come_too_early() {
        for (log, line, before) in [
            (IN_ORDER, "fsync(7</h/Mail/tmp/a>)", "write(7"),
            (IN_ORDER, "fsync(8</h/Mail/tmp>)", "openat"),
            (
                IN_ORDER,
                "pwrite64(5</h/state.db-wal>, \"storing",
                "fsync(7</h/Mail/tmp/a>)",
            ),
            (IN_ORDER, "rename", "<... fsync resumed>"),
            (IN_ORDER, "rename", "fsync(5</h/state.db-wal> <unf"),
            (IN_ORDER, "fsync(8</h/Mail/new>)", "rename"),
            (
                IN_ORDER,
                "pwrite64(5</h/state.db-wal>, \"stored",
                "fsync(8</h/Mail/new>)",
            ),
            (
                IN_ORDER,
                "sendto(9<socket:[1]>, \"DELE",
                "fsync(5</h/state.db-wal>) =",
            ),
            (
                INTO_AN_MBOX,
                "pwrite64(7</h/mbox>",
                "fsync(5</h/state.db-wal>)",
            ),
            (INTO_AN_MBOX, "fsync(7</h/mbox>)", "pwrite64(7</h/mbox>"),
            (INTO_AN_MBOX, "fsync(8</h>)", "pwrite64(7</h/mbox>"),
            (
                INTO_AN_MBOX,
                "pwrite64(5</h/state.db-wal>, \"stored",
                "fsync(7</h/mbox>)",
            ),
            (
                INTO_AN_MBOX,
                "sendto(9<socket:[1]>, \"DELE",
                "pwrite64(5</h/state.db-wal>, \"stored",
            ),
        ] {
            let mut log = lines(log);
            let find =
                |log: &[&str], part: &str| log.iter().position(|line| line.contains(part)).unwrap();
            let moved = log.remove(find(&log, line));
            log.insert(find(&log, before), moved);
            assert!(checked(&log).is_err(), "{line} before {before}");
        }
    }
}
