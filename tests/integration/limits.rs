//! The numbers of single limits, and how locks end: mails with codes, the lock that doubles in Redis, an administrator who
//! unlocks. `defence` has the ways in that share them.

use crate::defence::{AWAY, ELSEWHERE, HOME, count_in_redis, keys, limited, post, read, sign_up, try_login};
use crate::on_both_databases;
use crate::support::http::Response;
use crate::support::mails;
use crate::support::redis::{own_prefix, shared_url};
use crate::support::{Client, Engine, PASSWORD, Server};
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};

on_both_databases!(
    an_address_gets_three_mails_an_hour_of_each_kind_and_a_network_asks_for_thirty,
    an_account_that_an_administrator_unlocks_may_fail_again,
);

const VERIFY: &str = "Verify your e-mail address";
const RESET: &str = "Reset your password";

/// Asks for a mail to an address.
async fn ask(server: &Server, from: &str, path: &str, email: &str) -> Response {
    post(
        server,
        from,
        &format!("/v1/auth/{path}"),
        &json!({ "email": email }),
    )
    .await
}

/// Asserts that this one is too many, and says so as all limits do.
async fn limited_to(answer: Response, number: u32) {
    let number = number.to_string();
    let header = |name: &str| {
        let value = answer.headers().get(name);
        value.and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    assert_eq!(answer.status(), 429);
    assert_eq!(header("x-ratelimit-limit"), Some(number.clone()));
    assert_eq!(header("x-ratelimit-remaining").as_deref(), Some("0"));
    let wait = header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| (3000..=3600).contains(&wait)), "{wait:?}");
    let (_, body) = read(answer).await;
    assert_eq!(body["error"]["code"], "RATE_LIMITED");
    assert_eq!(body["error"]["context"]["limit"].to_string(), number);
}

async fn an_address_gets_three_mails_an_hour_of_each_kind_and_a_network_asks_for_thirty(engine: Engine) {
    let server = limited(engine, &[]).await;
    assert_eq!(sign_up(&server, HOME, "ada").await.status(), 201);
    mails::nth(&server, 1, "ada@example.com", VERIFY).await;
    for (path, subject, first) in [("resend-verification", VERIFY, 1), ("forgot-password", RESET, 0)] {
        for email in ["ada@example.com", "nobody@example.com"] {
            // from another network each: it is the address that counts
            for i in 0..3 {
                let answer = ask(&server, &format!("192.0.2.{i}"), path, email).await;
                assert_eq!(read(answer).await, (202, json!({})), "{path} {email}");
                if email.starts_with("ada") {
                    // a newer code takes the place of one whose mail has not left
                    mails::nth(&server, first + i + 1, email, subject).await;
                }
            }
            let again = ask(&server, ELSEWHERE, path, &email.to_uppercase()).await;
            limited_to(again, 3).await;
        }
        assert_eq!(
            mails::kept_for(&server, "ada@example.com", subject).len(),
            first + 3
        );
    }
    // of whatever kind, and to whatever addresses
    for i in 0..30 {
        let path = ["resend-verification", "forgot-password"][i % 2];
        let from = format!("2001:db8:5:6::{i}");
        let answer = ask(&server, &from, path, &format!("{i}@example.com")).await;
        assert_eq!(answer.status(), 202, "{i}");
    }
    for path in ["resend-verification", "forgot-password"] {
        limited_to(ask(&server, "2001:db8:5:6::99", path, "x@example.com").await, 30).await;
        assert_eq!(ask(&server, AWAY, path, "x@example.com").await.status(), 202);
    }
}

/// Instances with limits and an administrator: two that share a Redis where there can be two.
async fn administered(engine: Engine) -> Vec<Server> {
    let operator = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];
    if engine == Engine::Sqlite {
        return vec![limited(engine, &operator).await];
    }
    in_redis(&operator).await.0
}

/// Two instances that count in a Redis, a connection to it, and the prefix of their keys.
async fn in_redis(more: &[(&str, &str)]) -> (Vec<Server>, MultiplexedConnection, String) {
    let (url, prefix) = (shared_url(), own_prefix());
    let mut settings = vec![
        ("redis_url", &*url),
        ("redis_prefix", &*prefix),
        ("rate_limit_enabled", "true"),
        ("rate_limit_requests", "100000"),
        ("trusted_proxies", "127.0.0.1"),
    ];
    settings.extend(more);
    let servers = Server::start_several(2, &settings).await;
    let client = redis::Client::open(&*url).expect("a client");
    let link = client.get_multiplexed_async_connection().await;
    let mut link = link.expect("a connection");
    count_in_redis(&servers, &mut link, &prefix).await;
    (servers, link, prefix)
}

