//! Makes a plan valid. Our own formats are strict: what breaks a rule is an error of its line. What comes from another
//! program is fitted in: texts are cut, what is below two levels moves up, circles are opened, and all of that is listed.
//!
//! - `texts`   titles, descriptions, names
//! - `order`   parents, blockers, and the order of tasks
//! - `places`  places in the manual order
//! - `projects`   which of them are one, and names for those that are not

mod order;
mod places;
mod projects;
mod texts;

use super::errors::{Errors, unreadable};
use super::lost::{Lost, shown};
use super::plan::{Person, Plan, PlannedStage, PlannedTag, PlannedTask};
use crate::domain::task::day;
use crate::domain::{recurrence, stage, text};
use crate::unicode::name_key;
use projects::Projects;
use std::collections::{BTreeMap, BTreeSet};
use taskwire_protocol::stage::{DefineStage, StageKind};
use taskwire_protocol::{Failure, Timestamp, limits};

/// How a plan is made valid.
pub(super) struct Settling {
    /// Whether what breaks a rule is an error.
    pub(super) strict: bool,
    pub(super) lost: Lost,
    pub(super) errors: Errors,
    /// The time of the import: nothing was created later.
    pub(super) now: Timestamp,
}

/// The most stages of a file that are looked at: more than any workspace has.
const STAGES: usize = 5 * limits::STAGES;
/// The most different tags of a file.
pub(super) const TAG_NAMES: usize = 10_000;

/// The moments that a task may have.
const MOMENTS: std::ops::RangeInclusive<i64> = 0..=253_402_300_799_999;

/// Makes a plan valid.
///
/// # Errors
/// `VALIDATION_ERROR` with what is wrong on which lines.
pub(super) fn settle(mut plan: Plan, strict: bool, now: Timestamp) -> Result<Plan, Failure> {
    let mut settling = Settling {
        strict,
        lost: std::mem::take(&mut plan.lost),
        errors: Errors::default(),
        now,
    };
    settling.stages(&mut plan);
    settling.projects(&mut plan);
    settling.tags(&mut plan);
    for task in &mut plan.tasks {
        settling.task(task);
    }
    few_tags(&plan)?;
    settling.parents(&mut plan.tasks);
    settling.blockers(&mut plan.tasks);
    plan.tasks = order::parents_first(plan.tasks);
    places::shorten(&mut plan);
    settling.errors.check()?;
    plan.lost = settling.lost;
    Ok(plan)
}

/// All tags of an import are looked up, and made, at once.
fn few_tags(plan: &Plan) -> Result<(), Failure> {
    let mut keys: BTreeSet<&str> = plan.tags.iter().map(|tag| &*tag.name).collect();
    let (mut line, mut tasks) = (None, plan.tasks.iter());
    while keys.len() <= TAG_NAMES {
        let Some(task) = tasks.next() else { return Ok(()) };
        keys.extend(task.tags.iter().map(|tag| &**tag));
        line = task.line;
    }
    let message = format!("an import has at most {TAG_NAMES} different tags; split the file");
    Err(unreadable(line, None, message))
}

impl Settling {
    /// Something breaks a rule: an error, or something that is listed.
    pub(super) fn broken(
        &mut self,
        line: Option<u64>,
        (field, what): (&str, String),
        why: &str,
        instead: &str,
    ) {
        if self.strict {
            self.errors.add(line, field, why);
        } else {
            self.lost.add(line, what, format!("{why}; {instead}"));
        }
    }

    fn stages(&mut self, plan: &mut Plan) {
        self.few_stages(plan);
        for stage in &mut plan.stages {
            let line = stage.line;
            stage.name = self.name(line, ("stages", "a stage"), &stage.name, limits::STAGE_NAME);
            self.color(line, &mut stage.color);
            let Some(key) = &stage.key else { continue };
            // one stage of a valid list, so that there is one rule for keys
            let one = |key: &str, kind| DefineStage {
                key: key.to_owned(),
                name: stage.name.clone(),
                kind,
                color: None,
            };
            let other = if key == "a" { "b" } else { "a" };
            if let Err(failure) = stage::defined(vec![one(key, StageKind::Open), one(other, StageKind::Done)])
            {
                self.errors.refused(line, "stages", &failure);
            }
        }
    }

    /// Stages with the same name become one, and no more are left than some workspace might have.
    fn few_stages(&mut self, plan: &mut Plan) {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut moved = Vec::with_capacity(plan.stages.len());
        let mut kept: Vec<PlannedStage> = Vec::new();
        for stage in std::mem::take(&mut plan.stages) {
            let key = stage.key.clone().unwrap_or_else(|| name_key(&stage.name));
            if let Some(place) = places.get(&key) {
                moved.push(Some(*place));
                continue;
            }
            if kept.len() == STAGES {
                let what = format!("the stage {}", shown(&stage.name));
                let why = format!("a workspace has at most {} stages", limits::STAGES);
                let instead = "its tasks are in the first stage that fits";
                self.broken(stage.line, ("stages", what), &why, instead);
                moved.push(None);
                continue;
            }
            places.insert(key, kept.len());
            moved.push(Some(kept.len()));
            kept.push(stage);
        }
        plan.stages = kept;
        for task in &mut plan.tasks {
            task.stage = task.stage.and_then(|old| moved.get(old).copied().flatten());
        }
    }

