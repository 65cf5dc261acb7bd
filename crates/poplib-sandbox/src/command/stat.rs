//! STAT (RFC 1939 §5).

use crate::response::Response;
use crate::transaction::Transaction;

pub(super) fn run(transaction: &mut Transaction, _argument: &[u8]) -> Response {
    match transaction.stat() {
        Ok((messages, octets)) => Response::ok(transaction.misbehaviours().stat(messages, octets)),
        Err(error) => super::retr::unreadable(&error),
    }
}
