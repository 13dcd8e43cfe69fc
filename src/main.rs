//! The command line of `taskwire`: subcommands, exit codes (0 ok, 1 failure, 2 usage or settings), and the
//! process's allocator. Does not know how a node works; `taskwire::server` does.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;
use taskwire::clock::Clock;
use taskwire::config::{Flags, Settings, SettingsError};
use taskwire::operator::{self, JobName, Task};
use taskwire::{doctor, healthcheck, server, telemetry};
use taskwire_protocol::account::GlobalRole;

/// The most time for tasks to end after everything else is done.
const LAST_MOMENT: Duration = Duration::from_millis(100);

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A real-time, WebSocket-first task backend.
///
/// Without a subcommand it serves. Every setting can be given in a file (--config), in the environment
/// (TASKWIRE_ and its name in capitals; a .env file is read too), or as a flag (--set KEY=VALUE).
#[derive(Parser)]
#[command(name = "taskwire", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Subcommand, Clone, Default)]
enum Command {
    /// Run a node (what happens without a subcommand)
    #[default]
    Serve,
    /// Print the settings in force and where each came from, secrets masked
    Config,
    /// Bring the database's schema up to date, and end
    Migrate,
    /// Check the database, Redis, SMTP, the disk and the clock, and say what to do: exit 1 when something is broken
    Doctor,
    /// Ask the node on this machine whether it lives: exit 0 or 1
    Healthcheck,
    /// Change accounts, the epoch or background jobs in the configured database, and end
    ///
    /// With PostgreSQL servers may run meanwhile and hear of it; with SQLite stop the server first.
    #[command(subcommand)]
    Admin(Admin),
}

#[derive(Subcommand, Clone)]
enum Admin {
    /// Make an account
    CreateUser {
        /// Its e-mail address
        email: String,
        /// The name that others see; the address's first part when omitted
        #[arg(long)]
        name: Option<String>,
        /// What it may do on the server
        #[arg(long, value_enum, default_value_t = Role::User)]
        role: Role,
        #[command(flatten)]
        password: Password,
    },
    /// Say what an account may do on the server; sockets that are open learn it at once
    SetRole {
        /// The account's e-mail address
        email: String,
        /// What it may do
        role: Role,
    },
    /// Give an account another password; it is signed out everywhere
    ResetPassword {
        /// The account's e-mail address
        email: String,
        #[command(flatten)]
        password: Password,
    },
    /// Begin another epoch, as after a restore: servers end; once they run again, every client syncs from the start
    NewEpoch,
    /// List background jobs, dead ones first; retry or drop one
    Jobs {
        #[command(subcommand)]
        change: Option<JobChange>,
    },
}

#[derive(Subcommand, Clone)]
enum JobChange {
    /// Make a job due now and start its attempts over; a dead one lives again
    Retry(JobArguments),
    /// Remove a job
    Drop(JobArguments),
}

#[derive(Args, Clone)]
struct JobArguments {
    /// What it does, like `retention`
    kind: String,
    /// Tells it from the others of its kind, as `taskwire admin jobs` lists it
    #[arg(default_value = "")]
    key: String,
}