    /// Projects with the same name become one, unless the file lists both.
    fn projects(&mut self, plan: &mut Plan) {
        let mut projects = Projects::default();
        let mut moved = Vec::with_capacity(plan.projects.len());
        for mut project in std::mem::take(&mut plan.projects) {
            let line = project.line;
            project.name = self.name(
                line,
                ("project", "a project"),
                &project.name,
                limits::PROJECT_NAME,
            );
            self.color(line, &mut project.color);
            self.past(&mut project.created_at);
            self.past(&mut project.updated_at);
            let there = projects.place(&project);
            if there.is_some() && project.is_listed {
                let name = projects.another_name(&project);
                let what = format!("the name of the project {}", shown(&project.name));
                let why = format!("another one of the file has it; it is called {}", shown(&name));
                self.lost.add(line, what, why);
                project.name = name;
            } else if let Some(place) = there {
                moved.push(place);
                continue;
            }
            moved.push(projects.add(project));
        }
        plan.projects = projects.kept;
        for task in &mut plan.tasks {
            task.project = task.project.and_then(|old| moved.get(old).copied());
        }
    }

    fn tags(&mut self, plan: &mut Plan) {
        let mut keys = BTreeSet::new();
        let mut kept: Vec<PlannedTag> = Vec::with_capacity(plan.tags.len());
        for mut tag in std::mem::take(&mut plan.tags) {
            let line = tag.line;
            tag.name = self.name(line, ("tags", "a tag"), &tag.name, limits::TAG);
            self.color(line, &mut tag.color);
            if keys.insert(name_key(&tag.name)) {
                kept.push(tag);
            }
        }
        plan.tags = kept;
    }

    fn color(&mut self, line: Option<u64>, color: &mut Option<String>) {
        let Some(given) = color.take() else { return };
        match text::color("color", given.trim()) {
            Ok(good) => *color = Some(good),
            Err(failure) => {
                let what = format!("the color {}", shown(&given));
                self.broken(line, ("color", what), &failure.message, "there is no color");
            }
        }
    }

    /// Nothing in the file happened after the import, or before 1970.
    fn past(&self, time: &mut Option<Timestamp>) {
        *time = time.map(|time| Timestamp(time.0.clamp(0, self.now.0.max(0))));
    }

    fn task(&mut self, task: &mut PlannedTask) {
        self.texts_of(task);
        self.past(&mut task.created_at);
        self.past(&mut task.completed_at);
        self.past(&mut task.updated_at);
        self.past(&mut task.deleted_at);
        for comment in &mut task.comments {
            self.past(&mut comment.created_at);
            self.past(&mut comment.updated_at);
        }
        let (line, title) = (task.line, shown(&task.title));
        for (field, time) in [("due_at", &mut task.due_at), ("remind_at", &mut task.remind_at)] {
            if time.is_some_and(|time| !MOMENTS.contains(&time.0)) {
                let what = format!("{field} of “{title}”");
                let why = format!("{field} must be between 1970-01-01 and 9999-12-31");
                self.broken(line, (field, what), &why, "it is left out");
                *time = None;
            }
        }
        if task.all_day {
            // exports of older versions have times of a day
            task.due_at = day(task.due_at);
        }
        if task.due_at.is_none() {
            task.all_day = false;
        }
        self.recurrence(task);
        self.tags_of(task);
        let mut seen = BTreeSet::new();
        let is_somebody = |person: &Person| person.id.is_some() || !person.name.is_empty();
        task.people
            .retain(|person| is_somebody(person) && seen.insert(person.clone()));
        if task.people.len() > limits::ASSIGNEES {
            let what = format!("assignees of “{title}”");
            let why = format!("a task can have at most {} assignees", limits::ASSIGNEES);
            self.broken(line, ("assignees", what), &why, "the rest is left out");
            task.people.truncate(limits::ASSIGNEES);
        }
    }

    fn recurrence(&mut self, task: &mut PlannedTask) {
        let rule = task.recurrence.trim().to_owned();
        let checked = if rule.is_empty() {
            Ok(())
        } else if rule.chars().count() > limits::RECURRENCE {
            let message = format!("recurrence must be at most {} characters", limits::RECURRENCE);
            Err(Failure::invalid("recurrence", message))
        } else {
            recurrence::check(&rule)
        };
        task.recurrence = rule;
        if let Err(failure) = checked {
            let what = format!(
                "how “{}” repeats: {}",
                shown(&task.title),
                shown(&task.recurrence)
            );
            self.broken(
                task.line,
                ("recurrence", what),
                &failure.message,
                "it does not repeat",
            );
            task.recurrence.clear();
        }
    }

