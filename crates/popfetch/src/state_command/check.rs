//! `popfetch state check`.

use serde_json::json;

use super::Opened;
use crate::cli::state::Check;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::report::{End, Output};

pub(super) fn run(options: &Check, out: &mut Output) -> Result<(), End> {
    let opened = Opened::new(&options.files)?;
    let complaints = match &opened.store {
        Some(store) => store.complaints()?,
        None => Vec::new(),
    };
    for complaint in &complaints {
        let (account, what) = (&complaint.account, &complaint.what);
        match (out.is_json(), &**account) {
            (true, _) => out.event("complaint", account, vec![("what", json!(what))])?,
            (false, "") => out.line(escape::text(what))?,
            (false, account) => out.line(format!("{}: {what}", escape::text(account)))?,
        }
    }
    let path = opened.path.display();
    if !complaints.is_empty() {
        out.finish()?;
        return Err(Failure::new(
            Status::InputOutput,
            format!("the state {path} is not sound"),
        )
        .hint("restore it from a backup, and fetch nothing until then")
        .into());
    }
    if !out.is_json() {
        match opened.store {
            Some(_) => out.heading(&format!("the state {path} is sound"))?,
            None => out.heading("nothing was fetched yet")?,
        }
    }
    Ok(())
}
