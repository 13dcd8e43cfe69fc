//! The arguments of commands about stages, and of `next`.

use clap::Args as Group;

#[derive(Group)]
pub(crate) struct MoveArgs {
    /// The tasks' ids, or the ends of them; then the stage's key, as `tw stages` shows it.
    #[arg(required = true, num_args = 2.., value_name = "ID... STAGE")]
    pub(crate) words: Vec<String>,
}

#[derive(Group)]
pub(crate) struct NextArgs {
    /// The workspace: its id, the end of its id, or its name; by default all of yours.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
    /// The largest number of items.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

#[derive(Group)]
pub(crate) struct StagesArgs {
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    pub(crate) workspace: Option<String>,
}

#[derive(Group)]
pub(crate) struct BoardArgs {
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    pub(crate) workspace: Option<String>,
    /// Only the tasks of this project: its id, the end of its id, or its name.
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// Only tasks that are assigned to you.
    #[arg(long, short)]
    pub(crate) mine: bool,
}
