//! The command line of `taskwire`: subcommands, exit codes (0 ok, 1 failure, 2 usage or settings), and the process's
//! allocator. Does not know how a node works; `taskwire::server` does.

use std::error::Error;
use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;
use taskwire::clock::Clock;
use taskwire::config::{Effective, Flags, Settings, SettingsError};
use taskwire::operator::{self, JobName, Task};
use taskwire::reload::Reload;
use taskwire::{demo, doctor, healthcheck, server, telemetry};
use taskwire_protocol::Timestamp;
use taskwire_protocol::account::GlobalRole;

/// How long the runtime may take to end after the command is done.
const LAST_MOMENT: Duration = Duration::from_millis(100);

/// Bytes that are read of a password: more than one may have.
const PASSWORD_LINE: u64 = 4096;

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
    /// Run a node (the default)
    #[default]
    Serve,
    /// Print the settings in force and where each came from, secrets masked
    Config,
    /// Migrate the database's schema, then exit
    Migrate,
    /// Check the database, Redis, SMTP, the disk and the clock, and give advice: exit 1 if a check fails
    Doctor,
    /// Check that the node on this machine is alive: exit 0 or 1
    Healthcheck(Healthcheck),
    /// Change accounts, the epoch or background jobs in the configured database, then exit
    ///
    /// With PostgreSQL, servers can run meanwhile and see the change at once. With SQLite, stop the server first.
    #[command(subcommand)]
    Admin(Admin),
    /// Fill the configured database with a believable month of a team, print a login, then exit
    ///
    /// Stop the server first. The people get new accounts and a new workspace; what is in the database stays as it is.
    Demo(Demo),
}

#[derive(Args, Clone, Copy)]
struct Demo {
    /// People in the team
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(2..=demo::PEOPLE as u64))]
    people: u64,
    /// Tasks that they made
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    tasks: u64,
    /// The same seed makes the same month
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// When the month ends, like 2026-05-29T16:00:00Z; the last full hour when omitted
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
}

impl From<Demo> for demo::Wanted {
    fn from(demo: Demo) -> demo::Wanted {
        demo::Wanted {
            people: demo.people as usize,
            tasks: demo.tasks as usize,
            seed: demo.seed,
            until: demo.until.map(|until| until.0),
        }
    }
}

/// Reads a moment after 1970 that leaves a month before it.
fn moment(typed: &str) -> Result<Timestamp, String> {
    const YEAR_MS: i64 = 365 * 24 * 3_600_000;
    let read = Timestamp::parse(typed).filter(|at| at.0 > YEAR_MS);
    read.ok_or_else(|| "must be a time after 1970, like 2026-05-29T16:00:00Z".to_owned())
}

#[derive(Args, Clone)]
struct Healthcheck {
    /// Wait until the node is ready, at most this long
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=86_400))]
    wait: Option<u64>,
    /// Wait also until the proxy at http://HOST:PORT sends requests to this node; may be repeated
    #[arg(long, value_name = "URL", requires = "wait")]
    through: Vec<healthcheck::Proxy>,
}

impl Healthcheck {
    async fn run(self, settings: &Settings) -> Result<(), healthcheck::NotAlive> {
        match self.wait {
            Some(seconds) => healthcheck::wait(settings, Duration::from_secs(seconds), &self.through).await,
            None => healthcheck::check(settings).await,
        }
    }
}

#[derive(Subcommand, Clone)]
enum Admin {
    /// Create an account
    CreateUser {
        /// Its e-mail address
        email: String,
        /// The name that others see; made from the address when omitted
        #[arg(long)]
        name: Option<String>,
        /// Its role on the server
        #[arg(long, value_enum, default_value_t = Role::User)]
        role: Role,
        #[command(flatten)]
        password: Password,
    },
    /// Change an account's role on the server; its open sockets get the role at once
    SetRole {
        /// The account's e-mail address
        email: String,
        /// The new role
        role: Role,
    },
    /// Set a new password for an account, and sign it out everywhere
    ResetPassword {
        /// The account's e-mail address
        email: String,
        #[command(flatten)]
        password: Password,
    },
    /// Begin a new epoch, after a restore: running servers exit; after their restart every client syncs from the start
    NewEpoch,
    /// List background jobs, dead ones first; retry or drop one
    Jobs {
        #[command(subcommand)]
        change: Option<JobChange>,
    },
}

