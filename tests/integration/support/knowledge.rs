//! What a client knows, folded from plain JSON as the contract tells its author to: snapshot + events = state. It checks
//! the order on the way: an event that is not the next one of its stream ends the test. Knows no socket.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that one user may read.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    /// The last seq of each stream that was synced.
    pub positions: BTreeMap<String, u64>,
    pub user: String,
    pub unread: u64,
    pub notifications: BTreeMap<String, Value>,
    /// The user's workspaces with their role there.
    pub workspaces: BTreeMap<String, Value>,
    pub boards: BTreeMap<String, Board>,
    /// Lost after the last welcome: nothing of them may arrive.
    forbidden: BTreeSet<String>,
    /// The head of the user's stream at the last welcome.
    welcomed_at: u64,
}

/// One workspace.
#[derive(Clone, Debug, Default)]
pub struct Board {
    pub members: BTreeMap<String, Value>,
    pub tasks: BTreeMap<String, Value>,
    /// Events kept while pages of the snapshot are to come.
    held: Option<Vec<Value>>,
}

impl Replica {
    /// A user's, who knows nothing yet.
    pub fn of(user: String) -> Replica {
        Replica {
            user,
            ..Replica::default()
        }
    }

    /// A socket was welcomed.
    pub fn welcomed(&mut self, welcome: &Value) {
        text(&welcome["data"]["user"]["id"]).clone_into(&mut self.user);
        self.forbidden.clear();
        for state in welcome["data"]["streams"].as_array().expect("streams") {
            let stream = text(&state["stream"]);
            if *stream == self.own_stream() {
                self.welcomed_at = state["seq"].as_u64().expect("a seq");
            }
            if state["resumed"] != true {
                self.positions.remove(stream);
            }
        }
    }

    pub fn own_stream(&self) -> String {
        format!("user:{}", self.user)
    }

    /// Whether all pages of a workspace came and it is followed.
    pub fn is_complete(&self, workspace: &str) -> bool {
        let stream = format!("workspace:{workspace}");
        let complete = |board: &Board| board.held.is_none();
        self.positions.contains_key(&stream) && self.boards.get(workspace).is_some_and(complete)
    }

    /// Takes the user's snapshot.
    pub fn take_user(&mut self, snapshot: &Value) {
        self.positions
            .insert(self.own_stream(), snapshot["seq"].as_u64().expect("a seq"));
        self.unread = snapshot["unread"].as_u64().expect("a count");
        self.notifications = by_id(&snapshot["notifications"]);
        self.workspaces = by_id(&snapshot["workspaces"]);
    }

    /// Takes a page of a workspace's snapshot; the cursor of the next one.
    pub fn take_page(&mut self, workspace: &str, page: &Value) -> Option<Value> {
        let stream = format!("workspace:{workspace}");
        if page["workspace"].is_object() {
            let seq = page["seq"].as_u64().expect("a seq");
            let had = self.positions.insert(stream, seq).unwrap_or(0);
            assert!(had <= seq, "a snapshot at {seq} after an event {had}");
            let members = page["members"].as_array().expect("members").iter();
            let members = members.map(|member| (text(&member["user"]["id"]).to_owned(), member.clone()));
            let (members, tasks) = (members.collect(), by_id(&page["tasks"]));
            let held = Some(Vec::new());
            self.boards
                .insert(workspace.to_owned(), Board { members, tasks, held });
        } else if let Some(board) = self.boards.get_mut(workspace) {
            board.tasks.extend(by_id(&page["tasks"]));
        }
        if !page["cursor"].is_null() {
            return Some(page["cursor"].clone());
        }
        if let Some(board) = self.boards.get_mut(workspace) {
            for event in board.held.take().unwrap_or_default() {
                board.apply(&event);
            }
        }
        None
    }

