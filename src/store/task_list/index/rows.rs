//! Where an index comes from: all tasks of a workspace, by creation, and then what the workspace's log says has changed.

use super::facets::Facet;
use super::held::{COMPLETED, DELETED, Fact, NO_DATE, Tasks};
use super::select::{Found, select};
use crate::store::sql::Sql;
use crate::store::task_list::order::PageEnd;
use crate::store::{Reader, Result};
use crate::unicode::{name_key, title_key_bytes};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use std::collections::BTreeSet;
use std::sync::Arc;
use taskwire_protocol::WorkspaceId;
use taskwire_protocol::events::{EventType, StreamReset};
use taskwire_protocol::stage::{FIRST_DONE, FIRST_OPEN};
use taskwire_protocol::task::ListTasks;
use uuid::Uuid;

/// The tasks that one statement reads while an index is built. Between two of them others have the connection.
const PAGE: i64 = 1000;
/// The entries of the log that an index follows at once.
const STEP: i64 = 512;

const COLUMNS: &str =
    "t.id, t.workspace_id, t.project_id, t.title, t.completed, t.priority, t.due_at, t.position, t.tags,
    t.assignee_ids, t.is_deleted, t.created_at, t.updated_at, t.stage, t.done_stage, t.blocked_by";

/// The columns of a task that lists need.
#[derive(FromRow)]
struct FactRow {
    id: Uuid,
    workspace_id: Uuid,
    project_id: Option<Uuid>,
    title: String,
    completed: bool,
    priority: i64,
    due_at: Option<i64>,
    position: String,
    tags: String,
    assignee_ids: String,
    is_deleted: bool,
    created_at: i64,
    updated_at: i64,
    stage: Option<String>,
    done_stage: Option<String>,
    blocked_by: Option<String>,
}

/// An entry of the log, and the task that it names as that is now.
struct Entry {
    seq: i64,
    task: Option<Uuid>,
    /// What was told, if it names no task.
    frame: Option<String>,
    /// `None` if there is no such task any more.
    row: Option<FactRow>,
}

impl<'r, R: Row> FromRow<'r, R> for Entry
where
    for<'a> &'a str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    Option<Uuid>: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    FactRow: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Entry> {
        let found: Option<Uuid> = row.try_get("id")?;
        Ok(Entry {
            seq: row.try_get("seq")?,
            task: row.try_get("task")?,
            frame: row.try_get("frame")?,
            row: found.map(|_| FactRow::from_row(row)).transpose()?,
        })
    }
}

/// The entries of a workspace's log after `seq`, in one statement with their tasks: each row that is read costs.
fn entries(workspace: WorkspaceId, seq: i64) -> Sql {
    let mut sql = Sql::new(&format!(
        "select l.seq, l.task, l.frame, {COLUMNS} from (
           select seq, task_id as task, case when task_id is null then frame end as frame
           from log_by_stream where stream = "
    ));
    sql.bind(workspace.0).after("seq", seq);
    sql.push(" order by seq").limit(STEP);
    sql.push(") l left join tasks t on t.id = l.task order by l.seq");
    sql
}

impl FactRow {
    fn read(self) -> Result<Fact> {
        let stage = match (self.completed, self.stage, self.done_stage) {
            (true, _, Some(stage)) | (false, Some(stage), _) => stage.into(),
            (true, _, None) => Arc::from(FIRST_DONE),
            (false, None, _) => Arc::from(FIRST_OPEN),
        };
        let mut facets = vec![Facet::Priority(self.priority), Facet::Stage(stage)];
        facets.extend(self.project_id.map(Facet::Project));
        let tags: Vec<String> = list(&self.tags)?;
        facets.extend(tags.iter().map(|tag| Facet::Tag(name_key(tag))));
        facets.extend(list(&self.assignee_ids)?.into_iter().map(Facet::Assignee));
        let completed = if self.completed { COMPLETED } else { 0 };
        let deleted = if self.is_deleted { DELETED } else { 0 };
        Ok(Fact {
            id: self.id,
            created: self.created_at,
            updated: self.updated_at,
            due: self.due_at.unwrap_or(NO_DATE),
            priority: self.priority,
            title: title_key_bytes(&self.title),
            position: self.position,
            state: completed | deleted,
            facets,
            blockers: self.blocked_by.as_deref().map_or(Ok(Vec::new()), list)?,
        })
    }
}

fn list<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    if text == "[]" {
        return Ok(Vec::new());
    }
    Ok(serde_json::from_str(text)?)
}

/// An index that is being built.
pub struct Draft {
    workspace: WorkspaceId,
    tasks: Tasks,
    /// The head of the log when this began: what changed since is looked at in the end.
    seq: i64,
    after: (i64, Uuid),
}

