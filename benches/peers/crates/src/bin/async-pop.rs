//! Fetches a mailbox with the crate `async-pop`.

use async_pop::response::types::DataType;
use peer_crates::{Failure, Job};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let job = Job::from_arguments()?;
    let mut client = async_pop::connect_plain(("localhost", job.port)).await?;
    client.login("u1", "secret").await?;
    let messages: u32 = client.stat().await?.counter().value()?.try_into()?;
    for number in 1..=messages {
        // It leaves out the last line end.
        let message = [&client.retr(number as usize).await?[..], b"\r\n"].concat();
        job.store(number, &message)?;
    }
    client.quit().await?;
    Ok(())
}
