//! The values of statements: a cell is one value of a row, and is bound as a parameter of either driver.

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, Encode, Type};
use std::sync::Arc;
use uuid::Uuid;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Int,
    Text,
    Bool,
}

/// The columns of a statement: their names and types.
pub(super) type Columns = &'static [(&'static str, Kind)];

impl Kind {
    /// The column's type in PostgreSQL.
    pub(super) fn postgres(self) -> &'static str {
        match self {
            Kind::Id => "uuid",
            Kind::Int => "bigint",
            Kind::Text => "text",
            Kind::Bool => "boolean",
        }
    }
}

/// One value.
#[derive(Clone, Debug)]
pub enum Cell {
    /// A UUID.
    Id(Option<Uuid>),
    /// A number, a time in milliseconds, a code.
    Int(Option<i64>),
    /// Text, also JSON.
    Text(Option<Arc<str>>),
    /// A truth value.
    Bool(Option<bool>),
}

impl Cell {
    pub(super) fn null(kind: Kind) -> Cell {
        match kind {
            Kind::Id => Cell::Id(None),
            Kind::Int => Cell::Int(None),
            Kind::Text => Cell::Text(None),
            Kind::Bool => Cell::Bool(None),
        }
    }
}

impl From<Uuid> for Cell {
    fn from(value: Uuid) -> Cell {
        Cell::Id(Some(value))
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Cell {
        Cell::Int(Some(value))
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Cell {
        Cell::Bool(Some(value))
    }
}

impl From<Arc<str>> for Cell {
    fn from(value: Arc<str>) -> Cell {
        Cell::Text(Some(value))
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Cell {
        Cell::Text(Some(value.into()))
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Cell {
        Cell::Text(Some(value.into()))
    }
}

/// Encoding these types cannot fail. If it did, the argument would be missing and the statement would fail.
fn add<A: Arguments, T: for<'t> Encode<'t, A::Database> + Type<A::Database>>(arguments: &mut A, value: T) {
    let _ = arguments.add(value);
}

pub(super) fn sqlite<'a>(arguments: &mut SqliteArguments, cells: impl Iterator<Item = &'a Cell>) {
    cells.for_each(|cell| one(arguments, cell));
}

pub(super) fn postgres(cells: &[Cell]) -> PgArguments {
    let mut arguments = PgArguments::default();
    for cell in cells {
        one(&mut arguments, cell);
    }
    arguments
}

fn one<A>(arguments: &mut A, cell: &Cell)
where
    A: Arguments,
    Option<Uuid>: for<'t> Encode<'t, A::Database> + Type<A::Database>,
    Option<i64>: for<'t> Encode<'t, A::Database> + Type<A::Database>,
    Option<bool>: for<'t> Encode<'t, A::Database> + Type<A::Database>,
    Option<Arc<str>>: for<'t> Encode<'t, A::Database> + Type<A::Database>,
{
    match cell {
        Cell::Id(value) => add(arguments, *value),
        Cell::Int(value) => add(arguments, *value),
        Cell::Bool(value) => add(arguments, *value),
        Cell::Text(value) => add(arguments, value.clone()),
    }
}

/// Binds a batch of rows as one array per column.
pub(super) fn columns(
    arguments: &mut PgArguments,
    cells: &[Cell],
    kinds: impl ExactSizeIterator<Item = Kind>,
) {
    let width = kinds.len();
    for (i, kind) in kinds.enumerate() {
        let column = || cells.iter().skip(i).step_by(width);
        match kind {
            Kind::Id => add(arguments, column().map(id).collect::<Vec<_>>()),
            Kind::Int => add(arguments, column().map(int).collect::<Vec<_>>()),
            Kind::Bool => add(arguments, column().map(truth).collect::<Vec<_>>()),
            Kind::Text => {
                let texts: Vec<Option<&str>> = column().map(text).collect();
                let _ = arguments.add(texts);
            }
        }
    }
}

fn id(cell: &Cell) -> Option<Uuid> {
    if let Cell::Id(value) = cell { *value } else { None }
}

fn int(cell: &Cell) -> Option<i64> {
    if let Cell::Int(value) = cell { *value } else { None }
}

fn truth(cell: &Cell) -> Option<bool> {
    if let Cell::Bool(value) = cell {
        *value
    } else {
        None
    }
}

fn text(cell: &Cell) -> Option<&str> {
    if let Cell::Text(value) = cell {
        value.as_deref()
    } else {
        None
    }
}
