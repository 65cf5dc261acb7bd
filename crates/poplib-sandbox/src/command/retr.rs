//! RETR msg (RFC 1939 §5).

use std::io;

use crate::response::Response;
use crate::transaction::Transaction;

pub(super) fn run(transaction: &mut Transaction, argument: &[u8]) -> Response {
    let number = match transaction.select(argument) {
        Ok(number) => number,
        Err(refusal) => return refusal,
    };
    match transaction.retrieved(number) {
        Ok((octets, content)) => {
            transaction.count_retrieval(number);
            let misbehaviours = transaction.misbehaviours();
            let octets = misbehaviours.octets(octets);
            let mut response = Response::ok(format!("{octets} octets"));
            response.body = Some(misbehaviours.body(content));
            response.interruption = transaction.interruption(number);
            response
        }
        Err(error) => unreadable(&error),
    }
}

/// The message is there but cannot be read (RFC 3206: a problem that will not go away by itself).
pub(super) fn unreadable(error: &io::Error) -> Response {
    Response::err(format!("[SYS/PERM] cannot read the message: {error}"))
}
