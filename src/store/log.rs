//! The log: every event frame, encoded once, by stream and seq.

use super::bind::{
    Cell,
    Kind::{Id, Int, Text},
};
use super::sql::Sql;
use super::statement::{Batch, RowType, Statement, statement, statement_of};
use super::table::{Table, columns, insert};
use super::{Reader, Result, Transaction};
use std::sync::Arc;
use taskwire_protocol::{StreamId, TaskId};
use uuid::Uuid;

/// An entry to write.
pub struct EntryRecord {
    /// The stream that gets the entry.
    pub stream: StreamId,
    /// The entry's position in the stream.
    pub seq: i64,
    /// When it happened, in milliseconds.
    pub at: i64,
    /// The task that it concerns, for the task's history and for purging.
    pub task: Option<TaskId>,
    /// The encoded event.
    pub frame: Arc<str>,
}

pub(super) const TABLE: Table = columns! {
    stream: Uuid,
    seq: i64,
    at: i64,
    task_id: Option<Uuid>,
    frame: String,
};

static INSERT: Statement = statement_of(RowType::Entry, TABLE.written, insert!("log", TABLE));

/// Appends entries.
pub async fn insert(tx: &mut Transaction, entries: &[EntryRecord]) -> Result<()> {
    let rows = entries.iter().map(|entry| {
        [
            entry.stream.uuid().into(),
            entry.seq.into(),
            entry.at.into(),
            Cell::Id(entry.task.map(Uuid::from)),
            entry.frame.clone().into(),
        ]
    });
    tx.execute(&INSERT, Batch::of(rows)).await
}

/// The entries after `after`, oldest first.
pub async fn page(
    reader: &mut Reader,
    stream: StreamId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>> {
    reader.fetch(page_of(stream, after, limit)).await
}

fn page_of(stream: StreamId, after: i64, limit: i64) -> Sql {
    let mut sql = Sql::new("select seq, frame from log_by_stream where stream = ");
    sql.bind(stream.uuid()).after("seq", after);
    sql.push(" order by seq").limit(limit);
    sql
}

/// The entries of one task after `after`, oldest first.
pub async fn page_of_task(
    reader: &mut Reader,
    stream: StreamId,
    task: TaskId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>> {
    let mut sql = Sql::new("select seq, frame from log where task_id = ");
    sql.bind(task.0).push(" and stream = ").bind(stream.uuid());
    sql.after("seq", after).push(" order by seq").limit(limit);
    reader.fetch(sql).await
}

/// The tail and the head of a stream: the log has the entries from tail + 1 to head.
pub async fn range(reader: &mut Reader, stream: StreamId) -> Result<(i64, i64)> {
    let mut sql = Sql::new(
        "select s.seq, (select seq from log_by_stream where stream = s.id order by seq limit 1)
         from streams s where s.id = ",
    );
    sql.bind(stream.uuid());
    let found: Option<(i64, Option<i64>)> = reader.find(sql).await?;
    Ok(found.map_or((0, 0), |(head, first)| {
        (first.map_or(head, |first| first - 1), head)
    }))
}

/// A task's entries in all logs: stream, seq and frame.
pub async fn of_task(tx: &mut Transaction, task: TaskId) -> Result<Vec<(Uuid, i64, String)>> {
    let mut sql = Sql::new("select stream, seq, frame from log where task_id = ");
    sql.bind(task.0);
    tx.select(sql).await
}

pub(super) static REWRITE: Statement = statement(
    &[("task_id", Id), ("stream", Id), ("seq", Int), ("frame", Text)],
    // with the plain condition and many rows in `v`, SQLite would scan the whole log instead of looking rows up
    "update log set frame = v.frame from v where
     {sqlite:log.number = (
       select l.number from log l where l.task_id = v.task_id and l.stream = v.stream and l.seq = v.seq)}
     {postgres:log.task_id = v.task_id and log.stream = v.stream and log.seq = v.seq} and {rows}",
);

/// Replaces the frames of a task's entries.
pub async fn rewrite(tx: &mut Transaction, task: TaskId, entries: &[(Uuid, i64, Arc<str>)]) -> Result<()> {
    let rows = entries.iter().map(|(stream, seq, frame)| {
        [
            task.0.into(),
            (*stream).into(),
            (*seq).into(),
            frame.clone().into(),
        ]
    });
    tx.execute(&REWRITE, Batch::of(rows)).await
}

pub(super) static REPLACE: Statement = statement(
    &[("stream", Id), ("seq", Int), ("frame", Text)],
    "update log set frame = v.frame from v where
     {sqlite:log.number = (select l.number from log_by_stream l where l.stream = v.stream and l.seq = v.seq)}
     {postgres:log.stream = v.stream and log.seq = v.seq} and {rows}",
);

/// The entries after `after`, oldest first, for a group or chore that rewrites some of them under the stream's lock.
pub async fn load(
    tx: &mut Transaction,
    stream: StreamId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>> {
    tx.select(page_of(stream, after, limit)).await
}

/// Replaces the frames of entries of a stream.
pub async fn replace(tx: &mut Transaction, stream: StreamId, entries: Vec<(i64, String)>) -> Result<()> {
    let rows = entries
        .into_iter()
        .map(|(seq, frame)| [stream.uuid().into(), seq.into(), frame.into()]);
    tx.execute(&REPLACE, Batch::of(rows)).await
}

/// Deletes up to `limit` of the oldest entries of a stream that are older than `before` and not after `seq`.
pub async fn cut(tx: &mut Transaction, stream: Uuid, seq: i64, before: i64, limit: i64) -> Result<u64> {
    let mut oldest = Sql::new("select seq, at from log_by_stream where stream = ");
    oldest.bind(stream).push(" and seq <= ").bind(seq);
    oldest.push(" order by seq").limit(limit);
    let Some((cut, last)) = tx.expired(oldest, before).await? else {
        return Ok(0);
    };
    let mut sql = Sql::new("delete from log_by_stream where stream = ");
    sql.bind(stream).push(" and seq <= ").bind(last);
    tx.select::<()>(sql).await?;
    Ok(cut)
}
