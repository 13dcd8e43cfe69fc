//! What a client knows of all its streams: snapshots, to which `fold` applies events. It checks that each event is the
//! next one of its stream, and that no event of a lost workspace arrives. Knows no socket.

use super::fold::{ById, UserState, WorkspaceState};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub use super::fold::{by_id, text};

/// Everything that one user may read.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    /// The last seq of each stream that was synced.
    pub positions: BTreeMap<String, u64>,
    pub user: String,
    own: UserState,
    pub boards: BTreeMap<String, WorkspaceState>,
    /// Events of workspaces whose snapshots are incomplete: they are applied after the last page.
    held: BTreeMap<String, Vec<Value>>,
    /// Workspaces that were lost after the last welcome: none of their events may arrive.
    forbidden: BTreeSet<String>,
    /// The head of the user's stream at the last welcome.
    welcomed_at: u64,
}

impl Replica {
    /// An empty replica of a user.
    pub fn of(user: String) -> Replica {
        Replica {
            user,
            ..Replica::default()
        }
    }

    /// Takes the `welcome` of a new socket.
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

    /// The user's workspaces with the user's role in each.
    pub fn workspaces(&self) -> &ById {
        &self.own.workspaces
    }

    /// The same, with the names that the workspaces' own streams tell: no event of the user's stream has another name.
    pub fn workspaces_by_name(&self) -> ById {
        let mut all = self.own.workspaces.clone();
        for (id, workspace) in &mut all {
            if let Some(board) = self.boards.get(id) {
                let role = workspace["role"].take();
                workspace.clone_from(board.workspace());
                workspace["role"] = role;
            }
        }
        all
    }

    pub fn invites(&self) -> &ById {
        &self.own.invites
    }

    pub fn notifications(&self) -> &ById {
        &self.own.notifications
    }

    pub fn unread(&self) -> u64 {
        self.own.unread
    }

    /// Whether all pages of a workspace have arrived and its stream is followed.
    pub fn is_complete(&self, workspace: &str) -> bool {
        let is_followed = self.positions.contains_key(&format!("workspace:{workspace}"));
        is_followed && self.boards.contains_key(workspace) && !self.held.contains_key(workspace)
    }

    /// Takes the user's snapshot.
    pub fn take_user(&mut self, snapshot: &Value) {
        self.own = UserState::of(snapshot);
        self.positions.insert(self.own_stream(), self.own.seq);
    }

    /// Takes a page of a workspace's snapshot. Returns the cursor of the next page.
    pub fn take_page(&mut self, workspace: &str, page: &Value) -> Option<Value> {
        let stream = format!("workspace:{workspace}");
        if page["workspace"].is_object() {
            let board = WorkspaceState::of_first(page);
            let had = self.positions.insert(stream, board.seq).unwrap_or(0);
            assert!(
                had <= board.seq,
                "a snapshot at {} after an event {had}",
                board.seq
            );
            self.boards.insert(workspace.to_owned(), board);
            self.held.insert(workspace.to_owned(), Vec::new());
        } else if let Some(board) = self.boards.get_mut(workspace) {
            board.add_page(page);
        }
        if !page["cursor"].is_null() {
            return Some(page["cursor"].clone());
        }
        if let Some(board) = self.boards.get_mut(workspace) {
            for event in self.held.remove(workspace).unwrap_or_default() {
                board.apply(&event);
            }
        }
        None
    }

    /// Takes an event. Returns the workspace that it gave access to: sync it now.
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
        match self.held.get_mut(workspace) {
            Some(held) => held.push(event.clone()),
            None => board.apply(event),
        }
        None
    }

    fn apply_own(&mut self, event: &Value) -> Option<String> {
        self.own.apply(event);
        let data = &event["data"];
        match text(&event["event"]) {
            "access.granted" => {
                let id = text(&data["workspace"]["id"]).to_owned();
                self.forget(&id);
                self.forbidden.remove(&id);
                Some(id)
            }
            "access.lost" => {
                let id = text(&data["workspace_id"]);
                self.forget(id);
                // a replayed loss is older than this socket; the user may have got the workspace back since
                if event["seq"].as_u64() > Some(self.welcomed_at) {
                    self.forbidden.insert(id.to_owned());
                }
                None
            }
            _ => None,
        }
    }

    fn forget(&mut self, workspace: &str) {
        self.boards.remove(workspace);
        self.held.remove(workspace);
        self.positions.remove(&format!("workspace:{workspace}"));
    }
}
