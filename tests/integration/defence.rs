//! How accounts are defended against people who try: limits by every way in, locks, known devices. The numbers of single
//! limits are in `limits`, answers that tell nothing in `enumeration`, and many who sign in at once in `crowd`.

use crate::on_both_databases;
use crate::support::http::{self, Response};
use crate::support::redis::{own_prefix, shared_url};
use crate::support::{Client, Engine, PASSWORD, Redis, Server, eventually, text};
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use redis::aio::MultiplexedConnection;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_databases!(
    strangers_lock_themselves_out_and_not_the_known_devices,
    a_new_device_is_told_as_a_matter_of_security,
    a_network_has_one_limit_of_sign_ins_for_every_way_in,
    a_network_makes_three_accounts_an_hour,
    a_sign_in_above_the_limit_costs_no_read,
    strangers_can_be_tried_only_so_often_in_a_batch_too,
    a_hash_with_outdated_parameters_is_replaced_at_the_next_sign_in,
    a_sign_in_that_is_not_valid_does_not_tell_whether_the_password_is_right,
);

/// Addresses of three networks.
pub const HOME: &str = "203.0.113.1";
pub const AWAY: &str = "198.51.100.7";
pub const ELSEWHERE: &str = "2001:db8:1:2::7";

/// A server with limits, behind a proxy that says who the client is.
pub async fn limited(engine: Engine, more: &[(&str, &str)]) -> Server {
    let mut settings = vec![
        ("rate_limit_enabled", "true"),
        ("rate_limit_requests", "100000"),
        ("trusted_proxies", "127.0.0.1"),
    ];
    settings.extend(more);
    Server::start(engine, &settings).await
}

/// POSTs JSON from an address.
pub async fn post(server: &Server, from: &str, path: &str, body: &Value) -> Response {
    let request = http::request(server, Method::POST, path).header("x-forwarded-for", from);
    request.json(body).send().await.expect("an answer")
}

pub async fn sign_up(server: &Server, from: &str, name: &str) -> Response {
    let body = json!({
        "email": format!("{name}@example.com"), "name": name, "username": name, "password": PASSWORD,
        "token_delivery": "body",
    });
    post(server, from, "/v1/auth/signup", &body).await
}

pub fn login(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password, "token_delivery": "body" })
}

/// The status, and the body without its id.
pub async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let mut body: Value = answer.json().await.expect("JSON");
    if let Some(id) = body.get_mut("request_id") {
        id.take();
    }
    (status, body)
}

pub async fn try_login(server: &Server, from: &str, email: &str, password: &str) -> (u16, Value) {
    read(post(server, from, "/v1/auth/login", &login(email, password)).await).await
}

