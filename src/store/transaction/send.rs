//! Sends statements to the writer's database, and the queued statements with them. Knows the ways to send in few round
//! trips; does not know what the statements read and write.

use super::{Transaction, gone};
use crate::store::link::{Connection, Dialect, Link, Row};
use crate::store::sql::Sql;
use crate::store::statement::{Batch, Statement};
use crate::store::ways::{self, Way, named};
use crate::store::{Result, StoreError};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use std::time::Instant;

impl Transaction {
    /// Runs `statement` over the batch and reads its rows. An empty batch costs nothing.
    pub async fn fetch<T: Row>(&mut self, statement: &'static Statement, batch: Batch) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        for batch in batch.chunks(statement) {
            rows.append(&mut self.fetch_once(statement, batch).await?);
        }
        self.rows += rows.len() as u64;
        Ok(rows)
    }

    async fn fetch_once<T: Row>(&mut self, statement: &'static Statement, batch: Batch) -> Result<Vec<T>> {
        match self.dialect()? {
            Dialect::Sqlite => self.waiting.push(statement, batch),
            Dialect::Postgres => self.wait_with_others(statement, &batch).await?,
        }
        self.send().await
    }

    /// Runs two statements one after the other and reads the rows of both. On PostgreSQL they are sent together, each
    /// over all of its rows, with `begin` before them.
    pub(in crate::store) async fn fetch_both<A: Row, B: Row>(
        &mut self,
        (one, ones): (&'static Statement, Batch),
        (two, twos): (&'static Statement, Batch),
    ) -> Result<(Vec<A>, Vec<B>)> {
        let at_once = ways::is_on(Way::Named)
            && !(ones.is_empty() || twos.is_empty())
            && named::admits(one)
            && named::admits(two);
        if !at_once || self.dialect()? == Dialect::Sqlite {
            return Ok((self.fetch(one, ones).await?, self.fetch(two, twos).await?));
        }
        self.flush().await?;
        let begins = self.together.take_beginning();
        let Some(Connection::Postgres(link)) = &mut self.connection else {
            return Err(gone());
        };
        let began = Instant::now();
        let running = self.named.run(link, begins, [(one, &ones), (two, &twos)]);
        let asked = self.trust.answered(self.opened, running).await;
        self.pace.answered(began.elapsed());
        let mut answers = self.keep_if_answered(asked)?;
        let (ones, twos): (Vec<A>, Vec<B>) = (rows(answers.next())?, rows(answers.next())?);
        self.rows += (ones.len() + twos.len()) as u64;
        Ok((ones, twos))
    }

    /// Runs a write whose rows are not needed. An error is returned by `settle` or `commit` at the latest.
    pub async fn execute(&mut self, statement: &'static Statement, batch: Batch) -> Result<()> {
        let dialect = self.dialect()?;
        for batch in batch.chunks(statement) {
            if dialect == Dialect::Postgres {
                self.wait_with_others(statement, &batch).await?;
                continue;
            }
            if !self.waiting.admits(&batch) {
                self.flush().await?;
            }
            self.new_keys.count(batch.rows(statement));
            self.waiting.push(statement, batch);
            #[cfg(feature = "ablation")]
            self.flush_unless_waiting().await?;
        }
        Ok(())
    }

    /// Runs an SQL text that was built from parts.
    pub async fn select<T: Row>(&mut self, sql: Sql) -> Result<Vec<T>> {
        self.flush().await?;
        self.begun(false).await?;
        let link = match &mut self.connection {
            Some(Connection::Sqlite(link)) => Link::Sqlite(link),
            Some(Connection::Postgres(link)) => Link::Postgres(link, &self.trust, self.opened),
            None => return Err(gone()),
        };
        let rows = link.fetch(sql.text.into(), &sql.cells).await;
        let rows = self.keep_if_answered(rows)?;
        self.rows += rows.len() as u64;
        Ok(rows)
    }

    /// `oldest` selects rows in order, each as (position, time). Returns how many of the first rows are older than
    /// `before`, and the position of the last of these. Clocks may be set back, so times may not grow with positions:
    /// the first row that is not expired keeps all rows after it.
    pub(in crate::store) async fn expired(&mut self, oldest: Sql, before: i64) -> Result<Option<(u64, i64)>> {
        let oldest: Vec<(i64, i64)> = self.select(oldest).await?;
        let expired = oldest.iter().take_while(|(_, at)| *at < before).enumerate();
        Ok(expired.last().map(|(i, (place, _))| (i as u64 + 1, *place)))
    }

    /// Queues a statement for PostgreSQL. First sends the queued statements if this one cannot be sent with them.
    async fn wait_with_others(&mut self, statement: &'static Statement, batch: &Batch) -> Result<()> {
        let joins = ways::is_on(Way::Together) && self.together.admits(statement, self.is_optimistic());
        if !joins {
            self.flush().await?;
        }
        self.together.push(statement, batch);
        Ok(())
    }

    /// Sends the queued statements, and reads the rows of the last one.
    async fn send<T: Row>(&mut self) -> Result<Vec<T>> {
        match self.dialect()? {
            Dialect::Sqlite => self.send_to_sqlite().await,
            Dialect::Postgres => self.send_to_postgres().await,
        }
    }

    async fn send_to_sqlite<T: Row>(&mut self) -> Result<Vec<T>> {
        let Some((text, arguments)) = self.waiting.take() else {
            return Ok(Vec::new());
        };
        let Some(Connection::Sqlite(link)) = &mut self.connection else {
            return Err(gone());
        };
        let query = sqlx::query_with(AssertSqlSafe(text), arguments);
        let rows = query.try_map(|row: SqliteRow| T::from_row(&row));
        Ok(rows.fetch_all(link).await?)
    }

    async fn send_to_postgres<T: Row>(&mut self) -> Result<Vec<T>> {
        let writes = self.together.writes();
        let Some((text, arguments)) = self.together.take() else {
            return Ok(Vec::new());
        };
        self.begun(writes).await?;
        let Some(Connection::Postgres(link)) = &mut self.connection else {
            return Err(gone());
        };
        let began = Instant::now();
        let query = sqlx::query_with(AssertSqlSafe(text), arguments);
        let rows = query.try_map(|row: PgRow| T::from_row(&row));
        let rows = self.trust.answered(self.opened, rows.fetch_all(link)).await;
        self.pace.answered(began.elapsed());
        self.keep_if_answered(rows)
    }

    /// Sends `begin` to PostgreSQL if it is still queued. An optimistic group reads outside a transaction.
    async fn begun(&mut self, writes: bool) -> Result<()> {
        if (writes || !self.is_optimistic()) && self.together.take_beginning() {
            self.word("begin").await?;
        }
        Ok(())
    }

    pub(super) async fn word(&mut self, sql: &'static str) -> Result<()> {
        match &mut self.connection {
            Some(Connection::Sqlite(link)) => sqlx::raw_sql(sql).execute(link).await.map(drop)?,
            Some(Connection::Postgres(link)) => {
                let asked = sqlx::raw_sql(sql).execute(link);
                let done = self.trust.answered(self.opened, asked).await;
                self.keep_if_answered(done.map(drop))?;
            }
            None => return Err(gone()),
        }
        Ok(())
    }

    /// Closes a connection that does not answer: not even a rollback may be sent on it.
    fn keep_if_answered<T>(&mut self, outcome: Result<T>) -> Result<T> {
        if matches!(&outcome, Err(error) if error.is_silence()) {
            self.connection = None;
        }
        outcome
    }

    pub(super) async fn flush(&mut self) -> Result<()> {
        self.send::<()>().await.map(drop)
    }

    /// Sends each of SQLite's statements alone where the way `waiting` is switched off.
    #[cfg(feature = "ablation")]
    pub(super) async fn flush_unless_waiting(&mut self) -> Result<()> {
        if ways::is_on(Way::Waiting) || self.dialect()? == Dialect::Postgres {
            return Ok(());
        }
        self.flush().await
    }
}

/// The rows of one of several statements.
fn rows<T: Row>(answer: Option<Vec<PgRow>>) -> Result<Vec<T>> {
    let answer =
        answer.ok_or_else(|| StoreError::corrupt("the database did not answer one of the statements"))?;
    Ok(answer.iter().map(T::from_row).collect::<sqlx::Result<_>>()?)
}
