//! Fixed statements over a batch of rows. The rows become the common table expression `v`. The databases differ only
//! there: SQLite takes a list of values, padded to a few lengths so that there are few prepared texts; PostgreSQL takes
//! one array of rows, or one array per column. The text after that is shared.

use super::bind::{Cell, Columns};
use super::link::Dialect;
use foldhash::HashMap;
use std::{fmt::Write, sync::Arc};
use uuid::Uuid;

/// The composite types of rows in PostgreSQL's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowType {
    Task,
    Notification,
    Stream,
    Entry,
    Op,
}

impl RowType {
    pub(super) const ALL: [RowType; 5] = [
        RowType::Task,
        RowType::Notification,
        RowType::Stream,
        RowType::Entry,
        RowType::Op,
    ];

    /// The type's name in the schema.
    pub(super) fn name(self) -> &'static str {
        match self {
            RowType::Task => "task_row_3",
            RowType::Notification => "notification_row",
            RowType::Stream => "stream_row",
            RowType::Entry => "entry_row",
            RowType::Op => "op_row",
        }
    }
}

/// A statement over a batch of rows. In its body
/// - `{rows}` is the filter that drops the padding;
/// - `{postgres:…}` is for PostgreSQL alone: locks, because others write there too, and full-text search;
/// - `{sqlite:…}` is for SQLite alone: keys that are separate tables there;
/// - `{advanced}` is what the part that advances streams returns, when several parts are joined into one statement.
pub struct Statement {
    pub(super) columns: Columns,
    pub(super) body: &'static str,
    /// The composite type of its rows in PostgreSQL; without one they are sent as one array per column.
    pub(super) row: Option<RowType>,
}

pub(super) const fn statement(columns: Columns, body: &'static str) -> Statement {
    Statement {
        columns,
        body,
        row: None,
    }
}

/// A statement whose rows have a composite type: one that every group runs.
pub(super) const fn statement_of(row: RowType, columns: Columns, body: &'static str) -> Statement {
    Statement {
        columns,
        body,
        row: Some(row),
    }
}

impl Statement {
    /// The table that the statement writes, if it writes one.
    pub(super) fn writes(&self) -> Option<&'static str> {
        let verbs = ["insert into ", "update ", "delete from "];
        let rest = verbs.iter().find_map(|verb| self.body.strip_prefix(verb))?;
        rest.split_whitespace().next()
    }
}

/// How many rows one statement takes at most.
pub(super) const ROWS: usize = 512;

/// The rows of one statement, cell after cell.
#[derive(Default)]
pub struct Batch {
    pub(super) cells: Vec<Cell>,
}

impl Batch {
    /// A batch of these rows.
    pub fn of<const N: usize>(rows: impl IntoIterator<Item = [Cell; N]>) -> Batch {
        Batch {
            cells: rows.into_iter().flatten().collect(),
        }
    }

    /// A batch of rows that have only an id.
    pub(super) fn ids<I: Into<Uuid>>(ids: impl IntoIterator<Item = I>) -> Batch {
        Batch::of(ids.into_iter().map(|id| [Cell::Id(Some(id.into()))]))
    }

    /// Whether the batch has no rows.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Splits the batch into parts of at most [`ROWS`] rows. An empty batch has no parts.
    pub(super) fn chunks(self, statement: &Statement) -> Vec<Batch> {
        let cells = ROWS * statement.columns.len();
        if self.cells.len() <= cells {
            return if self.is_empty() { Vec::new() } else { vec![self] };
        }
        self.cells
            .chunks(cells)
            .map(|cells| Batch {
                cells: cells.to_vec(),
            })
            .collect()
    }

    pub(super) fn rows(&self, statement: &Statement) -> usize {
        self.cells.len() / statement.columns.len()
    }

    /// Adds rows of nulls, which the statement's filter drops. Returns the new number of rows.
    pub(super) fn pad(&mut self, statement: &Statement) -> usize {
        let rows = padded(self.rows(statement));
        let width = statement.columns.len();
        self.cells.reserve(rows * width - self.cells.len());
        while self.cells.len() < rows * width {
            self.cells
                .push(Cell::null(statement.columns[self.cells.len() % width].1));
        }
        rows
    }
}

