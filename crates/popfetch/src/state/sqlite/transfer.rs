//! All that is known of one account, row by row, to be taken to another store.

use std::collections::HashMap;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row as SqlRow, params_from_iter};

use super::SqliteStore;
use super::apply::Targets;
use super::group::Trouble;
use super::moving::{messages, remove};
use crate::state::{AccountId, StateError, Target};

/// A row of a table: each column that has a value, by its name, ordered by that.
pub(crate) type Record = Vec<(String, Cell)>;

/// The value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Number(i64),
    Text(String),
    Octets(Vec<u8>),
}

/// A table, and the column of others that has its rows' numbers.
const TARGET: &str = "target";

/// The tables that have rows of an account, in an order in which what a row refers to stands before
/// it; and its rows, in an order that is the same in every store.
const TABLES: [(&str, &str); 7] = [
    ("account", "SELECT name, uid FROM account WHERE id = ?"),
    ("facts", "SELECT * FROM facts WHERE account = ?"),
    (
        "quirk",
        "SELECT * FROM quirk WHERE account = ? ORDER BY name",
    ),
    (
        "target",
        "SELECT * FROM target WHERE id IN (SELECT target FROM copy WHERE account = ?1
         UNION SELECT target FROM marker WHERE account = ?1) ORDER BY kind, location",
    ),
    (
        "marker",
        "SELECT marker.* FROM marker JOIN target ON target.id = marker.target
         WHERE account = ? ORDER BY kind, location",
    ),
    (
        "message",
        "SELECT * FROM message WHERE account = ? ORDER BY identity, occurrence",
    ),
    (
        "copy",
        "SELECT copy.* FROM copy JOIN target ON target.id = copy.target
         WHERE account = ? ORDER BY identity, occurrence, kind, location",
    ),
];

/// Why rows are not taken in.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// They are none that this store could have.
    Records(String),
    Store(StateError),
}

impl SqliteStore {
    /// Shows all rows of the account to `visit`, with the tables that they are of, as they are at
    /// one moment. Targets, which have other numbers in each store, are counted from 1.
    pub(crate) fn export(
        &self,
        account: AccountId,
        visit: &mut dyn FnMut(&'static str, Record),
    ) -> Result<(), StateError> {
        self.ask(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let mut targets = HashMap::new();
            for (table, query) in TABLES {
                let mut statement = snapshot.prepare(query)?;
                let names = statement.column_names();
                let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
                let mut rows = statement.query([account.0])?;
                while let Some(row) = rows.next()? {
                    visit(table, record(row, table, &names, &mut targets)?);
                }
            }
            snapshot.finish()
        })
    }

    /// Takes in rows as [`export`](Self::export) shows them, all or none; with `dry_run` none, and
    /// only looks whether they can be. An account of the same name of which no message is known
    /// goes; somebody who has it must ask for this.
    pub(crate) fn take_in(
        &self,
        records: &mut dyn Iterator<Item = Result<(String, Record), String>>,
        dry_run: bool,
    ) -> Result<(), NotTaken> {
        let taken = self.connection.write(|connection| {
            let mut intake = Intake {
                connection,
                account: None,
                targets: HashMap::new(),
                columns: HashMap::new(),
            };
            for record in records {
                let (table, record) = record.map_err(Stopped::Records)?;
                intake.take(&table, record)?;
            }
            match (intake.account, dry_run) {
                (None, _) => Err(Stopped::Records("there is no account in it".into())),
                (_, true) => Err(Stopped::OnlyTried),
                (_, false) => Ok(()),
            }
        });
        match taken {
            Ok(()) | Err(Stopped::OnlyTried) => Ok(()),
            Err(Stopped::Records(why)) => Err(NotTaken::Records(why)),
            Err(Stopped::Trouble(trouble)) => Err(NotTaken::Store(self.failed(trouble))),
        }
    }
}

/// Why nothing was written in the end.
enum Stopped {
    Records(String),
    OnlyTried,
    Trouble(Trouble),
}

impl From<Trouble> for Stopped {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Records(error.to_string()),
            _ => Self::Trouble(error.into()),
        }
    }
}

/// A row without its account, and with its target by the number that `targets` gives it.
fn record(
    row: &SqlRow<'_>,
    table: &str,
    names: &[String],
    targets: &mut HashMap<i64, i64>,
) -> rusqlite::Result<Record> {
    let mut record = Record::new();
    for (column, name) in names.iter().enumerate() {
        let cell = match row.get_ref(column)? {
            _ if name == "account" => continue,
            ValueRef::Null => continue,
            ValueRef::Integer(id) if name == TARGET || table == TARGET => {
                let next = targets.len() as i64 + 1;
                Cell::Number(*targets.entry(id).or_insert(next))
            }
            ValueRef::Integer(number) => Cell::Number(number),
            ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(octets) => Cell::Octets(octets.to_vec()),
            // No table has any.
            ValueRef::Real(_) => continue,
        };
        record.push((name.clone(), cell));
    }
    // Columns that came with a later format stand elsewhere in files that had an earlier one.
    record.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(record)
}

