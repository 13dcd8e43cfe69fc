//! The private Redis: starts, kills, stops and continues it.

use super::process;
use crate::Failed;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// The Redis server of this run.
pub(crate) struct Redis {
    port: u16,
    folder: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Redis {
    /// Starts it for the first time.
    pub(crate) async fn start(folder: &Path, logs: &Path) -> Result<Redis, Failed> {
        std::fs::create_dir_all(folder)?;
        let mut redis = Redis {
            port: process::free_port()?,
            folder: folder.to_owned(),
            log: logs.join("redis.log"),
            child: None,
        };
        redis.run().await?;
        Ok(redis)
    }

    /// Its own port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts its process.
    pub(crate) async fn run(&mut self) -> Result<(), Failed> {
        for _ in 0..20 {
            let mut command = Command::new("redis-server");
            command.args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ]);
            command.args(["--appendonly", "no", "--daemonize", "no", "--dir"]);
            command.arg(&self.folder);
            let mut child = process::start(&mut command, &self.log)?;
            if process::listening(&mut child, self.port).await? {
                self.child = Some(child);
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
        Err(format!("Redis did not start, see {}", self.log.display()).into())
    }

    /// Kills it with SIGKILL.
    pub(crate) async fn kill(&mut self) -> Result<(), Failed> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Sends it a signal: SIGSTOP, SIGCONT.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.as_ref().and_then(Child::id) {
            process::signal(pid, signal);
        }
    }
}