async fn strangers_lock_themselves_out_and_not_the_known_devices(engine: Engine) {
    let server = limited(engine, &[]).await;
    let ada = sign_up(&server, HOME, "ada").await;
    assert_eq!(ada.status(), 201);
    let ada: Value = ada.json().await.expect("tokens");
    let mut seen = Vec::new();
    for email in ["ada@example.com", "nobody@example.com"] {
        let mut answers = Vec::new();
        // open before the lock, which is short
        let mut socket = Client::connect_from(&server, ELSEWHERE).await;
        for _ in 0..5 {
            answers.push(try_login(&server, AWAY, email, "a wrong password").await);
        }
        assert!(answers.iter().all(|(status, _)| *status == 401), "{answers:?}");
        // the right password gets the same answer, from another network too
        let answer = post(&server, ELSEWHERE, "/v1/auth/login", &login(email, PASSWORD)).await;
        let wait = answer.headers().get("retry-after").cloned();
        assert_eq!(wait.expect("Retry-After"), "1");
        let (status, mut body) = read(answer).await;
        assert_eq!((status, &body["error"]["code"]), (423, &json!("ACCOUNT_LOCKED")));
        let wait_ms = body["error"]["retry_after_ms"].take();
        assert!(
            wait_ms.as_u64().is_some_and(|ms| (1..=1000).contains(&ms)),
            "{wait_ms}"
        );
        answers.push((status, body));
        seen.push(answers);
        let frame =
            json!({ "type": "auth.login", "id": 1, "data": { "email": email, "password": PASSWORD } });
        let answer: Value = post(&server, AWAY, "/v1/rpc", &frame)
            .await
            .json()
            .await
            .expect("JSON");
        assert_eq!(
            answer["error"]["code"], "ACCOUNT_LOCKED",
            "by every way in: {answer}"
        );
        let data = json!({ "email": email, "password": PASSWORD });
        let refused = socket.refused("auth.login", data).await;
        assert_eq!(refused["code"], "ACCOUNT_LOCKED", "by a socket: {refused}");
    }
    assert_eq!(seen[0], seen[1], "whether there is an account does not show");
    // the network of the account's devices, and a device with a token of the account, also an old one
    let (status, body) = try_login(&server, HOME, "ada@example.com", PASSWORD).await;
    assert_eq!(status, 200, "{body}");
    let mut with_token = login("ada@example.com", PASSWORD);
    with_token["refresh_token"] = ada["refresh_token"].clone();
    let locked = try_login(&server, AWAY, "ada@example.com", "a wrong password").await;
    let (status, body) = read(post(&server, AWAY, "/v1/auth/login", &with_token).await).await;
    assert_eq!(status, 200, "{body} while strangers get {locked:?}");
    let cookie = format!("taskwire_refresh={}", text(&ada["refresh_token"]));
    let request = http::request(&server, Method::POST, "/v1/auth/login").header("cookie", cookie);
    let request = request.header("x-forwarded-for", AWAY);
    let answer = request
        .json(&json!({ "email": "ada@example.com", "password": PASSWORD }))
        .send();
    assert_eq!(answer.await.expect("an answer").status(), 200);
}

async fn a_new_device_is_told_as_a_matter_of_security(engine: Engine) {
    let server = limited(engine, &[]).await;
    sign_up(&server, HOME, "ada").await;
    for (from, expected) in [
        (HOME, "LOGIN"),
        (AWAY, "SECURITY"),
        (AWAY, "LOGIN"),
        (ELSEWHERE, "SECURITY"),
    ] {
        let (status, tokens) = try_login(&server, from, "ada@example.com", PASSWORD).await;
        assert_eq!(status, 200, "{tokens}");
        let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
        let list = ada.ok("notification.list", json!({})).await;
        assert_eq!(list["items"][0]["type"], expected, "from {from}: {list}");
    }
    let (_, tokens) = try_login(&server, HOME, "ada@example.com", PASSWORD).await;
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let list = ada.ok("notification.list", json!({})).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(6), "one a sign-in");
}

async fn a_network_has_one_limit_of_sign_ins_for_every_way_in(engine: Engine) {
    let server = limited(engine, &[]).await;
    let frame = |i: usize| {
        let data = json!({ "email": format!("r{i}@example.com"), "password": "wrong" });
        json!({ "type": "auth.login", "id": i, "data": data })
    };
    for i in 0..15 {
        let email = format!("{i}@example.com");
        let from = format!("2001:db8:1:2::{i}");
        assert_eq!(try_login(&server, &from, &email, "wrong").await.0, 401);
    }
    let frames: Vec<Value> = (0..8).map(frame).collect();
    let answers: Value = post(&server, ELSEWHERE, "/v1/rpc", &json!(frames))
        .await
        .json()
        .await
        .expect("JSON");
    let codes: Vec<&Value> = answers
        .as_array()
        .expect("frames")
        .iter()
        .map(|a| &a["error"]["code"])
        .collect();
    let (passed, limited) = codes.split_at(5);
    assert!(
        passed.iter().all(|code| *code == "INVALID_CREDENTIALS"),
        "{codes:?}"
    );
    assert!(limited.iter().all(|code| *code == "RATE_LIMITED"), "{codes:?}");
    let answer = post(
        &server,
        ELSEWHERE,
        "/v1/auth/login",
        &login("x@example.com", "wrong"),
    )
    .await;
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("text").to_owned())
    };
    assert_eq!(answer.status(), 429);
    assert_eq!(header("x-ratelimit-limit").as_deref(), Some("20"));
    assert_eq!(header("x-ratelimit-remaining").as_deref(), Some("0"));
    let wait = header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| (1..=60).contains(&wait)), "{wait:?}");
    assert_eq!(
        try_login(&server, AWAY, "x@example.com", "wrong").await.0,
        401,
        "others are not concerned"
    );
    // a socket counts for the network that the proxy names, and not for the proxy's
    for (from, expected) in [
        ("2001:db8:1:2::99", "RATE_LIMITED"),
        (AWAY, "INVALID_CREDENTIALS"),
        ("127.0.0.1", "INVALID_CREDENTIALS"),
    ] {
        let mut socket = Client::connect_from(&server, from).await;
        let data = json!({ "email": "x@example.com", "password": "y" });
        let refused = socket.refused("auth.login", data).await;
        assert_eq!(refused["code"], expected, "from {from}: {refused}");
    }
}

