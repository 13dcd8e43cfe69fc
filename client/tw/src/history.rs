//! `log`: what happened to a task, and who did it: field by field, from the log of its workspace.

use crate::{
    args::LogArgs,
    fault::Fault,
    output::Output,
    paging, resolve,
    terminal::{note, plain},
    text::{day_or_moment, moment, short},
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, VecDeque};
use taskwire_client::{
    Client,
    protocol::{
        Timestamp,
        frames::{Actor, EventFrame},
        limits,
        stream::ReadHistory,
        task::GetTask,
    },
};

/// Fields that change with others, or tell nothing to people.
const SILENT: [&str; 11] = [
    "id",
    "workspace_id",
    "version",
    "created_by",
    "created_at",
    "updated_at",
    "completed",
    "completed_at",
    "is_deleted",
    "comment_count",
    "attachment_count",
];

type Fields = Map<String, Value>;

pub(crate) async fn log(client: &Client, output: &Output, args: LogArgs) -> Result<(), Fault> {
    let id = resolve::task(client, &args.id).await?;
    let task = paging::call(client, &GetTask { id }).await?;
    let mut tale = Tale::default();
    if !output.json {
        let members = resolve::members(client, task.workspace_id).await?;
        tale.people = members
            .into_iter()
            .map(|(id, username)| (id.to_string(), format!("@{username}")))
            .collect();
    }
    let mut params = ReadHistory {
        stream: task.workspace_id.into(),
        after: 0,
        limit: Some(limits::HISTORY),
        task_id: Some(id),
    };
    let (mut newest, mut all) = (VecDeque::new(), 0);
    loop {
        let page = paging::call(client, &params).await?;
        for text in &page.events {
            let frame: EventFrame = serde_json::from_str(text.get())?;
            params.after = params.after.max(frame.seq);
            let what = tale.of(&frame)?;
            newest.push_back((frame, what));
            all += 1;
            if newest.len() > args.limit as usize {
                newest.pop_front();
            }
        }
        if !page.has_more || page.events.is_empty() {
            break;
        }
    }
    if output.json {
        let frames: Vec<&EventFrame> = newest.iter().map(|(frame, _)| frame).collect();
        return output.value(&frames);
    }
    if newest.is_empty() {
        note("nothing happened to this task since the log begins");
    }
    newest.iter().try_for_each(|(frame, what)| {
        output.line(&format!("{}  {}  {what}", moment(frame.at), by(&frame.actor)))
    })?;
    if all > newest.len() {
        note(&format!(
            "the newest {} of {all}; --limit {all} shows all",
            newest.len()
        ));
    }
    Ok(())
}

fn by(actor: &Actor) -> String {
    match actor {
        Actor::User {
            name,
            token: Some(token),
            ..
        } => format!("{} ({})", plain(name), plain(token)),
        Actor::User { name, .. } => plain(name),
        Actor::Server => "the server".to_owned(),
        Actor::Operator => "an operator".to_owned(),
    }
}

/// The entries in words. It keeps the task as the last entry showed it.
#[derive(Default)]
struct Tale {
    /// Members by their ids.
    people: BTreeMap<String, String>,
    before: Option<Fields>,
}

impl Tale {
    fn of(&mut self, frame: &EventFrame) -> Result<String, Fault> {
        let now: Fields = serde_json::from_str(frame.data.get())?;
        if let Some((_, verb)) = frame.event.split_once("comment.") {
            return Ok(of_comment(verb, &now));
        }
        if let Some((_, verb)) = frame.event.split_once("attachment.") {
            return Ok(of_attachment(verb, &now));
        }
        let before = self.before.replace(now.clone());
        let act = match &*frame.event {
            "task.created" => format!("created {}", quoted(&now["title"])),
            "task.completed" => "completed it".to_owned(),
            "task.reopened" => "reopened it".to_owned(),
            "task.deleted" => "deleted it".to_owned(),
            "task.restored" => "restored it".to_owned(),
            "task.moved" => "moved it".to_owned(),
            "task.updated" => "changed it".to_owned(),
            other => plain(other),
        };
        let changes = before
            .map(|before| self.changes(&before, &now))
            .unwrap_or_default();
        Ok(match (&*frame.event, changes.is_empty()) {
            (_, true) => act,
            ("task.updated", false) => changes.join("; "),
            (_, false) => format!("{act}; {}", changes.join("; ")),
        })
    }

