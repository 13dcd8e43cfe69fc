//! Streams: the counter row that gives each log entry its seq, and what else is counted under its lock.

pub use super::counters::Counters;

use super::bind::Cell;
use super::bind::Kind::{Id, Int};
use super::sql::Sql;
use super::statement::{Batch, RowType, Statement, statement, statement_of};
use super::table::{Part, insert, table, text};
use super::{Reader, Result, StoreError, Transaction};
use foldhash::{HashMap, HashMapExt};
use taskwire_protocol::{StreamId, TaskId, UserId, WorkspaceId};
use uuid::Uuid;

table! {
    /// A stream's row.
    pub(super) struct CountersRow {
        id: Uuid = fixed,
        kind: i64 = fixed,
        seq: i64,
        acl_version: i64,
        unread: i64,
        pending: i64,
        completed: i64,
        deleted: i64,
    }
}

impl CountersRow {
    fn read(self) -> (StreamId, Counters) {
        let CountersRow {
            id,
            kind,
            seq,
            acl_version,
            unread,
            pending,
            completed,
            deleted,
        } = self;
        (
            stream(id, kind),
            Counters {
                seq,
                acl_version,
                unread,
                pending,
                completed,
                deleted,
            },
        )
    }
}

pub(super) fn stream(id: Uuid, kind: i64) -> StreamId {
    if kind == 0 {
        StreamId::User(UserId(id))
    } else {
        StreamId::Workspace(WorkspaceId(id))
    }
}

fn kind(stream: StreamId) -> i64 {
    match stream {
        StreamId::User(_) => 0,
        StreamId::Workspace(_) => 1,
    }
}

/// Locks streams by id, and those of the workspaces that hold the given tasks. Every transaction locks in this order:
/// workspaces first, because their groups lock users' streams at their end. The kind must match too: otherwise a user's
/// id that is sent as a workspace's would lock that user's stream.
pub(super) static LOCK: Statement = statement(
    &[("id", Id), ("kind", Int), ("task_id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("s.$", CountersRow::TABLE.read),
        Part::Plain(
            " from streams s where {postgres:(s.id, s.kind)}{sqlite:s.id} in (
               select coalesce(v.id, t.workspace_id){postgres:, coalesce(v.kind, 1)}
               from v left join tasks t on t.id = v.task_id where v.id is not null or t.id is not null)
             order by s.kind desc, s.id{postgres: for no key update of s}"
        ),
    ],
);

/// Splits the streams to lock: returns the known counters, and the batch that locks the other streams.
pub(super) fn to_lock(
    tx: &Transaction,
    streams: impl IntoIterator<Item = StreamId>,
    tasks: impl IntoIterator<Item = TaskId>,
) -> (HashMap<StreamId, Counters>, Batch) {
    let mut kept = HashMap::new();
    let mut rows = Vec::new();
    for stream in streams {
        match tx.counted.get(stream) {
            Some(counters) => drop(kept.insert(stream, counters)),
            None => rows.push([stream.uuid().into(), kind(stream).into(), Cell::Id(None)]),
        }
    }
    let tasks = tasks
        .into_iter()
        .map(|task| [Cell::Id(None), Cell::Int(None), task.0.into()]);
    rows.extend(tasks);
    (kept, Batch::of(rows))
}

/// Keeps the counters of streams that were just locked, and adds them to `all`.
pub(super) fn locked(tx: &mut Transaction, rows: Vec<CountersRow>, all: &mut HashMap<StreamId, Counters>) {
    for row in rows {
        let (stream, counters) = row.read();
        tx.counted.put(stream, counters);
        all.insert(stream, counters);
    }
}

/// Locks streams and returns their counters.
pub async fn lock(
    tx: &mut Transaction,
    streams: impl IntoIterator<Item = StreamId>,
) -> Result<HashMap<StreamId, Counters>> {
    let (mut all, batch) = to_lock(tx, streams, []);
    let rows = tx.fetch(&LOCK, batch).await?;
    locked(tx, rows, &mut all);
    Ok(all)
}

/// Advances all streams that a group touched, in lock order, so that two groups never wait for each other in a circle.
static ADVANCE: Statement = statement_of(
    RowType::Stream,
    CountersRow::TABLE.written,
    insert!(
        "streams",
        CountersRow::TABLE,
        Part::Plain(" order by kind desc, id on conflict (id) do update set "),
        Part::Changing("$ = streams.$ + excluded.$", CountersRow::TABLE),
        Part::Plain(" {postgres:returning "),
        Part::Each("$", CountersRow::TABLE.read),
        Part::Plain("}"),
    ),
);

