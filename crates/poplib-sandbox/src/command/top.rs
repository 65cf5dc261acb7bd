//! TOP msg n (RFC 1939 §7).

use crate::message::Top;
use crate::response::Response;
use crate::transaction::Transaction;

pub(super) fn run(transaction: &mut Transaction, argument: &[u8]) -> Response {
    let (message, lines) = super::split(argument);
    let Some(lines) = super::number(lines) else {
        return Response::err("TOP needs a message number and a number of lines");
    };
    let number = match transaction.select(message) {
        Ok(number) => number,
        Err(refusal) => return refusal,
    };
    let misbehaviours = transaction.misbehaviours();
    let top = transaction.content(number);
    let top = top.and_then(|(_, content)| misbehaviours.top(Box::new(Top::new(content, lines))));
    match top {
        Ok(top) => {
            let mut response = Response::ok("top of message follows");
            response.body = Some(misbehaviours.body(top));
            response
        }
        Err(error) => super::retr::unreadable(&error),
    }
}
