//! I2 and I5: the log against its counters, the tables, the snapshots and the replicas.

use crate::truth::{Counts, Tables, Thing, Truth, whole};
use crate::verdict::{Invariant, Verdicts};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use taskwire_client::Replica;
use uuid::Uuid;

/// I2: the last seq of each log equals the stream's counter. `Truth::read_on` looked for gaps.
pub(crate) fn heads(truth: &Truth, tables: &Tables, verdicts: &Verdicts) {
    let ends: HashMap<Uuid, u64> = truth
        .streams
        .iter()
        .filter_map(|(stream, story)| Some((truth.id(*stream)?.0, story.head())))
        .collect();
    for (id, head) in tables.heads.iter().filter(|(id, _)| !truth.deleted.contains(id)) {
        verdicts.checked(Invariant::I2, 1);
        let end = ends.get(id).copied().unwrap_or_default();
        if end != *head {
            verdicts.violated(
                Invariant::I2,
                format!("{id}: the counter says {head}, the log ends at {end}"),
            );
        }
    }
}

/// I5: the row of each task equals the task's newest entry, and each row has an entry. The same for memberships, tags,
/// projects, and what tasks count.
pub(crate) fn tables(truth: &Truth, tables: &Tables, verdicts: &Verdicts) {
    tasks(truth, tables, verdicts);
    members(truth, tables, verdicts);
    equal("tag", &truth.tags, &tables.tags, verdicts);
    equal("project", &truth.projects, &tables.projects, verdicts);
    equal("what a task counts:", &truth.counts, &tables.counts, verdicts);
}

/// I5: the log tells the same as a table.
fn equal<T: PartialEq + Debug>(
    what: &str,
    told: &HashMap<Uuid, T>,
    rows: &HashMap<Uuid, T>,
    verdicts: &Verdicts,
) {
    let missing = rows.keys().filter(|id| !told.contains_key(id));
    for id in told.keys().chain(missing) {
        verdicts.checked(Invariant::I5, 1);
        let (told, row) = (told.get(id), rows.get(id));
        if told != row {
            let what = format!("{what} {id}: the log says {told:?}, the table {row:?}");
            verdicts.violated(Invariant::I5, what);
        }
    }
}

fn tasks(truth: &Truth, tables: &Tables, verdicts: &Verdicts) {
    for (id, told) in &truth.tasks {
        verdicts.checked(Invariant::I5, 1);
        let row = tables.tasks.get(id);
        let same = row.is_some_and(|row| {
            (
                row.workspace,
                row.version,
                row.title,
                row.completed,
                row.is_deleted,
            ) == (
                told.workspace,
                told.version,
                told.title,
                told.completed,
                told.is_deleted,
            )
        });
        if !same {
            verdicts.violated(
                Invariant::I5,
                format!("task {id}: the log says {told:?}, the table {row:?}"),
            );
        }
    }
    for id in tables.tasks.keys().filter(|id| !truth.tasks.contains_key(id)) {
        verdicts.violated(
            Invariant::I5,
            format!("task {id} is in the table, but not in the log"),
        );
    }
}

fn members(truth: &Truth, tables: &Tables, verdicts: &Verdicts) {
    let members: std::collections::HashSet<&(Uuid, Uuid)> = tables.members.iter().collect();
    let lasting = truth.members.iter();
    for (member, told) in lasting.filter(|((workspace, _), _)| !truth.deleted.contains(workspace)) {
        verdicts.checked(Invariant::I5, 1);
        if members.contains(member) != *told {
            let what = format!("member {member:?}: member by the log: {told}; the table says the opposite");
            verdicts.violated(Invariant::I5, what);
        }
    }
}

/// I5: every task, tag and project of a fresh snapshot equals its newest entry in the log, and none is missing.
pub(crate) fn snapshot(truth: &Truth, replica: &Replica, verdicts: &Verdicts) {
    for (id, workspace) in replica.workspaces() {
        for (task_id, task) in workspace.tasks() {
            verdicts.checked(Invariant::I5, 1);
            let counts = Counts {
                comments: task.comment_count,
                attachments: task.attachment_count,
            };
            let (told, counted) = (truth.tasks.get(&task_id.0), truth.counts.get(&task_id.0));
            if told.is_none_or(|told| told.whole != whole(task)) || counted != Some(&counts) {
                let what =
                    format!("task {task_id} in a snapshot: {task:?}, the log says {told:?} with {counted:?}");
                verdicts.violated(Invariant::I5, what);
            }
        }
        let told = truth.tasks.values().filter(|task| task.workspace == id.0).count();
        if told != workspace.tasks().len() {
            let what = format!(
                "workspace {id}: {told} tasks in the log, {} in a snapshot",
                workspace.tasks().len()
            );
            verdicts.violated(Invariant::I5, what);
        }
        let tags = workspace.tags().values().map(|tag| {
            let (id, name) = (tag.id.0, tag.name.to_string());
            (id, (tag.version, name, false))
        });
        things(id.0, "tags", &truth.tags, &tags.collect(), verdicts);
        let projects = workspace.projects().values().map(|project| {
            let (id, name) = (project.id.0, project.name.clone());
            (id, (project.version, name, project.is_archived))
        });
        things(id.0, "projects", &truth.projects, &projects.collect(), verdicts);
    }
}

fn things(
    workspace: Uuid,
    what: &str,
    told: &HashMap<Uuid, Thing>,
    seen: &BTreeMap<Uuid, (i64, String, bool)>,
    verdicts: &Verdicts,
) {
    let told = told.iter().filter(|(_, thing)| thing.workspace == workspace);
    let told: BTreeMap<Uuid, _> = told
        .map(|(id, thing)| (*id, (thing.version, thing.name.clone(), thing.is_archived)))
        .collect();
    verdicts.checked(Invariant::I5, 1);
    if told != *seen {
        let what = format!("{what} of workspace {workspace}: the log says {told:?}, a snapshot {seen:?}");
        verdicts.violated(Invariant::I5, what);
    }
}

/// I5: a replica that events kept up to date equals a replica that was made of snapshots.
pub(crate) fn replica(kept: &Replica, fresh: &Replica, who: &str, verdicts: &Verdicts) {
    verdicts.checked(Invariant::I5, 1);
    if let Some(difference) = kept.difference(fresh) {
        verdicts.violated(Invariant::I5, format!("the replica of {who}: {difference}"));
    }
}
