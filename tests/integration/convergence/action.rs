//! What a client may do in the property test, as plain data that can be generated and printed; and the request that a
//! client with a given replica makes of it. The mutations are those of the table, and their parameters come from its
//! examples. So a new mutation takes part without further work.

use crate::support::{Replica, new_id, text};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use taskwire_protocol::Kind;
use taskwire_protocol::examples::Examples;
use taskwire_protocol::operations::CATALOG;

/// A step of a client.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sends one mutation; the flag says whether to wait for its answer.
    Do(Wish, bool),
    /// Sends several mutations in one request.
    Batch {
        wishes: Vec<Wish>,
        atomic: bool,
        inner_op_ids: bool,
    },
    /// Sends an earlier mutation again, with its op_id.
    Retry(usize),
    /// Loses the connection; then reconnects, resumes, and sends unanswered mutations again.
    Cut,
    /// Takes a new snapshot of a workspace while others write.
    Sync(usize),
    /// Uploads a file to a task, by these numbers of its workspace and itself.
    Attach(usize, usize),
    /// Imports a file into a workspace, by these numbers of it and of a task that the file names.
    Import(usize, usize),
    /// Does not read for this many milliseconds, while others write.
    Rest(u8),
}

/// A mutation that does not name its entities yet: the replica of the client provides them.
#[derive(Clone, Debug)]
pub struct Wish {
    operation: &'static str,
    /// Numbers that select the workspace, an entity in it, and another one.
    place: usize,
    pick: usize,
    other: usize,
    /// Decides the optional parameters and the values.
    choices: u64,
}

/// The most frequent mutations.
const OFTEN: [&str; 8] = [
    "task.create",
    "task.create",
    "task.create",
    "task.update",
    "task.complete",
    "task.move",
    "task.assign",
    "comment.create",
];

/// Drawn more often than the rest of the table, because few of these deletes are permanent and few additions name a
/// user who is not a member yet.
const ALSO: [&str; 5] = [
    "task.delete",
    "task.delete",
    "task.delete",
    "member.add",
    "member.add",
];

fn wish() -> impl Strategy<Value = Wish> {
    let mutations = CATALOG.iter().filter(|entry| entry.kind == Kind::Mutation);
    let alone = mutations.map(|entry| entry.name).filter(|name| *name != "batch");
    let alone = alone.chain(ALSO);
    let operation = prop_oneof![
        prop::sample::select(OFTEN.to_vec()),
        prop::sample::select(alone.collect::<Vec<_>>()),
    ];
    let picks = (0..8_usize, 0..1000_usize, 0..1000_usize, any::<u64>());
    (operation, picks).prop_map(|(operation, (place, pick, other, choices))| Wish {
        operation,
        place,
        pick,
        other,
        choices,
    })
}

/// A step; most steps are mutations.
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
        1 => (0..8_usize, 0..1000_usize).prop_map(|(place, pick)| Action::Attach(place, pick)),
        1 => (0..8_usize, 0..1000_usize).prop_map(|(place, pick)| Action::Import(place, pick)),
        1 => (0..40_u8).prop_map(Action::Rest),
    ]
}

fn nth<T>(map: &BTreeMap<String, T>, n: usize) -> Option<(&String, &T)> {
    map.iter().nth(n % map.len().max(1))
}

/// A workspace that the replica has.
pub fn workspace(replica: &Replica, n: usize) -> Option<String> {
    nth(&replica.boards, n).map(|(id, _)| id.clone())
}

/// A task that the replica has.
pub fn task(replica: &Replica, place: usize, pick: usize) -> Option<Value> {
    let (_, board) = nth(&replica.boards, place)?;
    nth(&board.tasks, pick).map(|(id, _)| json!(id))
}

/// What a client knows and may name in a request.
pub struct Known<'a> {
    pub replica: &'a Replica,
    /// Usernames.
    pub people: &'a [String],
    /// The ids of everything that this client made with the given operation.
    pub made: &'a dyn Fn(&str) -> Vec<Value>,
    /// The workspaces and tokens of links that invite anybody.
    pub links: &'a [(String, String)],
}

impl Known<'_> {
    /// The token of a link: one to a workspace that this client does not have, if there is any.
    fn link(&self, pick: usize) -> Option<&str> {
        let is_new = |(workspace, _): &&(String, String)| !self.replica.boards.contains_key(workspace);
        let new: Vec<&(String, String)> = self.links.iter().filter(is_new).collect();
        let links = if new.is_empty() {
            self.links.iter().collect()
        } else {
            new
        };
        (!links.is_empty()).then(|| &*links[pick % links.len()].1)
    }
}

/// The places that [`Wish::request`] fills itself. Any other has an entity that the client made.
const FILLED: [&str; 10] = [
    "workspace",
    "stream",
    "task",
    "deleted_task",
    "other_task",
    "user",
    "newcomer",
    "notification",
    "new_id",
    "new_email",
];

/// A client can send every mutation of the table, however few cases a run has.
#[test]
fn every_mutation_of_the_table_is_among_the_actions() {
    let examples = Examples::new();
    let is_made = |place: &str| {
        let create = format!("{place}.create");
        place == "attachment" || CATALOG.iter().any(|entry| entry.name == create)
    };
    let mutations = CATALOG.iter().filter(|entry| entry.kind == Kind::Mutation);
    for name in mutations.map(|entry| entry.name).filter(|name| *name != "batch") {
        let example = examples.of(name).expect("an example");
        let filled = example.fill(|place| (FILLED.contains(&place) || is_made(place)).then(|| json!("x")));
        assert!(
            filled.is_some(),
            "no client can send {name}, which names {:?}: give the place an arm in `Wish::request`",
            example.places()
        );
    }
}

