//! Programs that fetch mail, popfetch and its peers, each set up for the same task.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use crate::{Error, prepared};

/// Debian's, in the words of ld.so(8).
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketime.so.1";

/// A program and how it is told what to do.
#[derive(Clone, Copy, Debug)]
pub struct Fetcher {
    /// What it is called, with what sets it up otherwise than the others.
    pub name: &'static str,
    set_up: fn(&Job<'_>) -> io::Result<Command>,
}

/// Mail to be fetched by TLS into the Maildir `Mail` of a home directory, which also has the
/// server's certificate authority as `ca.pem`.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Where the server listens on localhost, for TLS from the first octet.
    pub tls_port: u16,
    /// Whose mail; the password is `secret`.
    pub user: &'a str,
    /// Where settings, state and mail are.
    pub home: &'a Path,
    /// Whether the mail stays on the server. Then new mail only is fetched.
    pub keep: bool,
    /// How many hours from now it is to run.
    pub hours: usize,
    /// The program of popfetch.
    pub popfetch: &'a str,
}

impl Fetcher {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self {
            name: "popfetch",
            set_up: popfetch,
        },
        Self {
            name: "mpop",
            set_up: mpop,
        },
        Self {
            name: "fetchmail",
            set_up: fetchmail,
        },
        Self {
            name: "getmail",
            set_up: getmail,
        },
    ];

    /// A run of the program, with nothing in its environment that it does not need.
    ///
    /// # Errors
    ///
    /// The settings cannot be written, or the program is not there.
    pub fn command(&self, job: &Job<'_>) -> Result<Command, Error> {
        let missing = Error::Missing {
            what: self.name.to_owned(),
            remedy: "run tests/interop/prepare",
        };
        let mut command = (self.set_up)(job).map_err(|_| missing)?;
        command
            .current_dir(job.home)
            .env_clear()
            .env("HOME", job.home)
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("POPFETCH_PASSWORD", "secret")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if job.hours > 0 {
            command
                .env("LD_PRELOAD", FAKETIME)
                .env("FAKETIME", format!("+{}h", job.hours))
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                // Files keep the times that they have.
                .env("NO_FAKE_STAT", "1");
        }
        Ok(command)
    }
}

fn popfetch(job: &Job<'_>) -> io::Result<Command> {
    let mut command = Command::new(job.popfetch);
    let url = format!("pops://{}@localhost:{}", job.user, job.tls_port);
    let keep = if job.keep { "forever" } else { "none" };
    command.args(["sync", "--server", &url, "--ca-file", "ca.pem"]);
    command.args(["--keep", keep, "--maildir", "Mail", "--state", "state.db"]);
    Ok(command)
}

fn mpop(job: &Job<'_>) -> io::Result<Command> {
    let dir = job.home.display();
    let keep = if job.keep { "on" } else { "off" };
    let settings = format!(
        "account a\nhost localhost\nport {}\ntls on\ntls_starttls off\ntls_trust_file {dir}/ca.pem\n\
         user {}\npassword \"secret\"\nkeep {keep}\ndelivery maildir {dir}/Mail\n",
        job.tls_port, job.user
    );
    write(job.home, ".mpoprc", &settings)?;
    let mut command = Command::new("/usr/bin/mpop");
    command.args(["-q", "a"]);
    Ok(command)
}

fn fetchmail(job: &Job<'_>) -> io::Result<Command> {
    let dir = job.home.display();
    let what = if job.keep { "keep" } else { "fetchall nokeep" };
    let settings = format!(
        "set invisible\npoll localhost protocol POP3 port {} uidl\n\
         user \"{}\" there with password \"secret\" is \"root\" here\n\
         {what} ssl sslcertfile {dir}/ca.pem mda \"{}\"\n",
        job.tls_port,
        job.user,
        deliver(job.home)?
    );
    write(job.home, ".fetchmailrc", &settings)?;
    let mut command = Command::new("/usr/bin/fetchmail");
    command.args(["--silent", "--nosyslog"]);
    Ok(command)
}

fn getmail(job: &Job<'_>) -> io::Result<Command> {
    let dir = job.home.display();
    let what = if job.keep {
        "delete = false\nread_all = false"
    } else {
        "delete = true"
    };
    // As root it delivers by commands only.
    let settings = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {}\n\
         username = {}\npassword = secret\nca_certs = {dir}/ca.pem\n\n\
         [destination]\ntype = MDA_external\npath = {}\nallow_root_commands = true\n\n\
         [options]\n{what}\n",
        job.tls_port,
        job.user,
        deliver(job.home)?
    );
    fs::create_dir_all(job.home.join(".config/getmail"))?;
    write(job.home, ".config/getmail/getmailrc", &settings)?;
    let getmail = prepared("getmail").map_err(io::Error::other)?;
    let mut command = Command::new(getmail.join("bin/getmail"));
    command.arg("--quiet");
    Ok(command)
}

/// A file that others cannot read.
fn write(home: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = home.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
}

/// A command that delivers a message from its standard input as a Maildir wants it. Where there is
/// a file `crash-at` with a number, it kills its process group, so many calls later and before the
/// message has its name.
fn deliver(home: &Path) -> io::Result<String> {
    let text = "#!/bin/sh\n\
        cd HOME || exit 1\n\
        name=$(mktemp -u XXXXXXXXXXXX)\n\
        cat > Mail/tmp/$name || exit 75\n\
        if [ -e crash-at ]; then\n\
        \x20   left=$(($(cat crash-at) - 1))\n\
        \x20   echo $left > crash-at\n\
        \x20   [ $left -gt 0 ] || kill -9 0\n\
        fi\n\
        mv Mail/tmp/$name Mail/new/$name || exit 75\n";
    let path = home.join("deliver");
    if !path.exists() {
        write(
            home,
            "deliver",
            &text.replace("HOME", &home.display().to_string()),
        )?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(path.display().to_string())
}
