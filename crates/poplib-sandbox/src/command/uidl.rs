//! UIDL [msg] (RFC 1939 §7).

use std::io;

use crate::response::Response;
use crate::transaction::{Listed, Transaction};

pub(super) fn run(transaction: &mut Transaction, argument: &[u8]) -> Response {
    transaction.list(
        argument,
        |listed: &Listed, number, line: &mut Vec<u8>| -> io::Result<()> {
            let unique_id = listed.unique_id(number);
            listed
                .misbehaviours
                .unique_id_line(number, &unique_id, line);
            Ok(())
        },
    )
}
