//! Applies events to the state of a client, as the contract tells clients to. No other file of the tests does this. It
//! panics at an event that is not the next one of its stream, or whose type it does not know: a new event type gets an
//! arm here. Knows no sockets, and only one stream at a time; `knowledge` knows all.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Entities by their id.
pub type ById = BTreeMap<String, Value>;

/// The state of a workspace by its snapshot and events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkspaceState {
    pub seq: u64,
    workspace: Value,
    pub members: ById,
    pub projects: ById,
    pub tags: ById,
    pub tasks: ById,
}

impl WorkspaceState {
    /// From all pages of `workspace.sync`.
    pub fn of(pages: &[Value]) -> WorkspaceState {
        let mut state = WorkspaceState::of_first(&pages[0]);
        pages[1..].iter().for_each(|page| state.add_page(page));
        state
    }

    /// From the first page of `workspace.sync`.
    pub fn of_first(page: &Value) -> WorkspaceState {
        let members = page["members"].as_array().expect("members").iter();
        WorkspaceState {
            seq: seq(page),
            workspace: page["workspace"].clone(),
            members: members
                .map(|member| (text(&member["user"]["id"]).to_owned(), member.clone()))
                .collect(),
            projects: by_id(&page["projects"]),
            tags: by_id(&page["tags"]),
            tasks: by_id(&page["tasks"]),
        }
    }

    /// Adds a later page.
    pub fn add_page(&mut self, page: &Value) {
        self.tasks.extend(by_id(&page["tasks"]));
    }

    /// The workspace itself.
    pub fn workspace(&self) -> &Value {
        &self.workspace
    }

    /// Removes the role of the caller: only the user's own stream has its changes.
    pub fn forget_role(&mut self) {
        fields(&mut self.workspace).remove("role");
    }

    /// Applies an event.
    pub fn apply(&mut self, event: &Value) {
        advance(&mut self.seq, event);
        let data = &event["data"];
        match text(&event["event"]) {
            "task.purged" => drop(self.tasks.remove(text(&data["id"]))),
            // an entry of a task that was purged later has no content
            name if name.starts_with("task.") && data["purged"] == true => {}
            name if name.starts_with("task.") => upsert(&mut self.tasks, &data["id"], data.clone()),
            // so has one of a comment on it, or of a file
            name if name.starts_with("comment.") && data["purged"] == true => {}
            name if name.starts_with("attachment.") && data["purged"] == true => {}
            "comment.created" | "comment.updated" | "comment.deleted" | "attachment.created"
            | "attachment.deleted" => self.count(&data["task"]),
            "workspace.created" => self.workspace = data.clone(),
            "workspace.updated" => {
                assert_eq!(version(data), version(&self.workspace) + 1, "{event}");
                self.workspace = data.clone();
            }
            // not in the snapshot; and the last event: the user's own stream takes the workspace away
            "invite.created" | "invite.revoked" | "workspace.deleted" => {}
            "member.added" | "member.updated" => {
                let mut member = data.clone();
                fields(&mut member).remove("invite_id");
                upsert(&mut self.members, &data["user"]["id"], member);
            }
            "project.created" | "project.updated" => upsert(&mut self.projects, &data["id"], data.clone()),
            "project.deleted" => drop(self.projects.remove(text(&data["id"]))),
            "tag.created" | "tag.updated" => upsert(&mut self.tags, &data["id"], data.clone()),
            "tag.deleted" => drop(self.tags.remove(text(&data["id"]))),
            "member.removed" => drop(self.members.remove(text(&data["user_id"]))),
            other => panic!("unknown event {other} of a workspace: {event}"),
        }
    }
}

/// What a task counts changes without its version.
impl WorkspaceState {
    fn count(&mut self, counts: &Value) {
        // a later page of a snapshot may lack a task that was purged after the event
        let Some(task) = self.tasks.get_mut(text(&counts["id"])) else {
            return;
        };
        for counted in ["comment_count", "attachment_count"] {
            task[counted] = counts[counted].clone();
        }
    }
}

/// The state of a user's own stream by its snapshot and events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserState {
    pub seq: u64,
    user: Value,
    /// The user's workspaces with their role there.
    pub workspaces: ById,
    pub invites: ById,
    pub notifications: ById,
    pub unread: u64,
}

impl UserState {
    /// From `user.sync`.
    pub fn of(snapshot: &Value) -> UserState {
        UserState {
            seq: seq(snapshot),
            user: snapshot["user"].clone(),
            workspaces: by_id(&snapshot["workspaces"]),
            invites: by_id(&snapshot["invites"]),
            notifications: by_id(&snapshot["notifications"]),
            unread: snapshot["unread"].as_u64().expect("a count"),
        }
    }

    /// Applies an event.
    pub fn apply(&mut self, event: &Value) {
        advance(&mut self.seq, event);
        let data = &event["data"];
        if let Some(unread) = data["unread"].as_u64() {
            self.unread = unread;
        }
        match text(&event["event"]) {
            "notification.created" | "notification.updated" if data["purged"] == true => {}
            "notification.created" | "notification.updated" => {
                let mut notification = data.clone();
                fields(&mut notification).remove("unread");
                upsert(&mut self.notifications, &data["id"], notification);
            }
            "notification.all_read" => self.read_all(text(&data["up_to"])),
            "notification.deleted" => drop(self.notifications.remove(text(&data["id"]))),
            "access.granted" => {
                let mut workspace = data["workspace"].clone();
                workspace["role"] = data["role"].clone();
                self.workspaces
                    .insert(text(&workspace["id"]).to_owned(), workspace);
            }
            "access.changed" => {
                let workspace = self.workspaces.get_mut(text(&data["workspace_id"]));
                workspace.expect("a workspace of the user")["role"] = data["role"].clone();
            }
            "access.lost" => drop(self.workspaces.remove(text(&data["workspace_id"]))),
            "invite.received" => drop(self.invites.insert(text(&data["id"]).to_owned(), data.clone())),
            "invite.revoked" => drop(self.invites.remove(text(&data["id"]))),
            "profile.updated" => self.user = data.clone(),
            // not in the snapshot
            "session.created" | "session.revoked" | "api_token.created" | "api_token.revoked"
            | "calendar.created" | "calendar.revoked" => {}
            other => panic!("unknown event {other} of a user's stream: {event}"),
        }
    }

    fn read_all(&mut self, up_to: &str) {
        for notification in self.notifications.values_mut() {
            if notification["is_read"] == false && text(&notification["created_at"]) <= up_to {
                notification["is_read"] = json!(true);
                notification["version"] = json!(version(notification) + 1);
            }
        }
    }
}

fn seq(snapshot: &Value) -> u64 {
    snapshot["seq"].as_u64().expect("a seq")
}

/// Takes the event's seq, which must be the next one.
fn advance(at: &mut u64, event: &Value) {
    assert_eq!(event["seq"], *at + 1, "not the next event: {event}");
    *at += 1;
}

/// Applies an event as an upsert: it counts when its version is greater or equal.
fn upsert(held: &mut ById, id: &Value, entity: Value) {
    let id = text(id);
    if held.get(id).is_none_or(|held| version(&entity) >= version(held)) {
        held.insert(id.to_owned(), entity);
    }
}

fn version(entity: &Value) -> i64 {
    entity["version"].as_i64().expect("a version")
}

fn fields(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("an object")
}

/// Entities by their id.
pub fn by_id(list: &Value) -> ById {
    let list = list.as_array().expect("a list").iter();
    list.map(|entity| (text(&entity["id"]).to_owned(), entity.clone()))
        .collect()
}

/// The text of a JSON string.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a string"))
}
