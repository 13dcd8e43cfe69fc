//! The records of entities.

use super::{
    ExportedAttachment, ExportedBlockers, ExportedComment, ExportedMember, ExportedProject, ExportedTag,
    ExportedTask, Ref,
};
use crate::attachment::Attachment;
use crate::comment::Comment;
use crate::member::Member;
use crate::project::Project;
use crate::tag::Tag;
use crate::task::Task;
use crate::{ProjectId, TaskId, WorkspaceId};
use uuid::Uuid;

impl From<&Member> for ExportedMember {
    fn from(member: &Member) -> ExportedMember {
        ExportedMember {
            id: member.user.id,
            username: member.user.username.clone(),
            name: member.user.name.clone(),
            role: member.role,
        }
    }
}

impl From<&Project> for ExportedProject {
    fn from(project: &Project) -> ExportedProject {
        ExportedProject {
            reference: Ref::of(project.workspace_id, project.id),
            name: project.name.clone(),
            color: project.color.clone(),
            position: project.position.clone(),
            is_archived: project.is_archived,
            created_at: project.created_at,
            updated_at: project.updated_at,
        }
    }
}

impl From<&Tag> for ExportedTag {
    fn from(tag: &Tag) -> ExportedTag {
        ExportedTag {
            name: tag.name.clone(),
            color: tag.color.clone(),
        }
    }
}

impl From<&Task> for ExportedTask {
    fn from(task: &Task) -> ExportedTask {
        let reference = |id: Uuid| Ref::of(task.workspace_id, id);
        ExportedTask {
            reference: reference(task.id.0),
            parent: task.parent_id.map(|TaskId(id)| reference(id)),
            project: task.project_id.map(|ProjectId(id)| reference(id)),
            title: task.title.clone(),
            description: task.description.clone(),
            stage: task.stage.clone(),
            completed_at: task.completed_at,
            priority: task.priority,
            due_at: task.due_at,
            all_day: task.all_day,
            remind_at: task.remind_at,
            recurrence: task.recurrence.clone(),
            position: task.position.clone(),
            tags: task.tags.clone(),
            assignees: task.assignee_ids.clone(),
            deleted_at: task.deleted_at,
            created_by: task.created_by,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

impl ExportedBlockers {
    /// What blocks a task of this workspace.
    #[must_use]
    pub fn of(workspace: WorkspaceId, task: TaskId, blocked_by: &[TaskId]) -> ExportedBlockers {
        ExportedBlockers {
            task: Ref::of(workspace, task),
            blocked_by: blocked_by.iter().map(|id| Ref::of(workspace, *id)).collect(),
        }
    }
}

impl ExportedComment {
    /// A comment of this workspace.
    #[must_use]
    pub fn of(workspace: WorkspaceId, comment: &Comment) -> ExportedComment {
        ExportedComment {
            task: Ref::of(workspace, comment.task_id),
            author: comment.author.id,
            author_name: comment.author.name.clone(),
            body: comment.body.clone(),
            mentions: comment.mentions.clone(),
            created_at: comment.created_at,
            updated_at: comment.updated_at,
        }
    }
}

impl ExportedAttachment {
    /// An attachment of this workspace.
    #[must_use]
    pub fn of(workspace: WorkspaceId, attachment: &Attachment) -> ExportedAttachment {
        ExportedAttachment {
            task: Ref::of(workspace, attachment.task_id),
            name: attachment.name.clone(),
            size: attachment.size,
            media_type: attachment.media_type.clone(),
            created_by: attachment.created_by,
            created_at: attachment.created_at,
        }
    }
}
