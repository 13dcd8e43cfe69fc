//! The file of `protocol/src/export.rs`: all of a workspace.

use super::super::pieces::Stop;
use super::Outgoing;
use super::source::Source;
use super::tree::Tree;
use std::collections::HashSet;
use std::io;
use taskwire_protocol::TaskId;
use taskwire_protocol::attachment::Attachment;
use taskwire_protocol::comment::Comment;
use taskwire_protocol::export::{
    ExportedAttachment, ExportedBlockers, ExportedComment, ExportedMember, ExportedProject, ExportedTag,
    ExportedTask, ExportedWorkspace, Layout, Record, Ref,
};
use taskwire_protocol::workspace::SnapshotOpening;

/// The comments of several tasks that are read at once.
const TOGETHER: i64 = 250;

type Result<T> = std::result::Result<T, Stop>;

/// A file that is being written.
struct File<'a> {
    source: &'a Source,
    out: &'a mut Outgoing,
    layout: Layout,
}

/// Writes all of it. Returns the number of tasks.
pub(super) async fn write(source: &Source, opening: &SnapshotOpening, out: &mut Outgoing) -> Result<usize> {
    let about = ExportedWorkspace {
        name: opening.workspace.name.clone(),
        stages: opening.workspace.stages.clone(),
    };
    let layout = Layout::begin(&about, &mut out.text).map_err(io::Error::from)?;
    let mut file = File { source, out, layout };
    file.beginning(opening).await?;
    let tasks = file.tasks(opening).await?;
    file.blockers().await?;
    file.comments().await?;
    file.attachments().await?;
    file.layout.end(&mut file.out.text);
    Ok(tasks)
}

impl File<'_> {
    async fn put(&mut self, record: Record) -> Result<()> {
        let written = self.layout.write(&record, &mut self.out.text);
        written.map_err(io::Error::from)?;
        self.out.send().await
    }

    /// Members, projects and tags, each in an order that a copy of the workspace has too.
    async fn beginning(&mut self, opening: &SnapshotOpening) -> Result<()> {
        let mut members: Vec<ExportedMember> = opening.members.iter().map(Into::into).collect();
        members.sort_unstable_by_key(|member| member.id);
        for member in members {
            self.put(Record::Member(member)).await?;
        }
        let mut projects: Vec<ExportedProject> = opening.projects.iter().map(Into::into).collect();
        projects.sort_unstable_by(|a, b| (&a.position, a.reference).cmp(&(&b.position, b.reference)));
        for project in projects {
            self.put(Record::Project(project)).await?;
        }
        let mut tags: Vec<ExportedTag> = opening.tags.iter().map(Into::into).collect();
        tags.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for tag in tags {
            self.put(Record::Tag(tag)).await?;
        }
        Ok(())
    }

    async fn tasks(&mut self, opening: &SnapshotOpening) -> Result<usize> {
        let projects = opening.projects.iter();
        let projects: HashSet<Ref> = projects
            .map(|project| Ref::of(project.workspace_id, project.id))
            .collect();
        let (mut tree, mut number) = (Tree::default(), 0);
        while let Some(task) = tree.next(self.source).await? {
            let mut task = ExportedTask::from(&task);
            // one that was made meanwhile is not in the file
            task.project = task.project.filter(|project| projects.contains(project));
            self.put(Record::Task(Box::new(task))).await?;
            number += 1;
        }
        Ok(number)
    }

    async fn blockers(&mut self) -> Result<()> {
        let (workspace, mut after) = (self.source.workspace, None);
        loop {
            let (tasks, next) = self.source.belongings(after).await?;
            for task in tasks.iter().filter(|task| !task.blocked_by.is_empty()) {
                let blockers = ExportedBlockers::of(workspace, task.id, &task.blocked_by);
                self.put(Record::Blockers(blockers)).await?;
            }
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn comments(&mut self) -> Result<()> {
        let mut after = None;
        loop {
            let (tasks, next) = self.source.belongings(after).await?;
            for group in groups(tasks.iter().map(|task| (task.id, task.comments))) {
                match group {
                    Group::Few(tasks) => {
                        let found = self.source.comments_of(&tasks).await?;
                        self.put_comments(found).await?;
                    }
                    Group::Many(task) => self.comments_on(task).await?,
                }
            }
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn comments_on(&mut self, task: TaskId) -> Result<()> {
        let mut after = None;
        loop {
            let found = self.source.comments(task, after).await?;
            after = found.last().map(|comment| comment.id);
            self.put_comments(found).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn put_comments(&mut self, found: Vec<Comment>) -> Result<()> {
        for comment in found {
            let comment = ExportedComment::of(self.source.workspace, &comment);
            self.put(Record::Comment(comment)).await?;
        }
        Ok(())
    }

    async fn attachments(&mut self) -> Result<()> {
        let mut after = None;
        loop {
            let (tasks, next) = self.source.belongings(after).await?;
            for group in groups(tasks.iter().map(|task| (task.id, task.attachments))) {
                match group {
                    Group::Few(tasks) => {
                        let found = self.source.attachments_of(&tasks).await?;
                        self.put_attachments(found).await?;
                    }
                    Group::Many(task) => self.attachments_at(task).await?,
                }
            }
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn attachments_at(&mut self, task: TaskId) -> Result<()> {
        let mut after = None;
        loop {
            let found = self.source.attachments(task, after).await?;
            after = found.last().map(|attachment| attachment.id);
            self.put_attachments(found).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn put_attachments(&mut self, found: Vec<Attachment>) -> Result<()> {
        for attachment in found {
            let attachment = ExportedAttachment::of(self.source.workspace, &attachment);
            self.put(Record::Attachment(attachment)).await?;
        }
        Ok(())
    }
}

/// Tasks whose comments or attachments are read with one statement.
#[derive(Debug, PartialEq, Eq)]
enum Group {
    /// Together they have few.
    Few(Vec<TaskId>),
    /// Alone it has many.
    Many(TaskId),
}

/// Puts tasks together, in their order. Those that have nothing are left out.
fn groups(tasks: impl Iterator<Item = (TaskId, i64)>) -> Vec<Group> {
    let (mut groups, mut few, mut sum) = (Vec::new(), Vec::new(), 0);
    for (task, number) in tasks.filter(|(_, number)| *number > 0) {
        if sum + number > TOGETHER && !few.is_empty() {
            groups.push(Group::Few(std::mem::take(&mut few)));
            sum = 0;
        }
        if number > TOGETHER {
            groups.push(Group::Many(task));
        } else {
            few.push(task);
            sum += number;
        }
    }
    if !few.is_empty() {
        groups.push(Group::Few(few));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_is_read_at_once_is_little_and_in_order() {
        let id = |n| TaskId(Uuid::from_u128(n));
        let tasks = [
            (1, 0),
            (2, 200),
            (3, 50),
            (4, 1),
            (5, 251),
            (6, 3),
            (7, 0),
            (8, 247),
        ];
        let groups = groups(tasks.into_iter().map(|(n, number)| (id(n), number)));
        let expected = [
            Group::Few(vec![id(2), id(3)]),
            Group::Few(vec![id(4)]),
            Group::Many(id(5)),
            Group::Few(vec![id(6), id(8)]),
        ];
        assert_eq!(groups, expected);
    }
}
