//! DELE msg (RFC 1939 §5).

use crate::response::Response;
use crate::transaction::Transaction;

pub(super) fn run(transaction: &mut Transaction, argument: &[u8]) -> Response {
    match transaction.select(argument) {
        Ok(number) => {
            transaction.mark_deleted(number);
            Response::ok(format!("message {number} deleted"))
        }
        Err(refusal) => refusal,
    }
}
