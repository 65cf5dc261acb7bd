//! What comes of `popfetch` with each server, much of which stands in `docs/interop.md`.

use interop::{Mailbox, Product, RawClient, Server, User, compare, page, with_each_product};

use crate::support::{Home, safest};

macro_rules! product {
    ($body:ident $name:ident $product:ident) => {
        #[test]
        fn $name() {
            super::$body(interop::Product::$product);
        }
    };
}

fn start(product: Product, mailbox: &Mailbox) -> Server {
    let alice = User::new("alice", "secret").with(mailbox);
    product.start(vec![alice]).unwrap()
}

/// How many messages are there, once the session before has ended.
fn left(server: &Server) -> usize {
    let mut client = RawClient::login(server.plain_port(), "alice", "secret").unwrap();
    let left = client.count().unwrap();
    client.quit().unwrap();
    left
}

/// Where there is TLS it is demanded all the same.
const TRUST: [&str; 3] = ["--ca-file", "ca.pem", "--allow-plaintext"];

with_each_product! { product each_auth_logs_in_where_the_library_does }

fn each_auth_logs_in_where_the_library_does(product: Product) {
    let server = start(product, &Mailbox::ordinary(1));
    let url = safest(&server);
    let log_in = |password: &str, auth: &str| {
        let home = Home::trusting(&server);
        let run = home.run(&url, password, &[&TRUST[..], &["--auth", auth]].concat());
        assert_eq!(left(&server), 1);
        run
    };
    // The -PLUS forms are doctor's to try: Cyrus takes its time over each.
    for method in [
        "SCRAM-SHA-512",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1",
        "CRAM-MD5",
        "DIGEST-MD5",
        "APOP",
        "PLAIN",
        "LOGIN",
        "USER",
    ] {
        let run = log_in("secret", &method.to_lowercase());
        if run.status() == 0 {
            page::assert_says(method, product, "yes");
        } else {
            run.failed(&[76, 77], &["could not log in to localhost as alice"]);
            assert_ne!(page::says(method, product), "yes", "{}", run.text());
        }
    }
    log_in("secret", "auto").ok(&server);
    log_in("wrong", "auto").failed(&[77], &["hint: check the user name and the password"]);
}

with_each_product! { product q32_what_breaks_mail_clients_arrives_once }

fn q32_what_breaks_mail_clients_arrives_once(product: Product) {
    let oddities = Mailbox::oddities().map(|(_, message)| message);
    let stored = oddities.chain([Mailbox::large()]);
    let server = start(
        product,
        &Mailbox::of(stored.filter(|stored| product.takes(stored))),
    );
    let sent = RawClient::maildrop(server.plain_port(), "alice", "secret").unwrap();
    let sendable: Vec<_> = sent
        .iter()
        .flatten()
        .map(|sent| compare::in_a_maildir(sent))
        .collect();
    // mpopd ends lines at a NUL and counts other octets than it sends (Q47): what comes so stays
    // there.
    let held_back = if product == Product::Mpopd { 4 } else { 0 };
    let is_sound = sendable.len() == sent.len() && held_back == 0;
    let status = if is_sound { 0 } else { 75 };

    let home = Home::trusting(&server);
    for (keep, stored) in [("forever", sendable.len()), ("forever", 0), ("none", 0)] {
        let run = home.run(
            &safest(&server),
            "secret",
            &[&TRUST[..], &["--keep", keep]].concat(),
        );
        assert_eq!(run.status(), status, "{}\n{}", run.text(), server.log());
        let stores = run.text().contains(&format!("stored {stored} messages"));
        assert_eq!(stores, stored > 0, "{}", run.text());
        compare::assert_same_messages(sendable.clone(), home.maildir().messages().unwrap());
        let kept = if keep == "none" {
            held_back
        } else {
            sendable.len()
        };
        assert_eq!(left(&server), sent.len() - sendable.len() + kept);
    }
    let fetched = format!("{} of {}", sendable.len(), sent.len());
    page::assert_says("fetches, once", product, &fetched);
    let left = sent.len() - sendable.len() + held_back;
    page::assert_says("leaves with --keep none", product, &left.to_string());
}

with_each_product! { product doctor_finds_what_it_should }

fn doctor_finds_what_it_should(product: Product) {
    let server = start(product, &Mailbox::ordinary(5));
    let run = Home::trusting(&server).doctor(&safest(&server), &["--allow-plaintext"]);
    let found = run.findings();
    assert_eq!(found, expected(product), "{}\n{}", run.text(), server.log());
    let mut numbers: Vec<&str> = found.iter().filter_map(|finding| number(finding)).collect();
    numbers.dedup();
    let numbers = if found.is_empty() {
        "nothing".to_owned()
    } else {
        numbers.join(", ")
    };
    page::assert_says("doctor finds", product, &numbers);
    assert_eq!(left(&server), 5);
}

/// Q13 in `note Q13 LIST does not …`.
fn number(finding: &str) -> Option<&str> {
    let word = finding.split(' ').nth(1)?;
    let digits = word.strip_prefix(['P', 'Q'])?;
    digits.parse::<u32>().is_ok().then_some(word)
}

/// The first line of each finding.
fn expected(product: Product) -> &'static [&'static str] {
    match product {
        Product::Dovecot => &[],
        // It knows tls-unique alone (P17); after two refusals SCRAM-SHA-512-PLUS is not tried.
        Product::Cyrus => &[
            "note Q19 SCRAM-SHA-256-PLUS is offered and is refused",
            "note Q19 SCRAM-SHA-1-PLUS is offered and is refused",
        ],
        Product::Courier => &["note P10 LOGIN-DELAY 10: seconds that must lie between two logins"],
        Product::Mailutils => &[
            "note Q6 login changes the capabilities: +IMPLEMENTATION",
            "note Q13 LIST does not tell the octets that RETR gives: 410 for 486 of message 4",
            "note Q23 TOP with 5 lines does not show what RETR shows: it is another header, or \
             another message",
        ],
        Product::Popa3d => &[
            "note Q4 the greeting has no text",
            "note Q5 CAPA is refused",
            "care there is no TLS: everybody on the way can read password and mail",
            "note Q6 CAPA is refused after login",
            "note the server tells with LAST how far was read",
        ],
        Product::Mpopd => &[
            "care there is no TLS: everybody on the way can read password and mail",
            "note Q13 LIST does not tell the octets that RETR gives: 400 for 413 of message 1",
            "note there is no TOP: TOP was refused: the server said \"command not understood\"",
        ],
        Product::Twisted => &[
            "note Q19 APOP is offered and is refused",
            "note Q13 LIST does not tell the octets that RETR gives: 400 for 413 of message 1",
            "note the server tells with LAST how far was read",
        ],
        Product::Nginx => &[
            "note it does not speak TLS 1.3",
            "note Q6 login changes the capabilities: +CAPA, +RESP-CODES, +PIPELINING, \
             +AUTH-RESP-CODE",
        ],
        Product::Perdition => &[
            "note Q6 login changes the capabilities: +CAPA, +TOP, +RESP-CODES, +PIPELINING, \
             +AUTH-RESP-CODE",
        ],
    }
}
