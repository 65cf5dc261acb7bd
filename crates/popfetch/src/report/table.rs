//! Rows of cells below each other, cut to the width of a terminal.

use console::{Alignment, pad_str, truncate_str};

/// What stands between two columns.
const GAP: &str = "  ";

/// How the columns of a table are laid out.
pub(crate) struct Table {
    columns: Vec<Column>,
    /// Whether cells that are too wide are cut. Where a program or a file gets them, they are not.
    cuts: bool,
}

struct Column {
    title: &'static str,
    width: usize,
    alignment: Alignment,
}

impl Table {
    pub(crate) fn new(cuts: bool) -> Self {
        Self {
            columns: Vec::new(),
            cuts,
        }
    }

    /// A column of numbers.
    #[must_use]
    pub(crate) fn number(self, title: &'static str, width: usize) -> Self {
        self.column(title, width.max(title.len()), Alignment::Right)
    }

    /// A column of text, which is cut rather than wider than this.
    #[must_use]
    pub(crate) fn text(self, title: &'static str, width: usize) -> Self {
        self.column(title, width, Alignment::Left)
    }

    fn column(mut self, title: &'static str, width: usize, alignment: Alignment) -> Self {
        self.columns.push(Column {
            title,
            width,
            alignment,
        });
        self
    }

    /// How much room the columns take so far, with the gap to the next.
    pub(crate) fn width(&self) -> usize {
        (self.columns.iter())
            .map(|column| column.width + GAP.len())
            .sum()
    }

    pub(crate) fn heading(&self) -> String {
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title).collect();
        self.row(&titles)
    }

    /// The row of these cells; those behind the last column are left out.
    pub(crate) fn row(&self, cells: &[impl AsRef<str>]) -> String {
        let cells: Vec<String> = (self.columns.iter().zip(cells))
            .map(|(column, cell)| self.cell(column, cell.as_ref()))
            .collect();
        cells.join(GAP).trim_end().into()
    }

    fn cell(&self, column: &Column, text: &str) -> String {
        let width = column.width;
        if self.cuts {
            let cut = truncate_str(text, width, "…");
            pad_str(&cut, width, column.alignment, None).into_owned()
        } else {
            pad_str(text, width, column.alignment, None).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cuts: bool) -> Table {
        Table::new(cuts).number("No.", 1).text("Subject", 8)
    }

    #[test]
    fn cells_are_aligned_by_what_is_seen_of_them() {
        let table = table(true);
        assert_eq!(table.heading(), "No.  Subject");
        assert_eq!(table.row(&["7", "short"]), "  7  short");
        assert_eq!(table.row(&["12345", "long enough"]), "12…  long en…");
        assert_eq!(table.row(&["1", "世界世界世界"]), "  1  世界世…");
        assert_eq!(table.width(), 15);
    }

    #[test]
    fn nothing_is_cut_where_nobody_looks() {
        assert_eq!(
            table(false).row(&["12345", "long enough"]),
            "12345  long enough"
        );
    }
}
