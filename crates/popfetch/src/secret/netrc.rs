//! Passwords from a netrc file, as ftp and curl read it.

use std::path::Path;

use poplib::Secret;

use super::{Whose, configuration, private_text};
use crate::failure::Failure;

/// The password of the user at the host: of the first entry for both, for the host alone, or else of
/// `default`.
///
/// # Errors
/// When the file is open to others or has no such entry.
pub(super) fn password(path: &Path, whose: Whose<'_>) -> Result<Secret, Failure> {
    let Whose { user, host, .. } = whose;
    let octets = private_text(path, "netrc file")?;
    find(octets.expose(), user, host).ok_or_else(|| {
        let path = path.display();
        configuration(format!("{path} has no password of {user} at {host}"))
            .hint(format!("add: machine {host} login {user} password …"))
    })
}

/// One `machine` or `default`.
#[derive(Default)]
struct Entry {
    /// `None` for `default`.
    machine: Option<Vec<u8>>,
    login: Option<Vec<u8>>,
    password: Option<Secret>,
}

impl Entry {
    fn fits(&self, user: &str, host: &str) -> bool {
        let machine = (self.machine.as_deref())
            .is_none_or(|machine| machine.eq_ignore_ascii_case(host.as_bytes()));
        let login = self
            .login
            .as_deref()
            .is_none_or(|login| login == user.as_bytes());
        machine && login
    }
}

fn find(netrc: &[u8], user: &str, host: &str) -> Option<Secret> {
    let mut words = Words {
        rest: netrc,
        is_first: true,
    };
    let mut entry: Option<Entry> = None;
    let mut found = None;
    let mut end = |entry: Option<Entry>| {
        if let Some(entry) = entry.filter(|entry| entry.fits(user, host)) {
            found = found.take().or(entry.password);
        }
    };
    while let Some(word) = words.next() {
        match word.expose() {
            b"machine" => {
                let machine = words.next().map(|name| name.expose().to_vec());
                end(entry.replace(Entry {
                    machine,
                    ..Entry::default()
                }));
            }
            b"default" => end(entry.replace(Entry::default())),
            b"login" => {
                let login = words.next().map(|name| name.expose().to_vec());
                entry
                    .iter_mut()
                    .for_each(|entry| entry.login = login.clone());
            }
            b"password" => {
                let password = words.next();
                entry
                    .iter_mut()
                    .for_each(|entry| entry.password = password.clone());
            }
            b"macdef" => words.skip_macro(),
            // `account` and its value, and what nobody knows.
            _ => {}
        }
    }
    end(entry);
    found
}

/// Words as netrc has them: apart by white space, or in quotes with `\` before what is special.
struct Words<'a> {
    rest: &'a [u8],
    /// Whether nothing has been read.
    is_first: bool,
}

impl Words<'_> {
    fn next(&mut self) -> Option<Secret> {
        self.skip_space();
        match self.rest {
            [] => None,
            [b'"', rest @ ..] => {
                self.rest = rest;
                Some(self.quoted())
            }
            _ => {
                let end = self.rest.iter().position(u8::is_ascii_whitespace);
                let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                Some(Secret::from(word))
            }
        }
    }

    /// Skips to the next word. A line that begins with `#` is a comment; a password may, too.
    fn skip_space(&mut self) {
        loop {
            let (space, rest) = {
                let rest = self.rest.trim_ascii_start();
                (&self.rest[..self.rest.len() - rest.len()], rest)
            };
            let begins_line = self.is_first || space.contains(&b'\n');
            (self.rest, self.is_first) = (rest, false);
            match rest {
                [b'#', ..] if begins_line => {
                    let end = memchr::memchr(b'\n', rest);
                    self.rest = &rest[end.unwrap_or(rest.len())..];
                }
                _ => return,
            }
        }
    }

    fn quoted(&mut self) -> Secret {
        let mut word = Vec::new();
        while let [octet, rest @ ..] = self.rest {
            self.rest = rest;
            match (octet, rest) {
                (b'"', _) => break,
                (b'\\', [escaped, rest @ ..]) => {
                    word.push(*escaped);
                    self.rest = rest;
                }
                _ => word.push(*octet),
            }
        }
        Secret::from(word)
    }

    /// A macro ends at an empty line.
    fn skip_macro(&mut self) {
        let end = memchr::memmem::find(self.rest, b"\n\n");
        self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NETRC: &[u8] = b"# mail\n\
        machine pop.example.org login me password one\n\
        machine pop.example.org\n\tlogin you\n\tpassword \"two \\\"words\\\"\"\n\
        macdef init\nmachine evil login me password no\n\n\
        machine any.example.org account x password #three\n\
        default login me password four # the rest\n";

    fn of(user: &str, host: &str) -> Option<String> {
        find(NETRC, user, host).map(|secret| String::from_utf8(secret.expose().to_vec()).unwrap())
    }

    #[test]
    fn an_entry_is_for_a_machine_and_a_login() {
        assert_eq!(of("me", "pop.example.org").unwrap(), "one");
        assert_eq!(of("you", "POP.example.org").unwrap(), "two \"words\"");
        assert_eq!(of("me", "elsewhere").unwrap(), "four");
        assert_eq!(of("me", "evil").unwrap(), "four");
        assert_eq!(of("x", "any.example.org").unwrap(), "#three");
        assert_eq!(of("you", "elsewhere"), None);
    }

    #[test]
    fn an_entry_without_a_login_is_for_everybody() {
        let netrc = b"machine a password one machine b password";
        assert!(find(netrc, "anybody", "a").is_some());
        assert!(find(netrc, "anybody", "b").is_none());
    }

    proptest! {
        #[test]
        fn whatever_is_in_the_file(netrc: Vec<u8>, words in "(machine|default|login|password|macdef|a|\"|\\\\|#|\n| )*") {
            let _ = find(&netrc, "me", "host");
            let _ = find(words.as_bytes(), "a", "a");
        }
    }
}
