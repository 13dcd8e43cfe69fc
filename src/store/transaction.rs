//! The writer's transaction. It has one connection of its own, so nothing else can leave a transaction open on it.
//!
//! On SQLite begin and writes wait for the next read or the commit and travel with it (`waiting`). On PostgreSQL begin
//! waits for the first reads, which travel at once (`named`), and writes wait for others and travel with them (`together`);
//! when that is all there is, it is a transaction of its own. After any error the transaction is over: nothing more runs
//! in it, and `begin` starts afresh.

use super::counted::Counted;
use super::link::{Dialect, Link, Row, answered};
use super::named::{self, Named};
use super::new_keys::{MOVE, NewKeys};
use super::open::Store;
use super::statement::{Batch, ROWS, Sql, Statement};
use super::together::Together;
use super::waiting::Waiting;
use super::{Result, StoreError};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};
use taskwire_protocol::StreamId;

/// Pages beyond the limit of an SQLite file for what makes room in it: to delete takes a few before it frees more.
const RESERVE: u64 = 64;

pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The writer's connection and its transaction.
pub struct Transaction {
    store: Store,
    connection: Option<Connection>,
    open: bool,
    stretched: bool,
    waiting: Waiting,
    together: Together,
    named: Named,
    pub(super) counted: Counted,
    new_keys: NewKeys,
}

impl Transaction {
    /// A writer on `store`; connects at the first `begin`.
    pub fn new(store: Store) -> Transaction {
        let counted = Counted::new(!store.is_shared(), store.left());
        Transaction {
            store,
            connection: None,
            open: false,
            stretched: false,
            waiting: Waiting::default(),
            together: Together::default(),
            named: Named::default(),
            counted,
            new_keys: NewKeys::default(),
        }
    }

    /// Begins a transaction that may write.
    pub async fn begin(&mut self) -> Result<()> {
        if self.connection.is_none() {
            self.connect().await?;
        }
        self.undo();
        self.open = true;
        match self.dialect()? {
            Dialect::Sqlite => self.waiting.begin(),
            Dialect::Postgres => self.together.begin(),
        }
        Ok(())
    }

    /// Begins one that makes room in a full database: this one may use what is kept back for that.
    pub async fn begin_stretched(&mut self) -> Result<()> {
        self.begin().await?;
        self.stretched = true;
        self.limit(RESERVE).await
    }

    /// What the connection before knew counts no more.
    async fn connect(&mut self) -> Result<()> {
        let (connection, types) = self.store.connect_writer().await?;
        self.together = Together::new(types);
        self.counted.forget();
        self.named = Named::default();
        self.connection = Some(connection);
        Ok(())
    }

    /// Forgets what waits, and what the transaction did to the counters; true if its beginning waited too.
    fn undo(&mut self) -> bool {
        self.counted.undo();
        self.new_keys.undo();
        let (here, there) = (self.waiting.clear(), self.together.clear());
        here || there
    }

    /// Relies on what is known of these streams, if that is something, instead of locking them: what the transaction writes
    /// then comes to nothing, [`super::Trouble::Contended`], if somebody else has advanced one of those that it advances.
    /// Its writes must be of different rows.
    pub fn assume(&mut self, streams: &[StreamId]) -> bool {
        self.counted.assume(streams.iter().copied())
    }

    /// Whether to advance these streams tells if everything that it relies on held: all of that must be among them, and what
    /// else is among them known.
    pub fn is_told_by(&mut self, advanced: &[StreamId]) -> bool {
        // as many as one statement can advance
        advanced.len() <= ROWS && self.counted.is_told_by(advanced)
    }

    /// Whether it relies on what is not locked.
    pub fn is_optimistic(&self) -> bool {
        self.counted.is_optimistic()
    }

    /// An optimistic transaction was refused; the next ones will be less so.
    pub fn doubt(&self) {
        self.counted.doubt();
    }

    /// What waits must bring streams to seqs of this sum.
    pub(super) fn validates(&mut self, seqs: i64) {
        self.together.validate(seqs);
    }

