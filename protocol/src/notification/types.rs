//! The closed set of notification types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! notification_types {
    ($( #[doc = $doc:literal] $name:ident $wire:literal; )*) => {
        /// The type of notification.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum NotificationType { $( #[doc = $doc] #[serde(rename = $wire)] $name, )* }

        impl NotificationType {
            /// Every type.
            pub const ALL: &[NotificationType] = &[ $( NotificationType::$name, )* ];

            /// The type on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( NotificationType::$name => $wire, )* }
            }

            /// The type with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<NotificationType> {
                match text { $( $wire => Some(NotificationType::$name), )* _ => None }
            }
        }
    };
}

notification_types! {
    /// A task was created.
    TaskCreated "TASK_CREATED";
    /// A task was changed.
    TaskUpdated "TASK_UPDATED";
    /// A task was deleted.
    TaskDeleted "TASK_DELETED";
    /// A task was restored.
    TaskRestored "TASK_RESTORED";
    /// A task was completed.
    TaskCompleted "TASK_COMPLETED";
    /// A task was reopened.
    TaskPending "TASK_PENDING";
    /// A task was assigned.
    TaskAssigned "TASK_ASSIGNED";
    /// A reminder.
    TaskReminder "TASK_REMINDER";
    /// A task is due.
    TaskDue "TASK_DUE";
    /// A task is overdue.
    TaskOverdue "TASK_OVERDUE";
    /// A comment was written on a task of the user's: one that they made or are assigned to, or where they wrote it.
    CommentAdded "COMMENT_ADDED";
    /// Somebody's comment mentions the user. It comes in place of `COMMENT_ADDED`, once for each comment.
    Mention "MENTION";
    /// A user was added to a workspace.
    MemberAdded "MEMBER_ADDED";
    /// A user was invited.
    Invite "INVITE";
    /// A sign-in.
    Login "LOGIN";
    /// A sign-out.
    Logout "LOGOUT";
    /// An account was created.
    Signup "SIGNUP";
    /// The profile was changed.
    ProfileUpdated "PROFILE_UPDATED";
    /// The password was changed. No preference turns this type off.
    PasswordChanged "PASSWORD_CHANGED";
    /// Something about the account's security. No preference turns this type off.
    Security "SECURITY";
}
