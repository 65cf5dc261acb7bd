//! What must be there exactly once, whatever happened in between.

use std::{
    env, fs, iter,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use interop::{Dovecot, Mailbox, Random, Server, User};

use crate::support::{Home, dovecot, pops};

/// `all` for campaigns of their full length.
const WHOLE: &str = "POPFETCH_CRASHES";

fn start(home: &Home, url: &str) -> Child {
    let options = ["--ca-file", "ca.pem", "--keep", "none"];
    let mut command = home.command(url, "secret", &options);
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.spawn().unwrap()
}

#[test]
fn killed_in_the_middle_and_run_again_each_message_is_there_once() {
    let mailbox = Mailbox::mixed(11, 400);
    let server = dovecot(&mailbox);
    let home = Home::trusting(&server);
    // At the first file in tmp/, and then when something is in new/.
    for part in ["tmp", "new"] {
        let mut child = start(&home, &pops(&server));
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

/// The user's first fetch, which is killed some times and at last let run. `time` is what it takes
/// otherwise. How often it was killed.
fn round(seed: u64, server: &Server, mailbox: &Mailbox, time: Duration) -> usize {
    let user = name(seed);
    let url = format!("pops://{user}@localhost:{}", server.tls_port());
    let home = Home::trusting(server);
    let mut random = Random::new(seed);
    let most = time.as_micros() as usize;
    let moments: Vec<_> = iter::repeat_with(|| Duration::from_micros(random.below(most) as u64))
        .take(1 + seed as usize % 4)
        .collect();
    println!("round {seed}: killed after {moments:?}");
    let mut killed = 0;
    for moment in moments {
        let mut child = start(&home, &url);
        thread::sleep(moment);
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    home.sync(&url, &["--keep", "none"]).ok(server);
    home.assert_holds(mailbox);
    assert_eq!(server.maildir(&user).files().unwrap().len(), 0);
    killed
}

fn name(seed: u64) -> String {
    format!("user{seed}")
}

#[test]
fn killed_at_random_moments_each_message_is_there_once() {
    let whole = env::var(WHOLE).is_ok_and(|value| value == "all");
    let rounds: u64 = if whole { 500 } else { 40 };
    let mailbox = Mailbox::ordinary(50);
    let users = (0..rounds + 2).map(|seed| User::new(&name(seed), "secret").with(&mailbox));
    let server = Dovecot {
        users: users.collect(),
        ..Dovecot::default()
    };
    let server = server.start().unwrap();
    // A server that has just begun takes longer.
    let [_, time] = [rounds, rounds + 1].map(|other| {
        let home = Home::trusting(&server);
        let url = format!("pops://{}@localhost:{}", name(other), server.tls_port());
        let begun = Instant::now();
        home.sync(&url, &["--keep", "none"]).ok(&server);
        begun.elapsed()
    });
    let killed: usize = (0..rounds)
        .map(|seed| round(seed, &server, &mailbox, time))
        .sum();
    println!("{rounds} rounds, {killed} kills; undisturbed: {time:?}");
    // A moment may come too late.
    assert!(killed >= rounds as usize);
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
