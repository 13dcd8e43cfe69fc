//! What each operation does, one file per noun. A mutation names the rows that it needs in memory, then decides on
//! them without waiting for anything. A query reads. The engine authorizes the caller, chooses the order and the
//! transaction, and publishes the result.
//!
//! - `caller`    who sends a request, and what it is about; `grant` what an API token may do
//! - `step`      the server's own mutations, which are not in the table of operations
//! - `act`       one mutation being decided; `asked` the request that a task works for, for the log
//! - `mutation`, `query`, `command`   what an operation provides
//! - `needs`, `world`, `rows`   what a group of mutations holds in memory: derived from the table of entities below
//! - `notices`   who is notified of what; `alarms` who is told about a task when its time comes
//! - `letters`   what is mailed; `codes` what mails prove,
//!   `devices` sign-ins that another device completes
//! - `access`    all that gives access to an account, and its end
//! - `bounds`    how many workspaces and members an account may have, and how much it may store
//! - `accounts`, `second_sign_up`, `profiles`, `photos`, `addresses`, `resets`, `sessions`, `api_tokens`, `calendars`, `deletion`,
//!   `workspaces`, `snapshots`, `members` (`joining`), `invites`, `projects`, `tags`, `tasks`, `comments`, `attachments`,
//!   `notifications`, `streams`, `presence`,
//!   `admin`, `users`,
//!   `first_admin`   the nouns
//! - `imports`   what a file makes in a workspace
//! - `node`      what operations ask of the node itself, not of its database
//! - `cascade`   a change that reaches many tasks; `stages` what a change of stages does to them
//! - `cursor`    where a page of a list ended

mod access;
pub mod accounts;
mod act;
pub mod addresses;
pub mod admin;
pub mod alarms;
pub mod api_tokens;
pub mod asked;
pub mod attachments;
pub mod bounds;
pub mod calendars;
mod caller;
mod cascade;
pub mod codes;
mod command;
pub mod comments;
pub mod cursor;
pub mod deletion;
pub mod detach;
pub mod devices;
pub mod first_admin;
mod grant;
pub mod imports;
pub mod invites;
mod joining;
pub mod letters;
pub mod members;
mod mutation;
mod needs;
pub mod node;
mod notices;
pub mod notifications;
pub mod photos;
pub mod presence;
pub mod profiles;
pub mod projects;
mod query;
pub mod resets;
pub mod rows;
pub mod second_sign_up;
pub mod sessions;
pub mod snapshots;
mod stages;
mod statistics;
mod step;
pub mod streams;
pub mod tags;
pub mod tasks;
pub mod users;
pub mod workspaces;
pub mod world;

use crate::store::{StoreError, Trouble};
use serde::Serialize;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure};

pub use crate::store::users::Login;
pub use act::{Act, Place};
pub use caller::{Caller, Target, Targeted};
pub use command::Command;
pub use grant::Grant;
pub use mutation::{Change, Decide, InviteName, Mutation};
pub use needs::Needs;
pub use query::{Ask, Index, Load, Query};

