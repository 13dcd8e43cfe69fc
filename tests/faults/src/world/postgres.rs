//! The private PostgreSQL: makes, starts, restarts and kills it; dumps and restores its database.

use super::process::{self, unprivileged};
use crate::Failed;
use rustix::process::Signal;
use sqlx::{Connection, PgConnection};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Child;
use tokio::time::{Instant, sleep};

/// The PostgreSQL server of this run.
pub(crate) struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    log: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Postgres {
    /// Makes a cluster below `folder` and starts it.
    pub(crate) async fn start(bin: &Path, folder: &Path, logs: &Path) -> Result<Postgres, Failed> {
        let mut postgres = Postgres {
            bin: bin.to_owned(),
            data: folder.join("data"),
            log: logs.join("postgres.log"),
            port: process::free_port()?,
            child: None,
        };
        std::fs::create_dir_all(folder)?;
        if rustix::process::geteuid().is_root() {
            let user = process::postgres_user();
            std::os::unix::fs::chown(folder, Some(user), Some(user))?;
        }
        let mut initdb = unprivileged(&bin.join("initdb"));
        initdb.arg("--pgdata").arg(&postgres.data).current_dir(folder);
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
            "--locale=C",
        ]);
        let made = process::start(&mut initdb, &postgres.log)?.wait().await?;
        if !made.success() {
            return Err(format!("initdb failed, see {}", postgres.log.display()).into());
        }
        postgres.run().await?;
        let mut admin = PgConnection::connect(&Postgres::url("postgres", postgres.port)).await?;
        sqlx::query("create database taskwire")
            .execute(&mut admin)
            .await?;
        Ok(postgres)
    }

    /// The URL of a database through `port`: the server's own port, or the proxy's.
    pub(crate) fn url(database: &str, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }

    /// Its own port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it. Tries again while what a killed process left behind prevents that.
    pub(crate) async fn run(&mut self) -> Result<(), Failed> {
        let deadline = Instant::now() + Duration::from_secs(90);
        while Instant::now() < deadline {
            let mut command = unprivileged(&self.bin.join("postgres"));
            command.arg("-D").arg(&self.data).current_dir(&self.data);
            command.args(["-p", &self.port.to_string()]);
            for setting in [
                "listen_addresses=127.0.0.1",
                "unix_socket_directories=",
                "max_connections=200",
                "shared_buffers=128MB",
                "max_wal_size=1GB",
                "logging_collector=off",
            ] {
                command.args(["-c", setting]);
            }
            let mut child = process::start(&mut command, &self.log)?;
            if process::listening(&mut child, self.port).await? {
                self.child = Some(child);
                // it listens before its recovery is complete
                while Instant::now() < deadline {
                    if PgConnection::connect(&Postgres::url("postgres", self.port))
                        .await
                        .is_ok()
                    {
                        return Ok(());
                    }
                    sleep(Duration::from_millis(50)).await;
                }
            }
            sleep(Duration::from_millis(200)).await;
        }
        Err(format!("PostgreSQL did not start, see {}", self.log.display()).into())
    }

    /// Ends it: `INT` is a fast shutdown, `QUIT` an immediate one, `KILL` a crash.
    pub(crate) async fn end(&mut self, how: Signal) -> Result<(), Failed> {
        if let Some(mut child) = self.child.take() {
            if let Some(pid) = child.id() {
                process::signal(pid, how);
            }
            child.wait().await?;
        }
        Ok(())
    }

    /// Copies the database to a file.
    pub(crate) async fn dump(&self, to: &Path) -> Result<(), Failed> {
        let mut command = unprivileged(&self.bin.join("pg_dump"));
        command.args([
            "-Fc",
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-p",
            &self.port.to_string(),
            "taskwire",
        ]);
        command.stdout(std::fs::File::create(to)?);
        command.stderr(std::process::Stdio::null());
        succeeded("pg_dump", command.status().await?)
    }

    /// Replaces the database by a copy from `dump`.
    pub(crate) async fn restore(&self, from: &Path) -> Result<(), Failed> {
        let mut admin = PgConnection::connect(&Postgres::url("postgres", self.port)).await?;
        sqlx::query("drop database taskwire with (force)")
            .execute(&mut admin)
            .await?;
        sqlx::query("create database taskwire")
            .execute(&mut admin)
            .await?;
        let mut command = unprivileged(&self.bin.join("pg_restore"));
        command.args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-p",
            &self.port.to_string(),
            "-d",
            "taskwire",
        ]);
        command.stdin(std::fs::File::open(from)?);
        succeeded("pg_restore", command.status().await?)
    }
}

fn succeeded(what: &str, status: std::process::ExitStatus) -> Result<(), Failed> {
    if status.success() {
        return Ok(());
    }
    Err(format!("{what} failed: {status}").into())
}
