//! Python's poplib as an independent client: commands, STLS and TLS with verification.

use std::process::Command;

use crate::common::{Client, MESSAGES, alice};

const SCRIPT: &str = r#"
import poplib, ssl, sys
plain, tls, ca = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cadata=ca)

def look_around(pop, login):
    login(pop)
    count, octets = pop.stat()
    assert count == 3, count
    listed = [line.split() for line in pop.list()[1]]
    assert sum(int(size) for _, size in listed) == octets
    for number, size in listed:
        lines = pop.retr(int(number))[1]
        assert sum(len(line) + 2 for line in lines) == int(size), (number, size, lines)
    assert len(pop.uidl()[1]) == 3 and pop.uidl(2).startswith(b"+OK 2 ")
    assert pop.top(2, 1)[1] == [b"Subject: two", b"", b".dot"]
    pop.dele(1)
    pop.rset()
    pop.noop()
    assert "PIPELINING" in pop.capa()
    pop.quit()

def user(pop):
    pop.user("alice")
    pop.pass_("secret")

look_around(poplib.POP3("localhost", plain), user)
look_around(poplib.POP3("localhost", plain), lambda pop: pop.apop("alice", "secret"))
look_around(poplib.POP3_SSL("localhost", tls, context=context), user)

pop = poplib.POP3("localhost", plain)
assert "STLS" in pop.capa()
pop.stls(context=context)
assert "STLS" not in pop.capa()
look_around(pop, user)

pop = poplib.POP3("localhost", plain)
assert pop.utf8().startswith(b"+OK")
look_around(pop, user)
"#;

#[test]
fn poplib_finds_nothing_wrong() {
    let sandbox = alice().start().unwrap();
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(sandbox.plain_addr().port().to_string())
        .arg(sandbox.tls_addr().port().to_string())
        .arg(sandbox.ca_pem())
        .output()
        .expect("python3 is needed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let sessions = sandbox.sessions();
    let of_number = |number: usize| &sessions[number - 1];
    assert_eq!(sessions.len(), 5);
    assert_eq!(of_number(1).user.as_deref(), Some("alice"));
    assert!(of_number(3).received_before_tls.is_empty());
    assert!(
        of_number(3)
            .received_under_tls
            .starts_with(b"USER alice\r\nPASS secret\r\n")
    );
    assert_eq!(
        of_number(4).received_before_tls,
        b"CAPA\r\nCAPA\r\nSTLS\r\n"
    );
    assert_eq!(of_number(4).tls.as_ref().unwrap().version, "TLSv1.3");
    assert!(of_number(1).tls.is_none());
    assert_eq!(
        sandbox
            .retrievals("alice")
            .unwrap()
            .values()
            .copied()
            .collect::<Vec<_>>(),
        [5; 3]
    );
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert_eq!(client.body("LIST").lines().count(), MESSAGES.len());
}
