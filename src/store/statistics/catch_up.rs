//! Counts what changed since the last time, in steps.
//!
//! What a task counted as is stored, and a step replaces it by what the task is now: it takes the old away, and adds the new.
//! So it does no harm to look at a task once too often, and the numbers always are the sum of the facts. Which tasks to
//! look at, the workspace's log tells. Where it does not (nobody asked before; the log no longer reaches back; a change of so
//! many tasks that the log has one entry for all), all tasks are looked at, in the order of their ids, and then the log's
//! entries since that began.

use super::fact::Fact;
use super::tally::Tally;
use crate::store::bind::{
    Cell,
    Kind::{Id, Text},
};
use crate::store::sql::Sql;
use crate::store::statement::{Batch, Statement, statement};
use crate::store::{Result, Transaction, tasks};
use std::collections::{BTreeMap, BTreeSet};
use taskwire_protocol::events::{EventType, StreamReset};
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, WorkspaceId};
use uuid::Uuid;

/// How far a workspace is counted.
#[derive(Clone, Copy, Debug)]
struct Position {
    seq: i64,
    /// While all tasks are looked at, the last one that was.
    passed: Option<Uuid>,
}

/// An entry of the log: its seq and task, and the frame of one that is about no task.
type Entry = (i64, Option<Uuid>, Option<String>);

/// Takes a step of about `limit` tasks. Returns whether there is more to count.
pub async fn catch_up(tx: &mut Transaction, workspace: WorkspaceId, limit: i64) -> Result<bool> {
    let Some(position) = lock(tx, workspace).await? else {
        return Ok(false);
    };
    match position.passed {
        Some(after) => look_at_all(tx, workspace, after, limit).await,
        None => follow_log(tx, workspace, position.seq, limit).await,
    }
}

/// Where a workspace stands; nobody else counts it until the transaction ends. `None` for one that is gone.
async fn lock(tx: &mut Transaction, workspace: WorkspaceId) -> Result<Option<Position>> {
    if let Some(position) = locked(tx, workspace).await? {
        return Ok(Some(position));
    }
    let mut sql = Sql::new("insert into tallies (workspace_id, seq, passed, steps) select id, seq, ");
    sql.bind(Uuid::nil())
        .push(", 0 from streams where kind = 1 and id = ")
        .bind(workspace.0)
        .push(" on conflict (workspace_id) do nothing");
    tx.select::<()>(sql).await?;
    locked(tx, workspace).await
}

async fn locked(tx: &mut Transaction, workspace: WorkspaceId) -> Result<Option<Position>> {
    // an update, because it locks the row on either database
    let mut sql = Sql::new("update tallies set steps = steps + 1 where workspace_id = ");
    sql.bind(workspace.0).push(" returning seq, passed");
    let found: Vec<(i64, Option<Uuid>)> = tx.select(sql).await?;
    let found = found.into_iter().next();
    Ok(found.map(|(seq, passed)| Position { seq, passed }))
}

/// Counts the tasks that the next entries of the log name.
async fn follow_log(tx: &mut Transaction, workspace: WorkspaceId, seq: i64, limit: i64) -> Result<bool> {
    let mut head = Sql::new("select seq from streams where kind = 1 and id = ");
    head.bind(workspace.0);
    let head: Vec<(i64,)> = tx.select(head).await?;
    let mut sql = Sql::new(
        "select seq, task_id, case when task_id is null then frame end from log_by_stream where stream = ",
    );
    sql.bind(workspace.0).after("seq", seq);
    sql.push(" order by seq").limit(limit);
    let entries: Vec<Entry> = tx.select(sql).await?;
    let next = entries.first().map_or(seq, |(seq, ..)| seq - 1);
    let is_ahead = entries.is_empty() && head.first().is_some_and(|(head,)| *head > seq);
    if next != seq || is_ahead || entries.iter().any(is_reset) {
        return look_again(tx, workspace).await;
    }
    let Some((last, ..)) = entries.last() else {
        return Ok(false);
    };
    let ids: BTreeSet<Uuid> = entries.iter().filter_map(|(_, task, _)| *task).collect();
    let found = tasks::load(tx, ids.iter().copied().map(TaskId)).await?;
    let found = found.into_iter().filter(|task| task.workspace_id == workspace);
    let rows = ids.iter().map(|id| [workspace.0.into(), (*id).into()]);
    let facts: Vec<(Uuid, String)> = tx.fetch(&FACTS, Batch::of(rows)).await?;
    replace(tx, workspace, facts, found).await?;
    let mut sql = Sql::new("update tallies set seq = ");
    sql.bind(*last).push(" where workspace_id = ").bind(workspace.0);
    tx.select::<()>(sql).await?;
    Ok(entries.len() as i64 >= limit)
}

