//! Stages, projects and tags: which of the plan's are there, and which are made.

use super::super::world::World;
use crate::domain::import::lost::{Lost, shown};
use crate::domain::import::plan::{Plan, PlannedStage};
use crate::domain::position;
use crate::ops::{Act, Result};
use crate::unicode::name_key;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use taskwire_protocol::member::Role;
use taskwire_protocol::project::Project;
use taskwire_protocol::stage::{Stage, StageKind, Stages};
use taskwire_protocol::tag::Tag;
use taskwire_protocol::{Failure, ProjectId, TagId, WorkspaceId, limits};

/// What the names of a plan are in a workspace.
#[derive(Default)]
pub(super) struct Names {
    /// The workspace's stages, with those that are made.
    pub(super) stages: Stages,
    /// How many of them are made.
    pub(super) new_stages: u64,
    /// The key of each stage of the plan.
    keys: Vec<Option<Arc<str>>>,
    /// The project of each project of the plan.
    projects: Vec<Option<ProjectId>>,
    pub(super) new_projects: Vec<Project>,
    /// How the workspace writes each tag.
    tags: BTreeMap<String, Arc<str>>,
    pub(super) new_tags: Vec<Tag>,
    /// Tags that get the color of the file.
    pub(super) colored: Vec<Tag>,
    /// What is there already and used as it is.
    pub(super) there: u64,
}

/// Adds the line to a failure.
pub(super) fn on_line(mut failure: Failure, line: Option<u64>) -> Failure {
    if let Some(line) = line {
        failure.message = format!("line {line}: {}", failure.message);
    }
    failure
}

impl Names {
    /// Finds the stages and projects of a plan, and what of them is to be made.
    pub(super) fn of(
        act: &Act<'_>,
        world: &World,
        workspace: WorkspaceId,
        plan: &Plan,
        lost: &mut Lost,
    ) -> Result<Names> {
        let mut names = Names::default();
        names.stages(act, world.stages(workspace), plan, lost);
        names.completes(plan, lost);
        names.projects(act, world, workspace, plan)?;
        Ok(names)
    }

    /// The stage of the plan's at this place.
    pub(super) fn stage(&self, place: Option<usize>) -> Option<&Stage> {
        let key = self.keys.get(place?)?.as_ref()?;
        self.stages.find(key)
    }

    pub(super) fn project(&self, place: Option<usize>) -> Option<ProjectId> {
        self.projects.get(place?).copied().flatten()
    }

    /// How the workspace writes a tag.
    pub(super) fn tag(&self, name: &str) -> Arc<str> {
        let known = self.tags.get(&name_key(name));
        known.cloned().unwrap_or_else(|| name.into())
    }

    fn stages(&mut self, act: &Act<'_>, before: Stages, plan: &Plan, lost: &mut Lost) {
        let may_add = act.place.is_some_and(|(_, role)| role >= Role::Admin);
        let mut all: Vec<Stage> = before.iter().cloned().collect();
        for stage in &plan.stages {
            let found = all
                .iter()
                .find(|there| is_same(there, stage))
                .map(|there| there.key.clone());
            let key = match found {
                Some(key) => {
                    self.there += 1;
                    Some(key)
                }
                None if may_add && all.len() < limits::STAGES => {
                    let key: Arc<str> = key_of(stage, &all).into();
                    all.push(Stage {
                        key: key.clone(),
                        name: stage.name.as_str().into(),
                        kind: stage.kind,
                        color: stage.color.as_deref().map(Arc::from),
                    });
                    self.new_stages += 1;
                    Some(key)
                }
                None => {
                    let why = if may_add {
                        format!("a workspace has at most {} stages", limits::STAGES)
                    } else {
                        "only admins add stages".to_owned()
                    };
                    let what = format!("the stage {}", shown(&stage.name));
                    lost.add(
                        stage.line,
                        what,
                        format!("{why}; its tasks are in the first stage that fits"),
                    );
                    None
                }
            };
            self.keys.push(key);
        }
        self.stages = if self.new_stages > 0 { all.into() } else { before };
    }