    /// Takes an event; whether it gave access to a workspace, which is to be synced now.
    pub fn apply(&mut self, event: &Value) -> Option<String> {
        let (stream, seq) = (text(&event["stream"]), event["seq"].as_u64().expect("a seq"));
        if let Some(workspace) = stream.strip_prefix("workspace:") {
            assert!(
                !self.forbidden.contains(workspace),
                "an event of a lost workspace: {event}"
            );
        }
        let at = self.positions.get_mut(stream)?;
        assert_eq!(seq, *at + 1, "not the next event: {event}");
        *at = seq;
        let Some(workspace) = stream.strip_prefix("workspace:") else {
            return self.apply_own(event);
        };
        let board = self.boards.get_mut(workspace).expect("a board that was synced");
        match &mut board.held {
            Some(held) => held.push(event.clone()),
            None => board.apply(event),
        }
        None
    }

    fn apply_own(&mut self, event: &Value) -> Option<String> {
        let data = &event["data"];
        if let Some(unread) = data["unread"].as_u64() {
            self.unread = unread;
        }
        match text(&event["event"]) {
            _ if data["purged"] == true => {}
            "notification.created" | "notification.updated" => {
                let mut notification = data.clone();
                notification.as_object_mut().expect("an object").remove("unread");
                take(&mut self.notifications, text(&data["id"]), notification);
            }
            "notification.all_read" => {
                let up_to = text(&data["up_to"]);
                for notification in self.notifications.values_mut() {
                    if notification["is_read"] == false && text(&notification["created_at"]) <= up_to {
                        notification["is_read"] = json!(true);
                        notification["version"] = json!(version(notification) + 1);
                    }
                }
            }
            "notification.deleted" => drop(self.notifications.remove(text(&data["id"]))),
            "access.granted" => {
                let id = text(&data["workspace"]["id"]).to_owned();
                self.forget(&id);
                self.forbidden.remove(&id);
                self.workspaces.insert(id.clone(), data["workspace"].clone());
                return Some(id);
            }
            "access.changed" => {
                let workspace = self.workspaces.get_mut(text(&data["workspace_id"]));
                workspace.expect("a workspace of theirs")["role"] = data["role"].clone();
            }
            "access.lost" => {
                let id = text(&data["workspace_id"]);
                self.forget(id);
                self.workspaces.remove(id);
                // what is replayed was lost before this socket; it may have been given back since
                if event["seq"].as_u64() > Some(self.welcomed_at) {
                    self.forbidden.insert(id.to_owned());
                }
            }
            _ => {}
        }
        None
    }

    fn forget(&mut self, workspace: &str) {
        self.boards.remove(workspace);
        self.positions.remove(&format!("workspace:{workspace}"));
    }
}

impl Board {
    fn apply(&mut self, event: &Value) {
        let data = &event["data"];
        match text(&event["event"]) {
            _ if data["purged"] == true => {}
            "task.purged" => drop(self.tasks.remove(text(&data["id"]))),
            name if name.starts_with("task.") => take(&mut self.tasks, text(&data["id"]), data.clone()),
            "member.added" | "member.updated" => {
                take(&mut self.members, text(&data["user"]["id"]), data.clone());
            }
            "member.removed" => drop(self.members.remove(text(&data["user_id"]))),
            "stream.reset" => panic!("nothing here is so large: {event}"),
            _ => {}
        }
    }
}

/// An event is an upsert: taken when its version is greater or equal.
fn take(held: &mut BTreeMap<String, Value>, id: &str, entity: Value) {
    if held.get(id).is_none_or(|held| version(&entity) >= version(held)) {
        held.insert(id.to_owned(), entity);
    }
}

fn version(entity: &Value) -> i64 {
    entity["version"].as_i64().expect("a version")
}

/// Entities by their id.
pub fn by_id(list: &Value) -> BTreeMap<String, Value> {
    let list = list.as_array().expect("a list").iter();
    list.map(|entity| (text(&entity["id"]).to_owned(), entity.clone()))
        .collect()
}

/// A string.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}
