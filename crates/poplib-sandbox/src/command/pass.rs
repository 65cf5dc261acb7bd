//! PASS string (RFC 1939 §7). The string may contain spaces, also at its end.

use crate::response::Response;
use crate::session::Session;

pub(super) fn run(session: &mut Session, password: &[u8]) -> Response {
    let Some(user) = session.take_named_user() else {
        return Response::err("USER first");
    };
    let account = session
        .accounts()
        .find(&user)
        .filter(|account| account.password_is(password));
    session.log_in(account)
}
