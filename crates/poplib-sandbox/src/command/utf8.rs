//! UTF8 (RFC 6856 §2).

use crate::response::Response;
use crate::session::Session;

pub(super) fn run(session: &mut Session, argument: &[u8]) -> Response {
    if !argument.is_empty() {
        return Response::err("UTF8 takes no argument");
    }
    session.enter_utf8();
    Response::ok("UTF-8 it is")
}
