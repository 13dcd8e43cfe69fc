//! Which server is loaded: one that is started here, with an empty data folder and its limiters off, or one that
//! runs already. Does not know what is done to it.

use crate::machine::{self, Processes};
use crate::trouble::Trouble;
use clap::Args;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tempfile::TempDir;

/// How long a server may take to say where it listens.
const START: Duration = Duration::from_secs(30);
/// The secret of servers that are started here, and end with the run.
const SECRET: &str = "of servers under load that nobody else can reach";
/// What a server says on stdout when it is ready.
const READY: &str = "listening on http://";

/// Which server is loaded.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// The server's program, started for the run [default: `taskwire` beside this program]
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "url")]
    server: Option<PathBuf>,
    /// A server that runs already, like <http://127.0.0.1:8080>
    #[arg(long, global = true)]
    url: Option<String>,
    /// An access token to use instead of new accounts; may be given several times
    #[arg(long, global = true, value_name = "TOKEN")]
    token: Vec<String>,
    /// The process of the server given by --url, to count its CPU and memory
    #[arg(long, global = true, value_name = "PID", requires = "url")]
    pub(crate) pid: Option<u32>,
    /// The database of a started server [default: SQLite in a new folder]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "url")]
    pub(crate) database_url: Option<String>,
    /// PostgreSQL's first process, to count the CPU of all of its processes
    #[arg(long, global = true, value_name = "PID")]
    pub(crate) postmaster: Option<u32>,
    /// The Redis by which several servers are one
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) redis_url: Option<String>,
    /// Where a started server's folder is made; it decides what a commit costs [default: the system's for temporary files]
    #[arg(long, global = true, value_name = "FOLDER", conflicts_with = "url")]
    data_in: Option<PathBuf>,
    /// Run a started server on core 0 and this program on core 1
    #[arg(long, global = true)]
    pub(crate) pin: bool,
    /// Seconds without any progress after which what is still missing counts as lost
    #[arg(long, value_parser = crate::options::seconds, global = true, value_name = "SECONDS", default_value_t = 10.0)]
    patience: f64,
}

/// A server that listens.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) processes: Processes,
    /// The tokens to use instead of new accounts.
    pub(crate) tokens: Vec<String>,
    /// How long to wait without any progress for what should come.
    pub(crate) patience: Duration,
    /// Whether all that works for it is counted: it is its own database, or the database's processes are known.
    pub(crate) is_whole: bool,
    running: Option<Running>,
}

/// A server that was started here; it ends with this value.
struct Running {
    child: Child,
    folder: Arc<TempDir>,
}

/// A server that was started here and has ended; its data is still there.
pub(crate) struct Resting {
    place: Place,
    folder: Arc<TempDir>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Place {
    fn patience(&self) -> Duration {
        Duration::try_from_secs_f64(self.patience).unwrap_or(START)
    }

    /// Refuses processes that are not there: they would need no CPU at all.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        let named = [("--pid", self.pid), ("--postmaster", self.postmaster)];
        for (option, pid) in named {
            if let Some(pid) = pid.filter(|pid| !machine::is_there(*pid)) {
                return Err(Trouble::setup(format!(
                    "{option} {pid}: there is no such process"
                )));
            }
        }
        Ok(())
    }

    /// Whether the CPU of the database is counted, as far as can be known. That of a server which ran already may be
    /// its own.
    pub(crate) fn counts_database(&self) -> bool {
        self.postmaster.is_some() || !self.is_on_postgres()
    }

    fn is_on_postgres(&self) -> bool {
        let url = self.database_url.as_deref();
        url.is_some_and(|url| url.starts_with("postgres"))
    }

    /// What a reader of the results has to know, without tokens and passwords.
    pub(crate) fn settings(&self) -> Value {
        let kind = match &self.url {
            Some(_) => "of a server that ran already",
            None if self.is_on_postgres() => "PostgreSQL",
            None => "SQLite",
        };
        json!({
            "database": kind,
            "redis": self.redis_url.is_some(),
            "pinned": self.pin,
            "patience_seconds": self.patience,
            "server": self.server.as_ref().map(|path| path.display().to_string()),
        })
    }

