//! Handing over to a command: the message on its standard input, what is known of it in the
//! environment, and the exit status decides.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::runtime::Runtime;
use tokio::time;

use super::handover::{Courier, Handover, Refusal};
use super::letter::Letter;
use super::line_ends::LineEnds;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::secret;
use crate::settings::LineEnd;
use crate::state::Target;

/// The kind of [`Target`] this is.
pub(crate) const KIND: &str = "exec";
/// EX_TEMPFAIL of `sysexits.h`.
const TEMPORARY: i32 = Status::Temporary as i32;
/// How a shell says that there is no such command: that has nothing to do with the message.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;
/// How much of what it wrote to standard error is shown.
const SHOWN: u64 = 1_000;

/// A shell command that gets every message.
pub(crate) struct Exec {
    command: String,
    target: Target,
    line_end: LineEnd,
    time_limit: Duration,
}

impl Exec {
    pub(crate) fn new(command: &str, line_end: LineEnd, time_limit: Duration) -> Self {
        Self {
            command: command.into(),
            target: Target {
                kind: KIND.into(),
                location: command.into(),
            },
            line_end,
            time_limit,
        }
    }
}

impl Handover for Exec {
    fn target(&self) -> &Target {
        &self.target
    }

    fn begin(&self) -> Result<Box<dyn Courier + '_>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| cannot_run(&error))?;
        Ok(Box::new(Runner {
            exec: self,
            runtime,
        }))
    }
}

struct Runner<'a> {
    exec: &'a Exec,
    runtime: Runtime,
}

impl Courier for Runner<'_> {
    fn hand_over(&mut self, letter: &Letter<'_>) -> Result<(), Refusal> {
        let (mut child, stdin, mut errors) =
            (self.start(letter)).map_err(|error| Refusal::Everything(cannot_run(&error)))?;
        let limit = self.exec.time_limit;
        let ended = self.runtime.block_on(async {
            let ended = time::timeout(limit, feed(&mut child, stdin, letter, self.exec.line_end));
            let ended = ended.await;
            if !matches!(ended, Ok(Ok(_))) {
                secret::kill(&mut child).await;
            }
            ended
        });
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(refusal(status, &mut errors)),
            Ok(Err(error)) => Err(Refusal::Everything(cannot_run(&error))),
            Err(_) => Err(Refusal::ForNow(
                Failure::new(
                    Status::Temporary,
                    format!("the command took longer than {} s", limit.as_secs()),
                )
                .hint("give it more time with --timeout SECONDS"),
            )),
        }
    }
}

impl Runner<'_> {
    fn start(&self, letter: &Letter<'_>) -> io::Result<(Child, ChildStdin, File)> {
        let unique_id = letter.ticket.key.as_ref().identity.to_string();
        let sender = letter.sender()?.unwrap_or_default();
        // A file, so that what the command leaves running cannot keep us waiting.
        let errors = tempfile::tempfile()?;
        let _runtime = self.runtime.enter();
        let mut child = Command::from(secret::shell(&self.exec.command))
            .env("POPFETCH_ACCOUNT", escape::text(letter.account).to_string())
            .env("POPFETCH_UNIQUE_ID", unique_id)
            .env("POPFETCH_SENDER", sender)
            .env("POPFETCH_NUMBER", letter.ticket.number.to_string())
            .env("POPFETCH_OCTETS", letter.octets.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(errors.try_clone()?)
            // A signal that is typed at the terminal is for us: the message in flight is finished.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let stdin = stdin.ok_or_else(|| io::Error::other("it has no standard input"))?;
        Ok((child, stdin, errors))
    }
}

/// Writes the message, as far as the command reads it, and waits for its end.
async fn feed(
    child: &mut Child,
    stdin: ChildStdin,
    letter: &Letter<'_>,
    line_end: LineEnd,
) -> io::Result<ExitStatus> {
    tokio::select! {
        biased;
        status = child.wait() => return status,
        written = write(stdin, letter, line_end) => match written {
            // It has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            result => result?,
        },
    }
    child.wait().await
}

async fn write(mut stdin: ChildStdin, letter: &Letter<'_>, line_end: LineEnd) -> io::Result<()> {
    let mut line_ends = LineEnds::to(line_end);
    let mut pieces = letter.content.pieces();
    let mut converted = Vec::new();
    let collect = |octets: &[u8], converted: &mut Vec<u8>| {
        converted.extend_from_slice(octets);
        Ok::<(), io::Error>(())
    };
    while let Some(piece) = pieces.next()? {
        line_ends.convert(piece, |octets| collect(octets, &mut converted))?;
        stdin.write_all(&converted).await?;
        converted.clear();
    }
    line_ends.finish(|octets| collect(octets, &mut converted))?;
    stdin.write_all(&converted).await?;
    // Closes the pipe, so that the command sees the end.
    drop(stdin);
    Ok(())
}

