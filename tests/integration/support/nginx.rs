//! A real nginx with `deploy/nginx.conf`, in front of servers under test. Only the addresses are replaced. It
//! writes into its own folder and runs as an unprivileged user.

use super::PATIENCE;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The id of the user `nobody`.
const NOBODY: u32 = 65_534;

/// The configuration as it is deployed.
pub const CONFIG: &str = include_str!("../../../deploy/nginx.conf");

/// An nginx process, ended when it is dropped.
pub struct Nginx {
    pub address: SocketAddr,
    folder: TempDir,
    process: Child,
}

impl Nginx {
    /// Starts nginx in front of three nodes.
    pub fn start(nodes: [SocketAddr; 3]) -> Nginx {
        // a port that was free a moment ago may be taken: then try another one
        for _ in 0..5 {
            let folder = folder();
            let address = free_address();
            fs::write(folder.path().join("nginx.conf"), config(address, nodes)).expect("a file");
            let log = fs::File::create(folder.path().join("log")).expect("a log");
            let mut process = command(&folder)
                .args(["-g", "daemon off;"])
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("nginx");
            if answers(address, &mut process) {
                return Nginx {
                    address,
                    folder,
                    process,
                };
            }
            let _ = process.kill();
            let _ = process.wait();
            eprintln!("{}", log_of(&folder));
        }
        panic!("nginx did not start");
    }

    /// How many bytes of bodies wait in its folder.
    pub fn waiting_bytes(&self) -> u64 {
        let files = fs::read_dir(self.folder.path().join("body"));
        let sizes = files.into_iter().flatten().flatten();
        sizes
            .filter_map(|file| file.metadata().ok())
            .map(|file| file.len())
            .sum()
    }

    /// The URL of a path through nginx.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // send SIGTERM first: workers do not end with a master that is killed
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        let deadline = Instant::now() + PATIENCE;
        while asked.as_ref().is_ok_and(std::process::ExitStatus::success)
            && matches!(self.process.try_wait(), Ok(None))
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- nginx's log ---\n{}", log_of(&self.folder));
        }
    }
}

/// Runs `nginx -t` with the configuration.
pub fn test() -> Output {
    let folder = folder();
    let nodes = [free_address(), free_address(), free_address()];
    fs::write(folder.path().join("nginx.conf"), config(free_address(), nodes)).expect("a file");
    command(&folder).arg("-t").output().expect("nginx")
}

fn config(address: SocketAddr, nodes: [SocketAddr; 3]) -> String {
    let mut config = CONFIG.replace("listen 8080;", &format!("listen {address};"));
    for (n, node) in (1..).zip(nodes) {
        config = config.replace(&format!("taskwire-{n}:8080"), &node.to_string());
    }
    assert!(!config.contains("8080"), "an address was not replaced");
    config
}

fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(program());
    command.args(["-e", "stderr", "-p"]).arg(folder.path());
    command.arg("-c").arg(folder.path().join("nginx.conf"));
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// The path of nginx. On Debian only root has it on the PATH.
fn program() -> PathBuf {
    let named = std::env::var_os("TASKWIRE_TEST_NGINX").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from);
    let found = std::env::split_paths(&path)
        .chain(usual)
        .map(|folder| folder.join("nginx"))
        .find(|file| file.is_file());
    named.or(found).unwrap_or_else(|| {
        panic!("nginx not found: run ./tests/run, which installs it, or set TASKWIRE_TEST_NGINX to its path")
    })
}

/// A folder for the user that nginx runs as.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    if is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("given away");
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    folder
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// An address of this machine on which nothing listens now.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

fn answers(address: SocketAddr, process: &mut Child) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && matches!(process.try_wait(), Ok(None)) {
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn log_of(folder: &TempDir) -> String {
    fs::read_to_string(Path::new(folder.path()).join("log")).unwrap_or_default()
}
