//! What each operation does: a file a noun. A mutation says what it needs in memory and then decides on it, without
//! waiting for anything; a query reads. The engine decides who may ask, in which order and in which transaction, and
//! tells everybody who watches.
//!
//! - `caller`    who asks, and what a request is about
//! - `step`      mutations of the server's own, which the table of operations does not have
//! - `act`       one mutation being decided
//! - `mutation`, `query`, `command`   what an operation provides
//! - `needs`, `world`, `rows`   what a group of mutations holds in memory: derived from the table of entities below
//! - `notices`   who is notified of what
//! - `accounts`, `sessions`, `workspaces`, `members`, `tasks`, `notifications`, `streams`, `presence`, `admin`   the nouns
//! - `node`      what operations ask of the node beside its database
//! - `cascade`   a change that reaches many tasks
//! - `cursor`    where a page of a list ended

pub mod accounts;
mod act;
pub mod admin;
mod caller;
mod cascade;
mod command;
pub mod cursor;
pub mod members;
mod mutation;
mod needs;
pub mod node;
mod notices;
pub mod notifications;
pub mod presence;
mod query;
pub mod rows;
pub mod sessions;
mod step;
pub mod streams;
pub mod tasks;
pub mod workspaces;
pub mod world;

use crate::store::{StoreError, Trouble};
use serde::Serialize;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure};

pub use crate::store::users::Login;
pub use act::Act;
pub use caller::{Caller, Target, Targeted};
pub use command::Command;
pub use mutation::{Change, Decide, Mutation};
pub use needs::Needs;
pub use query::{Ask, Query};

/// The table of entities. Calls `$callback!` with two lists:
///
/// - `entities`: the rows that mutations change, one table each. From a row derive the set of keys in [`Needs`], the
///   cell of the [`World`](world::World), loading and writing (`engine::load`, `engine::write`).
///   `ordered`: the stream that every change of a row advances, its workspace's or a user's. `concerns`: `accounts` if a
///   change makes cached sessions and memberships void, else `content`. `store`: the module of the store whose
///   `load` and `write` it calls.
/// - `lookups`: other ways to find such rows, for mutations that cannot name their keys; `engine::lookups` has a function
///   of the same name for each. They are done in this order, after the entities were loaded.
macro_rules! for_each_entity {
    ($callback:ident) => {
        $callback! {
            entities {
                /// Accounts.
                accounts: taskwire_protocol::UserId => $crate::store::users::Account,
                    ordered(user), concerns(accounts), store(users);
                /// Workspaces themselves, without their members.
                workspaces: taskwire_protocol::WorkspaceId => taskwire_protocol::workspace::Workspace,
                    ordered(user), concerns(accounts), store(workspaces);
                /// Sessions.
                sessions: taskwire_protocol::SessionId => $crate::store::sessions::SessionRecord,
                    ordered(user), concerns(accounts), store(sessions);
                /// Tasks. Their workspaces are locked, and the members of these are known.
                tasks: taskwire_protocol::TaskId => taskwire_protocol::task::Task,
                    ordered(workspace), concerns(content), store(tasks);
                /// Notifications of a user.
                notifications: (taskwire_protocol::UserId, taskwire_protocol::NotificationId) =>
                    taskwire_protocol::notification::Notification,
                    ordered(user), concerns(content), store(notifications);
            }
            lookups {
                /// Accounts by e-mail address or username.
                logins: $crate::store::users::Login, ordered(user);
                /// When the newest of these users' notifications was made, for a mutation that concerns all of them.
                newest: taskwire_protocol::UserId, ordered(user);
                /// The sessions of these accounts that have not ended.
                sessions_of: taskwire_protocol::UserId, ordered(user);
                /// The subtasks of these tasks.
                children: taskwire_protocol::TaskId, ordered(workspace);
                /// The tasks above these.
                ancestors: taskwire_protocol::TaskId, ordered(workspace);
                /// The tasks that somebody is assigned to in a workspace.
                assigned: (taskwire_protocol::WorkspaceId, taskwire_protocol::UserId), ordered(workspace);
                /// The tasks near these, before (true) or after (false) them in the order by hand.
                neighbours: (taskwire_protocol::TaskId, bool), ordered(workspace);
                /// The notifications about these tasks, and the streams of their recipients.
                notified: taskwire_protocol::TaskId, ordered(user);
            }
        }
    };
}

pub(crate) use for_each_entity;

/// What every operation returns.
pub type Result<T> = std::result::Result<T, Failure>;

/// Encodes what cannot fail to be encoded.
pub fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        tracing::error!(error = %error, "a value cannot be encoded");
        bug("a value cannot be encoded")
    })
}

/// What a client is told of a failed database. The conversion writes the detail to the log, once.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        tracing::warn!(error = %error, "the database failed");
        match error.trouble {
            Trouble::Unavailable | Trouble::Contended => Failure::new(
                ErrorCode::Unavailable,
                "the database is not available just now; try again",
            ),
            Trouble::Full => Failure::new(
                ErrorCode::StorageFull,
                "the server's storage is full; nothing was changed",
            ),
            Trouble::Taken => Failure::new(ErrorCode::Conflict, "it was taken in the meantime"),
            Trouble::Bug => bug("the server failed; its log has the reason under this request_id"),
        }
    }
}

/// A bug of this program.
pub fn bug(message: &str) -> Failure {
    Failure::new(ErrorCode::InternalError, message)
}

/// It does not exist, or the caller may not know that it does.
pub fn not_found(what: &str) -> Failure {
    Failure::new(ErrorCode::NotFound, format!("there is no such {what}"))
}

/// The state does not allow it.
pub fn conflict(message: &str) -> Failure {
    Failure::new(ErrorCode::Conflict, message)
}

/// An answer with nothing to say.
pub const DONE: Nothing = Nothing {};
