//! Fetches a mailbox with the crate `pop3`.

use peer_crates::{Failure, Job};
use pop3::{POP3Result, POP3Stream};

fn main() -> Result<(), Failure> {
    let job = Job::from_arguments()?;
    let mut client = POP3Stream::connect(("localhost", job.port), None, "localhost")?;
    client.login("u1", "secret");
    let POP3Result::POP3Stat { num_email, .. } = client.stat() else {
        return Err("STAT was refused".into());
    };
    for number in 1..=num_email {
        let POP3Result::POP3Message { raw } = client.retr(number) else {
            return Err(format!("message {number} could not be read").into());
        };
        job.store(number.try_into()?, raw.concat().as_bytes())?;
    }
    client.quit();
    Ok(())
}
