//! The table of operations: one row each. The request enum, dispatch, the catalogue, the schema, the TypeScript
//! types, the reference and the permission tests derive from it.

use crate::{
    Failure, account, admin, batch, frames, member, notification, page, presence, stream, system, task,
    workspace,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Calls `$callback!` with every row:
/// `/// doc` `"wire.name" kind access: Parameters => Output;`
///
/// - kind: `mutation` changes state and takes an `op_id`; `query` reads; `command` acts at once and logs nothing;
///   `session` concerns the socket or the sign-in itself.
/// - access: `anyone` before authentication too; `user` anybody signed in, for what is theirs; `viewer`, `member`,
///   `admin`, `owner` at least that role in the workspace concerned; `server_admin` the global role `admin`.
#[macro_export]
macro_rules! for_each_operation {
    ($callback:ident) => {
        $callback! {
            /// Authenticates the socket; the answer is `welcome`.
            "auth" session anyone: account::Authenticate => frames::Welcome;
            /// Makes an account with a personal workspace and signs in.
            "auth.signup" session anyone: account::SignUp => account::Tokens;
            /// Signs in.
            "auth.login" session anyone: account::LogIn => account::Tokens;
            /// Extends the socket with a fresh token of the same user and session.
            "auth.renew" session user: account::RenewAuth => account::Renewed;
            /// Ends the session; its sockets close with 4403.
            "auth.logout" session user: account::LogOut => account::Done;
            /// The caller's account.
            "profile.get" query user: account::GetProfile => account::User;
            /// The public profile of somebody who shares a workspace.
            "user.get" query user: account::GetUser => account::PublicUser;
            /// The state of the caller's stream; subscribes to it.
            "user.sync" query user: account::SyncUser => account::UserSnapshot;

            /// Makes a team workspace, owned by the caller.
            "workspace.create" mutation user: workspace::CreateWorkspace => workspace::Workspace;
            /// The caller's workspaces, by id.
            "workspace.list" query user: workspace::ListWorkspaces => page::Page<workspace::Workspace>;
            /// One workspace.
            "workspace.get" query viewer: workspace::GetWorkspace => workspace::Workspace;
            /// The state of a workspace, in pages; the first one subscribes.
            "workspace.sync" query viewer: workspace::SyncWorkspace => workspace::WorkspaceSnapshot;

            /// The members of a workspace, by id.
            "member.list" query viewer: member::ListMembers => page::Page<member::Member>;
            /// Adds somebody who has an account.
            "member.add" mutation admin: member::AddMember => member::Member;
            /// Changes a member's role.
            "member.update" mutation admin: member::UpdateMember => member::Member;
            /// Removes a member; tasks lose them as assignee.
            "member.remove" mutation admin: member::RemoveMember => account::Done;

            /// Makes a task.
            "task.create" mutation member: task::CreateTask => task::Task;
            /// One task.
            "task.get" query viewer: task::GetTask => task::Task;
            /// Tasks, filtered, searched and sorted.
            "task.list" query viewer: task::ListTasks => page::Page<task::Task>;
            /// Replaces what people edit of a task.
            "task.replace" mutation member: task::ReplaceTask => task::Task;
            /// Changes only what is given.
            "task.update" mutation member: task::UpdateTask => task::Task;
            /// Completes or reopens a task; toggles when `completed` is omitted.
            "task.complete" mutation member: task::CompleteTask => task::Task;
            /// Deletes a task, so that it can be restored, or for good.
            "task.delete" mutation member: task::DeleteTask => task::Deleted;
            /// Restores a deleted task.
            "task.restore" mutation member: task::RestoreTask => task::Task;
            /// Moves a task within its workspace.
            "task.move" mutation member: task::MoveTask => task::Task;
            /// Changes who does a task.
            "task.assign" mutation member: task::AssignTask => task::Task;

            /// The caller's notifications.
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
            /// How many notifications are unread.
            "notification.unread_count" query user: notification::CountUnread => notification::Unread;

            /// Says that the user is there, for as long as this socket is and says nothing else.
            "presence.set" session viewer: presence::SetPresence => presence::Presence;
            /// Who is in a workspace now.
            "presence.list" query viewer: presence::ListPresence => presence::PresenceList;
            /// Tells those who follow the workspace that the caller is typing, at most once a second for a task.
            "presence.typing" command viewer: presence::ReportTyping => account::Done;

            /// Follows a stream.
            "stream.subscribe" session user: stream::Subscribe => stream::Subscribed;
            /// Stops following a stream.
            "stream.unsubscribe" session user: stream::Unsubscribe => account::Done;
            /// Reads a stream's log back: the audit trail.
            "stream.history" query user: stream::ReadHistory => stream::History;

            /// Does several mutations in one request, each on its own or all or none.
            "batch" mutation user: batch::Batch => batch::BatchResults;
            /// The instances that run.
            "admin.instances" query server_admin: admin::ListInstances => admin::InstanceList;
            /// The sockets that are authenticated, on all instances.
            "admin.connections" query server_admin: admin::ListConnections => admin::ConnectionPage;
            /// Closes the sockets of a person or session with 4403, on all instances.
            "admin.kick" command server_admin: admin::Kick => account::Done;
            /// Answered with `pong`, ahead of everything else.
            "ping" session anyone: system::Ping => account::Done;
            /// This contract as JSON Schema.
            "protocol.describe" query anyone: system::Describe => Value;
        }
    };
}

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
    pub fn role(self) -> Option<member::Role> {
        match self {
            Access::Anyone | Access::User | Access::ServerAdmin => None,
            Access::Viewer => Some(member::Role::Viewer),
            Access::Member => Some(member::Role::Member),
            Access::Admin => Some(member::Role::Admin),
            Access::Owner => Some(member::Role::Owner),
        }
    }
}

