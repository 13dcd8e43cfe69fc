//! The command line: commands, arguments, help. `account` has the commands about one's own account,
//! `admin` those of administrators, `task` those that add, list and edit tasks, `stages` those about stages, `workspace`,
//! `member`, `project` and `tag` those about workspaces, members, projects and tags, `notification` the one about them, `search` the one that finds tasks, `talk` those about what people say and did, `files`
//! those about attachments, `export` those about files of a workspace and the calendar feed, `who`
//! the one about who is there; `examples` what the help of a command ends with.

mod account;
mod admin;
mod examples;
mod export;
mod files;
mod member;
mod notification;
mod project;
mod search;
mod stages;
mod stats;
mod tag;
mod talk;
mod task;
mod who;
mod workspace;

use crate::{
    clock,
    due::{self, Due},
};
use clap::{
    Parser, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use serde::de::DeserializeOwned;
use taskwire_client::protocol::{Timestamp, task::Status};

pub(crate) use account::{
    AccountCommand, AuditArgs, DeleteProfileArgs, ExportArgs, LoginArgs, NewTokenArgs, PasswdArgs,
    ProfileAction, ProfileArgs, ProfileChanges, ResetArgs, SessionsArgs, SignupArgs, TokenAction, ToldArgs,
    VerifyArgs,
};
pub(crate) use admin::{AdminCommand, CreateArgs, UpdateArgs};
pub(crate) use export::{CalendarAction, ExportWorkspaceArgs};
pub(crate) use files::{AttachArgs, AttachmentsArgs, GetArgs, ImportArgs};
pub(crate) use member::{MemberAction, MembersArgs};
pub(crate) use notification::NotificationArgs;
pub(crate) use project::{ProjectAction, Within};
pub(crate) use search::SearchArgs;
pub(crate) use stages::{BoardArgs, MoveArgs, NewStage, NextArgs, StagesArgs};
pub(crate) use stats::StatsArgs;
pub(crate) use tag::TagAction;
pub(crate) use talk::{CommentArgs, CommentsArgs, LogArgs};
pub(crate) use task::{AddArgs, EditArgs, ListArgs, NewDue, NewRule, QuickArgs};
pub(crate) use who::WhoArgs;
pub(crate) use workspace::{InviteArgs, InvitesArgs, WorkspaceAction};

/// Tasks on a Taskwire server.
#[derive(Parser)]
#[command(name = "tw", version, propagate_version = true, arg_required_else_help = true, after_help = examples::ROOT)]
pub(crate) struct Args {
    /// The server's address; by default the one of your latest sign-in that is kept, or http://127.0.0.1:8080.
    #[arg(
        long,
        global = true,
        env = "TASKWIRE_URL",
        hide_env_values = true,
        value_name = "URL",
        help_heading = EVERY,
        display_order = 1000
    )]
    pub(crate) server: Option<String>,
    /// How long to try to reach a server that refuses connections, is silent, or restarts.
    #[arg(
        long,
        global = true,
        env = "TASKWIRE_WAIT",
        hide_env_values = true,
        value_name = "SECONDS",
        help_heading = EVERY,
        display_order = 1001,
        default_value_t = 3,
        value_parser = clap::value_parser!(u64).range(..=86_400)
    )]
    pub(crate) wait: u64,
    /// Print JSON: one value; with `watch` and `--watch`, one value per line.
    #[arg(long, global = true, help_heading = EVERY, display_order = 1002)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The heading of the options that every command has.
