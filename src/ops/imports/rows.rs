//! The tasks and comments of a part of the plan, as they are written.

use super::super::world::World;
use super::ids::Key;
use super::names::{Names, on_line};
use super::people::{Counted, People};
use crate::domain::import::lost::{Lost, shown};
use crate::domain::import::plan::{Person, Plan, PlannedComment, PlannedTask};
use crate::domain::position;
use crate::ops::{Act, Result, bug};
use crate::store::comments::CommentRecord;
use foldhash::HashMap;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::comment::Comment;
use taskwire_protocol::stage::{Stage, StageKind};
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, Timestamp, UserId, WorkspaceId, limits};

/// The levels of subtasks below a task.
const LEVELS: usize = 2;

/// What a part of an import is made from.
pub(super) struct Source<'s> {
    pub(super) act: &'s Act<'s>,
    pub(super) world: &'s World,
    pub(super) workspace: WorkspaceId,
    pub(super) plan: &'s Plan,
    pub(super) names: &'s Names,
    pub(super) key: &'s Key,
    /// When the import began.
    pub(super) begun: Timestamp,
}

/// The rows of a part of the plan.
#[derive(Default)]
pub(super) struct Written {
    /// New tasks with their new comments.
    pub(super) tasks: Vec<(Task, Vec<CommentRecord>)>,
    /// The places of tasks that were there.
    pub(super) there: Vec<usize>,
    /// How many new tasks others are assigned to.
    pub(super) assigned: BTreeMap<UserId, u64>,
}

