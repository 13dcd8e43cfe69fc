//! What teammates do. Each scene works on entities of its own, so it knows how many entries each mutation makes, and what
//! must be there afterwards.

use super::accounts::User;
use super::hash;
use super::kept::{Fate, KeptComment, Notice};
use super::teammate::{Act, SOME, Teammate};
use crate::load::files;
use crate::verdict::Invariant;
use rand::RngExt as _;
use serde_json::{Value, json};
use std::fmt::Write as _;
use taskwire_protocol::Timestamp;
use uuid::Uuid;

/// How long after now a reminder comes, in milliseconds.
const SOON: i64 = 1500;
/// The most bytes of an upload: more than two parts of an object.
const FILE: usize = 600_000;
/// The tasks of most imports, and of the others. All are few enough that each has an event: a checker that reads the log
/// does not see what a `stream.reset` stands for. Imports that are more than one mutation are killed in an integration test.
const FEW: std::ops::Range<u16> = 2..30;
const MANY: std::ops::Range<u16> = 200..500;
/// How many tasks of an import are in a project and carry a tag.
const PLACED: usize = 2;

impl Teammate {
    /// One scene. `None` when it could not be finished.
    pub(super) async fn scene(&mut self) -> Option<()> {
        self.number += 1;
        let workspace = self.user.workspaces[self.random.random_range(0..self.user.workspaces.len())];
        let id = self.accounts.workspaces[workspace].id;
        match self.random.random_range(0..13) {
            0 | 1 => self.comments(workspace, id).await,
            2 => self.tags(id).await,
            3 => self.projects(id).await,
            4 => self.stages().await,
            5 => self.subtasks(id).await,
            6 => self.members_come_and_go().await,
            7 => self.own_affairs().await,
            8 => self.series(id).await,
            9 => self.edits(workspace, id).await,
            10 => self.imports(id).await,
            _ => self.files(id).await,
        }
    }

    fn word(&self, what: &str) -> String {
        format!("{what} {} of teammate {}", self.number, self.label)
    }

    /// A mutation of the teammate, on this stream and with so many entries there.
    async fn on(&mut self, stream: Uuid, entries: u16, name: &'static str, data: Value) -> Option<Value> {
        let who = self.user.clone();
        self.by(&who, stream, entries, name, data).await
    }

    async fn by(
        &mut self,
        who: &User,
        stream: Uuid,
        entries: u16,
        name: &'static str,
        data: Value,
    ) -> Option<Value> {
        let act = Act {
            name,
            data,
            stream,
            entries,
            who,
            post: None,
        };
        self.act(act).await
    }