    /// An empty folder for a started server.
    pub(crate) fn folder(&self) -> std::io::Result<TempDir> {
        match &self.data_in {
            Some(parent) => TempDir::with_prefix_in("taskwire-load-", parent),
            None => TempDir::with_prefix("taskwire-load-"),
        }
    }
}

impl Resting {
    /// Where its data is: the PostgreSQL database, or its SQLite file.
    pub(crate) fn database(&self) -> String {
        let file = self.folder.path().join("data").join("taskwire.db");
        let url = self.place.database_url.clone();
        url.unwrap_or_else(|| format!("sqlite:{}", file.display()))
    }

    /// Starts it again.
    pub(crate) fn wake(self) -> Result<Server, Trouble> {
        Server::start(&self.place, self.folder)
    }
}

impl Server {
    /// The server that `place` names.
    pub(crate) fn at(place: &Place) -> Result<Server, Trouble> {
        match &place.url {
            Some(url) => Ok(Server {
                address: resolve(url)?,
                processes: Processes {
                    server: place.pid,
                    postmaster: place.postmaster,
                },
                tokens: place.token.clone(),
                patience: place.patience(),
                is_whole: place.counts_database(),
                running: None,
            }),
            None => Server::start(place, Arc::new(place.folder()?)),
        }
    }

    /// Starts a server anew that was started here, with its data: what it needed so far is given back. One that ran
    /// already goes on.
    pub(crate) fn restart(&mut self, place: &Place) -> Result<(), Trouble> {
        if let Some(running) = &mut self.running {
            machine::end(&mut running.child)?;
            *self = Server::start(place, running.folder.clone())?;
        }
        Ok(())
    }

    /// Another instance beside the one that `place` names: started too, or the one that runs at `url`.
    pub(crate) fn beside(place: &Place, url: Option<&str>) -> Result<Server, Trouble> {
        match (url, &place.url) {
            (Some(url), Some(_)) => Ok(Server {
                address: resolve(url)?,
                processes: Processes::default(),
                tokens: place.token.clone(),
                patience: place.patience(),
                is_whole: place.counts_database(),
                running: None,
            }),
            (None, None) if place.database_url.is_some() => Server::at(place),
            (None, None) => Err(Trouble::setup(
                "two instances need --database-url and --redis-url",
            )),
            _ => Err(Trouble::setup("--url and --other-url name the two instances")),
        }
    }

    /// Ends a server that was started here, as an operator would, and keeps its data.
    pub(crate) fn rest(mut self, place: &Place) -> Result<Resting, Trouble> {
        let running = self.running.as_mut();
        let running =
            running.ok_or_else(|| Trouble::setup("only a server that is started here can be filled"))?;
        machine::end(&mut running.child)?;
        Ok(Resting {
            place: place.clone(),
            folder: running.folder.clone(),
        })
    }

    /// Starts the Taskwire server in a folder.
    fn start(place: &Place, folder: Arc<TempDir>) -> Result<Server, Trouble> {
        let program = match &place.server {
            Some(program) => program.canonicalize(),
            None => std::env::current_exe().map(|this| this.with_file_name("taskwire")),
        }?;
        let mut command = Command::new(&program);
        command
            .env("TASKWIRE_RATE_LIMIT_ENABLED", "false")
            // A run may take longer than a token lives.
            .env("TASKWIRE_ACCESS_TOKEN_MINUTES", "1440")
            // Several instances must take each other's tokens.
            .env("TASKWIRE_JWT_SECRET", SECRET)
            .env("TASKWIRE_LOG_LEVEL", "warn");
        // The run says how many sockets there are, and not the part of its files that a server keeps for them.
        if std::env::var_os("TASKWIRE_MAX_SOCKETS").is_none() {
            command.env("TASKWIRE_MAX_SOCKETS", "1000000");
        }
        // What the caller's own server uses must not be loaded by accident; other settings pass through.
        for name in [
            "DATABASE_URL",
            "TASKWIRE_DATABASE_URL",
            "REDIS_URL",
            "TASKWIRE_REDIS_URL",
            "SMTP_URL",
        ] {
            command.env_remove(name);
        }
        if let Some(url) = &place.database_url {
            command.env("TASKWIRE_DATABASE_URL", url);
        }
        if let Some(url) = &place.redis_url {
            command.env("TASKWIRE_REDIS_URL", url);
        }
        let mut server = Server::run(&program, command, place, folder)?;
        server.processes.postmaster = place.postmaster;
        server.is_whole = place.counts_database();
        server.tokens.clone_from(&place.token);
        Ok(server)
    }