impl Source<'_> {
    /// The id of a task of the plan, and whether the workspace has it.
    pub(super) fn id(&self, place: usize) -> Result<(TaskId, bool)> {
        let task = &self.plan.tasks[place];
        let own = self.key.task(place, task, self.workspace, Some(self.begun));
        let own = own.ok_or_else(|| bug("a task of an import has no id"))?;
        match self
            .world
            .tasks
            .get(own)
            .map(|task| task.workspace_id == self.workspace)
        {
            None => Ok((own, false)),
            Some(true) => Ok((own, true)),
            Some(false) => {
                let id = self.key.another(place, task, self.begun);
                Ok((id, self.world.tasks.get(id).is_some()))
            }
        }
    }

    /// The rows of these tasks. Refuses what the workspace does not allow.
    pub(super) fn rows(&self, places: Range<usize>, lost: &mut Lost) -> Result<Written> {
        let mut making = Making {
            people: People::of(self.act, self.world, self.workspace),
            author: self.author()?,
            written: Written::default(),
            below: HashMap::default(),
            levels: HashMap::default(),
            comment: self.comments_before(places.start),
        };
        for place in places.clone() {
            self.task(place, &places, &mut making, lost)?;
        }
        Ok(making.written)
    }

    /// Lists the people of the whole file who are not found, or whom the import does not take: each once, however many
    /// steps it has.
    pub(super) fn people(&self, lost: &mut Lost) -> Result<()> {
        let people = People::of(self.act, self.world, self.workspace);
        let me = Some(self.act.caller.user.id);
        let (mut strangers, mut authors) = (Counted::default(), Counted::default());
        let mut creators = Counted::default();
        for (place, planned) in self.plan.tasks.iter().enumerate() {
            if self.id(place)?.1 {
                continue;
            }
            let unknown = planned
                .people
                .iter()
                .filter(|person| people.find(person).is_none());
            unknown.for_each(|person| strangers.add(&person.name, planned.line));
            let others = |person: &&Person| people.find(person) != me;
            let creator = planned.created_by.iter().filter(others);
            creator.for_each(|person| creators.add(&person.name, planned.line));
            for comment in &planned.comments {
                let author = comment.author.iter().filter(others);
                author.for_each(|person| authors.add(&person.name, comment.line));
            }
        }
        let many = |number: u64| if number == 1 { "" } else { "s" };
        let why = "nobody in the workspace has this name; assign the tasks again";
        let what = |name: &str, number: u64| format!("the assignee {name} of {number} task{}", many(number));
        strangers.list(lost, what, why);
        let why = "who imports is the author of all comments; the name stands before the text";
        let what = |name: &str, number: u64| format!("the author {name} of {number} comment{}", many(number));
        authors.list(lost, what, why);
        let why = "who imports is the creator of all tasks";
        let what = |name: &str, number: u64| format!("the creator {name} of {number} task{}", many(number));
        creators.list(lost, what, why);
        Ok(())
    }

    /// Who imports, as a member.
    fn author(&self) -> Result<PublicUser> {
        let members = self.world.members(self.workspace);
        let member = members.and_then(|members| members.get(self.act.caller.user.id));
        let member = member.ok_or_else(|| bug("who imports is no member"))?;
        Ok(member.user.clone())
    }

    /// How many comments the plan has before a task.
    fn comments_before(&self, place: usize) -> usize {
        let before = self.plan.tasks.get(..place).unwrap_or_default();
        before.iter().map(|task| task.comments.len()).sum()
    }

    fn task(
        &self,
        place: usize,
        places: &Range<usize>,
        making: &mut Making<'_>,
        lost: &mut Lost,
    ) -> Result<()> {
        let planned = &self.plan.tasks[place];
        let first_comment = making.comment;
        making.comment += planned.comments.len();
        let (id, is_there) = self.id(place)?;
        if is_there {
            making.written.there.push(place);
            return Ok(());
        }
        let tasks = self.world.tasks_of(self.workspace) + making.written.tasks.len() as u64;
        let room = self.act.bounds.one_more_task(tasks);
        room.map_err(|failure| on_line(failure, planned.line))?;
        let parent_id = self.parent(place, places, making, lost)?;
        let stage = self.stage(planned)?;
        let created_at = planned.created_at.unwrap_or(self.begun);
        let mut task = Task {
            id,
            workspace_id: self.workspace,
            project_id: self.names.project(planned.project),
            parent_id,
            title: planned.title.as_str().into(),
            description: Some(planned.description.as_str())
                .filter(|text| !text.is_empty())
                .map(Into::into),
            completed: false,
            completed_at: None,
            stage: stage.key.clone(),
            blocked_by: self.blockers(place, places, lost)?,
            priority: planned.priority,
            due_at: planned.due_at,
            all_day: planned.all_day,
            remind_at: planned.remind_at,
            recurrence: Some(planned.recurrence.as_str())
                .filter(|rule| !rule.is_empty())
                .map(Into::into),
            position: self.position(planned),
            tags: planned.tags.iter().map(|name| self.names.tag(name)).collect(),
            assignee_ids: self.assignees(planned, making),
            comment_count: planned.comments.len() as i64,
            attachment_count: 0,
            is_deleted: planned.deleted_at.is_some(),
            deleted_at: planned.deleted_at,
            version: 1,
            created_by: self.act.caller.user.id,
            created_at,
            updated_at: planned.updated_at.unwrap_or(created_at),
        };
        if stage.kind == StageKind::Done {
            task.completed = true;
            task.completed_at = planned.completed_at.or(Some(task.updated_at));
        }
        let mut comments = Vec::with_capacity(planned.comments.len());
        for (i, comment) in planned.comments.iter().enumerate() {
            self.act
                .bounds
                .one_more_comment(i as i64)
                .map_err(|failure| on_line(failure.at("comments"), comment.line.or(planned.line)))?;
            comments.push(self.comment(id, first_comment + i, comment, making, lost));
        }
        making.written.tasks.push((task, comments));
        Ok(())
    }

    /// The stage that a task is in.
    fn stage(&self, planned: &PlannedTask) -> Result<Stage> {
        let stages = &self.names.stages;
        let first = |kind| stages.first(kind);
        let own = self.names.stage(planned.stage);
        let found = match own {
            Some(stage) if planned.completed && stage.kind != StageKind::Done => first(StageKind::Done),
            Some(stage) => Some(stage),
            None if planned.completed => first(StageKind::Done),
            None if planned.is_begun => first(StageKind::Active).or_else(|| first(StageKind::Open)),
            None => first(StageKind::Open),
        };
        found
            .cloned()
            .ok_or_else(|| bug("a workspace has no stage of some kind"))
    }

    fn position(&self, planned: &PlannedTask) -> Arc<str> {
        let given = planned
            .position
            .as_deref()
            .filter(|place| position::is_place(place));
        given.map_or_else(|| position::at_end(self.act.new_id()).into(), Into::into)
    }

    /// The parent, unless it is gone, or too deep where somebody has moved it.
    fn parent(
        &self,
        place: usize,
        places: &Range<usize>,
        making: &mut Making<'_>,
        lost: &mut Lost,
    ) -> Result<Option<TaskId>> {
        let planned = &self.plan.tasks[place];
        let Some(above) = planned.parent else {
            making.levels.insert(place, 0);
            return Ok(None);
        };
        let (id, is_there) = self.id(above)?;
        let refused = match (is_there, making.levels.get(&above).copied()) {
            (false, Some(level)) => {
                making.levels.insert(place, level + 1);
                None
            }
            (false, None) if places.contains(&above) => Some("it is not imported"),
            (false, None) => Some("it was deleted meanwhile"),
            (true, _) => {
                let up = |id: &TaskId| self.world.tasks.get(*id).and_then(|task| task.parent_id);
                let level = std::iter::successors(Some(id), up).take(LEVELS + 2).count();
                let is_deleted = self.world.tasks.get(id).is_some_and(|task| task.is_deleted);
                making.levels.insert(place, level);
                if level > LEVELS {
                    Some("it is at the lowest level now")
                } else if is_deleted && planned.deleted_at.is_none() {
                    Some("it is deleted")
                } else {
                    None
                }
            }
        };
        if let Some(why) = refused {
            making.levels.insert(place, 0);
            let what = format!("the parent of “{}”", shown(&planned.title));
            lost.add(planned.line, what, format!("{why}; the task has none"));
            return Ok(None);
        }
        if planned.deleted_at.is_none() {
            let below = making.below.entry(id).or_insert_with(|| self.world.subtasks(id));
            self.act
                .bounds
                .one_more_subtask(*below)
                .map_err(|failure| on_line(failure.at("parent_id"), planned.line))?;
            *below += 1;
        }
        Ok(Some(id))
    }

    /// What blocks a task, as far as it is there when the task is: later ones are added by a step of their own.
    fn blockers(&self, place: usize, places: &Range<usize>, lost: &mut Lost) -> Result<Vec<TaskId>> {
        let mut found = Vec::new();
        for &blocker in &self.plan.tasks[place].blocked_by {
            if blocker >= places.end {
                continue;
            }
            match self.id(blocker)? {
                (id, is_there) if is_there || places.contains(&blocker) => found.push(id),
                _ => {
                    let task = &self.plan.tasks[place];
                    let what = format!("what blocks “{}”", shown(&task.title));
                    lost.add(task.line, what, "it was deleted meanwhile");
                }
            }
        }
        Ok(found)
    }

    fn assignees(&self, planned: &PlannedTask, making: &mut Making<'_>) -> Vec<UserId> {
        let mut found = Vec::with_capacity(planned.people.len());
        for person in &planned.people {
            let user = making.people.find(person);
            let Some(user) = user.filter(|user| !found.contains(user)) else {
                continue;
            };
            found.push(user);
            if user != self.act.caller.user.id && planned.deleted_at.is_none() && !planned.completed {
                *making.written.assigned.entry(user).or_default() += 1;
            }
        }
        found
    }

    fn comment(
        &self,
        task_id: TaskId,
        number: usize,
        planned: &PlannedComment,
        making: &mut Making<'_>,
        lost: &mut Lost,
    ) -> CommentRecord {
        let author = planned.author.as_ref();
        let is_other = author.filter(|author| making.people.find(author) != Some(making.author.id));
        let mut body = planned.body.clone();
        if let Some(other) = is_other {
            let name = shown(&other.name);
            let named = format!("{name}: {body}");
            if named.chars().count() <= limits::COMMENT {
                body = named;
            } else {
                let what = format!("that {name} wrote a comment");
                lost.add(planned.line, what, "the comment has no room for the name");
            }
        }
        let mut mentions = Vec::new();
        for person in &planned.mentions {
            if let Some(user) = making.people.find(person)
                && !mentions.contains(&user)
                && mentions.len() < limits::MENTIONS
            {
                mentions.push(user);
            }
        }
        let created_at = planned.created_at.unwrap_or(self.begun);
        let comment = Comment {
            id: self.key.comment(number, created_at),
            task_id,
            body: body.into(),
            author: making.author.clone(),
            mentions: mentions.clone(),
            version: 1,
            created_at,
            updated_at: planned.updated_at.unwrap_or(created_at),
        };
        CommentRecord {
            comment,
            workspace: self.workspace,
            // an edit tells nobody of an old comment
            told: mentions,
        }
    }
}

/// What is known while rows are made.
struct Making<'w> {
    people: People<'w>,
    author: PublicUser,
    written: Written,
    /// How many subtasks parents have.
    below: HashMap<TaskId, u64>,
    /// The levels of tasks that are made.
    levels: HashMap<usize, usize>,
    /// How many comments of the plan come before the next one.
    comment: usize,
}
