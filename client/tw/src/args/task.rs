//! The arguments of `add`, `quick`, `ls` and `edit`.

use super::{due, moment, status, words};
use crate::{due::Due, every};
use clap::{Args as Group, builder::TypedValueParser};
use taskwire_client::protocol::{
    Timestamp,
    task::{Priority, Sort, Status},
};

#[derive(Group)]
pub(crate) struct AddArgs {
    /// The title.
    #[arg(required = true)]
    pub(crate) title: Vec<String>,
    /// The description.
    #[arg(long, short)]
    pub(crate) description: Option<String>,
    /// The priority.
    #[arg(long, short, value_parser = priority())]
    pub(crate) priority: Option<Priority>,
    /// When it is due: 2026-12-24, "2026-12-24 18:00", tomorrow, friday, "next monday 9am", "in 3 weeks", +2h.
    #[arg(long, value_parser = due)]
    pub(crate) due: Option<Due>,
    /// How often it repeats: day, weekday, "2 weeks", month, "last friday", or a rule like FREQ=WEEKLY;BYDAY=MO.
    #[arg(long, value_name = "HOW OFTEN", value_parser = every::rule)]
    pub(crate) every: Option<String>,
    /// When to remind of it, as for `--due`; a day alone means nine in the morning.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) remind: Option<Timestamp>,
    /// A tag; repeat it for several.
    #[arg(long = "tag", short)]
    pub(crate) tags: Vec<String>,
    /// An assignee: `me`, a username or an id; repeat it for several.
    #[arg(long)]
    pub(crate) assign: Vec<String>,
    /// The project: its id, the end of its id, or its name. A name that is new makes a project.
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// The task that it is a part of: its id, or the end of it.
    #[arg(long, value_name = "ID")]
    pub(crate) parent: Option<String>,
    /// The key of the stage; by default the first one.
    #[arg(long, short)]
    pub(crate) stage: Option<String>,
    /// A task that blocks it: its id, or the end of it; repeat it for several.
    #[arg(long, value_name = "ID")]
    pub(crate) blocked_by: Vec<String>,
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
}

#[derive(Group)]
pub(crate) struct QuickArgs {
    /// The line: what to do, when, how often, `#project`, `#tag`, `!priority`, `@member`.
    #[arg(required = true, value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
}

#[derive(Group)]
pub(crate) struct ListArgs {
    /// Only tasks with this status, or `all`; by default pending ones, or all of a stage.
    #[arg(long, value_parser = status())]
    pub(crate) status: Option<Status>,
    /// Only tasks with this tag.
    #[arg(long, short)]
    pub(crate) tag: Option<String>,
    /// Only tasks of this priority.
    #[arg(long, short, value_parser = priority())]
    pub(crate) priority: Option<Priority>,
    /// Only pending tasks that are assigned to you, in all workspaces.
    #[arg(long, short)]
    pub(crate) mine: bool,
    /// Only pending tasks that are assigned to this person, in all workspaces: a username or an id.
    #[arg(long, short, value_name = "NAME", conflicts_with = "mine")]
    pub(crate) assignee: Option<String>,
    /// Only pending tasks whose date is over, in all workspaces, the oldest first.
    #[arg(long)]
    pub(crate) overdue: bool,
    /// Only tasks of this project: its id, the end of its id, or its name.
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// Only the parts of this task: its id, or the end of it.
    #[arg(long, value_name = "ID")]
    pub(crate) parent: Option<String>,
    /// Only tasks in the stage with this key.
    #[arg(long, short)]
    pub(crate) stage: Option<String>,
    /// Only pending tasks that no pending task blocks.
    #[arg(long)]
    pub(crate) ready: bool,
    /// Search titles, descriptions and tags.
    #[arg(long, short)]
    pub(crate) q: Option<String>,
    /// The order; `-` in front for descending.
    #[arg(long, allow_hyphen_values = true, value_parser = sort())]
    pub(crate) sort: Option<Sort>,
    /// The workspace, or `all`: its id, the end of its id, or its name; by default your personal workspace, or
    /// what the other options say.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
    /// The largest number of items.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

#[derive(Group)]
pub(crate) struct EditArgs {
    /// The task's id, or the end of it.
    pub(crate) id: String,
    /// The new title.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// The new description; an empty one clears it.
    #[arg(long, short)]
    pub(crate) description: Option<String>,
    /// The priority.
    #[arg(long, short, value_parser = priority())]
    pub(crate) priority: Option<Priority>,
    /// When it is due, as for `add`; `none` clears it.
    #[arg(long, value_parser = due_or_none)]
    pub(crate) due: Option<NewDue>,
    /// How often it repeats, as for `add`; `none` ends it.
    #[arg(long, value_name = "HOW OFTEN", value_parser = every_or_none)]
    pub(crate) every: Option<NewRule>,
    /// A tag; repeat it for several. They replace the task's tags.
    #[arg(long = "tag", short, conflicts_with = "no_tags")]
    pub(crate) tags: Vec<String>,
    /// Remove all tags.
    #[arg(long)]
    pub(crate) no_tags: bool,
    /// Add an assignee: `me`, a username or an id; repeat it for several.
    #[arg(long)]
    pub(crate) assign: Vec<String>,
    /// Remove an assignee; repeat it for several.
    #[arg(long)]
    pub(crate) unassign: Vec<String>,
    /// The project: its id, the end of its id, or its name; `none` takes the task out of its project.
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// The task that it is a part of: its id, or the end of it; `none` makes it a task of its own.
    #[arg(long, value_name = "ID")]
    pub(crate) parent: Option<String>,
    /// Move it to the stage with this key.
    #[arg(long, short)]
    pub(crate) stage: Option<String>,
    /// A task that blocks it: its id, or the end of it; repeat it for several. They replace those before.
    #[arg(long, value_name = "ID", conflicts_with = "not_blocked")]
    pub(crate) blocked_by: Vec<String>,
    /// Nothing blocks it any more.
    #[arg(long)]
    pub(crate) not_blocked: bool,
    /// Change the task only if it still has this version.
    #[arg(long, value_name = "VERSION")]
    pub(crate) if_version: Option<i64>,
}

/// A change of the due date.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewDue {
    Clear,
    Set(Due),
}

/// A change of how often a task repeats.
#[derive(Clone, Debug)]
pub(crate) enum NewRule {
    Clear,
    Set(String),
}

fn every_or_none(text: &str) -> Result<NewRule, String> {
    match text {
        "none" => Ok(NewRule::Clear),
        text => every::rule(text).map(NewRule::Set),
    }
}

fn due_or_none(text: &str) -> Result<NewDue, String> {
    match text {
        "none" => Ok(NewDue::Clear),
        text => due(text).map(NewDue::Set),
    }
}

fn priority() -> impl TypedValueParser<Value = Priority> {
    words(Priority::ALL.map(Priority::name))
}

fn sort() -> impl TypedValueParser<Value = Sort> {
    words(&[
        "created_at",
        "-created_at",
        "updated_at",
        "-updated_at",
        "due_at",
        "-due_at",
        "priority",
        "-priority",
        "title",
        "-title",
        "position",
        "-position",
    ])
}

#[cfg(test)]
mod tests {
    use super::super::{Args, Command};
    use super::*;
    use clap::Parser as _;

    #[test]
    fn a_descending_sort_is_not_read_as_an_option() {
        let args = Args::try_parse_from(["tw", "ls", "--sort", "-due_at"]);
        let Ok(Args {
            command: Command::Ls(list),
            ..
        }) = args
        else {
            panic!("refused")
        };
        assert_eq!(list.sort, Some(Sort::DueAtDesc));
    }
}
