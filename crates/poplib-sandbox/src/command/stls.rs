//! STLS (RFC 2595 §4).

use crate::response::{Next, Response};
use crate::session::Session;

pub(super) fn run(session: &mut Session, argument: &[u8]) -> Response {
    if !argument.is_empty() {
        return Response::err("STLS takes no argument");
    }
    if session.is_encrypted() {
        return Response::err("already under TLS");
    }
    if session.is_utf8() {
        // RFC 6856 §2.
        return Response::err("no STLS after UTF8");
    }
    Response::ok("begin TLS").then(Next::StartTls)
}
