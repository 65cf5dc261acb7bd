//! `popfetch config check`: everything that is wrong, without asking any server.

use std::fs;
use std::sync::Arc;

use super::{Configuration, Given, Section, distinct, read_all};
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

/// What an account needs on this machine and does not find.
fn missing(configuration: &Configuration, section: &Section, account: &Account) -> Vec<Failure> {
    let table = configuration.layers(section, &Given::nothing());
    let mut failures = Vec::new();
    if let Err(failure) = secret::check(&account.password, account.whose()) {
        failures.push(section.at(failure));
    }
    let maildirs = table.settings().map(|settings| settings.maildir);
    for maildir in maildirs.unwrap_or_default() {
        if fs::metadata(&maildir).is_ok_and(|metadata| !metadata.is_dir()) {
            let message = format!("{} is no directory", maildir.display());
            failures.push(section.at(Failure::new(Status::Configuration, message)));
        }
    }
    failures
}