impl Wish {
    /// The name and data of the request; `None` when the client knows no suitable entity. `made` is the id of a task
    /// that the same batch creates; a wish may be about that task.
    pub fn request(
        &self,
        examples: &Examples,
        known: &Known<'_>,
        made: &mut Option<String>,
    ) -> Option<(&'static str, Value)> {
        let (workspace, board) = nth(&known.replica.boards, self.place)?;
        let mut state = self.choices;
        let mut choose = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        let example = examples.varied(self.operation, &mut choose)?;
        let before = made.clone();
        let task = |n: usize| nth(&board.tasks, n).map(|(id, _)| json!(id));
        let link = known
            .link(self.pick)
            .filter(|_| self.operation == "invite.accept");
        if let Some(token) = link {
            return Some((self.operation, json!({ "token": token })));
        }
        let mut data = example.fill(|place| match place {
            // the shared ones stay, so that there is something left to compare
            "workspace" if self.operation == "workspace.delete" => {
                let all = (known.made)("workspace.create");
                (!all.is_empty()).then(|| all[self.pick % all.len()].clone())
            }
            "workspace" => Some(json!(workspace)),
            "stream" => Some(json!(format!("workspace:{workspace}"))),
            "task" | "deleted_task" => match &before {
                Some(made) if self.pick.is_multiple_of(3) => Some(json!(made)),
                _ => task(self.pick),
            },
            "other_task" => task(self.other),
            "user" => nth(&board.members, self.other).map(|(id, _)| json!(id)),
            "newcomer" => {
                let is_new = |name: &&String| board.members.values().all(|m| m["user"]["username"] != **name);
                let new = known.people.iter().filter(is_new);
                let all: Vec<&String> = new.chain(known.people).collect();
                Some(json!(all[self.other % all.len()]))
            }
            "notification" => nth(known.replica.notifications(), self.pick).map(|(id, _)| json!(id)),
            "new_id" if self.operation == "task.create" && before.is_none() => {
                let id = new_id();
                *made = Some(id.to_string());
                Some(json!(id))
            }
            "new_id" => Some(json!(new_id())),
            "new_email" => Some(json!("nobody@example.com")),
            entity => {
                let all = (known.made)(&format!("{entity}.create"));
                (!all.is_empty()).then(|| all[self.pick % all.len()].clone())
            }
        })?;
        if self.operation == "task.create" && self.pick.is_multiple_of(2) {
            data["description"] = json!("long ".repeat(self.other % 150));
        }
        if self.operation == "notification.delete_many" {
            let more = known.replica.notifications().keys().skip(self.other % 50).take(2);
            let ids = data["ids"].as_array_mut().expect("ids");
            ids.extend(more.map(|id| json!(id)));
        }
        // take the version that the client sees: the version of an example is rarely right
        let seen = data["id"].as_str().and_then(|id| board.tasks.get(id));
        if let (Some(expected), Some(seen)) = (data.get_mut("if_version"), seen) {
            *expected = seen["version"].clone();
        }
        Some((self.operation, data))
    }
}

/// The event types of which a mutation logs exactly one event, however many other events it causes. `None` when it may
/// log any number of events but at least one, or is not listed here.
pub fn primary(name: &str, permanent: bool) -> Option<&'static [&'static str]> {
    let events: &[&str] = match name {
        "workspace.create" => &["workspace.created"],
        "workspace.update" => &["workspace.updated"],
        "invite.create" => &["invite.created"],
        "api_token.revoke" => &["api_token.revoked"],
        "calendar.revoke" => &["calendar.revoked"],
        "task.create" => &["task.created"],
        "task.update" | "task.replace" => &["task.updated", "task.completed", "task.reopened"],
        "task.assign" => &["task.updated"],
        "task.complete" => &["task.completed", "task.reopened"],
        "task.delete" if permanent => &["task.purged"],
        // "task.delete", "task.restore" and "task.move" log one for each subtask that goes along
        "member.add" | "invite.accept" => &["member.added"],
        "member.update" => &["member.updated"],
        "member.remove" | "workspace.leave" => &["member.removed"],
        "project.create" => &["project.created"],
        "project.delete" => &["project.deleted"],
        "tag.delete" => &["tag.deleted"],
        "comment.create" => &["comment.created"],
        "comment.update" => &["comment.updated"],
        "comment.delete" => &["comment.deleted"],
        "attachment.delete" => &["attachment.deleted"],
        "notification.mark" => &["notification.updated"],
        "notification.mark_all_read" => &["notification.all_read"],
        "notification.delete" => &["notification.deleted"],
        _ => return None,
    };
    Some(events)
}

/// Whether an event is the primary one of a mutation. A `member.added` about its own actor came with a new workspace.
pub fn is_primary(name: &str, permanent: bool, event: &Value) -> bool {
    let comes_along = name == "member.add" && event["data"]["user"]["id"] == event["actor"]["id"];
    !comes_along && primary(name, permanent).is_some_and(|names| names.contains(&text(&event["event"])))
}
