//! `deploy/`, as far as it can be checked without a container engine: the steps of the image run in an empty folder, its
//! node runs as nobody, the compose file is consistent, nginx accepts its configuration.

use crate::support::nginx::{self, Nginx, free_address, is_root};
use crate::support::{Client, Engine, PATIENCE, Server, eventually, http};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use taskwire::config::Settings;
use yaml_rust2::{Yaml, YamlLoader};

const DOCKERFILE: &str = include_str!("../../deploy/Dockerfile");
const COMPOSE: &str = include_str!("../../deploy/compose.yaml");
const EXAMPLE: &str = include_str!("../../deploy/env.example");
const UNIT: &str = include_str!("../../deploy/taskwire.service");

/// Values for the variables that compose.yaml requires.
const FILLED: [(&str, &str); 3] = [
    (
        "TASKWIRE_JWT_SECRET",
        "yCkT1gX0q8LZpN5vB2rW7mJ4sD9fH6aEyCkT1gX0q8LZpN5v",
    ),
    ("TASKWIRE_PUBLIC_URL", "https://tasks.example.com"),
    ("POSTGRES_PASSWORD", "0123456789abcdef"),
];

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
    /// Runs the steps of the last stage. The program is the one under test: compiling it is the first stage's.
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
                "COPY" => {
                    let to = rest.strip_prefix("--from=build /taskwire ").expect("the program");
                    fs::copy(env!("CARGO_BIN_EXE_taskwire"), image.path(to)).expect("a copy");
                }
                _ => {}
            }
        }
        image
    }

    /// A path of the image in the folder.
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
        check.status().expect("a check").success()
    }
}

/// Ends what it started, however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_images_steps_give_a_node_that_runs_as_nobody_and_is_healthy() {
    let image = Image::make();
    let data = fs::metadata(image.path("/var/lib/taskwire")).expect("the data folder");
    assert_eq!(data.permissions().mode() & 0o777, 0o700);
    let user = of(&image.stage, "USER")[0];
    assert!(!user.starts_with('0') && !user.starts_with("root"), "{user}");
    if is_root() {
        assert_eq!(
            format!("{}:{}", data.uid(), data.gid()),
            user,
            "it keeps its data to itself"
        );
    }
    let listen = free_address().to_string();
    assert!(!image.is_healthy(&listen), "nobody is there yet");
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
        "what it keeps is in the volume"
    );
}