    /// PostgreSQL is told of the transaction, if it was not yet. What an optimistic group reads is in none.
    async fn begun(&mut self, writes: bool) -> Result<()> {
        if (writes || !self.is_optimistic()) && self.together.take_beginning() {
            self.word("begin").await?;
        }
        Ok(())
    }

    /// The pages that the file may have, and how many more for now. Without a limit the disk is all there is.
    async fn limit(&mut self, more: u64) -> Result<()> {
        if let (Some(pages), Some(Connection::Sqlite(link))) = (self.store.most_pages(), &mut self.connection)
        {
            let pragma = format!("pragma max_page_count = {}", pages + more);
            sqlx::raw_sql(AssertSqlSafe(pragma)).execute(link).await?;
        }
        Ok(())
    }

    /// The limit is what it was. A connection on which that fails is given up.
    async fn relax(&mut self) {
        if std::mem::take(&mut self.stretched) && self.limit(0).await.is_err() {
            self.connection = None;
        }
    }

    /// Sends what waits, unless it can travel with the commit: until here nothing is, and no outcome is unknown.
    pub async fn settle(&mut self) -> Result<()> {
        match self.dialect()? {
            Dialect::Sqlite => Ok(()),
            // what waits then is all there is, and commits by itself
            Dialect::Postgres if self.together.begins() => Ok(()),
            Dialect::Postgres => self.flush().await,
        }
    }

    /// Makes everything since `begin` durable. An error with [`super::Trouble::Unavailable`] leaves the outcome unknown.
    pub async fn commit(&mut self) -> Result<()> {
        match self.dialect()? {
            Dialect::Sqlite => {
                // not in a transaction that makes room: this takes some
                if !self.stretched && self.new_keys.are_moved_now() {
                    self.waiting.word(MOVE);
                }
                self.waiting.word("commit");
                self.flush().await?;
                self.new_keys.keep();
            }
            Dialect::Postgres => {
                // a statement that is alone is a transaction
                let begun = !self.together.take_beginning();
                self.open = begun;
                self.flush().await?;
                if begun {
                    self.word("commit").await?;
                }
            }
        }
        self.counted.keep();
        self.open = false;
        self.relax().await;
        Ok(())
    }

    /// Ends the transaction after an error. A connection on which even that fails is given up.
    pub async fn rollback(&mut self) {
        let begun = !self.undo();
        if !std::mem::take(&mut self.open) {
            return;
        }
        // SQLite may have rolled back by itself; then there is nothing to roll back, which is an error too
        if begun && self.word("rollback").await.is_err() {
            self.connection = None;
        }
        self.relax().await;
    }

    /// Gives the connection up; the next `begin` makes a new one.
    pub fn disconnect(&mut self) {
        (self.connection, self.open, self.stretched) = (None, false, false);
    }

