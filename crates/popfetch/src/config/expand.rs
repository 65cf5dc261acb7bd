//! `~` and `{account}`, `{user}`, `{host}` in paths.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Status};

/// What the words in braces stand for.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) account: &'a str,
    pub(crate) user: &'a str,
    pub(crate) host: &'a str,
}

impl Facts<'_> {
    /// A path with what its braces and its `~` stand for.
    ///
    /// # Errors
    /// When braces hold another word, or what a word stands for cannot be part of a path.
    pub(crate) fn expand(&self, path: &Path) -> Result<PathBuf, Failure> {
        match path.to_str() {
            Some(text) => home(Path::new(&self.words(text)?)),
            // Nobody typed that; it is what it is.
            None => Ok(path.to_owned()),
        }
    }

    fn words(&self, text: &str) -> Result<String, Failure> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some(brace) = rest.find(['{', '}']) {
            expanded.push_str(&rest[..brace]);
            let (octet, after) = rest[brace..].split_at(1);
            if let Some(after) = after.strip_prefix(octet) {
                expanded.push_str(octet);
                rest = after;
                continue;
            }
            let word = after.split_once('}').filter(|_| octet == "{");
            let Some((word, after)) = word else {
                return Err(wrong(format!("a brace stands alone in {text}"))
                    .hint("write {{ and }} for braces"));
            };
            expanded.push_str(self.word(word, text)?);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn word(&self, word: &str, text: &str) -> Result<&str, Failure> {
        let value = match word {
            "account" => self.account,
            "user" => self.user,
            "host" => self.host,
            _ => {
                return Err(wrong(format!("nobody knows what {{{word}}} is in {text}"))
                    .hint("there are {account}, {user} and {host}; write {{ and }} for braces"));
            }
        };
        if value.contains(['/', '\0']) || value.starts_with('.') {
            let message = format!("`{value}`, the {word}, cannot be part of the path {text}");
            return Err(wrong(message).hint(format!("say it without {{{word}}}")));
        }
        Ok(value)
    }
}

/// A path whose `~` is the home directory.
///
/// # Errors
/// When there is none, or it is somebody else's.
pub(crate) fn home(path: &Path) -> Result<PathBuf, Failure> {
    let Some(below) = path.to_str().and_then(|text| text.strip_prefix('~')) else {
        return Ok(path.to_owned());
    };
    if !below.is_empty() && !below.starts_with('/') {
        let message = format!("{}: only `~/` is known", path.display());
        return Err(wrong(message).hint(format!("write the whole path, or ./~{below}")));
    }
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| {
        let message = format!("{}: there is no home directory", path.display());
        wrong(message).hint("set HOME, or write the whole path")
    })?;
    Ok(match below.trim_start_matches('/') {
        "" => home,
        below => home.join(below),
    })
}

fn wrong(message: String) -> Failure {
    Failure::new(Status::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts<'_> = Facts {
        account: "work",
        user: "me@a.org",
        host: "pop.a.org",
    };

    fn expand(path: &str) -> Result<String, String> {
        FACTS
            .expand(Path::new(path))
            .map(|path| path.into_os_string().into_string().unwrap())
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn braces_hold_what_is_known_of_the_account() {
        assert_eq!(expand("/m/{account}").unwrap(), "/m/work");
        assert_eq!(
            expand("/{host}/{user}.mbox").unwrap(),
            "/pop.a.org/me@a.org.mbox"
        );
        assert_eq!(expand("/{{account}}/ä").unwrap(), "/{account}/ä");
        for wrong in ["/{name}", "/{account", "/account}", "/{}", "/}{"] {
            assert!(expand(wrong).unwrap_err().contains("hint"), "{wrong}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_no_part_of_a_path() {
        for user in ["../../etc", "a/b", ".", ".."] {
            let facts = Facts { user, ..FACTS };
            assert!(facts.expand(Path::new("/m/{user}")).is_err(), "{user}");
        }
    }

    #[test]
    fn a_tilde_is_the_home_directory_only_where_it_begins() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(expand("~").unwrap(), home.to_str().unwrap());
        assert_eq!(
            expand("~/{account}").unwrap(),
            home.join("work").to_str().unwrap()
        );
        assert_eq!(expand("/a/~/b").unwrap(), "/a/~/b");
        assert!(expand("~you/mail").unwrap_err().contains("./~you/mail"));
    }
}
