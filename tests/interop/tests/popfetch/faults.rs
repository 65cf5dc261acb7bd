//! What must be there exactly once, whatever happened in between.

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use interop::Mailbox;

use crate::support::{Home, dovecot, pops};

#[test]
fn killed_in_the_middle_and_run_again_each_message_is_there_once() {
    let mailbox = Mailbox::mixed(11, 400);
    let server = dovecot(&mailbox);
    let home = Home::trusting(&server);
    let options = ["--ca-file", "ca.pem", "--keep", "none"];
    // At the first file in tmp/, and then when something is in new/.
    for part in ["tmp", "new"] {
        let mut child = home
            .command(&pops(&server), "secret", &options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let dir = home.maildir().path().join(part);
        let deadline = Instant::now() + Duration::from_secs(60);
        while fs::read_dir(&dir).map_or(0, Iterator::count) == 0 {
            assert!(Instant::now() < deadline, "nothing in {part}/");
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    home.sync(&pops(&server), &["--keep", "none"]).ok(&server);
    home.assert_holds(&mailbox);
    assert_eq!(server.maildir("alice").files().unwrap().len(), 0);
}

#[test]
fn q11_a_message_that_dovecot_does_not_stuff_harms_no_other() {
    let unfetchable = b".\nThis line looks like the server's next answer.\n".to_vec();
    let good: Vec<Vec<u8>> = Mailbox::ordinary(4).messages().collect();
    let [first, second, third, fourth] = [0, 1, 2, 3].map(|index| good[index].clone());
    let server = dovecot(&Mailbox::of([first, second, unfetchable, third, fourth]));
    let home = Home::trusting(&server);
    // The session breaks behind the message; the runs after it get the rest.
    for _ in 0..3 {
        home.sync(&pops(&server), &["--keep", "none"]);
    }
    home.assert_holds(&Mailbox::of(good));
    assert_eq!(
        server.maildir("alice").files().unwrap().len(),
        1,
        "the message is lost"
    );
}
