use std::fs;
use std::os::unix::fs::PermissionsExt;

use clap::Parser;
use serde::Deserialize;
use tempfile::TempDir;

use super::*;
use crate::cli::{Cli, Command};
use crate::deliver::Destination;
use crate::jobs::Limits;
use crate::plan::Keep;

/// Configuration files in a directory of their own.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The accounts that `popfetch sync` with these arguments works on.
    fn sync(&self, arguments: &[&str]) -> Result<Vec<Account>, Failure> {
        let config = self.path("config.toml");
        let given = ["popfetch", "sync", "--config", config.to_str().unwrap()];
        let cli = Cli::try_parse_from(given.iter().chain(arguments)).unwrap();
        let Command::Sync(sync) = cli.command else {
            unreachable!();
        };
        read(&sync.files)?.accounts(&sync.settings, &sync.accounts)
    }

    fn account(&self, arguments: &[&str]) -> Account {
        self.sync(arguments).unwrap().remove(0)
    }

    /// Everything that is wrong, without the directory's name.
    fn wrong(&self) -> String {
        let (_, failures) = read::read(&self.path("config.toml"));
        self.anonymous(&failures)
    }

    fn anonymous(&self, failures: &[Failure]) -> String {
        let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
        let directory = format!("{}/", self.0.path().display());
        texts.join("\n\n").replace(&directory, "")
    }
}

fn one(text: &str) -> Files {
    Files::new(&[("config.toml", text)])
}

const WORK_AND_HOME: &str = r#"
[defaults]
keep = "14d"
maildir = "mail/{account}"

[account.work]
server = "pops://me@pop.example.com"
keep = "none"

[account.home]
server = "pops://you@pop.example.org"
mbox = "~/home.mbox"
maildir = ["a", "b/{user}"]
"#;

#[test]
fn an_account_stands_above_the_defaults_and_the_command_line_above_both() {
    let files = one(WORK_AND_HOME);
    let accounts = files.sync(&[]).unwrap();
    let names: Vec<&str> = accounts
        .iter()
        .map(|account| account.name.as_str())
        .collect();
    assert_eq!(names, ["work", "home"]);
    assert_eq!(accounts[0].policy.keep, Keep::None);
    assert_eq!(accounts[0].maildrop, "me@pop.example.com");
    assert_eq!(accounts[1].policy.keep, "14d".parse().unwrap());

    let given = files.sync(&["home", "--keep", "forever"]).unwrap();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].name, "home");
    assert_eq!(given[0].policy.keep, Keep::Forever);
    assert_eq!(files.sync(&["home", "work", "home"]).unwrap().len(), 2);
}

fn maildir(path: PathBuf) -> Vec<Destination> {
    vec![Destination::Maildir(path)]
}

#[test]
fn relative_paths_are_relative_to_their_file() {
    let files = one(WORK_AND_HOME);
    let accounts = files.sync(&[]).unwrap();
    assert_eq!(
        accounts[0].destinations.all,
        maildir(files.path("mail/work"))
    );
    assert_eq!(accounts[1].destinations.all[..1], maildir(files.path("a")));
    let here = files.account(&["work", "--maildir", "x/{user}"]);
    assert_eq!(here.destinations.all, maildir("x/me".into()));
}

