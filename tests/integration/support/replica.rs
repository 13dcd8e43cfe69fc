//! What a client would keep of a stream: a snapshot, and every event folded into it. Compared with a fresh snapshot it
//! says whether the events told everything.

use super::follower::text;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A workspace as its events tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkspaceReplica {
    pub seq: u64,
    workspace: Value,
    members: BTreeMap<String, Value>,
    tasks: BTreeMap<String, Value>,
}

impl WorkspaceReplica {
    /// From the pages of `workspace.sync`.
    pub fn of(pages: &[Value]) -> WorkspaceReplica {
        let first = &pages[0];
        assert_eq!(
            (&first["projects"], &first["tags"]),
            (&json!([]), &json!([])),
            "{first}"
        );
        WorkspaceReplica {
            seq: first["seq"].as_u64().expect("a seq"),
            workspace: first["workspace"].clone(),
            members: by_id(&first["members"], |member| &member["user"]["id"]),
            tasks: pages
                .iter()
                .flat_map(|page| by_id(&page["tasks"], |task| &task["id"]))
                .collect(),
        }
    }

    /// Leaves out the role of whoever asked: the user's own stream tells it.
    pub fn forget_role(&mut self) {
        fields(&mut self.workspace).remove("role");
    }

    /// Folds an event in.
    pub fn apply(&mut self, event: &Value) {
        assert_eq!(event["seq"], self.seq + 1, "{event}");
        self.seq += 1;
        let data = &event["data"];
        match event["event"].as_str().expect("a name") {
            "task.purged" => drop(self.tasks.remove(&text(&data["id"]))),
            name if name.starts_with("task.") => {
                if data["purged"] != true {
                    upsert(&mut self.tasks, text(&data["id"]), data);
                }
            }
            "member.added" | "member.updated" => {
                upsert(&mut self.members, text(&data["user"]["id"]), data);
            }
            "member.removed" => drop(self.members.remove(&text(&data["user_id"]))),
            other => panic!("{other} is not known in a workspace: {event}"),
        }
    }
}

/// A user's own stream as its events tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct UserReplica {
    pub seq: u64,
    user: Value,
    workspaces: BTreeMap<String, Value>,
    notifications: BTreeMap<String, Value>,
    unread: i64,
}

impl UserReplica {
    /// From `user.sync`.
    pub fn of(snapshot: &Value) -> UserReplica {
        assert_eq!(snapshot["invites"], json!([]), "{snapshot}");
        UserReplica {
            seq: snapshot["seq"].as_u64().expect("a seq"),
            user: snapshot["user"].clone(),
            workspaces: by_id(&snapshot["workspaces"], |workspace| &workspace["id"]),
            notifications: by_id(&snapshot["notifications"], |notification| &notification["id"]),
            unread: snapshot["unread"].as_i64().expect("a count"),
        }
    }

    /// Folds an event in.
    pub fn apply(&mut self, event: &Value) {
        assert_eq!(event["seq"], self.seq + 1, "{event}");
        self.seq += 1;
        let data = &event["data"];
        if let Some(unread) = data["unread"].as_i64() {
            self.unread = unread;
        }
        match event["event"].as_str().expect("a name") {
            "notification.created" | "notification.updated" => {
                if data["purged"] != true {
                    let mut notification = data.clone();
                    fields(&mut notification).remove("unread");
                    upsert(&mut self.notifications, text(&data["id"]), &notification);
                }
            }
            "notification.all_read" => {
                for notification in self.notifications.values_mut() {
                    if notification["is_read"] == false
                        && text(&notification["created_at"]) <= text(&data["up_to"])
                    {
                        notification["is_read"] = json!(true);
                        notification["version"] =
                            json!(notification["version"].as_i64().expect("a version") + 1);
                    }
                }
            }
            "notification.deleted" => drop(self.notifications.remove(&text(&data["id"]))),
            "access.granted" => {
                let mut workspace = data["workspace"].clone();
                workspace["role"] = data["role"].clone();
                self.workspaces.insert(text(&workspace["id"]), workspace);
            }
            "access.changed" => {
                let workspace = self.workspaces.get_mut(&text(&data["workspace_id"]));
                workspace.expect("a known workspace")["role"] = data["role"].clone();
            }
            "access.lost" => drop(self.workspaces.remove(&text(&data["workspace_id"]))),
            "session.created" | "session.revoked" => {} // no part of the snapshot
            other => panic!("{other} is not known in a user's stream: {event}"),
        }
    }
}

fn by_id(list: &Value, id: impl Fn(&Value) -> &Value) -> BTreeMap<String, Value> {
    let items = list.as_array().expect("a list").iter();
    items.map(|item| (text(id(item)), item.clone())).collect()
}

fn upsert(map: &mut BTreeMap<String, Value>, id: String, entity: &Value) {
    let version = |entity: &Value| entity["version"].as_i64().expect("a version");
    if map.get(&id).is_none_or(|held| version(entity) >= version(held)) {
        map.insert(id, entity.clone());
    }
}

fn fields(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("an object")
}
