//! `docs/interop.md`, whose tables the tests write, or compare with what they have seen.

use std::{
    env,
    fs::File,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::Product;

/// Set, the tests write what they see into the page instead of comparing it.
const WRITE: &str = "INTEROP_WRITE_TABLES";

/// Asserts that the page says this of a product in this row.
///
/// # Panics
///
/// When it says something else, or cannot be read.
#[track_caller]
pub fn assert_says(row: &str, product: Product, seen: &str) {
    let writes = env::var_os(WRITE).is_some();
    let page = path();
    let mut file = File::options()
        .read(true)
        .write(writes)
        .open(&page)
        .unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let text = read_locked(&mut file, writes).expect("the page can be read");
    let cell = Cell::find(&text, row, &product.to_string())
        .unwrap_or_else(|| panic!("no table of {} has a row {row:?}", page.display()));
    if cell.text == seen {
        return;
    }
    assert!(
        writes,
        "with {product}, {row:?} is {seen:?}; {} says {:?} ({WRITE}=1 writes it anew)",
        page.display(),
        cell.text,
    );
    let (before, after) = (&text[..cell.start], &text[cell.start + cell.text.len()..]);
    write(&mut file, &[before, seen, after]).expect("the page can be written");
}

/// What the page says of a product in this row.
///
/// # Panics
///
/// When it cannot be read, or has no such row.
#[must_use]
pub fn says(row: &str, product: Product) -> String {
    let mut file = File::open(path()).expect("the page is there");
    let text = read_locked(&mut file, false).expect("the page can be read");
    let cell = Cell::find(&text, row, &product.to_string());
    cell.expect("the page has such a row").text.to_owned()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/interop.md")
}

/// The lock is held until the file is closed: tests run beside each other.
fn read_locked(file: &mut File, exclusively: bool) -> io::Result<String> {
    match exclusively {
        true => file.lock()?,
        false => file.lock_shared()?,
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn write(file: &mut File, parts: &[&str]) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(parts.concat().as_bytes())
}

/// A cell of a table, without the spaces around it.
#[derive(Debug, PartialEq, Eq)]
struct Cell<'a> {
    start: usize,
    text: &'a str,
}

impl<'a> Cell<'a> {
    /// The cell at `row`, which is what stands in the first column, and `column`, in the head.
    fn find(page: &'a str, row: &str, column: &str) -> Option<Self> {
        let mut head: Vec<&str> = Vec::new();
        let mut start = 0;
        for line in page.split_inclusive('\n') {
            let cells: Vec<Cell<'_>> = cells(line, start).collect();
            match cells.first() {
                None => head.clear(),
                Some(_) if head.is_empty() => head = cells.iter().map(|cell| cell.text).collect(),
                Some(first) if first.text == row => {
                    let index = head.iter().position(|head| *head == column)?;
                    return cells.into_iter().nth(index);
                }
                Some(_) => {}
            }
            start += line.len();
        }
        None
    }
}

/// The cells of a line of a table; none of any other line.
fn cells(line: &str, start: usize) -> impl Iterator<Item = Cell<'_>> {
    let inner = line
        .strip_prefix('|')
        .and_then(|line| line.trim_end().strip_suffix('|'));
    let mut start = start + 1;
    let cells = inner.into_iter().flat_map(|inner| inner.split('|'));
    cells.map(move |cell| {
        let indent = cell.len() - cell.trim_start().len();
        let found = Cell {
            start: start + indent,
            text: cell.trim(),
        };
        start += cell.len() + 1;
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Head\n\n| a | x | y |\n|---|---|---|\n| one | 1 | 2 |\n\n| b | y |\n|---|---|\n| two | `3` |\n";

    #[test]
    fn a_cell_is_found_by_its_row_and_column() {
        for (row, column, text) in [("one", "x", "1"), ("one", "y", "2"), ("two", "y", "`3`")] {
            let cell = Cell::find(PAGE, row, column).unwrap();
            assert_eq!(cell.text, text);
            assert!(PAGE[cell.start..].starts_with(text));
        }
        for (row, column) in [("two", "x"), ("three", "y"), ("# Head", "y")] {
            assert_eq!(Cell::find(PAGE, row, column), None);
        }
    }

    #[test]
    fn every_cell_has_been_written_by_a_test() {
        let mut page = File::open(path()).unwrap();
        let text = read_locked(&mut page, false).unwrap();
        let unwritten: Vec<&str> = (text.lines())
            .filter(|line| cells(line, 0).any(|cell| ["", "?"].contains(&cell.text)))
            .collect();
        // While it is written anew, other tests are still to come.
        assert!(
            env::var_os(WRITE).is_some() || unwritten.is_empty(),
            "{}",
            unwritten.join("\n")
        );
    }
}