    /// Lists the stages that complete tasks which are open in another program: that means done there too, or only sounds so.
    fn completes(&self, plan: &Plan, lost: &mut Lost) {
        if !plan.is_foreign {
            return;
        }
        let mut open: BTreeMap<usize, (u64, Option<u64>)> = BTreeMap::new();
        for task in plan.tasks.iter().filter(|task| !task.completed) {
            let is_done = |stage: &Stage| stage.kind == StageKind::Done;
            if let Some(place) = task.stage.filter(|_| self.stage(task.stage).is_some_and(is_done)) {
                open.entry(place).or_insert((0, task.line)).0 += 1;
            }
        }
        for (place, (number, line)) in open {
            let name = shown(&plan.stages[place].name);
            let (tasks, are) = if number == 1 {
                ("task", "is")
            } else {
                ("tasks", "are")
            };
            let what = format!("that {number} {tasks} in the stage {name} {are} open");
            lost.add(line, what, "this stage means done, so its tasks are completed");
        }
    }

    fn projects(&mut self, act: &Act<'_>, world: &World, workspace: WorkspaceId, plan: &Plan) -> Result<()> {
        let there = world.projects.iter().map(|(_, project)| project);
        let there: Vec<&Project> = there
            .filter(|project| project.workspace_id == workspace)
            .collect();
        let by_name: BTreeMap<String, ProjectId> = there
            .iter()
            .map(|project| (name_key(&project.name), project.id))
            .collect();
        let mut last = there
            .iter()
            .map(|project| project.position.clone())
            .max()
            .unwrap_or_default();
        for project in &plan.projects {
            let own = project
                .reference
                .map(|reference| ProjectId(reference.id_in(workspace)));
            let own = own.filter(|id| id.0.get_version_num() == 7);
            let taken = own.and_then(|id| world.projects.get(id));
            let found = match (taken, project.reference) {
                (Some(taken), _) => (taken.workspace_id == workspace).then_some(taken.id),
                (None, None) => by_name.get(&name_key(&project.name)).copied(),
                (None, Some(_)) => None,
            };
            if let Some(id) = found {
                self.there += 1;
                self.projects.push(Some(id));
                continue;
            }
            let number = there.len() + self.new_projects.len();
            act.bounds
                .one_more_project(number)
                .map_err(|failure| on_line(failure, project.line))?;
            let id = own
                .filter(|_| taken.is_none())
                .unwrap_or_else(|| ProjectId(act.new_id()));
            let given = project.position.clone().filter(|place| position::is_place(place));
            let position = given.unwrap_or_else(|| position::behind(&last, act.new_id()));
            last = last.max(position.clone());
            let created_at = project.created_at.unwrap_or(act.now);
            self.projects.push(Some(id));
            self.new_projects.push(Project {
                id,
                workspace_id: workspace,
                name: project.name.clone(),
                color: project.color.clone(),
                position,
                is_archived: project.is_archived,
                version: 1,
                created_at,
                updated_at: project.updated_at.unwrap_or(created_at),
            });
        }
        Ok(())
    }

