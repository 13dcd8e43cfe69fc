//! What a client may do in the property test, as plain data that can be generated and printed; and the request that it
//! becomes for somebody who sees a given replica.

use crate::support::{Replica, new_id, text};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A step of a client.
#[derive(Clone, Debug)]
pub enum Action {
    /// One mutation; with or without waiting for its answer.
    Do(Wish, bool),
    /// Several in one request.
    Batch {
        wishes: Vec<Wish>,
        atomic: bool,
        inner_op_ids: bool,
    },
    /// Sends an earlier mutation again, with its op_id.
    Retry(usize),
    /// The connection breaks; the client comes back, resumes, and sends again what was not answered.
    Cut,
    /// Takes a fresh snapshot of a workspace in the middle of everything.
    Sync(usize),
    /// Does not read for so many milliseconds, while others write.
    Rest(u8),
}

/// A mutation, of which the replica at hand says what it is about.
#[derive(Clone, Debug)]
pub struct Wish {
    kind: Kind,
    place: usize,
    pick: usize,
    other: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Create,
    Update,
    Replace,
    Complete,
    Delete,
    Restore,
    Purge,
    Move,
    Assign,
    AddMember,
    UpdateMember,
    RemoveMember,
    Mark,
    MarkAll,
    Forget,
    ForgetMany,
}

fn wish() -> impl Strategy<Value = Wish> {
    use Kind::{
        AddMember, Assign, Complete, Create, Delete, Forget, ForgetMany, Mark, MarkAll, Move, Purge,
        RemoveMember, Replace, Restore, Update, UpdateMember,
    };
    let often = prop::sample::select(vec![Create, Create, Create, Update, Complete, Move, Assign]);
    let seldom = prop::sample::select(vec![
        Replace,
        Delete,
        Delete,
        Restore,
        Purge,
        Mark,
        MarkAll,
        Forget,
        ForgetMany,
        AddMember,
        AddMember,
        UpdateMember,
        RemoveMember,
    ]);
    let kind = prop_oneof![often, seldom];
    (kind, 0..8_usize, 0..1000_usize, 0..1000_usize).prop_map(|(kind, place, pick, other)| Wish {
        kind,
        place,
        pick,
        other,
    })
}

/// A step; mutations mostly.
pub fn action() -> impl Strategy<Value = Action> {
    let batch = (prop::collection::vec(wish(), 1..8), any::<bool>(), any::<bool>());
    let batch = batch.prop_map(|(wishes, atomic, inner)| Action::Batch {
        wishes,
        atomic,
        inner_op_ids: inner && !atomic,
    });
    prop_oneof![
        12 => (wish(), any::<bool>()).prop_map(|(wish, wait)| Action::Do(wish, wait)),
        3 => batch,
        2 => (0..1000_usize).prop_map(Action::Retry),
        2 => Just(Action::Cut),
        1 => (0..8_usize).prop_map(Action::Sync),
        1 => (0..40_u8).prop_map(Action::Rest),
    ]
}

fn nth<T>(map: &BTreeMap<String, T>, n: usize) -> Option<(&String, &T)> {
    map.iter().nth(n % map.len().max(1))
}

/// A workspace that is synced.
pub fn workspace(replica: &Replica, n: usize) -> Option<String> {
    nth(&replica.boards, n).map(|(id, _)| id.clone())
}

