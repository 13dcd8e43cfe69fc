//! Reading rows as what they stand for.

use super::link::Row;
use super::sql::Sql;
use super::statement::{Batch, Statement};
use super::{Reader, Result, Transaction};

/// A row that stands for a value.
pub(super) trait Stored: Row {
    type Value;

    /// The value. A row that no version of the program wrote is an error.
    fn read(self) -> Result<Self::Value>;
}

/// What these rows stand for.
pub(super) fn read<R: Stored>(rows: Vec<R>) -> Result<Vec<R::Value>> {
    rows.into_iter().map(R::read).collect()
}

impl Reader {
    /// What the rows of a query stand for.
    pub(super) async fn list<R: Stored>(&mut self, sql: Sql) -> Result<Vec<R::Value>> {
        read(self.fetch::<R>(sql).await?)
    }

    /// What the only row of a query stands for.
    pub(super) async fn one<R: Stored>(&mut self, sql: Sql) -> Result<Option<R::Value>> {
        self.find::<R>(sql).await?.map(R::read).transpose()
    }

    /// The only value of the only row of a query.
    pub(super) async fn scalar<T>(&mut self, sql: Sql) -> Result<Option<T>>
    where
        (T,): Row,
    {
        Ok(self.find::<(T,)>(sql).await?.map(|(value,)| value))
    }

    /// A number that a query counts.
    pub(super) async fn count(&mut self, sql: Sql) -> Result<u64> {
        Ok(self.get::<(i64,)>(sql).await?.0 as u64)
    }
}

impl Transaction {
    /// What the rows of a statement over a batch stand for.
    pub(super) async fn load<R: Stored>(
        &mut self,
        statement: &'static Statement,
        batch: Batch,
    ) -> Result<Vec<R::Value>> {
        read(self.fetch::<R>(statement, batch).await?)
    }

    /// What the rows of a query stand for.
    pub(super) async fn list<R: Stored>(&mut self, sql: Sql) -> Result<Vec<R::Value>> {
        read(self.select::<R>(sql).await?)
    }
}