/// Rounds a number of rows up to one for which a text exists.
fn padded(rows: usize) -> usize {
    match rows {
        0..=2 => rows,
        3..=16 => rows.next_multiple_of(4),
        17..=64 => rows.next_multiple_of(16),
        _ => rows.next_multiple_of(64),
    }
}

/// SQLite's texts by statement and row count.
#[derive(Default)]
pub(super) struct Texts(HashMap<(&'static str, usize), Arc<str>>);

impl Texts {
    pub(super) fn get(&mut self, statement: &'static Statement, rows: usize) -> Arc<str> {
        self.0
            .entry((statement.body, rows))
            .or_insert_with(|| text(statement, rows).into())
            .clone()
    }
}

/// The statement for SQLite, with a list of this many rows.
pub(super) fn text(statement: &Statement, rows: usize) -> String {
    let first = statement.columns[0].0;
    let body = choose(statement.body, Dialect::Sqlite)
        .replace("{rows}", &format!("v.{first} is not null"))
        // any error ends the whole transaction anyway, so SQLite needs no journal to undo only this statement
        .replacen("insert into", "insert or rollback into", 1);
    let (names, values) = (names(statement), values(statement.columns.len(), rows));
    format!("with v({names}) as ({values}) {body}")
}

/// Joins statements into one for PostgreSQL: all but the last are common table expressions that write. The arrays are
/// its arguments, in the same order.
pub(super) fn joined(statements: &[&Statement], row_type: fn(&Statement) -> Option<RowType>) -> String {
    let mut text = "with ".to_owned();
    let mut before = 0;
    let advances = |statement: &&Statement| statement.writes() == Some("streams");
    let advanced = format!("w{}", statements.iter().position(advances).unwrap_or_default());
    for (i, statement) in statements.iter().enumerate() {
        let types: Vec<&str> = match row_type(statement) {
            Some(row) => vec![row.name()],
            None => statement
                .columns
                .iter()
                .map(|(_, kind)| kind.postgres())
                .collect(),
        };
        let arrays = types.into_iter().map(|name| {
            before += 1;
            format!("${before}::{name}[]")
        });
        let arrays = join(arrays);
        let rows = format!("v({}) as (select * from unnest({arrays}))", names(statement));
        let body = choose(statement.body, Dialect::Postgres)
            .replace("{rows}", "true")
            .replace("{advanced}", &advanced);
        let _ = if i + 1 < statements.len() {
            writeln!(text, "w{i} as (with {rows} {body}),")
        } else {
            write!(text, "{rows} {body}")
        };
    }
    text
}

/// The types of the arrays that a prepared statement of PostgreSQL takes.
pub(super) fn declared(statement: &Statement) -> String {
    join(
        statement
            .columns
            .iter()
            .map(|(_, kind)| format!("{}[]", kind.postgres())),
    )
}

fn names(statement: &Statement) -> String {
    join(statement.columns.iter().map(|(name, _)| (*name).to_owned()))
}

/// The body's text for this database.
fn choose(body: &str, dialect: Dialect) -> String {
    let mut chosen = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('{') {
        chosen.push_str(before);
        let (block, after) = after.split_once('}').unwrap_or((after, ""));
        match (block.split_once(':'), dialect) {
            (Some(("postgres", text)), Dialect::Postgres) | (Some(("sqlite", text)), Dialect::Sqlite) => {
                chosen.push_str(text);
            }
            (Some(_), _) => {}
            (None, _) => chosen.extend(["{", block, "}"]),
        }
        rest = after;
    }
    chosen + rest
}

/// The list of values. It has bare `?`: in a text of several statements, `$n` would start again in each of them and
/// bind the wrong values.
fn values(width: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; width].join(","));
    format!("values {}", vec![row.as_str(); rows].join(","))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
