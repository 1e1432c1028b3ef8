//! Answers for people: tables whose columns are as wide as they must be, and lists of facts. Pure.

use std::fmt::Write as _;

/// A table with a head.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    /// One row more, with as many cells as there are columns.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(|cell| plain(&cell)).collect());
    }

    /// The text, or `nothing` in place of a table without rows. A column of which no row has anything is left out.
    pub fn text(&self, nothing: &str) -> String {
        if self.rows.len() == 1 {
            return format!("{nothing}\n");
        }
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let says_something = |column: &usize| self.rows.iter().skip(1).any(|row| !row[*column].is_empty());
        let columns: Vec<(usize, usize)> =
            (0..self.rows[0].len()).filter(says_something).map(|column| (column, width(column))).collect();
        let mut text = String::new();
        for row in &self.rows {
            let line: String = columns.iter().map(|&(column, width)| format!("{:width$}  ", row[column])).collect();
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Facts about one thing, a line each.
#[derive(Default)]
pub struct Detail {
    lines: Vec<(&'static str, String)>,
}

impl Detail {
    /// One more; nothing if it is empty.
    #[must_use]
    pub fn line(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.lines.push((name, value));
        }
        self
    }

    /// The text. A name that is the same as the one above it is left out.
    pub fn text(&self) -> String {
        let width = self.lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let mut text = String::new();
        let mut above = "";
        for (name, value) in &self.lines {
            let shown = if *name == above { "" } else { name };
            writeln!(text, "{shown:width$}  {}", plain(value)).expect("a string takes all text");
            above = name;
        }
        text
    }
}

/// Without what would move the cursor of a terminal: names that somebody chose are in it.
fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}
