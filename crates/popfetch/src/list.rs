//! `popfetch list`: the messages on the server, and what is known of each.

mod rows;

use std::sync::Arc;

use poplib::tokio::Session;

use crate::account::Account;
use crate::cli::{self, Common};
use crate::config;
use crate::failure::Failure;
use crate::fetch::{Bound, Fetcher, Unread, read_head, trouble};
use crate::jobs::{Limits, block_on};
use crate::plan::Listing;
use crate::report::{End, Header, Output, Report};
use crate::secret;
use crate::state::{SqliteStore, StateError, StateStore};
use crate::stop::Stop;

use rows::{Known, Rows};

/// So much of a header is looked at. The fields that are shown stand in it, but for messages made
/// to hide them.
const LOOKED_AT: usize = 64 * 1024;

/// Lists the maildrop of the account that the options describe.
///
/// # Errors
/// What kept it from being complete.
pub(crate) fn run(
    options: &cli::List,
    common: &Common,
    report: &Arc<dyn Report>,
) -> Result<(), Failure> {
    let configuration = config::read(&options.files)?;
    let account =
        configuration.account_to_look_at(&options.settings, options.account.as_deref())?;
    let store = SqliteStore::read(&configuration.state(&options.files)?)?;
    let password = secret::password(&account.password, account.whose())?;
    let mut out = Output::new(common);
    let listed = block_on(Limits::default(), async |stop| {
        let mut list = List {
            account: &account,
            store: store.as_ref(),
            stop: stop.clone(),
            out: &mut out,
        };
        let mut fetcher = Fetcher::new(&account, &**report, stop);
        let (session, listing) = fetcher.look(password).await?;
        list.show(session, &listing, options.headers).await
    })?;
    End::settle(listed.and_then(|()| out.finish()))
}

struct List<'a> {
    account: &'a Account,
    store: Option<&'a SqliteStore>,
    stop: Stop,
    out: &'a mut Output,
}

impl List<'_> {
    async fn show(
        &mut self,
        mut session: Session,
        listing: &Listing,
        with_headers: bool,
    ) -> Result<(), End> {
        let known = self.known(listing)?;
        let columns = self.out.columns();
        let rows = Rows::new(&self.account.name, listing, &known, with_headers, columns);
        rows.heading(self.out)?;
        if with_headers {
            self.show_with_headers(&mut session, listing, &rows).await?;
        } else {
            for position in listing.positions() {
                rows.show(self.out, position, None)?;
            }
        }
        // Nothing was deleted that its failure could leave undone.
        let _ = self.stop.or(async { Ok(session.quit().await) }).await;
        Ok(())
    }

    async fn show_with_headers(
        &mut self,
        session: &mut Session,
        listing: &Listing,
        rows: &Rows<'_>,
    ) -> Result<(), End> {
        let config = &self.account.config;
        let cannot = |error| trouble::failure("read the headers of the messages", config, &error);
        let mut stop = self.stop.clone();
        let numbers = listing.positions().map(|position| listing.number(position));
        let top = async { session.top_many(numbers, 0).await.map_err(cannot) };
        let mut bodies = stop.or(top).await?;
        let mut octets = Vec::new();
        for position in listing.positions() {
            let next = async {
                Ok(match bodies.next_body().await.map_err(cannot)? {
                    None => None,
                    Some((_, Err(refused))) => Some(Err(refused)),
                    Some((_, Ok(body))) => {
                        let most = self.account.policy.largest_message;
                        let bound = Bound::of(listing.octets(position), most);
                        let read = read_head(body, bound, LOOKED_AT, &mut octets);
                        read.await.map_err(|unread| match unread {
                            Unread::Error(error) => cannot(error),
                            Unread::Excess(excess) => {
                                excess.failure("read the headers of the messages")
                            }
                        })?;
                        Some(Ok(Header::parse(&octets)))
                    }
                })
            };
            let Some(header) = stop.or(next).await? else {
                break;
            };
            rows.show(self.out, position, Some(&header))?;
        }
        Ok(())
    }

    /// What the state knows of each message, by position.
    fn known(&self, listing: &Listing) -> Result<Vec<Known>, StateError> {
        let mut known = vec![Known::default(); listing.len()];
        if let Some(store) = self.store
            && let Some(account) = store.account(&self.account.maildrop)?
        {
            store.rows(account, &mut |row| {
                if let Some(position) = listing.position(row.key) {
                    known[position as usize] = Known::new(row);
                }
            })?;
        }
        Ok(known)
    }
}
