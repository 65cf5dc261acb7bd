//! `popfetch config check`: everything that is wrong, without asking any server.

use std::iter;
use std::sync::Arc;

use super::{Configuration, Given, Section, at, distinct, read_all};
use crate::account::Account;
use crate::cli;
use crate::failure::{Failure, Status};
use crate::print::print;
use crate::report::{Event, Report};
use crate::secret;

/// Tells everything that is wrong. The status, if anything is.
pub(super) fn run(
    options: &cli::Check,
    common: &cli::Common,
    report: &Arc<dyn Report>,
) -> Result<Option<Status>, Failure> {
    let (configuration, mut failures) = read_all(&options.files)?;
    if configuration.accounts.is_empty() && failures.is_empty() {
        return Err(configuration.no_accounts());
    }
    let mut accounts = Vec::new();
    for section in &configuration.accounts {
        match configuration.account(section, &Given::nothing(), Account::new) {
            Ok(account) => {
                failures.extend(missing(&configuration, section, &account));
                accounts.push((section, account));
            }
            Err(failure) => failures.push(failure),
        }
    }
    failures.extend(distinct(&accounts).err());
    for failure in &failures {
        report.report("", Event::Failed { failure });
    }
    if !failures.is_empty() {
        return Ok(Some(Status::Configuration));
    }
    if !common.json && !common.quiet {
        let names: Vec<&str> = (configuration.accounts.iter())
            .map(|section| section.name.as_str())
            .collect();
        let path = configuration.path.display();
        let names = names.join(", ");
        print(format!("{path}: nothing is wrong; accounts: {names}\n").as_bytes())?;
    }
    Ok(None)
}

/// What an account needs on this machine and does not find, each at the key that names it.
fn missing(configuration: &Configuration, section: &Section, account: &Account) -> Vec<Failure> {
    let table = configuration.layers(section, &Given::nothing());
    let at = |keys: &[&str], failure: Failure| {
        let entry = keys.iter().find_map(|key| table.get(key));
        at(entry.map_or(&section.place, |entry| &entry.place), failure)
    };
    let Account {
        password,
        destinations,
        ..
    } = account;
    let own = (secret::check(password, account.whose()))
        .map_err(|failure| at(&["password_file", "netrc", "keyring"], failure));
    let of_targets = destinations.logins().map(|whose| {
        secret::check(&destinations.access.password, whose).map_err(|failure| {
            at(
                &["target_password_file", "target_netrc", "target_keyring"],
                failure,
            )
        })
    });
    let targets = (destinations.all.iter()).map(|target| {
        target
            .look()
            .map_err(|failure| at(&[target.key()], failure))
    });
    iter::once(own)
        .chain(of_targets)
        .chain(targets)
        .filter_map(Result::err)
        .collect()
}
