//! The table of purges: what is still to be forgotten of tasks that were purged when much had been told about them. A row is
//! a stream's entries about a task, up to a seq, and in a user's stream the notifications about it too. The readers of both
//! hide what the rows name. Does not know who forgets it.

use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, Table, columns, insert};
use super::{Reader, Result, Transaction, streams};
use taskwire_protocol::{StreamId, TaskId};
use uuid::Uuid;

/// Where a task is still to be forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The stream.
    pub stream: StreamId,
    /// The last entry that readers must not see, if it is about the task.
    pub seq: i64,
}

/// 1 if readers must not see the content of an entry `l` of the log, else 0.
pub(super) const HIDDEN_ENTRY: &str = "cast(case when exists (
    select 1 from purges p where p.task_id = l.task_id and p.stream = l.stream and p.seq >= l.seq
  ) then 1 else 0 end as bigint)";

const TABLE: Table = columns! {
    task_id: Uuid,
    stream: Uuid,
    seq: i64,
};

static INSERT: Statement = statement(
    TABLE.written,
    insert!(
        "purges",
        TABLE,
        Part::Plain(" on conflict (task_id, stream) do update set seq = excluded.seq"),
    ),
);

/// How many notifications and log entries are about a task, counted up to a limit of each.
pub async fn count(tx: &mut Transaction, task: TaskId, limit: i64) -> Result<i64> {
    let mut sql = Sql::new("select (select count(*) from (select 1 from notifications where task_id = ");
    sql.bind(task.0).limit(limit);
    sql.push(") n) + (select count(*) from (select 1 from log where task_id = ")
        .bind(task.0)
        .limit(limit)
        .push(") l)");
    let rows: Vec<(i64,)> = tx.select(sql).await?;
    Ok(rows.first().map_or(0, |(number,)| *number))
}

/// Hides all that is about a task, wherever it is. Returns the streams, each with its last entry about the task.
pub async fn hide(tx: &mut Transaction, task: TaskId) -> Result<Vec<(StreamId, i64)>> {
    let mut places: Vec<(Uuid, i64, Option<i64>)> = tx.select(places_of(task, "log", "stream")).await?;
    places.extend(
        tx.select::<(Uuid, i64, Option<i64>)>(places_of(task, "notifications", "user_id"))
            .await?,
    );
    places.sort_unstable();
    places.dedup();
    let places: Vec<(StreamId, i64)> = places
        .into_iter()
        .map(|(id, kind, last)| (streams::stream(id, kind), last.unwrap_or_default()))
        .collect();
    let rows = places.iter().map(|(stream, last)| {
        let seq = match stream {
            StreamId::Workspace(_) => *last,
            // the user may be changing such a notification just now
            StreamId::User(_) => i64::MAX,
        };
        [task.0.into(), stream.uuid().into(), seq.into()]
    });
    tx.execute(&INSERT, Batch::of(rows)).await?;
    Ok(places)
}

/// The streams that rows of a table about a task are of, each with its last entry about the task. It skips from one stream
/// to the next in the index, however many rows each has.
fn places_of(task: TaskId, table: &str, column: &str) -> Sql {
    let mut sql = Sql::new(&format!(
        "with recursive places (stream) as (select * from (select {column} from {table} where task_id = "
    ));
    sql.bind(task.0).push(&format!(
        " order by {column} limit 1) x union all
          select (select t.{column} from {table} t where t.{column} > places.stream and t.task_id = "
    ));
    sql.bind(task.0).push(&format!(
        " order by t.{column} limit 1) from places where places.stream is not null)
          select s.id, s.kind, (select l.seq from log l where l.stream = s.id and l.task_id = "
    ));
    sql.bind(task.0)
        .push(" order by l.seq desc limit 1) from places cross join streams s where s.id = places.stream");
    sql
}

/// The next place where a task is to be forgotten.
pub async fn next(reader: &mut Reader, task: TaskId) -> Result<Option<Place>> {
    // the stream of an erased workspace is gone
    let mut sql = Sql::new(
        "select p.stream, coalesce(s.kind, 1), p.seq from purges p left join streams s on s.id = p.stream
         where p.task_id = ",
    );
    sql.bind(task.0).push(" order by p.stream").limit(1);
    let found: Option<(Uuid, i64, i64)> = reader.find(sql).await?;
    Ok(found.map(|(id, kind, seq)| Place {
        stream: streams::stream(id, kind),
        seq,
    }))
}

/// All of a task is forgotten in this stream.
pub async fn done(tx: &mut Transaction, task: TaskId, stream: StreamId) -> Result<()> {
    let mut sql = Sql::new("delete from purges where task_id = ");
    sql.bind(task.0).push(" and stream = ").bind(stream.uuid());
    tx.select::<()>(sql).await.map(drop)
}