async fn an_account_that_an_administrator_unlocks_may_fail_again(engine: Engine) {
    let servers = administered(engine).await;
    let (here, there) = (&servers[0], &servers[servers.len() - 1]);
    let ada: Value = sign_up(here, HOME, "ada").await.json().await.expect("tokens");
    let mut operator = Client::log_in(there, "op").await;
    let fail = async || {
        try_login(here, AWAY, "ada@example.com", "a wrong password")
            .await
            .0
    };
    for _ in 0..5 {
        assert_eq!(fail().await, 401);
    }
    assert_eq!(fail().await, 423);
    operator
        .ok("admin.user.unlock", json!({ "id": ada["user"]["id"] }))
        .await;
    // with the failures of before, the first of these would lock again
    for _ in 0..2 {
        assert_eq!(fail().await, 401);
    }
    let (status, body) = try_login(here, AWAY, "ada@example.com", PASSWORD).await;
    assert_eq!(status, 200, "{body}");
}

/// The failures of one address in Redis, whose clock the test moves by moving them.
struct Failures {
    link: MultiplexedConnection,
    key: String,
}

impl Failures {
    async fn find(mut link: MultiplexedConnection, prefix: &str) -> Failures {
        let mut found = keys(&mut link, prefix).await;
        found.retain(|key| key.contains(":failures:"));
        assert_eq!(found.len(), 1, "{found:?}");
        Failures {
            link,
            key: found.remove(0),
        }
    }

    /// This much time passes: all failures are that much older.
    async fn pass(&mut self, ms: i64) {
        let all: Vec<String> = redis::cmd("ZRANGE")
            .arg(&self.key)
            .arg(0)
            .arg(-1)
            .query_async(&mut self.link)
            .await
            .expect("failures");
        for one in all {
            let _: f64 = redis::cmd("ZINCRBY")
                .arg(&self.key)
                .arg(-ms)
                .arg(one)
                .query_async(&mut self.link)
                .await
                .expect("a score");
        }
    }

    /// The newest failure happens now, however slow this machine is.
    async fn now(&mut self) {
        let (seconds, micros): (i64, i64) = redis::cmd("TIME")
            .query_async(&mut self.link)
            .await
            .expect("a time");
        let newest: Vec<String> = redis::cmd("ZRANGE")
            .arg(&self.key)
            .arg(-1)
            .arg(-1)
            .query_async(&mut self.link)
            .await
            .expect("a failure");
        let now = seconds * 1000 + micros / 1000;
        let _: i64 = redis::cmd("ZADD")
            .arg(&self.key)
            .arg(now)
            .arg(&newest)
            .query_async(&mut self.link)
            .await
            .expect("a change");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_in_redis_doubles_to_fifteen_minutes_and_ends_after_as_long_without_a_failure() {
    const QUIET_MS: i64 = 900_000;
    let (servers, link, prefix) = in_redis(&[]).await;
    let mut network = 0;
    let mut fail = async || {
        network += 1;
        let from = format!("10.0.{network}.1");
        try_login(&servers[network % 2], &from, "ada@example.com", "wrong").await
    };
    assert_eq!(fail().await.0, 401);
    let mut failures = Failures::find(link, &prefix).await;
    for _ in 1..5 {
        assert_eq!(fail().await.0, 401);
    }
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
        failures.now().await;
        let (status, body) = fail().await;
        let left_ms = body["error"]["retry_after_ms"].as_i64().unwrap_or_default();
        assert_eq!(status, 423, "a lock of {seconds} s: {body}");
        let lock_ms = seconds * 1000;
        assert!(
            (lock_ms - 990..=lock_ms).contains(&left_ms),
            "{left_ms} of {lock_ms} ms"
        );
        failures.pass(lock_ms).await;
        assert_eq!(fail().await.0, 401, "after {seconds} s");
    }
    // the last lock ends, and nobody tries for a quarter of an hour
    failures.now().await;
    failures.pass(QUIET_MS + QUIET_MS).await;
    for _ in 0..5 {
        assert_eq!(fail().await.0, 401);
    }
    failures.now().await;
    let (status, body) = fail().await;
    let left_ms = body["error"]["retry_after_ms"].as_i64();
    assert_eq!(status, 423);
    assert!(
        left_ms.is_some_and(|ms| ms <= 1000),
        "the first lock again: {body}"
    );
}
