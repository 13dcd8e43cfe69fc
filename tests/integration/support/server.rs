//! A taskwire process on its own port. It ends with the test, and its log is printed when the test fails.

use super::PATIENCE;
use super::database::{Database, Engine};
use super::program::run_to_end;
use super::secrets;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The modules of tests about accounts. Their servers write every level, so that a secret in any line is found.
const AT_TRACE: [&str; 18] = [
    "accounts",
    "api_tokens",
    "calendars",
    "command_line",
    "deletion",
    "device_sign_in",
    "first_admin",
    "invites",
    "mail",
    "photos",
    "profiles",
    "refresh",
    "sessions",
    "signing_out",
    "survivors",
    "token_corpus",
    "users",
    "verification",
];

/// The level of the servers of this thread's test; `None`: as servers have it.
fn level() -> Option<String> {
    if let Ok(level) = std::env::var("TASKWIRE_TEST_LOG_LEVEL") {
        return Some(level);
    }
    // a test runs on a thread with its name
    let thread = std::thread::current();
    let module = thread.name()?.split("::").next()?;
    AT_TRACE.contains(&module).then(|| "trace".to_owned())
}

/// A server and the database that outlives its process.
pub struct Server {
    pub address: SocketAddr,
    pub database: Database,
    pub folder: TempDir,
    settings: Vec<(String, String)>,
    process: Option<Child>,
}

impl Server {
    /// Starts a server without rate limits; `settings` are names and values, like `("heartbeat_seconds", "1")`.
    pub async fn start(engine: Engine, settings: &[(&str, &str)]) -> Server {
        let mut server = Server::prepare(engine, settings).await;
        server.spawn();
        server
    }

    /// A server with an empty database; its process is not started yet.
    pub async fn prepare(engine: Engine, settings: &[(&str, &str)]) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::make(engine, folder.path()).await;
        let mut server = Server {
            address: ([127, 0, 0, 1], 0).into(),
            database,
            folder,
            settings: Vec::new(),
            process: None,
        };
        server.set("rate_limit_enabled", "false");
        if let Some(level) = level() {
            server.set("log_level", &level);
        }
        for (key, value) in settings {
            server.set(key, value);
        }
        server
    }

    /// Starts as many servers as a database allows to write at the same moment: one on SQLite, two on PostgreSQL.
    pub async fn start_each(engine: Engine) -> Vec<Server> {
        match engine {
            Engine::Sqlite => vec![Server::start(engine, &[]).await],
            Engine::Postgres => Server::start_several(2, &[]).await,
        }
    }

    /// Starts instances on one PostgreSQL database, with the same settings and secret.
    pub async fn start_several(n: usize, settings: &[(&str, &str)]) -> Vec<Server> {
        let mut first = Server::prepare(Engine::Postgres, settings).await;
        first.set("jwt_secret", "the secret of all instances of a deployment");
        first.spawn();
        let mut all = vec![first];
        while all.len() < n {
            let next = all[0].beside(&[]);
            all.push(next);
        }
        all
    }

    /// Starts another instance on the same database, with this one's settings and further ones. All instances need the
    /// same `jwt_secret`.
    pub fn beside(&self, settings: &[(&str, &str)]) -> Server {
        let mut server = Server {
            address: ([127, 0, 0, 1], 0).into(),
            database: self.database.shared(),
            folder: tempfile::tempdir().expect("a folder"),
            settings: self.settings.clone(),
            process: None,
        };
        for (key, value) in settings {
            server.set(key, value);
        }
        server.spawn();
        server
    }

    /// Changes a setting for the next start.
    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    /// A command that runs the program in this server's folder, with its settings.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskwire"));
        for (name, _) in std::env::vars() {
            if name.starts_with("TASKWIRE_") || ["DATABASE_URL", "REDIS_URL", "SMTP_URL"].contains(&&*name) {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.folder.path())
            .env("TASKWIRE_LISTEN", self.address.to_string());
        command.env("TASKWIRE_DATA_DIR", self.folder.path().join("data"));
        command.env("TASKWIRE_DATABASE_URL", &self.database.url);
        for (key, value) in &self.settings {
            command.env(format!("TASKWIRE_{}", key.to_uppercase()), value);
        }
        command
    }

    /// Runs the program with arguments, beside the server, until it ends. Returns its exit code and output.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command();
        command.args(arguments);
        run_to_end(command)
    }

    /// Starts the process, and waits until it listens. It keeps the port of an earlier process.
    pub fn spawn(&mut self) {
        let output = self.launch();
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .and_then(|address| address.parse().ok());
        let Some(address) = address else {
            panic!("the server did not start ({read:?}, {line:?}):\n{}", self.log());
        };
        self.address = address;
    }

    /// Starts the process without waiting until it listens.
    pub fn launch(&mut self) -> ChildStdout {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("a log");
        let mut process = self
            .command()
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the taskwire binary");
        let output = process.stdout.take().expect("its output");
        self.process = Some(process);
        output
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The lines of a log in JSON so far.
    pub fn log_lines(&self) -> Vec<serde_json::Value> {
        let log = self.log();
        let lines = log.lines().map(serde_json::from_str);
        lines.filter_map(Result::ok).collect()
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a running server").id()
    }

    /// Kills the process with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("killed");
            process.wait().expect("ended");
        }
    }

    /// Sends SIGTERM, and waits for the end. Returns the exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.ask_to_stop();
        let mut process = self.process.take().expect("a running server");
        process.wait().expect("ended").code()
    }

    /// Sends SIGTERM, without waiting for the end.
    pub fn ask_to_stop(&self) {
        let pid = self.pid().to_string();
        let told = Command::new("kill").arg("-TERM").arg(pid).status();
        assert!(told.expect("kill").success());
    }

    /// Waits until the process has ended by itself. Returns the exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let mut process = self.process.take().expect("a running server");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = process.try_wait().expect("a process") {
                return status.code();
            }
            if Instant::now() > deadline {
                self.process = Some(process); // so that drop kills it
                panic!("the server did not end");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Bytes of memory that the process holds (`VmRSS`), or held at most (`VmHWM`).
    #[cfg(target_os = "linux")]
    pub fn memory(&self, which: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix(which));
        let kib = line.and_then(|line| line.trim_start_matches(':').trim().strip_suffix("kB"));
        kib.and_then(|kib| kib.trim().parse::<u64>().ok())
            .expect("a number")
            * 1024
    }

    /// The URL of a path on the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.log());
        } else {
            let own = secrets::in_mails(self.folder.path());
            if let Some(secret) = secrets::shown_in(&self.log(), &own) {
                panic!("the server's log shows {secret}");
            }
        }
    }
}
