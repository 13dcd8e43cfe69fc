//! The ids: newtypes over UUID, so that a task's id in the place of a user's does not compile. Makes no ids: the server
//! makes UUIDv7 (RFC 9562, section 5.7), and clients make those of `task.create` and every `op_id`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};
use uuid::Uuid;

/// Makes the types of ids. A file with a new noun may call it for that noun's id.
macro_rules! ids {
    ($( #[doc = $doc:literal] $name:ident; )*) => { $(
        #[doc = $doc]
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                $name(id)
            }
        }

        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )* };
}

ids! {
    /// A user's account.
    UserId;
    /// A workspace.
    WorkspaceId;
    /// A task.
    TaskId;
    /// A project.
    ProjectId;
    /// A tag.
    TagId;
    /// A notification.
    NotificationId;
    /// An invitation.
    InviteId;
    /// A session: one sign-in on one device.
    SessionId;
    /// An instance of the server, from its start to its end.
    InstanceId;
    /// Makes a mutation exactly-once: a UUID that the client makes for one intent.
    OpId;
}

/// A durable log: `user:<id>` or `workspace:<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// A user's own stream: notifications, profile, sessions, memberships.
    User(UserId),
    /// All changes in a workspace.
    Workspace(WorkspaceId),
}

impl StreamId {
    /// The id without its kind. It is unique among all streams: users and workspaces never share an id.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        match self {
            StreamId::User(id) => id.0,
            StreamId::Workspace(id) => id.0,
        }
    }
}

impl From<UserId> for StreamId {
    fn from(id: UserId) -> Self {
        StreamId::User(id)
    }
}

impl From<WorkspaceId> for StreamId {
    fn from(id: WorkspaceId) -> Self {
        StreamId::Workspace(id)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamId::User(id) => write!(f, "user:{id}"),
            StreamId::Workspace(id) => write!(f, "workspace:{id}"),
        }
    }
}

/// A text that is not the name of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAStream;

impl fmt::Display for NotAStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stream must be user:<id> or workspace:<id>")
    }
}

impl std::error::Error for NotAStream {}

impl FromStr for StreamId {
    type Err = NotAStream;
    fn from_str(text: &str) -> Result<Self, NotAStream> {
        match text.split_once(':') {
            Some(("user", id)) => id.parse().map(StreamId::User).map_err(|_| NotAStream),
            Some(("workspace", id)) => id.parse().map(StreamId::Workspace).map_err(|_| NotAStream),
            _ => Err(NotAStream),
        }
    }
}

impl Serialize for StreamId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for StreamId {
    fn schema_name() -> Cow<'static, str> {
        "StreamId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A durable log: `user:<id>` or `workspace:<id>`.",
            "type": "string",
            "pattern": "^(user|workspace):[0-9a-f-]{36}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_reads_back_what_it_writes() {
        let id = StreamId::Workspace(WorkspaceId(Uuid::from_u128(7)));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("project:1".parse::<StreamId>(), Err(NotAStream));
    }
}
