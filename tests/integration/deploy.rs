//! Checks of `deploy/` that need no container engine: the steps of the image run in an empty folder, its node runs as
//! an unprivileged user, the compose file is consistent, nginx accepts its configuration.

use crate::support::nginx::{self, Nginx, free_address, is_root};
use crate::support::{Client, Engine, PATIENCE, Server, eventually, http};
use compose::{FILLED, compose, get};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use taskwire::config::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

mod compose; // the compose file

const DOCKERFILE: &str = include_str!("../../deploy/Dockerfile");
const UNIT: &str = include_str!("../../deploy/taskwire.service");

/// The instructions of the Dockerfile's last stage, each on one line.
fn final_stage() -> Vec<(String, String)> {
    let joined = DOCKERFILE.replace("\\\n", " ");
    let lines = joined.lines().filter(|line| !line.starts_with('#'));
    let all: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(' '))
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect();
    let last = all.iter().rposition(|(word, _)| word == "FROM").expect("a stage");
    all[last..].to_vec()
}

fn of<'a>(stage: &'a [(String, String)], word: &str) -> Vec<&'a str> {
    stage
        .iter()
        .filter(|(name, _)| name == word)
        .map(|(_, rest)| rest.as_str())
        .collect()
}

/// A folder with the contents of the image, and how to run it.
struct Image {
    root: tempfile::TempDir,
    stage: Vec<(String, String)>,
}

impl Image {
    /// Runs the steps of the last stage with the program under test. The first stage would compile it.
    fn make() -> Image {
        let root = tempfile::tempdir().expect("a folder");
        let rights = fs::Permissions::from_mode(0o755);
        fs::set_permissions(root.path(), rights).expect("permissions");
        let image = Image {
            root,
            stage: final_stage(),
        };
        for (word, rest) in &image.stage {
            match word.as_str() {
                "RUN" => image.run(rest),
                "COPY" if rest.contains("/etc/ssl/certs/") => {} // this system's own stand for them
                "COPY" => {
                    let to = rest.strip_prefix("--from=build /taskwire ").expect("the program");
                    fs::copy(env!("CARGO_BIN_EXE_taskwire"), image.path(to)).expect("a copy");
                }
                _ => {}
            }
        }
        image
    }

    /// The place of an image's path in the folder.
    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn run(&self, step: &str) {
        let (mount, step) = step.split_once(' ').expect("a mount and a step");
        assert_eq!(mount, "--mount=type=bind,source=deploy/image.sh,target=/image.sh");
        assert_eq!(step, "/image.sh prepare /");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/image.sh");
        let ran = Command::new(script)
            .args(["prepare", &self.root.path().display().to_string()])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output()
            .expect("deploy/image.sh");
        assert!(ran.status.success(), "{ran:?}");
    }

    /// The command of an instruction in its list form, as the image's user, with the image's environment.
    fn command(&self, words: &str, listen: &str) -> Command {
        let words: Vec<String> = serde_json::from_str(words).expect("a list of words");
        let mut command = Command::new(self.path(&words[0]));
        command.args(&words[1..]).env_clear();
        for pair in of(&self.stage, "ENV") {
            let (name, value) = pair.split_once('=').expect("a pair");
            let inside = if value.starts_with('/') {
                self.path(value).display().to_string()
            } else {
                value.to_owned()
            };
            command.env(name, inside);
        }
        command.env("TASKWIRE_LISTEN", listen);
        command.current_dir(self.path(of(&self.stage, "WORKDIR")[0]));
        if is_root() {
            let (user, group) = of(&self.stage, "USER")[0]
                .split_once(':')
                .expect("a user and a group");
            command.uid(user.parse().expect("a number"));
            command.gid(group.parse().expect("a number"));
        }
        command
    }

    fn is_healthy(&self, listen: &str) -> bool {
        let check = of(&self.stage, "HEALTHCHECK")[0];
        let check = check.split_once(" CMD ").expect("a command").1;
        let mut check = self.command(check, listen);
        let check = check.stdout(Stdio::null()).stderr(Stdio::null());
        loop {
            match check.status() {
                // a process that another test starts at this moment still has the program open for writing
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
                ended => return ended.expect("a check").success(),
            }
        }
    }
}

