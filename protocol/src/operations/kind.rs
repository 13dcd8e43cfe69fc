//! What an operation does to state, and who may send it.

use crate::member::Role;

/// What an operation does to the server's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads.
    Query,
    /// Changes state, in one transaction with its log entries; takes an `op_id`.
    Mutation,
    /// Acts at once and leaves no log entry, so it has no `op_id`: sent twice, it acts twice.
    Command,
    /// Concerns the socket or the sign-in itself.
    Session,
}

/// Who may send an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Before authentication too.
    Anyone,
    /// Anybody signed in, for what is theirs.
    User,
    /// At least a viewer of the workspace concerned.
    Viewer,
    /// At least a member of it.
    Member,
    /// At least an admin of it.
    Admin,
    /// Its owner.
    Owner,
    /// The global role `admin`.
    ServerAdmin,
}

impl Access {
    /// The least role in the workspace concerned, where one is needed.
    #[must_use]
    pub fn role(self) -> Option<Role> {
        match self {
            Access::Anyone | Access::User | Access::ServerAdmin => None,
            Access::Viewer => Some(Role::Viewer),
            Access::Member => Some(Role::Member),
            Access::Admin => Some(Role::Admin),
            Access::Owner => Some(Role::Owner),
        }
    }
}
