//! Runs every command of every README, in order, from an empty folder: each block marked `sh` is one terminal. A few
//! programs are replaced: `cargo` runs what the tests have built, `docker` and `systemctl` only check what they are told,
//! and measurements are short.

use crate::support::nginx::free_address;
use crate::support::{Engine, PASSWORD, Server};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// A measurement of the harness, or the start of a debug build, takes longer than other waits.
const LONG: Duration = Duration::from_secs(90);

/// The pages beside the first one that have commands.
const PAGES: [&str; 5] = [
    "client/README.md",
    "deploy/README.md",
    "loadtest/README.md",
    "loadtest/peers/README.md",
    "tests/README.md",
];

/// The last words of a command that does not end by itself, and what it prints when it works.
const STAYING: [(&str, &str); 3] = [
    ("cargo run --release  ", "listening on http://"),
    ("--example follow", "connected"),
    ("--example board", "PENDING"),
];

/// Commands that would take minutes, need the network, or change this repository, and what is run instead.
const INSTEAD: [(&str, &str); 6] = [
    // its options are read, and it lists the faults
    ("./tests/chaos", "\"$TEST_BINARIES/faults\" --list"),
    ("--list --list", "--list"),
    ("./tests/fuzz", "bash -n tests/fuzz"),
    ("loadtest/peers/", "bash -n loadtest/peers/"),
    // tests/hot_paths.rs runs it
    ("hot_paths -- --record", "hot_paths -- --once"),
    // the settings of a node that systemd runs
    ("/etc/taskwire/taskwire.env", "deploy/.env"),
];

/// A folder in which the commands of one page run.
struct Desk {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
    running: Vec<Child>,
}

impl Desk {
    /// An empty folder, and programs on the PATH. The port stands for 8080.
    fn new(port: u16) -> Desk {
        let desk = Desk {
            folder: tempfile::tempdir().expect("a folder"),
            binaries: binaries(),
            port,
            running: Vec::new(),
        };
        for folder in ["programs", "home/.cargo/bin", "desk"] {
            fs::create_dir_all(desk.path(folder)).expect("a folder");
        }
        let clone = format!(
            "#!/bin/sh\n[ \"$1\" = clone ] && ln -s '{}' taskwire\n",
            desk.path("checkout").display()
        );
        desk.program("git", &clone);
        desk.program("cargo", include_str!("readmes/cargo.sh"));
        desk.program("docker", include_str!("readmes/docker.sh"));
        desk.program(
            "systemctl",
            "#!/bin/sh\n[ \"$1\" = restart ] && [ -f \"deploy/$2.service\" ]\n",
        );
        desk.program(
            "taskwire",
            &format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_taskwire")),
        );
        desk.check_out();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.path("programs").join(name);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }

    /// The repository. Commands write into `deploy` and into the folder itself, so these are copies.
    fn check_out(&self) {
        let checkout = self.path("checkout");
        fs::create_dir_all(checkout.join("deploy")).expect("a folder");
        for from in entries(Path::new(ROOT)) {
            let name = from.file_name().expect("a name").to_string_lossy().into_owned();
            if !name.starts_with('.') && !["deploy", "target", "data"].contains(&&*name) {
                symlink(&from, checkout.join(&name)).expect("a link");
            }
        }
        for from in entries(&Path::new(ROOT).join("deploy")) {
            if from.is_file() {
                let to = checkout.join("deploy").join(from.file_name().expect("a name"));
                fs::copy(from, to).expect("a copy");
            }
        }
    }

    /// Runs the blocks of a page, each in a terminal of its own. Returns what each printed.
    fn follow(&mut self, page: &str, folder: &str) -> Vec<String> {
        let text = fs::read_to_string(Path::new(ROOT).join(page)).expect("a page");
        let blocks = blocks(&text);
        assert!(!blocks.is_empty(), "{page} has no commands");
        // a reader stays in a folder that a page has entered; a block that enters one begins outside
        let (mut printed, mut here) = (Vec::new(), folder.to_owned());
        for (number, block) in (1..).zip(blocks) {
            let entered = block.lines().find_map(|line| line.strip_prefix("cd "));
            let begin = if entered.is_some() { folder } else { &here };
            printed.push(self.terminal(&format!("{page}, block {number}"), block, begin));
            if let Some(entered) = entered {
                here = format!("{folder}/{}", entered.trim());
            }
        }
        printed
    }

