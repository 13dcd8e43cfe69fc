//! An SQL text that is built from parts and values, and the parts that many such texts share.

use super::bind::Cell;
use std::fmt::Write;
use uuid::Uuid;

/// An SQL text that is built from parts and values.
#[derive(Clone, Default)]
pub struct Sql {
    pub(super) text: String,
    pub(super) cells: Vec<Cell>,
}

impl Sql {
    /// Begins with a text.
    pub fn new(text: &str) -> Sql {
        Sql {
            text: text.to_owned(),
            cells: Vec::new(),
        }
    }

    /// Appends a text.
    pub fn push(&mut self, text: &str) -> &mut Sql {
        self.text.push_str(text);
        self
    }

    /// Appends a value as a parameter.
    pub fn bind(&mut self, cell: impl Into<Cell>) -> &mut Sql {
        self.cells.push(cell.into());
        let _ = write!(self.text, "${}", self.cells.len());
        self
    }

    /// Appends values with commas between them.
    pub fn bind_all<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Sql {
        for (i, cell) in cells.into_iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            self.bind(cell);
        }
        self
    }

    /// Appends the condition that a column has one of these ids, if there is a list.
    pub(super) fn among<I: Copy + Into<Uuid>>(&mut self, column: &str, ids: Option<&[I]>) -> &mut Sql {
        if let Some(ids) = ids {
            self.push(" and ").push(column).push(" in (");
            self.bind_all(ids.iter().map(|id| (*id).into())).push(")");
        }
        self
    }

    /// A text before this one.
    pub(super) fn after_text(&self, text: &str) -> Sql {
        Sql {
            text: format!("{text}{}", self.text),
            cells: self.cells.clone(),
        }
    }

    /// Appends the end of a query for a page: the rows in the order of a column, after `after` if there is a previous
    /// page.
    pub(super) fn page(&mut self, column: &str, after: Option<Uuid>, limit: i64) -> &mut Sql {
        if let Some(after) = after {
            self.after(column, after);
        }
        self.push(" order by ").push(column).limit(limit)
    }

    /// Appends the condition that a column is greater than a value.
    pub(super) fn after(&mut self, column: &str, value: impl Into<Cell>) -> &mut Sql {
        self.push(" and ").push(column).push(" > ").bind(value)
    }

    /// Appends the limit of rows.
    pub(super) fn limit(&mut self, rows: i64) -> &mut Sql {
        self.push(" limit ").bind(rows)
    }
}
