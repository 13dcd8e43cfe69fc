//! The table of attachments. Knows rows, and not the files whose names are their ids; `ops/attachments` says who may write
//! them, and the task's row counts them. A row stays without its task until its file is removed.

use super::bind::Kind::Id;
use super::entity::{Changes, Keyed};
use super::members;
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, insert, table, text};
use super::{Reader, Result, Transaction};
use std::collections::HashSet;
use taskwire_protocol::attachment::Attachment;
use taskwire_protocol::member::Role;
use taskwire_protocol::{AttachmentId, TaskId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

/// An attachment, and the workspace of its task.
#[derive(Clone, Debug)]
pub struct AttachmentRecord {
    /// What everybody sees.
    pub attachment: Attachment,
    /// The workspace of its task.
    pub workspace: WorkspaceId,
}

table! {
    /// The row of an attachment that has its task.
    struct AttachmentRow {
        id: Uuid = fixed,
        workspace_id: Uuid = fixed,
        task_id: Uuid,
        name: String,
        size: i64 = fixed,
        media_type: String = fixed,
        created_by: Uuid = fixed,
        created_at: i64 = fixed,
    }
}

const SELECT: &str = text![
    Part::Plain("select "),
    Part::Each("a.$", AttachmentRow::TABLE.read),
    Part::Plain(" from attachments a where a.task_id is not null and "),
];

impl Stored for AttachmentRow {
    type Value = AttachmentRecord;

    fn read(self) -> Result<AttachmentRecord> {
        let attachment = Attachment {
            id: AttachmentId(self.id),
            task_id: TaskId(self.task_id),
            name: self.name.into(),
            size: self.size.unsigned_abs(),
            media_type: self.media_type.into(),
            created_by: UserId(self.created_by),
            created_at: Timestamp(self.created_at),
        };
        Ok(AttachmentRecord {
            attachment,
            workspace: WorkspaceId(self.workspace_id),
        })
    }
}

/// A page of a task's attachments after `after`, oldest first.
pub async fn list(
    reader: &mut Reader,
    task: TaskId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Attachment>> {
    let mut sql = Sql::new(SELECT);
    sql.push("a.task_id = ").bind(task.0).page("a.id", after, limit);
    let found = reader.list::<AttachmentRow>(sql).await?;
    Ok(found.into_iter().map(|record| record.attachment).collect())
}

/// All attachments of these tasks: those of a task together, oldest first. For tasks that have only a few.
pub async fn list_of(reader: &mut Reader, tasks: &[TaskId]) -> Result<Vec<Attachment>> {
    let mut sql = Sql::new(SELECT);
    sql.push("a.task_id in (")
        .bind_all(tasks.iter().map(|task| task.0))
        .push(") order by a.task_id, a.id");
    let found = reader.list::<AttachmentRow>(sql).await?;
    Ok(found.into_iter().map(|record| record.attachment).collect())
}

/// A page of what a user uploaded in the workspaces that they are in, after `after`, oldest first.
pub async fn list_by(
    reader: &mut Reader,
    creator: UserId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<AttachmentRecord>> {
    let mut sql = Sql::new(SELECT);
    sql.push("a.created_by = ").bind(creator.0);
    sql.push(" and exists (select 1 from members m where m.workspace_id = a.workspace_id and m.user_id = ");
    sql.bind(creator.0).push(")").page("a.id", after, limit);
    reader.list::<AttachmentRow>(sql).await
}

/// How many attachments a task has, as its row counts them.
pub async fn count(reader: &mut Reader, task: TaskId) -> Result<u64> {
    let mut sql = Sql::new("select attachment_count from tasks where id = ");
    sql.bind(task.0);
    let found: Option<i64> = reader.scalar(sql).await?;
    Ok(found.unwrap_or_default().max(0) as u64)
}

/// An attachment.
pub async fn find(reader: &mut Reader, id: AttachmentId) -> Result<Option<AttachmentRecord>> {
    let mut sql = Sql::new(SELECT);
    sql.push("a.id = ").bind(id.0);
    reader.one::<AttachmentRow>(sql).await
}

/// The workspace of an attachment and the user's role there. `None` if there is no such attachment, or if the user is not
/// a member of its workspace.
pub async fn find_role(
    reader: &mut Reader,
    user: UserId,
    attachment: AttachmentId,
) -> Result<Option<(WorkspaceId, Role)>> {
    let mut sql = Sql::new("select workspace_id from attachments where task_id is not null and id = ");
    sql.bind(attachment.0);
    members::find_role_at(reader, user, sql).await
}

/// How many bytes the attachments have that a user uploaded.
pub async fn bytes_by(reader: &mut Reader, creator: UserId) -> Result<u64> {
    let found: Option<i64> = reader.scalar(sum(creator)).await?;
    Ok(found.unwrap_or_default().max(0) as u64)
}

/// The same within a transaction.
pub async fn load_bytes_by(tx: &mut Transaction, creator: UserId) -> Result<u64> {
    let found: Vec<(i64,)> = tx.select(sum(creator)).await?;
    Ok(found.first().map_or(0, |(bytes,)| (*bytes).max(0) as u64))
}

fn sum(creator: UserId) -> Sql {
    let mut sql = Sql::new(
        "select cast(coalesce(sum(size), 0) as bigint) from attachments where task_id is not null and created_by = ",
    );
    sql.bind(creator.0);
    sql
}

/// Which of these ids have a row, with or without a task.
pub async fn known(reader: &mut Reader, ids: Vec<Uuid>) -> Result<HashSet<Uuid>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sql = Sql::new("select id from attachments where id in (");
    sql.bind_all(ids).push(")");
    let found: Vec<(Uuid,)> = reader.fetch(sql).await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Some attachments of a workspace that have no task any more, and whose files may still be there.
pub async fn removed(reader: &mut Reader, workspace: WorkspaceId, limit: i64) -> Result<Vec<AttachmentId>> {
    let mut sql = Sql::new("select id from attachments where task_id is null and workspace_id = ");
    sql.bind(workspace.0).push(" order by id").limit(limit);
    let found: Vec<(Uuid,)> = reader.fetch(sql).await?;
    Ok(found.into_iter().map(|(id,)| AttachmentId(id)).collect())
}

/// The first workspace after `after` that has such attachments.
pub async fn next_with_removed(reader: &mut Reader, after: WorkspaceId) -> Result<Option<WorkspaceId>> {
    let mut sql = Sql::new("select workspace_id from attachments where task_id is null and workspace_id > ");
    sql.bind(after.0).push(" order by workspace_id").limit(1);
    let found: Option<Uuid> = reader.scalar(sql).await?;
    Ok(found.map(WorkspaceId))
}

/// Deletes the rows of attachments whose files are removed.
pub async fn forget(tx: &mut Transaction, ids: impl IntoIterator<Item = AttachmentId>) -> Result<()> {
    tx.execute(&FORGET, Batch::ids(ids)).await
}

pub(super) static FORGET: Statement = statement(
    &[("id", Id)],
    "delete from attachments where task_id is null and id in (select id from v where {rows})",
);

pub(super) static PLACES: Statement = statement(
    &[("id", Id)],
    "select a.task_id, a.workspace_id from v cross join attachments a
     where a.id = v.id and a.task_id is not null and {rows}",
);

/// The tasks and workspaces of these attachments. They never change, so they may be read before the streams are locked.
pub async fn places(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = AttachmentId>,
) -> Result<Vec<(TaskId, WorkspaceId)>> {
    let found: Vec<(Uuid, Uuid)> = tx.fetch(&PLACES, Batch::ids(ids)).await?;
    let places = found.into_iter();
    Ok(places
        .map(|(task, workspace)| (TaskId(task), WorkspaceId(workspace)))
        .collect())
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("a.$", AttachmentRow::TABLE.read),
        Part::Plain(
            " from v cross join attachments a where a.id = v.id and a.task_id is not null and {rows}"
        ),
    ],
);

/// The attachments with these ids.
pub async fn load(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = AttachmentId>,
) -> Result<Vec<AttachmentRecord>> {
    tx.load::<AttachmentRow>(&LOAD, Batch::ids(ids)).await
}

static INSERT: Statement = statement(
    AttachmentRow::TABLE.written,
    insert!("attachments", AttachmentRow::TABLE),
);

/// Only the id stays, and who counts for it no longer.
pub(super) static REMOVE: Statement = statement(
    &[("id", Id)],
    "update attachments set task_id = null, name = '' where id in (select id from v where {rows})",
);

pub(super) static REMOVE_OF_TASKS: Statement = statement(
    &[("task_id", Id)],
    "update attachments set task_id = null, name = '' where task_id in (select task_id from v where {rows})",
);

impl Keyed<AttachmentId, AttachmentRecord> for AttachmentRecord {
    fn keyed(self) -> (AttachmentId, AttachmentRecord) {
        (self.attachment.id, self)
    }
}

/// Writes the attachments that a group made, and takes those that it removed from their tasks.
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, AttachmentId, AttachmentRecord>,
) -> Result<()> {
    let rows = changes.written().map(|(id, record)| {
        let attachment = &record.attachment;
        [
            id.0.into(),
            record.workspace.0.into(),
            attachment.task_id.0.into(),
            attachment.name.clone().into(),
            i64::try_from(attachment.size).unwrap_or(i64::MAX).into(),
            attachment.media_type.clone().into(),
            attachment.created_by.0.into(),
            attachment.created_at.0.into(),
        ]
    });
    tx.execute(&INSERT, Batch::of(rows)).await?;
    tx.execute(&REMOVE, Batch::ids(changes.removed())).await
}

/// Takes all attachments from these tasks.
pub async fn remove_of(tx: &mut Transaction, tasks: impl IntoIterator<Item = TaskId>) -> Result<()> {
    tx.execute(&REMOVE_OF_TASKS, Batch::ids(tasks)).await
}
