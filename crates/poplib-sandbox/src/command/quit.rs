//! QUIT (RFC 1939 §6): the only way into the UPDATE state, and thereby to deletion.

use crate::response::{Ending, Next, Response};
use crate::session::Session;

pub(super) fn run(session: &mut Session, _argument: &[u8]) -> Response {
    let response = match session.update() {
        Ok(()) => Response::ok("bye"),
        Err(error) => Response::err(format!("some deleted messages not removed: {error}")),
    };
    response.then(Next::End(Ending::Close))
}
