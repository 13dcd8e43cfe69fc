//! What an operator sees of a node: the first and the last line of its log, outages, refused sign-ins, and metrics that
//! follow Prometheus' rules.
//!
//! - `metrics` reads the metrics, and checks them by the rules of `promtool check metrics`

mod metrics;

use crate::on_both_databases;
use crate::support::cluster::Cluster;
use crate::support::raw::Raw;
use crate::support::redis::{own_prefix, shared_url};
use crate::support::{Client, Engine, PASSWORD, Redis, Server, eventually, http};
use metrics::Metrics;
use serde_json::{Value, json};
use std::fs;

on_both_databases!(
    metrics_follow_the_rules_of_prometheus,
    refused_sign_ins_are_logged_with_masked_addresses,
);

/// The lines of a JSON log.
fn lines(server: &Server) -> Vec<Value> {
    let log = server.log();
    let lines = log.lines().map(serde_json::from_str);
    lines.map(|line| line.expect("an object a line")).collect()
}

/// The lines with this message.
fn lines_that_say(server: &Server, message: &str) -> Vec<Value> {
    let mut lines = lines(server);
    lines.retain(|line| line["message"] == message);
    lines
}

async fn said(server: &Server, message: &str, times: usize) {
    eventually(message, || async {
        (lines_that_say(server, message).len() == times).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_line_tells_version_and_settings_and_the_last_what_was_left() {
    let mut server = Server::prepare(Engine::Sqlite, &[("log_format", "json"), ("drain_seconds", "1")]).await;
    let file = server.folder.path().join(".env");
    fs::write(file, "TASKWIRE_JOB_CONCURRENCY=2\nTASKWIRE_BATCH_OPS=7\n").expect("written");
    server.spawn();
    let first = &lines(&server)[0];
    assert_eq!(first["message"], "taskwire starts", "{first}");
    assert_eq!(first["version"], env!("CARGO_PKG_VERSION"), "{first}");
    let sources = first["settings"].as_str().expect("the sources");
    assert!(sources.starts_with("2 from .env, "), "{sources}");
    assert!(sources.ends_with(" from the environment"), "{sources}");
    assert_eq!(server.terminate(), Some(0));
    let last = lines(&server).pop().expect("a line");
    assert_eq!(
        (&last["message"], &last["level"]),
        (&json!("drained: nothing was left"), &json!("INFO"))
    );
    assert!(last["duration_ms"].is_u64(), "{last}");

    server.spawn();
    let mut raw = Raw::dial(&server).await;
    raw.send(
        b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\
          Expect: 100-continue\r\n\r\n",
    )
    .await;
    let asked_for_the_body = raw.head().await;
    assert!(
        asked_for_the_body.starts_with("HTTP/1.1 100 "),
        "{asked_for_the_body}"
    );
    assert_eq!(server.terminate(), Some(0));
    let last = lines(&server).pop().expect("a line");
    let message = last["message"].as_str().expect("a message");
    assert!(
        message.starts_with("drained, but 1 connection was cut off"),
        "{last}"
    );
    assert_eq!(
        (&last["level"], &last["connections"]),
        (&json!("WARN"), &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_one_line_and_its_end_another() {
    let cluster = Cluster::start(&[]);
    let mut redis = Redis::start().await;
    let settings = [
        ("log_format", "json"),
        ("database_url", &*cluster.url()),
        ("redis_url", &*redis.url()),
    ];
    let mut server = Server::prepare(Engine::Postgres, &settings).await;
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    both_are_up(&server, true).await;
    redis.kill();
    cluster.stop("fast");
    both_are_up(&server, false).await;
    for (path, status) in [("/readyz", 200), ("/livez", 200), ("/health/detailed", 503)] {
        assert_eq!(http::get(&server, path).await.status(), status, "{path}");
    }
    for _ in 0..3 {
        ada.refused("task.list", json!({})).await;
        ada.refused("task.create", json!({ "title": "milk" })).await;
    }
    redis.spawn().await;
    cluster.start_again();
    both_are_up(&server, true).await;
    for name in ["the database", "Redis"] {
        let mut lines = lines(&server);
        lines.retain(|line| {
            let message = line["message"].as_str().unwrap_or_default();
            message.starts_with(&format!("{name} is away")) || message == format!("{name} is back")
        });
        let [away, back] = &lines[..] else {
            panic!("{name}: {lines:#?}")
        };
        assert!(
            away["error.message"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()),
            "{away}"
        );
        assert!(back["away_ms"].as_u64().is_some_and(|ms| ms > 0), "{back}");
    }
    ada.ok("task.list", json!({})).await;
    // each outage is told, also the next one within the same minute; what repeats otherwise is not
    redis.kill();
    said(
        &server,
        "Redis is away: commits of other instances are read from the database",
        2,
    )
    .await;
    for line in lines(&server)
        .iter()
        .filter(|line| line["target"] != "taskwire::outage")
    {
        let mut same = lines_that_say(&server, line["message"].as_str().expect("a message"));
        same.retain(|other| {
            ["error", "error.message"]
                .iter()
                .all(|cause| other[*cause] == line[*cause])
        });
        assert!(line["level"] != "WARN" || same.len() == 1, "{same:#?}");
    }
}

async fn both_are_up(server: &Server, up: bool) {
    eventually("the state of the database and of Redis", || async {
        let metrics = Metrics::of(server).await;
        let seen = ["taskwire_database_up", "taskwire_redis_up"].map(|name| metrics.find(name));
        (seen == [Some(f64::from(u8::from(up))); 2]).then_some(())
    })
    .await;
}

async fn refused_sign_ins_are_logged_with_masked_addresses(engine: Engine) {
    let server = Server::start(engine, &[("log_format", "json")]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let refused = [
        (
            "/v1/auth/login",
            json!({ "email": "ada@example.com", "password": "not this one" }),
        ),
        (
            "/v1/auth/login",
            json!({ "email": "nobody@example.org", "password": PASSWORD }),
        ),
        (
            "/v1/auth/login",
            json!({ "email": PASSWORD, "password": "ada@example.com" }),
        ),
        ("/v1/auth/refresh", json!({ "refresh_token": "rt_nonsense" })),
    ];
    for (path, body) in refused {
        assert_eq!(http::post(&server, path, &body).await.status(), 401, "{path}");
    }
    let mut socket = Client::connect(&server).await;
    socket.refused("auth", json!({ "token": "nonsense" })).await;
    let log_in = json!({ "email": "ada@example.com", "password": "nor this" });
    socket.refused("auth.login", log_in).await;
    // neither is a refusal of a sign-in
    http::post(&server, "/v1/auth/login", &json!({ "email": 7 })).await;
    http::post(
        &server,
        "/v1/auth/login",
        &json!({ "email": "ada@example.com", "password": PASSWORD }),
    )
    .await;
    said(&server, "a sign-in was refused", 6).await;
    let shown: Vec<_> = lines_that_say(&server, "a sign-in was refused")
        .iter()
        .map(|line| {
            json!([
                line["op.name"],
                line["error.code"],
                line["email"],
                line["address"],
                line["level"]
            ])
        })
        .collect();
    let (network, wrong) = ("127.0.0.0/24", "INVALID_CREDENTIALS");
    assert_eq!(
        shown,
        [
            json!(["auth.login", wrong, "a***@example.com", network, "INFO"]),
            json!(["auth.login", wrong, "n***@example.org", network, "INFO"]),
            json!(["auth.login", wrong, "***", network, "INFO"]),
            json!(["auth.refresh", "INVALID_TOKEN", null, network, "INFO"]),
            json!(["auth", "INVALID_TOKEN", null, network, "INFO"]),
            json!(["auth.login", wrong, "a***@example.com", network, "INFO"]),
        ]
    );
    let log = server.log();
    for hidden in ["ada@example.com", "nobody@", PASSWORD, "not this one"] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
    drop(tokens);
}

async fn metrics_follow_the_rules_of_prometheus(engine: Engine) {
    let (redis, prefix) = (shared_url(), own_prefix());
    let mut settings = Vec::new();
    if engine == Engine::Postgres {
        settings = vec![("redis_url", &*redis), ("redis_prefix", &*prefix)];
    }
    let server = Server::start(engine, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    ada.ok("task.create", json!({ "title": "milk" })).await;
    ada.refused("task.get", json!({ "id": ada.user_id() })).await;
    ada.ok("task.list", json!({ "q": "milk" })).await;
    http::get(&server, "/nothing").await;
    let redis_up = match engine {
        Engine::Postgres => Some(1.0),
        Engine::Sqlite => None,
    };
    let metrics = eventually("Redis", || async {
        let metrics = Metrics::of(&server).await;
        (metrics.find("taskwire_redis_up") == redis_up).then_some(metrics)
    })
    .await;
    assert_eq!(metrics.offences(), Vec::<String>::new());
    if let Some(said) = metrics.promtool() {
        assert_eq!(said, "", "promtool");
    }
    let build = format!(
        "taskwire_build_info{{version=\"{}\",contract=",
        env!("CARGO_PKG_VERSION")
    );
    assert!(metrics.text.contains(&build), "{}", metrics.text);
    assert_eq!(metrics.find("taskwire_database_up"), Some(1.0));
    for name in [
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    ] {
        assert!(metrics.number(name) > 0.0, "{name}");
    }
    assert!(metrics.find("process_cpu_seconds_total").is_some());
    let page = include_str!("../../docs/metrics.md");
    for name in metrics.names() {
        assert!(
            page.contains(&format!("| `{name}` |")),
            "{name} is not in docs/metrics.md"
        );
    }
}
