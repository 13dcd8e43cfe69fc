//! The file of a workspace, as `GET /v1/export?format=json` writes it. It is our own, so what is wrong in it is an error of
//! its line; only what an export may lack is left out: references to what is not in the file, people who are no members, and
//! the bytes of attachments.

use super::Given;
use super::errors::{Errors, Wrong};
use super::items::{Few, Lines, said, whole};
use super::lost::shown;
use super::plan::{
    Name, Person, Plan, PlannedComment, PlannedProject, PlannedStage, PlannedTag, PlannedTask,
};
use super::text_of;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use taskwire_protocol::export::{
    ExportedAttachment, ExportedBlockers, ExportedComment, ExportedMember, ExportedProject, ExportedTag,
    ExportedTask, ExportedWorkspace, FORMAT, Ref,
};
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::{Failure, UserId};

/// The parts of a file, each record unread.
#[derive(Deserialize)]
struct File<'f> {
    format: String,
    version: u32,
    #[serde(borrow)]
    workspace: &'f RawValue,
    #[serde(default, borrow)]
    members: Few<'f>,
    #[serde(default, borrow)]
    projects: Few<'f>,
    #[serde(default, borrow)]
    tags: Few<'f>,
    #[serde(default, borrow)]
    tasks: Few<'f>,
    #[serde(default, borrow)]
    blockers: Few<'f>,
    #[serde(default, borrow)]
    comments: Few<'f>,
    #[serde(default, borrow)]
    attachments: Few<'f>,
}

/// The most bytes of a record: far more than any may have.
const RECORD: usize = 1 << 20;

/// What is known while a file is read.
struct Reading<'f> {
    lines: Lines<'f>,
    errors: Errors,
    people: BTreeMap<UserId, Person>,
    projects: BTreeMap<Ref, usize>,
    tasks: BTreeMap<Ref, usize>,
    stages: BTreeMap<String, usize>,
}

pub(super) fn read(given: &Given<'_>) -> Result<Plan, Failure> {
    let text = text_of(given.bytes)?;
    let file: File<'_> = whole(text)?;
    if file.format != FORMAT {
        let message = format!(
            "this is no file of Taskwire: its format is {}",
            shown(&file.format)
        );
        return Err(Failure::invalid("format", message));
    }
    let mut reading = Reading {
        lines: Lines::of(text),
        errors: Errors::default(),
        people: BTreeMap::new(),
        projects: BTreeMap::new(),
        tasks: BTreeMap::new(),
        stages: BTreeMap::new(),
    };
    let mut plan = Plan::default();
    if file.version > taskwire_protocol::export::VERSION {
        let why = "this server knows an older version of the format; what is new in it is left out";
        plan.lost.add(
            None,
            format!("perhaps some fields (version {})", file.version),
            why,
        );
    }
    reading.stages(&mut plan, file.workspace);
    for &raw in &file.members.0 {
        if let Some((_, member)) = reading.record::<ExportedMember>(raw, "members") {
            let person = Person::of(Some(member.id), &member.username);
            reading.people.insert(member.id, person);
        }
    }
    for &raw in &file.projects.0 {
        reading.project(&mut plan, raw)?;
    }
    for &raw in &file.tags.0 {
        if let Some((line, tag)) = reading.record::<ExportedTag>(raw, "tags") {
            plan.tags.push(PlannedTag {
                line: Some(line),
                name: tag.name.to_string(),
                color: tag.color,
            });
        }
    }
    for &raw in &file.tasks.0 {
        reading.task(&mut plan, raw)?;
    }
    for &raw in &file.blockers.0 {
        reading.blockers(&mut plan, raw);
    }
    for &raw in &file.comments.0 {
        reading.comment(&mut plan, raw)?;
    }
    for &raw in &file.attachments.0 {
        if let Some((line, attachment)) = reading.record::<ExportedAttachment>(raw, "attachments") {
            let what = format!("the attachment {}", shown(&attachment.name));
            plan.lost
                .add(line, what, "the file has no attachments; attach it again");
        }
    }
    reading.errors.check()?;
    Ok(plan)
}

