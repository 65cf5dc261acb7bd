//! Users of other programs change over: the real program fetches, `import` reads what it has, and
//! `sync` fetches what came after.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::{Command, Stdio},
};

use interop::{Mailbox, Maildir, Server, compare, prepared};

use crate::support::{Home, dovecot};

const BEFORE: usize = 20;
const LATE: &[u8] = b"Subject: late\r\n\r\nthis came after\r\n";

/// Runs a program in its user's home, to its end.
fn run(home: &Home, program: &Path, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("LANG", "C.UTF-8")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {output:?}", program.display());
}

/// A file of the user's that nobody else can read.
fn write(home: &Home, name: &str, text: &str) {
    let path = home.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Puts one more message into the maildrop.
fn deliver(server: &Server) {
    let new = server.maildir("alice").path().join("new");
    let owner = fs::metadata(&new).unwrap();
    let file = new.join("9999999999.late.localhost");
    fs::write(&file, LATE).unwrap();
    chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
}

/// Imports what `program` has, and asserts that only the late message is fetched.
fn takes_over(server: &Server, home: &Home, program: &str) {
    deliver(server);
    let popfetch = Path::new(env!("CARGO_BIN_EXE_popfetch-under-test"));
    let config = ".config/popfetch/config.toml";
    run(home, popfetch, &["import", program, "--out", config]);
    run(home, popfetch, &["config", "check"]);
    for _ in 0..2 {
        run(home, popfetch, &["sync", "--maildir", "Taken"]);
        let taken = Maildir::at(home.path().join("Taken")).messages().unwrap();
        compare::assert_same_messages(vec![compare::in_a_maildir(LATE)], taken);
    }
    let left = server.maildir("alice").files().unwrap();
    assert_eq!(left.len(), BEFORE + 1);
}

#[test]
fn a_user_of_mpop_changes_over() {
    let server = dovecot(&Mailbox::ordinary(BEFORE));
    let home = Home::trusting(&server);
    let dir = home.path().display();
    let mpoprc = format!(
        "defaults\ntls on\ntls_trust_file {dir}/ca.pem\nkeep on\nreceived_header off\n\n\
         account alice\nhost localhost\nport {}\ntls_starttls off\nuser alice\n\
         password \"secret\"\ndelivery maildir {dir}/Old\n",
        server.tls_port()
    );
    write(&home, ".mpoprc", &mpoprc);
    for part in ["new", "cur", "tmp"] {
        fs::create_dir_all(home.path().join("Old").join(part)).unwrap();
    }
    run(&home, Path::new("/usr/bin/mpop"), &["-q", "alice"]);
    let old = Maildir::at(home.path().join("Old")).files().unwrap();
    assert_eq!(old.len(), BEFORE);
    takes_over(&server, &home, "mpop");
}

#[test]
fn a_user_of_getmail_changes_over() {
    let server = dovecot(&Mailbox::ordinary(BEFORE));
    let home = Home::trusting(&server);
    let dir = home.path().display();
    // As root it delivers by commands only.
    let getmailrc = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {}\n\
         username = alice\npassword = secret\nca_certs = {dir}/ca.pem\n\n\
         [destination]\ntype = MDA_external\npath = /usr/bin/tee\narguments = (\"-a\", \"{dir}/old\")\n\
         allow_root_commands = true\n\n[options]\nread_all = false\ndelete = false\n",
        server.tls_port()
    );
    write(&home, ".config/getmail/getmailrc", &getmailrc);
    let getmail = prepared("getmail").unwrap().join("bin/getmail");
    run(&home, &getmail, &["--quiet"]);
    assert!(!fs::read(home.path().join("old")).unwrap().is_empty());
    takes_over(&server, &home, "getmail");
}

#[test]
fn a_user_of_fetchmail_changes_over() {
    let server = dovecot(&Mailbox::ordinary(BEFORE));
    let home = Home::trusting(&server);
    let dir = home.path().display();
    let fetchmailrc = format!(
        "set invisible\npoll localhost protocol POP3 port {} uidl\n\
         user \"alice\" there with password \"secret\" is \"root\" here\n\
         keep ssl sslcertfile {dir}/ca.pem mda \"cat >> {dir}/old\"\n",
        server.tls_port()
    );
    write(&home, ".fetchmailrc", &fetchmailrc);
    run(
        &home,
        Path::new("/usr/bin/fetchmail"),
        &["--silent", "--nosyslog"],
    );
    assert!(!fs::read(home.path().join("old")).unwrap().is_empty());
    takes_over(&server, &home, "fetchmail");
}
