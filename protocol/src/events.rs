//! The table of durable events. A row has the wire name, the kind of stream that carries the event, what the server
//! itself does when it reads the event, and the payload. Each row makes a type, which ties the event to its payload.

use crate::{
    StreamId, TaskId, UserId, WorkspaceId, account, attachment, calendar, comment, invite, member,
    notification, project, stream, tag, task, workspace,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use uuid::Uuid;

/// What is left of an entry whose task was purged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forgotten {
    /// The entity that the entry was about.
    pub id: Uuid,
    /// Always true.
    #[schemars(extend("const" = true))]
    pub purged: bool,
}

/// A row of the table, for programs.
pub struct EventEntry {
    /// The wire name.
    pub name: &'static str,
    /// When it happens, in a sentence.
    pub doc: &'static str,
    /// The kind of stream that carries it.
    pub stream: StreamKind,
    /// What the server itself does when it reads the event in a log.
    pub effects: Effects,
    /// The schema of its payload.
    pub payload: fn(&mut SchemaGenerator) -> Schema,
    /// Whether its payload can show a task. When that task is purged, [`Forgotten`] takes the payload's place.
    pub forgettable: bool,
    /// Reads from a payload which user loses access to the stream by this event.
    pub loses_access: fn(&RawValue) -> serde_json::Result<Option<UserId>>,
}

impl EventEntry {
    /// The row with this wire name; `None` for an event of a newer server.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static EventEntry> {
        EVENTS.iter().find(|entry| entry.name == name)
    }
}

/// The kind of stream that carries an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// `user:<id>`.
    User,
    /// `workspace:<id>`.
    Workspace,
    /// Either.
    Any,
}

/// What the server itself does when it reads an event in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// It changes accounts, sessions or memberships: what is cached about them is stale.
    pub accounts: bool,
    /// A user loses access to the stream: [`Payload::loses_access`] returns the user.
    pub ends_access: bool,
    /// Earlier entries of the stream were rewritten together with it.
    pub rewrites_past: bool,
}

impl Effects {
    /// The server does nothing when it reads the event.
    pub const NONE: Effects = Effects {
        accounts: false,
        ends_access: false,
        rewrites_past: false,
    };
}

/// A durable event as a type, which ties its wire name to its payload.
pub trait EventType {
    /// The wire name.
    const NAME: &'static str;
    /// Its row of the table.
    const ENTRY: EventEntry;
    /// Which streams can carry it.
    type Stream: Into<StreamId> + Copy;
    /// What `data` holds on the wire.
    type Payload: Payload + DeserializeOwned;
}

/// An event whose payload is complete when the mutation decides.
pub trait PlainEvent: EventType {}

/// An event whose payload also carries a count that is known only when the log entry gets its `seq`: `unread`, as the
/// last member of the payload.
pub trait CountedEvent: EventType<Stream = UserId> {
    /// The payload without the count.
    type Uncounted: Payload;
}

/// What an event's `data` holds: a JSON object.
pub trait Payload: Serialize {
    /// Whether it can show a task.
    const SHOWS_A_TASK: bool = false;

    /// The task whose content it shows. When that task is purged, the payload is rewritten to its id.
    fn task(&self) -> Option<TaskId> {
        None
    }

    /// The user who loses access to the stream by this event.
    fn loses_access(&self) -> Option<UserId> {
        None
    }
}

macro_rules! stream_of {
    (user) => {
        UserId
    };
    (workspace) => {
        WorkspaceId
    };
    (any) => {
        StreamId
    };
}

macro_rules! stream_kind {
    (user) => {
        StreamKind::User
    };
    (workspace) => {
        StreamKind::Workspace
    };
    (any) => {
        StreamKind::Any
    };
}

macro_rules! plain_or_counted {
    ($variant:ident) => {
        impl PlainEvent for $variant {}
    };
    ($variant:ident $uncounted:ty) => {
        impl CountedEvent for $variant {
            type Uncounted = $uncounted;
        }
    };
}

