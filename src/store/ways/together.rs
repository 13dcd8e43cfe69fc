//! The queue of PostgreSQL's writes, which are sent as one statement. Its parts are common table expressions that
//! write. Each further statement would cost a round trip, as much work as a few rows. Does not know what they write.

use super::composite::{RowTypes, row_type};
use crate::store::bind;
use crate::store::statement::{Batch, Statement, joined};
use foldhash::HashMap;
use sqlx::postgres::PgArguments;
use std::sync::Arc;

/// How many joined texts are kept. They are few; this bounds what unusual groups leave behind.
const JOINED: usize = 256;

/// The queued statements, and the texts of earlier queues.
#[derive(Default)]
pub(in crate::store) struct Together {
    /// `begin` is queued.
    begins: bool,
    /// The statement that checks the sum of the advanced streams' seqs, and the expected sum.
    validates: Option<(&'static Statement, i64)>,
    statements: Vec<&'static Statement>,
    arguments: PgArguments,
    texts: HashMap<Vec<&'static str>, Arc<str>>,
    types: RowTypes,
}

impl Together {
    /// An empty queue. The connection's database has these types.
    pub(in crate::store) fn new(types: RowTypes) -> Together {
        Together {
            types,
            ..Together::default()
        }
    }

    /// Whether a statement may be sent with the queued ones. The parts of one statement do not see each other's writes,
    /// and two of them must not write the same row. So a table has one part, unless `apart` says that all writes are of
    /// different rows. A statement that reads is sent later.
    pub(in crate::store) fn admits(&self, statement: &Statement, apart: bool) -> bool {
        let table = statement.writes();
        table.is_some() && (apart || self.statements.iter().all(|other| other.writes() != table))
    }

    /// Whether one of the queued statements writes.
    pub(in crate::store) fn writes(&self) -> bool {
        self.statements
            .iter()
            .any(|statement| statement.writes().is_some())
    }

    pub(in crate::store) fn push(&mut self, statement: &'static Statement, batch: &Batch) {
        self.statements.push(statement);
        let (arguments, columns) = (&mut self.arguments, statement.columns);
        match row_type(statement) {
            Some(row) => self.types.add(arguments, row, columns, &batch.cells),
            None => bind::columns(arguments, &batch.cells, columns.iter().map(|(_, kind)| *kind)),
        }
    }

    /// Queues `begin`.
    pub(in crate::store) fn begin(&mut self) {
        self.begins = true;
    }

    /// Whether `begin` is queued: nothing was sent yet.
    pub(in crate::store) fn begins(&self) -> bool {
        self.begins
    }

    /// Takes `begin` out of the queue. Returns whether it was there; then the caller sends it, or does without it.
    pub(in crate::store) fn take_beginning(&mut self) -> bool {
        std::mem::take(&mut self.begins)
    }

    /// Makes the write fail unless the seqs of the streams that it advances have this sum.
    pub(in crate::store) fn validate(&mut self, statement: &'static Statement, seqs: i64) {
        self.validates = Some((statement, seqs));
    }

    /// Takes the queued statements, as one statement.
    pub(in crate::store) fn take(&mut self) -> Option<(Arc<str>, PgArguments)> {
        if let Some((statement, seqs)) = self.validates.take() {
            self.push(statement, &Batch::of([[seqs.into()]]));
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
            .or_insert_with(|| joined(&statements, row_type).into());
        Some((text.clone(), std::mem::take(&mut self.arguments)))
    }

    /// Empties the queue. Returns whether `begin` was still in it.
    pub(in crate::store) fn clear(&mut self) -> bool {
        self.statements.clear();
        self.arguments = PgArguments::default();
        self.validates = None;
        self.take_beginning()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::bind::Kind::{Id, Text};
    use crate::store::statement::statement;

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
        let (text, _) = together.take().expect("two statements are queued");
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
    fn a_second_write_of_a_table_and_a_read_are_sent_later() {
        let mut together = Together::default();
        together.push(&ONE, &Batch::default());
        assert!(!together.admits(&ONE, false));
        assert!(together.admits(&ONE, true));
        assert!(!together.admits(&READ, true));
    }
}
