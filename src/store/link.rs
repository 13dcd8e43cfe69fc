//! A connection of either driver, and how an SQL text runs on it. Owns no transaction that writes.

use super::bind::{self, Cell};
use super::bounds::{Bounds, ending};
use super::file_readers::Slot;
use super::sql::Sql;
use super::trust::Trust;
use super::{Result, StoreError};
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    AssertSqlSafe, Connection as _, FromRow, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction,
};
use std::sync::Arc;
use std::time::Instant;

/// The database whose SQL is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// A row type that both drivers can read.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

/// The writer's connection.
pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    /// Tells the database that it ends. What goes wrong with that does no harm.
    pub(super) async fn close(self) {
        let _ = match self {
            Connection::Sqlite(link) => link.close().await,
            Connection::Postgres(link) => link.close().await,
        };
    }
}

/// A connection of either driver.
pub(super) enum Link<'c> {
    Sqlite(&'c mut SqliteConnection),
    /// With what is known of connections, and when this one was opened at the latest.
    Postgres(&'c mut PgConnection, &'c Trust, Instant),
}

impl Link<'_> {
    /// Runs an SQL text with the parameters `$n` and reads its rows.
    pub(super) async fn fetch<T: Row>(self, text: Arc<str>, cells: &[Cell]) -> Result<Vec<T>> {
        let text = AssertSqlSafe(text);
        let rows = match self {
            Link::Sqlite(link) => {
                let mut arguments = SqliteArguments::default();
                bind::sqlite(&mut arguments, cells.iter());
                let query = sqlx::query_with(text, arguments);
                query
                    .try_map(|row: SqliteRow| T::from_row(&row))
                    .fetch_all(link)
                    .await?
            }
            Link::Postgres(link, trust, opened) => {
                let query = sqlx::query_with(text, bind::postgres(cells));
                let rows = query.try_map(|row: PgRow| T::from_row(&row));
                trust.answered(opened, rows.fetch_all(link)).await?
            }
        };
        Ok(rows)
    }

    /// Runs words that take no parameters and return no rows.
    async fn word(self, text: String) -> Result<()> {
        let words = sqlx::raw_sql(AssertSqlSafe(text));
        match self {
            Link::Sqlite(link) => words.execute(link).await.map(drop)?,
            Link::Postgres(link, trust, opened) => {
                trust.answered(opened, words.execute(link)).await.map(drop)?;
            }
        }
        Ok(())
    }
}

/// A connection for reading. It is outside a transaction, or inside one that sees one consistent snapshot.
pub struct Reader {
    source: Source,
    /// Given back after the connection of `source`.
    _slot: Option<Slot>,
    trust: Arc<Trust>,
    /// When the connection was taken: it was opened at that time at the latest.
    taken: Instant,
    bounds: Bounds,
    plans: Option<Vec<Plan>>,
}

/// How the database runs a statement.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The statement.
    pub text: String,
    /// The steps, a line each, in the database's own words.
    pub steps: Vec<String>,
}

pub(super) enum Source {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    SqliteMoment(Transaction<'static, Sqlite>),
    PostgresMoment(Transaction<'static, Postgres>),
}

impl Reader {
    pub(super) fn on(source: Source, slot: Option<Slot>, trust: Arc<Trust>, bounds: Bounds) -> Reader {
        Reader {
            source,
            _slot: slot,
            trust,
            taken: Instant::now(),
            bounds,
            plans: None,
        }
    }

    /// From now on, asks the database for the plan of each statement before the statement runs. A plan shows why a
    /// statement is slow; a test checks that the main statements use indexes.
    pub fn explain(&mut self) {
        self.plans = Some(Vec::new());
    }

    /// The plans of the statements that ran since `explain`, or since the last call.
    pub fn take_plans(&mut self) -> Vec<Plan> {
        self.plans.as_mut().map(std::mem::take).unwrap_or_default()
    }

    async fn plan(&mut self, sql: &Sql) -> Result<Plan> {
        let steps = match self.dialect() {
            Dialect::Sqlite => {
                let text = format!("explain query plan {}", sql.text);
                let rows: Vec<(i64, i64, i64, String)> = self.link().fetch(text.into(), &sql.cells).await?;
                rows.into_iter().map(|(_, _, _, step)| step).collect()
            }
            Dialect::Postgres => {
                let text = format!(
                    "explain (analyze, costs off, timing off, summary off) {}",
                    sql.text
                );
                let rows: Vec<(String,)> = self.link().fetch(text.into(), &sql.cells).await?;
                rows.into_iter().map(|(step,)| step).collect()
            }
        };
        let text = sql.text.clone();
        Ok(Plan { text, steps })
    }

    pub(super) fn link(&mut self) -> Link<'_> {
        match &mut self.source {
            Source::Sqlite(link) => Link::Sqlite(link),
            Source::Postgres(link) => Link::Postgres(link, &self.trust, self.taken),
            Source::SqliteMoment(link) => Link::Sqlite(link),
            Source::PostgresMoment(link) => Link::Postgres(link, &self.trust, self.taken),
        }
    }

    /// Which database this is.
    pub(super) fn dialect(&self) -> Dialect {
        match self.source {
            Source::Sqlite(_) | Source::SqliteMoment(_) => Dialect::Sqlite,
            Source::Postgres(_) | Source::PostgresMoment(_) => Dialect::Postgres,
        }
    }

    pub(super) async fn fetch<T: Row>(&mut self, sql: Sql) -> Result<Vec<T>> {
        if self.plans.is_some() {
            let plan = self.plan(&sql).await?;
            self.plans.get_or_insert_default().push(plan);
        }
        let apart = self.bound().await?;
        let mut rows = self.link().fetch(sql.text.into(), &sql.cells).await;
        if apart && !matches!(&rows, Err(error) if error.is_silence()) {
            self.link().word("rollback".into()).await?;
        }
        if self.bounds.until.is_some() {
            rows = rows.map_err(StoreError::of_a_query);
        }
        rows
    }

    /// Has the database end the next statement when the query's time is over. Returns whether that took a transaction for this
    /// statement. SQLite looks at the time itself (`file_readers`).
    async fn bound(&mut self) -> Result<bool> {
        let apart = match self.source {
            Source::Sqlite(_) | Source::SqliteMoment(_) => return self.bounds.left().map(|_| false),
            Source::Postgres(_) => true,
            Source::PostgresMoment(_) => false,
        };
        let told = self.bounds.statement;
        let Some(left) = self.bounds.shortened()? else {
            return Ok(false);
        };
        if apart {
            self.bounds.statement = told;
            let begin = format!("begin read only; {}", ending(left));
            self.link().word(begin).await?;
        } else {
            self.link().word(ending(left)).await?;
        }
        Ok(apart)
    }

    pub(super) async fn find<T: Row>(&mut self, sql: Sql) -> Result<Option<T>> {
        Ok(self.fetch(sql).await?.into_iter().next())
    }

    /// The row of a query that always has one, such as a count.
    pub(super) async fn get<T: Row>(&mut self, sql: Sql) -> Result<T> {
        self.find(sql)
            .await?
            .ok_or_else(|| StoreError::corrupt("a query that always has a row returned none"))
    }
}