    fn changes(&self, before: &Fields, now: &Fields) -> Vec<String> {
        let changed = now.iter().filter(|(name, value)| {
            !SILENT.contains(&name.as_str()) && before.get(*name).unwrap_or(&Value::Null) != *value
        });
        let told = changed.filter_map(|(name, value)| {
            let all_day = |fields: &Fields| fields.get("all_day") == Some(&Value::Bool(true));
            let old = before.get(name).unwrap_or(&Value::Null);
            Some(match name.as_str() {
                "position" | "all_day" | "deleted_at" => return None,
                // completing a task moves it to another stage, and its event tells of it
                "stage" if before.get("completed") != now.get("completed") => return None,
                "description" => match (old, value) {
                    (_, Value::Null) => "removed the description".to_owned(),
                    (Value::Null, _) => "added a description".to_owned(),
                    _ => "changed the description".to_owned(),
                },
                "due_at" => format!(
                    "due: {} → {}",
                    due(old, all_day(before)),
                    due(value, all_day(now))
                ),
                _ => match (old.as_array(), value.as_array()) {
                    (Some(old), Some(new)) => format!("{}: {}", label(name), self.difference(old, new)),
                    _ => format!("{}: {} → {}", label(name), self.shown(old), self.shown(value)),
                },
            })
        });
        told.collect()
    }

    /// What was added to a list, and what was removed.
    fn difference(&self, old: &[Value], new: &[Value]) -> String {
        let added = new.iter().filter(|item| !old.contains(item));
        let removed = old.iter().filter(|item| !new.contains(item));
        let added = added.map(|item| format!("+{}", self.shown(item)));
        let both: Vec<String> = added
            .chain(removed.map(|item| format!("−{}", self.shown(item))))
            .collect();
        if both.is_empty() {
            return "another order".to_owned();
        }
        both.join(" ")
    }

    fn shown(&self, value: &Value) -> String {
        let Some(text) = value.as_str() else {
            return match value {
                Value::Null => "none".to_owned(),
                Value::Bool(true) => "yes".to_owned(),
                Value::Bool(false) => "no".to_owned(),
                other => plain(&other.to_string()),
            };
        };
        if let Some(person) = self.people.get(text) {
            return plain(person);
        }
        if let Ok(id) = text.parse::<uuid::Uuid>() {
            return short(id);
        }
        match Timestamp::parse(text) {
            Some(at) => moment(at),
            None => plain(text),
        }
    }
}

fn of_comment(verb: &str, comment: &Fields) -> String {
    let body = comment.get("body").and_then(Value::as_str).unwrap_or_default();
    let first = body.lines().next().unwrap_or_default();
    let more = if body.lines().count() > 1 { " …" } else { "" };
    let said = format!("“{}{more}”", plain(first));
    match verb {
        "created" => format!("commented: {said}"),
        "updated" => format!("changed a comment: {said}"),
        "deleted" => format!("deleted a comment: {said}"),
        other => format!("comment {}: {said}", plain(other)),
    }
}

fn of_attachment(verb: &str, attachment: &Fields) -> String {
    let name = quoted(attachment.get("name").unwrap_or(&Value::Null));
    match verb {
        "created" => format!("attached {name}"),
        "deleted" => format!("deleted the attachment {name}"),
        other => format!("attachment {}: {name}", plain(other)),
    }
}

fn quoted(title: &Value) -> String {
    format!("“{}”", plain(title.as_str().unwrap_or_default()))
}

fn due(at: &Value, all_day: bool) -> String {
    match at.as_str().and_then(Timestamp::parse) {
        Some(at) => day_or_moment(at, all_day),
        None => "none".to_owned(),
    }
}

/// A field's name as people say it.
fn label(name: &str) -> String {
    match name {
        "assignee_ids" => "assignees".to_owned(),
        "parent_id" => "parent".to_owned(),
        "project_id" => "project".to_owned(),
        "remind_at" => "reminder".to_owned(),
        "blocked_by" => "blocked by".to_owned(),
        other => plain(other),
    }
}
