use proptest::prelude::*;
use toml::Value;

use super::*;

const HOME: &str = "/home-of-me";

const MPOPRC: &str = r#"
# everybody
defaults
tls on
tls_trust_file /etc/ssl/certs/ca-certificates.crt
delivery maildir ~/Mail

account private
host pop.example.org
user me@example.org
tls_starttls off
passwordeval "pass show mail/private"
keep on
skipsize 10m
filter ~/bin/judge --strict

account work : private
host pop.example.com
user me
tls_starttls on
port 110
keep off
auth scram-sha-256
delivery mda "/usr/bin/procmail -f '%F' -d $USER"
tls_fingerprint 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20
killsize 100m
uidls_file ~/.uidls

account old
host 2001:db8::1
tls off
user me
password "correct horse"
auth gssapi
timeout 60
pipelining off
"#;

const FETCHMAILRC: &str = r#"
# Configuration created by fetchmailconf
set postmaster "me"
set daemon 300
set idfile "~/.ids"
defaults protocol pop3, timeout 90

poll pop.example.org with proto POP3 and port 995
    user 'me@example.org' there with password "a \"quoted\" one" is me here options keep ssl
    user "you" there is you here, ssl, fetchall, mda "/usr/bin/procmail -d %T"

poll imap.example.org protocol IMAP user "me"
poll many.example.org aka a.example.net b.example.net no rewrite
    user "all" is me you here and keep
poll tunnel via localhost proto pop3 port 1110 uidl
    user me pass x sslproto '' limit 100000 fetchlimit 50 smtphost lmtp.example.org
    mda '/usr/bin/maildrop'
    no sslcertck
    preconnect "ssh -f host"
"#;

const GETMAILRC: &str = r#"
[retriever]
type = SimplePOP3SSLRetriever
server = pop.example.org
username = me@example.org
password_command = ("/usr/bin/pass", "show",
    "mail/my private")
ca_certs = /etc/ssl/certs/ca-certificates.crt

[destination]
type = Maildir
path = ~/Maildir/

[filter-1]
type = Filter_external
path = /usr/bin/spamc

; what happens to them
[options]
read_all = false
delete_after = 14
max_message_size = 2097152
max_messages_per_session = 0
received = true
message_log = ~/getmail.log
"#;

fn home() -> &'static Path {
    Path::new(HOME)
}

/// The configuration that these become, and where their unique-ids are.
fn shown(mut found: Vec<Found>) -> String {
    found::tell_apart(&mut found);
    let mut memories = String::new();
    for found in &mut found {
        found.drop_what_is_wrong();
        memories += &format!("{}: {:?}\n", maildrop(found).unwrap(), found.memory);
    }
    write::text(&found, Path::new("~/rc"), true) + "\n# " + memories.trim_end()
}

#[test]
fn an_mpoprc() {
    insta::assert_snapshot!(shown(mpop::read(MPOPRC, home())));
}

#[test]
fn a_fetchmailrc() {
    insta::assert_snapshot!(shown(fetchmail::read(FETCHMAILRC, home())));
}

#[test]
fn a_getmailrc() {
    let path = Path::new("/etc/getmail/getmailrc-private");
    insta::assert_snapshot!(shown(getmail::read(GETMAILRC, path, home())));
}

#[test]
fn what_was_written_can_be_read() {
    let found = [
        mpop::read(MPOPRC, home()),
        fetchmail::read(FETCHMAILRC, home()),
        getmail::read(GETMAILRC, Path::new("getmailrc"), home()),
    ];
    for mut found in found {
        found::tell_apart(&mut found);
        found.iter_mut().for_each(Found::drop_what_is_wrong);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        let options = cli::Import {
            program: Program::Mpop,
            file: None,
            out: Some(path.clone()),
            force: false,
            fetch_again: false,
            files: cli::Files {
                config: Some(path),
                state: None,
            },
        };
        Prepared::new(&found, Path::new("rc"), &options)
            .and_then(Prepared::publish)
            .unwrap();
        let wrong = config::read(&options.files).err();
        assert!(wrong.is_none(), "{wrong:?}");
    }
}