    /// Starts this program's own bare writer.
    pub(crate) fn bare_writer(place: &Place, frames_per_write: usize) -> Result<Server, Trouble> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(&program);
        command.args([
            "limit",
            "--what",
            "fanout",
            "--frames-per-write",
            &frames_per_write.to_string(),
        ]);
        Server::run(&program, command, place, Arc::new(place.folder()?))
    }

    /// Starts a program in an empty folder, on its core, and waits until it says where it listens.
    fn run(
        program: &Path,
        mut command: Command,
        place: &Place,
        folder: Arc<TempDir>,
    ) -> Result<Server, Trouble> {
        let log = folder.path().join("stderr.log");
        // An empty folder, so that no `.env` or settings file of the caller's reaches the server.
        command
            .current_dir(folder.path())
            .env("TASKWIRE_LISTEN", "127.0.0.1:0")
            .env("TASKWIRE_DATA_DIR", folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        let pinned = place.pin && machine::run_on(0);
        let spawned = command.spawn();
        if place.pin && !(pinned && machine::run_on(1)) {
            eprintln!(
                "--pin: cores 0 and 1 cannot be chosen here; the numbers are of whatever cores there are"
            );
        }
        let mut child = spawned
            .map_err(|error| Trouble::setup(format!("{} does not start: {error}", program.display())))?;
        let stdout = child.stdout.take();
        let running = Running { child, folder };
        let address = stdout
            .and_then(wait_for_address)
            .ok_or_else(|| not_ready(program, &log))?;
        Ok(Server {
            address,
            processes: Processes {
                server: Some(running.child.id()),
                postmaster: None,
            },
            tokens: Vec::new(),
            patience: place.patience(),
            is_whole: true,
            running: Some(running),
        })
    }

    /// The folder of a server that was started here: the file system that its commits go to.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.running.as_ref().map(|running| running.folder.path())
    }
}

fn not_ready(program: &Path, log: &Path) -> Trouble {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(10)..].join("\n");
    Trouble::setup(format!(
        "{} did not say where it listens:\n{tail}",
        program.display()
    ))
}

/// Reads stdout until the line that says where the server listens, and goes on reading it so that it never fills.
fn wait_for_address(stdout: ChildStdout) -> Option<SocketAddr> {
    let (found, address) = sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(at) = line.find(READY) {
                // Nobody waits any more for a second one.
                let _ = found.try_send(line[at + READY.len()..].trim().parse().ok());
            }
        }
    });
    address.recv_timeout(START).ok().flatten()
}

/// The address of a URL like `http://127.0.0.1:8080`.
fn resolve(url: &str) -> Result<SocketAddr, Trouble> {
    let wrong = |why: &str| Trouble::setup(format!("--url {url}: {why}"));
    let host = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("ws://"))
        .ok_or_else(|| wrong("only http:// is spoken here; TLS would measure the TLS of this program"))?;
    let host = host.split('/').next().unwrap_or_default();
    let host = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut addresses = host
        .to_socket_addrs()
        .map_err(|error| wrong(&error.to_string()))?;
    addresses.next().ok_or_else(|| wrong("it has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_an_address() {
        assert_eq!(
            resolve("http://127.0.0.1:8080/").ok(),
            Some(([127, 0, 0, 1], 8080).into())
        );
        assert_eq!(resolve("ws://127.0.0.1").ok(), Some(([127, 0, 0, 1], 80).into()));
        assert!(resolve("https://127.0.0.1:8080").is_err());
    }
}
