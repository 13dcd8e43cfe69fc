//! The arguments of `search`.

use super::status;
use clap::Args as Group;
use taskwire_client::protocol::task::Status;

#[derive(Group)]
pub(crate) struct SearchArgs {
    /// The words to find, all of them; the last one may be only the beginning of a word.
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// The workspace: its id, the end of its id, or its name; by default all of yours.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
    /// Only tasks with this status; by default pending and completed tasks.
    #[arg(long, value_parser = status())]
    pub(crate) status: Option<Status>,
    /// The largest number of tasks.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}
