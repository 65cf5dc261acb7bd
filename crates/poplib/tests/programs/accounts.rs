use std::future;

use poplib::Credentials;
use poplib_sandbox::{Mailbox, Sandbox};
use tokio::sync::oneshot;

use self::program::{Account, Outcome, look_into};
use super::{MESSAGES, reached};

#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../../examples/accounts.rs"]
mod program;

/// A server with twenty users, of whom each has so many messages as its number.
fn twenty() -> (Sandbox, Vec<Account>) {
    // SCRAM's iterations take long in a build without optimisation.
    let mut builder = Sandbox::builder().mechanisms(["PLAIN"]);
    for number in 0..20 {
        let mail = Mailbox::messages(MESSAGES.into_iter().cycle().take(number));
        builder = builder.mailbox(&format!("user{number}"), "secret", mail);
    }
    let server = builder.start().unwrap();
    let accounts = (0..20)
        .map(|number| Account {
            name: format!("user{number}"),
            config: reached(&server),
            credentials: Credentials::password(format!("user{number}"), "secret"),
        })
        .collect();
    (server, accounts)
}

#[tokio::test]
async fn accounts_are_all_looked_into_though_one_fails() {
    let (_server, mut accounts) = twenty();
    accounts[7].credentials = Credentials::password("user7", "wrong");
    let mut messages = Vec::new();
    let mut failed = Vec::new();
    look_into(
        accounts,
        8,
        future::pending(),
        |name, outcome| match outcome {
            Outcome::Messages(count) => messages.push((name.to_owned(), count)),
            Outcome::Failed(_) => failed.push(name.to_owned()),
            Outcome::Cancelled => panic!("nobody has stopped {name}"),
        },
    )
    .await;
    messages.sort_by_key(|&(_, count)| count);
    let expected: Vec<_> = (0..20)
        .filter(|&number| number != 7)
        .map(|number| (format!("user{number}"), number))
        .collect();
    assert_eq!(messages, expected);
    assert_eq!(failed, ["user7"]);
}

#[tokio::test]
async fn accounts_that_hang_are_cancelled() {
    let (_server, mut accounts) = twenty();
    let mute = Sandbox::builder()
        .misbehave("stall=greeting")
        .start()
        .unwrap();
    accounts[3].config = reached(&mute);
    let (stop, stopped) = oneshot::channel::<()>();
    let mut stop = Some(stop);
    let (mut done, mut cancelled) = (0, Vec::new());
    let stopped = async { drop(stopped.await) };
    look_into(accounts, 8, stopped, |name, outcome| match outcome {
        Outcome::Messages(_) => {
            done += 1;
            // All but the one that hangs.
            if done == 19 {
                drop(stop.take());
            }
        }
        Outcome::Failed(error) => panic!("{name}: {error}"),
        Outcome::Cancelled => cancelled.push(name.to_owned()),
    })
    .await;
    assert_eq!(cancelled, ["user3"]);
}
