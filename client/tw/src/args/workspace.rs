//! The arguments of the commands about workspaces and invitations to them.

use clap::{Args as Group, Subcommand};
use taskwire_client::protocol::member::Role;

#[derive(Group)]
pub(crate) struct InviteArgs {
    /// The workspace: its id, the end of its id, or its name.
    pub(crate) workspace: String,
    /// The addresses to invite; when omitted, standard output gets the token of a link for anybody, once.
    pub(crate) emails: Vec<String>,
    /// The role: viewer, member, admin or owner; by default member.
    #[arg(long, value_parser = super::member::role())]
    pub(crate) role: Option<Role>,
    /// How many may use the link; by default any number.
    #[arg(long, value_name = "NUMBER", conflicts_with = "emails", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) max_uses: Option<u32>,
}

#[derive(Group)]
pub(crate) struct InvitesArgs {
    /// List the invitations to this workspace instead: its id, the end of its id, or its name.
    pub(crate) workspace: Option<String>,
    /// Take this one back: its id, or the end of it.
    #[arg(long, value_name = "ID", requires = "workspace")]
    pub(crate) revoke: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum WorkspaceAction {
    /// List your workspaces, as `tw workspaces` does.
    #[command(visible_alias = "list")]
    Ls,
    /// Make a workspace for a team, which is yours.
    New {
        /// Its name.
        #[arg(required = true)]
        name: Vec<String>,
    },
    /// Give a workspace another name.
    Rename {
        /// The workspace: its id, the end of its id, or its name.
        workspace: String,
        /// The new name.
        #[arg(required = true)]
        name: Vec<String>,
    },
    /// Leave a team's workspace.
    Leave {
        /// The workspace: its id, the end of its id, or its name.
        workspace: String,
    },
    /// Make another member an owner. You become an admin.
    Transfer {
        /// The workspace: its id, the end of its id, or its name.
        workspace: String,
        /// The member: a username or an id.
        member: String,
    },
    /// Delete a team's workspace for good, with everything in it.
    Delete {
        /// The workspace: its id, the end of its id, or its name.
        workspace: String,
        /// Do not ask whether you are sure.
        #[arg(long)]
        yes: bool,
    },
}
