//! A PostgreSQL server for one test, for tests that stop it, kill it or configure it badly. Its programs are those
//! that `tests/run` found or installed. It ends with the test, and its files are deleted.

use super::PATIENCE;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The server and its files.
pub struct Cluster {
    folder: TempDir,
    bin: PathBuf,
    port: u16,
    /// The user and group that it runs as: PostgreSQL refuses to run as root.
    user: Option<(u32, u32)>,
}

impl Cluster {
    /// Makes a cluster and starts it; `settings` are lines like `fsync = off`.
    pub fn start(settings: &[&str]) -> Cluster {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cluster = Cluster {
            bin: bin(),
            port: 0,
            user: unprivileged(),
            folder,
        };
        cluster.open_folder();
        let made = cluster
            .program("initdb")
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-sync",
            ])
            .args(["--locale=C", "--pgdata"])
            .arg(cluster.data())
            .output()
            .expect("initdb");
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let lines = ["listen_addresses = '127.0.0.1'", "unix_socket_directories = ''"];
        let small = [
            "shared_buffers = 16MB",
            "max_connections = 60",
            "max_wal_size = 128MB",
        ];
        for line in lines.iter().chain(&small).chain(settings) {
            cluster.set(line);
        }
        for _ in 0..10 {
            cluster.port = free_port();
            cluster.set(&format!("port = {}", cluster.port));
            if cluster.begin() {
                return cluster;
            }
        }
        panic!("PostgreSQL did not start: {}", cluster.log());
    }

    /// A URL of its database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Adds a line to its settings, for the next start.
    pub fn set(&self, line: &str) {
        let path = self.data().join("postgresql.conf");
        let mut file = fs::File::options().append(true).open(path).expect("its settings");
        writeln!(file, "{line}").expect("written");
    }

    /// Stops it; `mode` is `fast` or `immediate`, as for `pg_ctl`.
    pub fn stop(&self, mode: &str) {
        let done = self.control(&["stop", "-w", "-t", "60", "-m", mode]);
        assert!(done, "PostgreSQL did not stop: {}", self.log());
    }

    /// Kills its main process with SIGKILL.
    pub fn kill(&self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).expect("a running server");
        let pid = pid.lines().next().expect("a process").to_owned();
        let killed = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(killed.expect("kill").success());
    }

    /// Starts it again. After a kill it tries until the remaining processes have ended.
    pub fn start_again(&self) {
        let deadline = Instant::now() + 3 * PATIENCE;
        while !self.begin() {
            assert!(
                Instant::now() < deadline,
                "PostgreSQL did not start again: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Makes it a standby of no server: it can be read, and its recovery never ends.
    pub fn stand_by(&self) {
        self.stop("fast");
        fs::write(self.data().join("standby.signal"), "").expect("a standby");
        self.start_again();
    }

    /// Makes it a standby and promotes it: it then writes in another timeline.
    pub fn take_over(&self) {
        self.stand_by();
        let done = self.control(&["promote", "-w", "-t", "60"]);
        assert!(done, "PostgreSQL was not promoted: {}", self.log());
    }

    fn begin(&self) -> bool {
        let log = self.folder.path().join("log");
        let log = log.to_str().expect("a path");
        self.control(&["start", "-w", "-t", "60", "-l", log])
    }

    fn control(&self, arguments: &[&str]) -> bool {
        let mut command = self.program("pg_ctl");
        command.args(arguments).arg("-D").arg(self.data());
        // the server inherits the output of pg_ctl, and would keep a pipe open
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.expect("pg_ctl").success()
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the server has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn open_folder(&self) {
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.folder.path(), mode).expect("a folder that others may enter");
        if let Some((user, group)) = self.user {
            chown(self.folder.path(), Some(user), Some(group)).expect("a folder for PostgreSQL's user");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.control(&["stop", "-w", "-t", "10", "-m", "immediate"]);
        if std::thread::panicking() {
            eprintln!("--- PostgreSQL's log ---\n{}", self.log());
        }
    }
}

/// The folder of the newest server's programs: on the PATH, or where systems keep them.
fn bin() -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    for versions in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let found = fs::read_dir(versions).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = found.map(|entry| entry.path().join("bin")).collect();
        found.sort();
        folders.extend(found.into_iter().rev());
    }
    let whole = |folder: &&PathBuf| {
        ["initdb", "pg_ctl"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let found = folders.iter().find(whole).cloned();
    found.expect("initdb and pg_ctl: ./tests/run installs PostgreSQL where it can")
}

/// The ids of an unprivileged user and group, when this process is root.
fn unprivileged() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if number(&["-u"]) != Some(0) {
        return None;
    }
    let user = |name| Some((number(&["-u", name])?, number(&["-g", name])?));
    user("postgres").or_else(|| user("nobody"))
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
