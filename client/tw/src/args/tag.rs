//! The arguments of the commands about tags.

use super::Within;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum TagAction {
    /// List the tags of a workspace by name.
    #[command(visible_alias = "list")]
    Ls {
        #[command(flatten)]
        within: Within,
    },
    /// Make a tag. `tw add --tag` does so too.
    New {
        /// Its name.
        name: String,
        /// Its color, as #rrggbb.
        #[arg(long)]
        color: Option<String>,
        #[command(flatten)]
        within: Within,
    },
    /// Give a tag another name, on all tasks that carry it.
    Rename {
        /// The tag: its name, its id, or the end of its id.
        tag: String,
        /// The new name. It must be free: `tw tag merge` makes two tags one.
        name: String,
        #[command(flatten)]
        within: Within,
    },
    /// Make two tags one: the tasks that carry the first get the second one instead.
    Merge {
        /// The tag that goes: its name, its id, or the end of its id.
        tag: String,
        /// The tag that stays.
        into: String,
        #[command(flatten)]
        within: Within,
    },
    /// Give a tag a color.
    Color {
        /// The tag: its name, its id, or the end of its id.
        tag: String,
        /// The color, as #rrggbb; an empty one clears it.
        color: String,
        #[command(flatten)]
        within: Within,
    },
    /// Delete a tag, and take it off the tasks that carry it.
    Delete {
        /// The tag: its name, its id, or the end of its id.
        tag: String,
        #[command(flatten)]
        within: Within,
    },
}