async fn a_sign_in_that_is_not_valid_does_not_tell_whether_the_password_is_right(engine: Engine) {
    let server = limited(engine, &[]).await;
    assert_eq!(sign_up(&server, HOME, "ada").await.status(), 201);
    for password in [PASSWORD, "not the password"] {
        let mut body = login("ada@example.com", password);
        body["device_name"] = json!("x".repeat(500));
        let (status, answer) = read(post(&server, AWAY, "/v1/auth/login", &body).await).await;
        assert_eq!(
            (status, &answer["error"]["field"]),
            (422, &json!("device_name")),
            "{answer}"
        );
    }
}

/// How many reads of the database have waited for a connection.
async fn reads(server: &Server) -> u64 {
    let numbers = http::get(server, "/metrics").await.text().await.expect("numbers");
    let count = numbers
        .lines()
        .find_map(|line| line.strip_prefix("taskwire_pool_wait_seconds_count "));
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

async fn a_sign_in_above_the_limit_costs_no_read(engine: Engine) {
    let server = limited(engine, &[]).await;
    let mut codes = Vec::new();
    for n in 0..20 {
        let email = format!("{n}@example.com");
        codes.push(try_login(&server, AWAY, &email, "wrong").await.0);
    }
    assert!(codes.iter().all(|code| *code == 401), "{codes:?}");
    let before = reads(&server).await;
    for n in 0..200 {
        let email = format!("{n}@example.com");
        assert_eq!(try_login(&server, AWAY, &email, "wrong").await.0, 429);
    }
    // the node reads a little for itself
    let more = reads(&server).await - before;
    assert!(more < 100, "{more} reads for 200 sign-ins that were refused");
}

async fn a_network_makes_three_accounts_an_hour(engine: Engine) {
    let server = limited(engine, &[]).await;
    for _ in 0..5 {
        let body = json!({ "email": "ada@example.com", "name": "Ada", "password": "short" });
        let answer = post(&server, HOME, "/v1/auth/signup", &body).await;
        assert_eq!(answer.status(), 422, "what is not valid does not count");
    }
    for name in ["ada", "bob", "cleo"] {
        assert_eq!(sign_up(&server, HOME, name).await.status(), 201);
    }
    let data = json!({ "email": "dan@example.com", "name": "Dan", "password": PASSWORD });
    let frame = json!({ "type": "auth.signup", "id": 1, "data": data });
    let answer: Value = post(&server, HOME, "/v1/rpc", &frame)
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(answer["error"]["code"], "RATE_LIMITED");
    let mut socket = Client::connect_from(&server, HOME).await;
    let refused = socket.refused("auth.signup", frame["data"].clone()).await;
    assert_eq!(refused["code"], "RATE_LIMITED", "by a socket: {refused}");
    let (status, body) = read(sign_up(&server, HOME, "dan").await).await;
    assert_eq!((status, &body["error"]["context"]["limit"]), (429, &json!(3)));
    assert_eq!(sign_up(&server, AWAY, "dan").await.status(), 201);
}

async fn strangers_can_be_tried_only_so_often_in_a_batch_too(engine: Engine) {
    let server = limited(engine, &[("strangers_per_hour", "4")]).await;
    let mut tokens = Vec::new();
    for (from, name) in [(HOME, "ada"), (HOME, "bob"), (HOME, "cleo"), (AWAY, "dan")] {
        tokens.push(sign_up(&server, from, name).await.json().await.expect("tokens"));
    }
    let mut ada = Client::with_tokens(&server, &tokens[0], json!({})).await;
    let team = ada.ok("workspace.create", json!({ "name": "Team" })).await;
    let other = ada.ok("workspace.create", json!({ "name": "Other" })).await;
    let add = |workspace: &Value, email: &str| json!({ "workspace_id": workspace["id"], "email": format!("{email}@example.com"), "role": "member" });
    ada.ok("member.add", add(&team, "bob")).await;
    for _ in 0..3 {
        let refused = ada.refused("member.add", add(&team, "nobody")).await;
        assert_eq!(refused["code"], "NOT_FOUND", "a person counts once");
    }
    let ops: Vec<Value> = ["x", "y", "cleo"]
        .iter()
        .map(|email| json!({ "type": "member.add", "data": add(&team, email) }))
        .collect();
    let results = ada.ok("batch", json!({ "ops": ops, "atomic": false })).await;
    let codes: Vec<&Value> = results["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|r| &r["error"]["code"])
        .collect();
    assert_eq!(
        codes,
        ["NOT_FOUND", "NOT_FOUND", "RATE_LIMITED"],
        "bob, nobody, x and y are four"
    );
    for stranger in ["cleo", "z"] {
        let refused = ada.refused("member.add", add(&team, stranger)).await;
        assert_eq!(refused["code"], "RATE_LIMITED", "with an account or without");
        assert!(
            refused["retry_after_ms"]
                .as_u64()
                .is_some_and(|ms| ms > 3_500_000)
        );
    }
    ada.ok("member.add", add(&other, "bob")).await;
    let refused = ada.refused("member.add", add(&other, "bob")).await;
    assert_eq!(
        refused["code"], "CONFLICT",
        "who shares a workspace is no stranger"
    );
}

async fn a_hash_with_outdated_parameters_is_replaced_at_the_next_sign_in(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let params = Params::new(8192, 1, 1, None).expect("parameters");
    let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let old: PasswordHash = old.hash_password(PASSWORD.as_bytes()).expect("a hash");
    server
        .database
        .execute(&format!("update users set password_hash = '{old}'"))
        .await;
    let before = ada.ok("profile.get", json!({})).await;
    for _ in 0..2 {
        Client::log_in(&server, "ada").await;
    }
    let has =
        "update users set name = 'Rehashed' where password_hash like '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(
        ada.ok("profile.get", json!({})).await,
        before,
        "nobody sees hashes"
    );
    server.database.execute(has).await;
    assert_eq!(ada.ok("profile.get", json!({})).await["name"], "Rehashed");
}

/// Waits until these instances count in Redis.
pub async fn count_in_redis(servers: &[Server], link: &mut MultiplexedConnection, prefix: &str) {
    for (i, server) in servers.iter().enumerate() {
        eventually("the instance counts in Redis", async || {
            let before = keys(link, prefix).await.len();
            let from = format!("192.0.{i}.{}", before + 1);
            let get = http::request(server, Method::GET, "/v1/protocol.json");
            let sent = get.header("x-forwarded-for", from).send().await;
            sent.expect("an answer");
            (keys(link, prefix).await.len() > before).then_some(())
        })
        .await;
    }
}

/// The names of all that is counted in Redis.
pub async fn keys(link: &mut MultiplexedConnection, prefix: &str) -> Vec<String> {
    let pattern = format!("{prefix}:limit:*");
    let found = redis::cmd("KEYS").arg(pattern).query_async(link).await;
    found.expect("keys")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_lets_no_more_pass_than_the_limit_whatever_redis_forgets() {
    let (url, prefix) = (shared_url(), own_prefix());
    let settings = [
        ("redis_url", &*url),
        ("redis_prefix", &*prefix),
        ("rate_limit_enabled", "true"),
        ("trusted_proxies", "127.0.0.1"),
    ];
    let servers = Server::start_several(1, &settings).await;
    let client = redis::Client::open(&*url).expect("a client");
    let link = client.get_multiplexed_async_connection().await;
    let mut link = link.expect("a connection");
    count_in_redis(&servers, &mut link, &prefix).await;
    for i in 0..20 {
        let email = format!("{i}@example.com");
        assert_eq!(try_login(&servers[0], HOME, &email, "wrong").await.0, 401, "{i}");
        let counted = keys(&mut link, &prefix).await;
        let forgotten = redis::cmd("DEL").arg(&counted).query_async(&mut link).await;
        assert!(forgotten.is_ok_and(|n: u64| n > 0), "it was counted in Redis");
    }
    for _ in 0..3 {
        let (status, body) = try_login(&servers[0], HOME, "x@example.com", "wrong").await;
        assert_eq!(status, 429, "{body}");
    }
    let counted = keys(&mut link, &prefix).await;
    let sign_ins = counted.iter().filter(|key| key.contains(":sign_ins:")).count();
    assert_eq!(
        sign_ins, 0,
        "what the instance refuses is taken back: {counted:?}"
    );
    assert_eq!(
        try_login(&servers[0], AWAY, "x@example.com", "wrong").await.0,
        401
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_count_together_and_alone_while_redis_is_away() {
    let mut redis = Redis::start().await;
    let (url, prefix) = (redis.url(), own_prefix());
    let settings = [
        ("redis_url", &*url),
        ("redis_prefix", &*prefix),
        ("rate_limit_enabled", "true"),
        ("trusted_proxies", "127.0.0.1"),
        ("rate_limit_requests", "40"),
    ];
    let servers = Server::start_several(2, &settings).await;
    let client = redis::Client::open(&*url).expect("a client");
    let mut link = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    count_in_redis(&servers, &mut link, &prefix).await;
    for i in 0..20 {
        let email = format!("{i}@example.com");
        assert_eq!(
            try_login(&servers[i % 2], HOME, &email, "wrong").await.0,
            401,
            "{i}"
        );
    }
    for server in &servers {
        assert_eq!(try_login(server, HOME, "x@example.com", "wrong").await.0, 429);
    }
    for i in 0..6 {
        let (status, body) = try_login(&servers[i % 2], AWAY, "ada@example.com", "wrong").await;
        assert_eq!(status, if i < 5 { 401 } else { 423 }, "{i}: {body}");
    }
    let keys = keys(&mut link, &prefix).await;
    assert!(keys.len() >= 5, "{keys:?}");
    for key in &keys {
        let left_ms: i64 = redis::cmd("PTTL")
            .arg(key)
            .query_async(&mut link)
            .await
            .expect("a time");
        assert!(left_ms > 0, "{key} stays for ever");
        assert!(!key.contains("203.0") && !key.contains("ada"), "{key}");
    }
    for i in 0..19 {
        try_login(&servers[i % 2], HOME, "x@example.com", "wrong").await;
    }
    let path = "/v1/protocol.json";
    let get = async |server| {
        http::request(server, Method::GET, path)
            .header("x-forwarded-for", HOME)
            .send()
            .await
    };
    assert_eq!(
        get(&servers[0]).await.expect("an answer").status(),
        429,
        "requests count together too"
    );
    redis.kill();
    let begun = Instant::now();
    for i in 0..5 {
        let email = format!("after{i}@example.com");
        assert_eq!(
            try_login(&servers[0], HOME, &email, "wrong").await.0,
            401,
            "memory counts from now on"
        );
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "nobody waits for Redis: {:?}",
        begun.elapsed()
    );
}
