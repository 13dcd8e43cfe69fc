//! The writer's transaction, on its own connection, so that nothing else can leave a transaction open there. After any
//! error the transaction is over. Nothing more runs in it, and the next `begin` starts a new one.
//!
//! `send` sends its statements, and `pace` knows how fast they are answered. `ways` has the ways by which this takes few round trips.

mod pace;
mod send;
#[cfg(test)]
mod tests;

use super::database::Store;
use super::link::{Connection, Dialect};
use super::statement::{ROWS, Statement};
use super::trust::Trust;
use super::ways::counted::CounterCache;
use super::ways::named::Named;
use super::ways::together::Together;
use super::ways::two_trees::{MOVE, NewKeys};
use super::ways::waiting::Waiting;
use super::{Result, StoreError};
use pace::Pace;
use sqlx::AssertSqlSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskwire_protocol::{StreamId, Timestamp};

/// How many pages beyond its limit an SQLite file may take for a transaction that frees space: a delete writes a few
/// pages before it frees more.
const RESERVE: u64 = 64;

/// The writer's connection and its transaction.
pub struct Transaction {
    store: Store,
    connection: Option<Connection>,
    trust: Arc<Trust>,
    /// When the connection was opened.
    opened: Instant,
    open: bool,
    stretched: bool,
    waiting: Waiting,
    together: Together,
    named: Named,
    pub(super) counted: CounterCache,
    new_keys: NewKeys,
    now: Timestamp,
    pace: Pace,
    /// How many rows were read since somebody asked.
    pub(super) rows: u64,
}

impl Transaction {
    /// A writer on `store`. It connects at the first `begin`.
    pub fn new(store: Store) -> Transaction {
        let counted = CounterCache::new(!store.is_shared(), store.last_committed());
        Transaction {
            trust: store.trust(),
            opened: Instant::now(),
            store,
            connection: None,
            open: false,
            stretched: false,
            waiting: Waiting::default(),
            together: Together::default(),
            named: Named::default(),
            counted,
            new_keys: NewKeys::default(),
            now: Timestamp::default(),
            pace: Pace::default(),
            rows: 0,
        }
    }

    /// How many rows were read since the last call.
    pub fn take_rows(&mut self) -> u64 {
        std::mem::take(&mut self.rows)
    }

    /// About how long PostgreSQL takes to answer a statement that is no work; nothing for SQLite, which is no server.
    pub fn usual(&self) -> Duration {
        self.pace.usual()
    }

