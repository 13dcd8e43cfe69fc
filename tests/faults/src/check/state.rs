//! I2 and I5: the log against its counters, the tables, the snapshots and the replicas.

use crate::load::hash;
use crate::truth::{Tables, Truth};
use crate::verdict::{Invariant, Verdicts};
use std::collections::HashMap;
use taskwire_client::Replica;
use uuid::Uuid;

/// I2: the last seq of each log equals the stream's counter. `Truth::read_on` looked for gaps.
pub(crate) fn heads(truth: &Truth, tables: &Tables, verdicts: &Verdicts) {
    let ends: HashMap<Uuid, u64> = truth
        .streams
        .iter()
        .filter_map(|(stream, story)| Some((truth.id(*stream)?.0, story.head())))
        .collect();
    for (id, head) in &tables.heads {
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

/// I5: the row of each task equals the task's newest entry, and each row has an entry. The same for memberships.
pub(crate) fn tables(truth: &Truth, tables: &Tables, verdicts: &Verdicts) {
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
    let members: std::collections::HashSet<&(Uuid, Uuid)> = tables.members.iter().collect();
    for (member, told) in &truth.members {
        verdicts.checked(Invariant::I5, 1);
        if members.contains(member) != *told {
            let what = format!("member {member:?}: member by the log: {told}; the table says the opposite");
            verdicts.violated(Invariant::I5, what);
        }
    }
}

/// I5: every task of a fresh snapshot equals its newest entry in the log, and no task is missing.
pub(crate) fn snapshot(truth: &Truth, replica: &Replica, verdicts: &Verdicts) {
    for (id, workspace) in replica.workspaces() {
        for (task_id, task) in workspace.tasks() {
            verdicts.checked(Invariant::I5, 1);
            let whole = serde_json::to_string(task).map_or(0, |text| hash(text.as_bytes()));
            let told = truth.tasks.get(&task_id.0);
            if told.is_none_or(|told| told.whole != whole) {
                let what = format!("task {task_id} in a snapshot: {task:?}, the log says {told:?}");
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
    }
}

/// I5: a replica that events kept up to date equals a replica that was made of snapshots.
pub(crate) fn replica(kept: &Replica, fresh: &Replica, who: &str, verdicts: &Verdicts) {
    verdicts.checked(Invariant::I5, 1);
    if let Some(difference) = kept.difference(fresh) {
        verdicts.violated(Invariant::I5, format!("the replica of {who}: {difference}"));
    }
}
