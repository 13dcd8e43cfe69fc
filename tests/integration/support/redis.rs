//! A Redis for one test, which it may stop, kill and restart on its port; and the Redis that all tests share.

use super::PATIENCE;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// A redis-server process, killed with the test.
pub struct Redis {
    pub address: SocketAddr,
    program: Vec<String>,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    folder: TempDir,
    process: Option<Child>,
}

impl Redis {
    /// Starts a Redis.
    pub async fn start() -> Redis {
        Redis::start_with(&[]).await
    }

    /// Starts a Redis with further arguments, like `["--requirepass", "word"]`.
    pub async fn start_with(arguments: &[&str]) -> Redis {
        let mut redis = Redis::prepare();
        redis.arguments = arguments.iter().map(|&one| one.to_owned()).collect();
        redis.spawn().await;
        redis
    }

    /// Starts a Redis by this command and with these variables, on a port of its own.
    pub async fn start_by(command: &[String], variables: &[(String, String)]) -> Redis {
        let mut redis = Redis::prepare();
        (redis.program, redis.variables) = (command.to_vec(), variables.to_vec());
        redis.spawn().await;
        redis
    }

    /// Chooses a port, without starting a process.
    pub fn prepare() -> Redis {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        Redis {
            address: free.local_addr().expect("an address"),
            program: vec!["redis-server".to_owned()],
            arguments: Vec::new(),
            variables: Vec::new(),
            folder: tempfile::tempdir().expect("a folder"),
            process: None,
        }
    }

    /// Starts the process and waits until it takes connections.
    pub async fn spawn(&mut self) {
        let (program, first) = self.program.split_first().expect("a program");
        let mut command = Command::new(program);
        command
            .args(first)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(["--port", &self.address.port().to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]);
        command.arg(self.folder.path()).args(&self.arguments);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.process = Some(process.expect("redis-server; tests/run installs it"));
        let deadline = Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            assert!(Instant::now() < deadline, "redis-server does not listen");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("killed");
            process.wait().expect("ended");
        }
    }

    /// Stops it with SIGSTOP; its connections stay open.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Continues it with SIGCONT.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("a running Redis");
        let told = Command::new("kill")
            .arg(signal)
            .arg(process.id().to_string())
            .status();
        assert!(told.expect("kill").success());
    }

    /// Its address as a setting.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The URL of the Redis that all tests share. Use a prefix there that no other test has, like [`own_prefix`].
pub fn shared_url() -> String {
    std::env::var("TASKWIRE_TEST_REDIS").unwrap_or_else(|_| {
        panic!(
            "TASKWIRE_TEST_REDIS is not set: run ./tests/run, which starts a private Redis, or set it to the URL of \
             one, like redis://127.0.0.1:6379"
        )
    })
}

/// A prefix of channels that no other test has.
pub fn own_prefix() -> String {
    format!("test-{}", uuid::Uuid::new_v4().simple())
}
