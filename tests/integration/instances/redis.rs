//! Redis is killed, stopped, cut off, absent at the start, or has a password. The instances go on, push within three
//! seconds, and recover by themselves.

use super::{SOON, TRIES, WITHOUT_REDIS, follows, head, push, redis_becomes};
use crate::support::{Client, Engine, Proxy, Redis, Server, http};
use serde_json::{Value, json};
use std::time::Duration;

/// Two instances: a user writes on the one, and reads on the other.
struct Pair {
    servers: Vec<Server>,
    writer: Client,
    reader: Client,
    workspace: String,
    from: u64,
}

impl Pair {
    async fn start(url: &str) -> Pair {
        Pair::of(Server::start_several(2, &[("redis_url", url)]).await).await
    }

    async fn of(servers: Vec<Server>) -> Pair {
        let writer = Client::sign_up(&servers[0], "ada").await;
        let reader = Client::with_tokens(&servers[1], &writer.tokens, json!({})).await;
        let workspace = writer.personal();
        let from = head(&reader, &format!("workspace:{workspace}"));
        Pair {
            servers,
            writer,
            reader,
            workspace,
            from,
        }
    }

    /// Asserts that a push arrives in time; a loaded machine gets some tries.
    async fn pushes_within(&mut self, most: Duration) {
        let mut took = Vec::new();
        for _ in 0..TRIES {
            let time = push(&mut self.writer, &mut self.reader, &self.workspace).await;
            if time <= most {
                return;
            }
            took.push(time);
        }
        panic!("a push took {took:?}, not {most:?}");
    }

    async fn all_say(&self, status: &str) {
        for server in &self.servers {
            redis_becomes(server, status).await;
        }
    }

    /// Asserts that a new socket that resumes from the start gets every event once, on each instance.
    async fn has_lost_nothing(self) {
        Box::pin(self.resumes_everywhere()).await;
    }

    async fn resumes_everywhere(mut self) {
        let stream = format!("workspace:{}", self.workspace);
        let answer = self.writer.call("task.create", json!({ "title": "Last" })).await;
        let to = answer["at"][&stream].as_u64().expect("a seq");
        let epoch = self.reader.welcome["data"]["epoch"].clone();
        for server in &self.servers {
            let resume = json!({ "resume": { "epoch": epoch, "positions": { stream.clone(): self.from } } });
            let mut late = Client::with_tokens(server, &self.writer.tokens, resume).await;
            follows(&mut late, &stream, self.from, to).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_recover_when_redis_is_killed_and_restarted() {
    let mut redis = Redis::start().await;
    let mut pair = Pair::start(&redis.url()).await;
    pair.all_say("healthy").await;
    pair.pushes_within(SOON).await;
    redis.kill();
    pair.pushes_within(WITHOUT_REDIS).await;
    pair.all_say("degraded").await;
    let answer = http::get(&pair.servers[0], "/health/detailed").await;
    assert_eq!(answer.status(), 200);
    let health: Value = answer.json().await.expect("JSON");
    assert_eq!(health["status"], "degraded", "{health}");
    assert_eq!(health["database"]["status"], "healthy", "{health}");
    pair.pushes_within(WITHOUT_REDIS).await;
    redis.spawn().await;
    pair.all_say("healthy").await;
    pair.pushes_within(SOON).await;
    pair.has_lost_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_recover_when_redis_is_stopped_and_continued() {
    let redis = Redis::start().await;
    let mut pair = Pair::start(&redis.url()).await;
    pair.all_say("healthy").await;
    pair.pushes_within(SOON).await;
    redis.pause();
    // at once, before an instance can detect the silence
    pair.pushes_within(WITHOUT_REDIS).await;
    pair.all_say("degraded").await;
    pair.pushes_within(WITHOUT_REDIS).await;
    redis.resume();
    pair.all_say("healthy").await;
    pair.pushes_within(SOON).await;
    pair.has_lost_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_may_lose_its_connection_to_redis() {
    let redis = Redis::start().await;
    let proxy = Proxy::start(redis.address).await;
    let direct = redis.url();
    let mut servers = Server::start_several(1, &[("redis_url", &direct)]).await;
    let around = format!("redis://{}", proxy.address());
    servers.push(servers[0].beside(&[("redis_url", &around)]));
    let mut pair = Pair::of(servers).await;
    pair.all_say("healthy").await;
    pair.pushes_within(SOON).await;
    proxy.cut();
    pair.pushes_within(WITHOUT_REDIS).await;
    redis_becomes(&pair.servers[1], "degraded").await;
    redis_becomes(&pair.servers[0], "healthy").await;
    pair.pushes_within(WITHOUT_REDIS).await;
    proxy.heal();
    pair.all_say("healthy").await;
    pair.pushes_within(SOON).await;
    // a connection that is open but carries nothing, as when a firewall has dropped its state
    proxy.stall(true);
    pair.pushes_within(WITHOUT_REDIS).await;
    redis_becomes(&pair.servers[1], "degraded").await;
    proxy.stall(false);
    pair.all_say("healthy").await;
    pair.pushes_within(SOON).await;
    pair.has_lost_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_start_without_redis_and_find_it_later() {
    let mut redis = Redis::prepare();
    let mut pair = Pair::start(&redis.url()).await;
    pair.all_say("degraded").await;
    pair.pushes_within(WITHOUT_REDIS).await;
    redis.spawn().await;
    pair.all_say("healthy").await;
    pair.pushes_within(SOON).await;
    pair.has_lost_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_need_a_password_and_a_database_number() {
    let redis = Redis::start_with(&["--requirepass", "open sesame"]).await;
    let url = format!("redis://:open%20sesame@{}/3", redis.address);
    let mut pair = Pair::start(&url).await;
    pair.all_say("healthy").await;
    pair.pushes_within(SOON).await;
    let wrong = format!("redis://:closed@{}", redis.address);
    let stranger = pair.servers[0].beside(&[("redis_url", &wrong)]);
    redis_becomes(&stranger, "degraded").await;
    assert!(!stranger.log().contains("closed@"), "{}", stranger.log());
    pair.has_lost_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_redis_setting_is_refused_by_name() {
    let mut server = Server::prepare(Engine::Sqlite, &[]).await;
    for wrong in [
        "localhost:6379",
        "http://localhost",
        "redis://:s3cret@localhost/three",
        "redis://",
    ] {
        server.set("redis_url", wrong);
        let (code, log) = server.run(&[]);
        assert_eq!(code, Some(2), "{log}");
        assert!(log.contains("redis_url") && log.contains("redis://"), "{log}");
        assert!(!log.contains("s3cret"), "{log}");
    }
    server.set("redis_url", "redis://localhost");
    server.set("redis_prefix", "not this");
    let (code, log) = server.run(&[]);
    assert_eq!(code, Some(2), "{log}");
    assert!(log.contains("redis_prefix"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_on_sqlite_does_not_use_redis() {
    let redis = Redis::prepare();
    let server = Server::start(Engine::Sqlite, &[("redis_url", &redis.url())]).await;
    redis_becomes(&server, "off").await;
    assert!(server.log().contains("redis_url"), "{}", server.log());
}