/// The table of entities. Calls `$callback!` with two lists:
///
/// - `entities`: the rows that mutations change, one table each. The set of keys in [`Needs`], the cell of the
///   [`World`](world::World), loading and writing (`engine::load`, `engine::write`) are derived from each line.
///   `ordered`: the stream that every change of a row advances: its workspace's or a user's. `concerns`: `accounts` if
///   a change invalidates cached sessions and memberships, else `content`. `store`: the module of the store that has
///   the row's `load` and `write`.
/// - `lookups`: other ways to find such rows, for mutations that cannot name their keys. For each, `engine::lookups`
///   has a function with this name. Lookups run in this order, after the entities are loaded. `brings`: `many` if the
///   request does not bound what it reads. Such a lookup does not run for a mutation that is refused by what the rows
///   say that it names ([`Mutation::narrow`]).
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
                /// Who has not been told yet that a workspace was deleted.
                departures: (taskwire_protocol::UserId, taskwire_protocol::WorkspaceId) =>
                    $crate::store::departures::Departure,
                    ordered(user), concerns(content), store(departures);
                /// Invitations.
                invites: taskwire_protocol::InviteId => $crate::store::invites::InviteRecord,
                    ordered(user), concerns(content), store(invites);
                /// Sessions.
                sessions: taskwire_protocol::SessionId => $crate::store::sessions::SessionRecord,
                    ordered(user), concerns(accounts), store(sessions);
                /// API tokens.
                api_tokens: taskwire_protocol::ApiTokenId => $crate::store::api_tokens::ApiTokenRecord,
                    ordered(user), concerns(accounts), store(api_tokens);
                /// Calendar feeds, each by its user.
                calendars: taskwire_protocol::UserId => $crate::store::calendars::CalendarRecord,
                    ordered(user), concerns(content), store(calendars);
                /// Codes that were mailed.
                codes: (taskwire_protocol::UserId, $crate::store::codes::Purpose) => $crate::store::codes::CodeRecord,
                    ordered(user), concerns(content), store(codes);
                /// What people decided about programs that want to sign in.
                device_approvals: uuid::Uuid => $crate::store::device_approvals::DeviceApproval,
                    ordered(user), concerns(content), store(device_approvals);
                /// Projects. Their workspaces are locked.
                projects: taskwire_protocol::ProjectId => taskwire_protocol::project::Project,
                    ordered(workspace), concerns(content), store(projects);
                /// Tags. Their workspaces are locked.
                tags: taskwire_protocol::TagId => taskwire_protocol::tag::Tag,
                    ordered(workspace), concerns(content), store(tags);
                /// Tasks. Their workspaces are locked, and the members of those workspaces are loaded.
                tasks: taskwire_protocol::TaskId => taskwire_protocol::task::Task,
                    ordered(workspace), concerns(content), store(tasks);
                /// Comments. Their tasks are loaded too.
                comments: taskwire_protocol::CommentId => $crate::store::comments::CommentRecord,
                    ordered(workspace), concerns(content), store(comments);
                /// Attachments. Their tasks are loaded too.
                attachments: taskwire_protocol::AttachmentId => $crate::store::attachments::AttachmentRecord,
                    ordered(workspace), concerns(content), store(attachments);
                /// Where repeating tasks stand in the series of their rules.
                repeats: taskwire_protocol::TaskId => $crate::store::repeats::Repeat,
                    ordered(workspace), concerns(content), store(repeats);
                /// When to look whether people are to be told about tasks.
                alarms: $crate::store::alarms::AlarmKey => $crate::store::alarms::Alarm,
                    ordered(user), concerns(content), store(alarms);
                /// Notifications of a user.
                notifications: (taskwire_protocol::UserId, taskwire_protocol::NotificationId) =>
                    taskwire_protocol::notification::Notification,
                    ordered(user), concerns(content), store(notifications);
            }
            lookups {
                /// Accounts by e-mail address or username.
                logins: $crate::store::users::Login, ordered(user), brings(few);
                /// The accounts that have these logins.
                accounts_of: $crate::store::users::Login, ordered(user), brings(few);
                /// All invitations to a workspace.
                invites_of: taskwire_protocol::WorkspaceId, ordered(user), brings(many);
                /// Whether a user shares a workspace with the account that has a login.
                acquainted: (taskwire_protocol::UserId, $crate::store::users::Login), ordered(user), brings(few);
                /// The active administrators, if this account may stop being one of them. All their streams are locked.
                administrators: taskwire_protocol::UserId, ordered(user), brings(few);
                /// The active administrators, if this account may become the first one. No two transactions ask at once.
                founders: taskwire_protocol::UserId, ordered(user), brings(few);
                /// How many workspaces the account with this login has. Its stream is locked.
                joining: $crate::store::users::Login, ordered(user), brings(many);
                /// How many workspaces these users have. Their streams are locked.
                taking: taskwire_protocol::UserId, ordered(user), brings(few);
                /// How many workspaces a user has and owns. The user's stream must be the target's.
                belongings: taskwire_protocol::UserId, ordered(user), brings(few);
                /// The team workspaces that have other members, and this user as their only owner.
                sole_ownerships: taskwire_protocol::UserId, ordered(user), brings(few);
                /// How much these users store, and their accounts, if a plan bounds it. Their streams are locked.
                stored: taskwire_protocol::UserId, ordered(user), brings(few);
                /// The accounts of a workspace's owners. The workspace must be the target's.
                owners: taskwire_protocol::WorkspaceId, ordered(user), brings(many);
                /// When each user's newest notification was made, for a mutation that changes all of them.
                newest: taskwire_protocol::UserId, ordered(user), brings(few);
                /// The oldest notifications of a user whose ids are before this one.
                old_notifications: (taskwire_protocol::UserId, uuid::Uuid), ordered(user), brings(many);
                /// Some of a user's notifications about a task.
                told: (taskwire_protocol::UserId, taskwire_protocol::TaskId), ordered(user), brings(many);
                /// The sessions of these accounts that have not ended.
                sessions_of: taskwire_protocol::UserId, ordered(user), brings(many);
                /// How many sessions of these accounts have not ended, and the least used of them if they are nearly too many.
                crowded_sessions: taskwire_protocol::UserId, ordered(user), brings(few);
                /// The API tokens of these accounts.
                api_tokens_of: taskwire_protocol::UserId, ordered(user), brings(many);
                /// How many subtasks these tasks have that are not deleted.
                subtasks: taskwire_protocol::TaskId, ordered(workspace), brings(many);
                /// How many subtasks the parents of these tasks have that are not deleted.
                siblings: taskwire_protocol::TaskId, ordered(workspace), brings(many);
                /// How many levels of subtasks are below these tasks.
                levels: taskwire_protocol::TaskId, ordered(workspace), brings(many);
                /// The subtasks of these tasks, and the subtasks of those.
                below: taskwire_protocol::TaskId, ordered(workspace), brings(many);
                /// These tasks, and all that block them, directly or through others, as far as it matters.
                blockers: taskwire_protocol::TaskId, ordered(workspace), brings(many);
                /// These tasks, and all that block them, directly or through others. What is missing was too much together.
                before: taskwire_protocol::TaskId, ordered(workspace), brings(many);
                /// The tasks that these block.
                blocked: taskwire_protocol::TaskId, ordered(workspace), brings(many);
                /// The tasks of a workspace that change when it gets these stages. Its stream must be the target's.
                restaged: (taskwire_protocol::WorkspaceId, Vec<taskwire_protocol::stage::DefineStage>),
                    ordered(workspace), brings(many);
                /// These tasks and their ancestors.
                ancestors: taskwire_protocol::TaskId, ordered(workspace), brings(many);
                /// The tasks of a workspace to which a user is assigned.
                assigned: (taskwire_protocol::WorkspaceId, taskwire_protocol::UserId), ordered(workspace), brings(many);
                /// The tasks with these ids, in any workspace, the tasks above them, and how many subtasks they have.
                imported: taskwire_protocol::TaskId, ordered(workspace), brings(few);
                /// All projects of the workspace of a target.
                projects_beside: $crate::ops::Target, ordered(workspace), brings(many);
                /// The tasks of these projects.
                tasks_of_project: taskwire_protocol::ProjectId, ordered(workspace), brings(many);
                /// The places next to these tasks in the manual order.
                neighbours: taskwire_protocol::TaskId, ordered(workspace), brings(many);
                /// What the workspace of a target has under a key: a tag, or room for one.
                tags_named: ($crate::ops::Target, String), ordered(workspace), brings(few);
                /// The tasks that carry these tags.
                tasks_with_tag: taskwire_protocol::TagId, ordered(workspace), brings(many);
                /// The time zones of these users.
                zones: taskwire_protocol::UserId, ordered(workspace), brings(few);
                /// Where those of these tasks that repeat, or begin to (true), stand in their series, and the time zones
                /// of their creators.
                repeating: (taskwire_protocol::TaskId, bool), ordered(workspace), brings(few);
                /// The notifications about these tasks, and the streams of their recipients, unless they are too many.
                notified: taskwire_protocol::TaskId, ordered(user), brings(many);
            }
        }
    };
}

