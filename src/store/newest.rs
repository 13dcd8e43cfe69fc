//! The time in the newest id, over restarts. After the clock was set back, ids must still increase: tasks stand in the
//! order of their ids.
//!
//! The node stores the time every few seconds. What was made after that is found in the tables. Clients make ids of tasks
//! too, with any time in them, so an id of a task counts only if it is near what is known.

use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::ids::moment_ms;
use uuid::Uuid;

/// How far ids of tasks may be ahead of what is known, in milliseconds. The stored time is at most a few seconds old.
const AHEAD_MS: i64 = 60_000;
/// Tables whose ids the server makes.
const TABLES: [&str; 2] = ["users", "sessions"];

/// The time in the newest id that servers of this database made, in Unix milliseconds; 0 when `now_ms` is later than all
/// that is known, as it is unless the clock was set back.
pub async fn find(reader: &mut Reader, now_ms: i64) -> Result<i64> {
    let stored = Sql::new("select cast(value as bigint) from meta where key = 'newest_id_ms'");
    let stored: Option<(i64,)> = reader.find(stored).await?;
    let mut newest = stored.map_or(0, |(ms,)| ms);
    for table in TABLES {
        let id = Sql::new(&format!("select id from {table} order by id desc limit 1"));
        let id: Option<(Uuid,)> = reader.find(id).await?;
        newest = newest.max(id.map_or(0, |(id,)| moment_ms(id)));
    }
    if newest < now_ms {
        return Ok(0);
    }
    let mut task = Sql::new("select id from tasks where id < ");
    task.bind(first_at(newest + AHEAD_MS))
        .push(" order by id desc limit 1");
    let task: Option<(Uuid,)> = reader.find(task).await?;
    Ok(newest.max(task.map_or(0, |(id,)| moment_ms(id))))
}

/// Stores the time in the newest id, unless a later one is stored.
pub async fn store(tx: &mut Transaction, newest_ms: i64) -> Result<()> {
    let mut sql = Sql::new("insert into meta (key, value) values ('newest_id_ms', ");
    sql.bind(newest_ms.to_string()).push(
        ") on conflict (key) do update set value = excluded.value
        where cast(meta.value as bigint) < cast(excluded.value as bigint) returning value",
    );
    tx.select::<(String,)>(sql).await.map(drop)
}

/// The smallest id with this time in it.
fn first_at(ms: i64) -> Uuid {
    Uuid::from_u128(u128::from(ms.cast_unsigned()) << 80)
}
