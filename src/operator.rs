//! Carries out `taskwire admin …`: opens the database through the engine, does one task, and closes it. Instances that
//! run on the same PostgreSQL see the change like any other. An SQLite file must not be in use.

use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::{Engine, EngineError};
use crate::store::OpenError;
use crate::store::jobs::JobRecord;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use taskwire_protocol::Failure;
use taskwire_protocol::account::GlobalRole;

/// The length of a generated password, and its characters. No two of them look alike.
const PASSWORD: usize = 20;
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// How long readers may take at the end.
const LAST_READS: Duration = Duration::from_secs(1);

/// A task of an operator.
#[derive(Clone, Debug)]
pub enum Task {
    /// Gives an account a global role.
    SetRole {
        /// The account's e-mail address.
        email: String,
        /// The role that it gets.
        role: GlobalRole,
    },
    /// Creates an account.
    CreateUser {
        /// Its address, taken as verified.
        email: String,
        /// Its display name; `None`: it is made from the address.
        name: Option<String>,
        /// Its role on the server.
        role: GlobalRole,
        /// `None`: generate one.
        password: Option<SecretString>,
    },
    /// Sets an account's password and ends its sessions.
    ResetPassword {
        /// The account's e-mail address.
        email: String,
        /// `None`: generate one.
        password: Option<SecretString>,
    },
    /// Begins a new epoch.
    NewEpoch,
    /// Lists jobs.
    ListJobs,
    /// Makes a job due now.
    RetryJob(JobName),
    /// Removes a job.
    DropJob(JobName),
}

/// The name of a job.
#[derive(Clone, Debug)]
pub struct JobName {
    pub kind: String,
    /// Distinguishes jobs of the same kind; empty if the kind has only one.
    pub key: String,
}

/// Why a task was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A server uses the SQLite file.
    #[error("{0} is in use: stop the server first, then run this again")]
    InUse(std::path::PathBuf),
    /// The database or another part cannot be used.
    #[error(transparent)]
    Engine(EngineError),
    /// The engine refused the task.
    #[error("{}", .0.message)]
    Failure(#[from] Failure),
}

/// Carries out a task. Returns the text to print.
pub async fn run(settings: &Settings, task: Task) -> Result<String, Refused> {
    let engine = start(settings, Clock::system()).await?;
    let done = carry_out(&engine, task).await;
    end(&engine).await;
    Ok(done?)
}

/// Opens the database through the engine.
pub(crate) async fn start(settings: &Settings, clock: Clock) -> Result<Engine, Refused> {
    Engine::start(settings, clock).await.map_err(|error| match error {
        EngineError::Open(OpenError::InUse(path)) => Refused::InUse(path),
        other => Refused::Engine(other),
    })
}

/// Closes what `start` opened.
pub(crate) async fn end(engine: &Engine) {
    engine.stop().await;
    engine.close(LAST_READS).await;
}

async fn carry_out(engine: &Engine, task: Task) -> Result<String, Failure> {
    match task {
        Task::SetRole { email, role } => {
            let user = engine.set_role(&email, role).await?;
            Ok(format!("{} has the role {}", &*user.email, word(user.role)))
        }
        Task::CreateUser {
            email,
            name,
            role,
            password,
        } => {
            let (password, generated) = given_or_generated(password);
            let user = engine
                .create_account(&email, name.as_deref(), role, &password)
                .await?;
            let generated = generated.unwrap_or_default();
            Ok(format!(
                "created {} with the role {}{generated}",
                &*user.email,
                word(user.role)
            ))
        }
        Task::ResetPassword { email, password } => {
            let (password, generated) = given_or_generated(password);
            let user = engine.reset_password(&email, &password).await?;
            let generated = generated.unwrap_or_default();
            Ok(format!(
                "{} has a new password and is signed out everywhere{generated}",
                &*user.email
            ))
        }
        Task::NewEpoch => {
            engine.new_epoch().await?;
            let then = "running instances exit within seconds; restart them, then clients sync";
            Ok(format!("a new epoch begins: {then}"))
        }
        Task::ListJobs => Ok(listed(&engine.jobs().await?)),
        Task::RetryJob(JobName { kind, key }) => {
            engine.retry_job(&kind, &key).await?;
            Ok(format!("{} is due now", named(&kind, &key)))
        }
        Task::DropJob(JobName { kind, key }) => {
            engine.drop_job(&kind, &key).await?;
            Ok(format!("{} is removed", named(&kind, &key)))
        }
    }
}

/// A line for each job.
fn listed(jobs: &[JobRecord]) -> String {
    if jobs.is_empty() {
        return "there are no jobs".to_owned();
    }
    let line = |job: &JobRecord| {
        let name = named(&job.kind, &job.key);
        let state = match (job.dead_at, &job.holder) {
            (Some(at), _) => format!("dead since {at}"),
            (None, Some(instance)) => format!("runs on {instance}"),
            (None, None) => format!("due at {}", job.due_at),
        };
        // It may quote another program, and this text goes to a terminal.
        let error = job
            .error
            .as_deref()
            .map(|error| format!(": {}", error.escape_debug()));
        format!(
            "{name}  {state}  attempts {}{}",
            job.attempts,
            error.unwrap_or_default()
        )
    };
    jobs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A job's name as the command line takes it.
fn named(kind: &str, key: &str) -> String {
    format!("{kind} {key}").trim_end().to_owned()
}

fn word(role: GlobalRole) -> &'static str {
    match role {
        GlobalRole::User => "user",
        GlobalRole::Admin => "admin",
    }
}

/// The given password; or a generated one, and the line that shows it.
fn given_or_generated(given: Option<SecretString>) -> (SecretString, Option<String>) {
    if let Some(password) = given {
        return (password, None);
    }
    let password = generated();
    let said = format!("\npassword: {}", password.expose_secret());
    (password, Some(said))
}

/// A new password.
pub(crate) fn generated() -> SecretString {
    let one = || char::from(ALPHABET[rand::random::<u8>() as usize % ALPHABET.len()]);
    (0..PASSWORD).map(|_| one()).collect::<String>().into()
}
