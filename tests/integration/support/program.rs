//! The taskwire program in an empty folder, with an environment of the test's own, run to its end.

use super::PATIENCE;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder, and what the program gets of its environment. It runs as a user who may not do everything.
pub struct Program {
    pub folder: TempDir,
    environment: Vec<(String, String)>,
    /// Of somebody without rights, where the tests run as root.
    user: Option<u32>,
}

impl Program {
    pub fn new() -> Program {
        let folder = tempfile::tempdir().expect("a folder");
        let user = (rustix::process::geteuid().is_root() && is_for_everybody()).then_some(65_534);
        if let Some(user) = user {
            chown(folder.path(), Some(user), Some(user)).expect("given away");
        }
        Program {
            folder,
            environment: Vec::new(),
            user,
        }
    }

    /// Whether the rights of files bind it. They do not bind root, which cannot give the program to another user where
    /// that user cannot reach it.
    pub fn obeys_rights(&self) -> bool {
        self.user.is_some() || !rustix::process::geteuid().is_root()
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, text: &str) {
        self.environment.push((name.to_owned(), text.to_owned()));
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that the program may read.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        self.give(&path, 0o600);
        path
    }

    /// Gives a file or folder to the program's user, with these rights.
    pub fn give(&self, path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("rights");
        if self.user.is_some() {
            chown(path, self.user, self.user).expect("given away");
        }
    }

    /// Runs it to its end: its exit code and what it wrote.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskwire"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().map(|(name, text)| (name, text)))
            .args(arguments);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        run_to_end(command)
    }
}

/// Runs a command of the program until it ends. Returns its exit code and its output.
pub fn run_to_end(mut command: Command) -> (Option<i32>, String) {
    let log = tempfile::tempfile().expect("a log");
    command
        .stdout(log.try_clone().expect("its log"))
        .stderr(log.try_clone().expect("its log"));
    let mut process = command.spawn().expect("the taskwire binary");
    let deadline = Instant::now() + PATIENCE;
    let code = loop {
        match process.try_wait().expect("a process") {
            Some(status) => break status.code(),
            None if Instant::now() > deadline => {
                process.kill().expect("killed");
                process.wait().expect("ended");
                panic!("taskwire {:?} did not end:\n{}", command.get_args(), text(log));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    (code, text(log))
}

/// Whether every user may run the program.
fn is_for_everybody() -> bool {
    let program = Path::new(env!("CARGO_BIN_EXE_taskwire"));
    program.ancestors().all(|part| {
        let found = part.metadata();
        found.is_ok_and(|found| found.permissions().mode() & 0o001 != 0)
    })
}

fn text(mut log: File) -> String {
    use std::io::{Read, Seek};
    let mut text = String::new();
    log.rewind().expect("its log");
    log.read_to_string(&mut text).expect("text");
    text
}
