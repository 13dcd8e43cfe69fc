//! Connections to PostgreSQL that die without a word, as when a firewall forgets them: nothing is refused, and nothing
//! is answered. How long clients wait, and what is done twice or not at all.

use crate::support::database::through;
use crate::support::{Client, Engine, Proxy, Server, audit, eventually, http, text};
use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::Executor;
use sqlx::postgres::PgConnectOptions;
use std::collections::HashMap;
use std::str::FromStr;
use std::time::{Duration, Instant};
use tokio::net::lookup_host;

/// The longest wait for an answer to a mutation. The slack is for a busy machine.
const ANSWERED: Duration = Duration::from_millis(10_500);
/// The longest time without a write, when only old connections are dead: one wait for an answer, and the rest.
const NO_WRITES: Duration = Duration::from_millis(6500);

/// A server whose connections to PostgreSQL pass through a proxy.
async fn behind_a_proxy(settings: &[(&str, &str)]) -> (Server, Proxy) {
    let mut server = Server::prepare(Engine::Postgres, settings).await;
    let proxy = put_behind_a_proxy(&mut server).await;
    server.spawn();
    (server, proxy)
}

async fn put_behind_a_proxy(server: &mut Server) -> Proxy {
    let url = server.database.url.clone();
    let options = PgConnectOptions::from_str(&url).expect("a URL of PostgreSQL");
    let upstream = lookup_host((options.get_host(), options.get_port())).await;
    let upstream = upstream.expect("an address").next().expect("one address");
    let proxy = Proxy::start(upstream).await;
    server.set("database_url", &through(&url, proxy.address()));
    proxy
}

fn create(title: &str) -> Value {
    let op_id = uuid::Uuid::new_v4();
    json!({ "type": "task.create", "id": title, "op_id": op_id, "data": { "title": title } })
}

/// Sends a mutation, and measures how long its answer takes.
async fn timed(client: &mut Client, request: &Value) -> (Value, Duration) {
    let begun = Instant::now();
    client.send(request).await;
    let answer = client.answer(text(&request["id"])).await;
    (answer, begun.elapsed())
}