    /// Finds the tags that these tasks carry, and those that the plan lists beside them.
    pub(super) fn tags(
        &mut self,
        act: &Act<'_>,
        world: &World,
        workspace: WorkspaceId,
        (plan, places, with_listed): (&Plan, std::ops::Range<usize>, bool),
    ) -> Result<()> {
        let listed = plan.tags.iter().filter(|_| with_listed);
        let listed = listed.map(|tag| (tag.line, &tag.name, tag.color.as_ref()));
        let carried = plan.tasks.get(places).unwrap_or_default().iter();
        let carried = carried.flat_map(|task| task.tags.iter().map(move |name| (task.line, name, None)));
        let mut seen = BTreeSet::new();
        for (line, name, color) in listed.chain(carried) {
            let key = name_key(name);
            if !seen.insert(key.clone()) {
                continue;
            }
            if let Some(tag) = world.tag_named(workspace, &key) {
                self.there += u64::from(color.is_none() || tag.color.is_some());
                self.tags.insert(key, tag.name.clone());
                if let (Some(color), None) = (color, &tag.color) {
                    self.colored.push(Tag {
                        color: Some(color.clone()),
                        version: tag.version + 1,
                        ..tag.clone()
                    });
                }
                continue;
            }
            let written = world
                .carried(workspace, &key)
                .unwrap_or_else(|| name.as_str().into());
            act.bounds
                .more_tags(world.number_of_tags(workspace) + self.new_tags.len() as u64, 1)
                .map_err(|failure| on_line(failure.at("tags"), line))?;
            self.tags.insert(key, written.clone());
            self.new_tags.push(Tag {
                id: TagId(act.new_id()),
                workspace_id: workspace,
                name: written,
                color: color.cloned(),
                version: 1,
            });
        }
        Ok(())
    }
}

/// The keys of all tags of these tasks, and of those that the plan lists beside them.
pub(super) fn tag_keys(plan: &Plan, places: std::ops::Range<usize>, with_listed: bool) -> BTreeSet<String> {
    let listed = plan.tags.iter().filter(|_| with_listed).map(|tag| &tag.name);
    let tasks = plan.tasks.get(places).unwrap_or_default().iter();
    let names = listed.chain(tasks.flat_map(|task| &task.tags));
    names.map(|name| name_key(name)).collect()
}

/// Whether a stage of a workspace is that of a plan: by its key, where the format has keys, else also by its name.
fn is_same(there: &Stage, planned: &PlannedStage) -> bool {
    match &planned.key {
        Some(key) => *there.key == **key,
        None => *there.key == *planned.name || joined(&there.name) == joined(&planned.name),
    }
}

/// A name without what stands between its words: “To-Do” is “To do”.
fn joined(name: &str) -> String {
    let key = name_key(name);
    let joined = key.replace(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '–'), "");
    if joined.is_empty() { key } else { joined }
}

/// A key for a new stage, made of its name.
fn key_of(stage: &PlannedStage, there: &[Stage]) -> String {
    if let Some(key) = &stage.key {
        return key.clone();
    }
    let mut key = String::new();
    for c in stage.name.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => key.push(c),
            _ if !key.is_empty() && !key.ends_with('-') => key.push('-'),
            _ => {}
        }
    }
    key.truncate(limits::STAGE_KEY - 4);
    let key = key.trim_matches('-');
    let key = if key.is_empty() { "stage" } else { key };
    let is_free = |key: &String| there.iter().all(|stage| *stage.key != **key);
    let numbered = (2..).map(|number| format!("{key}-{number}"));
    let mut keys = std::iter::once(key.to_owned()).chain(numbered);
    keys.find(is_free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_stage_gets_a_key_of_its_name() {
        let stage = |name: &str| PlannedStage {
            line: None,
            key: None,
            name: name.to_owned(),
            kind: StageKind::Open,
            color: None,
        };
        let there: Vec<Stage> = Stages::default().iter().cloned().collect();
        assert_eq!(key_of(&stage("In Review!"), &there), "in-review");
        assert_eq!(key_of(&stage("Done?"), &there), "done-2");
        assert_eq!(key_of(&stage("日本"), &there), "stage");
        assert!(key_of(&stage(&"x".repeat(50)), &there).len() <= limits::STAGE_KEY);
        for same in ["TO DO", "todo", "To-Do", "To_do"] {
            assert!(is_same(&there[0], &stage(same)), "{same}");
        }
        assert!(!is_same(&there[0], &stage("To do!")) && !is_same(&there[0], &stage("-")));
    }
}
