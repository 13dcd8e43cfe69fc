//! PostgreSQL's writes that wait for one another: they travel as one statement, whose parts are common tables that write.
//! Each statement of its own costs a round trip, which is as much work as a few rows. Does not know what they write.

use super::bind;
use super::composite::RowTypes;
use super::statement::{Batch, Statement, joined};
use super::streams::VALIDATE;
use foldhash::HashMap;
use sqlx::postgres::PgArguments;
use std::sync::Arc;

/// Joined texts kept; they are few, and this bounds what odd groups leave behind.
const JOINED: usize = 256;

/// What waits, and the texts of what waited before.
#[derive(Default)]
pub(super) struct Together {
    /// PostgreSQL is still to be told of the transaction.
    begins: bool,
    /// The sum of the seqs to which what waits has to bring streams.
    validates: Option<i64>,
    statements: Vec<&'static Statement>,
    arguments: PgArguments,
    texts: HashMap<Vec<&'static str>, Arc<str>>,
    types: RowTypes,
}

impl Together {
    /// Nothing waits yet, on a connection to the database with these types.
    pub(super) fn new(types: RowTypes) -> Together {
        Together {
            types,
            ..Together::default()
        }
    }

    /// Whether this may travel with what waits: parts of one statement do not see what the others wrote, nor may two of
    /// them write one row. So there is one for each table, unless `apart` says that all writes are of different rows; and
    /// what reads comes later.
    pub(super) fn admits(&self, statement: &Statement, apart: bool) -> bool {
        let table = statement.writes();
        table.is_some() && (apart || self.statements.iter().all(|other| other.writes() != table))
    }

    /// Whether something that waits is a write.
    pub(super) fn writes(&self) -> bool {
        self.statements
            .iter()
            .any(|statement| statement.writes().is_some())
    }

    pub(super) fn push(&mut self, statement: &'static Statement, batch: &Batch) {
        self.statements.push(statement);
        let (arguments, columns) = (&mut self.arguments, statement.columns);
        match statement.row {
            Some(row) => self.types.add(arguments, row, columns, &batch.cells),
            None => bind::columns(arguments, &batch.cells, columns.iter().map(|(_, kind)| *kind)),
        }
    }

    /// Lets the transaction's beginning wait.
    pub(super) fn begin(&mut self) {
        self.begins = true;
    }

    /// Whether the transaction's beginning waits: nothing was sent yet.
    pub(super) fn begins(&self) -> bool {
        self.begins
    }

    /// Whether the transaction's beginning waited; it is left to the caller.
    pub(super) fn take_beginning(&mut self) -> bool {
        std::mem::take(&mut self.begins)
    }

    /// What waits must bring streams to seqs of this sum.
    pub(super) fn validate(&mut self, seqs: i64) {
        self.validates = Some(seqs);
    }

    /// What waits, as one statement.
    pub(super) fn take(&mut self) -> Option<(Arc<str>, PgArguments)> {
        if let Some(seqs) = self.validates.take() {
            self.push(&VALIDATE, &Batch::of([[seqs.into()]]));
        }
        if self.statements.is_empty() {
            return None;
        }
        let key: Vec<_> = self.statements.iter().map(|statement| statement.body).collect();
        if self.texts.len() >= JOINED && !self.texts.contains_key(&key) {
            self.texts.clear();
        }
        let statements = std::mem::take(&mut self.statements);
        let text = self
            .texts
            .entry(key)
            .or_insert_with(|| joined(&statements).into());
        Some((text.clone(), std::mem::take(&mut self.arguments)))
    }

    /// Nothing waits any more; true if the transaction's beginning did.
    pub(super) fn clear(&mut self) -> bool {
        self.statements.clear();
        self.arguments = PgArguments::default();
        self.validates = None;
        self.take_beginning()
    }
}

#[cfg(test)]
mod tests {
    use super::super::bind::Kind::{Id, Text};
    use super::super::statement::statement;
    use super::*;

    static ONE: Statement = statement(
        &[("id", Id)],
        "insert into one (id) select id from v where {rows}",
    );
    static TWO: Statement = statement(
        &[("id", Id), ("name", Text)],
        "update two set name = v.name from v where two.id = v.id",
    );
    static READ: Statement = statement(
        &[("id", Id)],
        "select one.id from v cross join one where one.id = v.id",
    );

    #[test]
    fn writes_of_several_tables_are_one_statement() {
        let mut together = Together::default();
        together.push(&ONE, &Batch::default());
        assert!(together.admits(&TWO, false));
        together.push(&TWO, &Batch::default());
        let (text, _) = together.take().expect("two wait");
        assert_eq!(
            &*text,
            "with w0 as (with v(id) as (select * from unnest($1::uuid[])) \
             insert into one (id) select id from v where true),\n\
             v(id, name) as (select * from unnest($2::uuid[], $3::text[])) \
             update two set name = v.name from v where two.id = v.id"
        );
        assert!(together.take().is_none());
    }

    #[test]
    fn a_table_written_twice_and_a_read_come_later() {
        let mut together = Together::default();
        together.push(&ONE, &Batch::default());
        assert!(!together.admits(&ONE, false));
        assert!(together.admits(&ONE, true));
        assert!(!together.admits(&READ, true));
    }
}
