//! The table of operations: one row each. The request enum, dispatch, the catalogue, the schema, the TypeScript
//! types, the reference and the permission tests derive from it.

use crate::{
    Failure, account, admin, attachment, batch, calendar, comment, frames, invite, member, notification,
    page, presence, project, stats, stream, system, tag, task, workspace,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

mod kind;
mod read;

pub use kind::{Access, Kind};
pub use read::body;
use read::{params, unknown};

/// Calls `$callback!` with every row:
/// `/// doc` `"wire.name" kind access: Parameters => Output;`
///
/// - kind: `mutation` changes state and takes an `op_id`; `query` reads; `command` acts at once and logs nothing;
///   `session` concerns the socket or the sign-in itself.
/// - access: `anyone` means everyone, also before authentication; `user` every signed-in user, for their own data;
///   `viewer`, `member`, `admin` and `owner` at least that role in the workspace concerned; `server_admin` the global
///   role `admin`.
#[macro_export]
macro_rules! for_each_operation {
    ($callback:ident) => {
        $callback! {
            /// Authenticates the socket. The answer is `welcome`.
            "auth" session anyone: account::Authenticate => frames::Welcome;
            /// Creates an account with a personal workspace, and signs in.
            "auth.signup" session anyone: account::SignUp => account::Tokens;
            /// Signs in with e-mail address and password.
            "auth.login" session anyone: account::LogIn => account::Tokens;
            /// Extends the socket's authentication with a new token of the same user and session.
            "auth.renew" session user: account::RenewAuth => account::Renewed;
            /// Ends the session. Its sockets close with 4403.
            "auth.logout" session user: account::LogOut => account::Done;
            /// Ends all sessions of the caller. Their sockets close with 4403.
            "auth.logout_all" session user: account::LogOutAll => account::Done;
            /// Changes the password. The socket continues in a new session; all other sessions end.
            "auth.change_password" session user: account::ChangePassword => account::Tokens;
            /// Lists the caller's sessions that have not ended, newest first.
            "auth.sessions" session user: account::ListSessions => account::SessionList;
            /// Ends one of the caller's sessions. Its sockets close with 4403.
            "auth.revoke_session" session user: account::RevokeSession => account::Done;
            /// Makes an API token. The answer shows the token itself, once.
            "api_token.create" session user: account::CreateApiToken => account::ApiToken;
            /// Lists the caller's API tokens, without the tokens themselves.
            "api_token.list" query user: account::ListApiTokens => account::ApiTokenList;
            /// Ends an API token. Its sockets close with 4403.
            "api_token.revoke" mutation user: account::RevokeApiToken => account::Done;
            /// Makes the caller's calendar feed, and shows its address, once. A feed that they had before ends.
            "calendar.create" session user: calendar::CreateCalendar => calendar::Calendar;
            /// Ends the caller's calendar feed.
            "calendar.revoke" mutation user: calendar::RevokeCalendar => account::Done;
            /// The caller's account.
            "profile.get" query user: account::GetProfile => account::User;
            /// Changes the caller's profile. Every workspace of theirs gets `member.updated` when what others see has changed.
            "profile.update" mutation user: account::UpdateProfile => account::User;
            /// Asks for another e-mail address, which is verified by mail before it takes effect. The old one is told.
            "profile.change_email" session user: account::ChangeEmail => account::Done;
            /// Deletes the caller's account. It cannot be undone. Its sockets close with 4403.
            "profile.delete" session user: account::DeleteProfile => account::Done;
            /// The public profile of a user who shares a workspace with the caller.
            "user.get" query user: account::GetUser => account::PublicUser;
            /// A snapshot of the caller's own data. Subscribes to the caller's stream.
            "user.sync" query user: account::SyncUser => account::UserSnapshot;

            /// Creates a team workspace, owned by the caller.
            "workspace.create" mutation user: workspace::CreateWorkspace => workspace::Workspace;
            /// Lists the caller's workspaces, ordered by id.
            "workspace.list" query user: workspace::ListWorkspaces => page::Page<workspace::Workspace>;
            /// One workspace.
            "workspace.get" query viewer: workspace::GetWorkspace => workspace::Workspace;
            /// Changes a workspace.
            "workspace.update" mutation admin: workspace::UpdateWorkspace => workspace::Workspace;
            /// Deletes a team's workspace with everything in it. It cannot be undone.
            "workspace.delete" mutation owner: workspace::DeleteWorkspace => account::Done;
            /// Leaves a team's workspace. The last owner stays, until another member is an owner.
            "workspace.leave" mutation viewer: workspace::LeaveWorkspace => account::Done;
            /// Makes another member an owner. The caller becomes an admin.
            "workspace.transfer" mutation owner: workspace::TransferWorkspace => workspace::Workspace;
            /// A snapshot of a workspace, in pages. The first page subscribes to its stream.
            "workspace.sync" query viewer: workspace::SyncWorkspace => workspace::WorkspaceSnapshot;

            /// Lists the members of a workspace, ordered by user id.
            "member.list" query viewer: member::ListMembers => page::Page<member::Member>;
            /// Adds a user who has an account.
            "member.add" mutation admin: member::AddMember => member::Member;
            /// Changes a member's role.
            "member.update" mutation admin: member::UpdateMember => member::Member;
            /// Removes a member, also from the assignees of tasks; of more than 2,000 in steps afterwards.
            "member.remove" mutation admin: member::RemoveMember => account::Done;

            /// Creates a project, as the last one of its workspace.
            "project.create" mutation member: project::CreateProject => project::Project;
            /// Changes a project's name, color or place.
            "project.update" mutation member: project::UpdateProject => project::Project;
            /// Archives a project, or takes it back.
            "project.archive" mutation member: project::ArchiveProject => project::Project;
            /// Deletes a project. Its tasks stay, without a project; more than 2,000 leave it in steps before it goes.
            "project.delete" mutation member: project::DeleteProject => project::ProjectDeleted;
            /// Lists the projects of a workspace in their order, archived ones included.
            "project.list" query viewer: project::ListProjects => page::Page<project::Project>;

            /// Makes a tag. A task may carry a new name without it.
            "tag.create" mutation member: tag::CreateTag => tag::Tag;
            /// Gives a tag another name or color. With the name of another tag, the two become one.
            "tag.update" mutation member: tag::UpdateTag => tag::Tag;
            /// Deletes a tag, and takes it off the tasks that carry it.
            "tag.delete" mutation member: tag::DeleteTag => tag::TagDeleted;
            /// Lists the tags of a workspace, ordered by name without case.
            "tag.list" query viewer: tag::ListTags => page::Page<tag::Tag>;

            /// Invites somebody to a team's workspace: by address, or with a link for anybody. It lives seven days.
            "invite.create" mutation admin: invite::CreateInvite => invite::SentInvite;
            /// Accepts an invitation: the caller becomes a member. A member gets the workspace as it is.
            "invite.accept" mutation user: invite::AcceptInvite => workspace::Workspace;
            /// Takes an invitation back.
            "invite.revoke" mutation admin: invite::RevokeInvite => account::Done;
            /// Lists the invitations to a workspace that can still be accepted, ordered by id.
            "invite.list" query admin: invite::ListInvites => page::Page<invite::SentInvite>;

            /// Creates a task.
            "task.create" mutation member: task::CreateTask => task::Task;
            /// One task.
            "task.get" query viewer: task::GetTask => task::Task;
            /// Lists tasks: filtered, searched and sorted.
            "task.list" query viewer: task::ListTasks => page::Page<task::Task>;
            /// Finds tasks by the words of their titles, descriptions, tags and comments, best first, and says where they are.
            "task.search" query viewer: task::SearchTasks => task::FoundTasks;
            /// Replaces the fields of a task that people edit.
            "task.replace" mutation member: task::ReplaceTask => task::Task;
            /// Changes the given fields of a task.
            "task.update" mutation member: task::UpdateTask => task::Task;
            /// Completes or reopens a task. Toggles it when `completed` is omitted. Its subtasks stay as they are.
            "task.complete" mutation member: task::CompleteTask => task::Task;
            /// Deletes a task, its subtasks and theirs. All can be restored, but not the task if `permanent` is true.
            "task.delete" mutation member: task::DeleteTask => task::Deleted;
            /// Restores a deleted task, and what was deleted with it; not what was deleted before on its own.
            "task.restore" mutation member: task::RestoreTask => task::Task;
            /// Moves a task within its workspace. Its subtasks stay below it.
            "task.move" mutation member: task::MoveTask => task::Task;
            /// Changes the assignees of a task.
            "task.assign" mutation member: task::AssignTask => task::Task;

            /// Writes a comment on a task.
            "comment.create" mutation member: comment::CreateComment => comment::Comment;
            /// Changes the body of a comment that the caller wrote.
            "comment.update" mutation member: comment::UpdateComment => comment::Comment;
            /// Deletes a comment, as its author or as an admin. The answer is the comment as it was.
            "comment.delete" mutation member: comment::DeleteComment => comment::Comment;
            /// Lists the comments on a task, oldest first.
            "comment.list" query viewer: comment::ListComments => page::Page<comment::Comment>;

            /// Lists the attachments of a task, oldest first.
            "attachment.list" query viewer: attachment::ListAttachments => page::Page<attachment::Attachment>;
            /// Deletes an attachment, as who uploaded it or as an admin. The answer is the attachment as it was.
            "attachment.delete" mutation member: attachment::DeleteAttachment => attachment::Attachment;

            /// Lists the caller's notifications.
            "notification.list" query user: notification::ListNotifications => notification::NotificationPage;
            /// One notification.
            "notification.get" query user: notification::GetNotification => notification::Notification;
            /// Marks a notification as read or unread.
            "notification.mark" mutation user: notification::MarkNotification => notification::Notification;
            /// Marks all notifications as read.
            "notification.mark_all_read" mutation user: notification::MarkAllRead => notification::MarkedAllRead;
            /// Deletes a notification.
            "notification.delete" mutation user: notification::DeleteNotification => account::Done;
            /// Deletes several notifications.
            "notification.delete_many" mutation user: notification::DeleteNotifications => notification::DeletedNotifications;
            /// The number of unread notifications.
            "notification.unread_count" query user: notification::CountUnread => notification::Unread;

            /// Reports the user as present until the socket closes or reports something else.
            "presence.set" session viewer: presence::SetPresence => presence::Presence;
            /// Lists the users who are present in a workspace.
            "presence.list" query viewer: presence::ListPresence => presence::PresenceList;
            /// Tells the workspace's followers that the caller is typing, at most once a second for each task.
            "presence.typing" command viewer: presence::ReportTyping => account::Done;

            /// Counts a workspace's tasks: by status, by day, by priority, by project and by assignee.
            "stats.get" query viewer: stats::GetStats => stats::Stats;

            /// Follows a stream.
            "stream.subscribe" session user: stream::Subscribe => stream::Subscribed;
            /// Stops following a stream.
            "stream.unsubscribe" session user: stream::Unsubscribe => account::Done;
            /// Reads a stream's log: the audit trail.
            "stream.history" query user: stream::ReadHistory => stream::History;

            /// Carries out several mutations in one request: all or none, or each on its own.
            "batch" mutation user: batch::Batch => batch::BatchResults;
            /// Lists accounts, ordered by id.
            "admin.user.list" query server_admin: admin::ListUsers => page::Page<account::User>;
            /// One account.
            "admin.user.get" query server_admin: admin::FindUser => account::User;
            /// Makes an account with a personal workspace. It cannot be part of a batch.
            "admin.user.create" mutation server_admin: admin::CreateUser => account::User;
            /// Changes an account. The last active administrator stays one.
            "admin.user.update" mutation server_admin: admin::UpdateUser => account::User;
            /// Ends the lock that failed sign-ins put on an account. It cannot be part of a batch.
            "admin.user.unlock" mutation server_admin: admin::UnlockUser => account::Done;
            /// Ends all sessions of an account. Its sockets close with 4403.
            "admin.user.sign_out" mutation server_admin: admin::SignOutUser => account::Done;
            /// Deletes an account. It cannot be undone. Its sockets close with 4403. The last active administrator stays.
            "admin.user.delete" mutation server_admin: admin::DeleteUser => account::Done;
            /// Lists the running instances.
            "admin.instances" query server_admin: admin::ListInstances => admin::InstanceList;
            /// Lists the authenticated sockets of all instances.
            "admin.connections" query server_admin: admin::ListConnections => admin::ConnectionPage;
            /// Closes the sockets of a user or session with 4403, on all instances.
            "admin.kick" command server_admin: admin::Kick => account::Done;
            /// Answered with `pong`, ahead of all other requests.
            "ping" session anyone: system::Ping => account::Done;
            /// This contract as JSON Schema.
            "protocol.describe" query anyone: system::Describe => Value;
        }
    };
}

/// An operation's parameters, with the facts of its row in the table.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The wire name.
    const NAME: &'static str;
    /// Query, mutation, command or session.
    const KIND: Kind;
    /// Who may send it.
    const ACCESS: Access;
    /// What `ok.data` holds.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
}

