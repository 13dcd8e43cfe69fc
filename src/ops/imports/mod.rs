//! Imports: what a plan makes in a workspace. Up to 10,000 rows are one mutation; more of them are several, which the engine
//! sends one after the other ([`Part`]). The person who imports is the actor, the creator of all tasks and the author of all
//! comments: a file must not speak for others. Nobody is told of each row; an assignee of new tasks is told once.
//!
//! - `blockers`  what blocks a task and comes later in the file
//! - `ids`       ids that follow from the file
//! - `names`     stages, projects and tags that are there or are made
//! - `people`    which members the people of the file are
//! - `rows`      tasks and comments

mod blockers;
mod ids;
mod names;
mod people;
mod rows;

pub use blockers::{BLOCKED_AT_ONCE, Waiting};
pub use ids::Key;

use super::notices::{Notice, tell};
use super::world::World;
use super::{Act, Caller, Decide, Needs, Result, Target, json, not_found};
use crate::domain::import::lost::Lost;
use crate::domain::import::plan::Plan;
use crate::store::comments::CommentRecord;
use crate::store::repeats::Repeat;
use ids::candidates;
use names::{Names, tag_keys};
use rows::{Source, Written};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use taskwire_protocol::comment::CommentChanged;
use taskwire_protocol::import::{Imported, Made};
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::stream::StreamReset;
use taskwire_protocol::task::Task;
use taskwire_protocol::{
    Access, ErrorCode, Failure, ProjectId, Timestamp, UserId, WorkspaceId, events, limits,
};

/// The most rows that one mutation writes.
pub const AT_ONCE: usize = 10_000;

/// How much of what a step loses is listed: each step's answer is stored for its op_id.
const LOST_OF_A_STEP: usize = 100;

/// An import or a part of one. Only `POST /v1/import` makes one, so it is not in the table of operations.
pub struct Import {
    /// The workspace that gets it.
    pub workspace: WorkspaceId,
    /// What it makes.
    pub plan: Arc<Plan>,
    /// Which part of it.
    pub part: Part,
    /// What its ids are made of.
    pub key: Key,
    /// The request, for an `op_id`.
    pub request: Arc<str>,
}

/// A part of an import.
#[derive(Clone, Debug)]
pub enum Part {
    /// Nothing: it says what all of it would do.
    Check,
    /// All of it.
    Whole,
    /// The answer to a repeated import, which is looked up before a mutation decides.
    Again,
    /// The first step: stages, projects and tags.
    Names,
    /// A step with these tasks and their comments.
    Tasks(Range<usize>, Timestamp),
    /// A step that adds to these tasks what blocks them and comes later in the file.
    Blockers(Vec<Waiting>, Timestamp),
    /// The last step: the answer to all of it.
    End(Box<Progress>),
}

/// What the steps of an import have done so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// When the first step was done.
    pub begun: Timestamp,
    /// What the answer will say, without what is lost.
    pub report: Imported,
    /// What is lost.
    #[serde(default)]
    pub lost: Lost,
    /// The places of tasks that were there before.
    pub there: Vec<usize>,
    /// Who is assigned to how many new tasks.
    pub assigned: BTreeMap<UserId, u64>,
}

impl Progress {
    /// The whole answer.
    pub fn whole(&self) -> Imported {
        Imported {
            lost: self.lost.clone().into_items(),
            ..self.report.clone()
        }
    }

    /// Adds what a step has done.
    pub fn add(&mut self, step: Progress) {
        let (all, more) = (&mut self.report, step.report);
        all.updated += more.updated;
        all.skipped += more.skipped;
        let (sum, part) = (&mut all.made, more.made);
        sum.stages += part.stages;
        sum.projects += part.projects;
        sum.tags += part.tags;
        sum.tasks += part.tasks;
        sum.comments += part.comments;
        all.created = sum.all();
        self.lost.append(step.lost);
        self.there.extend(step.there);
        for (user, number) in step.assigned {
            *self.assigned.entry(user).or_default() += number;
        }
    }
}

impl Import {
    /// The name in logs, and by which an API token's right is found.
    pub const NAME: &'static str = "import";
    /// Who may do it.
    pub const ACCESS: Access = Access::Member;

    /// The tasks of the part, and whether it has what the plan lists beside them.
    fn places(&self) -> (Range<usize>, bool) {
        let all = 0..self.plan.tasks.len();
        match &self.part {
            // all tags are made first, so that their number is checked before tasks are written
            Part::Check | Part::Whole | Part::Names => (all, true),
            Part::Tasks(places, _) => (places.clone(), false),
            Part::Blockers(..) | Part::Again | Part::End(_) => (0..0, false),
        }
    }

