//! What a server says in DIGEST-MD5 (RFC 2831 §2.1.1, §2.1.3, §7.1).

use alloc::vec::Vec;

use super::super::SaslMisbehaviour;

/// `digest-challenge`, as far as `qop=auth` needs it.
pub(super) struct Challenge {
    pub(super) nonce: Vec<u8>,
    /// Whether the server takes UTF-8, and not ISO 8859-1 alone.
    pub(super) utf8: bool,
    realms: Vec<Vec<u8>>,
}

/// The RFC allows no more.
const LONGEST: usize = 2048;

impl Challenge {
    pub(super) fn parse(text: &[u8]) -> Result<Self, SaslMisbehaviour> {
        if text.len() >= LONGEST {
            return Err(SaslMisbehaviour::Malformed("it is too long"));
        }
        let directives = directives(text)?;
        let all = |name: &'static str| {
            let of_name = directives.iter();
            of_name.filter(move |directive| directive.0.eq_ignore_ascii_case(name.as_bytes()))
        };
        let one = |name, amiss| {
            let mut values = all(name).map(|directive| &directive.1);
            match (values.next(), values.next()) {
                (value, None) => Ok(value),
                _ => Err(SaslMisbehaviour::Malformed(amiss)),
            }
        };
        let nonce = one("nonce", "more than one nonce")?.filter(|nonce| !nonce.is_empty());
        let algorithm = one("algorithm", "more than one algorithm")?;
        if !algorithm.is_some_and(|algorithm| algorithm.eq_ignore_ascii_case(b"md5-sess")) {
            return Err(SaslMisbehaviour::Malformed("the algorithm is not md5-sess"));
        }
        let qualities = one("qop", "more than one qop")?;
        if !qualities.is_none_or(|qualities| lists(qualities, b"auth")) {
            return Err(SaslMisbehaviour::Malformed("no qop that is known"));
        }
        let charset = one("charset", "more than one charset")?;
        Ok(Self {
            nonce: nonce
                .ok_or(SaslMisbehaviour::Malformed("no nonce"))?
                .clone(),
            utf8: charset.is_some_and(|charset| charset.eq_ignore_ascii_case(b"utf-8")),
            realms: all("realm").map(|directive| directive.1.clone()).collect(),
        })
    }

    /// The realm that is named as the host, or else the first; `None` where there is none.
    pub(super) fn realm(&self, host: &str) -> Option<&[u8]> {
        let is_host = |realm: &&Vec<u8>| realm.eq_ignore_ascii_case(host.as_bytes());
        let named = self.realms.iter().find(is_host);
        named.or(self.realms.first()).map(Vec::as_slice)
    }
}

/// `response-auth`
pub(super) fn rspauth(text: &[u8]) -> Result<Vec<u8>, SaslMisbehaviour> {
    let mut directives = directives(text)?.into_iter();
    let shown = directives.find(|directive| directive.0.eq_ignore_ascii_case(b"rspauth"));
    let (_, value) = shown.ok_or(SaslMisbehaviour::Malformed("no rspauth"))?;
    Ok(value)
}

/// `quoted-string`
pub(super) fn quoted(value: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(value.len() + 2);
    quoted.push(b'"');
    for &octet in value {
        if matches!(octet, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(octet);
    }
    quoted.push(b'"');
    quoted
}

/// Whether a list with commas has this.
fn lists(list: &[u8], wanted: &[u8]) -> bool {
    let mut words = list.split(|&octet| octet == b',');
    words.any(|word| word.trim_ascii().eq_ignore_ascii_case(wanted))
}

type Directive = (Vec<u8>, Vec<u8>);

/// `1#( token "=" ( token / quoted-string ) )`, their quotes undone.
fn directives(mut text: &[u8]) -> Result<Vec<Directive>, SaslMisbehaviour> {
    const NO_LIST: SaslMisbehaviour = SaslMisbehaviour::Malformed("no list of directives");
    let mut directives = Vec::new();
    loop {
        // Between commas there may be nothing.
        let is_between = |octet: &u8| matches!(octet, b',' | b' ' | b'\t' | b'\r' | b'\n');
        let begin = text.iter().position(|octet| !is_between(octet));
        let Some(begin) = begin else {
            return Ok(directives);
        };
        text = &text[begin..];
        let equals = text
            .iter()
            .position(|&octet| octet == b'=')
            .ok_or(NO_LIST)?;
        let name = text[..equals].trim_ascii();
        if name.is_empty() || !name.iter().all(is_token) {
            return Err(NO_LIST);
        }
        text = text[equals + 1..].trim_ascii_start();
        let (value, rest) = match text {
            [b'"', rest @ ..] => unquoted(rest).ok_or(NO_LIST)?,
            _ => {
                let end = text.iter().position(|octet| !is_token(octet));
                let (value, rest) = text.split_at(end.unwrap_or(text.len()));
                (value.to_vec(), rest)
            }
        };
        directives.push((name.to_vec(), value));
        text = rest.trim_ascii_start();
        if !matches!(text, [] | [b',', ..]) {
            return Err(NO_LIST);
        }
    }
}

fn is_token(octet: &u8) -> bool {
    octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(octet)
}

/// What stands before the closing quote, and what follows it.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut octets = text.iter().enumerate();
    while let Some((at, &octet)) = octets.next() {
        match octet {
            b'"' => return Some((value, &text[at + 1..])),
            b'\\' => value.push(*octets.next()?.1),
            _ => value.push(octet),
        }
    }
    None
}
