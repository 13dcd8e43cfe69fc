//! Reads rows into the values that they represent.

use super::link::Row;
use super::sql::Sql;
use super::statement::{Batch, Statement};
use super::{Reader, Result, Transaction};

/// A row that represents a value.
pub(super) trait Stored: Row {
    type Value;

    /// The value. A row that no version of the program wrote is an error.
    fn read(self) -> Result<Self::Value>;
}

/// The values that these rows represent.
pub(super) fn read<R: Stored>(rows: Vec<R>) -> Result<Vec<R::Value>> {
    rows.into_iter().map(R::read).collect()
}

impl Reader {
    /// The values that the rows of a query represent.
    pub(super) async fn list<R: Stored>(&mut self, sql: Sql) -> Result<Vec<R::Value>> {
        read(self.fetch::<R>(sql).await?)
    }

    /// The value that the only row of a query represents, if there is a row.
    pub(super) async fn one<R: Stored>(&mut self, sql: Sql) -> Result<Option<R::Value>> {
        self.find::<R>(sql).await?.map(R::read).transpose()
    }

    /// The only column of the only row of a query, if there is a row.
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
    /// The values that the rows of a statement over a batch represent.
    pub(super) async fn load<R: Stored>(
        &mut self,
        statement: &'static Statement,
        batch: Batch,
    ) -> Result<Vec<R::Value>> {
        read(self.fetch::<R>(statement, batch).await?)
    }

    /// The values that the rows of a query represent.
    pub(super) async fn list<R: Stored>(&mut self, sql: Sql) -> Result<Vec<R::Value>> {
        read(self.select::<R>(sql).await?)
    }
}
