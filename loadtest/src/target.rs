//! The server under load: a new server with an empty data folder, without limiters unless a scenario is about them, or one
//! that runs already. Does not know the load.

use crate::machine;
use crate::processes::Processes;
use crate::server_options::{ServerOptions, resolve};
use crate::trouble::Trouble;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tempfile::TempDir;

/// A server that takes longer than this to print its address has failed.
const START: Duration = Duration::from_secs(30);
/// The secret of the servers that the run starts and ends.
const SECRET: &str = "of servers under load that nobody else can reach";
/// The text before the address that a server prints on stdout when it is ready.
const READY: &str = "listening on http://";

/// A server that listens.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) processes: Processes,
    /// The tokens to use instead of new accounts.
    pub(crate) tokens: Vec<String>,
    /// After this time without any progress, missing events count as lost.
    pub(crate) patience: Duration,
    /// Whether the CPU of the database is counted: the server is its own database, or the database's processes are
    /// known.
    pub(crate) is_whole: bool,
    running: Option<StartedProcess>,
}

/// A process that the run started. Dropping this value kills it.
struct StartedProcess {
    child: Child,
    folder: Arc<TempDir>,
}

/// A server that the run started and ended, with its data.
pub(crate) struct Resting {
    options: ServerOptions,
    folder: Arc<TempDir>,
}

impl Drop for StartedProcess {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Resting {
    /// The URL of its data: the PostgreSQL database, or its SQLite file.
    pub(crate) fn database(&self) -> String {
        let file = self.folder.path().join("data").join("taskwire.db");
        let url = self.options.database_url.clone();
        url.unwrap_or_else(|| format!("sqlite:{}", file.display()))
    }

    /// Starts the server again.
    pub(crate) fn wake(self) -> Result<Server, Trouble> {
        Server::start(&self.options, self.folder)
    }
}

impl Server {
    /// The server that `options` names.
    pub(crate) fn at(options: &ServerOptions) -> Result<Server, Trouble> {
        match &options.url {
            Some(url) => Ok(Server {
                address: resolve(url)?,
                processes: Processes {
                    server: options.pid,
                    postmaster: options.postmaster,
                    ..Processes::default()
                },
                tokens: options.token.clone(),
                patience: options.patience(),
                is_whole: options.counts_database(),
                running: None,
            }),
            None => Server::start(options, Arc::new(options.folder()?)),
        }
    }

    /// Restarts a server of this run with its data, so that it frees the memory it has used. A server that ran already
    /// is not restarted.
    pub(crate) fn restart(&mut self, options: &ServerOptions) -> Result<(), Trouble> {
        if let Some(running) = &mut self.running {
            machine::end(&mut running.child)?;
            *self = Server::start(options, running.folder.clone())?;
        }
        Ok(())
    }

    /// Restarts a server of this run with its data, with its limits or without them.
    pub(crate) fn restart_with_limits(
        &mut self,
        options: &ServerOptions,
        limits: bool,
    ) -> Result<(), Trouble> {
        if self.running.is_none() {
            let why = "its limits are changed by a restart, so this needs a server that this program starts: omit --url";
            return Err(Trouble::setup(why));
        }
        let mut options = options.clone();
        options.limits = limits;
        self.restart(&options)
    }

    /// A second instance, beside the one of `options`: it is started too, or runs already at `url`.
    pub(crate) fn beside(options: &ServerOptions, url: Option<&str>) -> Result<Server, Trouble> {
        match (url, &options.url) {
            (Some(url), Some(_)) => Ok(Server {
                address: resolve(url)?,
                processes: Processes::default(),
                tokens: options.token.clone(),
                patience: options.patience(),
                is_whole: options.counts_database(),
                running: None,
            }),
            (None, None) if options.database_url.is_some() => Server::at(options),
            (None, None) => Err(Trouble::setup(
                "two instances need --database-url and --redis-url",
            )),
            _ => Err(Trouble::setup("give both --url and --other-url, or neither")),
        }
    }

    /// Ends a server of this run with SIGTERM, and keeps its data.
    pub(crate) fn rest(mut self, options: &ServerOptions) -> Result<Resting, Trouble> {
        let running = self.running.as_mut();
        let running = running
            .ok_or_else(|| Trouble::setup("this step needs a server that this program starts: omit --url"))?;
        machine::end(&mut running.child)?;
        Ok(Resting {
            options: options.clone(),
            folder: running.folder.clone(),
        })
    }

