//! The arguments of the commands about workspaces.

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum WorkspaceAction {
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
