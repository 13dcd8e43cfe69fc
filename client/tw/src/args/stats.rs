//! The arguments of `stats`.

use clap::Args as Group;

#[derive(Group)]
pub(crate) struct StatsArgs {
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
    /// For how many days to count tasks by day, today included.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
    /// Whose days these are, like Europe/Paris; by default those of your profile.
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
}
