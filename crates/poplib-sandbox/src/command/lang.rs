//! LANG (RFC 6856 §3). The texts stay English; what counts is that a language can be chosen.

use crate::response::{Lines, Response};
use crate::session::Session;

const LANGUAGES: &[(&str, &str)] = &[("en", "English"), ("de", "Deutsch"), ("fr", "français")];

pub(super) fn run(_session: &mut Session, argument: &[u8]) -> Response {
    if argument.is_empty() {
        let lines = LANGUAGES.iter().map(|(tag, name)| format!("{tag} {name}"));
        return Response::ok("languages follow").with_body(Lines::new(lines));
    }
    if argument == b"*" {
        return Response::ok("en the server's own language");
    }
    match LANGUAGES
        .iter()
        .find(|(tag, _)| tag.as_bytes().eq_ignore_ascii_case(argument))
    {
        Some((tag, name)) => Response::ok(format!("{tag} {name}")),
        None => Response::err("no such language"),
    }
}
