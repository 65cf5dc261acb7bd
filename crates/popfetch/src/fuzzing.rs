//! The parsers of files, for `fuzz/` to try them at random. Nothing is read from disk.

use std::path::Path;

use crate::cli::Files;
use crate::config::Configuration;
use crate::import;

/// What a configuration file with this text describes: the accounts with what the state knows them
/// by. Or else everything that is wrong with it, as the user gets to see it.
///
/// # Errors
/// The failures, if there are any.
pub fn configuration(path: &Path, text: &str) -> Result<Vec<(String, String)>, Vec<String>> {
    let (configuration, failures) = Configuration::of_text(path, text);
    if !failures.is_empty() {
        return Err(failures.iter().map(ToString::to_string).collect());
    }
    let files = Files {
        config: Some(path.to_owned()),
        state: None,
    };
    match configuration.state(&files) {
        Ok(_) => Ok(configuration.maildrops()),
        Err(failure) => Err(vec![failure.to_string()]),
    }
}

/// The configurations that this text becomes as mpop's, fetchmail's and getmail's.
pub fn imported(text: &str, with_passwords: bool) -> [String; 3] {
    import::of_text(text, with_passwords)
}

/// The unique-ids in these octets as the file of mpop, fetchmail and getmail, for `me` on `host`.
pub fn unique_ids(octets: &[u8]) -> [Vec<Vec<u8>>; 3] {
    import::unique_ids_of(octets)
}
