//! A task's row, and the task that it represents.

use super::stage;
use crate::store::rows::Stored;
use crate::store::table::{Part, table, text};
use crate::store::{Result, StoreError};
use std::sync::Arc;
use taskwire_protocol::task::{Priority, Task};
use taskwire_protocol::{ProjectId, TaskId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

table! {
    /// A task's row. `stage` explains its two stages.
    pub(in crate::store) struct TaskRow {
        id: Uuid = fixed,
        workspace_id: Uuid = fixed,
        project_id: Option<Uuid>,
        parent_id: Option<Uuid>,
        title: String,
        description: Option<String>,
        completed: bool,
        completed_at: Option<i64>,
        priority: i64,
        due_at: Option<i64>,
        all_day: bool,
        remind_at: Option<i64>,
        recurrence: Option<String>,
        position: String,
        tags: String,
        assignee_ids: String,
        comment_count: i64,
        attachment_count: i64,
        is_deleted: bool,
        deleted_at: Option<i64>,
        version: i64,
        created_by: Uuid = fixed,
        created_at: i64 = fixed,
        updated_at: i64,
        stage: Option<String>,
        done_stage: Option<String>,
        blocked_by: Option<String>,
    }
    written {
        dated_by_id: bool = fixed,
    }
}

/// The columns of a task `t`.
pub(in crate::store) const COLUMNS: &str = text![Part::Each("t.$", TaskRow::TABLE.read)];

/// The priorities in the order of their codes, from 0.
const PRIORITIES: [Priority; 5] = [
    Priority::None,
    Priority::Low,
    Priority::Medium,
    Priority::High,
    Priority::Urgent,
];

pub(in crate::store) fn priority_code(priority: Priority) -> i64 {
    PRIORITIES.iter().position(|p| *p == priority).unwrap_or_default() as i64
}

fn priority(code: i64) -> Result<Priority> {
    let known = usize::try_from(code).ok().and_then(|code| PRIORITIES.get(code));
    known
        .copied()
        .ok_or_else(|| StoreError::corrupt(format!("{code} is not the code of a priority")))
}

fn list<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    if text == "[]" {
        return Ok(Vec::new());
    }
    Ok(serde_json::from_str(text)?)
}

impl Stored for TaskRow {
    type Value = Task;

    fn read(self) -> Result<Task> {
        Ok(Task {
            id: TaskId(self.id),
            workspace_id: WorkspaceId(self.workspace_id),
            project_id: self.project_id.map(ProjectId),
            parent_id: self.parent_id.map(TaskId),
            title: self.title.into(),
            description: self.description.map(Arc::from),
            completed: self.completed,
            completed_at: self.completed_at.map(Timestamp),
            stage: stage::read(self.completed, self.stage, self.done_stage),
            blocked_by: self.blocked_by.as_deref().map_or(Ok(Vec::new()), list)?,
            priority: priority(self.priority)?,
            due_at: self.due_at.map(Timestamp),
            all_day: self.all_day,
            remind_at: self.remind_at.map(Timestamp),
            recurrence: self.recurrence.map(Arc::from),
            position: self.position.into(),
            tags: list(&self.tags)?,
            assignee_ids: list(&self.assignee_ids)?,
            comment_count: self.comment_count,
            attachment_count: self.attachment_count,
            is_deleted: self.is_deleted,
            deleted_at: self.deleted_at.map(Timestamp),
            version: self.version,
            created_by: UserId(self.created_by),
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}
