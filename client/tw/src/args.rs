//! The command line: commands, arguments, help. `account` has the commands about one's own account,
//! `admin` those of administrators, `stages` those about stages, `workspace`, `project` and `tag` those about
//! workspaces, projects and tags, `search` the one that finds tasks, `talk` those about what people say and did, `files`
//! those about attachments, `export` those about files of a workspace and the calendar feed, `who`
//! the one about who is there.

mod account;
mod admin;
mod export;
mod files;
mod project;
mod search;
mod stages;
mod stats;
mod tag;
mod talk;
mod who;
mod workspace;

use crate::{
    clock,
    due::{self, Due},
    every,
};
use clap::{
    Args as Group, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde::de::DeserializeOwned;
use taskwire_client::protocol::{
    Timestamp,
    task::{Priority, Sort, Status},
};

pub(crate) use account::{
    AccountCommand, AuditArgs, DeleteProfileArgs, ExportArgs, LoginArgs, NewTokenArgs, PasswdArgs,
    ProfileAction, ProfileArgs, ProfileChanges, ResetArgs, SessionsArgs, SignupArgs, TokenAction, VerifyArgs,
};
pub(crate) use admin::{AdminCommand, CreateArgs, UpdateArgs};
pub(crate) use export::{CalendarAction, ExportWorkspaceArgs};
pub(crate) use files::{AttachArgs, AttachmentsArgs, GetArgs, ImportArgs};
pub(crate) use project::{ProjectAction, Within};
pub(crate) use search::SearchArgs;
pub(crate) use stages::{BoardArgs, MoveArgs, NextArgs, StagesArgs};
pub(crate) use stats::StatsArgs;
pub(crate) use tag::TagAction;
pub(crate) use talk::{CommentArgs, CommentsArgs, LogArgs};
pub(crate) use who::WhoArgs;
pub(crate) use workspace::{InviteArgs, InvitesArgs, WorkspaceAction};

/// Tasks on a Taskwire server.
#[derive(Parser)]
#[command(name = "tw", version, propagate_version = true, after_help = AFTER)]
pub(crate) struct Args {
    /// The server's address; by default the one of your latest sign-in that is kept, or http://127.0.0.1:8080.
    #[arg(
        long,
        global = true,
        env = "TASKWIRE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) server: Option<String>,
    /// How long to try to reach a server that refuses connections or restarts.
    #[arg(
        long,
        global = true,
        env = "TASKWIRE_WAIT",
        hide_env_values = true,
        value_name = "SECONDS",
        default_value_t = 3,
        value_parser = clap::value_parser!(u64).range(..=86_400)
    )]
    pub(crate) wait: u64,
    /// Print JSON: one value; with `watch` and `--watch`, one value per line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Name a task by its id or the end of its id, as `tw ls` shows it.
