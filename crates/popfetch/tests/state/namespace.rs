//! Mounts that only one command sees, and that are gone with it.

use std::process::Command;

/// The command behind a script of sh that mounts what it needs, both in a mount namespace of their
/// own. Needs root.
pub(crate) fn mounted(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "--propagation", "private", "sh", "-e", "-c"]);
    shell.arg(format!("{script}\nexec \"$0\" \"$@\""));
    shell.arg(command.get_program()).args(command.get_args());
    shell.env_clear();
    for (name, value) in command.get_envs() {
        shell.envs(value.map(|value| (name, value)));
    }
    shell.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    shell.current_dir(command.get_current_dir().unwrap());
    shell
}
