//! AUTH [mechanism [initial-response]] (RFC 5034 §4). Without a mechanism it lists them, as
//! RFC 1734's successors commonly do.

use crate::response::{Lines, Response};
use crate::sasl;
use crate::session::Session;

pub(super) fn run(session: &mut Session, argument: &[u8]) -> Response {
    if argument.is_empty() {
        return Response::ok("mechanisms follow").with_body(Lines::new(session.mechanisms()));
    }
    let (name, initial) = super::split(argument);
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    if !session.mechanisms().contains(&name) {
        return Response::err("no such mechanism");
    }
    let Some(mechanism) = sasl::mechanism(&name) else {
        return Response::err("mechanism advertised but not usable");
    };
    session.begin_exchange(mechanism);
    match initial {
        b"" => session.exchange(None),
        b"=" => session.exchange(Some(b"")),
        encoded => session.exchange_encoded(encoded),
    }
}
