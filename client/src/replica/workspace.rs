//! One workspace: its members, projects, tags and tasks, at one `seq` of its stream.

use super::map_difference;
use std::collections::{BTreeMap, BTreeSet};
use taskwire_protocol::{
    Event, ProjectId, TagId, TaskId, UserId,
    member::Member,
    project::Project,
    stage::{FIRST_DONE, FIRST_OPEN},
    tag::Tag,
    task::{Task, TaskCounts},
    workspace::{Workspace, WorkspaceSnapshot},
};

/// One workspace as all its members see it, at one `seq` of its stream.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkspaceReplica {
    seq: u64,
    /// Without the user's role: the workspace's stream does not carry it.
    workspace: Option<Workspace>,
    members: BTreeMap<UserId, Member>,
    projects: BTreeMap<ProjectId, Project>,
    tags: BTreeMap<TagId, Tag>,
    tasks: BTreeMap<TaskId, Task>,
    /// What pages that are missing cannot know; `None` when the snapshot is complete.
    since: Option<Since>,
}

/// What happened since the first page of a snapshot. A page that the server read before may arrive after it, and neither a
/// purge nor a count raises the version of a task.
#[derive(Clone, Debug, Default, PartialEq)]
struct Since {
    purged: BTreeSet<TaskId>,
    counted: BTreeMap<TaskId, TaskCounts>,
}

impl WorkspaceReplica {
    pub(super) fn begin(page: WorkspaceSnapshot) -> WorkspaceReplica {
        let members = page.members.unwrap_or_default();
        let projects = page.projects.unwrap_or_default();
        let tags = page.tags.unwrap_or_default();
        WorkspaceReplica {
            seq: page.seq,
            workspace: page.workspace.map(without_role),
            members: members
                .into_iter()
                .map(|member| (member.user.id, member))
                .collect(),
            projects: projects
                .into_iter()
                .map(|project| (project.id, project))
                .collect(),
            tags: tags.into_iter().map(|tag| (tag.id, tag)).collect(),
            tasks: page
                .tasks
                .into_iter()
                .map(|task| (task.id, staged(task)))
                .collect(),
            since: page.cursor.map(|_| Since::default()),
        }
    }

    /// Takes a later page. It may be older than events that were applied, and newer than events that have not arrived.
    /// In both cases the greater version wins.
    pub(super) fn take_page(&mut self, page: WorkspaceSnapshot) {
        let since = self.since.take().unwrap_or_default();
        for task in page.tasks {
            let id = task.id;
            if !since.purged.contains(&id) {
                self.take_task(task);
            }
            if let Some(counts) = since.counted.get(&id) {
                self.count(*counts);
            }
        }
        self.since = page.cursor.map(|_| since);
    }

    /// The `seq` of the last event applied.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether all pages of the snapshot were taken.
    pub fn is_complete(&self) -> bool {
        self.since.is_none()
    }

    /// The workspace itself, without the user's role.
    pub fn workspace(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    /// Its members.
    pub fn members(&self) -> &BTreeMap<UserId, Member> {
        &self.members
    }

    /// Its tasks, deleted ones included.
    pub fn tasks(&self) -> &BTreeMap<TaskId, Task> {
        &self.tasks
    }

    /// One of its tasks.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(&id)
    }

    /// Its projects.
    pub fn projects(&self) -> &BTreeMap<ProjectId, Project> {
        &self.projects
    }

    /// Its tags.
    pub fn tags(&self) -> &BTreeMap<TagId, Tag> {
        &self.tags
    }

    pub(super) fn apply(&mut self, seq: u64, event: Event) {
        self.seq = seq;
        match event {
            Event::TaskCreated(task)
            | Event::TaskUpdated(task)
            | Event::TaskCompleted(task)
            | Event::TaskReopened(task)
            | Event::TaskDeleted(task)
            | Event::TaskRestored(task)
            | Event::TaskMoved(task) => self.take_task(*task),
            Event::TaskPurged(gone) => {
                self.tasks.remove(&gone.id);
                if let Some(since) = &mut self.since {
                    since.purged.insert(gone.id);
                }
            }
            Event::CommentCreated(changed)
            | Event::CommentUpdated(changed)
            | Event::CommentDeleted(changed) => self.count_since(changed.task),
            Event::AttachmentCreated(changed) | Event::AttachmentDeleted(changed) => {
                self.count_since(changed.task);
            }
            Event::MemberAdded(joined) => self.take_member(joined.member),
            Event::MemberUpdated(member) => self.take_member(*member),
            Event::ProjectCreated(project) | Event::ProjectUpdated(project) => {
                let held = self.projects.get(&project.id);
                if held.is_none_or(|held| project.version >= held.version) {
                    self.projects.insert(project.id, *project);
                }
            }
            Event::ProjectDeleted(gone) => {
                self.projects.remove(&gone.id);
            }
            Event::TagCreated(tag) | Event::TagUpdated(tag) => {
                let held = self.tags.get(&tag.id);
                if held.is_none_or(|held| tag.version >= held.version) {
                    self.tags.insert(tag.id, *tag);
                }
            }
            Event::TagDeleted(gone) => {
                self.tags.remove(&gone.id);
            }
            Event::MemberRemoved(gone) => {
                self.members.remove(&gone.user_id);
            }
            Event::WorkspaceCreated(workspace) | Event::WorkspaceUpdated(workspace) => {
                let held = self.workspace.as_ref();
                if held.is_none_or(|held| workspace.version >= held.version) {
                    self.workspace = Some(without_role(*workspace));
                }
            }
            // Forgotten entries and events of a newer server change nothing; the other events are in users' streams.
            _ => {}
        }
    }

    fn take_member(&mut self, member: Member) {
        let held = self.members.get(&member.user.id);
        if held.is_none_or(|held| member.version >= held.version) {
            self.members.insert(member.user.id, member);
        }
    }

    fn take_task(&mut self, task: Task) {
        let task = staged(task);
        let held = self.tasks.get(&task.id);
        if held.is_none_or(|held| task.version >= held.version) {
            self.tasks.insert(task.id, task);
        }
    }

    /// Takes what a task counts, and keeps it for pages of a snapshot that are older.
    fn count_since(&mut self, counts: TaskCounts) {
        self.count(counts);
        if let Some(since) = &mut self.since {
            since.counted.insert(counts.id, counts);
        }
    }

    /// Takes what a task counts: its version does not tell.
    fn count(&mut self, counts: TaskCounts) {
        if let Some(task) = self.tasks.get_mut(&counts.id) {
            task.comment_count = counts.comment_count;
            task.attachment_count = counts.attachment_count;
        }
    }

    pub(super) fn difference(&self, other: &WorkspaceReplica) -> Option<String> {
        if self.seq != other.seq {
            return Some(format!("seq: {} and {}", self.seq, other.seq));
        }
        if self.workspace != other.workspace {
            return Some(format!("{:?} and {:?}", self.workspace, other.workspace));
        }
        map_difference("member", &self.members, &other.members)
            .or_else(|| map_difference("project", &self.projects, &other.projects))
            .or_else(|| map_difference("tag", &self.tags, &other.tags))
            .or_else(|| map_difference("task", &self.tasks, &other.tasks))
    }
}

/// A task in a stage. What a server of an older version sent has none: it is in the standard one.
fn staged(mut task: Task) -> Task {
    if task.stage.is_empty() {
        task.stage = if task.completed { FIRST_DONE } else { FIRST_OPEN }.into();
    }
    task
}

fn without_role(workspace: Workspace) -> Workspace {
    Workspace {
        role: None,
        ..workspace
    }
}