/// Whether an entry stands for changes of many tasks.
fn is_reset((_, _, frame): &Entry) -> bool {
    // quotation marks within values are escaped
    let name = || format!(r#""event":"{}""#, StreamReset::NAME);
    frame.as_ref().is_some_and(|frame| frame.contains(&name()))
}

/// Begins to look at all tasks.
async fn look_again(tx: &mut Transaction, workspace: WorkspaceId) -> Result<bool> {
    let mut sql = Sql::new("update tallies set passed = ");
    sql.bind(Uuid::nil())
        .push(", seq = (select s.seq from streams s where s.kind = 1 and s.id = tallies.workspace_id)")
        .push(" where workspace_id = ")
        .bind(workspace.0);
    tx.select::<()>(sql).await?;
    Ok(true)
}

/// Counts the next tasks in the order of their ids, and takes away those that are gone.
async fn look_at_all(tx: &mut Transaction, workspace: WorkspaceId, after: Uuid, limit: i64) -> Result<bool> {
    let mut found = tasks::load_page(tx, workspace, after, limit).await?;
    let mut sql = Sql::new("select task_id, fact from task_facts where workspace_id = ");
    sql.bind(workspace.0).page("task_id", Some(after), limit);
    let mut facts: Vec<(Uuid, String)> = tx.select(sql).await?;
    let is_full = |number: usize| number as i64 >= limit;
    let ends = [
        found
            .last()
            .filter(|_| is_full(found.len()))
            .map(|task| task.id.0),
        facts.last().filter(|_| is_full(facts.len())).map(|(id, _)| *id),
    ];
    let end = ends.into_iter().flatten().min();
    if let Some(end) = end {
        found.retain(|task| task.id.0 <= end);
        facts.retain(|(id, _)| *id <= end);
    }
    replace(tx, workspace, facts, found).await?;
    let mut sql = Sql::new("update tallies set passed = ");
    sql.bind(Cell::Id(end));
    sql.push(" where workspace_id = ").bind(workspace.0);
    tx.select::<()>(sql).await?;
    Ok(true)
}

/// Replaces what tasks were counted as by what they are. A fact without a task is taken away.
async fn replace(
    tx: &mut Transaction,
    workspace: WorkspaceId,
    facts: Vec<(Uuid, String)>,
    tasks: impl IntoIterator<Item = Task>,
) -> Result<()> {
    let mut before: BTreeMap<Uuid, String> = facts.into_iter().collect();
    let mut tally = Tally::default();
    let mut written = Vec::new();
    for task in tasks {
        let now = Fact::of(&task);
        let text = serde_json::to_string(&now)?;
        let was = before.remove(&task.id.0);
        if was.as_ref() == Some(&text) {
            continue;
        }
        if let Some(was) = was {
            tally.add(&serde_json::from_str(&was)?, -1);
        }
        tally.add(&now, 1);
        written.push([workspace.0.into(), task.id.0.into(), text.into()]);
    }
    for gone in before.values() {
        tally.add(&serde_json::from_str(gone)?, -1);
    }
    tx.execute(&PUT, Batch::of(written)).await?;
    let gone = before.keys().map(|id| [workspace.0.into(), (*id).into()]);
    tx.execute(&DELETE, Batch::of(gone)).await?;
    tally.write(tx, workspace).await
}

pub(in crate::store) static FACTS: Statement = statement(
    &[("workspace_id", Id), ("task_id", Id)],
    "select f.task_id, f.fact from v cross join task_facts f
     where f.workspace_id = v.workspace_id and f.task_id = v.task_id and {rows}",
);

static PUT: Statement = statement(
    &[("workspace_id", Id), ("task_id", Id), ("fact", Text)],
    "insert into task_facts (workspace_id, task_id, fact) select workspace_id, task_id, fact from v where {rows}
     on conflict (workspace_id, task_id) do update set fact = excluded.fact",
);

pub(in crate::store) static DELETE: Statement = statement(
    &[("workspace_id", Id), ("task_id", Id)],
    "delete from task_facts where (workspace_id, task_id) in (select workspace_id, task_id from v where {rows})",
);
