//! A workspace for statistics, and what changes there at random: tasks and subtasks, projects, stages, tags, members,
//! imports.

use super::{DAY_MS, tasks};
use crate::support::follower::text;
use crate::support::{Node, PASSWORD};
use chrono::DateTime;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Numbers that a seed determines (xorshift64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn of<T: Clone>(&mut self, these: &[T]) -> Option<T> {
        (!these.is_empty()).then(|| these[self.below(these.len())].clone())
    }
}

/// The names of tags: few, so that tasks share them.
const TAGS: [&str; 4] = ["home", "boat", "dog", "bills"];
/// Stages of which some are missing in each other, and of which one is of another kind.
const STAGES: [&[(&str, &str)]; 4] = [
    &[("todo", "open"), ("doing", "active"), ("done", "done")],
    &[("todo", "open"), ("done", "done")],
    &[("todo", "open"), ("doing", "done"), ("done", "done")],
    &[("later", "open"), ("doing", "active"), ("done", "done")],
];

/// A workspace with projects, and a member besides Ada.
pub struct Ground<'n> {
    pub node: &'n Node,
    pub workspace: String,
    bob: String,
    pub projects: Vec<String>,
    pub tasks: Vec<String>,
}

impl Ground<'_> {
    pub async fn make(node: &Node) -> Ground<'_> {
        let workspace = text(&node.ok("workspace.create", &json!({ "name": "Team" })).await["id"]);
        let params =
            json!({ "email": "bob@example.com", "name": "Bob", "username": "bob", "password": PASSWORD });
        let token = node.token("auth.signup", &params).await;
        let identity = node.engine.authenticate(&token).await.expect("Bob");
        let bob = identity.caller.user.id.to_string();
        let mut projects = Vec::new();
        for name in ["Home", "Boat"] {
            let data = json!({ "workspace_id": workspace, "name": name });
            projects.push(text(&node.ok("project.create", &data).await["id"]));
        }
        Ground {
            node,
            workspace,
            bob,
            projects,
            tasks: Vec::new(),
        }
    }

    /// Some fields of a task.
    fn fields(&self, dice: &mut Dice) -> Value {
        let now = self.node.clock.now_ms();
        let me = self.node.caller.user.id.to_string();
        let due = match dice.below(5) {
            0 => Value::Null,
            1 => json!(now + dice.below(1_200_000) as i64 - 600_000),
            _ => json!(now + dice.below(10 * DAY_MS as usize) as i64 - 5 * DAY_MS),
        };
        let all_day = !due.is_null() && dice.below(3) == 0;
        let due = due
            .as_i64()
            .map(|at| if all_day { at - at.rem_euclid(DAY_MS) } else { at });
        let due = due.map(|at| DateTime::from_timestamp_millis(at).expect("a time").to_rfc3339());
        let tags: Vec<&str> = TAGS.into_iter().filter(|_| dice.below(3) == 0).collect();
        json!({
            "priority": dice.of(&["none", "low", "medium", "high", "urgent"]), "due_at": due, "all_day": all_day,
            "project_id": if dice.below(2) == 0 { dice.of(&self.projects) } else { None }, "tags": tags,
            "assignee_ids": match dice.below(4) { 0 => vec![me], _ => Vec::new() },
        })
    }

    pub fn create(&self, dice: &mut Dice) -> Value {
        let mut data = self.fields(dice);
        data["workspace_id"] = json!(self.workspace);
        data["title"] = json!("Do it");
        data
    }

    /// Makes a task, below another one if one is given.
    pub async fn add(&mut self, dice: &mut Dice, parent: Option<&str>) -> String {
        let mut data = self.create(dice);
        data["parent_id"] = json!(parent);
        let id = text(&self.node.ok("task.create", &data).await["id"]);
        self.tasks.push(id.clone());
        id
    }

    /// A table of new tasks: subtasks, completed, deleted and old ones among them, with a project and tags that may be new.
    pub fn table(&self, dice: &mut Dice, rows: usize) -> String {
        let now = self.node.clock.now_ms();
        let at = |days: usize| {
            let at = now - days as i64 * DAY_MS;
            DateTime::from_timestamp_millis(at).expect("a time").to_rfc3339()
        };
        let mut table = "id,title,parent_id,project,tags,priority,assignees,due_at,created_at,completed_at,deleted_at,stage\n".to_owned();
        for row in 0..rows {
            let above = if row % 4 == 1 {
                format!("r{}", row - 1)
            } else {
                String::new()
            };
            let mut one_of = |words: &[&'static str]| dice.of(words).unwrap_or_default();
            let (project, tag) = (one_of(&["", "Home", "Imports"]), one_of(&TAGS));
            let (priority, person) = (one_of(&["none", "low", "urgent"]), one_of(&["", "bob"]));
            let stage = one_of(&["", "todo", "doing"]);
            let (made, due) = (at(20 + dice.below(20)), at(dice.below(10)));
            let [done, gone] =
                [row % 5 == 2, row % 7 == 3].map(|is| if is { at(dice.below(20)) } else { String::new() });
            let stage = if done.is_empty() { stage } else { "" };
            let _ = writeln!(
                table,
                "r{row},Row,{above},{project},{tag},{priority},{person},{due},{made},{done},{gone},{stage}"
            );
        }
        table
    }

    /// Imports a table, and knows its tasks then.
    pub async fn import(&mut self, table: String) -> Value {
        let made = self.node.import(&self.workspace, table).await;
        let all = tasks(self.node, &self.workspace).await;
        self.tasks = all.iter().map(|task| text(&task["id"])).collect();
        made
    }

    /// Gives the workspace some of [`STAGES`].
    pub async fn stages(&self, which: usize) {
        let stages = STAGES[which % STAGES.len()].iter();
        let stages: Vec<Value> = stages
            .map(|(key, kind)| json!({ "key": key, "name": key, "kind": kind }))
            .collect();
        let data = json!({ "workspace_id": self.workspace, "stages": stages });
        self.node.ok("workspace.update", &data).await;
    }

    /// The ids of the tags.
    pub async fn tags(&self) -> Vec<String> {
        let data = json!({ "workspace_id": self.workspace });
        let found = self.node.ok("tag.list", &data).await;
        let items = found["items"].as_array().expect("items").iter();
        items.map(|tag| text(&tag["id"])).collect()
    }

    /// One change at random. Some are refused, as completing what is deleted is.
    pub async fn change(&mut self, dice: &mut Dice) {
        let (choice, id) = (dice.below(24), dice.of(&self.tasks));
        let (name, data) = match (choice, id) {
            (0..=3, _) | (_, None) => return drop(self.add(dice, None).await),
            (4..=6, Some(id)) => ("task.complete", json!({ "id": id })),
            (7, Some(id)) => ("task.delete", json!({ "id": id })),
            (8, Some(id)) => ("task.delete", json!({ "id": id, "permanent": true })),
            (9 | 10, Some(id)) => ("task.restore", json!({ "id": id })),
            (11, Some(id)) => {
                let mut data = self.fields(dice);
                data["id"] = json!(id);
                ("task.update", data)
            }
            (12, Some(id)) => ("task.assign", json!({ "id": id, "add": [self.bob] })),
            (13, Some(id)) => {
                let stage = dice.of(&["todo", "doing", "done"]);
                ("task.move", json!({ "id": id, "stage": stage }))
            }
            (14, Some(id)) => {
                let (parent, project) = (dice.of(&self.tasks), dice.of(&self.projects));
                let data = json!({ "id": id, "parent_id": parent, "project_id": project });
                ("task.move", data)
            }
            (15 | 16, Some(id)) => return self.add_below(dice, &id).await,
            (17, _) => return self.let_bob_go_and_come().await,
            (18, _) => return self.stages(dice.below(4)).await,
            (19, _) => {
                let table = self.table(dice, 8);
                return drop(self.import(table).await);
            }
            (20 | 21, _) => return self.change_a_tag(dice).await,
            (_, _) if self.projects.len() > 1 && dice.below(3) == 0 => {
                let project = self.projects.pop();
                ("project.delete", json!({ "id": project }))
            }
            _ => {
                let data = json!({ "workspace_id": self.workspace, "name": "Another" });
                let made = self.node.ok("project.create", &data).await;
                return self.projects.push(text(&made["id"]));
            }
        };
        drop(self.node.ask(name, &data, None).await);
    }

    /// A subtask, unless the task is deleted, or at the lowest level.
    async fn add_below(&mut self, dice: &mut Dice, id: &str) {
        let mut data = self.create(dice);
        data["parent_id"] = json!(id);
        if let Ok(made) = self.node.ask("task.create", &data, None).await {
            let made: Value = serde_json::from_str(&format!("{{{}}}", made.body)).expect("JSON");
            self.tasks.push(text(&made["data"]["id"]));
        }
    }

    async fn let_bob_go_and_come(&self) {
        let data = json!({ "workspace_id": self.workspace, "user_id": self.bob });
        drop(self.node.ask("member.remove", &data, None).await);
        let role = json!({ "workspace_id": self.workspace, "username": "bob", "role": "member" });
        drop(self.node.ask("member.add", &role, None).await);
    }

    /// A tag goes, or gets another name: perhaps that of another tag, so that the two become one.
    async fn change_a_tag(&self, dice: &mut Dice) {
        let Some(id) = dice.of(&self.tags().await) else {
            return;
        };
        if dice.below(4) == 0 {
            self.node.ok("tag.delete", &json!({ "id": id })).await;
        } else {
            let name = dice.of(&TAGS);
            self.node
                .ok("tag.update", &json!({ "id": id, "name": name }))
                .await;
        }
    }
}