    /// Runs `statement` over the batch and reads its rows. An empty batch costs nothing.
    pub async fn fetch<T: Row>(&mut self, statement: &'static Statement, batch: Batch) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        for batch in batch.chunks(statement) {
            rows.append(&mut self.fetch_once(statement, batch).await?);
        }
        Ok(rows)
    }

    async fn fetch_once<T: Row>(&mut self, statement: &'static Statement, batch: Batch) -> Result<Vec<T>> {
        match self.dialect()? {
            Dialect::Sqlite => self.waiting.push(statement, batch),
            Dialect::Postgres => self.wait_with_others(statement, &batch).await?,
        }
        self.send().await
    }

    /// Runs two statements one after the other, and reads the rows of both. On PostgreSQL they travel at once, each over all
    /// of its rows, and the transaction's beginning with them.
    pub(super) async fn fetch_both<A: Row, B: Row>(
        &mut self,
        (one, ones): (&'static Statement, Batch),
        (two, twos): (&'static Statement, Batch),
    ) -> Result<(Vec<A>, Vec<B>)> {
        let apart = ones.is_empty() || twos.is_empty() || !named::admits(one) || !named::admits(two);
        if apart || self.dialect()? == Dialect::Sqlite {
            return Ok((self.fetch(one, ones).await?, self.fetch(two, twos).await?));
        }
        self.flush().await?;
        let begins = self.together.take_beginning();
        let Some(Connection::Postgres(link)) = &mut self.connection else {
            return Err(gone());
        };
        let asked = answered(self.named.run(link, begins, [(one, &ones), (two, &twos)])).await;
        let mut answers = self.keep_if_answered(asked)?;
        Ok((rows(answers.next())?, rows(answers.next())?))
    }

    /// Lets a statement wait on PostgreSQL; sends first what it cannot travel with.
    async fn wait_with_others(&mut self, statement: &'static Statement, batch: &Batch) -> Result<()> {
        if !self.together.admits(statement, self.is_optimistic()) {
            self.flush().await?;
        }
        self.together.push(statement, batch);
        Ok(())
    }

    /// Sends what waits, and reads the rows of the last of it.
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
        let query = sqlx::query_with(AssertSqlSafe(text), arguments);
        let rows = query.try_map(|row: PgRow| T::from_row(&row));
        let rows = answered(rows.fetch_all(link)).await;
        self.keep_if_answered(rows)
    }

    /// Runs a write whose rows nobody needs. An error shows up no later than in `settle` or `commit`.
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
        }
        Ok(())
    }

    /// Runs a text that was put together.
    pub async fn select<T: Row>(&mut self, sql: Sql) -> Result<Vec<T>> {
        self.flush().await?;
        self.begun(false).await?;
        let link = match &mut self.connection {
            Some(Connection::Sqlite(link)) => Link::Sqlite(link),
            Some(Connection::Postgres(link)) => Link::Postgres(link),
            None => return Err(gone()),
        };
        link.fetch(sql.text.into(), &sql.cells).await
    }

    /// How many of the oldest rows, which `oldest` selects in order as place and time, are older than `before`, and the
    /// place of the last of these. Times need not grow with places, for clocks are set: a row that stays keeps all after it.
    pub(super) async fn expired(&mut self, oldest: Sql, before: i64) -> Result<Option<(u64, i64)>> {
        let oldest: Vec<(i64, i64)> = self.select(oldest).await?;
        let expired = oldest.iter().take_while(|(_, at)| *at < before).enumerate();
        Ok(expired.last().map(|(i, (place, _))| (i as u64 + 1, *place)))
    }

    /// Whether nobody else writes to the database, so that what was written last is what is there.
    pub fn is_alone(&self) -> bool {
        self.counted.alone
    }

    pub(super) fn dialect(&self) -> Result<Dialect> {
        match self.connection {
            Some(Connection::Sqlite(_)) => Ok(Dialect::Sqlite),
            Some(Connection::Postgres(_)) => Ok(Dialect::Postgres),
            None => Err(gone()),
        }
    }

    async fn word(&mut self, sql: &'static str) -> Result<()> {
        match &mut self.connection {
            Some(Connection::Sqlite(link)) => sqlx::raw_sql(sql).execute(link).await.map(drop)?,
            Some(Connection::Postgres(link)) => {
                let done = answered(sqlx::raw_sql(sql).execute(link)).await;
                self.keep_if_answered(done.map(drop))?;
            }
            None => return Err(gone()),
        }
        Ok(())
    }

    /// On a connection that does not answer nothing more is asked, not even for a rollback.
    fn keep_if_answered<T>(&mut self, outcome: Result<T>) -> Result<T> {
        if matches!(&outcome, Err(error) if error.is_silence()) {
            self.connection = None;
        }
        outcome
    }

    async fn flush(&mut self) -> Result<()> {
        self.send::<()>().await.map(drop)
    }
}

/// The rows of one of several statements.
fn rows<T: Row>(answer: Option<Vec<PgRow>>) -> Result<Vec<T>> {
    let answer = answer.ok_or_else(|| StoreError::corrupt("a statement was not answered"))?;
    Ok(answer.iter().map(T::from_row).collect::<sqlx::Result<_>>()?)
}

fn gone() -> StoreError {
    StoreError::unavailable("the writer has no connection")
}

#[cfg(test)]
mod tests;