/// An operation's parameters; the row of the table says the rest.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The wire name.
    const NAME: &'static str;
    /// What it does to state.
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
    /// What it does to state.
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

            /// What it does to state.
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

fn unknown(name: &str) -> Failure {
    let shown: String = name.chars().take(64).collect();
    Failure::new(
        crate::ErrorCode::UnknownType,
        format!("no operation is called {shown:?}; see protocol.describe"),
    )
    .at("type")
}

/// Reads parameters; the slow second reading happens only to name the field at fault.
fn params<T: Operation>(data: &str) -> Result<T, Failure> {
    // serde would also read a list of the fields' values, in the order that they happen to have here
    if !data.trim_ascii_start().starts_with('{') {
        return Err(Failure::invalid("data", "data is an object"));
    }
    // each of a batch's operations is read by itself, and refused by itself
    if T::NAME != batch::Batch::NAME {
        refuse_nul(data)?;
    }
    serde_json::from_str(data).or_else(|_| {
        let mut deserializer = serde_json::Deserializer::from_str(data);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| explain(&error))
    })
}

/// No text may hold U+0000, wherever it stands; in JSON it can only be written as an escape.
fn refuse_nul(data: &str) -> Result<(), Failure> {
    if !data.contains("\\u0000") {
        return Ok(());
    }
    let field = serde_json::from_str(data)
        .ok()
        .and_then(|value: Value| with_nul(&value, String::new()));
    field.map_or(Ok(()), |field| {
        let message = format!("{field} must not contain U+0000");
        Err(Failure::invalid(field, message))
    })
}

