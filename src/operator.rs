//! What `taskwire admin …` does: it opens the database through the engine, does one thing, and ends. Running instances on
//! the same PostgreSQL see it as they see every change. An SQLite file must not be in use.

use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::{Engine, EngineError};
use crate::store::OpenError;
use crate::store::jobs::JobRecord;
use secrecy::{ExposeSecret, SecretString};
use taskwire_protocol::Failure;
use taskwire_protocol::account::GlobalRole;

/// The length of a generated password, and its characters: none that look alike.
const PASSWORD: usize = 20;
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Task {
    /// Gives an account a global role.
    SetRole {
        /// The account's e-mail address.
        email: String,
        /// The role that it gets.
        role: GlobalRole,
    },
    /// Makes an account.
    CreateUser {
        /// Its address, taken as verified.
        email: String,
        /// Its display name.
        name: String,
        /// What it may do on the server.
        role: GlobalRole,
        /// `None`: one is made.
        password: Option<SecretString>,
    },
    /// Gives an account another password and ends its sessions.
    ResetPassword {
        /// The account's e-mail address.
        email: String,
        /// `None`: one is made.
        password: Option<SecretString>,
    },
    /// Begins another epoch.
    NewEpoch,
    /// Lists jobs.
    ListJobs,
    /// Makes a job due now.
    RetryJob(JobName),
    /// Removes a job.
    DropJob(JobName),
}

/// Which job.
#[derive(Clone, Debug)]
pub struct JobName {
    /// What it does.
    pub kind: String,
    /// Tells it from the others of its kind; empty where a kind has one job.
    pub key: String,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A server has the SQLite file.
    #[error("{0} is in use: stop the server first, then run this again")]
    InUse(std::path::PathBuf),
    /// The database or another part cannot be used.
    #[error(transparent)]
    Engine(EngineError),
    /// The engine says no.
    #[error("{}", .0.message)]
    Failure(#[from] Failure),
}

/// Does it; what there is to say about it.
pub async fn run(settings: &Settings, task: Task) -> Result<String, Refused> {
    let engine = Engine::start(settings, Clock::system())
        .await
        .map_err(|error| match error {
            EngineError::Open(OpenError::InUse(path)) => Refused::InUse(path),
            other => Refused::Engine(other),
        })?;
    let done = carry_out(&engine, task).await;
    engine.stop().await;
    Ok(done?)
}

async fn carry_out(engine: &Engine, task: Task) -> Result<String, Failure> {
    match task {
        Task::SetRole { email, role } => {
            let user = engine.set_role(&email, role).await?;
            Ok(format!("{} has the role {}", user.email, word(user.role)))
        }
        Task::CreateUser {
            email,
            name,
            role,
            password,
        } => {
            let (password, made) = given_or_made(password);
            let user = engine.create_account(&email, &name, role, &password).await?;
            let made = made.unwrap_or_default();
            Ok(format!(
                "made {} with the role {}{made}",
                user.email,
                word(user.role)
            ))
        }
        Task::ResetPassword { email, password } => {
            let (password, made) = given_or_made(password);
            let user = engine.reset_password(&email, &password).await?;
            let made = made.unwrap_or_default();
            Ok(format!(
                "{} has another password and is signed out everywhere{made}",
                user.email
            ))
        }
        Task::NewEpoch => {
            engine.new_epoch().await?;
            let then = "running instances end within seconds; restart them, and clients sync";
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
        let error = job.error.as_deref().map(|error| format!(": {error}"));
        format!(
            "{name}  {state}  attempts {}{}",
            job.attempts,
            error.unwrap_or_default()
        )
    };
    jobs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A job as the command line takes it.
fn named(kind: &str, key: &str) -> String {
    format!("{kind} {key}").trim_end().to_owned()
}

fn word(role: GlobalRole) -> &'static str {
    match role {
        GlobalRole::User => "user",
        GlobalRole::Admin => "admin",
    }
}

/// The password, and what to say of one that was made here.
fn given_or_made(given: Option<SecretString>) -> (SecretString, Option<String>) {
    if let Some(password) = given {
        return (password, None);
    }
    let made: String = (0..PASSWORD)
        .map(|_| char::from(ALPHABET[rand::random::<u8>() as usize % ALPHABET.len()]))
        .collect();
    let password = SecretString::from(made);
    let said = format!("\npassword: {}", password.expose_secret());
    (password, Some(said))
}
