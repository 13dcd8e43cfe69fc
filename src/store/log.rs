//! The log: every event frame, encoded once, by stream and seq.

use super::bind::{
    Cell,
    Kind::{Id, Int, Text},
};
use super::purges::HIDDEN_ENTRY;
use super::sql::Sql;
use super::statement::{Batch, RowType, Statement, statement, statement_of};
use super::table::{Table, columns, insert};
use super::{Reader, Result, Transaction, streams};
use serde::Deserialize;
use serde_json::value::to_raw_value;
use std::sync::Arc;
use taskwire_protocol::events::Forgotten;
use taskwire_protocol::frames::{EventFrame, ServerFrame};
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
    let mut sql = Sql::new(&format!(
        "select l.seq, l.frame, {HIDDEN_ENTRY} from log_by_stream l where l.stream = "
    ));
    sql.bind(stream.uuid()).after("l.seq", after);
    sql.push(" order by l.seq").limit(limit);
    shown(reader.fetch(sql).await?)
}

/// Entries as readers may see them: without the content of purged tasks.
fn shown(entries: Vec<(i64, String, i64)>) -> Result<Vec<(i64, String)>> {
    let entries = entries.into_iter().map(|(seq, frame, hidden)| match hidden {
        0 => Ok((seq, frame)),
        _ => Ok((seq, forgotten(&frame)?)),
    });
    entries.collect()
}

/// A logged frame without its content: only the id of its entity is left.
pub fn forgotten(text: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Entity {
        id: Uuid,
    }
    let frame: EventFrame = serde_json::from_str(text)?;
    let Entity { id } = serde_json::from_str(frame.data.get())?;
    let data = to_raw_value(&Forgotten { id, purged: true })?;
    Ok(serde_json::to_string(&ServerFrame::Event(EventFrame {
        data,
        ..frame
    }))?)
}

/// The entries of one task after `after`, oldest first.
pub async fn page_of_task(
    reader: &mut Reader,
    stream: StreamId,
    task: TaskId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>> {
    let mut sql = Sql::new(&format!(
        "select l.seq, l.frame, {HIDDEN_ENTRY} from log l where l.task_id = "
    ));
    sql.bind(task.0).push(" and l.stream = ").bind(stream.uuid());
    sql.after("l.seq", after).push(" order by l.seq").limit(limit);
    shown(reader.fetch(sql).await?)
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
pub async fn of_task(tx: &mut Transaction, task: TaskId) -> Result<Vec<(StreamId, i64, String)>> {
    // the stream of an erased workspace is gone, and its log is about to go
    let mut sql = Sql::new(
        "select l.stream, s.kind, l.seq, l.frame from log l join streams s on s.id = l.stream where l.task_id = ",
    );
    sql.bind(task.0);
    let rows: Vec<(Uuid, i64, i64, String)> = tx.select(sql).await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(id, kind, seq, frame)| (streams::stream(id, kind), seq, frame))
        .collect())
}

/// A task's entries in one log after `after` and up to `last`, oldest first, for a chore that rewrites them under the
/// stream's lock.
pub async fn load_of_task(
    tx: &mut Transaction,
    task: TaskId,
    stream: StreamId,
    (after, last): (i64, i64),
    limit: i64,
) -> Result<Vec<(i64, String)>> {
    let mut sql = Sql::new("select seq, frame from log where task_id = ");
    sql.bind(task.0).push(" and stream = ").bind(stream.uuid());
    sql.after("seq", after).push(" and seq <= ").bind(last);
    sql.push(" order by seq").limit(limit);
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
pub async fn rewrite(
    tx: &mut Transaction,
    task: TaskId,
    entries: &[(StreamId, i64, Arc<str>)],
) -> Result<()> {
    let rows = entries.iter().map(|(stream, seq, frame)| {
        [
            task.0.into(),
            stream.uuid().into(),
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
    let mut sql = Sql::new("select seq, frame from log_by_stream where stream = ");
    sql.bind(stream.uuid()).after("seq", after);
    sql.push(" order by seq").limit(limit);
    tx.select(sql).await
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