#[derive(Subcommand, Clone)]
enum JobChange {
    /// Make a job due now and reset its attempts; a dead job runs again
    Retry(JobArguments),
    /// Remove a job
    Drop(JobArguments),
}

#[derive(Args, Clone)]
struct JobArguments {
    /// The job's kind, like `retention`
    kind: String,
    /// The job's key, as `taskwire admin jobs` lists it; most kinds need none
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
    /// Read the password from standard input, one line; without this, generate a password and print it
    #[arg(long = "password-stdin")]
    stdin: bool,
}

impl Password {
    fn read(self) -> io::Result<Option<SecretString>> {
        if !self.stdin {
            return Ok(None);
        }
        let mut line = String::new();
        io::stdin().lock().take(PASSWORD_LINE).read_line(&mut line)?;
        let password = line.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
        Ok(Some(SecretString::from(password)))
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
                name,
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
    // what a node writes is for its own user, in whatever folder: the database, secrets, mails, uploads
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let CommandLine { command, flags } = CommandLine::parse();
    let command = command.unwrap_or_default();
    let (settings, effective) = match Settings::load(flags.clone()) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("taskwire: {error}");
            // Docker reserves exit code 2 of a health check.
            let code = if matches!(command, Command::Healthcheck(_)) {
                1
            } else {
                SettingsError::EXIT_CODE
            };
            return ExitCode::from(code);
        }
    };
    let outcome = match command {
        Command::Config => print(&effective.to_string()),
        command => start(command, settings, effective, flags),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("taskwire: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(
    command: Command,
    settings: Settings,
    effective: Effective,
    flags: Flags,
) -> Result<(), Box<dyn Error>> {
    let log = telemetry::init(&settings)?;
    if matches!(command, Command::Serve | Command::Migrate) {
        // the first line of the log
        let (version, settings) = (env!("CARGO_PKG_VERSION"), effective.sources());
        tracing::info!(version, settings, "taskwire starts");
    }
    let ignored = effective.variables_of_services().collect::<Vec<_>>().join(", ");
    if !ignored.is_empty() {
        tracing::debug!("ignored variables with which Kubernetes describes services: {ignored}");
    }
    let reload = Arc::new(Reload::new(flags, log, effective));
    run_on_runtime(async {
        match command {
            Command::Migrate => {
                server::migrate(&settings).await?;
                print("the database's schema is up to date\n")?;
            }
            Command::Healthcheck(healthcheck) => healthcheck.run(&settings).await?,
            Command::Doctor => examine(&settings).await?,
            Command::Admin(admin) => {
                let said = operator::run(&settings, admin.task()?).await?;
                print(&format!("{said}\n"))?;
            }
            Command::Demo(demo) => {
                let said = demo::run(&settings, demo.into()).await?;
                print(&format!("{said}\n"))?;
            }
            Command::Serve | Command::Config => {
                let log = reload.clone();
                let reload = reload.clone();
                Box::pin(server::serve(
                    settings,
                    move || reload.again(),
                    move || log.report_repeats(),
                ))
                .await?;
            }
        }
        Ok(())
    })
}

/// Runs `work` on its own runtime. A thread that is still blocked at the end, for example by the lookup of a name, is
/// abandoned: waiting for it could keep the process alive after the time to drain.
fn run_on_runtime<T>(work: impl Future<Output = Result<T, Box<dyn Error>>>) -> Result<T, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_MOMENT);
    outcome
}

/// Prints the findings of the doctor. Fails if a check failed.
async fn examine(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let findings = doctor::examine(settings, &Clock::system()).await;
    for finding in &findings {
        print(&format!("{finding}\n"))?;
    }
    if doctor::is_well(&findings) {
        Ok(())
    } else {
        Err("a check failed; see above".into())
    }
}

/// Prints to stdout. A closed pipe (`taskwire config | head -1`) is not a failure.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Command, CommandLine, run_on_runtime};

    #[test]
    fn a_blocked_thread_does_not_keep_the_process_alive() {
        let (release, hanging) = std::sync::mpsc::sync_channel::<()>(0);
        let done = run_on_runtime(async {
            drop(tokio::task::spawn_blocking(move || hanging.recv()));
            Ok(7)
        });
        assert_eq!(done.ok(), Some(7));
        drop(release);
    }

    #[test]
    fn flags_can_be_before_or_after_the_subcommand() {
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
