//! Attachments in the world: what they add to what their users store, and the job that removes files which no task has any
//! more.

use super::super::Result;
use super::World;
use crate::store::attachments::AttachmentRecord;
use crate::store::jobs::{NewJob, RemoveFiles};
use std::time::Duration;
use taskwire_protocol::attachment::Attachment;
use taskwire_protocol::{AttachmentId, TaskId, UserId, WorkspaceId};

impl World {
    /// Sets how many bytes a user's attachments have.
    pub fn loaded_stored(&mut self, user: UserId, bytes: u64) {
        self.stored.insert(user, bytes);
    }

    /// How many bytes a user's attachments have; `None` where no plan bounds it.
    pub(in crate::ops) fn stored(&self, user: UserId) -> Option<u64> {
        self.stored.get(&user).copied()
    }

    /// Writes a new attachment.
    pub(in crate::ops) fn add_attachment(&mut self, record: AttachmentRecord) {
        if let Some(bytes) = self.stored.get_mut(&record.attachment.created_by) {
            *bytes = bytes.saturating_add(record.attachment.size);
        }
        self.attachments.put(record);
    }

    /// Takes an attachment from its task, and has its file removed after the commit.
    pub(in crate::ops) fn remove_attachment(
        &mut self,
        attachment: &Attachment,
        workspace: WorkspaceId,
    ) -> Result<()> {
        if let Some(bytes) = self.stored.get_mut(&attachment.created_by) {
            *bytes = bytes.saturating_sub(attachment.size);
        }
        self.attachments.remove(attachment.id);
        self.remove_files(workspace)
    }

    /// The attachments in memory leave with a task that is purged. The write takes the others.
    pub(super) fn purge_attachments(&mut self, task: TaskId, workspace: WorkspaceId) -> Result<()> {
        let of_task = self
            .attachments
            .iter()
            .filter(|(_, record)| record.attachment.task_id == task);
        let of_task: Vec<AttachmentId> = of_task.map(|(id, _)| *id).collect();
        for id in of_task {
            self.attachments.remove(id);
        }
        self.remove_files(workspace)
    }

    /// One job for each workspace, so that no two groups wait for each other's.
    fn remove_files(&mut self, workspace: WorkspaceId) -> Result<()> {
        let key = workspace.to_string();
        self.enqueue(NewJob::new(key, &RemoveFiles { workspace }, Duration::ZERO)?);
        Ok(())
    }
}
