//! The columns of a board: a stage each, with its tasks as cards. Knows neither the terminal nor the keys.

use crate::{
    terminal::plain,
    text::{day_or_moment, is_past},
};
use serde::Serialize;
use taskwire_client::{
    protocol::{
        ProjectId, TaskId, UserId,
        stage::{StageKind, Stages},
        task::{Priority, Task},
    },
    replica::WorkspaceReplica,
};

/// Which tasks a board shows.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shown {
    pub(crate) project: Option<ProjectId>,
    pub(crate) assignee: Option<UserId>,
}

/// A stage with its tasks.
#[derive(Serialize)]
pub(crate) struct Column<'a> {
    /// What tasks call the stage.
    pub(crate) stage: &'a str,
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) tasks: Vec<&'a Task>,
}

/// What a card says of a task beside its title.
#[derive(Default, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) is_urgent: bool,
    /// A task that blocks it is still pending.
    pub(crate) is_blocked: bool,
    /// The date, and whether it is over.
    pub(crate) due: Option<(String, bool)>,
    /// Usernames.
    pub(crate) assignees: Vec<String>,
    pub(crate) tags: Vec<String>,
}

/// The columns, in the workspace's order. Tasks have the order of their places, completed ones come newest first.
pub(crate) fn columns<'a>(workspace: &'a WorkspaceReplica, shown: &Shown) -> Vec<Column<'a>> {
    let stages = workspace.workspace().map(|workspace| &workspace.stages);
    let stages = stages.into_iter().flat_map(Stages::iter);
    stages
        .map(|stage| {
            let all = workspace.tasks().values();
            let mut tasks: Vec<&Task> = all
                .filter(|task| !task.is_deleted && *task.stage == *stage.key && shown.shows(task))
                .collect();
            if stage.kind == StageKind::Done {
                tasks.sort_by_key(|task| std::cmp::Reverse((task.completed_at, task.id)));
            } else {
                tasks.sort_by(|one, other| (&one.position, one.id).cmp(&(&other.position, other.id)));
            }
            Column {
                stage: &stage.key,
                name: plain(&stage.name),
                tasks,
            }
        })
        .collect()
}

impl Shown {
    fn shows(&self, task: &Task) -> bool {
        let is_of_project = self
            .project
            .is_none_or(|project| task.project_id == Some(project));
        is_of_project && self.assignee.is_none_or(|user| task.assignee_ids.contains(&user))
    }
}

/// What the card of a task says.
pub(crate) fn facts(workspace: &WorkspaceReplica, task: &Task) -> Facts {
    let is_pending = |id: &TaskId| {
        let blocker = workspace.task(*id);
        blocker.is_some_and(|blocker| !blocker.completed && !blocker.is_deleted)
    };
    let username = |id: &UserId| {
        let member = workspace.members().get(id)?;
        Some(plain(&member.user.username))
    };
    Facts {
        is_urgent: matches!(task.priority, Priority::High | Priority::Urgent) && !task.completed,
        is_blocked: !task.completed && task.blocked_by.iter().any(is_pending),
        due: task.due_at.map(|due| {
            let is_over = !task.completed && is_past(due, task.all_day);
            (day_or_moment(due, task.all_day), is_over)
        }),
        assignees: task.assignee_ids.iter().filter_map(username).collect(),
        tags: task.tags.iter().map(|tag| plain(tag)).collect(),
    }
}