#[test]
fn the_path_of_a_socket_is_a_path_like_any_other() {
    let files = one(r#"
        [account.work]
        server = "pops://me@host"
        lmtp = ["run/{account}", "/run/lmtp", "host:24", "lmtps://host"]
        smtp = "~/smtp"
    "#);
    let shown = |account: &Account| {
        let servers = account
            .destinations
            .all
            .iter()
            .map(|destination| match destination {
                Destination::MailServer(_, address) => address.to_string(),
                other => panic!("{other:?}"),
            });
        servers.collect::<Vec<_>>()
    };
    let home = std::env::home_dir().unwrap().join("smtp");
    assert_eq!(
        shown(&files.account(&[])),
        [
            files.path("run/work").to_str().unwrap(),
            "/run/lmtp",
            "host:24",
            "host:24",
            home.to_str().unwrap(),
        ]
    );
    let here = files.account(&["work", "--lmtp", "./{user}"]);
    assert_eq!(shown(&here), ["./me"]);
}

#[test]
fn who_names_a_target_or_a_password_wants_no_other() {
    let files = one(r#"
        [defaults]
        maildir = "all"
        password_file = "secret"
        pin = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
        [account.a]
        server = "pops://me@host"
        mbox = "a.mbox"
        password_env = "SECRET"
    "#);
    let configuration = Configuration::of(&files);
    let table = configuration.layers(&configuration.accounts[0], &given(&[]));
    assert_eq!(names(&table), ["mbox", "password_env", "pin", "server"]);
    let table = configuration.layers(
        &configuration.accounts[0],
        &given(&["--lmtp", "x", "--ca-file", "y", "--password-command", "z"]),
    );
    assert_eq!(names(&table), ["server"]);
}

/// The keys in a table, in their order.
fn names(table: &Table) -> Vec<&'static str> {
    let mut names: Vec<_> = (keys::all().iter())
        .map(|key| key.name)
        .filter(|key| table.get(key).is_some())
        .collect();
    names.sort_unstable();
    names
}

impl Configuration {
    fn of(files: &Files) -> Self {
        let (configuration, failures) = read::read(&files.path("config.toml"));
        assert_eq!(files.anonymous(&failures), "");
        configuration
    }
}

fn given(options: &[&str]) -> Given {
    let cli = Cli::try_parse_from(["popfetch", "sync"].iter().chain(options)).unwrap();
    match cli.command {
        Command::Sync(sync) => sync.settings,
        _ => unreachable!(),
    }
}

#[test]
fn the_state_is_where_the_command_line_or_the_file_says() {
    let files = one("state = \"sub/state.db\"\n");
    let config = Some(files.path("config.toml"));
    let state = |state: Option<PathBuf>| {
        let options = cli::Files {
            config: config.clone(),
            state,
        };
        read(&options).unwrap().state(&options).unwrap()
    };
    assert_eq!(state(None), files.path("sub/state.db"));
    assert_eq!(state(Some("here".into())), PathBuf::from("here"));
}

#[test]
fn how_much_happens_at_once_is_as_the_command_line_or_the_file_says() {
    let files = one("jobs = 16\n");
    let configuration = Configuration::of(&files);
    let numbers = |given: Limits| {
        let (jobs, per_host) = configuration.limits(given).numbers();
        (jobs.get(), per_host.get())
    };
    assert_eq!(numbers(Limits::default()), (16, 4));
    let given = Limits {
        jobs: Some("2".parse().unwrap()),
        per_host: None,
    };
    assert_eq!(numbers(given), (2, 4));
}

#[test]
fn included_files_describe_accounts() {
    let account = |name: &str| {
        format!("[account.{name}]\nserver = \"pops://{name}@host\"\nmaildir = \"m\"\n")
    };
    let files = Files::new(&[
        (
            "config.toml",
            "include = [\"conf.d/*.toml\", \"more.toml\"]\n",
        ),
        ("conf.d/b.toml", &account("b")),
        ("conf.d/a.toml", &account("a")),
        ("conf.d/.hidden.toml", "nonsense"),
        ("conf.d/notes.txt", "nonsense"),
        ("more.toml", &account("c")),
    ]);
    let accounts = files.sync(&[]).unwrap();
    let places: Vec<_> = accounts
        .iter()
        .map(|account| &account.destinations.all)
        .collect();
    let (conf, more) = (maildir(files.path("conf.d/m")), maildir(files.path("m")));
    assert_eq!(places, [&conf, &conf, &more]);
}

#[test]
fn everything_that_is_wrong_is_shown_where_it_is() {
    let files = Files::new(&[
        (
            "config.toml",
            r#"include = ["conf.d/*.toml", "missing.toml"]
jbos = 3
jobs = 0
per_host = "many"
keep = "14d"
state = 5

[defaults]
skipover = "50MB"
skip-over = "50MB"
	keep = "14"
timeout = [ 5 ]
allow_plaintext = "yes"
mode = 640

[account."../etc"]
server = "x"

[account.work]
password_file = "a"
password_command = "b"
maildir = 7
"#,
        ),
        (
            "conf.d/a.toml",
            "[defaults]\n[account.work]\n[accounts.x]\n",
        ),
    ]);
    insta::assert_snapshot!(files.wrong());
}

#[test]
fn what_is_no_toml_is_shown_where_it_is() {
    for (name, text) in [
        (
            "a-quote-lacks",
            "[account.a]\nserver = \"pops://me@host\nkeep = \"none\"\n",
        ),
        (
            "a-key-is-there-twice",
            "[defaults]\nkeep = \"none\"\nkeep = \"forever\"\n",
        ),
        ("no-quotes", "[defaults]\nkeep = forever\n"),
        ("not-utf-8-but-octets", "\u{feff}[defaults\n"),
        ("it-ends-early", "[account.a"),
    ] {
        insta::assert_snapshot!(name, one(text).wrong());
    }
}

#[test]
fn a13_no_error_shows_a_password() {
    for text in [
        "[account.a]\npassword = hunter2\n",
        "[account.a]\npassword = \"hunter2\n",
        "[account.a]\npassword = \"hunter2\\q\"\n",
        "[account.a]\npassword = \"hunter2\"\npassword = \"hunter2\"\n",
        "[account.a]\npasswrod = \"hunter2\"\n",
        "[account.a]\npasswd = hunter2\n",
        "[account.a]\npassword = ['hunter2']\n",
        "[account.a]\npassword = '''\nhunter2'''x\n",
        "[account.a]\npassword = '''\nhunter2'' '\n",
        "[account.a]\npassword = '''\nhunter2=\n",
        "[account.a]\npassword = '''\nserver = hunter2\n",
        "[account.a]\nproxy = 'socks5://me:hunter2@host\n",
        "[account.a]\npassword = { hunter2 = 1 }\n",
        "password = 'hunter2'\n",
        "[account.a]\ntarget_password = hunter2\n",
        "[account.a]\ntarget_password = ['hunter2']\n",
    ] {
        let wrong = one(text).wrong();
        assert!(!wrong.is_empty(), "{text}");
        assert!(!wrong.contains("hunter2"), "{wrong}");
    }
    // Digits without quotes are a number, and the parser would tell which.
    for key in ["password", "target_password"] {
        let wrong = one(&format!("[account.a]\n{key} = 271828\n")).wrong();
        assert!(
            wrong.contains("it must be a string") && !wrong.contains("271828"),
            "{wrong}"
        );
    }
}

#[test]
fn a15_a_password_in_a_file_that_others_can_read_is_refused() {
    for key in ["password", "target_password"] {
        let files = one(&format!("[account.a]\n{key} = \"hunter2\"\n"));
        for (mode, is_refused) in [(0o600, false), (0o400, false), (0o640, true), (0o644, true)] {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(files.path("config.toml"), permissions).unwrap();
            let wrong = files.wrong();
            assert_eq!(wrong.contains("hint: chmod 600"), is_refused, "{wrong}");
            assert!(!wrong.contains("hunter2"), "{wrong}");
        }
    }
}

#[test]
fn a15_a_file_that_everybody_can_change_is_refused() {
    let files = one("[defaults]\nkeep = \"none\"\n");
    for (mode, is_refused) in [(0o644, false), (0o664, false), (0o666, true), (0o602, true)] {
        fs::set_permissions(files.path("config.toml"), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(!files.wrong().is_empty(), is_refused, "{mode:o}");
    }
}

#[test]
fn an_account_must_be_there_and_whole() {
    let twins = "[account.a]\nserver = 'pops://me@Host'\nmaildir = 'a'\n\
        [account.b]\nserver = 'pop://me@host'\nmaildir = 'b'\n";
    for (name, text, arguments) in [
        ("no-such-account", WORK_AND_HOME, &["workk"][..]),
        ("nothing-like-it", WORK_AND_HOME, &["private"]),
        (
            "server-and-account",
            WORK_AND_HOME,
            &["work", "--server", "pops://me@host"],
        ),
        ("no-accounts", "", &[]),
        ("no-server-in-it", "[account.a]\n", &[]),
        (
            "no-user-in-it",
            "[account.a]\nserver = \"pops://host\"\n",
            &[],
        ),
        (
            "no-target-in-it",
            "[account.a]\nserver = \"pops://me@host\"\n",
            &[],
        ),
        ("one-maildrop-twice", twins, &[]),
        ("more-than-one-thing", "a = 1\nb = 2\nc = 3\n", &[]),
    ] {
        let files = one(text);
        let failure = files.sync(arguments).unwrap_err();
        insta::assert_snapshot!(name, files.anonymous(&[failure]));
    }
}

#[test]
fn every_key_is_an_option_or_known_to_be_none() {
    // Serde's own list is in its complaint about a key that it does not have.
    let table = toml::Table::from_iter([("no such key".to_owned(), true.into())]);
    let complaint = Settings::deserialize(table).unwrap_err();
    let mut fields: Vec<&str> = complaint.message().split('`').skip(3).step_by(2).collect();
    let mut keys: Vec<&str> = keys::all().iter().map(|key| key.name).collect();
    fields.sort_unstable();
    keys.sort_unstable();
    assert_eq!(fields, keys);
}

#[test]
fn every_path_is_expanded() {
    let mut settings = Settings {
        password_file: Some("x".into()),
        ca_file: Some("x".into()),
        netrc: Some("x".into()),
        target_password_file: Some("x".into()),
        target_netrc: Some("x".into()),
        target_ca_file: Some("x".into()),
        maildir: vec!["x".into()],
        mbox: vec!["x".into()],
        ..Default::default()
    };
    let paths = keys::all().iter().filter(|key| key.is_path).count();
    assert_eq!(settings.paths_mut().count(), paths);
}

#[test]
fn the_example_in_the_readme_describes_accounts() {
    let readme = include_str!("../../../../README.md");
    let example = readme.split("```toml\n").nth(1).unwrap();
    let files = one(example.split("```").next().unwrap());
    let accounts = files.sync(&[]).unwrap();
    let names: Vec<&str> = accounts.iter().map(|account| &*account.name).collect();
    assert_eq!(names, ["private", "work"]);
    assert_eq!(accounts[0].policy.keep, Keep::Forever);
    assert_eq!(accounts[1].policy.keep, "14d".parse().unwrap());
}

#[test]
fn the_example_has_every_key() {
    let text = example::text();
    let files = one(&text);
    assert_eq!(files.wrong(), "");
    let uncommented: String = (text.lines())
        .filter_map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")))
        .map(|line| format!("{line}\n"))
        .collect();
    for key in keys::all() {
        assert!(
            uncommented.contains(&format!("{} = ", key.name)),
            "{}",
            key.name
        );
    }
    let table: toml::Table = uncommented.parse().unwrap();
    assert_eq!(table.len(), keys::all().len() + 1 + Program::KEYS.len());
}