/// Writes until `until`, one mutation after the other. A refused one is sent again, with its op_id. Returns the titles,
/// the longest wait for an answer and the longest time without a success.
async fn write_on(client: &mut Client, name: &str, until: Instant) -> (Vec<String>, Duration, Duration) {
    let (mut titles, mut wait, mut pause) = (Vec::new(), Duration::ZERO, Duration::ZERO);
    let mut last = Instant::now();
    while Instant::now() < until {
        let title = format!("{name} {}", titles.len());
        let request = create(&title);
        loop {
            let (answer, took) = timed(client, &request).await;
            wait = wait.max(took);
            if answer["type"] == "ok" {
                break;
            }
            assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        pause = pause.max(last.elapsed());
        last = Instant::now();
        titles.push(title);
        client.forget_events();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (titles, wait, pause)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_die_without_a_word_delay_writes_once_and_lose_nothing() {
    let (server, proxy) = behind_a_proxy(&[("database_lanes", "4")]).await;
    let mut people = Vec::new();
    for name in ["ada", "bob", "cleo", "dan"] {
        people.push(Client::sign_up(&server, name).await);
    }
    // open as many connections as the server keeps
    let reads = people.iter_mut().map(|client| client.ok("task.list", json!({})));
    join_all(reads).await;
    let until = Instant::now() + Duration::from_secs(12);
    let forgetting = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        proxy.forget_links();
    };
    let writing = people.iter_mut().enumerate();
    let writing = writing.map(async |(n, client)| (write_on(client, &format!("w{n}"), until).await, client));
    let (written, ()) = tokio::join!(join_all(writing), forgetting);
    for ((titles, wait, pause), client) in written {
        assert!(wait < ANSWERED, "an answer took {wait:?}");
        assert!(pause < NO_WRITES, "no write for {pause:?}");
        assert!(titles.len() > 50, "only {} writes", titles.len());
        let stream = format!("workspace:{}", client.personal());
        let logs = audit::agree(&server, &client.tokens).await;
        let mut times: HashMap<&str, usize> = HashMap::new();
        for event in logs[&stream]
            .iter()
            .filter(|event| event["event"] == "task.created")
        {
            *times.entry(text(&event["data"]["title"])).or_default() += 1;
        }
        assert_eq!(times.len(), titles.len());
        assert!(times.values().all(|times| *times == 1), "{times:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_on_dead_connections_are_answered_in_time_and_recover() {
    let (server, proxy) = behind_a_proxy(&[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let token = text(&ada.tokens["access_token"]).to_owned();
    let list = || async {
        let body = json!({ "type": "task.list", "id": 1, "data": {} });
        let asked = http::request(&server, reqwest::Method::POST, "/v1/rpc").bearer_auth(&token);
        let begun = Instant::now();
        let answer = asked.json(&body).send().await.expect("an answer");
        (answer.status().as_u16(), begun.elapsed())
    };
    join_all((0..8).map(|_| list())).await;
    proxy.forget_links();
    // a read authenticates and then reads: two waits at most
    for (status, took) in join_all((0..8).map(|_| list())).await {
        assert!(status == 200 || status == 503, "{status}");
        assert!(took < ANSWERED, "a read took {took:?}");
    }
    for (status, took) in join_all((0..8).map(|_| list())).await {
        assert_eq!(status, 200);
        assert!(
            took < Duration::from_secs(2),
            "a read took {took:?} after the recovery"
        );
    }
    ada.ok("task.create", json!({ "title": "It works" })).await;
}

/// Nothing answers any more, neither old connections nor new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mutation_waits_longer_than_ten_seconds_for_a_database_that_is_silent() {
    let (server, proxy) = behind_a_proxy(&[("database_lanes", "2")]).await;
    let mut people = Vec::new();
    for name in ["ada", "bob", "cleo"] {
        people.push(Client::sign_up(&server, name).await);
    }
    proxy.stall(true);
    let waits = people.iter_mut().enumerate().map(async |(n, client)| {
        tokio::time::sleep(Duration::from_secs(2 * n as u64)).await;
        let request = create("it waits");
        let (answer, took) = timed(client, &request).await;
        assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer}");
        assert_eq!(answer["error"]["retryable"], true, "{answer}");
        assert!(took < ANSWERED, "the answer took {took:?}");
        request
    });
    let requests = join_all(waits).await;
    proxy.stall(false);
    // the op_id tells what was done
    for (client, request) in people.iter_mut().zip(&requests) {
        crate::support::eventually("a database that answers", async || {
            (timed(client, request).await.0["type"] == "ok").then_some(())
        })
        .await;
        let logs = audit::agree(&server, &client.tokens).await;
        let log = &logs[&format!("workspace:{}", client.personal())];
        let made = log
            .iter()
            .filter(|event| event["event"] == "task.created")
            .count();
        assert_eq!(made, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_whose_migration_is_never_answered_begins_again() {
    let mut server = Server::prepare(Engine::Postgres, &[]).await;
    assert_eq!(server.run(&["migrate"]).0, Some(0));
    let proxy = put_behind_a_proxy(&mut server).await;
    let mut other = server.database.link().await;
    other.execute("begin").await.expect("begun");
    let lock = "lock table _sqlx_migrations in access exclusive mode";
    other.execute(lock).await.expect("locked");
    let _output = server.launch();
    eventually("a word about the wait", async || {
        server.log().contains("the start waits").then_some(())
    })
    .await;
    proxy.forget_links();
    other.execute("rollback").await.expect("unlocked");
    eventually("a start", async || server.log().contains("serving").then_some(())).await;
    assert!(
        server.log().contains("the migration begins again"),
        "{}",
        server.log()
    );
}
