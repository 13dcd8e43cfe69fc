//! `tw`: Taskwire on the command line.
//!
//! - `args`      the commands and their arguments
//! - one file for each group of commands: `tasks`, `quick_add`, `comments`, `attachments`, `history`, `list`, `watch`, `who`,
//!   `notifications`, `workspaces`, `members`, `projects`, `stages`, `stats`, `board`, `tags`, `invites`, `raw`, `socket`; about the account
//!   `account`, `by_mail`, `passwords`, `devices`, `profile`, `preferences`, `photo`, `api_tokens`, `audit`;
//!   `admin` about the server
//! - `resolve`   finds tasks by the end of the id, workspaces and people by name; `paging` reads lists
//! - `connect`   makes a client; `session` the file that stays between commands; `kept_tokens` its tokens; `waiting` what is told meanwhile
//! - `saving`    files that are saved; `progress` how far a large one is
//! - `output`    a command's result; `fault` errors: one line and an exit code
//! - `table`     rows in columns that fit; `names` the names behind the ids of people and workspaces
//! - `text`      tasks, ids and times for people; `terminal` notes, and text without control characters
//! - `ask`       questions to the person; `completions` scripts for shells
//! - `due`       dates as people type them, `every` how often they say that a task repeats; `clock` the current time

mod account;
mod admin;
mod api_tokens;
mod args;
mod ask;
mod attachments;
mod audit;
mod board;
mod browser;
mod by_mail;
mod calendar;
#[cfg(test)]
mod cases;
mod clock;
mod comments;
mod completions;
mod connect;
mod devices;
mod due;
mod every;
mod export;
mod fault;
mod history;
mod import;
mod invites;
mod kept_tokens;
mod list;
mod members;
mod names;
mod notifications;
mod output;
mod paging;
mod passwords;
mod photo;
mod preferences;
mod profile;
mod progress;
mod projects;
mod quick_add;
mod raw;
mod resolve;
mod saving;
mod search;
mod session;
mod socket;
mod stages;
mod stats;
mod table;
mod tags;
mod tasks;
mod terminal;
mod text;
mod waiting;
mod watch;
mod who;
mod workspaces;

use args::{AccountCommand, Args, Command, ProjectAction, TagAction};
use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use connect::Context;
use fault::Fault;
use output::Output;
use std::{io::Write as _, process::ExitCode, time::Duration};
use taskwire_client::Client;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return misused(&error),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(run(args));
            // A thread may still wait for the lock or for input; it must not keep the process alive.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(Fault::other(format!("the runtime cannot start: {error}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fault.report(),
    }
}

/// Prints help, or what is wrong with the arguments. The message quotes them, and a script may have them from others.
fn misused(error: &clap::Error) -> ExitCode {
    // a variable like TASKWIRE_URL counts as an argument, but nobody has typed one
    if error.kind() == ErrorKind::MissingSubcommand && std::env::args_os().len() == 1 {
        let help = Args::command().render_help();
        let _ = write!(anstream::stderr().lock(), "{}", help.ansi());
        return ExitCode::from(2);
    }
    let text = error.render().to_string();
    let shown = terminal::plain_lines(&text);
    if shown == text {
        error.exit();
    }
    let _ = write!(anstream::stderr().lock(), "{shown}");
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
}

async fn run(args: Args) -> Result<(), Fault> {
    if let Command::Completions { shell } = args.command {
        return completions::print(shell);
    }
    let context = Context::new(args.server, Duration::from_secs(args.wait))?;
    let output = Output::new(args.json);
    match args.command {
        Command::Signup(params) => account::sign_up(&context, &output, params).await,
        Command::Login(params) if params.browser => browser::log_in(&context, &output).await,
        Command::Login(params) => account::log_in(&context, &output, params).await,
        Command::Logout { local, all } => account::log_out(&context, &output, local, all).await,
        Command::Watch { workspace } => watch::watch(&context, &output, workspace.as_deref()).await,
        Command::Who(args) => who::who(&context, &output, args).await,
        Command::Board(params) => board::board(&context, &output, params).await,
        Command::Socket => socket::socket(&context, &output).await,
        Command::Call { name, data } => {
            let data = raw::parameters(data.as_deref())?;
            let call = async |client: &Client| raw::call(client, &output, &name, data).await;
            context.calling(call).await
        }
        Command::Comment(params) => {
            let body = comments::body(&params.text)?;
            let comment = async |client: &Client| comments::comment(client, &output, params, body).await;
            context.calling(comment).await
        }
        Command::Attach(params) => attachments::attach(&context, &output, params).await,
        Command::Export(params) => export::workspace(&context, &output, params).await,
        Command::Calendar { action } => calendar::calendar(&context, &output, action).await,
        Command::Get(params) => attachments::get(&context, &output, params).await,
        Command::Import(params) => import::import(&context, &output, params).await,
        Command::Account(command) => about_the_account(&context, &output, command).await,
        command => {
            context
                .calling(async |client| call(client, &output, command).await)
                .await
        }
    }
}

