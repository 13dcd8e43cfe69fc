//! The options of the command line that choose the server: one that is started for the run, or one that runs already.

use crate::processes::is_there;
use crate::trouble::Trouble;
use clap::Args;
use serde_json::{Value, json};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// The patience when the option cannot be converted to a `Duration`.
const PATIENCE: Duration = Duration::from_secs(30);

/// The options that choose the server.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerOptions {
    /// The server's program, started for the run [default: `taskwire` in this program's folder]
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "url")]
    pub(crate) server: Option<PathBuf>,
    /// A server that runs already, like <http://127.0.0.1:8080>
    #[arg(long, global = true)]
    pub(crate) url: Option<String>,
    /// An access token to use instead of new accounts; may be given several times
    #[arg(long, global = true, value_name = "TOKEN")]
    pub(crate) token: Vec<String>,
    /// The process of the server given by --url, to count its CPU and memory
    #[arg(long, global = true, value_name = "PID", requires = "url")]
    pub(crate) pid: Option<u32>,
    /// The database of a started server [default: SQLite in a new folder]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "url")]
    pub(crate) database_url: Option<String>,
    /// PostgreSQL's first process, to count the CPU of all its processes
    #[arg(long, global = true, value_name = "PID")]
    pub(crate) postmaster: Option<u32>,
    /// The Redis that connects several servers
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) redis_url: Option<String>,
    /// Where a started server's folder is made; its disk decides the cost of a commit [default: the system's temporary
    /// folder]
    #[arg(long, global = true, value_name = "FOLDER", conflicts_with = "url")]
    data_in: Option<PathBuf>,
    /// Run a started server on core 0 and this program on core 1
    #[arg(long, global = true)]
    pub(crate) pin: bool,
    /// Whether a started server has its limits: only where a scenario is about them.
    #[arg(skip)]
    pub(crate) limits: bool,
    /// Seconds without any progress after which missing events count as lost
    #[arg(long, value_parser = crate::options::seconds, global = true, value_name = "SECONDS", default_value_t = 10.0)]
    patience: f64,
}

impl ServerOptions {
    /// After this time without any progress, missing events count as lost.
    pub(crate) fn patience(&self) -> Duration {
        Duration::try_from_secs_f64(self.patience).unwrap_or(PATIENCE)
    }

    /// Refuses processes that do not exist: they would seem to use no CPU.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        let named = [("--pid", self.pid), ("--postmaster", self.postmaster)];
        for (option, pid) in named {
            if let Some(pid) = pid.filter(|pid| !is_there(*pid)) {
                return Err(Trouble::setup(format!(
                    "{option} {pid}: there is no such process"
                )));
            }
        }
        Ok(())
    }

    /// Whether the CPU of the database is counted, as far as this program can know. A server that runs already may be
    /// its own database.
    pub(crate) fn counts_database(&self) -> bool {
        self.postmaster.is_some() || !self.is_on_postgres()
    }

    fn is_on_postgres(&self) -> bool {
        let url = self.database_url.as_deref();
        url.is_some_and(|url| url.starts_with("postgres"))
    }

    /// The settings for the results, without tokens and passwords.
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

    /// Makes an empty folder for a started server.
    pub(crate) fn folder(&self) -> std::io::Result<TempDir> {
        match &self.data_in {
            Some(parent) => TempDir::with_prefix_in("taskwire-load-", parent),
            None => TempDir::with_prefix("taskwire-load-"),
        }
    }
}

/// The address of a URL like `http://127.0.0.1:8080`.
pub(crate) fn resolve(url: &str) -> Result<SocketAddr, Trouble> {
    let wrong = |why: &str| Trouble::setup(format!("--url {url}: {why}"));
    let host = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("ws://"))
        .ok_or_else(|| wrong("only http:// is supported; TLS would measure this program's own TLS"))?;
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