/// The path of the first text with U+0000 in it.
fn with_nul(value: &Value, path: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(path),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(i, item)| with_nul(item, format!("{path}[{i}]"))),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            if name.contains('\0') {
                return Some(if path.is_empty() {
                    "data".to_owned()
                } else {
                    path.clone()
                });
            }
            with_nul(
                value,
                if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                },
            )
        }),
        _ => None,
    }
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    let text = error.inner().to_string();
    let message = text.split(" at line ").next().unwrap_or(&text);
    let mut field = error.path().to_string();
    // serde names a missing or unknown field in its message and leaves the path at the object around it
    if let Some(name) = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next())
    {
        let ends_with_it = field == name || field.ends_with(&format!(".{name}"));
        if field == "." {
            name.clone_into(&mut field);
        } else if !ends_with_it {
            field = format!("{field}.{name}");
        }
    }
    if field == "." {
        "data".clone_into(&mut field);
    }
    let message = match message.strip_prefix("missing field ") {
        Some(name) => format!("{} is required", name.trim_matches('`')),
        None => format!("{field}: {message}"),
    };
    Failure::invalid(field, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, data: &str) -> (Option<String>, String) {
        let failure = Request::read(name, data)
            .err()
            .unwrap_or_else(|| panic!("{name} took {data}"));
        (failure.field, failure.message)
    }

    #[test]
    fn an_error_names_the_field() {
        assert_eq!(refused("task.create", "{}").0.as_deref(), Some("title"));
        assert_eq!(
            refused("task.create", r#"{"title":"a","colour":1}"#).0.as_deref(),
            Some("colour")
        );
        assert_eq!(
            refused("task.create", r#"{"title":7}"#).0.as_deref(),
            Some("title")
        );
        assert_eq!(
            refused("task.create", r#"{"title":"a","tags":["a",2]}"#)
                .0
                .as_deref(),
            Some("tags[1]")
        );
        assert_eq!(refused("task.create", "[]").0.as_deref(), Some("data"));
        assert_eq!(
            refused("workspace.create", r#" ["Name"]"#).0.as_deref(),
            Some("data")
        );
        assert_eq!(
            refused("batch", r#"{"ops":[{"data":{}}]}"#).0.as_deref(),
            Some("ops[0].type")
        );
        assert_eq!(refused("task.paint", "{}").0.as_deref(), Some("type"));
    }

    #[test]
    fn no_text_holds_a_nul_however_deep() {
        assert_eq!(
            refused("task.create", r#"{"title":"a","tags":["b","\u0000"]}"#)
                .0
                .as_deref(),
            Some("tags[1]")
        );
        assert!(Request::read("task.create", r#"{"title":"\\u0000"}"#).is_ok());
    }

    #[test]
    fn a_nul_in_one_operation_is_no_fault_of_the_batch() {
        let batch = r#"{"ops":[{"type":"task.create","data":{"title":"\u0000"}}]}"#;
        let Ok(Request::Batch(batch)) = Request::read("batch", batch) else {
            panic!("refused")
        };
        let (name, data) = (&batch.ops[0].r#type, batch.ops[0].data.to_string());
        assert_eq!(refused(name, &data).0.as_deref(), Some("title"));
    }

    #[test]
    fn every_name_stands_once() {
        let mut names: Vec<_> = CATALOG.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOG.len());
    }

    #[test]
    fn null_is_the_same_as_omitting_what_is_optional() {
        let resume = r#"{"token":"t","resume":{"epoch":"e"}}"#;
        let resume_null = r#"{"token":"t","resume":{"epoch":"e","positions":null}}"#;
        let history = r#"{"stream":"user:01890000-0000-7000-8000-000000000001"}"#;
        let history_null = history.replace('}', r#","after":null,"limit":null,"task_id":null}"#);
        for (name, omitted, null) in [
            (
                "auth",
                r#"{"token":"t"}"#,
                r#"{"token":"t","client":null,"streams":null,"resume":null}"#,
            ),
            ("auth", resume, resume_null),
            ("stream.history", history, &history_null),
            (
                "batch",
                r#"{"ops":[{"type":"ping"}]}"#,
                r#"{"ops":[{"type":"ping","op_id":null,"data":null}],"atomic":null}"#,
            ),
        ] {
            let read = |data| Request::read(name, data).unwrap_or_else(|failure| panic!("{data}: {failure}"));
            assert_eq!(read(null), read(omitted));
        }
    }

    #[test]
    fn null_clears_and_an_omitted_field_stays() {
        let id = "01890000-0000-7000-8000-000000000001";
        let data = format!(r#"{{"id":"{id}","due_at":null}}"#);
        let Ok(Request::UpdateTask(update)) = Request::read("task.update", &data) else {
            panic!("refused")
        };
        assert_eq!(
            (update.due_at, update.description),
            (crate::Patch::Clear, crate::Patch::Keep)
        );
    }
}
