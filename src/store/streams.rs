//! Streams: the counter row that gives each log entry its seq, and what else is counted under its lock.

use super::bind::Cell;
use super::bind::Kind::{Id, Int};
use super::statement::{Batch, Sql, Statement, statement, statement_of};
use super::transaction::RowType;
use super::{Reader, Result, StoreError, Transaction};
use foldhash::{HashMap, HashMapExt};
use taskwire_protocol::{StreamId, TaskId, UserId, WorkspaceId};
use uuid::Uuid;

/// A stream's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The newest entry's seq.
    pub seq: i64,
    /// Grows when memberships change.
    pub acl_version: i64,
    /// Of a user's stream: unread notifications.
    pub unread: i64,
    /// Of a workspace's: tasks to do.
    pub pending: i64,
    /// Of a workspace's: tasks done.
    pub completed: i64,
    /// Of a workspace's: tasks deleted.
    pub deleted: i64,
}

impl Counters {
    /// What they come to when as much is added to each.
    #[must_use]
    pub fn plus(self, by: Counters) -> Counters {
        Counters {
            seq: self.seq + by.seq,
            acl_version: self.acl_version + by.acl_version,
            unread: self.unread + by.unread,
            pending: self.pending + by.pending,
            completed: self.completed + by.completed,
            deleted: self.deleted + by.deleted,
        }
    }
}

/// A stream's row.
#[derive(sqlx::FromRow)]
pub(super) struct CountersRow {
    id: Uuid,
    kind: i64,
    seq: i64,
    acl_version: i64,
    unread: i64,
    pending: i64,
    completed: i64,
    deleted: i64,
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

fn stream(id: Uuid, kind: i64) -> StreamId {
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

/// Locks streams by name, and those of the workspaces that hold the given tasks, in one order for everybody: workspaces
/// first, for their groups get to users' streams at their end. By kind too: who names a user's id as a workspace's must
/// not lock that user's stream, which nobody would know to be held.
pub(super) static LOCK: Statement = statement(
    &[("id", Id), ("kind", Int), ("task_id", Id)],
    "select s.id, s.kind, s.seq, s.acl_version, s.unread, s.pending, s.completed, s.deleted
           from streams s where {postgres:(s.id, s.kind)}{sqlite:s.id} in (
             select coalesce(v.id, t.workspace_id){postgres:, coalesce(v.kind, 1)}
             from v left join tasks t on t.id = v.task_id where v.id is not null or t.id is not null)
           order by s.kind desc, s.id{postgres: for no key update of s}",
);

/// Streams to be locked: the counters of those that are kept, and what to ask for the others.
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

/// Adds those that are locked now.
pub(super) fn locked(tx: &mut Transaction, rows: Vec<CountersRow>, all: &mut HashMap<StreamId, Counters>) {
    for row in rows {
        let (stream, counters) = row.read();
        tx.counted.put(stream, counters);
        all.insert(stream, counters);
    }
}

/// Locks streams.
pub async fn lock(
    tx: &mut Transaction,
    streams: impl IntoIterator<Item = StreamId>,
) -> Result<HashMap<StreamId, Counters>> {
    let (mut all, batch) = to_lock(tx, streams, []);
    let rows = tx.fetch(&LOCK, batch).await?;
    locked(tx, rows, &mut all);
    Ok(all)
}

/// Every stream touched, in the order of locks, so that two groups never wait for each other.
static ADVANCE: Statement = statement_of(
    RowType::Stream,
    &[
        ("id", Id),
        ("kind", Int),
        ("seq", Int),
        ("acl_version", Int),
        ("unread", Int),
        ("pending", Int),
        ("completed", Int),
        ("deleted", Int),
    ],
    "insert into streams (id, kind, seq, acl_version, unread, pending, completed, deleted)
     select id, kind, seq, acl_version, unread, pending, completed, deleted from v where {rows} order by kind desc, id
     on conflict (id) do update set seq = streams.seq + excluded.seq,
       acl_version = streams.acl_version + excluded.acl_version, unread = streams.unread + excluded.unread,
       pending = streams.pending + excluded.pending, completed = streams.completed + excluded.completed,
       deleted = streams.deleted + excluded.deleted
     {postgres:returning id, kind, seq, acl_version, unread, pending, completed, deleted}",
);

/// Refuses what an optimistic group wrote in the same statement, unless its streams came to the seqs that it counted on:
/// these only grow, so their sum is right when each is.
pub(super) static VALIDATE: Statement = statement(
    &[("seq", Int)],
    "select taskwire_refuse() from v where v.seq <> (select sum(a.seq) from {advanced} a)",
);

/// Adds to the counters, making those that are missing; returns what they are now.
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
    // with the locks held, or nobody else there, what the counters will be is known, and nothing waits for the answer
    let before = lock(tx, deltas.iter().map(|(stream, _)| *stream)).await?;
    tx.execute(&ADVANCE, advances(deltas)).await?;
    let mut after = HashMap::with_capacity(deltas.len());
    for (stream, by) in deltas {
        let counters = before.get(stream).copied().unwrap_or_default().plus(*by);
        tx.counted.change(*stream, counters);
        after.insert(*stream, counters);
    }
    if tx.is_optimistic() {
        tx.validates(after.values().map(|counters| counters.seq).sum());
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

/// A stream's counters; zeros where there is no such stream.
pub async fn counters(reader: &mut Reader, stream: StreamId) -> Result<Counters> {
    let mut sql = Sql::new(
        "select id, kind, seq, acl_version, unread, pending, completed, deleted from streams where id = ",
    );
    sql.bind(stream.uuid());
    Ok(reader
        .find::<CountersRow>(sql)
        .await?
        .map_or(Counters::default(), |row| row.read().1))
}

/// The newest seqs of streams, by their primary key; those that never had an entry are left out.
pub async fn heads(reader: &mut Reader, streams: &[StreamId]) -> Result<Vec<(StreamId, i64)>> {
    let Some(last) = streams.last() else {
        return Ok(Vec::new());
    };
    // up to the next power of two, so that the prepared texts stay few
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

/// Streams after `after` with more than `events` entries, in the order of their ids: where retention may cut.
pub async fn longer_than(
    reader: &mut Reader,
    events: i64,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, i64)>> {
    let mut sql = Sql::new("select id, seq from streams where seq > ");
    sql.bind(events)
        .push(" and id > ")
        .bind(after)
        .push(" order by id limit ")
        .bind(limit);
    reader.fetch(sql).await
}

/// A counter that has to be there.
pub(crate) fn of(all: &HashMap<StreamId, Counters>, stream: StreamId) -> Result<Counters> {
    all.get(&stream)
        .copied()
        .ok_or_else(|| StoreError::corrupt(format!("no counters of {stream} came back")))
}
