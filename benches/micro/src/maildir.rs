//! Delivery: from octets as they were received to files and what the state knows of them. The files
//! lead nowhere, and the state is in memory.

use popfetch::measuring::deliver;

use crate::Case;
use crate::bodies::{TEXT, lines};

pub(crate) fn cases() -> Vec<Case> {
    let (small, large) = (TEXT.repeat(5), lines(TEXT));
    vec![
        delivery("deliver 256 messages of 365 octets", 256, small),
        delivery("deliver a message of 1 MiB", 1, large),
    ]
}

fn delivery(name: &'static str, messages: u32, content: Vec<u8>) -> Case {
    Case::new(name, messages as usize * content.len(), move || {
        deliver(messages, &content).expect("nothing is in the way") as u64
    })
}
