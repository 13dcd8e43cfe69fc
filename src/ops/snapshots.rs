//! The whole state of a workspace: in pages of `workspace.sync`, and what a snapshot over HTTP begins with. A snapshot is
//! the state after one entry of the stream: what a later page shows may be newer, and the events after that entry bring
//! the rest up to it.

use super::caller::targets_a_workspace;
use super::cursor::List;
use super::{Ask, Caller, Load, Query, Result, not_found};
use crate::store::task_list::ListIndexes;
use crate::store::{Reader, Store, members, projects, streams, tags, tasks, workspaces};
use taskwire_protocol::task::Task;
use taskwire_protocol::workspace::{SnapshotOpening, SyncWorkspace, WorkspaceSnapshot};
use taskwire_protocol::{StreamId, WorkspaceId};
use uuid::Uuid;

/// The tasks that are read at once for a page of `workspace.sync`.
const PAGE: i64 = 200;
/// How many times, if only few of them belong into the snapshot.
const PARTS: usize = 10;
/// The approximate size of a page of `workspace.sync`, in bytes.
const BYTES: usize = 128 * 1024;
/// The limit when a snapshot reads members, projects and tags: it reads all of them.
const EVERYTHING: i64 = i64::MAX;

targets_a_workspace!(SyncWorkspace);

impl Query for SyncWorkspace {
    fn load(&self, _caller: &Caller, _indexes: &ListIndexes) -> Load {
        Load::Long
    }

    async fn answer(self, ask: Ask) -> Result<WorkspaceSnapshot> {
        page(self, &ask).await
    }

    fn snapshot(&self, output: &WorkspaceSnapshot) -> Option<(StreamId, u64)> {
        self.cursor
            .is_none()
            .then_some((self.workspace_id.into(), output.seq))
    }
}

/// Which tasks a snapshot has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All, deleted ones included.
    All,
    /// Neither completed nor deleted.
    Open,
}

impl Which {
    /// Those for a request with this parameter.
    pub fn of(open_only: Option<bool>) -> Which {
        if open_only == Some(true) {
            Which::Open
        } else {
            Which::All
        }
    }

    fn has(self, task: &Task) -> bool {
        self == Which::All || !(task.completed || task.is_deleted)
    }
}

/// Tasks of a workspace, by id. No index has the open ones, so the others are read and left out.
pub struct Part {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// The last id that was looked at; `None` if it was the last one of the workspace.
    pub next: Option<Uuid>,
}

/// The tasks among the next `limit` ones after an id.
pub async fn part(
    reader: &mut Reader,
    workspace: WorkspaceId,
    which: Which,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Part> {
    let mut tasks = tasks::sync(reader, workspace, after, limit).await?;
    let is_full = tasks.len() as i64 == limit;
    let next = tasks.last().filter(|_| is_full).map(|task| task.id.0);
    tasks.retain(|task| which.has(task));
    Ok(Part { tasks, next })
}

async fn page(asked: SyncWorkspace, ask: &Ask) -> Result<WorkspaceSnapshot> {
    let id = asked.workspace_id;
    let list = List::of(&asked, &ask.caller);
    let position: Option<(u64, Uuid)> = list.position(asked.cursor.as_deref())?;
    let mut reader = ask.moment().await?;
    let mut snapshot = match position {
        Some((seq, _)) => WorkspaceSnapshot {
            seq,
            cursor: None,
            workspace: None,
            members: None,
            projects: None,
            tags: None,
            tasks: Vec::new(),
        },
        None => first(read_opening(&mut reader, &ask.caller, id).await?),
    };
    let (which, mut next) = (Which::of(asked.open_only), position.map(|(_, after)| after));
    for _ in 0..PARTS {
        let part = part(&mut reader, id, which, next, PAGE).await?;
        snapshot.tasks.extend(part.tasks);
        next = part.next;
        if next.is_none() || snapshot.tasks.len() > PAGE as usize / 2 {
            break;
        }
    }
    let fitting = fitting(&snapshot.tasks);
    if fitting < snapshot.tasks.len() {
        snapshot.tasks.truncate(fitting);
        next = snapshot.tasks.last().map(|task| task.id.0);
    }
    let seq = snapshot.seq;
    snapshot.cursor = next.map(|last| list.cursor(&(seq, last)));
    Ok(snapshot)
}

fn first(opening: SnapshotOpening) -> WorkspaceSnapshot {
    let SnapshotOpening {
        seq,
        workspace,
        members,
        projects,
        tags,
    } = opening;
    WorkspaceSnapshot {
        seq,
        cursor: None,
        workspace: Some(workspace),
        members: Some(members),
        projects: Some(projects),
        tags: Some(tags),
        tasks: Vec::new(),
    }
}

/// Everything but the tasks, at one moment.
pub async fn opening(store: &Store, caller: &Caller, id: WorkspaceId) -> Result<SnapshotOpening> {
    read_opening(&mut store.moment().await?, caller, id).await
}

async fn read_opening(reader: &mut Reader, caller: &Caller, id: WorkspaceId) -> Result<SnapshotOpening> {
    // the membership was checked before this transaction began, and may have ended since
    let found = workspaces::find(reader, caller.user.id, id).await?;
    Ok(SnapshotOpening {
        workspace: found.ok_or_else(|| not_found("workspace"))?,
        seq: streams::counters(reader, id.into()).await?.seq as u64,
        members: members::list(reader, id, None, EVERYTHING).await?,
        projects: projects::list(reader, id, None, EVERYTHING).await?,
        tags: tags::list(reader, id, None, EVERYTHING).await?,
    })
}

/// How many tasks fit on a page, which is bounded in bytes. At least one.
fn fitting(tasks: &[Task]) -> usize {
    let mut bytes = 0;
    let sizes = tasks.iter().map(|task| {
        let texts = task.title.len() + task.description.as_ref().map_or(0, |text| text.len());
        let ids = task.assignee_ids.len() + task.blocked_by.len();
        640 + texts + task.tags.iter().map(|tag| tag.len() + 3).sum::<usize>() + 39 * ids
    });
    let fit = sizes.take_while(|size| {
        bytes += size;
        bytes <= BYTES
    });
    fit.count().max(1)
}
