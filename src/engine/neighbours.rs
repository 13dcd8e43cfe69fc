//! The lookup of the places next to tasks before or after which others are placed.

use super::loading::{Done, Loading};
use crate::domain::position;
use crate::ops::Needs;
use crate::ops::world::World;
use crate::store::tasks;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use taskwire_protocol::{TaskId, WorkspaceId};

/// On each side of a task, how many tasks may get new places where places are long.
const ROOM: usize = 512;
/// Around how many tasks of a group. Around others, places get longer until a later move.
const ROOMS: usize = 4;

/// Tasks that leave their places are in memory, so what is looked up is who stays. But before they leave, or when they come
/// back, they are between these, and their places may be long. A task that the group itself creates counts as
/// being at the current end of the order.
pub(super) async fn neighbours(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    let end: Arc<str> = position::at_end(loading.shared.ids.next()).into();
    let leaving: Vec<TaskId> = needs.leaving.iter().copied().collect();
    let homes = homes(needs, &loading.world);
    let mut anchors: BTreeMap<WorkspaceId, Vec<(TaskId, Arc<str>)>> = BTreeMap::new();
    for id in &needs.neighbours {
        if let Some(task) = loading.world.tasks.get(*id) {
            let of_workspace = anchors.entry(task.workspace_id).or_default();
            of_workspace.push((*id, task.position.clone()));
            continue;
        }
        let made = needs.made.iter().filter(|(made, _)| made == id);
        for (_, workspace) in made.filter(|(_, workspace)| homes.contains(workspace)) {
            let of_workspace = anchors.entry(*workspace).or_default();
            of_workspace.push((*id, end.clone()));
        }
    }
    let mut tight = Vec::new();
    for (workspace, anchors) in anchors {
        let places: Vec<Arc<str>> = anchors.iter().map(|(_, place)| place.clone()).collect();
        let near = tasks::places_beside(loading.tx, workspace, &places, &leaving).await?;
        for ((id, place), near) in anchors.into_iter().zip(near) {
            let left = left_between(&loading.world, &leaving, workspace, &near);
            let mut longest = left.max(place.len());
            for near in near.into_iter().flatten() {
                longest = longest.max(near.len());
                loading.world.loaded_place(workspace, near.into(), None);
            }
            if longest >= position::LONG {
                tight.push((workspace, id, place));
            }
        }
    }
    for (workspace, id, place) in tight.into_iter().take(ROOMS) {
        for before in [true, false] {
            // one more than get new places, and as many as may leave
            let number = ROOM + 1 + leaving.len();
            let near = tasks::load_neighbours(loading.tx, workspace, (&*place, id), before, number).await?;
            for (task, place) in near {
                loading.world.loaded_place(workspace, place, Some(task));
            }
        }
        loading.world.loaded_room(id, ROOM);
    }
    Ok(())
}

/// The most characters of a place between two others that a task leaves.
fn left_between(
    world: &World,
    leaving: &[TaskId],
    workspace: WorkspaceId,
    [before, after]: &[Option<String>; 2],
) -> usize {
    let left = leaving.iter().filter_map(|id| world.tasks.get(*id));
    let between = left.filter(|task| {
        let place = &*task.position;
        task.workspace_id == workspace
            && before.as_deref().is_none_or(|before| before <= place)
            && after.as_deref().is_none_or(|after| place <= after)
    });
    between.map(|task| task.position.len()).max().unwrap_or_default()
}

/// The workspaces of the tasks that leave their places: they stay in these, so nothing is placed elsewhere.
fn homes(needs: &Needs, world: &World) -> BTreeSet<WorkspaceId> {
    let made = needs.made.iter().filter(|(id, _)| needs.leaving.contains(id));
    let leaving = needs.leaving.iter().filter_map(|id| world.tasks.get(*id));
    let homes = leaving.map(|task| task.workspace_id);
    homes.chain(made.map(|(_, workspace)| *workspace)).collect()
}
