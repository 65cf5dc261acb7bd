//! RSET (RFC 1939 §5).

use crate::response::Response;
use crate::transaction::Transaction;

pub(super) fn run(transaction: &mut Transaction, _argument: &[u8]) -> Response {
    transaction.unmark_all();
    Response::ok(format!("maildrop has {} messages", transaction.messages()))
}