async fn about_the_account(context: &Context, output: &Output, command: AccountCommand) -> Result<(), Fault> {
    match command {
        AccountCommand::Profile(args) => profile::profile(context, output, args).await,
        AccountCommand::Passwd(args) => passwords::change(context, output, args).await,
        AccountCommand::Sessions(args) => devices::sessions(context, output, args).await,
        AccountCommand::Verify(args) => by_mail::verify(context, output, args).await,
        AccountCommand::Reset(args) => by_mail::reset(context, output, args).await,
        command => {
            context
                .calling(async |client| signed_in(client, output, command).await)
                .await
        }
    }
}

async fn signed_in(client: &Client, output: &Output, command: AccountCommand) -> Result<(), Fault> {
    match command {
        AccountCommand::Tokens { action } => api_tokens::tokens(client, output, action).await,
        AccountCommand::Audit(args) => audit::audit(client, output, args).await,
        // `about_the_account` handles these.
        AccountCommand::Passwd(_)
        | AccountCommand::Sessions(_)
        | AccountCommand::Profile(_)
        | AccountCommand::Verify(_)
        | AccountCommand::Reset(_) => Ok(()),
    }
}

async fn call(client: &Client, output: &Output, command: Command) -> Result<(), Fault> {
    match command {
        Command::Add(params) => tasks::add(client, output, params).await,
        Command::Quick(params) => quick_add::quick(client, output, params).await,
        Command::Ls(params) => list::list(client, output, params).await,
        Command::Search(params) => search::search(client, output, params).await,
        Command::Show { id } => tasks::show(client, output, &id).await,
        Command::Done { ids, undo } => tasks::done(client, output, &ids, undo).await,
        Command::Move(params) => stages::r#move(client, output, params).await,
        Command::Next(params) => stages::next(client, output, params).await,
        Command::Stages(params) => stages::stages(client, output, params).await,
        Command::Stats(params) => stats::stats(client, output, params).await,
        Command::Edit(params) => tasks::edit(client, output, params).await,
        Command::Remind { id, when } => tasks::remind(client, output, &id, &when).await,
        Command::Rm { ids, permanent } => tasks::remove(client, output, &ids, permanent).await,
        Command::Restore { ids } => tasks::restore(client, output, &ids).await,
        Command::Comments(params) => comments::comments(client, output, params).await,
        Command::Attachments(params) => attachments::attachments(client, output, params).await,
        Command::Log(params) => history::log(client, output, params).await,
        Command::Notifications(params) => notifications::notifications(client, output, params).await,
        Command::Workspaces => list::workspaces(client, output).await,
        Command::Members(args) => members::members(client, output, args).await,
        Command::Member { action } => members::member(client, output, action).await,
        Command::Project { within, action } => {
            let action = action.unwrap_or(ProjectAction::Ls { within });
            projects::project(client, output, action).await
        }
        Command::Tag { within, action } => {
            let action = action.unwrap_or(TagAction::Ls { within });
            tags::tag(client, output, action).await
        }
        Command::Invite(args) => invites::invite(client, output, args).await,
        Command::Invites(args) => invites::invites(client, output, args).await,
        Command::Join { invitation } => invites::join(client, output, &invitation).await,
        Command::Workspace { action } => workspaces::workspace(client, output, action).await,
        Command::Admin { action } => admin::admin(client, output, action).await,
        // `run` handles these.
        Command::Signup(_)
        | Command::Login(_)
        | Command::Logout { .. }
        | Command::Account(_)
        | Command::Comment(_)
        | Command::Attach(_)
        | Command::Get(_)
        | Command::Export(_)
        | Command::Calendar { .. }
        | Command::Import(_)
        | Command::Watch { .. }
        | Command::Who(_)
        | Command::Board(_)
        | Command::Socket
        | Command::Call { .. }
        | Command::Completions { .. } => Ok(()),
    }
}