const EVERY: &str = "Options of every command";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create an account and sign in.
    Signup(SignupArgs),
    /// Sign in.
    #[command(after_help = examples::LOGIN)]
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
    #[command(after_help = examples::ADD)]
    Add(AddArgs),
    /// Add a task in one line: `tw quick 'pay rent friday 9am every month #home !high @ada'`.
    #[command(after_help = examples::QUICK)]
    Quick(QuickArgs),
    /// List tasks: pending ones, unless options say otherwise.
    #[command(visible_alias = "list", after_help = examples::LS)]
    Ls(ListArgs),
    /// Find tasks by words in their titles, descriptions, tags and comments, the best matches first.
    #[command(after_help = examples::SEARCH)]
    Search(SearchArgs),
    /// Show a task with all its fields.
    Show {
        /// The task's id, or the end of it.
        id: String,
    },
    /// Complete tasks.
    #[command(alias = "complete", after_help = examples::DONE)]
    Done {
        /// The tasks' ids, or the ends of them.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Reopen the tasks instead.
        #[arg(long)]
        undo: bool,
    },
    /// Move tasks to a stage, or to another place: `tw move 89abcdef doing`.
    #[command(alias = "mv", after_help = examples::MOVE)]
    Move(MoveArgs),
    /// List what can be done now: pending tasks that no pending task blocks, the earliest due first.
    Next(NextArgs),
    /// List the stages of a workspace, or change them.
    #[command(after_help = examples::STAGES)]
    Stages(StagesArgs),
    /// Show the tasks of a workspace in columns, a stage each; on a terminal live, until q.
    #[command(after_help = examples::BOARD)]
    Board(BoardArgs),
    /// Change a task.
    #[command(after_help = examples::EDIT)]
    Edit(EditArgs),
    /// Remind of a task: tell its assignees, or you if it has none, at this time.
    #[command(after_help = examples::REMIND)]
    Remind {
        /// The task's id, or the end of it.
        id: String,
        /// When: "tomorrow 9am", +2h, friday, as for `add --due`; a day alone means nine in the morning. `none` ends it.
        #[arg(required = true, value_name = "WHEN")]
        when: Vec<String>,
    },
    /// Delete tasks, with their subtasks; they can be restored.
    #[command(alias = "delete")]
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
    #[command(after_help = examples::COMMENT)]
    Comment(CommentArgs),
    /// List the comments on a task, oldest first.
    Comments(CommentsArgs),
    /// Upload files to a task.
    #[command(after_help = examples::ATTACH)]
    Attach(AttachArgs),
    /// List the attachments of a task, oldest first.
    Attachments(AttachmentsArgs),
    /// Download an attachment: `tw get 89abcdef plan.pdf`.
    #[command(after_help = examples::GET)]
    Get(GetArgs),
    /// Import a file of another program, or an export of Taskwire: `tw import board.json --dry-run`.
    #[command(after_help = examples::IMPORT)]
    Import(ImportArgs),
    /// Tell what happened to a task, and who did it, oldest first.
    #[command(visible_alias = "history")]
    Log(LogArgs),
    /// Print each change as a line, until interrupted.
    #[command(after_help = examples::WATCH)]
    Watch {
        /// Watch only this workspace: its id, the end of its id, or its name.
        #[arg(long, short)]
        workspace: Option<String>,
    },
    /// Show how many tasks there are, by day and by kind.
    Stats(StatsArgs),
    /// Show who is there now: since when, and at which task.
    Who(WhoArgs),
    /// List notifications, newest first; mark or delete some.
    #[command(after_help = examples::NOTIFICATIONS)]
    Notifications(NotificationArgs),
    /// List workspaces.
    Workspaces,
    /// Make, rename, leave, hand over or delete a workspace.
    #[command(arg_required_else_help = true, after_help = examples::WORKSPACE)]
    Workspace {
        #[command(subcommand)]
        action: WorkspaceAction,
    },
    /// List the members of a workspace.
    Members(MembersArgs),
    /// Add or remove members of a workspace, or change their roles.
    #[command(arg_required_else_help = true, after_help = examples::MEMBER)]
    Member {
        #[command(subcommand)]
        action: MemberAction,
    },
    /// List, make, change, archive or delete projects.
    #[command(visible_alias = "projects", args_conflicts_with_subcommands = true, after_help = examples::PROJECT)]
    Project {
        #[command(flatten)]
        within: Within,
        #[command(subcommand)]
        action: Option<ProjectAction>,
    },
    /// List, make, rename, merge, color or delete tags.
    #[command(visible_alias = "tags", args_conflicts_with_subcommands = true, after_help = examples::TAG)]
    Tag {
        #[command(flatten)]
        within: Within,
        #[command(subcommand)]
        action: Option<TagAction>,
    },
    /// Invite people to a workspace, by address or with a link.
    #[command(after_help = examples::INVITE)]
    Invite(InviteArgs),
    /// List the invitations that you got, or those to a workspace.
    Invites(InvitesArgs),
    /// Accept an invitation.
    Join {
        /// The token or link of the invitation; or one that `tw invites` lists: its id, the end of it, or the workspace.
        invitation: String,
    },
    /// Save a workspace as a file: `tw export -w Home home.csv`.
    #[command(after_help = examples::EXPORT)]
    Export(ExportWorkspaceArgs),
    /// Make or end your calendar feed: an address at which calendar programs read your tasks.
    #[command(arg_required_else_help = true)]
    Calendar {
        #[command(subcommand)]
        action: CalendarAction,
    },
    #[command(flatten)]
    Account(AccountCommand),
    /// Administer the server: its accounts, instances and connections. For administrators.
    #[command(arg_required_else_help = true)]
    Admin {
        #[command(subcommand)]
        action: AdminCommand,
    },
    /// Open a socket without signing in: send each line of standard input as a frame, print each frame that arrives.
    #[command(after_help = examples::SOCKET)]
    Socket,
    /// Call an operation by its wire name: `tw call task.get '{"id":"…"}'`.
    #[command(after_help = examples::CALL)]
    Call {
        /// The wire name; `tw call protocol.describe` lists them.
        name: String,
        /// The parameters as JSON; `-` reads them from standard input.
        data: Option<String>,
    },
    /// Print the script with which a shell completes these commands: `source <(tw completions bash)`.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Reads one of these words of the contract as the contract's type.
fn words<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    words: impl IntoIterator<Item = impl Into<PossibleValue>>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words)
        .try_map(|word| serde_json::from_value::<T>(serde_json::Value::String(word)))
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

fn status() -> impl TypedValueParser<Value = Status> {
    words(&["all", "pending", "completed", "deleted"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_of_the_command_line_is_valid() {
        Args::command().debug_assert();
    }
}