pub(crate) use for_each_entity;

/// What every operation returns.
pub type Result<T> = std::result::Result<T, Failure>;

/// Encodes a value of our own types. A failure is a bug.
pub fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        asked::log(|| tracing::error!(error = %error, "a value cannot be encoded"));
        bug("a value cannot be encoded")
    })
}

/// The refusal of a query whose time is over.
pub fn overdue() -> Failure {
    let message = "the query took too long; use a smaller limit or a narrower filter";
    Failure::new(ErrorCode::Timeout, message)
}

/// The error that a client gets when the database failed. This conversion logs the detail, once.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        asked::log(|| match error.trouble {
            Trouble::Bug => tracing::error!(error = %error, "the database failed"),
            Trouble::Overdue => tracing::debug!(error = %error, "a query took too long"),
            _ => tracing::warn!(error = %error, "the database failed"),
        });
        match error.trouble {
            Trouble::Unavailable | Trouble::Contended => Failure::new(
                ErrorCode::Unavailable,
                "the database is unavailable at the moment; try again",
            ),
            Trouble::Late => Failure::new(
                ErrorCode::Unavailable,
                "the database took too long over this request; nothing was changed; ask for less at once, or try again",
            ),
            Trouble::Overdue => overdue(),
            Trouble::Full => Failure::new(
                ErrorCode::StorageFull,
                "the server's storage is full; nothing was changed",
            ),
            Trouble::Taken => Failure::new(
                ErrorCode::Conflict,
                "another request has just taken this name or id; try again",
            ),
            Trouble::Bug => bug("the server failed; its log has the cause under this request_id"),
        }
    }
}

/// The error for a bug of this program.
pub fn bug(message: &str) -> Failure {
    Failure::new(ErrorCode::InternalError, message)
}

/// The error for something that does not exist, or that the caller may not know about.
pub fn not_found(what: &str) -> Failure {
    Failure::new(ErrorCode::NotFound, format!("there is no such {what}"))
}

/// The error for a request that the current state does not allow.
pub fn conflict(message: &str) -> Failure {
    Failure::new(ErrorCode::Conflict, message)
}

/// The refusal of what would take too many tasks along. `message` says what to do instead.
fn too_many(message: &str, limit: usize) -> Failure {
    conflict(message).with(serde_json::json!({ "limit": limit }))
}

/// The empty answer.
pub const DONE: Nothing = Nothing {};
