//! Lists from the indexes of large workspaces (`store/task_list/index`): of one workspace, or of all that the caller is in,
//! merged with rows of the small ones.

use crate::ops::{Ask, Result};
use crate::store::task_list::{self, Found, ListIndex, PageEnd, Scope, Standing, Words};
use crate::store::{Reader, streams};
use taskwire_protocol::task::{ListTasks, Sort, Task};
use taskwire_protocol::{UserId, WorkspaceId};
use tokio::sync::OwnedMutexGuard;

/// The steps that a list has its index follow the log. Of an index that is further behind, building it again is quicker.
const STEPS: usize = 32;
/// The most indexes that one list merges.
const MOST: usize = 16;

/// The page of a list that `wanted` asks for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) list: &'w ListTasks,
    pub(super) after: Option<&'w PageEnd>,
    pub(super) limit: i64,
}

/// A page of a list, and how many tasks the list has. `None` if rows must be read: no workspace of the list has an index,
/// because they are small, or because the index is still built.
pub(super) async fn page(
    ask: &Ask,
    place: Scope<'_>,
    wanted: Wanted<'_>,
) -> Result<Option<(Vec<Task>, u64)>> {
    if !task_list::suits_index(place, wanted.list) {
        return Ok(None);
    }
    match place {
        Scope::Workspace(workspace) => of_one(ask, workspace, wanted).await,
        Scope::OfUser(user) => of_all(ask, user, None, wanted).await,
        Scope::Among(user, only) => of_all(ask, user, Some(only), wanted).await,
    }
}

async fn of_one(ask: &Ask, workspace: WorkspaceId, wanted: Wanted<'_>) -> Result<Option<(Vec<Task>, u64)>> {
    let indexes = ask.node.list_indexes();
    let Some(index) = indexes.find(workspace) else {
        let counters = streams::counters(&mut ask.read().await?, workspace.into()).await?;
        let tasks = counters.pending + counters.completed + counters.deleted;
        let tasks = tasks.max(0).unsigned_abs();
        ask.node.want_list_index(ask.caller.user.id, workspace, tasks);
        return Ok(None);
    };
    let turn = index.lock_owned().await;
    let mut reader = ask.moment().await?;
    let Some(found) = found(ask, &mut reader, workspace, turn, wanted).await? else {
        return Ok(None);
    };
    let tasks = task_list::these(&mut reader, &found.ids).await?;
    if tasks.is_none() {
        tracing::warn!(workspace.id = %workspace, "an index for lists had a task that is not there; it is built again");
        indexes.lose(workspace);
    }
    Ok(tasks.map(|tasks| (tasks, found.total)))
}

async fn of_all(
    ask: &Ask,
    user: UserId,
    only: Option<&[WorkspaceId]>,
    wanted: Wanted<'_>,
) -> Result<Option<(Vec<Task>, u64)>> {
    let indexes = ask.node.list_indexes();
    let mut large = task_list::sizes(&mut ask.read().await?, user, only).await?;
    large.retain(|(_, tasks)| indexes.are_for(*tasks));
    if large.is_empty() {
        return Ok(None);
    }
    key_titles(ask, Scope::OfUser(user), wanted.list).await?;
    let mut turns = Vec::new();
    // in the order of their ids, so that two lists do not wait for each other
    for (workspace, tasks) in large {
        if turns.len() == MOST {
            break;
        }
        match indexes.find(workspace) {
            Some(index) => turns.push((workspace, index.lock_owned().await)),
            None => ask.node.want_list_index(ask.caller.user.id, workspace, tasks),
        }
    }
    if turns.is_empty() {
        return Ok(None);
    }
    // the turns come first: an index must not be ahead of what the reader sees
    let mut reader = ask.moment().await?;
    let mut rest = task_list::sizes(&mut reader, user, only).await?;
    let (mut parts, mut total) = (Vec::new(), 0);
    for (workspace, turn) in turns {
        let Some(at) = rest.iter().position(|(member, _)| *member == workspace) else {
            continue;
        };
        let Some(found) = found(ask, &mut reader, workspace, turn, wanted).await? else {
            continue;
        };
        let Some(tasks) = task_list::these(&mut reader, &found.ids).await? else {
            indexes.lose(workspace);
            return Ok(None);
        };
        rest.remove(at);
        parts.push(tasks);
        total += found.total;
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let small: Vec<WorkspaceId> = rest
        .into_iter()
        .filter(|(_, tasks)| *tasks > 0)
        .map(|(id, _)| id)
        .collect();
    if !small.is_empty() {
        let (scope, list) = (Scope::Among(user, &small), (wanted.list, &Words::NONE));
        parts.push(task_list::list(&mut reader, scope, list, wanted.after, wanted.limit).await?);
        if wanted.after.is_none() {
            total += task_list::count(&mut reader, scope, list).await?;
        }
    }
    Ok(Some((task_list::merged(wanted.list, parts, wanted.limit), total)))
}

/// Has the keys made that order the titles of a list from rows, if it is by title.
pub(super) async fn key_titles(ask: &Ask, place: Scope<'_>, list: &ListTasks) -> Result<()> {
    if !matches!(list.sort, Some(Sort::Title | Sort::TitleDesc)) {
        return Ok(());
    }
    let all = match place {
        Scope::Workspace(id) => Scope::Workspace(id),
        Scope::OfUser(user) | Scope::Among(user, _) => Scope::OfUser(user),
    };
    ask.node.key_titles(&ask.caller, all).await
}

/// What the index of a workspace knows of a list, at the reader's moment. `None` if it cannot tell; then it is built again.
async fn found(
    ask: &Ask,
    reader: &mut Reader,
    workspace: WorkspaceId,
    mut index: OwnedMutexGuard<ListIndex>,
    wanted: Wanted<'_>,
) -> Result<Option<Found>> {
    let indexes = ask.node.list_indexes();
    for _ in 0..STEPS {
        match index.follow(reader).await? {
            Standing::Behind => {}
            Standing::Lost => break,
            Standing::Current => {
                indexes.has_room(workspace, index.size());
                return Ok(Some(index.select(wanted.list, wanted.after, wanted.limit)));
            }
        }
    }
    indexes.lose(workspace);
    Ok(None)
}