#[test]
fn the_image_is_built_by_the_compiler_that_the_program_asks_for() {
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

/// compose.yaml with the values of its variables put in.
fn compose(values: &[(&str, &str)]) -> Yaml {
    let mut text = String::new();
    let mut rest = COMPOSE;
    while let Some((before, variable)) = rest.split_once("${") {
        let (variable, after) = variable.split_once('}').expect("an end");
        let (name, default) = variable
            .split_once(":-")
            .expect("a default, if only an empty one");
        let value = values.iter().find(|(known, _)| *known == name);
        text += before;
        text += value.map_or(default, |(_, value)| value);
        rest = after;
    }
    text += rest;
    let mut documents = YamlLoader::load_from_str(&text).expect("YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// A key of a mapping, also one that is merged into it.
fn get(map: &Yaml, key: &str) -> Yaml {
    match (&map[key], &map["<<"]) {
        (Yaml::BadValue, Yaml::BadValue) => Yaml::BadValue,
        (Yaml::BadValue, merged) => get(merged, key),
        (own, _) => own.clone(),
    }
}

fn keys(map: &Yaml) -> BTreeSet<String> {
    let Some(hash) = map.as_hash() else {
        return BTreeSet::new();
    };
    let mut keys: BTreeSet<String> = hash
        .keys()
        .map(|key| key.as_str().expect("a name").to_owned())
        .collect();
    if keys.remove("<<") {
        keys.extend(self::keys(&map["<<"]));
    }
    keys
}

fn strings(list: &Yaml) -> Vec<String> {
    let items = list.as_vec().into_iter().flatten();
    items
        .map(|item| item.as_str().expect("a text").to_owned())
        .collect()
}

fn services(compose: &Yaml) -> BTreeMap<String, Yaml> {
    let services = &compose["services"];
    keys(services)
        .into_iter()
        .map(|name| (name.clone(), services[name.as_str()].clone()))
        .collect()
}

#[test]
fn the_compose_file_holds_together() {
    let compose = compose(&FILLED);
    let services = services(&compose);
    let volumes = keys(&compose["volumes"]);
    for (name, service) in &services {
        let image = get(service, "image");
        pinned(image.as_str().unwrap_or_else(|| panic!("{name} has no image")));
        assert!(
            !get(service, "restart").is_badvalue(),
            "{name} ends with its first fault"
        );
        assert!(get(service, "privileged").is_badvalue(), "{name}");
        let scale = strings(&get(service, "profiles"));
        assert_eq!(
            scale,
            if name == "taskwire" { vec![] } else { vec!["scale"] },
            "{name}"
        );
        for volume in strings(&get(service, "volumes")) {
            let source = volume.split(':').next().expect("a source").to_owned();
            let file = source
                .strip_prefix("./")
                .map(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file));
            assert!(
                file.map_or_else(|| volumes.contains(&source), |file| file.is_file()),
                "{name}: {volume}"
            );
        }
        for needed in keys(&get(service, "depends_on")) {
            let needs = get(&get(service, "depends_on"), &needed);
            assert_eq!(
                needs["condition"].as_str(),
                Some("service_healthy"),
                "{name} needs {needed}"
            );
            let other = &services[&needed];
            // a node's check is in its image
            let ours = get(other, "image")
                .as_str()
                .is_some_and(|image| image.starts_with("taskwire:"));
            assert!(
                ours || !get(other, "healthcheck").is_badvalue(),
                "{needed} is never healthy"
            );
        }
    }
    let ports = |name: &str| strings(&get(&services[name], "ports"));
    assert_eq!(ports("taskwire"), ["127.0.0.1:8080:8080"]);
    assert_eq!(ports("nginx"), ["8088:8080"]);
    for inside in ["taskwire-1", "taskwire-2", "taskwire-3", "postgres", "redis"] {
        assert_eq!(ports(inside).len(), 0, "{inside} is reached from outside");
    }
    let behind: Vec<String> = (1..=3).map(|n| format!("server taskwire-{n}:8080 ")).collect();
    assert!(behind.iter().all(|server| nginx::CONFIG.contains(server)));
}

#[test]
fn every_variable_of_the_compose_file_is_explained_and_every_setting_exists() {
    let explained: BTreeSet<&str> = EXAMPLE
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
        .collect();
    let used: BTreeSet<&str> = COMPOSE
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once(":-"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(explained, used);
    let compose = compose(&FILLED);
    let services = services(&compose);
    let addresses = |name: &str| services[name]["networks"]["inside"]["ipv4_address"].clone();
    let mut instances = BTreeSet::new();
    for n in 1..=3 {
        let name = format!("taskwire-{n}");
        let environment = environment(&services[&name]);
        assert_eq!(
            environment["TASKWIRE_TRUSTED_PROXIES"],
            addresses("nginx").as_str().expect("one")
        );
        let pairs: Vec<(String, String)> = environment
            .iter()
            .map(|(name, value)| (name.trim_start_matches("TASKWIRE_").to_lowercase(), value.clone()))
            .collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
        let settings = Settings::from_pairs(&pairs).unwrap_or_else(|error| panic!("{error}"));
        instances.insert((
            settings.instance,
            addresses(&name).as_str().expect("one").to_owned(),
        ));
    }
    assert_eq!(instances.len(), 3, "each has its own name and address");
}

fn environment(service: &Yaml) -> BTreeMap<String, String> {
    let environment = get(service, "environment");
    let value = |name: &String| match get(&environment, name) {
        Yaml::Null => Some(String::new()), // a variable that is empty
        value => value.as_str().map(str::to_owned),
    };
    keys(&environment)
        .into_iter()
        .map(|name| {
            (
                name.clone(),
                value(&name).unwrap_or_else(|| panic!("{name} is no text")),
            )
        })
        .collect()
}

/// `taskwire config` with the environment of a node of the profile `scale`.
fn start_with(values: &[(&str, &str)]) -> (Option<i32>, String) {
    let services = services(&compose(values));
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskwire"));
    command.arg("config").env_clear().current_dir(folder.path());
    let ran = command
        .envs(environment(&services["taskwire-1"]))
        .output()
        .expect("the program");
    (
        ran.status.code(),
        String::from_utf8_lossy(&ran.stderr).into_owned(),
    )
}

#[test]
fn a_node_without_its_secrets_says_which_are_missing() {
    let (code, said) = start_with(&[]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("TASKWIRE_JWT_SECRET") && said.contains("public_url"),
        "{said}"
    );
    assert_eq!(start_with(&FILLED), (Some(0), String::new()));
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
fn nginx_takes_its_configuration_and_waits_longer_than_a_heartbeat() {
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
async fn through_nginx_a_node_is_reached_and_its_numbers_are_not() {
    let server = Server::start(Engine::Sqlite, &[("trusted_proxies", "127.0.0.1")]).await;
    // two of three are away: nobody notices
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
    ada.ok("task.create", json!({ "title": "By way of nginx" })).await;
    ada.event("task.created").await;

    drop((ada, server));
    let deadline = Instant::now() + PATIENCE;
    let away = loop {
        let answer = get("/readyz").await;
        if answer.status() == 503 {
            break answer;
        }
        assert!(Instant::now() < deadline, "somebody answers: {answer:?}");
    };
    assert_eq!(away.headers()["retry-after"], "1");
    let body: Value = away.json().await.expect("JSON");
    assert_eq!(
        (&body["error"]["code"], &body["error"]["retryable"]),
        (&json!("UNAVAILABLE"), &json!(true))
    );
    proxy.take();
}