/// The last part of an optimistic group's write. It refuses the write unless the streams reached the expected seqs.
/// Other writers only increase seqs, so the sum is right only if each seq is right.
pub(super) static VALIDATE: Statement = statement(
    &[("seq", Int)],
    "select taskwire_refuse() from v where v.seq <> (select sum(a.seq) from {advanced} a)",
);

/// Adds to the counters of streams, and makes the streams that are missing. Returns the counters as they are now.
pub async fn advance(
    tx: &mut Transaction,
    deltas: &[(StreamId, Counters)],
) -> Result<HashMap<StreamId, Counters>> {
    let known = deltas.iter().all(|(stream, _)| tx.counted.get(*stream).is_some());
    if !known && !tx.is_alone() {
        let rows: Vec<CountersRow> = tx.fetch(&ADVANCE, advances(deltas)).await?;
        let after: HashMap<_, _> = rows.into_iter().map(CountersRow::read).collect();
        for (stream, counters) in &after {
            tx.counted.change(*stream, *counters);
        }
        return Ok(after);
    }
    // the counters are locked, or kept for an optimistic group, or this is the only writer: so their new values are
    // known before the write is answered
    let before = lock(tx, deltas.iter().map(|(stream, _)| *stream)).await?;
    tx.execute(&ADVANCE, advances(deltas)).await?;
    let mut after = HashMap::with_capacity(deltas.len());
    for (stream, by) in deltas {
        let counters = before.get(stream).copied().unwrap_or_default().plus(*by);
        tx.counted.change(*stream, counters);
        after.insert(*stream, counters);
    }
    if tx.is_optimistic() {
        tx.validates(&VALIDATE, after.values().map(|counters| counters.seq).sum());
    }
    Ok(after)
}

fn advances(deltas: &[(StreamId, Counters)]) -> Batch {
    Batch::of(deltas.iter().map(|(stream, by)| {
        [
            stream.uuid().into(),
            kind(*stream).into(),
            by.seq.into(),
            by.acl_version.into(),
            by.unread.into(),
            by.pending.into(),
            by.completed.into(),
            by.deleted.into(),
        ]
    }))
}

/// A stream's counters; zeros if there is no such stream.
pub async fn counters(reader: &mut Reader, stream: StreamId) -> Result<Counters> {
    let mut sql = Sql::new(text![
        Part::Plain("select "),
        Part::Each("$", CountersRow::TABLE.read),
        Part::Plain(" from streams where id = "),
    ]);
    sql.bind(stream.uuid());
    Ok(reader
        .find::<CountersRow>(sql)
        .await?
        .map_or(Counters::default(), |row| row.read().1))
}

/// The newest seqs of streams. Streams that never had an entry are left out.
pub async fn heads(reader: &mut Reader, streams: &[StreamId]) -> Result<Vec<(StreamId, i64)>> {
    let Some(last) = streams.last() else {
        return Ok(Vec::new());
    };
    // padded to a power of two, so that there are few prepared texts
    let padding = streams.len().next_power_of_two() - streams.len();
    let ids = streams.iter().chain(std::iter::repeat_n(last, padding));
    let mut sql = Sql::new("select id, kind, seq from streams where id in (");
    sql.bind_all(ids.map(|stream| stream.uuid())).push(")");
    let rows: Vec<(Uuid, i64, i64)> = reader.fetch(sql).await?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, seq)| (stream(id, kind), seq))
        .collect())
}

/// Streams after `after` with more than `events` entries, by id: retention may cut these.
pub async fn longer_than(
    reader: &mut Reader,
    events: i64,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, i64)>> {
    let mut sql = Sql::new("select id, seq from streams where seq > ");
    sql.bind(events).page("id", Some(after), limit);
    reader.fetch(sql).await
}

/// The counters of a stream that must be among these.
pub(crate) fn of(all: &HashMap<StreamId, Counters>, stream: StreamId) -> Result<Counters> {
    all.get(&stream)
        .copied()
        .ok_or_else(|| StoreError::corrupt(format!("the database returned no counters of {stream}")))
}
