//! NOOP (RFC 1939 §5).

use crate::response::Response;
use crate::transaction::Transaction;

pub(super) fn run(_transaction: &mut Transaction, _argument: &[u8]) -> Response {
    Response::ok("")
}
