//! The lookups of tasks whose number nothing bounds. For several mutations they bring few enough together, else those that
//! asked run alone. For one that runs alone they bring more, and the world is told when even that is too much.

use super::loading::{Done, Loading};
use super::recovery::Fault;
use crate::domain::stage;
use crate::ops::world::Crowd;
use crate::store::tasks::{self, MANY_TOGETHER, MOST, MOST_BEFORE, MOST_BLOCKING, Many};
use std::collections::BTreeSet;
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, limits};

/// The most tasks for mutations of several users together. More take a moment for which nobody knows who is to pay, so they
/// are brought for each alone.
const OF_SEVERAL: usize = 512;

pub(super) async fn below(loading: &mut Loading<'_>) -> Done {
    let ids = &loading.needs.below;
    let few = tasks::load_below(loading.tx, ids.iter().copied()).await?;
    bring_more(loading, few, Many::Below(ids), (Crowd::Below, MOST)).await
}

/// Only how deep the tasks go. What mutations of the group name is in memory, because they may move it, and what is above
/// that: what is below a task is found from the task down, and a subtask of it may be named by none.
pub(super) async fn levels(loading: &mut Loading<'_>) -> Done {
    let (needs, world) = (loading.needs, &loading.world);
    let named = needs.tasks.iter().filter_map(|id| world.tasks.get(*id));
    let parents = named.filter_map(|task| task.parent_id);
    let parents: BTreeSet<TaskId> = parents.filter(|id| world.tasks.get(*id).is_none()).collect();
    for parent in tasks::load(loading.tx, parents).await? {
        loading.world.tasks.loaded(parent);
    }
    let levels = tasks::load_levels(loading.tx, &needs.tasks, &needs.levels).await?;
    loading.world.loaded_levels(levels);
    Ok(())
}

pub(super) async fn blocked(loading: &mut Loading<'_>) -> Done {
    let ids = &loading.needs.blocked;
    bring(loading, Many::BlockedBy(ids), (Crowd::Blocked, MOST)).await
}

pub(super) async fn tasks_of_project(loading: &mut Loading<'_>) -> Done {
    let ids = &loading.needs.tasks_of_project;
    bring(loading, Many::OfProjects(ids), (Crowd::OfProject, MOST)).await
}

pub(super) async fn assigned(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    for (workspace, user) in &needs.assigned {
        let most = (Crowd::Assigned, MANY_TOGETHER);
        bring(loading, Many::Assigned(*workspace, *user), most).await?;
    }
    Ok(())
}

pub(super) async fn restaged(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    for (workspace, defined) in &needs.restaged {
        let (before, now) = (loading.world.stages(*workspace), stage::of(defined));
        let changing = before.iter().filter(|stage| stage::changes(stage, &now));
        let keys: Vec<&str> = changing.map(|stage| &*stage.key).collect();
        if keys.is_empty() {
            continue;
        }
        let many = Many::InStages(*workspace, &keys);
        bring(loading, many, (Crowd::InStages, limits::RESTAGED)).await?;
    }
    Ok(())
}

pub(super) async fn tasks_with_tag(loading: &mut Loading<'_>) -> Done {
    let needs = loading.needs;
    for id in &needs.tasks_with_tag {
        let Some(tag) = loading.world.tags.get(*id).cloned() else {
            continue;
        };
        bring(loading, Many::Tagged(&tag), (Crowd::Tagged, limits::RETAGGED)).await?;
    }
    Ok(())
}

/// Brings tasks, or tells the world that they are more than that.
async fn bring(loading: &mut Loading<'_>, many: Many<'_>, most: (Crowd, usize)) -> Done {
    let found = tasks::load_many(loading.tx, many, Some(MANY_TOGETHER + 1)).await?;
    let few = (found.len() <= MANY_TOGETHER).then_some(found);
    bring_more(loading, few, many, most).await
}

/// `few`: the tasks, unless they are more than [`MANY_TOGETHER`].
async fn bring_more(
    loading: &mut Loading<'_>,
    few: Option<Vec<Task>>,
    many: Many<'_>,
    (crowd, most): (Crowd, usize),
) -> Done {
    loading.brought += few.as_ref().map_or(MANY_TOGETHER + 1, Vec::len);
    let together = if loading.is_of_one() {
        MANY_TOGETHER
    } else {
        OF_SEVERAL
    };
    if loading.brought > together && !loading.is_one() {
        return Err(Fault::crowded());
    }
    // the server's own steps have nobody who could ask for less; from those who leave, a job takes what is more
    let is_bounded = !loading.is_own() || crowd == Crowd::Assigned;
    let found = if let Some(found) = few {
        found
    } else {
        // a refusal should not cost as much as what it refuses, so they are counted first
        if is_bounded && tasks::count_many(loading.tx, many, most + 1).await? > most {
            loading.world.lacks(crowd);
            return Ok(());
        }
        tasks::load_many(loading.tx, many, is_bounded.then_some(most)).await?
    };
    for task in found {
        loading.world.tasks.loaded(task);
    }
    Ok(())
}

/// Only what blocks which tasks, not their rows: a mutation looks for a circle.
pub(super) async fn blockers(loading: &mut Loading<'_>) -> Done {
    let is_single = matches!(loading.submissions, [one] if one.weight() == 1);
    let most = if is_single {
        // more are refused anyway, and the nearest of them show that there are more
        limits::BLOCKED_AFTER
    } else if loading.is_one() {
        MOST_BLOCKING
    } else {
        MANY_TOGETHER
    };
    let ids = loading.needs.blockers.iter().copied();
    let found = tasks::load_blockers(loading.tx, ids, most + 1).await?;
    if found.len() > most && !is_single {
        if !loading.is_one() {
            return Err(Fault::crowded());
        }
        loading.world.lacks(Crowd::Before);
    }
    loading.world.loaded_blockers(found);
    Ok(())
}

pub(super) async fn before(loading: &mut Loading<'_>) -> Done {
    let ids = loading.needs.before.iter().copied();
    let found = tasks::load_blockers(loading.tx, ids, MOST_BEFORE).await?;
    loading.world.loaded_blockers(found);
    Ok(())
}