    fn tags_of(&mut self, task: &mut PlannedTask) {
        let (line, mut keys) = (task.line, BTreeSet::new());
        let mut tags: Vec<String> = Vec::with_capacity(task.tags.len().min(limits::TAGS));
        let mut many = 0;
        for tag in std::mem::take(&mut task.tags) {
            if tag.trim().is_empty() {
                continue;
            }
            let tag = self.name(line, ("tags", "a tag"), &tag, limits::TAG);
            if keys.insert(name_key(&tag)) {
                if tags.len() < limits::TAGS {
                    tags.push(tag);
                } else {
                    many += 1;
                }
            }
        }
        task.tags = tags;
        if many > 0 {
            let what = format!("{many} tags of “{}”", shown(&task.title));
            let why = format!("a task can have at most {} tags", limits::TAGS);
            self.broken(line, ("tags", what), &why, "the rest is left out");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::import::plan::PlannedComment;
    use taskwire_protocol::ErrorCode;

    fn task(title: &str) -> PlannedTask {
        PlannedTask {
            line: Some(1),
            title: title.to_owned(),
            ..PlannedTask::default()
        }
    }

    fn fitted(tasks: Vec<PlannedTask>) -> Plan {
        let plan = Plan {
            tasks,
            ..Plan::default()
        };
        settle(plan, false, Timestamp(1_000_000)).expect("another program's file is fitted in")
    }

    fn refused(tasks: Vec<PlannedTask>) -> Failure {
        let plan = Plan {
            tasks,
            ..Plan::default()
        };
        settle(plan, true, Timestamp(1_000_000)).expect_err("refused")
    }

    #[test]
    fn what_is_too_long_is_kept_in_comments_or_refused() {
        let long = format!("{} end", "word ".repeat(400));
        let mut one = task(&"t".repeat(250));
        one.description = long.clone();
        one.comments = vec![PlannedComment {
            body: "c".repeat(12_000),
            ..PlannedComment::default()
        }];
        let plan = fitted(vec![one.clone()]);
        let made = &plan.tasks[0];
        assert!(made.title.chars().count() <= limits::TITLE && made.title.starts_with("ttt"));
        assert!(made.description.chars().count() <= limits::DESCRIPTION);
        let kept: usize = made
            .comments
            .iter()
            .map(|comment| comment.body.chars().count())
            .sum();
        assert!(kept >= 12_000 + 800, "{kept}");
        assert!(
            made.comments
                .iter()
                .all(|comment| comment.body.chars().count() <= limits::COMMENT)
        );
        assert_eq!(plan.lost.into_items().len(), 2);
        let failure = refused(vec![one]);
        assert_eq!(failure.code, ErrorCode::ValidationError);
        assert!(
            failure.message.starts_with("line 1: title"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn what_is_too_deep_moves_up_and_circles_are_opened() {
        let mut tasks: Vec<PlannedTask> = (0..5).map(|n| task(&format!("t{n}"))).collect();
        for (n, task) in tasks.iter_mut().enumerate() {
            task.parent = n.checked_sub(1);
        }
        let plan = fitted(tasks.clone());
        let parents: Vec<Option<usize>> = plan.tasks.iter().map(|task| task.parent).collect();
        assert_eq!(parents, [None, Some(0), Some(1), Some(1), Some(1)]);
        assert!(refused(tasks.clone()).message.contains("two levels"));
        tasks[0].parent = Some(4);
        let plan = fitted(tasks);
        assert!(plan.tasks[0].parent.is_none());
        assert_eq!(plan.tasks.len(), 5);
    }

    #[test]
    fn parents_come_first_and_places_follow() {
        let mut tasks: Vec<PlannedTask> = (0..3).map(|n| task(&format!("t{n}"))).collect();
        tasks[0].parent = Some(2);
        tasks[1].blocked_by = vec![0, 0, 1, 99];
        let plan = fitted(tasks);
        let titles: Vec<&str> = plan.tasks.iter().map(|task| &*task.title).collect();
        assert_eq!(titles, ["t2", "t0", "t1"]);
        assert_eq!(plan.tasks[1].parent, Some(0));
        assert_eq!(plan.tasks[2].blocked_by, [1]);
    }

    #[test]
    fn blockers_make_no_circle_and_no_endless_row() {
        let mut tasks: Vec<PlannedTask> = (0..1500).map(|n| task(&format!("t{n}"))).collect();
        for (n, task) in tasks.iter_mut().enumerate() {
            task.blocked_by = vec![(n + 1) % 1500];
        }
        let plan = fitted(tasks.clone());
        let edges: usize = plan.tasks.iter().map(|task| task.blocked_by.len()).sum();
        assert!(edges < 1499 && edges > 1490, "{edges}");
        assert!(refused(tasks).message.contains("circle"));
    }

    #[test]
    fn projects_and_tags_with_one_name_are_one() {
        let mut plan = Plan::default();
        let (first, second) = (plan.project(None, "Home"), plan.project(None, "HOME"));
        let mut one = task("a");
        one.project = Some(second);
        one.tags = vec!["x".into(), "X".into(), " ".into()];
        plan.tasks = vec![one];
        let plan = settle(plan, true, Timestamp(0)).expect("valid");
        assert_eq!((first, plan.projects.len()), (0, 1));
        assert_eq!(plan.tasks[0].project, Some(0));
        assert_eq!(plan.tasks[0].tags, ["x"]);
    }
}
