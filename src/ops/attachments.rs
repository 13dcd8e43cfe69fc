//! Attachments of tasks: members add them, who uploaded one deletes it, and so do admins. The engine has stored the file
//! before, and a job removes it afterwards. A task counts its attachments; its own version stays, so every event about an
//! attachment carries the counts.

use super::bounds::Stored;
use super::caller::{Target, Targeted};
use super::cursor::{List, Wanted};
use super::tasks::living;
use super::world::{Logged, World};
use super::{Act, Ask, Caller, Change, Decide, Mutation, Needs, Query, Result, json, not_found};
use crate::store::attachments::{self, AttachmentRecord};
use std::sync::Arc;
use taskwire_protocol::attachment::{Attachment, AttachmentChanged, DeleteAttachment, ListAttachments};
use taskwire_protocol::events::{self, PlainEvent};
use taskwire_protocol::member::Role;
use taskwire_protocol::task::Task;
use taskwire_protocol::{Access, AttachmentId, ErrorCode, Failure, Page, TaskId, WorkspaceId};
use uuid::Uuid;

impl Targeted for ListAttachments {
    fn target(&self, _: &Caller) -> Target {
        Target::Task(self.task_id)
    }
}

impl Targeted for DeleteAttachment {
    fn target(&self, _: &Caller) -> Target {
        Target::Attachment(self.id)
    }
}

/// Gives a task a file that is in the store. Only an upload makes one, so it is not in the table of operations. Everything
/// else about it is as with a mutation there: who may do it, its `op_id`, its place in the log.
#[derive(Clone, Debug)]
pub struct AddAttachment {
    /// The id, by which the store names the file.
    pub id: AttachmentId,
    /// The task.
    pub task: TaskId,
    /// The name of the file, cleaned.
    pub name: Arc<str>,
    /// In bytes.
    pub size: u64,
    /// What the content looks like.
    pub media_type: &'static str,
    /// A digest of the content: another file is another request.
    pub digest: String,
}

impl AddAttachment {
    /// The name in logs, and by which an API token's right is found.
    pub const NAME: &'static str = "attachment.create";
    /// Who may do it.
    pub const ACCESS: Access = Access::Member;
}

impl Decide for AddAttachment {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn access(&self) -> Access {
        Self::ACCESS
    }

    fn target(&self, _: &Caller) -> Target {
        Target::Task(self.task)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.stored.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let task = living(world, self.task)?;
        let user = act.caller.user.id;
        act.bounds.one_more_attachment(task.attachment_count)?;
        if let (Some(has), Some(account)) = (world.stored(user), world.accounts.get(user)) {
            let attachments = has.saturating_add(self.size);
            let stored = Stored {
                photo: 0,
                attachments,
            };
            act.bounds.stores(stored, account.user.plan)?;
        }
        let attachment = Attachment {
            id: self.id,
            task_id: task.id,
            name: self.name.clone(),
            size: self.size,
            media_type: self.media_type.into(),
            created_by: user,
            created_at: act.now,
        };
        let task = Task {
            attachment_count: task.attachment_count + 1,
            ..task
        };
        log::<events::AttachmentCreated>(act, world, &attachment, &task)?;
        let answer = json(&attachment)?;
        world.add_attachment(AttachmentRecord {
            workspace: task.workspace_id,
            attachment,
        });
        world.put_task(task);
        Ok(answer.into())
    }

    /// The id is new with each upload, so it is no part of it.
    fn canonical(&self) -> String {
        format!(
            "{} {} {} {} {}",
            self.task, self.size, self.media_type, self.digest, self.name
        )
    }
}

impl Mutation for DeleteAttachment {
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Attachment>> {
        let record = world.attachments.get(self.id).cloned();
        let attachment = record.ok_or_else(|| not_found("attachment"))?.attachment;
        let administers = act.place.is_some_and(|(_, role)| role >= Role::Admin);
        if attachment.created_by != act.caller.user.id && !administers {
            let message = "only who uploaded an attachment and admins can delete it";
            return Err(Failure::new(ErrorCode::Forbidden, message));
        }
        let task = living(world, attachment.task_id)?;
        let task = Task {
            attachment_count: (task.attachment_count - 1).max(0),
            ..task
        };
        let logged = log::<events::AttachmentDeleted>(act, world, &attachment, &task)?;
        world.remove_attachment(&attachment, task.workspace_id)?;
        world.put_task(task);
        Ok(Change::logged(logged, attachment))
    }
}

impl Query for ListAttachments {
    async fn answer(self, ask: Ask) -> Result<Page<Attachment>> {
        let list = List::of(&self, &ask.caller);
        let wanted: Wanted<Uuid> = Wanted::read(list, self.limit, self.cursor.as_deref())?;
        let mut reader = ask.read().await?;
        let items = attachments::list(&mut reader, self.task_id, wanted.after, wanted.to_read()).await?;
        let count = attachments::count(&mut reader, self.task_id);
        wanted.page(items, |attachment| attachment.id.0, count).await
    }
}

fn log<E: PlainEvent<Stream = WorkspaceId, Payload = AttachmentChanged>>(
    act: &Act<'_>,
    world: &mut World,
    attachment: &Attachment,
    task: &Task,
) -> Result<Logged<AttachmentChanged>> {
    let changed = AttachmentChanged {
        attachment: attachment.clone(),
        task: task.counts(),
    };
    world.emit::<E>(act, task.workspace_id, &changed)
}