fn refusal(status: ExitStatus, errors: &mut File) -> Refusal {
    let mut message = format!("the command failed: {status}");
    if let Some(words) = last_words(errors) {
        message = format!("{message}: {words}");
    }
    match status.code() {
        Some(TEMPORARY) => Refusal::ForNow(Failure::new(Status::Temporary, message)),
        Some(NOT_EXECUTABLE | NOT_FOUND) => Refusal::Everything(
            Failure::new(Status::Configuration, message).hint("see what --exec names"),
        ),
        _ => Refusal::Message(Failure::new(Status::InputOutput, message)),
    }
}

/// The last lines that the command wrote, as one.
fn last_words(errors: &mut File) -> Option<String> {
    let mut read = || -> io::Result<Vec<u8>> {
        let length = errors.seek(SeekFrom::End(0))?;
        errors.seek(SeekFrom::Start(length.saturating_sub(SHOWN)))?;
        let mut words = Vec::new();
        errors.take(SHOWN).read_to_end(&mut words)?;
        Ok(words)
    };
    let words = read().ok()?;
    let lines = String::from_utf8_lossy(&words);
    let lines: Vec<&str> = lines
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(3)..].join(" / ");
    (!last.is_empty()).then_some(last)
}

fn cannot_run(error: &io::Error) -> Failure {
    Failure::new(
        Status::Temporary,
        format!("could not hand a message to the command: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;
    use crate::deliver::tests::sample::Sample;

    const LONG: Duration = Duration::from_secs(60);

    /// Hands over a message of so many octets.
    fn hand_over(command: &str, octets: usize, limit: Duration) -> Result<(), Refusal> {
        let sample = Sample::new(b"Ux\x1b\xff", &vec![b'x'; octets]);
        let exec = Exec::new(command, LineEnd::Lf, limit);
        exec.begin().unwrap().hand_over(&sample.letter())
    }

    #[test]
    fn the_exit_status_decides() {
        hand_over("exit 0", 10, LONG).unwrap();
        hand_over("cat > /dev/null", 1_000_000, LONG).unwrap();
        // It need not read, nor end all that it has started.
        hand_over("exit 0", 1_000_000, LONG).unwrap();
        hand_over("sleep 1000 & exit 0", 1_000_000, LONG).unwrap();
        let refused = |command| hand_over(command, 1_000_000, LONG).unwrap_err();
        assert!(matches!(refused("exit 1"), Refusal::Message(_)));
        assert!(matches!(refused("kill -9 $$"), Refusal::Message(_)));
        assert!(matches!(refused("exit 75"), Refusal::ForNow(_)));
        assert!(matches!(
            refused("/no/such/command"),
            Refusal::Everything(_)
        ));
    }

    #[test]
    fn its_last_words_are_told() {
        let command = "for i in 1 2 3 4 5; do echo line $i >&2; echo >&2; done; exit 1";
        let Err(Refusal::Message(failure)) = hand_over(command, 0, LONG) else {
            panic!("it was taken");
        };
        assert_eq!(
            failure.message,
            "the command failed: exit status: 1: line 3 / line 4 / line 5"
        );
    }

    #[test]
    fn a_command_that_never_ends_is_ended() {
        let limit = Duration::from_millis(50);
        for command in ["sleep 1000", "cat > /dev/null; sleep 1000 & sleep 1000"] {
            let refused = hand_over(command, 1_000_000, limit).unwrap_err();
            assert!(matches!(refused, Refusal::ForNow(_)), "{refused:?}");
        }
    }

    /// A command that writes down the process it leaves running, and what else it does.
    fn leaving(directory: &Path, and_then: &str) -> (String, impl Fn() -> Pid) {
        let left = directory.join("left");
        let command = format!("sleep 1000 & echo $! > {}; {and_then}", left.display());
        let pid = move || {
            let written = std::fs::read_to_string(&left).unwrap();
            Pid::from_raw(written.trim_end().parse().unwrap()).unwrap()
        };
        (command, pid)
    }

    #[test]
    fn what_a_command_leaves_running_ends_with_its_time_only() {
        let directory = tempfile::tempdir().unwrap();
        let (command, left) = leaving(directory.path(), "exit 0");
        hand_over(&command, 0, LONG).unwrap();
        kill_process(left(), Signal::KILL).unwrap();

        let (command, left) = leaving(directory.path(), "sleep 1000");
        hand_over(&command, 0, Duration::from_secs(2)).unwrap_err();
        let is_alive = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", left().as_raw_nonzero()));
            // One that nobody has buried yet is dead.
            state.is_ok_and(|state| !state.contains(") Z "))
        };
        let end = Instant::now() + LONG;
        while is_alive() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!is_alive());
    }

    #[test]
    fn a14_what_the_server_says_reaches_the_environment_escaped() {
        let command = r#"test "$POPFETCH_UNIQUE_ID" = 'x\x1b\xff'"#;
        hand_over(command, 0, LONG).unwrap();
    }
}