    /// Starts the Taskwire server in a folder.
    fn start(options: &ServerOptions, folder: Arc<TempDir>) -> Result<Server, Trouble> {
        let program = match &options.server {
            Some(program) => program.canonicalize(),
            None => std::env::current_exe().map(|this| this.with_file_name("taskwire")),
        }?;
        let mut command = Command::new(&program);
        command
            .env("TASKWIRE_RATE_LIMIT_ENABLED", options.limits.to_string())
            // A run may take longer than a token lives.
            .env("TASKWIRE_ACCESS_TOKEN_MINUTES", "1440")
            // Several instances must accept each other's tokens.
            .env("TASKWIRE_JWT_SECRET", SECRET)
            .env("TASKWIRE_LOG_LEVEL", "warn");
        // The run decides how many sockets there are. The server's default, a part of its open files, must not.
        if std::env::var_os("TASKWIRE_MAX_SOCKETS").is_none() {
            command.env("TASKWIRE_MAX_SOCKETS", "1000000");
        }
        // Do not load the databases of the caller's own server by accident. Other settings pass through.
        for name in [
            "DATABASE_URL",
            "TASKWIRE_DATABASE_URL",
            "REDIS_URL",
            "TASKWIRE_REDIS_URL",
            "SMTP_URL",
        ] {
            command.env_remove(name);
        }
        if let Some(url) = &options.database_url {
            command.env("TASKWIRE_DATABASE_URL", url);
        }
        if let Some(url) = &options.redis_url {
            command.env("TASKWIRE_REDIS_URL", url);
        }
        let mut server = Server::run(&program, command, options, folder)?;
        server.processes.postmaster = options.postmaster;
        server.is_whole = options.counts_database();
        server.tokens.clone_from(&options.token);
        Ok(server)
    }

    /// Starts this program's own bare writer.
    pub(crate) fn bare_writer(options: &ServerOptions, frames_per_write: usize) -> Result<Server, Trouble> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(&program);
        command.args([
            "limit",
            "--what",
            "fanout",
            "--frames-per-write",
            &frames_per_write.to_string(),
        ]);
        Server::run(&program, command, options, Arc::new(options.folder()?))
    }

    /// Starts a program in an empty folder, on its core, and waits until it prints its address.
    fn run(
        program: &Path,
        mut command: Command,
        options: &ServerOptions,
        folder: Arc<TempDir>,
    ) -> Result<Server, Trouble> {
        let log = folder.path().join("stderr.log");
        // An empty folder, so that the server reads no `.env` or settings file of the caller.
        command
            .current_dir(folder.path())
            .env("TASKWIRE_LISTEN", "127.0.0.1:0")
            .env("TASKWIRE_DATA_DIR", folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        let pinned = options.pin && machine::run_on(0);
        let spawned = command.spawn();
        if options.pin && !(pinned && machine::run_on(1)) {
            eprintln!("--pin has no effect: this machine does not allow pinning to cores 0 and 1");
        }
        let mut child = spawned
            .map_err(|error| Trouble::setup(format!("{} cannot be started: {error}", program.display())))?;
        let stdout = child.stdout.take();
        let running = StartedProcess { child, folder };
        let address = stdout
            .and_then(wait_for_address)
            .ok_or_else(|| not_ready(program, &log))?;
        Ok(Server {
            address,
            processes: Processes {
                server: Some(running.child.id()),
                ..Processes::default()
            },
            tokens: Vec::new(),
            patience: options.patience(),
            is_whole: true,
            running: Some(running),
        })
    }

    /// The folder of a server of this run. It is in the file system to which its commits are written.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.running.as_ref().map(|running| running.folder.path())
    }
}

fn not_ready(program: &Path, log: &Path) -> Trouble {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(10)..].join("\n");
    Trouble::setup(format!(
        "{} did not print its address:\n{tail}",
        program.display()
    ))
}

/// Reads stdout until the line with the address, and continues reading so that the pipe never fills.
fn wait_for_address(stdout: ChildStdout) -> Option<SocketAddr> {
    let (found, address) = sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(at) = line.find(READY) {
                // Sending fails for a second address, which is not needed.
                let _ = found.try_send(line[at + READY.len()..].trim().parse().ok());
            }
        }
    });
    address.recv_timeout(START).ok().flatten()
}
