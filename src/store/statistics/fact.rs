//! What one task is counted as. A fact has all that statistics tell of a task, and nothing else: two tasks with equal facts
//! count alike. It is stored as JSON with short names: there is one for each task.

use serde::{Deserialize, Serialize};
use taskwire_protocol::task::{Priority, Task};
use taskwire_protocol::{ProjectId, UserId};

pub(super) const QUARTER_MS: i64 = 900_000;

/// The quarter of an hour since 1970 that has this moment. Days of today begin with one in every time zone.
pub fn quarter(at_ms: i64) -> i64 {
    at_ms.div_euclid(QUARTER_MS)
}

/// What a task is counted as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Fact {
    #[serde(rename = "p")]
    Pending(Pending),
    /// The quarters in which it was created and completed.
    #[serde(rename = "c")]
    Completed(i64, Option<i64>),
    #[serde(rename = "d")]
    Deleted,
}

/// A task that is neither completed nor deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The quarter in which it was created.
    #[serde(rename = "c")]
    pub(super) created: i64,
    /// The quarter in which it is due.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(super) due: Option<i64>,
    /// Its date counts, not its time.
    #[serde(rename = "w", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) all_day: bool,
    #[serde(rename = "p")]
    pub(super) priority: Priority,
    #[serde(rename = "j", default, skip_serializing_if = "Option::is_none")]
    pub(super) project: Option<ProjectId>,
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) assignees: Vec<UserId>,
}

impl Fact {
    pub(super) fn of(task: &Task) -> Fact {
        let created = quarter(task.created_at.0);
        if task.is_deleted {
            return Fact::Deleted;
        }
        if task.completed {
            return Fact::Completed(created, task.completed_at.map(|at| quarter(at.0)));
        }
        let mut assignees = task.assignee_ids.clone();
        assignees.sort_unstable();
        Fact::Pending(Pending {
            created,
            due: task.due_at.map(|at| quarter(at.0)),
            all_day: task.all_day,
            priority: task.priority,
            project: task.project_id,
            assignees,
        })
    }
}

/// Whether statistics are the same with one state of a task as with another.
pub fn count_alike(one: &Task, other: &Task) -> bool {
    let looks = |task: &Task| {
        let status = (task.is_deleted, task.completed, task.completed_at);
        (status, task.due_at, task.all_day, task.priority, task.project_id)
    };
    looks(one) == looks(other) && one.assignee_ids == other.assignee_ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_read_as_it_was_written() {
        let pending = Pending {
            created: 1_958_000,
            due: Some(-1),
            all_day: true,
            priority: Priority::High,
            project: None,
            assignees: vec![UserId(uuid::Uuid::from_u128(7))],
        };
        let plain = Pending {
            due: None,
            all_day: false,
            assignees: Vec::new(),
            ..pending.clone()
        };
        let facts = [
            Fact::Pending(pending),
            Fact::Pending(plain),
            Fact::Completed(3, None),
            Fact::Completed(3, Some(4)),
            Fact::Deleted,
        ];
        for fact in facts {
            let text = serde_json::to_string(&fact).expect("JSON");
            assert_eq!(
                serde_json::from_str::<Fact>(&text).expect("a fact"),
                fact,
                "{text}"
            );
        }
    }
}
