//! USER name (RFC 1939 §7).

use crate::response::Response;
use crate::session::Session;

pub(super) fn run(session: &mut Session, name: &[u8]) -> Response {
    if name.is_empty() {
        return Response::err("USER needs a name");
    }
    if let Some(refusal) = session.refuses_clear_credentials() {
        return refusal;
    }
    session.name_user(name);
    Response::ok("send PASS")
}
