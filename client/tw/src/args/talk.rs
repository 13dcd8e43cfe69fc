//! The arguments of `comment`, `comments` and `log`.

use clap::Args as Group;

#[derive(Group)]
pub(crate) struct CommentArgs {
    /// The task's id, or the end of it.
    pub(crate) id: String,
    /// What to say; `-` reads it from standard input. `@username` mentions a member of the workspace.
    #[arg(required_unless_present = "delete")]
    pub(crate) text: Vec<String>,
    /// Change this comment of yours instead: its id, or the end of it, as `tw comments` shows it.
    #[arg(long, value_name = "COMMENT", conflicts_with = "delete")]
    pub(crate) edit: Option<String>,
    /// Delete this comment instead.
    #[arg(long, value_name = "COMMENT", conflicts_with = "text")]
    pub(crate) delete: Option<String>,
}

#[derive(Group)]
pub(crate) struct CommentsArgs {
    /// The task's id, or the end of it.
    pub(crate) id: String,
    /// The largest number of items.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

#[derive(Group)]
pub(crate) struct LogArgs {
    /// The task's id, or the end of it.
    pub(crate) id: String,
    /// The largest number of items: the newest ones.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}
