//! What a user's own stream tells the server itself: access that came or went, sessions that ended. Reads a frame's
//! event name without parsing it, and parses the few that matter. Does not know what a socket does about them.

use taskwire_protocol::{SessionId, WorkspaceId};

/// Something in the user's own stream that the socket acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The user may read a workspace from `seq` on: join it when the socket follows all streams.
    Granted {
        /// The workspace.
        workspace: WorkspaceId,
        /// The head of its stream at that moment.
        seq: u64,
    },
    /// The user may no longer read a workspace; its cursor is gone already.
    Lost {
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// A session ended, this socket's or another one of the user.
    SessionRevoked {
        /// The session.
        session: SessionId,
    },
    /// The account changed: whether it is still active, and what it may do, must be asked again.
    AccountChanged,
}
