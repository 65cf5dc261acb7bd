//! `popfetch state export` and `import`: JSON lines, one for each row of a table.
//!
//! Octets, which unique-ids and file names are, stand as hexadecimal digits: `{"hex":"55ff"}`. The
//! first line tells the format, and the last how many rows stand between, so that a file that was
//! cut off is known as such.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::Opened;
use crate::cli::state::{Export, Import};
use crate::config;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::key::hex;
use crate::report::{End, Output, count, harmless};
use crate::state::{AccountId, Cell, FORMAT, NotTaken, Record, SqliteStore, StateStore};

const TABLE: &str = "table";
const HEX: &str = "hex";

pub(super) fn export(options: &Export, out: &mut Output) -> Result<(), End> {
    let opened = Opened::new(&options.files)?;
    let (store, account) = opened.account(&options.account)?;
    lines(store, account.survey.account, &mut |line| out.line(line))
}

/// Shows the account line by line.
fn lines<E: From<Failure>>(
    store: &SqliteStore,
    account: AccountId,
    show: &mut dyn FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let mut result = show(&format!(r#"{{"popfetch":"account","format":{FORMAT}}}"#));
    let mut rows = 0_u64;
    let exported = store.export(account, &mut |table, record| {
        rows += 1;
        if result.is_ok() {
            result = show(&to_line(table, &record));
        }
    });
    exported.map_err(Failure::from)?;
    result?;
    show(&format!(r#"{{"rows":{rows}}}"#))
}

fn to_line(table: &str, record: &Record) -> String {
    let mut line = format!("{{\"{TABLE}\":{}", json!(table));
    for (name, cell) in record {
        let value = match cell {
            Cell::Number(number) => json!(number),
            Cell::Text(text) => json!(text),
            Cell::Octets(octets) => json!({ HEX: hex(octets) }),
        };
        line.push_str(&format!(",{}:{value}", json!(name)));
    }
    line.push('}');
    harmless(&line)
}

pub(super) fn import(options: &Import, out: &mut Output) -> Result<(), End> {
    let path = config::read(&options.files)?.state(&options.files)?;
    let mut rows = Rows::open(&options.file)?;
    let account = rows.account.clone();
    let store = match options.dry_run && !path.exists() {
        true => SqliteStore::in_memory()?,
        false => SqliteStore::open(&path)?,
    };
    // Nobody may fetch it meanwhile.
    let _held = (!options.dry_run)
        .then(|| store.hold(&account))
        .transpose()?;
    let known = match store.account(&account)? {
        Some(known) if store.messages(known)? > 0 => Some(known),
        _ => None,
    };
    let is_there = known.is_some();
    match known {
        Some(known) => rows.compare(&store, known)?,
        None => (store.take_in(&mut rows, options.dry_run)).map_err(|why| not_taken(&rows, why))?,
    }
    if out.is_json() {
        let fields = vec![
            ("messages", json!(rows.messages)),
            ("was_there", json!(is_there)),
            ("dry_run", json!(options.dry_run)),
        ];
        return out.event("imported", &account, fields);
    }
    let done = match (is_there, options.dry_run) {
        (true, _) => "was there already, with the same",
        (false, true) => "would be taken in, with",
        (false, false) => "was taken in, with",
    };
    let account = escape::text(&account);
    out.line(format!("{account} {done} {}", count(rows.messages)))
}

fn not_taken(rows: &Rows, why: NotTaken) -> Failure {
    match why {
        NotTaken::Records(why) => rows.wrong(&why),
        NotTaken::Store(error) => error.into(),
    }
}

/// The rows of a file, one by one.
struct Rows {
    lines: Box<dyn Iterator<Item = io::Result<String>>>,
    name: String,
    /// The line that was read last.
    line: u64,
    /// The account's own row, until it is asked for.
    first: Option<(String, Record)>,
    /// What the state knows the account by.
    account: String,
    messages: u64,
    has_ended: bool,
}

impl Rows {
    fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let input: Box<dyn BufRead> = match path == Path::new("-") {
            true => Box::new(BufReader::new(io::stdin())),
            false => Box::new(BufReader::new(File::open(path).map_err(|error| {
                Failure::new(Status::NoInput, format!("could not read {name}: {error}"))
            })?)),
        };
        let mut rows = Self {
            lines: Box::new(input.lines()),
            name,
            line: 0,
            first: None,
            account: String::new(),
            messages: 0,
            has_ended: false,
        };
        rows.begin().map_err(|why| rows.wrong(&why))?;
        Ok(rows)
    }

    /// Reads the format, and the row of the account.
    fn begin(&mut self) -> Result<(), String> {
        let head = self.object()?;
        if head.get("popfetch") != Some(&json!("account")) {
            return Err("it is not what `popfetch state export` prints".into());
        }
        match head.get("format").and_then(Value::as_i64) {
            Some(format) if format == i64::from(FORMAT) => {}
            Some(format) => return Err(format!("it has the format {format}, not {FORMAT}")),
            None => return Err("it tells no format".into()),
        }
        let (table, record) = self.row()?.ok_or("there is no account in it")?;
        let name = record.iter().find_map(|(name, cell)| match cell {
            Cell::Text(text) if name == "name" => Some(text.clone()),
            _ => None,
        });
        self.account = name
            .filter(|_| table == "account")
            .ok_or("its account does not come first")?;
        self.first = Some((table, record));
        Ok(())
    }

    /// The next line.
    fn object(&mut self) -> Result<Map<String, Value>, String> {
        self.line += 1;
        let line = (self.lines.next()).ok_or("it was cut off: its end is missing")?;
        let line = line.map_err(|error| error.to_string())?;
        serde_json::from_str(&line).map_err(|error| format!("it is no line of JSON: {error}"))
    }

    /// The next row; `None` at the end.
    fn row(&mut self) -> Result<Option<(String, Record)>, String> {
        let mut object = self.object()?;
        let Some(table) = object.remove(TABLE) else {
            let rows = object.get("rows").and_then(Value::as_u64);
            let rows = rows.ok_or("it is a row of no table")?;
            // The first and the last line are no rows.
            if rows != self.line - 2 {
                return Err(format!("it should have {rows} rows"));
            }
            return Ok(None);
        };
        let table = table.as_str().ok_or("it is a row of no table")?.to_owned();
        self.messages += u64::from(table == "message");
        let cells = object.into_iter().map(|(name, value)| {
            let cell = cell(&value).ok_or_else(|| format!("{name} has no value"))?;
            Ok((name, cell))
        });
        let mut record = cells.collect::<Result<Record, String>>()?;
        record.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Some((table, record)))
    }

    /// Checks that the account, as the state knows it, is the same.
    fn compare(&mut self, store: &SqliteStore, account: AccountId) -> Result<(), Failure> {
        let mut known = Vec::new();
        store.export(account, &mut |table, record| {
            known.push(to_line(table, &record));
        })?;
        let mut known = known.into_iter();
        loop {
            let line = match self.next() {
                None => None,
                Some(Ok((table, record))) => Some(to_line(&table, &record)),
                Some(Err(why)) => return Err(self.wrong(&why)),
            };
            match (line, known.next()) {
                (None, None) => return Ok(()),
                (line, known) if line == known => {}
                _ => return Err(is_known(&self.account)),
            }
        }
    }

    fn wrong(&self, why: &str) -> Failure {
        let message = format!("{}, line {}: {why}", self.name, self.line);
        Failure::new(Status::Configuration, message).hint("nothing was taken in")
    }
}

impl Iterator for Rows {
    type Item = Result<(String, Record), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let next = match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.row(),
        };
        self.has_ended = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

fn cell(value: &Value) -> Option<Cell> {
    match value {
        Value::Number(number) => number.as_i64().map(Cell::Number),
        Value::String(text) => Some(Cell::Text(text.clone())),
        Value::Object(object) => octets(object.get(HEX)?.as_str()?).map(Cell::Octets),
        _ => None,
    }
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => {
            let digit = |octet: &u8| char::from(*octet).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()
        }
        _ => None,
    });
    pairs.collect()
}

fn is_known(account: &str) -> Failure {
    Failure::new(
        Status::Configuration,
        format!("the state knows {account} already, and not the same of it"),
    )
    .hint("import it into another --state FILE; two accounts cannot become one")
}