    async fn task(&mut self, workspace: Uuid, what: &str, more: Value) -> Option<Uuid> {
        let mut data = json!({"workspace_id": workspace, "title": self.word(what)});
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more);
        }
        let made = self.on(workspace, 1, "task.create", data).await?;
        id(&made)
    }

    /// Another lasting member of a workspace.
    fn other(&mut self, workspace: usize) -> User {
        let members = &self.accounts.workspaces[workspace].members;
        let users = members.iter().map(|member| &self.accounts.users[*member]);
        let others: Vec<&User> = users.filter(|user| user.id != self.user.id).collect();
        let at = self.random.random_range(0..others.len());
        others[at].clone()
    }

    /// Comments are written, changed and deleted; who is mentioned is told once.
    async fn comments(&mut self, number: usize, workspace: Uuid) -> Option<()> {
        let task = self.task(workspace, "talked about", json!({})).await?;
        let (first, second) = (self.other(number), self.other(number));
        for part in 0..3 {
            let body = format!("{}, part {part}", self.word("comment"));
            let mut data = json!({"task_id": task, "body": body});
            if part == 0 {
                data["mentions"] = json!([first.id]);
            }
            let made = self.on(workspace, 1, "comment.create", data).await?;
            let comment = id(&made)?;
            self.keep_comment(comment, task, &body, false);
            if part == 0 {
                self.keep_notice(&first, task, "MENTION", 0);
            }
            if part == 1 {
                let body = format!("{body}, and @{} should know", second.username);
                let data = json!({"id": comment, "body": body});
                self.on(workspace, 1, "comment.update", data).await?;
                self.keep_comment(comment, task, &body, false);
                self.keep_notice(&second, task, "MENTION", 0);
            }
            if part == 2 {
                let gone = json!({"id": comment});
                self.on(workspace, 1, "comment.delete", gone).await?;
                self.keep_comment(comment, task, &body, true);
            }
        }
        Some(())
    }

    fn keep_comment(&self, id: Uuid, task: Uuid, body: &str, is_deleted: bool) {
        let body = hash(body.as_bytes());
        let comment = KeptComment {
            task,
            body,
            is_deleted,
        };
        self.keep(|kept| kept.comments.extend([(id, comment)]));
    }

    fn keep_notice(&self, user: &User, task: Uuid, kind: &'static str, at: i64) {
        let notice = Notice {
            user: user.id,
            task,
            kind,
            at,
        };
        self.keep(|kept| kept.notices.push(notice));
    }

    /// A tag gets another name, becomes one with another tag, and goes.
    async fn tags(&mut self, workspace: Uuid) -> Option<()> {
        let (one, other) = (self.word("one"), self.word("other"));
        let data = json!({"workspace_id": workspace, "name": one, "color": "#3b82f6"});
        let first = id(&self.on(workspace, 1, "tag.create", data).await?)?;
        // the task makes the other tag
        let data = json!({"workspace_id": workspace, "title": self.word("tagged"), "tags": [one, other]});
        self.on(workspace, 2, "task.create", data).await?;
        let renamed = json!({"id": first, "name": self.word("renamed")});
        self.on(workspace, 2, "tag.update", renamed).await?;
        let merged = self
            .on(workspace, 2, "tag.update", json!({"id": first, "name": other}))
            .await?;
        let kept = id(&merged)?;
        self.on(
            workspace,
            1,
            "tag.update",
            json!({"id": kept, "color": "#22c55e"}),
        )
        .await?;
        if self.random.random_ratio(3, 4) {
            self.on(workspace, 2, "tag.delete", json!({"id": kept})).await?;
        }
        Some(())
    }

    async fn projects(&mut self, workspace: Uuid) -> Option<()> {
        let data = json!({"workspace_id": workspace, "name": self.word("project")});
        let project = id(&self.on(workspace, 1, "project.create", data).await?)?;
        let task = self
            .task(workspace, "planned", json!({"project_id": project}))
            .await?;
        let data = json!({"id": project, "color": "#22c55e"});
        self.on(workspace, 1, "project.update", data).await?;
        self.on(workspace, 1, "project.archive", json!({"id": project}))
            .await?;
        if self.random.random_ratio(3, 4) {
            // its task stays
            self.on(workspace, 2, "project.delete", json!({"id": project}))
                .await?;
            let data = json!({"id": task, "priority": "high"});
            self.on(workspace, 1, "task.update", data).await?;
        }
        Some(())
    }

    /// A stage comes and goes, and its task moves on. Only owners may do this, one for each workspace.
    async fn stages(&mut self) -> Option<()> {
        let owns = |number: &&usize| {
            let owner = self.accounts.workspaces[**number].members[0];
            self.accounts.users[owner].id == self.user.id
        };
        let number = *self.user.workspaces.iter().find(owns)?;
        let workspace = self.accounts.workspaces[number].id;
        let stage = |key: &str, kind: &str| json!({"key": key, "name": key, "kind": kind});
        let usual = [
            stage("todo", "open"),
            stage("doing", "active"),
            stage("done", "done"),
        ];
        let more = [&usual[..2], &[stage("review", "active")], &usual[2..]].concat();
        let data = json!({"workspace_id": workspace, "stages": more});
        self.on(workspace, 1, "workspace.update", data).await?;
        self.task(workspace, "reviewed", json!({"stage": "review"}))
            .await?;
        let data = json!({"workspace_id": workspace, "stages": usual});
        self.on(workspace, 2, "workspace.update", data).await?;
        Some(())
    }

    /// Subtasks are deleted and restored with what is above them.
    async fn subtasks(&mut self, workspace: Uuid) -> Option<()> {
        let top = self.task(workspace, "top", json!({})).await?;
        let middle = self.task(workspace, "middle", json!({"parent_id": top})).await?;
        let leaf = self
            .task(
                workspace,
                "leaf",
                json!({"parent_id": middle, "blocked_by": [top]}),
            )
            .await?;
        self.on(workspace, 2, "task.delete", json!({"id": middle}))
            .await?;
        self.on(workspace, 2, "task.restore", json!({"id": middle}))
            .await?;
        self.on(workspace, 3, "task.delete", json!({"id": top})).await?;
        if self.random.random_ratio(3, 4) {
            self.on(workspace, 3, "task.restore", json!({"id": top})).await?;
            self.on(
                workspace,
                1,
                "task.complete",
                json!({"id": leaf, "completed": true}),
            )
            .await?;
        }
        Some(())
    }

    /// A workspace passes from one newcomer to the other, who was invited.
    async fn members_come_and_go(&mut self) -> Option<()> {
        let [owner, other] = [self.owner, 1 - self.owner].map(|n| self.newcomers[n].clone());
        let club = if let Some(club) = self.club {
            club
        } else {
            let data = json!({"name": self.word("club")});
            let club = id(&self.by(&owner, owner.id, SOME, "workspace.create", data).await?)?;
            *self.club.insert(club)
        };
        let data = json!({"workspace_id": club, "role": "member"});
        let invite = self.by(&owner, club, 1, "invite.create", data).await?;
        let token = json!({"token": invite["token"]});
        self.by(&other, club, 1, "invite.accept", token).await?;
        self.by(&owner, club, 1, "invite.revoke", json!({"id": invite["id"]}))
            .await?;
        let data = json!({"workspace_id": club, "user_id": other.id, "role": "admin"});
        self.by(&owner, club, 1, "member.update", data).await?;
        let data = json!({"workspace_id": club, "user_id": other.id});
        self.by(&owner, club, 2, "workspace.transfer", data).await?;
        self.owner = 1 - self.owner;
        let data = json!({"workspace_id": club});
        self.by(&owner, club, 1, "workspace.leave", data).await?;
        Some(())
    }

    /// A newcomer's workspace, name and notifications.
    async fn own_affairs(&mut self) -> Option<()> {
        let me = self.newcomers[self.random.random_range(0..2)].clone();
        let data = json!({"name": self.word("short-lived")});
        let made = self.by(&me, me.id, SOME, "workspace.create", data).await?;
        let data = json!({"workspace_id": made["id"]});
        self.by(&me, me.id, SOME, "workspace.delete", data).await?;
        let data = json!({"name": self.word("Somebody")});
        self.by(&me, me.id, SOME, "profile.update", data).await?;
        let found = self
            .ask(
                &me,
                "notification.list",
                &json!({"limit": 3, "unread_only": true}),
            )
            .await?;
        let mut ids = found["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| &item["id"]);
        if let Some(first) = ids.next() {
            let data = json!({"id": first, "is_read": true});
            self.by(&me, me.id, 1, "notification.mark", data).await?;
            self.by(&me, me.id, 1, "notification.delete", json!({"id": first}))
                .await?;
        }
        let rest: Vec<&Value> = ids.collect();
        if !rest.is_empty() {
            let entries = rest.len() as u16;
            self.by(
                &me,
                me.id,
                entries,
                "notification.delete_many",
                json!({"ids": rest}),
            )
            .await?;
        }
        self.by(&me, me.id, 1, "notification.mark_all_read", json!({}))
            .await?;
        Some(())
    }

    /// A task repeats: completed, opened and completed again, it has one next task. Another one reminds once.
    async fn series(&mut self, workspace: Uuid) -> Option<()> {
        let more = json!({"recurrence": "FREQ=DAILY", "due_at": "2030-01-01T10:00:00Z"});
        let task = self.task(workspace, "repeated", more).await?;
        for (step, completed) in [true, false, true].into_iter().enumerate() {
            let data = json!({"id": task, "completed": completed});
            self.on(workspace, 1, "task.complete", data).await?;
            if step == 0 {
                self.ended_elsewhere(); // the next task was made
            }
        }
        let title = self.word("repeated");
        self.keep(|kept| kept.titles.push((title, 2)));
        let data = json!({"workspace_id": workspace, "title": self.word("reminding")});
        let made = self.on(workspace, 1, "task.create", data).await?;
        let (task, now) = (id(&made)?, moment(&made["created_at"])?);
        let at = Timestamp(now.0 + SOON);
        let data = json!({"id": task, "remind_at": at});
        let set = self.on(workspace, 1, "task.update", data).await?;
        // an instance whose clock is wrong may have set a time that is over
        if moment(&set["updated_at"])? < at {
            let user = self.user.clone();
            self.keep_notice(&user, task, "TASK_REMINDER", at.0);
        }
        Some(())
    }

    async fn edits(&mut self, number: usize, workspace: Uuid) -> Option<()> {
        let first = self.task(workspace, "first", json!({})).await?;
        let second = self.task(workspace, "second", json!({})).await?;
        let data = json!({
            "id": second, "title": self.word("replaced"), "description": null, "completed": false,
            "priority": "low", "due_at": null, "tags": []
        });
        self.on(workspace, 1, "task.replace", data).await?;
        let who = self.other(number);
        let data = json!({"id": second, "add": [who.id]});
        self.on(workspace, 1, "task.assign", data).await?;
        let data = json!({"id": second, "before": first});
        self.on(workspace, SOME, "task.move", data).await?;
        let data = json!({"id": second, "blocked_by": [first]});
        self.on(workspace, 1, "task.update", data).await?;
        Some(())
    }

    /// A file is imported. Its first tasks are in a project and carry a tag, which are there or come with the file.
    async fn imports(&mut self, workspace: Uuid) -> Option<()> {
        let rows = if self.random.random_ratio(1, 8) {
            self.random.random_range(MANY)
        } else {
            self.random.random_range(FEW)
        };
        let (project, tag) = (self.word("imported project"), self.word("imported tag"));
        let mut there = None;
        if self.random.random_ratio(3, 4) {
            let named = |name: &str| json!({"workspace_id": workspace, "name": name});
            let project = id(&self.on(workspace, 1, "project.create", named(&project)).await?)?;
            let tag = id(&self.on(workspace, 1, "tag.create", named(&tag)).await?)?;
            there = Some((project, tag));
        }
        let titles: Vec<String> = (0..rows)
            .map(|row| format!("{} row {row}", self.word("imported")))
            .collect();
        let table = table(&titles, &project, &tag);
        let made_beside = if there.is_some() { 0 } else { 2 };
        let made = self.import(workspace, table, rows + made_beside).await?;
        self.keep(|kept| kept.titles.extend(titles.into_iter().map(|title| (title, 1))));
        if made["made"]["tasks"] != rows {
            let what = format!("an import of {rows} tasks answered {made}");
            self.shared.verdicts.violated(Invariant::I1, what);
        }
        if let Some((project, tag)) = there {
            // its tasks stay
            let entries = 1 + PLACED as u16;
            self.on(workspace, entries, "project.delete", json!({"id": project}))
                .await?;
            self.on(workspace, entries, "tag.delete", json!({"id": tag}))
                .await?;
        }
        Some(())
    }

    /// Files are uploaded whole and in part, read, and deleted.
    async fn files(&mut self, workspace: Uuid) -> Option<()> {
        let task = self.task(workspace, "with files", json!({})).await?;
        for _ in 0..self.random.random_range(1..4) {
            let bytes = self.bytes();
            self.upload(workspace, task, &bytes).await?;
        }
        let bytes = self.bytes();
        self.break_off(task, &bytes).await;
        let bytes = self.bytes();
        let gone = self.upload(workspace, task, &bytes).await?;
        files::read_some(&self.shared, &mut self.random, 2).await;
        // from now on nobody expects it
        self.keep_fate(gone, Fate::Unknown);
        self.on(workspace, 1, "attachment.delete", json!({"id": gone}))
            .await?;
        self.keep_fate(gone, Fate::Gone);
        Some(())
    }

    fn keep_fate(&self, file: Uuid, fate: Fate) {
        self.keep(|kept| {
            if let Some(file) = kept.files.get_mut(&file) {
                file.fate = fate;
            }
        });
    }

    /// The content of a file: most are small.
    fn bytes(&mut self) -> Vec<u8> {
        let most = if self.random.random_ratio(1, 4) {
            FILE
        } else {
            20_000
        };
        let mut bytes = vec![0; self.random.random_range(0..most)];
        self.random.fill(&mut bytes[..]);
        bytes
    }
}

/// A table of tasks with these titles: subtasks, blocked and completed ones among them.
fn table(titles: &[String], project: &str, tag: &str) -> String {
    let mut table = "id,title,parent_id,blocked_by,completed,project,tags\n".to_owned();
    for (row, title) in titles.iter().enumerate() {
        let above = if row % 2 == 1 {
            format!("r{}", row - 1)
        } else {
            String::new()
        };
        let blocker = if row % 3 == 2 {
            format!("r{}", row - 2)
        } else {
            String::new()
        };
        let completed = row % 5 == 4;
        let (project, tag) = if row < PLACED { (project, tag) } else { ("", "") };
        let _ = writeln!(
            table,
            "r{row},{title},{above},{blocker},{completed},{project},{tag}"
        );
    }
    table
}

fn id(made: &Value) -> Option<Uuid> {
    serde_json::from_value(made["id"].clone()).ok()
}

fn moment(value: &Value) -> Option<Timestamp> {
    serde_json::from_value(value.clone()).ok()
}
