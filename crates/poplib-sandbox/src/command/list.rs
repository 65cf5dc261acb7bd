//! LIST [msg] (RFC 1939 §5).

use std::io;

use crate::response::Response;
use crate::transaction::{Listed, Transaction};

pub(super) fn run(transaction: &mut Transaction, argument: &[u8]) -> Response {
    transaction.list(
        argument,
        |listed: &Listed, number, line: &mut Vec<u8>| -> io::Result<()> {
            let octets = listed.octets(number)?;
            listed.misbehaviours.scan_line(number, octets, line);
            Ok(())
        },
    )
}
