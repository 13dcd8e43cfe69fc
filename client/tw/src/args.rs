//! What can be typed.

use crate::{
    clock,
    due::{self, Due},
};
use clap::{
    Args as Group, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde::de::DeserializeOwned;
use taskwire_client::protocol::task::{Priority, Sort, Status};

/// Tasks on a Taskwire server.
#[derive(Parser)]
#[command(name = "tw", version, propagate_version = true, after_help = AFTER)]
pub(crate) struct Args {
    /// The server; else the one signed in at, else http://127.0.0.1:8080.
    #[arg(
        long,
        global = true,
        env = "TASKWIRE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) server: Option<String>,
    /// Print JSON: one value, or one a line for `watch`.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
A task is named by its id or the end of it, as `tw ls` shows it.
TASKWIRE_TOKEN is used instead of the kept session. NO_COLOR turns colours off.
Exit codes: 0 ok, 1 error, 2 usage, 3 not signed in or not allowed, 4 not found, 5 conflict, 6 network.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an account and sign in.
    Signup(SignupArgs),
    /// Sign in.
    Login(LoginArgs),
    /// Sign out.
    Logout {
        /// Only forget the session here, without telling the server.
        #[arg(long)]
        local: bool,
    },
    /// Add a task.
    Add(AddArgs),
    /// List tasks.
    #[command(visible_alias = "list")]
    Ls(ListArgs),
    /// Show a task.
    Show {
        /// The task.
        id: String,
    },
    /// Complete tasks.
    Done {
        /// The tasks.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Reopen them instead.
        #[arg(long)]
        undo: bool,
    },
    /// Change a task.
    Edit(EditArgs),
    /// Delete tasks; they can be restored.
    Rm {
        /// The tasks.
        #[arg(required = true)]
        ids: Vec<String>,
        /// For good: the log forgets them too.
        #[arg(long)]
        permanent: bool,
    },
    /// Restore deleted tasks.
    Restore {
        /// The tasks.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Print what happens, a line an event, until interrupted.
    Watch {
        /// Only this workspace: its id, the end of it, or its name.
        #[arg(long, short)]
        workspace: Option<String>,
    },
    /// List notifications, newest first.
    Notifications(NotificationArgs),
    /// List workspaces.
    Workspaces,
    /// Call an operation by its wire name, like `tw call task.get '{"id":"…"}'`.
    Call {
        /// The wire name; `tw call protocol.describe` lists them.
        name: String,
        /// Its parameters as JSON; `-` reads them from standard input.
        data: Option<String>,
    },
}

#[derive(Group)]
pub(crate) struct SignupArgs {
    /// The e-mail address; asked for when omitted.
    pub(crate) email: Option<String>,
    /// The display name; asked for when omitted.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The username; made from the e-mail address when omitted.
    #[arg(long)]
    pub(crate) username: Option<String>,
    /// Read the password from standard input; else TASKWIRE_PASSWORD, else it is asked for.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Group)]
pub(crate) struct LoginArgs {
    /// The e-mail address; asked for when omitted.
    pub(crate) email: Option<String>,
    /// Read the password from standard input; else TASKWIRE_PASSWORD, else it is asked for.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Group)]
pub(crate) struct AddArgs {
    /// What is to be done.
    #[arg(required = true)]
    pub(crate) title: Vec<String>,
    /// More about it.
    #[arg(long, short)]
    pub(crate) description: Option<String>,
    /// How pressing it is.
    #[arg(long, short, value_parser = priority())]
    pub(crate) priority: Option<Priority>,
    /// Until when: 2026-12-24, RFC 3339, today, tomorrow, +3d, +2h.
    #[arg(long, value_parser = due)]
    pub(crate) due: Option<Due>,
    /// A tag; may be repeated.
    #[arg(long = "tag", short)]
    pub(crate) tags: Vec<String>,
    /// Who does it: `me`, a username or an id; may be repeated.
    #[arg(long)]
    pub(crate) assign: Vec<String>,
    /// The workspace: its id, the end of it, or its name; the personal one when omitted.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
}

#[derive(Group)]
pub(crate) struct ListArgs {
    /// Which; pending and completed ones when omitted.
    #[arg(long, value_parser = status())]
    pub(crate) status: Option<Status>,
    /// Bearing this tag.
    #[arg(long, short)]
    pub(crate) tag: Option<String>,
    /// Of this priority.
    #[arg(long, short, value_parser = priority())]
    pub(crate) priority: Option<Priority>,
    /// Search in title, description and tags.
    #[arg(long, short)]
    pub(crate) q: Option<String>,
    /// The order, descending with `-` in front.
    #[arg(long, allow_hyphen_values = true, value_parser = sort())]
    pub(crate) sort: Option<Sort>,
    /// `all`, an id, the end of it, or a name; the personal one when omitted.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

#[derive(Group)]
pub(crate) struct EditArgs {
    /// The task.
    pub(crate) id: String,
    /// What is to be done.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// More about it; empty clears it.
    #[arg(long, short)]
    pub(crate) description: Option<String>,
    /// How pressing it is.
    #[arg(long, short, value_parser = priority())]
    pub(crate) priority: Option<Priority>,
    /// Until when, as for `add`; `none` clears it.
    #[arg(long, value_parser = due_or_none)]
    pub(crate) due: Option<NewDue>,
    /// All its tags, instead of those it has; may be repeated.
    #[arg(long = "tag", short, conflicts_with = "no_tags")]
    pub(crate) tags: Vec<String>,
    /// Take all tags away.
    #[arg(long)]
    pub(crate) no_tags: bool,
    /// Who does it too: `me`, a username or an id; may be repeated.
    #[arg(long)]
    pub(crate) assign: Vec<String>,
    /// Who no longer does it.
    #[arg(long)]
    pub(crate) unassign: Vec<String>,
    /// Only if the task still has this version.
    #[arg(long, value_name = "VERSION")]
    pub(crate) if_version: Option<i64>,
}

#[derive(Group)]
pub(crate) struct NotificationArgs {
    /// Only those not seen.
    #[arg(long)]
    pub(crate) unread: bool,
    /// Mark all as read.
    #[arg(long)]
    pub(crate) read_all: bool,
    /// How many at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

/// Words of the contract, read as it reads them.
fn words<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    words: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words)
        .try_map(|word| serde_json::from_value::<T>(serde_json::Value::String(word)))
}

/// What becomes of a date.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewDue {
    Clear,
    Set(Due),
}

fn due(text: &str) -> Result<Due, String> {
    due::parse(text, &clock::now())
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
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_descending_sort_is_no_option() {
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
