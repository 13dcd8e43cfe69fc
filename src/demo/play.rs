//! Plays a story: carries out each act through the engine, as every client does, at the time at which it happens.

use super::calendar::HOUR_MS;
use super::story::{Act, Draft, What};
use super::texts::{PEOPLE, TEAM, THEMES};
use crate::clock::Clock;
use crate::engine::{Caller, Engine};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use taskwire_protocol::account::{GlobalRole, User};
use taskwire_protocol::{ErrorCode, Failure, Request, Timestamp};

/// The team and its workspace, while the story is played.
pub(super) struct Play<'a> {
    engine: &'a Engine,
    clock: Clock,
    people: Vec<Person>,
    workspace: Value,
    projects: Vec<Value>,
    /// The ids of the story's tasks.
    tasks: HashMap<usize, Value>,
    /// The hour of the last look at alarms.
    looked: i64,
}

struct Person {
    user: User,
    caller: Arc<Caller>,
}

/// The address of a person of the demo.
pub(super) fn address(name: &str) -> String {
    format!("{}@hazel.example", name.to_lowercase().replace(' ', "."))
}

impl<'a> Play<'a> {
    /// Makes the people, their workspace and its projects.
    pub(super) async fn prepare(
        engine: &'a Engine,
        people: usize,
        password: &SecretString,
    ) -> Result<Play<'a>, Failure> {
        let mut play = Play {
            engine,
            clock: engine.clock().clone(),
            people: Vec::with_capacity(people),
            workspace: Value::Null,
            projects: Vec::with_capacity(THEMES.len()),
            tasks: HashMap::new(),
            looked: 0,
        };
        for (name, zone) in &PEOPLE[..people] {
            play.invite(name, zone, password).await?;
        }
        play.workspace = play.made(0, "workspace.create", json!({ "name": TEAM })).await?;
        for who in 1..people {
            let username = &play.people[who].user.username;
            let member = json!({ "workspace_id": play.workspace, "username": username, "role": "member" });
            play.ask(0, "member.add", member).await?;
        }
        for theme in &THEMES {
            let project = json!({ "workspace_id": play.workspace, "name": theme.name, "color": theme.color });
            let project = play.made(0, "project.create", project).await?;
            play.projects.push(project);
        }
        Ok(play)
    }

    /// Makes an account. Nobody reads its mail.
    async fn invite(&mut self, name: &str, zone: &str, password: &SecretString) -> Result<(), Failure> {
        let email = address(name);
        let user = self
            .engine
            .create_account(&email, Some(name), GlobalRole::User, password)
            .await
            .map_err(|failure| match failure.code {
                ErrorCode::Conflict => Failure::new(
                    ErrorCode::Conflict,
                    format!(
                        "{email} is in this database already, so a demo was made before; use another database"
                    ),
                ),
                _ => failure,
            })?;
        let caller = self.engine.in_the_name_of(&email).await?;
        self.people.push(Person { user, caller });
        let profile = json!({ "timezone": zone, "preferences": { "notifications": { "email": false } } });
        self.ask(self.people.len() - 1, "profile.update", profile).await?;
        Ok(())
    }

    /// Carries out an act.
    pub(super) async fn act(&mut self, act: Act) -> Result<(), Failure> {
        self.wait_until(act.at).await?;
        let who = act.who;
        match act.what {
            What::Add(task, draft) => {
                let id = self.made(who, "task.create", self.task(&draft)).await?;
                self.tasks.insert(task, id);
            }
            What::Move(task, stage) => {
                self.change(who, "task.move", task, json!({ "stage": stage }))
                    .await?;
            }
            What::Complete(task, completed) => {
                let change = json!({ "completed": completed });
                self.change(who, "task.complete", task, change).await?;
            }
            What::Delete(task) => self.change(who, "task.delete", task, json!({})).await?,
            What::Restore(task) => self.change(who, "task.restore", task, json!({})).await?,
            What::Assign(task, other) => {
                let change = json!({ "add": [self.people[other].user.id] });
                self.change(who, "task.assign", task, change).await?;
            }
            What::Comment(task, text, to) => {
                let name = format!("@{}", self.people[to].user.username);
                let comment = json!({ "task_id": self.tasks.get(&task), "body": text.replace('@', &name) });
                self.ask(who, "comment.create", comment).await?;
            }
            What::ReadNotifications => {
                self.ask(who, "notification.mark_all_read", json!({})).await?;
            }
        }
        Ok(())
    }

    /// Lets the time pass. Once an hour it lets ring what is due or late, as a server does that runs.
    pub(super) async fn wait_until(&mut self, at: i64) -> Result<(), Failure> {
        self.clock.step(at - self.clock.now_ms());
        let hour = at / HOUR_MS;
        if hour > self.looked {
            self.looked = hour;
            while self.engine.look_at_alarms().await?.is_zero() {}
        }
        Ok(())
    }

    fn task(&self, draft: &Draft) -> Value {
        let ids = draft.assignees.iter().map(|who| self.people[*who].user.id);
        let known = |task: Option<usize>| task.and_then(|task| self.tasks.get(&task)).cloned();
        json!({
            "workspace_id": self.workspace,
            "project_id": self.projects[draft.project],
            "parent_id": known(draft.parent),
            "title": draft.title,
            "description": draft.description,
            "priority": draft.priority,
            "due_at": draft.due_at.map(Timestamp),
            "all_day": draft.all_day,
            "recurrence": draft.recurrence,
            "tags": draft.tags,
            "assignee_ids": ids.collect::<Vec<_>>(),
            "blocked_by": known(draft.blocked_by).into_iter().collect::<Vec<_>>(),
        })
    }

    /// Changes a task of the story.
    async fn change(&self, who: usize, name: &str, task: usize, mut data: Value) -> Result<(), Failure> {
        data["id"] = self.tasks.get(&task).cloned().unwrap_or_default();
        self.ask(who, name, data).await.map(drop)
    }

    /// Carries out an operation, and returns the id of what it made.
    async fn made(&self, who: usize, name: &str, data: Value) -> Result<Value, Failure> {
        let mut made = self.ask(who, name, data).await?;
        Ok(made["id"].take())
    }

    /// Carries out an operation, and returns its output.
    async fn ask(&self, who: usize, name: &str, data: Value) -> Result<Value, Failure> {
        let request = Request::read(name, &data.to_string())?;
        let reply = self.engine.call(&self.people[who].caller, request, None).await?;
        let unread = || {
            Failure::new(
                ErrorCode::InternalError,
                format!("the output of {name} cannot be read"),
            )
        };
        reply.output().ok_or_else(unread)
    }
}
