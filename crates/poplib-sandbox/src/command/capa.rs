//! CAPA (RFC 2449 §5).

use crate::response::{Lines, Response};
use crate::session::Session;

pub(super) fn run(session: &mut Session, _argument: &[u8]) -> Response {
    Response::ok("capabilities follow").with_body(Lines::new(session.capabilities()))
}
