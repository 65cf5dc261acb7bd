//! Commands of the user's, and passwords that they print.

use std::fs::File;
use std::io;
use std::process::{self, ExitStatus, Stdio};
use std::time::Duration;

use poplib::Secret;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{LIMIT, LONGEST, TARGET_VARIABLE, VARIABLE, Whose, configuration, first_line};
use crate::failure::{Failure, Status};

/// The first line that the command prints.
///
/// # Errors
/// [`Status::Configuration`] when it fails or prints nothing, [`Status::Temporary`] when it takes
/// too long.
pub(super) fn password(command: &str, whose: Whose<'_>) -> Result<Secret, Failure> {
    within(LIMIT, command, whose)
}

fn within(limit: Duration, command: &str, whose: Whose<'_>) -> Result<Secret, Failure> {
    let cannot =
        |error: io::Error| configuration(format!("could not run the password command: {error}"));
    let alone = format!("see what it says by itself: sh -c '{command}'");
    let runtime = (tokio::runtime::Builder::new_current_thread().enable_all())
        .build()
        .map_err(cannot)?;
    let ended = runtime.block_on(async {
        let mut child = start(command, whose)?;
        match timeout(limit, printed(&mut child)).await {
            Ok(ended) => ended.map(Some),
            Err(_) => {
                kill(&mut child).await;
                Ok(None)
            }
        }
    });
    match ended.map_err(cannot)? {
        None => {
            let seconds = limit.as_secs();
            let message = format!("the password command took longer than {seconds} s");
            Err(Failure::new(Status::Temporary, message).hint(alone))
        }
        Some((status, _)) if !status.success() => {
            let message = format!("the password command failed: {status}");
            Err(configuration(message).hint(alone))
        }
        Some((_, octets)) => first_line(octets.expose())
            .map_err(cannot)?
            .ok_or_else(|| configuration("the password command printed nothing".into())),
    }
}

fn start(command: &str, whose: Whose<'_>) -> io::Result<Child> {
    let mut command = Command::from(shell(command));
    command
        .env("POPFETCH_ACCOUNT", whose.account)
        .env("POPFETCH_USER", whose.user)
        .env("POPFETCH_HOST", whose.host)
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    // So that it can be ended with all that it has started. At a terminal it may have to ask for
    // something there, as only those may do that are in our group; and Ctrl-C is there for that.
    if File::open("/dev/tty").is_err() {
        command.process_group(0);
    }
    command.spawn()
}

/// What the command prints, as far as it can matter, and how it ends.
async fn printed(child: &mut Child) -> io::Result<(ExitStatus, Secret)> {
    let mut octets = Vec::new();
    if let Some(out) = child.stdout.take() {
        out.take(LONGEST).read_to_end(&mut octets).await?;
    }
    let octets = Secret::from(octets);
    Ok((child.wait().await?, octets))
}

/// A command of the user's, which gets everything of our environment but passwords.
pub(crate) fn shell(command: &str) -> process::Command {
    let mut shell = process::Command::new("/bin/sh");
    shell.arg("-c").arg(command);
    shell.env_remove(VARIABLE).env_remove(TARGET_VARIABLE);
    shell
}

/// Ends a command, and what it has started if it has a process group of its own.
pub(crate) async fn kill(child: &mut Child) {
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(group) = group {
        // It may have ended just now.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _: io::Result<()> = child.kill().await;
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    const WHOSE: Whose<'_> = Whose {
        account: "work",
        user: "me",
        host: "pop.example.org",
    };

    #[test]
    fn a_command_knows_whose_password_is_asked_for() {
        let command = "echo $POPFETCH_ACCOUNT $POPFETCH_USER $POPFETCH_HOST";
        let password = password(command, WHOSE).unwrap();
        assert_eq!(password.expose(), b"work me pop.example.org");
    }

    #[test]
    fn a_command_that_never_ends_is_ended_with_all_that_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let started = directory.path().join("started");
        // It prints a password, and then it does not end.
        let command = format!(
            "echo secret; sleep 1000 & echo $! > {}; wait",
            started.display()
        );
        // However slow the machine is, it must have begun once.
        for limit in (1..).map(|factor| Duration::from_millis(200) * factor) {
            let failure = within(limit, &command, WHOSE).unwrap_err();
            assert_eq!(failure.status, Status::Temporary);
            assert!(failure.message.contains("took longer than"), "{failure}");
            if started.exists() {
                break;
            }
        }
        if File::open("/dev/tty").is_err() {
            let started = fs::read_to_string(started).unwrap();
            let process = Path::new("/proc").join(started.trim());
            while is_alive(&process) {
                std::thread::yield_now();
            }
        }
    }

    /// Whether it runs. Its parent is gone, and so perhaps nobody takes note of its end.
    fn is_alive(process: &Path) -> bool {
        fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }
}
