//! The arguments of `members` and `member`.

use super::words;
use clap::{Args as Group, Subcommand};
use taskwire_client::protocol::member::Role;

#[derive(Group)]
pub(crate) struct MembersArgs {
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    pub(crate) workspace: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum MemberAction {
    /// Add somebody who has an account. `tw invite` invites others.
    Add {
        /// The workspace: its id, the end of its id, or its name.
        workspace: String,
        /// A username or an e-mail address.
        who: String,
        /// The role: viewer, member, admin or owner; by default member.
        #[arg(long, value_parser = role())]
        role: Option<Role>,
    },
    /// Give a member another role.
    Role {
        /// The workspace: its id, the end of its id, or its name.
        workspace: String,
        /// The member: a username or an id.
        member: String,
        /// The role: viewer, member, admin or owner.
        #[arg(value_parser = role())]
        role: Role,
    },
    /// Remove a member, also from the tasks that they are assigned to.
    Remove {
        /// The workspace: its id, the end of its id, or its name.
        workspace: String,
        /// The member: a username or an id.
        member: String,
    },
}

/// A role by its word.
pub(crate) fn role() -> impl clap::builder::TypedValueParser<Value = Role> {
    words(&["viewer", "member", "admin", "owner"])
}