/// A process that ends with the test, even when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_steps_of_the_image_make_a_node_that_runs_unprivileged_and_is_healthy() {
    let image = Image::make();
    let data = fs::metadata(image.path("/var/lib/taskwire")).expect("the data folder");
    assert_eq!(data.permissions().mode() & 0o777, 0o700);
    let user = of(&image.stage, "USER")[0];
    assert!(!user.starts_with('0') && !user.starts_with("root"), "{user}");
    if is_root() {
        assert_eq!(
            format!("{}:{}", data.uid(), data.gid()),
            user,
            "the data folder must belong to the image's user"
        );
    }
    let listen = free_address().to_string();
    assert!(!image.is_healthy(&listen), "healthy before the node was started");
    let mut node = image.command(of(&image.stage, "ENTRYPOINT")[0], &listen);
    let node = node.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut node = Running(node.expect("the program"));
    let mut line = String::new();
    let out = node.0.stdout.take().expect("its output");
    BufReader::new(out).read_line(&mut line).expect("read");
    if !line.starts_with("listening on ") {
        let mut log = String::new();
        let mut errors = node.0.stderr.take().expect("its log");
        errors.read_to_string(&mut log).expect("read");
        panic!("{log}");
    }
    assert!(image.is_healthy(&listen));
    let told = Command::new("kill").arg(node.0.id().to_string()).status();
    assert!(told.expect("kill").success());
    let ended = eventually("its end", || {
        std::future::ready(node.0.try_wait().expect("a process"))
    })
    .await;
    assert_eq!(ended.code(), Some(0));
    assert!(!image.is_healthy(&listen));
    assert!(
        image.path("/var/lib/taskwire/taskwire.db").exists(),
        "the database must be in the volume"
    );
}

#[test]
fn the_image_is_built_with_the_compiler_of_the_manifest() {
    let manifest = include_str!("../../Cargo.toml");
    let wanted = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));
    let wanted = wanted.expect("a version").trim_matches('"');
    assert!(DOCKERFILE.contains(&format!("FROM rust:{wanted}.")), "{wanted}");
    let image = DOCKERFILE.split_once("FROM rust:").expect("a compiler").1;
    let release = image.split('-').next().expect("a version");
    let toolchain = include_str!("../../rust-toolchain.toml");
    assert!(
        toolchain.contains(&format!("channel = \"{release}\"")),
        "{release}"
    );
    let version = format!("image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(DOCKERFILE.contains(&version), "{version}");
    for line in DOCKERFILE.lines().filter(|line| line.starts_with("FROM ")) {
        pinned(line.split(' ').nth(1).expect("an image"));
    }
}

#[track_caller]
fn pinned(image: &str) {
    let tag = image
        .split_once(':')
        .unwrap_or_else(|| panic!("{image} has no tag"))
        .1;
    assert!(
        tag.contains('.') && tag.starts_with(|c: char| c.is_ascii_digit()),
        "{image} is not pinned"
    );
}

#[test]
fn the_unit_runs_the_program_where_the_image_has_it_and_lets_it_drain() {
    let value = |key: &str| {
        let line = UNIT
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{key}=")));
        line.unwrap_or_else(|| panic!("no {key}"))
    };
    assert_eq!(value("ExecStart"), "/usr/local/bin/taskwire serve");
    assert_eq!(value("Environment"), "TASKWIRE_DATA_DIR=/var/lib/taskwire");
    let drain = Settings::from_pairs(&[]).expect("the defaults").drain.as_secs();
    let patience: u64 = value("TimeoutStopSec").parse().expect("seconds");
    assert!(patience > drain, "it is killed while it drains");
    let compose = compose(&FILLED);
    let grace = get(&compose["x-node"], "stop_grace_period");
    let grace: u64 = grace
        .as_str()
        .expect("a time")
        .trim_end_matches('s')
        .parse()
        .expect("seconds");
    assert!(grace > drain, "it is killed while it drains");
}

#[test]
fn nginx_accepts_its_configuration_and_waits_longer_than_a_heartbeat() {
    let said = nginx::test();
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && !text.contains("[warn]"), "{text}");
    let heartbeat = Settings::from_pairs(&[])
        .expect("the defaults")
        .heartbeat
        .as_secs();
    for timeout in ["proxy_read_timeout", "proxy_send_timeout"] {
        let rest = nginx::CONFIG.split_once(&format!("{timeout} ")).expect(timeout).1;
        let seconds = rest.split_once("s;").expect("seconds").0;
        assert!(
            seconds.parse::<u64>().expect("a number") > 2 * heartbeat,
            "{timeout}"
        );
    }
}

#[tokio::test]
async fn nginx_keeps_no_upload_and_no_body_that_is_too_large() {
    let server = Server::start(Engine::Sqlite, &[("trusted_proxies", "127.0.0.1")]).await;
    let proxy = Nginx::start([server.address, free_address(), free_address()]);
    for (method, path) in [
        ("POST", "/v1/import?format=csv"),
        ("PUT", "/v1/profile/photo"),
        (
            "POST",
            "/v1/tasks/01890000-0000-7000-8000-000000000001/attachments",
        ),
    ] {
        let mut tcp = TcpStream::connect(proxy.address).await.expect("nginx");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: image/png\r\nContent-Length: 20000000\r\n\r\n",
            proxy.address
        );
        tcp.write_all(head.as_bytes()).await.expect("sent");
        // whoever waits for the whole body hears nothing of this one
        tcp.write_all(&vec![b'x'; 100_000]).await.expect("sent");
        let mut answer = vec![0; 12];
        let read = timeout(PATIENCE, tcp.read_exact(&mut answer)).await;
        read.unwrap_or_else(|_| panic!("{path}: the node saw nothing of the upload"))
            .expect("an answer");
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 401", "{path}");
        assert!(proxy.waiting_bytes() < 1_000_000, "{path}");
    }
    let mut tcp = TcpStream::connect(proxy.address).await.expect("nginx");
    let head = format!(
        "POST /v1/rpc HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 8000000\r\n\r\n",
        proxy.address
    );
    tcp.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, tcp.read_to_end(&mut answer)).await;
    let _cut_off = read.expect("an end in time");
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains("PAYLOAD_TOO_LARGE"),
        "{answer}"
    );
}

