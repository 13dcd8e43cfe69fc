//! Pages of a workspace for a file. Before each page it asks whether the session still holds, and with it whether the caller
//! is still a member. Between two pages it holds no connection.

use super::super::pieces::{Sink, Stop};
use super::super::series::standings;
use crate::domain::ics::Standing;
use crate::engine::readers::Page as Reading;
use crate::engine::{Caller, Engine};
use crate::ops::not_found;
use crate::store::tasks::Belongings;
use crate::store::{Reader, attachments, comments, members, tasks};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use taskwire_protocol::attachment::Attachment;
use taskwire_protocol::comment::Comment;
use taskwire_protocol::task::Task;
use taskwire_protocol::{AttachmentId, CommentId, TaskId, WorkspaceId};
use uuid::Uuid;

/// The tasks, comments or attachments that are read at once.
pub(super) const PAGE: i64 = 250;
/// The rows that are read at once of which only a few numbers are used.
const LIGHT_PAGE: i64 = 2000;

type Result<T> = std::result::Result<T, Stop>;

/// A workspace that is read.
pub(super) struct Source {
    engine: Engine,
    caller: Arc<Caller>,
    pub(super) workspace: WorkspaceId,
    sink: Sink,
}

/// A page of a workspace's tasks by id, and where they are in its tree.
pub(super) struct Page {
    /// The tasks.
    pub(super) tasks: Vec<Task>,
    /// The parents of their parents.
    pub(super) grandparents: HashMap<TaskId, TaskId>,
    /// Those of them that have subtasks with lesser ids.
    pub(super) with_earlier_subtasks: HashSet<TaskId>,
    /// Whether it is the last one.
    pub(super) is_last: bool,
}

impl Source {
    pub(super) fn new(engine: Engine, caller: Arc<Caller>, workspace: WorkspaceId, sink: Sink) -> Source {
        Source {
            engine,
            caller,
            workspace,
            sink,
        }
    }

    async fn reader(&self) -> Result<Reading> {
        self.sink.in_time()?;
        self.engine.check_session(&self.caller).await?;
        Ok(self.engine.page(self.caller.user.id).await?)
    }

    /// Asked after the read: who was removed before it gets nothing.
    async fn still_member(&self, reader: &mut Reader) -> Result<()> {
        let role = members::find_role(reader, self.caller.user.id, self.workspace).await?;
        Ok(role.map(drop).ok_or_else(|| not_found("workspace"))?)
    }

    /// The tasks after an id.
    pub(super) async fn page(&self, after: Option<Uuid>) -> Result<Page> {
        let mut reader = self.reader().await?;
        let tasks = tasks::sync(&mut reader, self.workspace, after, PAGE).await?;
        let mut parents: Vec<TaskId> = tasks.iter().filter_map(|task| task.parent_id).collect();
        parents.sort_unstable();
        parents.dedup();
        let grandparents = tasks::parents(&mut reader, &parents).await?;
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        let with_earlier_subtasks = tasks::with_earlier_subtasks(&mut reader, &ids).await?;
        self.still_member(&mut reader).await?;
        Ok(Page {
            is_last: (tasks.len() as i64) < PAGE,
            tasks,
            grandparents: grandparents.into_iter().collect(),
            with_earlier_subtasks: with_earlier_subtasks.into_iter().collect(),
        })
    }

    /// The subtasks of a task after an id, as far as their ids are before `before`.
    pub(super) async fn earlier_subtasks(
        &self,
        parent: TaskId,
        before: TaskId,
        after: Option<Uuid>,
    ) -> Result<Vec<Task>> {
        let mut reader = self.reader().await?;
        let found = tasks::earlier_subtasks(&mut reader, parent, before, after, PAGE).await?;
        self.still_member(&mut reader).await?;
        Ok(found)
    }

    /// Those of these tasks that are still there.
    pub(super) async fn still_there(&self, ids: &[TaskId]) -> Result<Vec<Task>> {
        let mut reader = self.reader().await?;
        let found = tasks::still_there(&mut reader, self.workspace, ids).await?;
        self.still_member(&mut reader).await?;
        Ok(found)
    }

    /// Where those of these tasks that repeat stand in their series.
    pub(super) async fn standings(&self, tasks: &[Task]) -> Result<HashMap<TaskId, Standing>> {
        if tasks.iter().all(|task| task.recurrence.is_none()) {
            return Ok(HashMap::new());
        }
        let mut reader = self.reader().await?;
        let found = standings(&mut reader, tasks).await?;
        self.still_member(&mut reader).await?;
        Ok(found)
    }

    /// What belongs to the tasks after an id, and the id after which the next ones come.
    pub(super) async fn belongings(&self, after: Option<Uuid>) -> Result<(Vec<Belongings>, Option<Uuid>)> {
        let mut reader = self.reader().await?;
        let found = tasks::belongings(&mut reader, self.workspace, after, LIGHT_PAGE).await?;
        self.still_member(&mut reader).await?;
        let is_full = found.len() as i64 == LIGHT_PAGE;
        let next = found.last().filter(|_| is_full).map(|task| task.id.0);
        Ok((found, next))
    }

    /// All comments of tasks that have few of them.
    pub(super) async fn comments_of(&self, tasks: &[TaskId]) -> Result<Vec<Comment>> {
        let mut reader = self.reader().await?;
        let found = comments::list_of(&mut reader, tasks).await?;
        self.still_member(&mut reader).await?;
        Ok(found)
    }

    /// A page of a task's comments.
    pub(super) async fn comments(&self, task: TaskId, after: Option<CommentId>) -> Result<Vec<Comment>> {
        let mut reader = self.reader().await?;
        let found = comments::list(&mut reader, task, after.map(|id| id.0), PAGE).await?;
        self.still_member(&mut reader).await?;
        Ok(found)
    }

    /// All attachments of tasks that have few of them.
    pub(super) async fn attachments_of(&self, tasks: &[TaskId]) -> Result<Vec<Attachment>> {
        let mut reader = self.reader().await?;
        let found = attachments::list_of(&mut reader, tasks).await?;
        self.still_member(&mut reader).await?;
        Ok(found)
    }

    /// A page of a task's attachments.
    pub(super) async fn attachments(
        &self,
        task: TaskId,
        after: Option<AttachmentId>,
    ) -> Result<Vec<Attachment>> {
        let mut reader = self.reader().await?;
        let found = attachments::list(&mut reader, task, after.map(|id| id.0), PAGE).await?;
        self.still_member(&mut reader).await?;
        Ok(found)
    }
}