    /// Says at which time its mutations happen.
    pub fn happens(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// When its mutations happen.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Begins a transaction that may write.
    pub async fn begin(&mut self) -> Result<()> {
        if self.trust.is_suspect(self.opened) {
            self.disconnect();
        }
        if self.connection.is_none() {
            self.connect().await?;
        }
        self.undo();
        (self.open, self.rows) = (true, 0);
        self.pace.begins();
        match self.dialect()? {
            Dialect::Sqlite => self.waiting.begin(),
            Dialect::Postgres => self.together.begin(),
        }
        #[cfg(feature = "ablation")]
        self.flush_unless_waiting().await?;
        Ok(())
    }

    /// Begins a transaction that frees space in a full database. It may use the reserve.
    pub async fn begin_stretched(&mut self) -> Result<()> {
        self.begin().await?;
        self.stretched = true;
        self.limit(RESERVE).await
    }

    /// Connects, and forgets what was known about the previous connection.
    async fn connect(&mut self) -> Result<()> {
        let opened = Instant::now();
        let (connection, types) = self.store.connect_writer().await?;
        self.together = Together::new(types);
        self.counted.forget();
        self.named = Named::default();
        (self.connection, self.opened) = (Some(connection), opened);
        Ok(())
    }

    /// Forgets the queued statements and the transaction's changes of counters. Returns whether `begin` was still
    /// queued.
    fn undo(&mut self) -> bool {
        self.counted.undo();
        self.new_keys.undo();
        let (sqlite, postgres) = (self.waiting.clear(), self.together.clear());
        sqlite || postgres
    }

    /// Relies on the known counters of these streams instead of locking them, if all are known. The transaction's write
    /// then fails with [`super::Trouble::Contended`] if another writer has advanced a stream that it advances. All
    /// writes of the transaction must be of different rows.
    pub fn assume(&mut self, streams: &[StreamId]) -> bool {
        self.counted.assume(streams.iter().copied())
    }

    /// Whether advancing these streams verifies all of the group's assumptions: every stream that it relied on is among
    /// them, and the counters of the others are known too.
    pub fn is_verified_by(&mut self, advanced: &[StreamId]) -> bool {
        // one statement has to advance all of them
        advanced.len() <= ROWS && self.counted.is_verified_by(advanced)
    }

    /// Whether the transaction relies on counters that it has not locked.
    pub fn is_optimistic(&self) -> bool {
        self.counted.is_optimistic()
    }

    /// Notes that an optimistic transaction was refused: more of the next ones will lock.
    pub fn doubt(&self) {
        self.counted.doubt();
    }

    /// Makes the next write fail unless the seqs of the streams that it advances have this sum. `statement` checks
    /// that.
    pub(super) fn validates(&mut self, statement: &'static Statement, seqs: i64) {
        self.together.validate(statement, seqs);
    }

    /// Sets how many pages the file may have: as many as its setting says, and `more`. Without a setting only the disk
    /// limits the file.
    async fn limit(&mut self, more: u64) -> Result<()> {
        if let (Some(pages), Some(Connection::Sqlite(link))) = (self.store.most_pages(), &mut self.connection)
        {
            let pragma = format!("pragma max_page_count = {}", pages + more);
            sqlx::raw_sql(AssertSqlSafe(pragma)).execute(link).await?;
        }
        Ok(())
    }

    /// Takes the reserve back. If that fails, the connection is closed.
    async fn relax(&mut self) {
        if std::mem::take(&mut self.stretched) && self.limit(0).await.is_err() {
            self.connection = None;
        }
    }

    /// Sends the queued statements, unless they can be sent with the commit. Nothing is committed before this returns,
    /// so after an error here the outcome is known.
    pub async fn settle(&mut self) -> Result<()> {
        match self.dialect()? {
            Dialect::Sqlite => Ok(()),
            // the only statement is sent with the commit, as a transaction by itself
            Dialect::Postgres if self.together.begins() => Ok(()),
            Dialect::Postgres => self.flush().await,
        }
    }

    /// Makes everything since `begin` durable. An error with [`super::Trouble::Unavailable`] leaves the outcome
    /// unknown.
    pub async fn commit(&mut self) -> Result<()> {
        match self.dialect()? {
            Dialect::Sqlite => {
                // a transaction that frees space must not use the space to move keys
                if !self.stretched && self.new_keys.are_moved_now() {
                    self.waiting.word(MOVE);
                    #[cfg(feature = "ablation")]
                    self.flush_unless_waiting().await?;
                }
                self.waiting.word("commit");
                self.flush().await?;
                self.new_keys.keep();
            }
            Dialect::Postgres => {
                // a single statement is a transaction by itself
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
        self.store.committed();
        self.relax().await;
        Ok(())
    }

    /// Lets the store know what went wrong.
    pub fn note(&self, error: &StoreError) {
        self.store.note(error);
    }

    /// Closes the connection in order. The writer has ended.
    pub async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
        self.disconnect();
    }

    /// Ends the transaction after an error. If even that fails, the connection is closed.
    pub async fn rollback(&mut self) {
        let begun = !self.undo();
        if !std::mem::take(&mut self.open) {
            return;
        }
        // SQLite may have rolled back by itself; then there is nothing to roll back, and this is an error too
        if begun && self.word("rollback").await.is_err() {
            self.connection = None;
        }
        self.relax().await;
    }

    /// Closes the connection. The next `begin` makes a new one.
    pub fn disconnect(&mut self) {
        (self.connection, self.open, self.stretched) = (None, false, false);
    }

    /// Whether this is the only writer of the database, so that what it wrote last is the current state.
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
}

fn gone() -> StoreError {
    StoreError::unavailable("the writer has no connection to the database")
}
