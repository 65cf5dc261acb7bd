//! The user's filter: a program that gets a header and says a word.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::escape;
use crate::failure::{Failure, Status};
use crate::secret;

/// A filter that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// A word and the white space behind it are not longer than this.
const LONGEST: usize = 64;

const FORM: &str = "a filter prints one word, fetch, skip or delete, and ends with status 0; its exit \
    status alone decides nothing, so that a filter that breaks deletes nothing";

/// What a filter says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fetch,
    /// It stays on the server.
    Skip,
    /// It is deleted on the server without being fetched.
    Delete,
}

/// The filter's shell command, with this in its environment.
pub(super) fn command(filter: &str, account: &str, unique_id: Option<String>) -> Command {
    let mut command = Command::from(secret::shell(filter));
    command.env("POPFETCH_ACCOUNT", account);
    if let Some(unique_id) = unique_id {
        command.env("POPFETCH_UNIQUE_ID", unique_id);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    // A signal that is typed at the terminal is for us.
    command.process_group(0).kill_on_drop(true);
    command
}

/// Asks a filter about a header.
///
/// # Errors
/// It decided nothing, and how.
pub(super) async fn ask(mut command: Command, header: &[u8]) -> Result<Verdict, Failure> {
    let could_not = |error: io::Error| undecided(&format!("could not be run: {error}"));
    let mut child = command.spawn().map_err(could_not)?;
    let answer = match timeout(PATIENCE, converse(&mut child, header)).await {
        Ok(answer) => answer.map_err(could_not),
        Err(_) => Err(undecided(&format!(
            "took longer than {} s",
            PATIENCE.as_secs()
        ))),
    };
    match answer {
        Ok((Some(status), said)) => verdict(status, &said),
        Ok((None, _)) => {
            secret::kill(&mut child).await;
            Err(undecided("printed more than a word"))
        }
        Err(failure) => {
            secret::kill(&mut child).await;
            Err(failure)
        }
    }
}

fn undecided(how: &str) -> Failure {
    Failure::new(Status::Temporary, format!("the filter {how}")).hint(FORM)
}

fn verdict(status: ExitStatus, said: &[u8]) -> Result<Verdict, Failure> {
    if let Some(signal) = status.signal() {
        return Err(undecided(&format!("was ended by signal {signal}")));
    }
    let word = said.trim_ascii_end();
    match (status.code(), word) {
        (Some(0), b"fetch") => Ok(Verdict::Fetch),
        (Some(0), b"skip") => Ok(Verdict::Skip),
        (Some(0), b"delete") => Ok(Verdict::Delete),
        (Some(0), b"") => Err(undecided("printed no word")),
        (Some(0), _) => Err(undecided(&format!("printed \"{}\"", escape::octets(word)))),
        _ => Err(undecided(&format!("failed: {status}"))),
    }
}

/// Gives it the header and hears what it says. How it ended; `None` if it says too much.
async fn converse(child: &mut Child, header: &[u8]) -> io::Result<(Option<ExitStatus>, Vec<u8>)> {
    let pipes = child.stdin.take().zip(child.stdout.take());
    let (mut input, output) = pipes.ok_or_else(|| io::Error::other("it has no pipes"))?;
    let write = async move {
        // A filter need not read all of it.
        let _ = input.write_all(header).await;
    };
    let mut listen = pin!(listen(child, output));
    tokio::select! {
        biased;
        ended = &mut listen => return ended,
        () = write => {}
    }
    listen.await
}

async fn listen(
    child: &mut Child,
    mut output: ChildStdout,
) -> io::Result<(Option<ExitStatus>, Vec<u8>)> {
    let mut said = Vec::new();
    let mut is_open = true;
    let status = loop {
        tokio::select! {
            biased;
            status = child.wait() => break status?,
            read = output.read_buf(&mut said), if is_open => is_open = read? > 0,
        }
        if said.len() > LONGEST {
            return Ok((None, said));
        }
    };
    // What it leaves running may keep the pipe open for ever.
    let output = output.into_owned_fd()?;
    rustix::io::ioctl_fionbio(&output, true)?;
    let mut piece = [0; LONGEST + 1];
    while is_open && said.len() <= LONGEST {
        match rustix::io::read(&output, &mut piece) {
            Ok(octets) => {
                is_open = octets > 0;
                said.extend_from_slice(&piece[..octets]);
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let is_word = said.len() <= LONGEST;
    Ok((is_word.then_some(status), said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(filter: &str, header: &[u8]) -> Result<Verdict, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let answer = runtime.block_on(ask(command(filter, "me", Some("id".into())), header));
        answer.map_err(|failure| {
            assert_eq!(failure.hint.as_deref(), Some(FORM));
            failure.message
        })
    }

    #[test]
    fn e25_one_word_and_status_0_decide() {
        for (filter, verdict) in [
            ("echo fetch", Verdict::Fetch),
            ("echo skip", Verdict::Skip),
            ("printf delete", Verdict::Delete),
            ("printf 'delete \\t\\r\\n\\n'", Verdict::Delete),
            ("cat > /dev/null; echo fetch", Verdict::Fetch),
            ("echo skip; sleep 1000 2> /dev/null & exit 0", Verdict::Skip),
            (
                "test $POPFETCH_ACCOUNT$POPFETCH_UNIQUE_ID = meid && echo skip",
                Verdict::Skip,
            ),
        ] {
            assert_eq!(asked(filter, &[b'x'; 1_000_000]), Ok(verdict), "{filter}");
        }
    }

    #[test]
    fn e25_nothing_else_decides() {
        for (filter, how) in [
            ("true", "the filter printed no word"),
            ("exit 1", "the filter failed: exit status: 1"),
            ("exit 2", "the filter failed: exit status: 2"),
            ("echo delete; exit 1", "the filter failed: exit status: 1"),
            (
                "echo delete; kill -9 $$",
                "the filter was ended by signal 9",
            ),
            ("echo Delete", "the filter printed \"Delete\""),
            ("echo ' delete'", "the filter printed \" delete\""),
            ("echo delete delete", "the filter printed \"delete delete\""),
            (
                "printf 'delete\\033[31m'",
                "the filter printed \"delete\\x1b[31m\"",
            ),
            ("yes delete", "the filter printed more than a word"),
            (
                "yes delete | head -100",
                "the filter printed more than a word",
            ),
            ("/no/such/filter", "the filter failed: exit status: 127"),
        ] {
            assert_eq!(
                asked(filter, b"Subject: x\r\n\r\n"),
                Err(how.into()),
                "{filter}"
            );
        }
    }

    #[test]
    fn e25_a_filter_that_takes_too_long_decides_nothing_and_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let answer = runtime.block_on(ask(command("echo delete; sleep 1000", "me", None), b""));
        assert_eq!(
            answer.unwrap_err().message,
            "the filter took longer than 60 s"
        );
    }
}
