//! The compose file: its services fit together, its variables are explained, and its nodes start with them.

use super::pinned;
use crate::support::{Client, Redis, Server, eventually, http, nginx};
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use taskwire::config::Settings;
use yaml_rust2::{Yaml, YamlLoader};

const COMPOSE: &str = include_str!("../../../deploy/compose.yaml");
const EXAMPLE: &str = include_str!("../../../deploy/env.example");

/// Values for the variables that compose.yaml requires.
pub const FILLED: [(&str, &str); 4] = [
    (
        "TASKWIRE_JWT_SECRET",
        "yCkT1gX0q8LZpN5vB2rW7mJ4sD9fH6aEyCkT1gX0q8LZpN5v",
    ),
    ("TASKWIRE_PUBLIC_URL", "https://tasks.example.com"),
    ("POSTGRES_PASSWORD", "0123456789abcdef"),
    ("REDIS_PASSWORD", "fedcba9876543210"),
];

/// compose.yaml with its variables replaced by their values.
pub fn compose(values: &[(&str, &str)]) -> Yaml {
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
    let mut documents = YamlLoader::load_from_str(&text.replace("$$", "$")).expect("YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// The value of a key in a mapping, or in what is merged into the mapping.
pub fn get(map: &Yaml, key: &str) -> Yaml {
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
fn the_services_of_the_compose_file_fit_together() {
    let compose = compose(&FILLED);
    let services = services(&compose);
    let volumes = keys(&compose["volumes"]);
    for (name, service) in &services {
        let image = get(service, "image");
        pinned(image.as_str().unwrap_or_else(|| panic!("{name} has no image")));
        assert!(
            !get(service, "restart").is_badvalue(),
            "{name} has no restart policy"
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
            // a node's health check is in its image
            let ours = get(other, "image")
                .as_str()
                .is_some_and(|image| image.starts_with("taskwire:"));
            assert!(
                ours || !get(other, "healthcheck").is_badvalue(),
                "{needed} has no health check, so it never becomes healthy"
            );
        }
    }
    let ports = |name: &str| strings(&get(&services[name], "ports"));
    assert_eq!(ports("taskwire"), ["127.0.0.1:8080:8080"]);
    assert_eq!(ports("nginx"), ["8088:8080"]);
    for inside in ["taskwire-1", "taskwire-2", "taskwire-3", "postgres", "redis"] {
        assert_eq!(
            ports(inside).len(),
            0,
            "{inside} must not be reachable from outside"
        );
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
                value(&name).unwrap_or_else(|| panic!("{name} is not a string")),
            )
        })
        .collect()
}

/// Runs `taskwire config` with the environment of a node of the profile `scale`.
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

/// The command and the variables of the service `redis`.
fn redis_command(values: &[(&str, &str)]) -> (Vec<String>, Vec<(String, String)>) {
    let redis = &services(&compose(values))["redis"];
    let variables = environment(redis).into_iter().collect();
    (strings(&get(redis, "command")), variables)
}

#[test]
fn redis_does_not_start_without_a_password() {
    let (command, variables) = redis_command(&[]);
    let mut process = Command::new(&command[0]);
    let ended = process
        .args(&command[1..])
        .envs(variables)
        .output()
        .expect("a shell");
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("REDIS_PASSWORD"), "{said}");
}

/// Nodes with the setting of the compose file work together on a Redis that was started by its command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_takes_only_the_commands_and_names_of_taskwire() {
    let (command, variables) = redis_command(&FILLED);
    let redis = Redis::start_by(&command, &variables).await;
    let address = redis.address.to_string();
    let node = &services(&compose(&FILLED))["taskwire-1"];
    let url = environment(node)["REDIS_URL"].replace("redis:6379", &address);
    for stranger in [format!("redis://{address}"), url.replace("fedcba", "abcdef")] {
        let client = redis::Client::open(stranger).expect("an address");
        let link = client.get_multiplexed_async_connection().await;
        let answer = match link {
            Ok(mut link) => redis::cmd("PING").query_async::<String>(&mut link).await,
            Err(error) => Err(error),
        };
        assert!(answer.is_err(), "{answer:?}");
    }
    let client = redis::Client::open(&*url).expect("an address");
    let mut link = client.get_multiplexed_async_connection().await.expect("a login");
    refuses_what_no_node_needs(&mut link).await;

    let settings = [
        ("redis_url", &*url),
        ("rate_limit_enabled", "true"),
        ("trusted_proxies", "127.0.0.1"),
    ];
    let servers = Server::start_several(2, &settings).await;
    for server in &servers {
        eventually("Redis is healthy", async || {
            let health: Value = http::get(server, "/health/detailed").await.json().await.ok()?;
            (health["redis"]["status"] == "healthy").then_some(())
        })
        .await;
    }
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let mut reader = ada.another(&servers[1]).await;
    ada.ok("task.create", json!({ "title": "One" })).await;
    reader.event("task.created").await;
    for server in &servers {
        let alone = "taskwire_limits_alone_total";
        eventually("limits are counted in Redis", async || {
            let before = metric(server, alone).await;
            http::get(server, "/v1/protocol.json").await;
            (metric(server, alone).await <= before).then_some(())
        })
        .await;
    }
    eventually("a message arrived through Redis", async || {
        (metric(&servers[1], "taskwire_bus_received_total").await > 0.0).then_some(())
    })
    .await;
}

async fn refuses_what_no_node_needs(link: &mut MultiplexedConnection) {
    for words in [
        "FLUSHALL",
        "CONFIG GET *",
        "KEYS *",
        "CLIENT LIST",
        "ACL LIST",
        "PSUBSCRIBE taskwire:*",
        "PUBLISH other:notes x",
        "SUBSCRIBE other:notes",
        "ZADD other:limit 1 x",
        "GET taskwire:limit",
        "SHUTDOWN",
    ] {
        let mut words = words.split(' ');
        let mut command = redis::cmd(words.next().expect("a name"));
        let answer = command
            .arg(words.collect::<Vec<_>>())
            .query_async::<redis::Value>(link)
            .await;
        let error = answer.expect_err("no permission").to_string();
        assert!(
            error.contains("NOPERM") || error.contains("permission"),
            "{error}"
        );
    }
}

/// The value of a node's metric.
async fn metric(server: &Server, name: &str) -> f64 {
    let metrics = http::get(server, "/metrics").await.text().await.expect("numbers");
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |number| number.parse().expect("a number"))
}