TASKWIRE_TOKEN replaces the session that `tw login` keeps. NO_COLOR turns colours off.
Exit codes: 0 ok, 1 error, 2 usage, 3 not signed in or not allowed, 4 not found, 5 conflict, 6 network or
server not available.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create an account and sign in.
    Signup(SignupArgs),
    /// Sign in.
    Login(LoginArgs),
    /// Sign out.
    Logout {
        /// Remove the session here without ending it on the server.
        #[arg(long)]
        local: bool,
        /// End all your sessions, on every device.
        #[arg(long, conflicts_with = "local")]
        all: bool,
    },
    /// Add a task.
    Add(AddArgs),
    /// List tasks.
    #[command(visible_alias = "list")]
    Ls(ListArgs),
    /// Find tasks by words in their titles, descriptions, tags and comments, the best matches first.
    Search(SearchArgs),
    /// Show a task with all its fields.
    Show {
        /// The task's id, or the end of it.
        id: String,
    },
    /// Complete tasks.
    Done {
        /// The tasks' ids, or the ends of them.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Reopen the tasks instead.
        #[arg(long)]
        undo: bool,
    },
    /// Move tasks to a stage: `tw move 89abcdef doing`.
    Move(MoveArgs),
    /// List what can be done now: pending tasks that no pending task blocks, the earliest due first.
    Next(NextArgs),
    /// List the stages of a workspace.
    Stages(StagesArgs),
    /// Show the tasks of a workspace in columns, a stage each; on a terminal live, until q.
    Board(BoardArgs),
    /// Change a task.
    Edit(EditArgs),
    /// Remind of a task: tell its assignees, or you if it has none, at this time.
    Remind {
        /// The task's id, or the end of it.
        id: String,
        /// When: "tomorrow 9am", +2h, friday, as for `add --due`; a day alone means nine in the morning. `none` ends it.
        #[arg(required = true, value_name = "WHEN")]
        when: Vec<String>,
    },
    /// Delete tasks, with their subtasks; they can be restored.
    Rm {
        /// The tasks' ids, or the ends of them.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Delete for good: from the server's log too. The tasks cannot be restored.
        #[arg(long)]
        permanent: bool,
    },
    /// Restore deleted tasks, with what was deleted together with them.
    Restore {
        /// The tasks' ids, or the ends of them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Write a comment on a task.
    Comment(CommentArgs),
    /// List the comments on a task, oldest first.
    Comments(CommentsArgs),
    /// Upload files to a task.
    Attach(AttachArgs),
    /// List the attachments of a task, oldest first.
    Attachments(AttachmentsArgs),
    /// Download an attachment: `tw get 89abcdef plan.pdf`.
    Get(GetArgs),
    /// Import a file of another program, or an export of Taskwire: `tw import board.json --dry-run`.
    Import(ImportArgs),
    /// Tell what happened to a task, and who did it, oldest first.
    #[command(visible_alias = "history")]
    Log(LogArgs),
    /// Print each change as a line, until interrupted.
    Watch {
        /// Watch only this workspace: its id, the end of its id, or its name.
        #[arg(long, short)]
        workspace: Option<String>,
    },
    /// Show how many tasks there are, by day and by kind.
    Stats(StatsArgs),
    /// Show who is there now: since when, and at which task.
    Who(WhoArgs),
    /// List notifications, newest first.
    Notifications(NotificationArgs),
    /// List workspaces.
    Workspaces,
    /// Make, rename, leave, hand over or delete a workspace.
    Workspace {
        #[command(subcommand)]
        action: WorkspaceAction,
    },
    /// List, make, change, archive or delete projects.
    Project {
        #[command(subcommand)]
        action: ProjectAction,
    },
    /// List, make, rename, merge, color or delete tags.
    Tag {
        #[command(subcommand)]
        action: TagAction,
    },
    /// Invite people to a workspace, by address or with a link.
    Invite(InviteArgs),
    /// List the invitations that you got, or those to a workspace.
    Invites(InvitesArgs),
    /// Accept an invitation.
    Join {
        /// The token or link of the invitation; or one that `tw invites` lists: its id, the end of it, or the workspace.
        invitation: String,
    },
    /// Save a workspace as a file: `tw export -w Home home.csv`.
    Export(ExportWorkspaceArgs),
    /// Make or end your calendar feed: an address at which calendar programs read your tasks.
    Calendar {
        #[command(subcommand)]
        action: CalendarAction,
    },
    #[command(flatten)]
    Account(AccountCommand),
    /// Administer the server: its accounts, instances and connections. For administrators.
    Admin {
        #[command(subcommand)]
        action: AdminCommand,
    },
    /// Open a socket without signing in: send each line of standard input as a frame, print each frame that arrives.
    Socket,
    /// Call an operation by its wire name: `tw call task.get '{"id":"…"}'`.
    Call {
        /// The wire name; `tw call protocol.describe` lists them.
        name: String,
        /// The parameters as JSON; `-` reads them from standard input.
        data: Option<String>,
    },
    /// Print the script with which a shell completes these commands: `source <(tw completions bash)`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

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
    /// The project: its id, the end of its id, or its name.
    #[arg(long)]
    pub(crate) project: Option<String>,
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
pub(crate) struct ListArgs {
    /// Only tasks with this status; by default pending and completed tasks, or what the other options say.
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

#[derive(Group)]
pub(crate) struct NotificationArgs {
    /// Only unread notifications.
    #[arg(long)]
    pub(crate) unread: bool,
    /// Mark all notifications as read.
    #[arg(long)]
    pub(crate) read_all: bool,
    /// The largest number of items.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

/// Reads one of these words of the contract as the contract's type.
fn words<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    words: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words)
        .try_map(|word| serde_json::from_value::<T>(serde_json::Value::String(word)))
}

/// A change of the due date.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewDue {
    Clear,
    Set(Due),
}

fn due(text: &str) -> Result<Due, String> {
    due::parse(text, &clock::now())
}

/// A moment: a day alone means nine in the morning there.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let due = due(text)?;
    let Some(day) = due.day() else { return Ok(due.at) };
    let nine = day.at(9, 0, 0, 0).to_zoned(clock::now().time_zone().clone());
    let nine = nine.map_err(|_| format!("{text:?} is not between the years 1970 and 9999"))?;
    Ok(Timestamp(nine.timestamp().as_millisecond()))
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
    words(&["none", "low", "medium", "high", "urgent"])
}

fn status() -> impl TypedValueParser<Value = Status> {
    words(&["all", "pending", "completed", "deleted"])
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
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_of_the_command_line_is_valid() {
        Args::command().debug_assert();
    }

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