/// A row: `/// doc` `Name "wire.name" stream(effects): Payload, counting Uncounted;`, where the effects and the part
/// after the comma may be left out.
macro_rules! events {
    ($( #[doc = $doc:literal] $variant:ident $name:literal $stream:ident $( ( $($effect:ident),* ) )? :
        $payload:ty $( , counting $uncounted:ty )? ; )*) => {
        /// A durable event with its payload.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event {
            $( #[doc = $doc] $variant(Box<$payload>), )*
            /// An entry whose task was purged: ignore it.
            Forgotten(Forgotten),
            /// An event of a newer server: ignore it.
            Unknown,
        }

        /// Every event.
        pub const EVENTS: &[EventEntry] = &[ $( <$variant as EventType>::ENTRY, )* ];

        $(
            #[doc = $doc]
            #[derive(Clone, Copy, Debug)]
            pub struct $variant;

            impl EventType for $variant {
                const NAME: &'static str = $name;
                const ENTRY: EventEntry = EventEntry {
                    name: $name,
                    doc: $doc.trim_ascii(),
                    stream: stream_kind!($stream),
                    effects: Effects { $( $( $effect: true, )* )? ..Effects::NONE },
                    payload: |generator| generator.subschema_for::<$payload>(),
                    forgettable: <$payload as Payload>::SHOWS_A_TASK,
                    loses_access: |data| {
                        serde_json::from_str::<$payload>(data.get()).map(|payload| payload.loses_access())
                    },
                };
                type Stream = stream_of!($stream);
                type Payload = $payload;
            }

            plain_or_counted!($variant $( $uncounted )?);
        )*

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
    /// A task was created.
    TaskCreated "task.created" workspace: task::Task;
    /// A task was changed, replaced or assigned.
    TaskUpdated "task.updated" workspace: task::Task;
    /// A task was completed, by whatever operation.
    TaskCompleted "task.completed" workspace: task::Task;
    /// A completed task was reopened, by whatever operation.
    TaskReopened "task.reopened" workspace: task::Task;
    /// A task was deleted; it can be restored.
    TaskDeleted "task.deleted" workspace: task::Task;
    /// A deleted task was restored.
    TaskRestored "task.restored" workspace: task::Task;
    /// A task was moved.
    TaskMoved "task.moved" workspace: task::Task;
    /// A task was deleted permanently.
    TaskPurged "task.purged" workspace(rewrites_past): task::Purged;
    /// A comment was written.
    CommentCreated "comment.created" workspace: comment::CommentChanged;
    /// The body of a comment was changed.
    CommentUpdated "comment.updated" workspace: comment::CommentChanged;
    /// A comment was deleted.
    CommentDeleted "comment.deleted" workspace: comment::CommentChanged;
    /// A file was uploaded to a task.
    AttachmentCreated "attachment.created" workspace: attachment::AttachmentChanged;
    /// An attachment was deleted. The payload is the attachment as it was.
    AttachmentDeleted "attachment.deleted" workspace: attachment::AttachmentChanged;
    /// A workspace was created. This is the first event of its stream.
    WorkspaceCreated "workspace.created" workspace(accounts): workspace::Workspace;
    /// A workspace's name or stages changed.
    WorkspaceUpdated "workspace.updated" workspace(accounts): workspace::Workspace;
    /// The workspace was deleted. This is the last event of its stream.
    WorkspaceDeleted "workspace.deleted" workspace(accounts): workspace::WorkspaceDeleted;
    /// A user joined the workspace.
    MemberAdded "member.added" workspace(accounts): member::MemberJoined;
    /// A member's role or profile changed.
    MemberUpdated "member.updated" workspace(accounts): member::Member;
    /// A member left or was removed.
    MemberRemoved "member.removed" workspace(accounts, ends_access): member::MemberRemoved;
    /// A project was created.
    ProjectCreated "project.created" workspace: project::Project;
    /// A project was changed, moved or archived.
    ProjectUpdated "project.updated" workspace: project::Project;
    /// A project was deleted. Its tasks have events of their own.
    ProjectDeleted "project.deleted" workspace: project::ProjectDeleted;
    /// A tag was made, by `tag.create` or by the first task that carries it.
    TagCreated "tag.created" workspace: tag::Tag;
    /// A tag has another name or color. The tasks that carry it have events of their own.
    TagUpdated "tag.updated" workspace: tag::Tag;
    /// A tag was deleted, or became one with another. The tasks that carried it have events of their own.
    TagDeleted "tag.deleted" workspace: tag::TagDeleted;
    /// Somebody was invited to the workspace. `invite.list` shows the invitation to admins.
    InviteCreated "invite.created" workspace: invite::InviteChanged;
    /// An invitation ended: it was revoked or replaced, has expired, or was accepted as often as it may be.
    InviteRevoked "invite.revoked" any: invite::InviteChanged;
    /// The user was invited to a workspace.
    InviteReceived "invite.received" user: invite::Invite;
    /// Too much changed at once: take a new snapshot.
    StreamReset "stream.reset" any(accounts): stream::StreamReset;
    /// A notification was created.
    NotificationCreated "notification.created" user: notification::NotificationChanged,
        counting notification::Notification;
    /// A notification was marked.
    NotificationUpdated "notification.updated" user: notification::NotificationChanged,
        counting notification::Notification;
    /// All notifications were marked as read.
    NotificationAllRead "notification.all_read" user: notification::AllRead, counting notification::ReadUpTo;
    /// A notification was deleted.
    NotificationDeleted "notification.deleted" user: notification::NotificationDeleted,
        counting notification::NotificationGone;
    /// The user may now read a workspace.
    AccessGranted "access.granted" user(accounts): workspace::AccessGranted;
    /// The user's role in a workspace changed.
    AccessChanged "access.changed" user(accounts): workspace::AccessChanged;
    /// The user may no longer read a workspace.
    AccessLost "access.lost" user(accounts): workspace::AccessLost;
    /// The user's profile changed.
    ProfileUpdated "profile.updated" user(accounts): account::User;
    /// The user signed in.
    SessionCreated "session.created" user(accounts): account::Session;
    /// A session ended.
    SessionRevoked "session.revoked" user(accounts): account::SessionRevoked;
    /// An API token was made. No snapshot has it: `api_token.list` lists them.
    ApiTokenCreated "api_token.created" user: account::ApiToken;
    /// An API token was revoked.
    ApiTokenRevoked "api_token.revoked" user(accounts): account::ApiTokenRevoked;
    /// A calendar feed was made. No snapshot has it.
    CalendarCreated "calendar.created" user: calendar::CalendarCreated;
    /// The calendar feed ended.
    CalendarRevoked "calendar.revoked" user: calendar::CalendarRevoked;
}

macro_rules! payloads_of_no_task {
    ($($payload:ty),*) => { $( impl Payload for $payload {} )* };
}

payloads_of_no_task!(
    workspace::Workspace,
    workspace::WorkspaceDeleted,
    member::Member,
    project::Project,
    project::ProjectDeleted,
    tag::Tag,
    tag::TagDeleted,
    member::MemberJoined,
    invite::Invite,
    invite::InviteChanged,
    stream::StreamReset,
    notification::AllRead,
    notification::ReadUpTo,
    notification::NotificationDeleted,
    notification::NotificationGone,
    workspace::AccessGranted,
    workspace::AccessChanged,
    workspace::AccessLost,
    account::User,
    account::Session,
    account::SessionRevoked,
    account::ApiToken,
    account::ApiTokenRevoked,
    calendar::CalendarCreated,
    calendar::CalendarRevoked
);

macro_rules! payloads_of_a_task {
    ($($payload:ty: $task:expr;)*) => { $( impl Payload for $payload {
        const SHOWS_A_TASK: bool = true;

        fn task(&self) -> Option<TaskId> {
            let of: fn(&$payload) -> Option<TaskId> = $task;
            of(self)
        }
    } )* };
}

payloads_of_a_task! {
    task::Task: |task| Some(task.id);
    task::Purged: |task| Some(task.id);
    comment::CommentChanged: |changed| Some(changed.comment.task_id);
    attachment::AttachmentChanged: |changed| Some(changed.attachment.task_id);
    notification::Notification: |notification| notification.task_id;
    notification::NotificationChanged: |changed| changed.notification.task_id;
}

impl Payload for member::MemberRemoved {
    fn loses_access(&self) -> Option<UserId> {
        Some(self.user_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_its_name() {
        for entry in EVENTS {
            let found = EventEntry::find(entry.name).map(|found| found.name);
            assert_eq!(found, Some(entry.name));
        }
        assert!(EventEntry::find("of.a.newer.server").is_none());
    }

    #[test]
    fn the_payload_tells_which_user_loses_access() {
        let user = UserId(Uuid::from_u128(1));
        let data = serde_json::value::to_raw_value(&member::MemberRemoved { user_id: user }).expect("JSON");
        let entry = EventEntry::find("member.removed").expect("a row");
        assert!(entry.effects.ends_access);
        assert_eq!((entry.loses_access)(&data).expect("a payload"), Some(user));
    }
}