    fn begun(&self) -> Option<Timestamp> {
        match &self.part {
            Part::Tasks(_, begun) | Part::Blockers(_, begun) => Some(*begun),
            Part::Check | Part::Whole | Part::Names | Part::Again | Part::End(_) => None,
        }
    }

    /// The tasks that the part needs to know: its own, their parents, and what blocks them.
    fn known(&self, needs: &mut Needs) {
        let mut add = |place: usize| {
            let ids = candidates(&self.key, &self.plan, place, self.workspace, self.begun());
            needs.imported.extend(ids);
        };
        match &self.part {
            Part::Check | Part::Whole => (0..self.plan.tasks.len()).for_each(add),
            Part::Tasks(places, _) => {
                for place in places.clone() {
                    let task = &self.plan.tasks[place];
                    add(place);
                    task.parent
                        .iter()
                        .chain(&task.blocked_by)
                        .copied()
                        .for_each(&mut add);
                }
            }
            Part::Blockers(waiting, _) => {
                for task in waiting {
                    add(task.task);
                    task.later(&self.plan).for_each(&mut add);
                }
                needs.before = needs.imported.clone();
            }
            Part::Names | Part::Again | Part::End(_) => {}
        }
    }
}

impl Decide for Import {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn access(&self) -> Access {
        Self::ACCESS
    }

    fn target(&self, _: &Caller) -> Target {
        Target::Workspace(self.workspace)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.alone = true;
        if matches!(self.part, Part::Again | Part::End(_)) {
            return;
        }
        let target = Target::Workspace(self.workspace);
        self.known(needs);
        needs.workspaces.insert(self.workspace);
        needs.projects_beside.insert(target);
        let references = self.plan.projects.iter().filter_map(|project| project.reference);
        let ids = references.map(|reference| ProjectId(reference.id_in(self.workspace)));
        needs.projects.extend(ids);
        let (places, with_listed) = self.places();
        let keys = tag_keys(&self.plan, places, with_listed).into_iter();
        needs.tags_named.extend(keys.map(|key| (target, key)));
        needs.logins.extend(people::addresses(&self.plan));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let answer = match &self.part {
            Part::Again => {
                let message = "what this op_id did was forgotten just now; send the request again";
                return Err(Failure::new(ErrorCode::Unavailable, message));
            }
            Part::End(progress) => {
                tell_assigned(act, world, self.workspace, &progress.assigned)?;
                json(&progress.whole())?
            }
            Part::Blockers(waiting, begun) => json(&self.block(act, world, waiting, *begun)?)?,
            Part::Check | Part::Whole | Part::Names | Part::Tasks(..) => {
                let progress = self.make(act, world)?;
                match &self.part {
                    Part::Check | Part::Whole => json(&progress.whole())?,
                    _ => json(&progress)?,
                }
            }
        };
        Ok(answer.into())
    }

    fn canonical(&self) -> String {
        match &self.part {
            Part::Check => String::new(),
            Part::Whole | Part::Again | Part::End(_) => self.request.to_string(),
            Part::Names => format!("{} names", self.request),
            Part::Tasks(places, _) => format!("{} tasks {places:?}", self.request),
            Part::Blockers(waiting, _) => {
                let places: Vec<usize> = waiting.iter().map(|task| task.task).collect();
                format!("{} blockers {places:?}", self.request)
            }
        }
    }
}

impl Import {
    /// Decides on rows and, unless it is a check, writes them.
    fn make(&self, act: &Act<'_>, world: &mut World) -> Result<Progress> {
        let begun = self.begun().unwrap_or(act.now);
        let (places, with_listed) = self.places();
        let mut lost = if with_listed {
            self.plan.lost.clone()
        } else {
            Lost::default()
        };
        let of_stages = &mut Lost::default();
        let mut names = Names::of(act, world, self.workspace, &self.plan, of_stages)?;
        names.tags(
            act,
            world,
            self.workspace,
            (&self.plan, places.clone(), with_listed),
        )?;
        if with_listed {
            lost.append(std::mem::take(of_stages));
            self.source(act, world, &names, begun).people(&mut lost)?;
        }
        let mut written = Written::default();
        if !matches!(self.part, Part::Names) {
            let source = self.source(act, world, &names, begun);
            written = source.rows(places, &mut lost)?;
        }
        let report = report(self, &names, &written, with_listed);
        if matches!(self.part, Part::Tasks(..)) {
            lost.shorten(LOST_OF_A_STEP);
        }
        let progress = Progress {
            begun,
            report,
            lost,
            there: written.there,
            assigned: written.assigned,
        };
        if matches!(self.part, Part::Check) {
            return Ok(progress);
        }
        write(act, world, self.workspace, names, written.tasks)?;
        if matches!(self.part, Part::Whole) {
            tell_assigned(act, world, self.workspace, &progress.assigned)?;
        }
        Ok(progress)
    }