/// A row of the table, for programs.
pub struct OperationEntry {
    /// The wire name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// Query, mutation, command or session.
    pub kind: Kind,
    /// Who may send it.
    pub access: Access,
    /// The schema of its parameters.
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of its output.
    pub output: fn(&mut SchemaGenerator) -> Schema,
}

/// An answer with nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

macro_rules! kind {
    (query) => {
        Kind::Query
    };
    (mutation) => {
        Kind::Mutation
    };
    (command) => {
        Kind::Command
    };
    (session) => {
        Kind::Session
    };
}

macro_rules! access {
    (anyone) => {
        Access::Anyone
    };
    (user) => {
        Access::User
    };
    (viewer) => {
        Access::Viewer
    };
    (member) => {
        Access::Member
    };
    (admin) => {
        Access::Admin
    };
    (owner) => {
        Access::Owner
    };
    (server_admin) => {
        Access::ServerAdmin
    };
}

macro_rules! derive_operations {
    ($( #[doc = $doc:literal] $name:literal $kind:ident $access:ident: $module:ident :: $params:ident => $output:ty; )*) => {
        $( impl Operation for $module::$params {
            const NAME: &'static str = $name;
            const KIND: Kind = kind!($kind);
            const ACCESS: Access = access!($access);
            type Output = $output;
        } )*

        /// Every operation.
        pub const CATALOG: &[OperationEntry] = &[ $( OperationEntry {
            name: $name,
            doc: $doc.trim_ascii(),
            kind: kind!($kind),
            access: access!($access),
            params: |generator| generator.subschema_for::<$module::$params>(),
            output: |generator| generator.subschema_for::<$output>(),
        }, )* ];

        /// A request whose parameters were read.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request { $( #[doc = $doc] $params(Box<$module::$params>), )* }

        impl Request {
            /// Reads the parameters of the operation with this wire name.
            ///
            /// # Errors
            /// `UNKNOWN_TYPE`; `VALIDATION_ERROR` with the field's path.
            pub fn read(name: &str, data: &str) -> Result<Request, Failure> {
                match name {
                    $( $name => params::<$module::$params>(data).map(|p| Request::$params(Box::new(p))), )*
                    _ => Err(unknown(name)),
                }
            }

            /// The operation's wire name.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $( Request::$params(_) => $name, )* }
            }

            /// Query, mutation, command or session.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $( Request::$params(_) => kind!($kind), )* }
            }

            /// Who may send it.
            #[must_use]
            pub fn access(&self) -> Access {
                match self { $( Request::$params(_) => access!($access), )* }
            }
        }
    };
}

for_each_operation!(derive_operations);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_unique() {
        let mut names: Vec<_> = CATALOG.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOG.len());
    }
}