impl From<JobArguments> for JobName {
    fn from(JobArguments { kind, key }: JobArguments) -> JobName {
        JobName { kind, key }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    User,
    Admin,
}

#[derive(Args, Clone, Copy)]
struct Password {
    /// Read the password from standard input, one line; otherwise one is made and printed
    #[arg(long = "password-stdin")]
    stdin: bool,
}

impl Password {
    fn read(self) -> io::Result<Option<SecretString>> {
        if !self.stdin {
            return Ok(None);
        }
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        Ok(Some(SecretString::from(line.trim_end_matches(['\r', '\n']))))
    }
}

impl From<Role> for GlobalRole {
    fn from(role: Role) -> GlobalRole {
        match role {
            Role::User => GlobalRole::User,
            Role::Admin => GlobalRole::Admin,
        }
    }
}

impl Admin {
    fn task(self) -> io::Result<Task> {
        Ok(match self {
            Admin::CreateUser {
                email,
                name,
                role,
                password,
            } => Task::CreateUser {
                name: name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned()),
                email,
                role: role.into(),
                password: password.read()?,
            },
            Admin::SetRole { email, role } => Task::SetRole {
                email,
                role: role.into(),
            },
            Admin::ResetPassword { email, password } => Task::ResetPassword {
                email,
                password: password.read()?,
            },
            Admin::NewEpoch => Task::NewEpoch,
            Admin::Jobs { change: None } => Task::ListJobs,
            Admin::Jobs {
                change: Some(JobChange::Retry(job)),
            } => Task::RetryJob(job.into()),
            Admin::Jobs {
                change: Some(JobChange::Drop(job)),
            } => Task::DropJob(job.into()),
        })
    }
}

fn main() -> ExitCode {
    let CommandLine { command, flags } = CommandLine::parse();
    let command = command.unwrap_or_default();
    let (settings, effective) = match Settings::load(flags) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("taskwire: {error}");
            // To a container's health check, 2 has another meaning.
            let code = if matches!(command, Command::Healthcheck) {
                1
            } else {
                SettingsError::EXIT_CODE
            };
            return ExitCode::from(code);
        }
    };
    let outcome = match command {
        Command::Config => print(&effective.to_string()),
        command => start(command, settings),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("taskwire: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(command: Command, settings: Settings) -> Result<(), Box<dyn Error>> {
    telemetry::init(&settings)?;
    to_the_end(async {
        match command {
            Command::Migrate => server::migrate(&settings).await?,
            Command::Healthcheck => healthcheck::check(&settings).await?,
            Command::Doctor => examine(&settings).await?,
            Command::Admin(admin) => {
                let said = operator::run(&settings, admin.task()?).await?;
                print(&format!("{said}\n"))?;
            }
            Command::Serve | Command::Config => server::serve(settings).await?,
        }
        Ok(())
    })
}

/// Runs `work` with a runtime of its own. Work that still blocks a thread at the end, such as the lookup of a name, is
/// abandoned: waiting for it could keep the process alive past the time to drain.
fn to_the_end<T>(work: impl Future<Output = Result<T, Box<dyn Error>>>) -> Result<T, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_MOMENT);
    outcome
}

/// Prints what the doctor finds; fails when a node could not work.
async fn examine(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let findings = doctor::examine(settings, &Clock::system()).await;
    for finding in &findings {
        print(&format!("{finding}\n"))?;
    }
    if doctor::is_well(&findings) {
        Ok(())
    } else {
        Err("something that a node with these settings needs is not in order".into())
    }
}

/// Prints to stdout; a reader that has gone (`taskwire config | head -1`) is no failure.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Command, CommandLine, to_the_end};

    #[test]
    fn nothing_that_hangs_on_a_blocking_thread_holds_the_process() {
        let (release, hanging) = std::sync::mpsc::sync_channel::<()>(0);
        let done = to_the_end(async {
            drop(tokio::task::spawn_blocking(move || hanging.recv()));
            Ok(7)
        });
        assert_eq!(done.ok(), Some(7));
        drop(release);
    }

    #[test]
    fn flags_stand_before_or_after_the_subcommand() {
        CommandLine::command().debug_assert();
        for line in [
            ["taskwire", "--listen=a:1", "config"],
            ["taskwire", "config", "--listen=a:1"],
        ] {
            let read = CommandLine::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
            assert!(matches!(read.command, Some(Command::Config)));
            assert_eq!(read.flags.listen.as_deref(), Some("a:1"));
        }
        assert!(matches!(
            CommandLine::try_parse_from(["taskwire"]),
            Ok(CommandLine { command: None, .. })
        ));
    }
}
