//! `tw`: Taskwire on the command line.
//!
//! - `args`     what can be typed
//! - `session`  the sign-in that is kept between commands; `connect` a client from it
//! - `output`   what people and programs read
//! - `fault`    errors as one line and an exit code
//! - `resolve`  tasks by the end of their id, workspaces and people by name
//! - `patient`  calls of which a command makes many
//! - `due`      dates as people type them; `clock` what time it is
//! - one file a group of commands: `account`, `tasks`, `list`, `watch`, `notifications`, `raw`

mod account;
mod args;
mod clock;
mod connect;
mod due;
mod fault;
mod list;
mod notifications;
mod output;
mod patient;
mod raw;
mod resolve;
mod session;
mod tasks;
mod watch;

use args::{Args, Command};
use clap::Parser as _;
use connect::Context;
use fault::Fault;
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(run(args));
            // A thread that still waits for the lock or for a line of input must not keep the process.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(Fault::other(format!("the runtime does not start: {error}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fault.report(),
    }
}

async fn run(args: Args) -> Result<(), Fault> {
    let context = Context::new(args.server)?;
    let output = Output::new(args.json);
    match args.command {
        Command::Signup(params) => account::sign_up(&context, &output, params).await,
        Command::Login(params) => account::log_in(&context, &output, params).await,
        Command::Logout { local } => account::log_out(&context, &output, local).await,
        Command::Watch { workspace } => watch::watch(&context, &output, workspace.as_deref()).await,
        Command::Call { name, data } => {
            let data = raw::parameters(data.as_deref())?;
            let client = context.connect().await?;
            let done = raw::call(&client, &output, &name, data).await;
            client.close().await;
            done
        }
        command => {
            let client = context.connect().await?;
            let done = call(&client, &output, command).await;
            client.close().await;
            done
        }
    }
}

async fn call(client: &taskwire_client::Client, output: &Output, command: Command) -> Result<(), Fault> {
    match command {
        Command::Add(params) => tasks::add(client, output, params).await,
        Command::Ls(params) => list::list(client, output, params).await,
        Command::Show { id } => tasks::show(client, output, &id).await,
        Command::Done { ids, undo } => tasks::done(client, output, &ids, undo).await,
        Command::Edit(params) => tasks::edit(client, output, params).await,
        Command::Rm { ids, permanent } => tasks::remove(client, output, &ids, permanent).await,
        Command::Restore { ids } => tasks::restore(client, output, &ids).await,
        Command::Notifications(params) => notifications::notifications(client, output, params).await,
        Command::Workspaces => list::workspaces(client, output).await,
        // Not with this client: see `run`.
        Command::Signup(_)
        | Command::Login(_)
        | Command::Logout { .. }
        | Command::Watch { .. }
        | Command::Call { .. } => Ok(()),
    }
}
