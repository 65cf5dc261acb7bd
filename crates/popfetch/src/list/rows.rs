//! The rows of a listing, for people and for programs.

use poplib::{Error, ProtocolError};
use serde_json::json;

use crate::escape;
use crate::plan::Listing;
use crate::report::{Date, End, Fields, Header, Output, Table};
use crate::state::{Row, State};

/// So wide is the table where no terminal says how wide it is. Nothing is cut there.
const COLUMNS: usize = 132;

/// A name or a unique-id needs no more room than this.
const WIDE: usize = 30;

/// `2026-01-02 09:05`.
const DATE: usize = 16;

/// Stands where there is nothing to show.
const NOTHING: &str = "-";

/// What the state knows of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known(Option<State>);

impl Known {
    pub(super) fn new(row: Row<'_>) -> Self {
        // A row that only counts copies tells nothing that a person would call known.
        let is_new = row.state == State::Pending && row.attempts == 0;
        Self((!is_new).then_some(row.state))
    }

    fn name(self) -> &'static str {
        self.0.map_or("new", State::name)
    }
}

/// What came of asking for a header.
pub(super) type Asked = Result<Header, Error>;

/// A listing with what is known of each message.
pub(super) struct Rows<'a> {
    account: &'a str,
    listing: &'a Listing,
    known: &'a [Known],
    table: Table,
    shows: Shows,
}

/// Which cells there are behind number, octets and state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shows {
    unique_id: bool,
    date: bool,
    sender: bool,
    subject: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        account: &'a str,
        listing: &'a Listing,
        known: &'a [Known],
        with_headers: bool,
        columns: Option<usize>,
    ) -> Self {
        let (table, shows) = lay_out(listing, known, with_headers, columns);
        Self {
            account,
            listing,
            known,
            table,
            shows,
        }
    }

    pub(super) fn heading(&self, out: &mut Output) -> Result<(), End> {
        if out.is_json() {
            Ok(())
        } else if self.listing.len() == 0 {
            out.heading("no messages on the server")
        } else {
            out.heading(&self.table.heading())
        }
    }

    /// Shows the message at `position`, with its header if that was asked for.
    pub(super) fn show(
        &self,
        out: &mut Output,
        position: u32,
        asked: Option<&Asked>,
    ) -> Result<(), End> {
        if out.is_json() {
            out.event("listed", self.account, self.fields(position, asked))
        } else {
            out.line(self.table.row(&self.cells(position, asked)))
        }
    }

    fn state(&self, position: u32) -> &'static str {
        self.known[position as usize].name()
    }

    fn unique_id(&self, position: u32) -> Option<String> {
        let key = self.listing.key(position)?;
        Some(key.identity.to_string())
    }

    fn cells(&self, position: u32, asked: Option<&Asked>) -> Vec<String> {
        let shown = |text: Option<&str>| escape::text(text.unwrap_or(NOTHING)).to_string();
        let octets = self.listing.octets(position);
        let mut cells = vec![
            self.listing.number(position).to_string(),
            octets.map_or_else(|| NOTHING.into(), |octets| octets.to_string()),
            self.state(position).into(),
        ];
        if self.shows.unique_id {
            cells.push(self.unique_id(position).unwrap_or_else(|| NOTHING.into()));
        }
        let header = asked.and_then(|asked| asked.as_ref().ok());
        if self.shows.date {
            let date = header.and_then(|header| header.date.as_ref());
            cells.push(shown(date.map(Date::to_short).as_deref()));
        }
        if self.shows.sender {
            cells.push(shown(header.and_then(Header::shown_sender)));
        }
        if self.shows.subject {
            cells.push(match asked {
                Some(Err(refused)) => refusal(refused),
                _ => shown(header.and_then(|header| header.subject.as_deref())),
            });
        }
        cells
    }

    fn fields(&self, position: u32, asked: Option<&Asked>) -> Fields {
        let header = asked.and_then(|asked| asked.as_ref().ok());
        let of = |field: fn(&Header) -> Option<String>| json!(header.and_then(field));
        vec![
            ("number", json!(self.listing.number(position))),
            ("octets", json!(self.listing.octets(position))),
            ("uid", json!(self.unique_id(position))),
            ("state", json!(self.state(position))),
            (
                "date",
                of(|header| Some(header.date.as_ref()?.to_rfc3339())),
            ),
            ("sender", of(|header| header.sender.clone())),
            ("sender_name", of(|header| header.sender_name.clone())),
            ("subject", of(|header| header.subject.clone())),
        ]
    }
}

/// The columns of the table, and what they show: all of it where there is room, else what a
/// person misses least is left out first.
fn lay_out(
    listing: &Listing,
    known: &[Known],
    with_headers: bool,
    columns: Option<usize>,
) -> (Table, Shows) {
    let largest = |of: &dyn Fn(u32) -> u64| listing.positions().map(of).max().unwrap_or(0);
    let digits = |number: u64| number.to_string().len();
    let numbers = digits(largest(&|position| listing.number(position).into()));
    let octets = digits(largest(&|position| listing.octets(position).unwrap_or(0)));
    let states = known.iter().map(|known| known.name().len()).max();
    let mut table = Table::new(columns.is_some())
        .number("No.", numbers)
        .number("Octets", octets)
        .text("State", states.unwrap_or(0).max("State".len()));
    let room = |table: &Table| columns.unwrap_or(COLUMNS).saturating_sub(table.width());
    let rest = room(&table);
    let shows = Shows {
        unique_id: !with_headers || columns.is_none() || rest >= DATE + 3 * WIDE,
        date: with_headers && rest >= DATE + WIDE,
        sender: with_headers && rest >= WIDE / 2,
        subject: with_headers,
    };
    if shows.unique_id {
        table = table.text("Unique-id", if with_headers { WIDE } else { rest });
    }
    if shows.date {
        table = table.text("Date", DATE);
    }
    if shows.sender {
        let third = room(&table) / 3;
        table = table.text("From", third.min(WIDE));
    }
    if shows.subject {
        let rest = room(&table);
        table = table.text("Subject", rest);
    }
    (table, shows)
}

fn refusal(error: &Error) -> String {
    match error {
        Error::Protocol(ProtocolError::Refused(refused)) => {
            format!("({})", escape::octets(refused.reply.line()))
        }
        other => format!("({})", escape::text(&other.to_string())),
    }
}