    /// What rows of this part are made from.
    fn source<'s>(
        &'s self,
        act: &'s Act<'s>,
        world: &'s World,
        names: &'s Names,
        begun: Timestamp,
    ) -> Source<'s> {
        Source {
            act,
            world,
            workspace: self.workspace,
            plan: &self.plan,
            names,
            key: &self.key,
            begun,
        }
    }
}

/// What the answer says. The first step of several counts what is there of the names, the others count tasks alone.
fn report(import: &Import, names: &Names, written: &Written, with_listed: bool) -> Imported {
    let comments: usize = written.tasks.iter().map(|(_, comments)| comments.len()).sum();
    let made = Made {
        stages: names.new_stages,
        projects: names.new_projects.len() as u64,
        tags: names.new_tags.len() as u64,
        tasks: written.tasks.len() as u64,
        comments: comments as u64,
    };
    let mut skipped = written.there.len() as u64;
    if with_listed {
        skipped += names.there + import.plan.skipped;
    }
    Imported {
        created: made.all(),
        updated: names.colored.len() as u64,
        skipped,
        made,
        lost: Vec::new(),
        replayed: false,
    }
}

/// Writes rows, with an event for each of them, or with a single `stream.reset` when there are too many.
fn write(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    names: Names,
    tasks: Vec<(Task, Vec<CommentRecord>)>,
) -> Result<()> {
    let comments: usize = tasks.iter().map(|(_, comments)| comments.len()).sum();
    let tags = names.new_tags.len() + names.colored.len();
    let too_many = names.new_projects.len() + tags + tasks.len() + comments > limits::CASCADE;
    if names.new_stages > 0 {
        let before = world.workspaces.get(workspace).cloned();
        let mut after = before.ok_or_else(|| not_found("workspace"))?;
        after.stages = names.stages.clone();
        after.version += 1;
        after.updated_at = act.now;
        world.emit::<events::WorkspaceUpdated>(act, workspace, &after)?;
        world.workspaces.put(after);
        world.put_stages(workspace, names.stages);
    }
    for project in names.new_projects {
        if !too_many {
            world.emit::<events::ProjectCreated>(act, workspace, &project)?;
        }
        world.projects.put(project);
    }
    for tag in names.new_tags {
        if !too_many {
            world.emit::<events::TagCreated>(act, workspace, &tag)?;
        }
        world.put_tag(tag);
    }
    for tag in names.colored {
        if !too_many {
            world.emit::<events::TagUpdated>(act, workspace, &tag)?;
        }
        world.put_tag(tag);
    }
    for (task, comments) in tasks {
        put(act, world, task, comments, too_many)?;
    }
    if too_many {
        let message = "an import made too much at once to send an event for each; sync again".to_owned();
        world.emit::<events::StreamReset>(act, workspace.into(), &StreamReset { message })?;
    }
    Ok(())
}

fn put(
    act: &Act<'_>,
    world: &mut World,
    mut task: Task,
    comments: Vec<CommentRecord>,
    quiet: bool,
) -> Result<()> {
    let workspace = task.workspace_id;
    if !quiet {
        task.comment_count = 0;
        world.emit::<events::TaskCreated>(act, workspace, &task)?;
    }
    for record in comments {
        if !quiet {
            task.comment_count += 1;
            let changed = CommentChanged {
                comment: record.comment.clone(),
                task: task.counts(),
            };
            world.emit::<events::CommentCreated>(act, workspace, &changed)?;
        }
        world.comments.put(record);
    }
    if let Some(repeat) = ended(&task) {
        world.repeats.put(repeat);
    }
    world.put_task(task);
    Ok(())
}

/// A completed task that repeats: the one after it is in the file, if there is one, so completing it again makes none.
fn ended(task: &Task) -> Option<Repeat> {
    let rule = task.recurrence.clone().filter(|_| task.completed)?;
    let at = task.due_at.or(task.completed_at)?;
    Some(Repeat {
        task: task.id,
        rule,
        all_day: task.all_day,
        local_at: at.0,
        number: 1,
        has_next: true,
    })
}

/// Tells each person once of the tasks that they are assigned to.
fn tell_assigned(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    assigned: &BTreeMap<UserId, u64>,
) -> Result<()> {
    for (&user, &number) in assigned {
        if world.role(workspace, user).is_none() {
            continue;
        }
        let tasks = match number {
            1 => "a task".to_owned(),
            many => format!("{many} tasks"),
        };
        let notice = Notice {
            r#type: NotificationType::TaskAssigned,
            message: format!("{} gave you {tasks} by an import", act.caller.user.name),
            task: None,
            workspace: Some(workspace),
        };
        tell(act, world, user, notice)?;
    }
    Ok(())
}
