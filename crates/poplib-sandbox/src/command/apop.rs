//! APOP name digest (RFC 1939 §7).

use crate::digest;
use crate::response::Response;
use crate::session::Session;

pub(super) fn run(session: &mut Session, argument: &[u8]) -> Response {
    let Some(stamp) = session.stamp() else {
        return Response::err("no APOP without a timestamp");
    };
    let mut words = argument.split(|octet| *octet == b' ');
    let (Some(user), Some(given), None) = (words.next(), words.next(), words.next()) else {
        return Response::err("APOP needs a name and a digest");
    };
    let account = session.accounts().find(user).filter(|account| {
        let expected = digest::md5(&[stamp.as_bytes(), account.password()].concat());
        digest::hex(&expected).as_bytes() == given
    });
    session.log_in(account)
}
