//! Starts processes, as an unprivileged user where that is needed, and signals them.

use crate::Failed;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Sends a signal. A process that has ended is not an error.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// A command that does not run as root, because PostgreSQL refuses root.
pub(crate) fn unprivileged(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let user = postgres_user();
    command.args([
        &format!("--reuid={user}"),
        &format!("--regid={user}"),
        "--clear-groups",
    ]);
    command.arg(program);
    command
}

/// The id of the user `postgres`, or of `nobody`.
pub(crate) fn postgres_user() -> u32 {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let number = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    number.unwrap_or(65_534)
}

/// Starts a process, and appends its output to `log`.
pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Child, Failed> {
    let open = || File::options().create(true).append(true).open(log);
    Ok(command
        .stdin(Stdio::null())
        .stdout(open()?)
        .stderr(open()?)
        .kill_on_drop(true)
        .spawn()?)
}

/// Waits until something listens on `port`. False when the process ends first, or after a minute.
pub(crate) async fn listening(child: &mut Child, port: u16) -> Result<bool, Failed> {
    let deadline = Instant::now() + Duration::from_mins(1);
    while Instant::now() < deadline {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(true);
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(false)
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16, Failed> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}