impl<'f> Reading<'f> {
    /// A record, with its line. One that cannot be read is an error.
    fn record<T: Deserialize<'f>>(&mut self, raw: &'f RawValue, section: &str) -> Option<(u64, T)> {
        let line = self.lines.line(raw.get());
        if raw.get().len() > RECORD {
            let message = format!("a record has more than {RECORD} bytes");
            self.errors.add(Some(line), section, message);
            return None;
        }
        match serde_json::from_str(raw.get()) {
            Ok(record) => Some((line, record)),
            Err(error) => {
                self.errors.push(Wrong {
                    line: Some(line),
                    column: Some(error.column() as u64),
                    field: section.to_owned(),
                    message: said(&error),
                });
                None
            }
        }
    }

    fn stages(&mut self, plan: &mut Plan, raw: &'f RawValue) {
        if let Some((line, workspace)) = self.record::<ExportedWorkspace>(raw, "workspace") {
            for stage in workspace.stages.iter() {
                self.stages.insert(stage.key.to_string(), plan.stages.len());
                plan.stages.push(PlannedStage {
                    line: Some(line),
                    key: Some(stage.key.to_string()),
                    name: stage.name.to_string(),
                    kind: stage.kind,
                    color: stage.color.as_deref().map(str::to_owned),
                });
            }
        }
    }

    fn project(&mut self, plan: &mut Plan, raw: &'f RawValue) -> Result<(), Failure> {
        let Some((line, project)) = self.record::<ExportedProject>(raw, "projects") else {
            return Ok(());
        };
        if self
            .projects
            .insert(project.reference, plan.projects.len())
            .is_some()
        {
            self.errors
                .add(Some(line), "projects", "another project has the same ref");
        }
        plan.count(1, Some(line))?;
        plan.projects.push(PlannedProject {
            line: Some(line),
            name: project.name,
            // the reference tells it from another one with its name
            is_listed: false,
            above: None,
            color: project.color,
            is_archived: project.is_archived,
            created_at: Some(project.created_at),
            updated_at: Some(project.updated_at),
            reference: Some(project.reference),
            position: Some(project.position),
        });
        Ok(())
    }

    /// A person of the file.
    fn person(&self, id: UserId) -> Person {
        let known = self.people.get(&id).cloned();
        known.unwrap_or_else(|| Person::of(Some(id), ""))
    }

    fn task(&mut self, plan: &mut Plan, raw: &'f RawValue) -> Result<(), Failure> {
        let Some((line, task)) = self.record::<ExportedTask>(raw, "tasks") else {
            return Ok(());
        };
        let named = shown(&task.title);
        if self.tasks.contains_key(&task.reference) {
            let why = "the file has it twice: it was moved while it was exported; the first is taken";
            plan.lost.add(line, format!("a task like “{named}”"), why);
            return Ok(());
        }
        self.tasks.insert(task.reference, plan.tasks.len());
        let stage = self.stages.get(&*task.stage).copied();
        if stage.is_none() && !task.stage.is_empty() {
            let what = format!("the stage of “{named}”: {}", shown(&task.stage));
            plan.lost.add(line, what, "the file does not have it");
        }
        let project = task
            .project
            .and_then(|project| self.projects.get(&project).copied());
        if project.is_none() && task.project.is_some() {
            plan.lost.add(
                line,
                format!("the project of “{named}”"),
                "the file does not have it",
            );
        }
        let parent = task.parent.and_then(|parent| self.tasks.get(&parent).copied());
        if parent.is_none() && task.parent.is_some() {
            let why = "the file does not have it before this task";
            plan.lost.add(line, format!("the parent of “{named}”"), why);
        }
        plan.add(PlannedTask {
            line: Some(line),
            title: task.title.to_string(),
            description: task.description.as_deref().unwrap_or_default().to_owned(),
            project,
            parent,
            stage,
            is_begun: false,
            // the stage decides, where there is one
            completed: stage.map_or(task.completed_at.is_some(), |stage| {
                plan.stages[stage].kind == StageKind::Done
            }),
            completed_at: task.completed_at,
            priority: task.priority,
            due_at: task.due_at,
            all_day: task.all_day,
            remind_at: task.remind_at,
            recurrence: task.recurrence.as_deref().unwrap_or_default().to_owned(),
            tags: task.tags.iter().map(ToString::to_string).collect(),
            people: task.assignees.iter().map(|id| self.person(*id)).collect(),
            blocked_by: Vec::new(),
            created_at: Some(task.created_at),
            updated_at: Some(task.updated_at),
            comments: Vec::new(),
            deleted_at: task.deleted_at,
            name: Some(Name::Ref(task.reference)),
            created_by: Some(self.person(task.created_by)),
            position: Some(task.position.to_string()),
        })?;
        Ok(())
    }

    fn blockers(&mut self, plan: &mut Plan, raw: &'f RawValue) {
        let Some((line, blockers)) = self.record::<ExportedBlockers>(raw, "blockers") else {
            return;
        };
        let place = |reference: &Ref| self.tasks.get(reference).copied();
        let Some(task) = place(&blockers.task) else {
            plan.lost
                .add(line, "what blocks a task", "the file does not have the task");
            return;
        };
        for blocker in &blockers.blocked_by {
            if let Some(blocker) = place(blocker) {
                plan.tasks[task].blocked_by.push(blocker);
                continue;
            }
            let what = format!("what blocks “{}”", shown(&plan.tasks[task].title));
            plan.lost.add(line, what, "the file does not have it");
        }
    }

    fn comment(&mut self, plan: &mut Plan, raw: &'f RawValue) -> Result<(), Failure> {
        let Some((line, comment)) = self.record::<ExportedComment>(raw, "comments") else {
            return Ok(());
        };
        let Some(task) = self.tasks.get(&comment.task).copied() else {
            plan.lost
                .add(line, "a comment", "the file does not have its task");
            return Ok(());
        };
        plan.count(1, Some(line))?;
        plan.tasks[task].comments.push(PlannedComment {
            line: Some(line),
            body: comment.body.to_string(),
            author: Some(Person::of(Some(comment.author), &comment.author_name)),
            mentions: comment.mentions.iter().map(|id| self.person(*id)).collect(),
            created_at: Some(comment.created_at),
            updated_at: Some(comment.updated_at),
        });
        Ok(())
    }
}