impl Wish {
    /// The name and data of the request; `None` when there is nothing to do it to. `made` is the id of a task that the
    /// same batch makes; a wish may be about that one.
    pub fn request(
        &self,
        replica: &Replica,
        people: &[String],
        made: &mut Option<String>,
    ) -> Option<(&'static str, Value)> {
        let (place, board) = nth(&replica.boards, self.place)?;
        let task = match made {
            Some(made) if self.pick.is_multiple_of(3) => Some(made.clone()),
            _ => nth(&board.tasks, self.pick).map(|(id, _)| id.clone()),
        };
        let member = nth(&board.members, self.other);
        let notification = nth(replica.notifications(), self.pick).map(|(id, _)| id.clone());
        let roles = ["viewer", "member", "admin"];
        Some(match self.kind {
            Kind::Create => self.create(place, member.map(|(id, _)| id), made),
            Kind::Update => {
                let task = task?;
                ("task.update", self.update(&task, board.tasks.get(&task)))
            }
            Kind::Replace => (
                "task.replace",
                json!({ "id": task?, "title": format!("replaced {}", self.other), "description": null,
                    "completed": self.other.is_multiple_of(2), "priority": "high", "due_at": null, "tags": ["r"] }),
            ),
            Kind::Complete if self.other.is_multiple_of(2) => ("task.complete", json!({ "id": task? })),
            Kind::Complete => (
                "task.complete",
                json!({ "id": task?, "completed": self.other.is_multiple_of(3) }),
            ),
            Kind::Delete => ("task.delete", json!({ "id": task? })),
            Kind::Restore => ("task.restore", json!({ "id": task? })),
            Kind::Purge => ("task.delete", json!({ "id": task?, "permanent": true })),
            Kind::Move => {
                let beside = nth(&board.tasks, self.other)?.0;
                match self.other % 4 {
                    0 => ("task.move", json!({ "id": task?, "before": beside })),
                    1 => ("task.move", json!({ "id": task?, "after": beside })),
                    2 => ("task.move", json!({ "id": task?, "parent_id": beside })),
                    _ => ("task.move", json!({ "id": task?, "parent_id": null })),
                }
            }
            Kind::Assign if self.pick.is_multiple_of(4) => {
                ("task.assign", json!({ "id": task?, "remove": [member?.0] }))
            }
            Kind::Assign => ("task.assign", json!({ "id": task?, "add": [member?.0] })),
            Kind::AddMember => (
                "member.add",
                json!({ "workspace_id": place, "username": people[self.other % people.len()],
                    "role": roles[self.pick % 3] }),
            ),
            Kind::UpdateMember => (
                "member.update",
                json!({ "workspace_id": place, "user_id": member?.0, "role": roles[self.pick % 3] }),
            ),
            Kind::RemoveMember => (
                "member.remove",
                json!({ "workspace_id": place, "user_id": member?.0 }),
            ),
            Kind::Mark => (
                "notification.mark",
                json!({ "id": notification?, "is_read": !self.other.is_multiple_of(3) }),
            ),
            Kind::MarkAll => ("notification.mark_all_read", json!({})),
            Kind::Forget => ("notification.delete", json!({ "id": notification? })),
            Kind::ForgetMany => {
                let ids: Vec<_> = replica
                    .notifications()
                    .keys()
                    .skip(self.pick % 50)
                    .take(3)
                    .collect();
                ("notification.delete_many", json!({ "ids": ids }))
            }
        })
    }

    fn create(
        &self,
        place: &str,
        member: Option<&String>,
        made: &mut Option<String>,
    ) -> (&'static str, Value) {
        let title = format!("task {} of {}", self.pick, self.other);
        let mut data = json!({ "workspace_id": place, "title": title });
        if self.pick.is_multiple_of(2) {
            data["tags"] = json!([format!("tag{}", self.pick % 5), "all"]);
            data["description"] = json!("long ".repeat(self.other % 150));
        }
        if let (Some(member), true) = (member, self.pick.is_multiple_of(3)) {
            data["assignee_ids"] = json!([member]);
        }
        if made.is_none() && self.other.is_multiple_of(2) {
            let id = new_id();
            data["id"] = json!(id);
            *made = Some(id.to_string());
        }
        ("task.create", data)
    }

    fn update(&self, id: &str, seen: Option<&Value>) -> Value {
        match self.other % 5 {
            0 => json!({ "id": id, "title": format!("changed {}", self.pick) }),
            1 => json!({ "id": id, "description": null, "priority": "urgent" }),
            2 => json!({ "id": id, "due_at": "2031-01-02T03:04:05.000Z", "tags": ["x"] }),
            3 => json!({ "id": id, "completed": true }),
            _ => {
                let version = seen.map_or(json!(1), |task| task["version"].clone());
                json!({ "id": id, "if_version": version, "title": format!("as seen {}", self.pick) })
            }
        }
    }
}

/// The first event that a mutation makes where it applies: each makes exactly one of these, however much it takes along.
pub fn is_primary(name: &str, permanent: bool, event: &Value) -> bool {
    let event = text(&event["event"]);
    match name {
        "task.create" => event == "task.created",
        "task.update" | "task.replace" | "task.assign" => event == "task.updated",
        "task.complete" => event == "task.completed" || event == "task.reopened",
        "task.delete" if permanent => event == "task.purged",
        "task.delete" => event == "task.deleted",
        "task.restore" => event == "task.restored",
        "task.move" => event == "task.moved",
        "member.add" => event == "member.added",
        "member.update" => event == "member.updated",
        "member.remove" => event == "member.removed",
        "notification.mark" => event == "notification.updated",
        "notification.mark_all_read" => event == "notification.all_read",
        "notification.delete" => event == "notification.deleted",
        _ => false,
    }
}