impl Draft {
    /// Begins. `None` for a workspace that is gone.
    pub async fn begin(reader: &mut Reader, workspace: WorkspaceId) -> Result<Option<Draft>> {
        let head = head(reader, workspace).await?;
        Ok(head.map(|seq| Draft {
            workspace,
            tasks: Tasks::default(),
            seq,
            after: (i64::MIN, Uuid::nil()),
        }))
    }

    /// Reads the next tasks. Returns whether there may be more.
    pub async fn read_on(&mut self, reader: &mut Reader) -> Result<bool> {
        let mut sql = Sql::new(&format!(
            "select {COLUMNS} from tasks_by_workspace t where t.workspace_id = "
        ));
        sql.bind(self.workspace.0).push(" and (t.created_at, t.id) > (");
        sql.bind(self.after.0).push(", ").bind(self.after.1);
        sql.push(") order by t.created_at, t.id").limit(PAGE);
        let rows: Vec<FactRow> = reader.fetch(sql).await?;
        let is_full = rows.len() as i64 >= PAGE;
        for row in rows {
            let fact = row.read()?;
            self.after = (fact.created, fact.id);
            self.tasks.append(&fact);
        }
        Ok(is_full)
    }

    /// The memory that it takes.
    pub fn size(&self) -> usize {
        self.tasks.size()
    }

    /// Sorts the tasks, which takes a second for each million.
    pub fn finish(mut self) -> ListIndex {
        self.tasks.sort();
        ListIndex {
            workspace: self.workspace,
            tasks: self.tasks,
            seq: Some(self.seq),
        }
    }
}

/// How an index stands to its workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has everything that the reader sees.
    Current,
    /// There are more entries to follow.
    Behind,
    /// It must be built again.
    Lost,
}

/// The index of a workspace's tasks.
pub struct ListIndex {
    workspace: WorkspaceId,
    tasks: Tasks,
    /// The entries of the log up to here are in it. `None` after a change of it broke off.
    seq: Option<i64>,
}

impl ListIndex {
    #[cfg(test)]
    pub(super) fn empty(workspace: WorkspaceId) -> ListIndex {
        ListIndex {
            workspace,
            tasks: Tasks::default(),
            seq: None,
        }
    }

    /// Follows the log a step further, as far as a reader sees it at one moment.
    pub async fn follow(&mut self, reader: &mut Reader) -> Result<Standing> {
        let Some(seq) = self.seq.filter(|_| !self.tasks.is_worn()) else {
            return Ok(Standing::Lost);
        };
        let head = match head(reader, self.workspace).await? {
            Some(head) if head == seq => return Ok(Standing::Current),
            Some(head) if head > seq => head,
            _ => return Ok(Standing::Lost),
        };
        let entries: Vec<Entry> = reader.fetch(entries(self.workspace, seq)).await?;
        let name = format!(r#""event":"{}""#, StreamReset::NAME);
        let is_reset = |entry: &Entry| entry.frame.as_ref().is_some_and(|frame| frame.contains(&name));
        let begins = entries.first().is_some_and(|first| first.seq == seq + 1);
        let Some(last) = entries.last().map(|last| last.seq).filter(|_| begins) else {
            return Ok(Standing::Lost);
        };
        if entries.iter().any(is_reset) {
            return Ok(Standing::Lost);
        }
        let mut changed = BTreeSet::new();
        let mut facts = Vec::with_capacity(entries.len());
        for Entry { task, row, .. } in entries {
            let is_first = task.is_some_and(|task| changed.insert(task));
            if let Some(row) = row.filter(|row| is_first && row.workspace_id == self.workspace.0) {
                facts.push(row.read()?);
            }
        }
        let standing = if last < head {
            Standing::Behind
        } else {
            Standing::Current
        };
        self.take_over(changed, &facts, last);
        Ok(standing)
    }

    /// The page of a list.
    pub fn select(&self, wanted: &ListTasks, after: Option<&PageEnd>, limit: i64) -> Found {
        select(
            &self.tasks,
            wanted,
            after,
            usize::try_from(limit).unwrap_or_default().max(1),
        )
    }

    /// The memory that it takes.
    pub fn size(&self) -> usize {
        self.tasks.size()
    }

    fn take_over(&mut self, changed: BTreeSet<Uuid>, facts: &[Fact], seq: i64) {
        self.seq = None;
        let mut gone = changed;
        for fact in facts {
            self.tasks.put(fact);
            gone.remove(&fact.id);
        }
        for id in gone {
            self.tasks.remove(id);
        }
        self.seq = Some(seq);
    }
}

async fn head(reader: &mut Reader, workspace: WorkspaceId) -> Result<Option<i64>> {
    let mut sql = Sql::new("select seq from streams where kind = 1 and id = ");
    sql.bind(workspace.0);
    reader.scalar(sql).await
}
