//! The table of durable events: a wire name and a payload each.

use crate::{account, member, notification, stream, task, workspace};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// What is left of an entry whose task was purged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forgotten {
    /// The entity that the entry was about.
    pub id: Uuid,
    /// Always true.
    pub purged: bool,
}

/// A row of the table, for programs.
pub struct EventEntry {
    /// The wire name.
    pub name: &'static str,
    /// When it happens, in a sentence.
    pub doc: &'static str,
    /// The schema of its payload.
    pub payload: fn(&mut SchemaGenerator) -> Schema,
}

macro_rules! events {
    ($( #[doc = $doc:literal] $variant:ident $name:literal: $payload:ty; )*) => {
        /// A durable event, read.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event {
            $( #[doc = $doc] $variant(Box<$payload>), )*
            /// An entry whose task was purged: pass over it.
            Forgotten(Forgotten),
            /// Of a newer server: pass over it.
            Unknown,
        }

        /// Every event.
        pub const EVENTS: &[EventEntry] = &[ $( EventEntry {
            name: $name,
            doc: $doc.trim_ascii(),
            payload: |generator| generator.subschema_for::<$payload>(),
        }, )* ];

        /// The wire names, one constant each.
        pub mod names { $( #[doc = $doc] #[allow(non_upper_case_globals)] pub const $variant: &str = $name; )* }

        impl Event {
            /// Reads an event's payload.
            ///
            /// # Errors
            /// When the payload is not what the table says.
            pub fn read(name: &str, data: &RawValue) -> serde_json::Result<Event> {
                let event = match name {
                    $( $name => serde_json::from_str(data.get()).map(|p| Event::$variant(Box::new(p))), )*
                    _ => return Ok(Event::Unknown),
                };
                event.or_else(|error| match serde_json::from_str::<Forgotten>(data.get()) {
                    Ok(forgotten) => Ok(Event::Forgotten(forgotten)),
                    Err(_) => Err(error),
                })
            }
        }
    };
}

events! {
    /// A task was made.
    TaskCreated "task.created": task::Task;
    /// A task was changed, replaced or assigned.
    TaskUpdated "task.updated": task::Task;
    /// A task was completed.
    TaskCompleted "task.completed": task::Task;
    /// A completed task was reopened.
    TaskReopened "task.reopened": task::Task;
    /// A task was deleted; it can be restored.
    TaskDeleted "task.deleted": task::Task;
    /// A deleted task was restored.
    TaskRestored "task.restored": task::Task;
    /// A task was moved.
    TaskMoved "task.moved": task::Task;
    /// A task is gone for good.
    TaskPurged "task.purged": task::Purged;
    /// A workspace was made: the first event of its stream.
    WorkspaceCreated "workspace.created": workspace::Workspace;
    /// Somebody joined the workspace.
    MemberAdded "member.added": member::Member;
    /// A member's role or profile changed.
    MemberUpdated "member.updated": member::Member;
    /// A member left or was removed.
    MemberRemoved "member.removed": member::MemberRemoved;
    /// Too much changed at once: sync again.
    StreamReset "stream.reset": stream::StreamReset;
    /// A notification came.
    NotificationCreated "notification.created": notification::NotificationChanged;
    /// A notification was marked.
    NotificationUpdated "notification.updated": notification::NotificationChanged;
    /// All notifications were marked as read.
    NotificationAllRead "notification.all_read": notification::AllRead;
    /// A notification was deleted.
    NotificationDeleted "notification.deleted": notification::NotificationDeleted;
    /// The user may read a workspace from now on.
    AccessGranted "access.granted": workspace::AccessGranted;
    /// The user's role in a workspace changed.
    AccessChanged "access.changed": workspace::AccessChanged;
    /// The user may no longer read a workspace.
    AccessLost "access.lost": workspace::AccessLost;
    /// The profile changed.
    ProfileUpdated "profile.updated": account::User;
    /// A sign-in.
    SessionCreated "session.created": account::Session;
    /// A session ended.
    SessionRevoked "session.revoked": account::SessionRevoked;
}