#[test]
fn braces_in_a_name_stay_what_they_are() {
    let mut found = Found::new("a");
    found.set("maildir", "/m/{user}");
    found.set("exec", "awk '{print}'");
    let text = write::text(&[found], Path::new("rc"), false);
    assert!(text.contains("maildir = \"/m/{{user}}\""), "{text}");
    assert!(text.contains("{print}"), "{text}");
}

#[test]
fn accounts_of_one_name_are_told_apart() {
    let text = "account a/b\nhost h\naccount a_b\nhost h\naccount a_b-2\nhost h\n";
    let mut found = mpop::read(text, home());
    found::tell_apart(&mut found);
    let names: Vec<&str> = found.iter().map(|found| &*found.name).collect();
    assert_eq!(names, ["a_b", "a_b-2", "a_b-2-2"]);
}

#[test]
fn whatever_a_note_or_a_file_name_holds_is_a_comment() {
    let mut found = Found::new("a");
    found.note("one\nexec = 'x'\r\0\x1b\x7f");
    let text = write::text(&[found], Path::new("a\nexec = 'x'"), false);
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["account"]["a"], Value::Table(toml::Table::new()));
    assert_eq!(table.len(), 1);
}

#[test]
fn a13_passwords_are_not_printed() {
    let found = mpop::read(MPOPRC, home());
    assert!(!write::text(&found, Path::new("rc"), false).contains("correct horse"));
    assert!(!format!("{found:?}").contains("correct horse"));
}

#[test]
fn unique_ids_are_those_of_the_account() {
    let of = |owner: &found::Owner, text: &str| -> Vec<String> {
        let unique_ids = owner.unique_ids(text.as_bytes()).into_iter();
        unique_ids
            .map(|id| String::from_utf8(id).unwrap())
            .collect()
    };
    let (host, user) = ("h".to_owned(), "me".to_owned());
    let mpop = found::Owner::Mpop {
        host,
        user: user.clone(),
    };
    let text = "# mpop\n#\n 2 h me\na b\nc\n 1 h you\nd\n 1 g me\ne\n 1 h me\nf";
    assert_eq!(of(&mpop, text), ["a b", "c", "f"]);
    let server = "h".to_owned();
    let fetchmail = found::Owner::Fetchmail { server, user };
    assert_eq!(
        of(&fetchmail, "me@h a\nme@hh b\nyou@h c\nme@h d e\n"),
        ["a", "d e"]
    );
    assert_eq!(
        of(&found::Owner::Getmail, "a\x00123\nb\x00456\r\n\n"),
        ["a", "b"]
    );
}

proptest! {
    /// Words that mean something, in an order that means nothing.
    #[test]
    fn whatever_is_in_the_file(
        words in "([a-z_]{1,9}|account|defaults|host|user|poll|set|idfile|\\[retriever\\]|type|POP3|=|:|\"|'|\\\\|#|,| |\n|\t|é|~/|%)*",
        octets: Vec<u8>,
    ) {
        for text in [&*words, &*String::from_utf8_lossy(&octets)] {
            let found = [
                mpop::read(text, home()),
                fetchmail::read(text, home()),
                getmail::read(text, Path::new(text), home()),
            ];
            for mut found in found.into_iter().flatten() {
                found.drop_what_is_wrong();
                let written = write::text(&[found], Path::new("rc"), true);
                prop_assert!(written.parse::<toml::Table>().is_ok(), "{written}");
            }
        }
        for of in [
            found::Owner::Getmail,
            found::Owner::Mpop { host: "h".into(), user: "me".into() },
            found::Owner::Fetchmail { server: "h".into(), user: "me".into() },
        ] {
            let _ = of.unique_ids(&octets);
        }
    }
}
