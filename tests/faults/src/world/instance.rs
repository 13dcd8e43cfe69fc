//! An instance: a real process on a fixed port, which is started again whenever it ends.

use super::process;
use crate::Failed;
use rustix::process::Signal;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// The name of `data_dir`.
const DATA: &str = "data";

/// How to start an instance.
pub(crate) struct Recipe {
    pub(crate) server: PathBuf,
    pub(crate) folder: PathBuf,
    /// Where it stores files.
    pub(crate) files: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) port: u16,
    pub(crate) settings: Vec<(String, String)>,
}

/// Whether an instance serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Starting,
    Ready,
    /// It cannot be started.
    Over,
}

/// An instance, over all its processes.
pub(crate) struct Instance {
    pub(crate) port: u16,
    orders: PathBuf,
    pid: AtomicU32,
    /// How often it was started.
    pub(crate) starts: AtomicU64,
    state: watch::Sender<State>,
    wanted: watch::Sender<bool>,
}

impl Instance {
    /// Starts an instance and the task that keeps it running.
    pub(crate) fn start(recipe: Recipe) -> Result<Arc<Instance>, Failed> {
        let data = recipe.folder.join(DATA);
        std::fs::create_dir_all(&data)?;
        std::fs::create_dir_all(&recipe.files)?;
        std::os::unix::fs::symlink(&recipe.files, data.join("files"))?;
        let instance = Arc::new(Instance {
            port: recipe.port,
            orders: recipe.folder.join("orders"),
            pid: AtomicU32::new(0),
            starts: AtomicU64::new(0),
            state: watch::Sender::new(State::Starting),
            wanted: watch::Sender::new(true),
        });
        tokio::spawn(instance.clone().keep(recipe));
        Ok(instance)
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The running process; 0 for none.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.load(Relaxed)
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.state.borrow() == State::Ready
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        process::signal(self.pid(), signal);
    }

    /// Gives an order to the fail points (`src/failpoint.rs` of the server).
    pub(crate) fn order(&self, order: &str) -> Result<(), Failed> {
        use std::io::Write as _;
        let mut file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.orders)?;
        Ok(file.write_all(format!("{order}\n").as_bytes())?)
    }

    /// Waits until it serves.
    pub(crate) async fn ready(&self, patience: Duration) -> bool {
        let mut state = self.state.subscribe();
        timeout(patience, state.wait_for(|state| *state == State::Ready))
            .await
            .is_ok_and(|state| state.is_ok())
    }

    /// Waits until the process that was started as number `starts` has ended.
    pub(crate) async fn died(&self, starts: u64, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if self.starts.load(Relaxed) > starts || self.pid() == 0 {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// Stops the instance and keeps it stopped (`false`), or lets it run again (`true`).
    pub(crate) async fn want(&self, running: bool) {
        self.wanted.send_replace(running);
        if running {
            return;
        }
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.pid() != 0 {
            if Instant::now() > deadline {
                self.signal(Signal::KILL);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn keep(self: Arc<Instance>, recipe: Recipe) {
        let mut failures = 0_u32;
        let mut wanted = self.wanted.subscribe();
        loop {
            if wanted.wait_for(|wanted| *wanted).await.is_err() {
                return;
            }
            self.state.send_replace(State::Starting);
            match self.run(&recipe).await {
                Ok(true) => failures = 0,
                Ok(false) => failures += 1,
                Err(error) => {
                    eprintln!("cannot start an instance: {error}");
                    self.state.send_replace(State::Over);
                    return;
                }
            }
            // an orchestrator would wait longer; here the instance shall come back under load
            sleep(Duration::from_millis(100 << failures.min(4))).await;
        }
    }

    /// Runs the process to its end. Returns whether it ever served.
    async fn run(&self, recipe: &Recipe) -> Result<bool, Failed> {
        std::fs::write(&self.orders, "")?;
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&recipe.log)?;
        let mut command = Command::new(&recipe.server);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("TASKWIRE_") || ["DATABASE_URL", "REDIS_URL", "SMTP_URL"].contains(&&*name) {
                command.env_remove(&*name);
            }
        }
        command.current_dir(&recipe.folder);
        command.env("TASKWIRE_LISTEN", self.address());
        command.env("TASKWIRE_DATA_DIR", recipe.folder.join(DATA));
        command.env("TASKWIRE_FAILPOINTS", format!("@{}", self.orders.display()));
        for (key, value) in &recipe.settings {
            command.env(format!("TASKWIRE_{}", key.to_uppercase()), value);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        self.pid.store(child.id().unwrap_or(0), Relaxed);
        self.starts.fetch_add(1, Relaxed);
        let mut served = false;
        if let Some(out) = child.stdout.take() {
            let mut line = String::new();
            let mut out = BufReader::new(out);
            if out.read_line(&mut line).await? > 0 && line.contains("listening on") {
                served = true;
                self.state.send_replace(State::Ready);
            }
            let status = child.wait().await?;
            self.pid.store(0, Relaxed);
            self.state.send_replace(State::Starting);
            let words = format!("--- ended: {status}; had served: {served}\n");
            let mut log = std::fs::File::options().append(true).open(&recipe.log)?;
            std::io::Write::write_all(&mut log, words.as_bytes())?;
        }
        Ok(served)
    }
}