    /// Runs a block until it ends, or until its last command works.
    fn terminal(&mut self, name: &str, block: &str, folder: &str) -> String {
        let mut script = block.replace("8080", &self.port.to_string());
        for (command, instead) in INSTEAD {
            script = script.replace(command, instead);
        }
        script = script
            .replace("nginx:", "127.0.0.1:")
            .replace("proxy.internal:", "127.0.0.1:");
        let output = self.path(&format!("output-{}", self.running.len()));
        let log = fs::File::create(&output).expect("a file");
        let mut terminal = self.shell(&script, folder, log);
        let last = block.trim_end().lines().last().expect("a command");
        let works = STAYING
            .iter()
            .find(|(command, _)| last.contains(command))
            .map(|(_, said)| *said);
        let printed = || fs::read_to_string(&output).expect("its output");
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(status) = terminal.try_wait().expect("a shell") {
                assert!(
                    status.success() && works.is_none(),
                    "{name} ended with {status}:\n{script}\n{}",
                    printed()
                );
                break;
            }
            if works.is_some_and(|said| printed().contains(said)) {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "{name} goes on:\n{script}\n{}",
                printed()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.running.push(terminal);
        printed()
    }

    fn shell(&self, script: &str, folder: &str, log: fs::File) -> Child {
        let path = ["programs", "home/.cargo/bin"].map(|folder| self.path(folder).display().to_string());
        let here = format!("127.0.0.1:{}", self.port);
        Command::new("bash")
            .args(["-euc", script])
            .current_dir(self.path(folder))
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", path.join(":")))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.folder.path())
            .env("EDITOR", "true")
            .env("TEST_BINARIES", &self.binaries)
            .env("TASKWIRE_LISTEN", &here)
            .env("TASKWIRE_URL", format!("http://{here}"))
            .env("TASKWIRE_PASSWORD", PASSWORD) // what a person types when asked
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("its output"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("bash")
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for terminal in &mut self.running {
            // with what it left in the background
            let group = format!("-{}", terminal.id());
            let _ = Command::new("kill")
                .args(["-KILL", "--", &group])
                .stderr(Stdio::null())
                .status();
            let _ = terminal.wait();
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// The blocks of commands.
fn blocks(page: &str) -> Vec<&str> {
    let rest = page.split("\n```sh\n").skip(1);
    rest.map(|rest| rest.split("\n```").next().expect("an end"))
        .collect()
}

/// The folder of the programs. `cargo test --workspace` has built them; for a test of this package alone, this builds
/// those that are missing.
pub fn binaries() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_taskwire"))
        .parent()
        .expect("a folder");
    let needed = [
        "tw",
        "loadtest",
        "faults",
        "examples/follow",
        "examples/board",
        "examples/hot_paths",
    ];
    if needed.iter().any(|name| !folder.join(name).exists()) {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--workspace", "--bins", "--examples", "--target-dir"])
            .arg(folder.parent().expect("a target folder"))
            .current_dir(ROOT)
            .status();
        assert!(built.expect("cargo starts").success());
    }
    folder.to_owned()
}

#[test]
fn the_commands_of_the_readme_work_in_order_from_an_empty_folder() {
    let mut desk = Desk::new(free_address().port());
    let printed = desk.follow("README.md", "desk");
    let [_, tool, team, hand, ..] = printed.as_slice() else {
        panic!("{printed:?}");
    };
    assert!(
        tool.contains("signed in at") && tool.contains("Buy milk") && tool.contains("#home"),
        "{tool}"
    );
    assert!(
        team.contains("stage: todo → doing") && team.contains("Doing 1"),
        "{team}"
    );
    for said in [
        r#""type":"welcome""#,
        r#""event":"task.completed""#,
        r#""id":4"#,
        r#""replayed":true"#,
    ] {
        assert!(hand.contains(said), "{said} is missing:\n{hand}");
    }
    assert!(desk.path("checkout/deploy/.env").exists());
}

/// The other pages assume that a server runs and that their reader is in the repository's folder.
#[tokio::test]
async fn the_commands_of_the_other_readmes_work_in_order() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let work = tokio::task::spawn_blocking(move || {
        for page in PAGES {
            let mut desk = Desk::new(server.address.port());
            desk.follow(page, "checkout");
        }
    });
    work.await.expect("every command works"); // each has a deadline
}

#[test]
fn the_readme_names_the_compiler_of_the_manifest() {
    let readme = include_str!("../../README.md");
    let wanted = format!("Rust {}", env!("CARGO_PKG_RUST_VERSION"));
    assert!(readme.contains(&wanted), "{wanted}");
}

/// A page with commands that no test runs would be found by its readers.
#[test]
fn every_readme_is_among_the_pages_that_are_tested() {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(ROOT)];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir()
                && !name.starts_with('.')
                && !["target", "node_modules", "data"].contains(&&*name)
            {
                folders.push(path);
            } else if name == "README.md" && !blocks(&fs::read_to_string(&path).expect("a page")).is_empty() {
                let page = path.strip_prefix(ROOT).expect("a page of this repository");
                found.push(page.display().to_string());
            }
        }
    }
    found.sort();
    assert_eq!(found[0], "README.md");
    assert_eq!(found[1..], PAGES);
}
