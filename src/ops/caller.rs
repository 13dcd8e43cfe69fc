//! Who sends a request, and what the request is about.

use super::{Grant, Result};
use std::sync::Arc;
use taskwire_protocol::account::{GlobalRole, PublicUser};
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{
    Access, AttachmentId, CommentId, Kind, Operation, ProjectId, SessionId, TagId, TaskId, UserId,
    WorkspaceId,
};

/// The account of a request, and who acts on its behalf. Made once per socket or HTTP request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account for which the request acts.
    pub user: PublicUser,
    /// The session of the token. An API token is a session of its own, with its id.
    pub session: SessionId,
    /// The API token that the request comes with, if it is one.
    pub grant: Option<Arc<Grant>>,
    /// What the account may do on the whole server.
    pub role: GlobalRole,
    /// The account's own workspace: the default where a request names none.
    pub personal: WorkspaceId,
    /// Who acts: the account itself, the server, or an operator on the account's behalf.
    pub actor: Signature,
}

/// An actor, encoded once for every log entry of a caller.
#[derive(Clone, Debug)]
pub struct Signature {
    actor: Actor,
    json: Arc<str>,
}

impl Signature {
    /// Whether the account itself acts.
    pub fn is_user(&self) -> bool {
        matches!(self.actor, Actor::User { .. })
    }

    /// The actor.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The actor as JSON.
    pub fn json(&self) -> &Arc<str> {
        &self.json
    }
}

impl From<Actor> for Signature {
    fn from(actor: Actor) -> Signature {
        // an actor is text and ids, which always encode
        let json = serde_json::to_string(&actor).unwrap_or_default().into();
        Signature { actor, json }
    }
}

impl Caller {
    /// An account that acts itself.
    pub fn new(user: PublicUser, session: SessionId, role: GlobalRole, personal: WorkspaceId) -> Caller {
        let actor = Actor::user(user.id, user.name.clone());
        Caller {
            user,
            session,
            grant: None,
            role,
            personal,
            actor: actor.into(),
        }
    }

    /// An account for which a program acts, with an API token.
    pub fn with_token(user: PublicUser, grant: Grant, personal: WorkspaceId) -> Caller {
        let actor = Actor::User {
            id: user.id,
            name: user.name.clone(),
            token: Some(grant.name.clone()),
        };
        let session = SessionId(grant.token.0);
        let caller = Caller::new(user, session, GlobalRole::User, personal);
        Caller {
            grant: Some(Arc::new(grant)),
            ..caller.as_actor(actor)
        }
    }

    /// This caller with another actor: the server, or an operator on the account's behalf.
    #[must_use]
    pub fn as_actor(self, actor: Actor) -> Caller {
        let actor = actor.into();
        Caller { actor, ..self }
    }
}

/// What an API token leaves to its user.
impl Caller {
    /// Whether the caller may send an operation, as far as their API token is concerned.
    ///
    /// # Errors
    /// `FORBIDDEN`
    #[inline]
    pub fn may(&self, name: &str, kind: Kind, access: Access) -> Result<()> {
        match &self.grant {
            None => Ok(()),
            Some(grant) => grant.may(name, kind, access),
        }
    }

    /// The workspaces that the caller's API token is limited to; `None` for all of the user's.
    pub fn only(&self) -> Option<&[WorkspaceId]> {
        self.grant.as_deref()?.only()
    }

    /// Whether the caller's API token sees this workspace, if the user does. Everything else looks as to a stranger.
    pub fn reaches(&self, workspace: WorkspaceId) -> bool {
        self.only()
            .is_none_or(|only| only.binary_search(&workspace).is_ok())
    }

    /// Whether the caller sees the user's own stream, and what is in it.
    pub fn reaches_own(&self) -> bool {
        self.only().is_none()
    }
}

/// What an operation is about. It decides who may do it, and which stream is locked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The caller's own data: their user stream.
    Own,
    /// An account, for those who administer the server.
    User(UserId),
    /// A workspace.
    Workspace(WorkspaceId),
    /// A task, and the workspace that holds it.
    Task(TaskId),
    /// A comment, its task, and the workspace that holds it.
    Comment(CommentId),
    /// An attachment, its task, and the workspace that holds it.
    Attachment(AttachmentId),
    /// A project, and the workspace that holds it.
    Project(ProjectId),
    /// A tag, and the workspace that holds it.
    Tag(TagId),
    /// A workspace of which the caller need not be a member.
    Outside(WorkspaceId),
}

/// An operation that has a target.
pub trait Targeted: Operation {
    /// What the operation is about.
    fn target(&self, _caller: &Caller) -> Target {
        Target::Own
    }
}

/// Operations whose target is the task in their field `id`.
macro_rules! targets_a_task {
    ($($operation:ty),* $(,)?) => { $(
        impl $crate::ops::Targeted for $operation {
            fn target(&self, _: &$crate::ops::Caller) -> $crate::ops::Target {
                $crate::ops::Target::Task(self.id)
            }
        }
    )* };
}

/// Operations whose target is the project in their field `id`.
macro_rules! targets_a_project {
    ($($operation:ty),* $(,)?) => { $(
        impl $crate::ops::Targeted for $operation {
            fn target(&self, _: &$crate::ops::Caller) -> $crate::ops::Target {
                $crate::ops::Target::Project(self.id)
            }
        }
    )* };
}

/// Operations whose target is the tag in their field `id`.
macro_rules! targets_a_tag {
    ($($operation:ty),* $(,)?) => { $(
        impl $crate::ops::Targeted for $operation {
            fn target(&self, _: &$crate::ops::Caller) -> $crate::ops::Target {
                $crate::ops::Target::Tag(self.id)
            }
        }
    )* };
}

/// Operations whose target is the workspace in their field `workspace_id`.
macro_rules! targets_a_workspace {
    ($($operation:ty),* $(,)?) => { $(
        impl $crate::ops::Targeted for $operation {
            fn target(&self, _: &$crate::ops::Caller) -> $crate::ops::Target {
                $crate::ops::Target::Workspace(self.workspace_id)
            }
        }
    )* };
}

/// Operations whose target is the account in their field `id`.
macro_rules! targets_a_user {
    ($($operation:ty),* $(,)?) => { $(
        impl $crate::ops::Targeted for $operation {
            fn target(&self, _: &$crate::ops::Caller) -> $crate::ops::Target {
                $crate::ops::Target::User(self.id)
            }
        }
    )* };
}

/// Operations on the caller's own data.
macro_rules! targets_the_caller {
    ($($operation:ty),* $(,)?) => { $( impl $crate::ops::Targeted for $operation {} )* };
}

pub(super) use {
    targets_a_project, targets_a_tag, targets_a_task, targets_a_user, targets_a_workspace, targets_the_caller,
};
