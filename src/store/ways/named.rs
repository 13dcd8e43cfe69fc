//! Statements that PostgreSQL knows by name (`prepare`). A call is plain text with the arguments in it, so several
//! calls are sent together, with `begin` before them. Only ids, numbers and truth values are arguments, because they
//! need no quoting. Does not know what the statements read.

use super::composite::row_type;
use crate::store::bind::{Cell, Kind};
use crate::store::statement::{Batch, Statement, declared, joined};
use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Either, PgConnection};
use std::fmt::Write;

/// The statements that a connection knows, by number.
#[derive(Default)]
pub(in crate::store) struct Named(Vec<&'static str>);

impl Named {
    /// Runs statements one after the other, after `begin` if wanted. Returns the rows of each.
    pub(in crate::store) async fn run<const N: usize>(
        &mut self,
        link: &mut PgConnection,
        begins: bool,
        calls: [(&'static Statement, &Batch); N],
    ) -> sqlx::Result<impl Iterator<Item = Vec<PgRow>> + use<N>> {
        let mut text = if begins { "begin;\n" } else { "" }.to_owned();
        for (statement, batch) in calls {
            let number = self.number(link, statement).await?;
            call(&mut text, number, statement, batch);
        }
        Ok(answers(link, text).await?.into_iter().skip(usize::from(begins)))
    }

    /// The number of a statement. Prepares it if it is new.
    async fn number(
        &mut self,
        link: &mut PgConnection,
        statement: &'static Statement,
    ) -> sqlx::Result<usize> {
        if let Some(number) = self.0.iter().position(|body| *body == statement.body) {
            return Ok(number);
        }
        let number = self.0.len();
        let (types, text) = (declared(statement), joined(&[statement], row_type));
        let text = format!("prepare taskwire_{number}({types}) as {text}");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(link).await?;
        self.0.push(statement.body);
        Ok(number)
    }
}

/// Whether a statement can be called like this: it has no arguments that need quoting.
pub(in crate::store) fn admits(statement: &Statement) -> bool {
    row_type(statement).is_none() && statement.columns.iter().all(|(_, kind)| *kind != Kind::Text)
}

/// Appends the call of a statement with a batch.
fn call(text: &mut String, number: usize, statement: &Statement, batch: &Batch) {
    let _ = write!(text, "execute taskwire_{number}(");
    let width = statement.columns.len();
    for column in 0..width {
        text.push_str(if column == 0 { "'{" } else { "}','{" });
        for (i, cell) in batch.cells.iter().skip(column).step_by(width).enumerate() {
            text.push_str(if i == 0 { "" } else { "," });
            let _ = match cell {
                Cell::Id(Some(id)) => write!(text, "{id}"),
                Cell::Int(Some(int)) => write!(text, "{int}"),
                Cell::Bool(Some(truth)) => write!(text, "{truth}"),
                Cell::Text(_) | Cell::Id(None) | Cell::Int(None) | Cell::Bool(None) => write!(text, "null"),
            };
        }
    }
    text.push_str("}');\n");
}

/// Runs a text of several statements. Returns the rows of each.
async fn answers(link: &mut PgConnection, text: String) -> sqlx::Result<Vec<Vec<PgRow>>> {
    let (mut all, mut rows) = (Vec::new(), Vec::new());
    let mut answers = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(link);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(_) => all.push(std::mem::take(&mut rows)),
            Either::Right(row) => rows.push(row),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::bind::Kind::{Id, Text};
    use crate::store::statement::statement;
    use uuid::Uuid;

    static PAIRS: Statement = statement(&[("id", Id), ("task_id", Id)], "select id from v");
    static NAMES: Statement = statement(&[("name", Text)], "select name from v");

    #[test]
    fn a_call_has_one_array_per_column() {
        let mut text = String::new();
        let some = Uuid::from_u128(7);
        let rows = [
            [Cell::Id(Some(some)), Cell::Id(None)],
            [Cell::Id(None), Cell::Id(Some(some))],
        ];
        call(&mut text, 3, &PAIRS, &Batch::of(rows));
        assert_eq!(
            text,
            format!("execute taskwire_3('{{{some},null}}','{{null,{some}}}');\n")
        );
    }

    #[test]
    fn a_statement_with_text_arguments_is_not_admitted() {
        assert!(admits(&PAIRS));
        assert!(!admits(&NAMES));
    }
}
