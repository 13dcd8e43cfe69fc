//! The arguments of the commands about projects.

use clap::{Args as Group, Subcommand};

/// Where a project is looked for.
#[derive(Group)]
pub(crate) struct Within {
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum ProjectAction {
    /// List the projects of a workspace in their order.
    #[command(visible_alias = "list")]
    Ls {
        #[command(flatten)]
        within: Within,
    },
    /// Make a project, as the last one.
    New {
        /// Its name.
        #[arg(required = true)]
        name: Vec<String>,
        /// Its color, as #rrggbb.
        #[arg(long)]
        color: Option<String>,
        #[command(flatten)]
        within: Within,
    },
    /// Change a project's name, color or place.
    Edit {
        /// The project: its id, the end of its id, or its name.
        project: String,
        /// The new name.
        #[arg(long)]
        name: Option<String>,
        /// The new color, as #rrggbb; an empty one clears it.
        #[arg(long)]
        color: Option<String>,
        /// Place it right before this project.
        #[arg(long, value_name = "PROJECT", conflicts_with = "after")]
        before: Option<String>,
        /// Place it right after this project.
        #[arg(long, value_name = "PROJECT")]
        after: Option<String>,
        #[command(flatten)]
        within: Within,
    },
    /// Archive a project. Its tasks stay in it.
    Archive {
        /// The project: its id, the end of its id, or its name.
        project: String,
        /// Take it back instead.
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        within: Within,
    },
    /// Delete a project. Its tasks stay, without a project.
    Delete {
        /// The project: its id, the end of its id, or its name.
        project: String,
        #[command(flatten)]
        within: Within,
    },
}
