//! A whole session, told in lines: the same for both faces, however the octets come.

use super::*;
use crate::support::{implicit_tls, sandbox, started};

/// What happens in [`told`], as it should be told.
const STORY: &str = r#"greeting "+OK ready <1896.697170952@dbc.mtview.ca.us>"
capa ["TOP", "UIDL"]
user "+OK"
pass refused "-ERR [AUTH] no"
user "+OK"
pass
stat 2 Some(320)
list [(1, Some(120)), (2, Some(200))] 0
list 2 Some(200)
uidl [(1, "a"), (2, "b")] 0
uidl 1 "a"
retr "+OK 120 octets" "Subject: x\r\n\r\n.\r\n..\r\nend\r\n"
retr refused "-ERR [SYS/TEMP] later"
top "+OK" "Subject: x\r\n\r\n"
dele "+OK marked"
noop "+OK"
rset "+OK"
languages ["en", "de"]
lang "+OK de"
custom ["1", "2"]
quit "+OK bye"
"#;

fn script() -> Script {
    Script::greeting("+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n")
        .on("CAPA", "+OK\r\nTOP\r\nUIDL\r\n.\r\n")
        .on("USER me", "+OK\r\n")
        .on("PASS wrong", "-ERR [AUTH] no\r\n")
        .on("PASS secret", "+OK\r\n")
        .on("STAT", "+OK 2 320\r\n")
        .on("LIST", "+OK\r\n1 120\r\n2 200\r\n.\r\n")
        .on("LIST 2", "+OK 2 200\r\n")
        .on("UIDL", "+OK\r\n1 a\r\n2 b\r\n.\r\n")
        .on("UIDL 1", "+OK 1 a\r\n")
        .on(
            "RETR 1",
            "+OK 120 octets\r\nSubject: x\r\n\r\n..\r\n...\r\nend\r\n.\r\n",
        )
        .on("RETR 2", "-ERR [SYS/TEMP] later\r\n")
        .on("TOP 1 0", "+OK\r\nSubject: x\r\n\r\n.\r\n")
        .on("DELE 1", "+OK marked\r\n")
        .on("NOOP", "+OK\r\n")
        .on("RSET", "+OK\r\n")
        .on("LANG", "+OK\r\nen English\r\nde Deutsch\r\n.\r\n")
        .on("LANG de", "+OK de\r\n")
        .on("XLST", "+OK\r\n1\r\n2\r\n.\r\n")
        .on("QUIT", "+OK bye\r\n")
}

fn refusal(error: &Error) -> String {
    format!("{:?}", error.protocol().unwrap().refusal().unwrap().reply)
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

function! {
    /// Runs every method, and tells what it came to.
    fn told(script: Script) -> String {
        let (mut client, _) = go!(scripted(script));
        let mut story = format!("greeting {:?}\n", client.greeting().unwrap().reply());
        let capabilities = go!(client.capa()).unwrap();
        let lines: Vec<_> = capabilities.lines().map(text).collect();
        story += &format!("capa {lines:?}\n");
        story += &format!("user {:?}\n", go!(client.user("me")).unwrap());
        let refused = go!(client.pass("wrong")).unwrap_err();
        story += &format!("pass refused {}\n", refusal(&refused.error));
        let mut client = refused.client.unwrap();
        story += &format!("user {:?}\n", go!(client.user("me")).unwrap());
        let mut session = go!(client.pass("secret")).unwrap();
        story += "pass\n";
        story += &go!(told_listings(&mut session));
        story += &go!(told_messages(&mut session));
        story += &format!("dele {:?}\n", go!(session.dele(1)).unwrap());
        story += &format!("noop {:?}\n", go!(session.noop()).unwrap());
        story += &format!("rset {:?}\n", go!(session.rset()).unwrap());
        let languages = go!(session.lang_list()).unwrap();
        let tags: Vec<_> = languages.iter().map(|language| &language.tag).collect();
        story += &format!("languages {tags:?}\n");
        story += &format!("lang {:?}\n", go!(session.lang("de")).unwrap());
        let answer = go!(session.custom_lines("XLST")).unwrap();
        let lines: Vec<_> = answer.lines.iter().map(|line| text(line)).collect();
        story += &format!("custom {lines:?}\n");
        story + &format!("quit {:?}\n", go!(session.quit()).unwrap())
    }
}

function! {
    fn told_listings(session: &mut Session) -> String {
        let maildrop = go!(session.stat()).unwrap();
        let mut story = format!("stat {} {:?}\n", maildrop.messages, maildrop.octets);
        let listing = go!(session.list()).unwrap();
        let scans: Vec<_> = listing
            .scans()
            .iter()
            .map(|scan| (scan.number(), scan.octets()))
            .collect();
        story += &format!("list {scans:?} {}\n", listing.unreadable());
        let scan = go!(session.list_one(2)).unwrap();
        story += &format!("list {} {:?}\n", scan.number(), scan.octets());
        let ids = go!(session.uidl()).unwrap();
        let listed: Vec<_> = ids.iter().map(|id| (id.number, text(id.uid))).collect();
        story += &format!("uidl {listed:?} {}\n", ids.unreadable());
        story + &format!("uidl 1 {:?}\n", text(&go!(session.uidl_one(1)).unwrap()))
    }
}

function! {
    fn told_messages(session: &mut Session) -> String {
        let body = go!(session.retr(1)).unwrap();
        let reply = body.reply().clone();
        let content = go!(body.collect()).unwrap();
        let mut story = format!("retr {reply:?} {:?}\n", text(&content));
        let error = go!(session.retr(2)).err().unwrap();
        story += &format!("retr refused {}\n", refusal(&error));
        let body = go!(session.top(1, 0)).unwrap();
        let reply = body.reply().clone();
        let content = go!(body.collect()).unwrap();
        story + &format!("top {reply:?} {:?}\n", text(&content))
    }
}

behaviour! { whole {
    assert_eq!(go!(told(script())), STORY);
}}

behaviour! { one_octet_at_each_read_and_write {
    assert_eq!(go!(told(script().one_octet_at_a_time())), STORY);
}}

behaviour! { q08_bare_line_feeds {
    assert_eq!(go!(told(script().bare_line_feeds())), STORY.replace("\\r", ""));
}}

behaviour! { q08_bare_line_feeds_can_be_asked_for {
    let (session, _) = go!(scripted_session(Script::new()));
    assert!(!session.connection().has_seen_bare_lf());
    let (session, _) = go!(scripted_session(Script::new().bare_line_feeds()));
    assert!(session.connection().has_seen_bare_lf());
}}

behaviour! { one_octet_at_each_write_of_a_network {
    let sandbox = started(sandbox().misbehave("one-byte-writes"));
    for config in [plaintext(&sandbox), implicit_tls(&sandbox)] {
        let client = go!(connected(&config));
        let mut session = go!(logged_in(client));
        assert_eq!(go!(session.list()).unwrap().scans().len(), 3);
        for number in 1..=3 {
            let body = go!(session.retr(number)).unwrap();
            let expected = crate::support::message(number as usize);
            assert_eq!(go!(body.collect()).unwrap(), expected);
        }
        go!(session.quit()).unwrap();
    }
}}
