//! RPOP user (RFC 1081 §7), the ancestor of APOP: a login on the client host's word alone.

use crate::response::Response;
use crate::session::Session;

pub(super) fn run(session: &mut Session, _client_user: &[u8]) -> Response {
    let Some(user) = session.take_named_user() else {
        return Response::err("USER first");
    };
    if !session.settings().allow_rpop {
        return Response::err("[AUTH] RPOP is not for you");
    }
    let account = session.accounts().find(&user);
    session.log_in(account)
}
