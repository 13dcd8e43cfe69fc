//! What an operation does to state, and who may send it.

use crate::member::Role;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads.
    Query,
    /// Changes state. The change and its log entries are one transaction. Takes an `op_id`.
    Mutation,
    /// Acts at once and leaves no log entry. It takes no `op_id`: sent twice, it acts twice.
    Command,
    /// Concerns the socket or the sign-in itself.
    Session,
}

/// Who may send an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Everyone, also before authentication.
    Anyone,
    /// Every signed-in user, for their own data.
    User,
    /// At least a viewer of the workspace concerned.
    Viewer,
    /// At least a member of the workspace concerned.
    Member,
    /// At least an admin of the workspace concerned.
    Admin,
    /// An owner of the workspace concerned.
    Owner,
    /// An account with the global role `admin`.
    ServerAdmin,
}

impl Access {
    /// The minimum role in the workspace concerned, if one is needed.
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
