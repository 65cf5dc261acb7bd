//! The list of capabilities (RFC 2449 §5).

use poplib_proto::command::Capa;
use poplib_proto::wire::capability::{Expire, PerUser};
use poplib_proto::{Call, Capabilities};

use crate::plain::{self, words};

/// Every line is kept as it came, and says what a plain reading of it says, in whatever case.
pub fn check(input: &[u8]) {
    let lines = plain::lines(input);
    let listed = plain::answer_of_lines(Call::new(Capa), &lines);
    assert!(
        listed.lines().eq(lines.iter().copied()),
        "a line was not kept"
    );
    agrees(&listed, &lines);
    let shouted = lines.iter().map(|line| line.to_ascii_uppercase());
    let shouted: Vec<Vec<u8>> = shouted.collect();
    let shouted: Vec<&[u8]> = shouted.iter().map(Vec::as_slice).collect();
    let in_capitals = plain::answer_of_lines(Call::new(Capa), &shouted);
    assert_eq!(said(&listed), said(&in_capitals), "case made a difference");
}

fn agrees(listed: &Capabilities, lines: &[&[u8]]) {
    let tag = |tag: &str| -> Option<Vec<&[u8]>> {
        let of_tag = lines.iter().map(|line| words(line)).filter(|words| {
            let first = words.first();
            first.is_some_and(|word| word.eq_ignore_ascii_case(tag.as_bytes()))
        });
        let of_tag: Vec<Vec<&[u8]>> = of_tag.collect();
        let parameters = of_tag.iter().flat_map(|words| &words[1..]).copied();
        (!of_tag.is_empty()).then(|| parameters.collect())
    };
    for (name, is_listed) in [
        ("TOP", listed.top()),
        ("USER", listed.user()),
        ("RESP-CODES", listed.response_codes()),
        ("AUTH-RESP-CODE", listed.auth_response_code()),
        ("PIPELINING", listed.pipelining()),
        ("UIDL", listed.uidl()),
        ("STLS", listed.stls()),
        ("UTF8", listed.utf8()),
        ("LANG", listed.lang()),
        ("IMPLEMENTATION", listed.implementation().is_some()),
    ] {
        assert_eq!(tag(name).is_some(), is_listed, "{name}");
        assert_eq!(listed.has(name), is_listed, "{name}");
    }
    let mechanisms = tag("SASL").unwrap_or_default();
    let mechanisms = mechanisms.iter().map(|name| std::str::from_utf8(name));
    assert!(listed.sasl().eq(mechanisms.flatten()));
    let is_user = |words: &[&[u8]]| words.iter().any(|word| word.eq_ignore_ascii_case(b"USER"));
    assert_eq!(listed.utf8_user(), tag("UTF8").is_some_and(|w| is_user(&w)));
    let delay = tag("LOGIN-DELAY").unwrap_or_default();
    let delay = delay.split_first().and_then(|(seconds, rest)| {
        let value = plain::message_number(seconds)?;
        let varies = is_user(rest);
        Some(PerUser { value, varies })
    });
    assert_eq!(listed.login_delay(), delay);
    let expire = tag("EXPIRE").unwrap_or_default();
    let expire = expire.split_first().and_then(|(days, rest)| {
        let value = match days.eq_ignore_ascii_case(b"NEVER") {
            true => Expire::Never,
            false => Expire::Days(plain::message_number(days)?),
        };
        let varies = is_user(rest);
        Some(PerUser { value, varies })
    });
    assert_eq!(listed.expire(), expire);
}

/// All that is said but for names, whose case is their own.
fn said(listed: &Capabilities) -> impl PartialEq + std::fmt::Debug {
    (
        listed.lines().len(),
        (listed.expire(), listed.login_delay(), listed.utf8_user()),
        (listed.implementation().map(<[u8]>::to_ascii_uppercase)),
        listed.sasl().count(),
    )
}