#[tokio::test]
async fn nginx_passes_a_hundred_requests_of_an_address_at_a_time_whatever_they_want_to_become() {
    let server = Server::start(Engine::Sqlite, &[("trusted_proxies", "127.0.0.1")]).await;
    let proxy = Nginx::start([server.address, free_address(), free_address()]);
    let send = async |line: &str, lines: &str| {
        let mut tcp = TcpStream::connect(proxy.address).await.expect("nginx");
        let host = proxy.address;
        let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n{lines}\r\n");
        tcp.write_all(head.as_bytes()).await.expect("sent");
        tcp
    };
    // Each waits for a body that does not come. One too many: nginx may still count the request that asked whether it is
    // there, and then it refuses one of these.
    let mut held = Vec::new();
    for _ in 0..101 {
        held.push(send("POST /v1/rpc", "Connection: upgrade\r\nContent-Length: 9\r\n").await);
    }
    let answered = async |expected: &str| {
        eventually(expected, async || {
            let mut tcp = send("GET /readyz", "Connection: close\r\n").await;
            let mut answer = String::new();
            tcp.read_to_string(&mut answer).await.expect("an answer");
            answer.starts_with(expected).then_some(answer)
        })
        .await
    };
    let refused = answered("HTTP/1.1 429 ").await;
    assert!(
        refused.contains("RATE_LIMITED") && refused.contains("Retry-After: 1\r\n"),
        "{refused}"
    );
    // the nodes count sockets
    let tokens = http::sign_up(&server, "ada").await;
    let mut ada = Client::through(proxy.address, &tokens).await;
    ada.ok("task.create", json!({ "title": "Beside them" })).await;
    let mut tcp = send("POST /v1/socket", "Connection: close\r\nContent-Length: 2000\r\n").await;
    let mut answer = Vec::new();
    let _cut_off = tcp.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    // at most one of them was refused
    held.truncate(99);
    answered("HTTP/1.1 200 ").await;
}

#[tokio::test]
async fn nginx_forwards_to_a_node_but_not_to_its_metrics() {
    let server = Server::start(Engine::Sqlite, &[("trusted_proxies", "127.0.0.1")]).await;
    // two of the three nodes are down: clients do not notice
    let mut proxy = Some(Nginx::start([free_address(), server.address, free_address()]));
    let url = |path: &str| proxy.as_ref().expect("it runs").url(path);
    let _ = http::get(&server, "/livez").await; // makes TLS ready for this process
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("an HTTP client");
    let get = async |path: &str| client.get(url(path)).send().await.expect("an answer");
    for _ in 0..10 {
        assert_eq!(get("/readyz").await.status(), 200);
    }
    assert_eq!(http::get(&server, "/metrics").await.status(), 200);
    let numbers = get("/metrics").await;
    let id = numbers.headers()["x-request-id"]
        .to_str()
        .expect("text")
        .to_owned();
    let (status, body): (_, Value) = (numbers.status(), numbers.json().await.expect("JSON"));
    assert_eq!(
        (status.as_u16(), &body["error"]["code"]),
        (404, &json!("NOT_FOUND"))
    );
    assert_eq!(body["request_id"], json!(id));

    let tokens = http::sign_up(&server, "ada").await;
    let address = proxy.as_ref().expect("it runs").address;
    let mut ada = Client::through(address, &tokens).await;
    ada.ok("task.create", json!({ "title": "Through nginx" })).await;
    ada.event("task.created").await;

    drop((ada, server));
    let deadline = Instant::now() + PATIENCE;
    let away = loop {
        let answer = get("/readyz").await;
        if answer.status() == 503 {
            break answer;
        }
        assert!(Instant::now() < deadline, "a node still answers: {answer:?}");
    };
    assert_eq!(away.headers()["retry-after"], "1");
    let body: Value = away.json().await.expect("JSON");
    assert_eq!(
        (&body["error"]["code"], &body["error"]["retryable"]),
        (&json!("UNAVAILABLE"), &json!(true))
    );
    proxy.take();
}
