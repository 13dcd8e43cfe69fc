//! The arguments of `who`.

use clap::Args as Group;

#[derive(Group)]
pub(crate) struct WhoArgs {
    /// The workspace: its id, the end of its id, or its name; by default all of yours.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
    /// Print each change too, until interrupted.
    #[arg(long)]
    pub(crate) watch: bool,
}
