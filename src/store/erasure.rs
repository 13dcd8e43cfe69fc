//! Erases what a deleted account, or a workspace without members, has left in all tables. Each function deletes or
//! empties up to `limit` rows and returns their number, so that a job can take many short steps. A repeated call
//! finds less. Does not know when anything may be erased.

use super::notifications;
use super::sql::Sql;
use super::statement::Batch;
use super::{Reader, Result, Transaction};
use super::{statistics, streams};
use taskwire_protocol::{StreamId, UserId, WorkspaceId};
use uuid::Uuid;

/// A user's notifications.
pub async fn notifications(tx: &mut Transaction, user: UserId, limit: i64) -> Result<u64> {
    // in line with the groups that write notifications of this user
    streams::lock(tx, [StreamId::from(user)]).await?;
    let mut sql = Sql::new("select id from notifications_by_user where user_id = ");
    sql.bind(user.0).push(" order by id").limit(limit);
    let found: Vec<(Uuid,)> = tx.select(sql).await?;
    let rows = found.iter().map(|(id,)| [user.0.into(), (*id).into()]);
    tx.execute(&notifications::DELETE, Batch::of(rows)).await?;
    Ok(found.len() as u64)
}

/// What a user's sessions tell about them. The rows stay until retention deletes them, so that a client with an old
/// token learns that it is signed out.
pub async fn devices(tx: &mut Transaction, user: UserId, limit: i64) -> Result<u64> {
    let mut sql = Sql::new(
        "update sessions set device_name = null, client = null, address = null, successor = null where id in
           (select id from sessions
            where (device_name is not null or client is not null or address is not null) and user_id = ",
    );
    sql.bind(user.0).push(" order by id").limit(limit);
    sql.push(") returning created_at");
    Ok(tx.select::<(i64,)>(sql).await?.len() as u64)
}

/// A user's API tokens, mailed codes and calendar feed. All have bounds of their own.
pub async fn proofs(tx: &mut Transaction, user: UserId) -> Result<u64> {
    let mut number = 0;
    for text in ["delete from api_tokens", "delete from codes"] {
        let mut sql = Sql::new(text);
        sql.push(" where user_id = ")
            .bind(user.0)
            .push(" returning expires_at");
        number += tx.select::<(Option<i64>,)>(sql).await?.len() as u64;
    }
    let mut sql = Sql::new("delete from calendars where user_id = ");
    sql.bind(user.0).push(" returning created_at");
    number += tx.select::<(i64,)>(sql).await?.len() as u64;
    Ok(number)
}

/// Jobs of a kind that are dead, and whose payload is about a user. They had somebody's address.
pub async fn dead_jobs(tx: &mut Transaction, kind: &'static str, user: UserId, limit: i64) -> Result<u64> {
    let mut sql = Sql::new(
        "delete from jobs where (kind, key) in (select kind, key from jobs where dead_at is not null and kind = ",
    );
    sql.bind(kind).push(" and payload like ");
    sql.bind(format!("%\"user\":\"{user}\"%")).limit(limit);
    sql.push(") returning kind");
    Ok(tx.select::<(String,)>(sql).await?.len() as u64)
}

/// Entries of a stream's log, the oldest first, except the one at `kept`.
pub async fn entries(tx: &mut Transaction, stream: StreamId, kept: i64, limit: i64) -> Result<u64> {
    let mut sql = Sql::new("select seq from log_by_stream where stream = ");
    sql.bind(stream.uuid()).push(" and seq <> ").bind(kept);
    sql.push(" order by seq").limit(limit);
    let found: Vec<(i64,)> = tx.select(sql).await?;
    let Some((last,)) = found.last() else {
        return Ok(0);
    };
    let mut sql = Sql::new("delete from log_by_stream where stream = ");
    sql.bind(stream.uuid()).push(" and seq <= ").bind(*last);
    sql.push(" and seq <> ").bind(kept);
    tx.select::<()>(sql).await?;
    Ok(found.len() as u64)
}

/// Whose op_ids are stored, in order, after one of them: a page. There is no index by user, so erasing them reads all.
pub async fn op_ids(reader: &mut Reader, after: (Uuid, Uuid), limit: i64) -> Result<Vec<(Uuid, Uuid)>> {
    let mut sql = Sql::new("select op_id, user_id from ops where (op_id, user_id) > (");
    sql.bind(after.0).push(", ").bind(after.1);
    sql.push(") order by op_id, user_id").limit(limit);
    reader.fetch(sql).await
}

/// What these op_ids of a user did.
pub async fn ops(tx: &mut Transaction, user: UserId, op_ids: Vec<Uuid>) -> Result<()> {
    if op_ids.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new("delete from ops where user_id = ");
    sql.bind(user.0)
        .push(" and op_id in (")
        .bind_all(op_ids)
        .push(")");
    tx.select::<()>(sql).await.map(drop)
}

/// Tasks of a workspace, with their comments. Their attachments stay, without a task, until their files are removed. On SQLite their words stay in the index until it is brought up to date. Notifications of them are
/// their readers' own, and stay.
pub async fn tasks(tx: &mut Transaction, workspace: WorkspaceId, limit: i64) -> Result<u64> {
    let mut sql = Sql::new("select id from tasks_by_workspace where workspace_id = ");
    sql.bind(workspace.0).limit(limit);
    let found: Vec<(Uuid,)> = tx.select(sql).await?;
    if found.is_empty() {
        return Ok(0);
    }
    for text in [
        "delete from task_tags where task_id in (",
        "delete from task_assignees where task_id in (",
        "delete from comments where task_id in (",
        "update attachments set task_id = null, name = '' where task_id in (",
        "delete from task_blocks where task_id in (",
        "delete from alarms where task_id in (",
        "delete from repeats where task_id in (",
        "delete from tasks where id in (",
    ] {
        let mut sql = Sql::new(text);
        sql.bind_all(found.iter().map(|(id,)| *id)).push(")");
        tx.select::<()>(sql).await?;
    }
    statistics::forget(tx, workspace, &found).await?;
    Ok(found.len() as u64)
}

/// The workspace itself, with its projects, its tags, its statistics and the counters of its stream.
pub async fn workspace(tx: &mut Transaction, id: WorkspaceId) -> Result<()> {
    for text in [
        "delete from projects where workspace_id = ",
        "delete from tags where workspace_id = ",
        "delete from workspaces where id = ",
        "delete from streams where kind = 1 and id = ",
    ] {
        let mut sql = Sql::new(text);
        sql.bind(id.0);
        tx.select::<()>(sql).await?;
    }
    statistics::erase(tx, id).await?;
    // those of this stream are gone
    tx.counted.forget();
    Ok(())
}