/// What is being taken in.
struct Intake<'a> {
    connection: &'a Connection,
    account: Option<AccountId>,
    /// The numbers that targets have here, by those that they had there.
    targets: HashMap<i64, i64>,
    /// The names of the columns that tables have here.
    columns: HashMap<&'static str, Vec<String>>,
}

impl Intake<'_> {
    fn take(&mut self, table: &str, record: Record) -> Result<(), Stopped> {
        let Some((table, _)) = TABLES.iter().find(|(known, _)| *known == table) else {
            return Err(Stopped::Records(format!("{table} is no table of a state")));
        };
        match (*table, self.account) {
            ("account", None) => self.account = Some(self.meet(&record)?),
            ("account", Some(_)) => {
                return Err(Stopped::Records(
                    "there is more than one account in it".into(),
                ));
            }
            (_, None) => return Err(Stopped::Records("its account does not come first".into())),
            (TARGET, _) => self.target(record)?,
            (_, Some(account)) => {
                let mut record = self.with_target(record)?;
                record.push(("account".into(), Cell::Number(account.0)));
                self.insert(table, &record)?;
            }
        }
        Ok(())
    }

    /// The account, which no message may be known of yet.
    fn meet(&mut self, record: &Record) -> Result<AccountId, Stopped> {
        let (mut name, mut uid) = (None, None);
        for (column, cell) in record {
            match (column.as_str(), cell) {
                ("name", Cell::Text(text)) => name = Some(text.clone()),
                ("uid", Cell::Octets(octets)) => uid = Some(octets.clone()),
                _ => return Err(Stopped::Records(format!("an account has no {column}"))),
            }
        }
        let (Some(name), Some(uid)) = (name, uid) else {
            return Err(Stopped::Records("its account has no name or no uid".into()));
        };
        let select = "SELECT id, name FROM account WHERE name = ? OR uid = ?";
        let same = (self.connection)
            .query_row(select, (&name, &uid), |row| {
                Ok((AccountId(row.get(0)?), row.get::<_, String>(1)?))
            })
            .optional()?;
        if let Some((account, known)) = same {
            if known != name || messages(self.connection, account)? > 0 {
                return Err(Stopped::Records(format!(
                    "the state knows it already, as {known}"
                )));
            }
            remove(self.connection, account)?;
        }
        self.insert("account", record)?;
        Ok(AccountId(self.connection.last_insert_rowid()))
    }

    fn target(&mut self, mut record: Record) -> Result<(), Stopped> {
        let number = record.iter().position(|(column, _)| column == "id");
        let Some((_, Cell::Number(there))) = number.map(|at| record.remove(at)) else {
            return Err(Stopped::Records("a target has no number".into()));
        };
        let [(_, Cell::Text(kind)), (_, Cell::Octets(location))] = &record[..] else {
            return Err(Stopped::Records(
                "a target has no kind or no location".into(),
            ));
        };
        let target = Target {
            kind: kind.clone(),
            location: location.clone(),
        };
        let here = Targets::default().number(self.connection, &target)?;
        self.targets.insert(there, here);
        Ok(())
    }

    fn with_target(&self, mut record: Record) -> Result<Record, Stopped> {
        for (column, cell) in &mut record {
            if let (TARGET, Cell::Number(number)) = (column.as_str(), cell) {
                let here = self.targets.get(number);
                *number = *here.ok_or_else(|| {
                    Stopped::Records(format!("there is no target {number} in it"))
                })?;
            }
        }
        Ok(record)
    }

    /// Writes a row of a table, whose columns are asked for: other names are no part of any query.
    fn insert(&mut self, table: &'static str, record: &Record) -> Result<(), Stopped> {
        if !self.columns.contains_key(table) {
            let mut statement = self
                .connection
                .prepare("SELECT name FROM pragma_table_info(?)")?;
            let known = statement.query_map([table], |row| row.get(0))?;
            let known = known.collect::<rusqlite::Result<_>>()?;
            self.columns.insert(table, known);
        }
        let known = &self.columns[table];
        if let Some((column, _)) = record.iter().find(|(column, _)| !known.contains(column)) {
            return Err(Stopped::Records(format!("{table} has no column {column}")));
        }
        let columns: Vec<&str> = record.iter().map(|(column, _)| &**column).collect();
        let values = vec!["?"; columns.len()].join(", ");
        let insert = format!(
            "INSERT INTO {table} ({}) VALUES ({values})",
            columns.join(", ")
        );
        let cells = record.iter().map(|(_, cell)| match cell {
            Cell::Number(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Cell::Octets(octets) => ToSqlOutput::Borrowed(ValueRef::Blob(octets)),
        });
        (self.connection.prepare_cached(&insert)?).execute(params_from_iter(cells))?;
        Ok(())
    }
}
