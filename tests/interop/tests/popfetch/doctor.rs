//! What `popfetch doctor` says of a healthy server. What it finds elsewhere stands in `every.rs`.

use interop::Mailbox;

use crate::support::{Home, dovecot, pop, pops};

#[test]
fn dovecot_is_healthy_by_tls_and_by_stls() {
    let server = dovecot(&Mailbox::ordinary(5));
    for url in [pops(&server), pop(&server)] {
        let run = Home::trusting(&server).doctor(&url, &[]);
        assert!(
            run.findings().is_empty(),
            "{}\n{}",
            run.text(),
            server.log()
        );
        run.ok(&server);
    }
    assert_eq!(server.maildir("alice").files().unwrap().len(), 5);
}
