//! A process of the world: started as somebody harmless where that is needed, signalled, stopped, restarted.

use crate::Failed;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Sends a signal; a process that has gone is no failure.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// A command that does not run as root, which PostgreSQL refuses.
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

/// The number of the user `postgres`, or of nobody.
pub(crate) fn postgres_user() -> u32 {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let number = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    number.unwrap_or(65_534)
}

/// Starts a process whose output goes to the end of `log`.
pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Child, Failed> {
    let open = || File::options().create(true).append(true).open(log);
    Ok(command
        .stdin(Stdio::null())
        .stdout(open()?)
        .stderr(open()?)
        .kill_on_drop(true)
        .spawn()?)
}

/// Waits until `port` on this machine is answered, or the process ends.
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
