//! The meter: everything costs its user, or the network of who is not signed in, by every way in, from the same purses.
//! `defence` and `limits` have the limits that count single things; `neighbours` who is not refused for others, `insisting` how
//! often, `leaving` who does not wait for the outcome, `tokens_seen` which API tokens memory knows.

mod insisting;
mod leaving;
mod neighbours;
mod tokens_seen;

use crate::defence::{AWAY, ELSEWHERE, HOME, limited, post, read, sign_up, try_login};
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::http;
use crate::support::redis::own_prefix;
use crate::support::{Client, Engine, PASSWORD, Redis, Server, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_databases!(
    a_user_has_one_purse_at_every_address_and_by_every_way_in,
    a_network_of_strangers_has_one_purse_by_every_way_in,
    what_a_stranger_is_answered_costs_its_bytes,
    made_up_tokens_cost_few_reads_and_others_sign_in,
    a_password_costs_as_much_as_a_hundred_operations,
    what_a_mutation_wrote_is_owed,
    a_frame_that_is_refused_costs_a_user_as_much_as_another,
    who_reads_very_much_reads_slowly_misses_nothing_and_works_meanwhile,
);

/// Sends frames to `/v1/rpc` from an address.
async fn rpc(server: &Server, from: &str, token: &str, frames: &Value) -> Value {
    let request = http::request(server, Method::POST, "/v1/rpc").header("x-forwarded-for", from);
    let request = if token.is_empty() {
        request
    } else {
        request.bearer_auth(token)
    };
    let answer = request.json(frames).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

fn frames(name: &str, count: usize) -> Value {
    json!(vec![json!({ "type": name, "id": 1 }); count])
}

/// Sends an operation that is answered.
async fn pong(socket: &mut Client) {
    let answer = socket.call("ping", json!({})).await;
    assert_eq!(answer["type"], "pong", "{answer}");
}

/// How many of the answers are no errors. All others are the refusal of one limit.
fn passed(answers: &Value, limit: &Value) -> usize {
    let answers = answers.as_array().expect("answers");
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer["type"] == "error")
        .collect();
    for answer in &refused {
        assert_eq!(answer["error"]["code"], "RATE_LIMITED", "{answer}");
        assert_eq!(answer["error"]["context"], *limit, "{answer}");
    }
    answers.len() - refused.len()
}

/// Asks until the purse is empty: it earns all the time. Returns how often it was not, and the refusal.
async fn until_refused(client: &mut Client, name: &str) -> (usize, Value) {
    for passed in 0..40 {
        let answer = client.call(name, json!({})).await;
        if !answer["error"].is_null() {
            return (passed, answer["error"].clone());
        }
    }
    panic!("{name} is never refused");
}

/// Waits as long as a refusal says, and a little for the clocks.
async fn wait_for(refused: &Value) {
    let wait_ms = refused["retry_after_ms"].as_u64().expect("a time");
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
}

async fn a_user_has_one_purse_at_every_address_and_by_every_way_in(engine: Engine) {
    let settings = [("user_ops_per_second", "2"), ("user_ops_burst", "30")];
    let server = limited(engine, &settings).await;
    let begun = Instant::now();
    let tokens: Value = sign_up(&server, HOME, "ada").await.json().await.expect("tokens");
    let token = text(&tokens["access_token"]);
    let mut sockets = [
        Client::with_tokens(&server, &tokens, json!({})).await,
        Client::with_tokens(&server, &tokens, json!({})).await,
    ];
    let limit = json!({ "limit": 2, "of": "user" });
    let mut done = passed(
        &rpc(&server, HOME, &token, &frames("profile.get", 10)).await,
        &limit,
    );
    assert_eq!(done, 10);
    sockets[0].ok("profile.get", json!({})).await;
    sockets[1].ok("profile.get", json!({})).await;
    let ops = json!(vec![
        json!({ "type": "workspace.create", "data": { "name": "W" } });
        10
    ]);
    sockets[1].ok("batch", json!({ "ops": ops })).await;
    done += 12
        + passed(
            &rpc(&server, AWAY, &token, &frames("profile.get", 20)).await,
            &limit,
        );
    let (more, refused) = until_refused(&mut sockets[0], "profile.get").await;
    done += more;
    assert_eq!(refused["context"], limit, "on a socket: {refused}");
    let most = 30 + 2 * (begun.elapsed().as_secs() as usize + 1);
    assert!((30..=most).contains(&done), "{done} of {most}");
    // on a route of its own
    let get = http::request(&server, Method::GET, "/v1/export").header("x-forwarded-for", ELSEWHERE);
    let answer = get.bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(
        answer.headers().get("x-ratelimit-limit").expect("the number"),
        "2"
    );
    assert_eq!(read(answer).await.0, 429);
    // another user at the same addresses
    let bob: Value = sign_up(&server, HOME, "bob").await.json().await.expect("tokens");
    let mut bob = Client::with_tokens(&server, &bob, json!({})).await;
    bob.ok("profile.get", json!({})).await;
    let (_, refused) = until_refused(&mut sockets[1], "profile.get").await;
    wait_for(&refused).await;
    sockets[1].ok("profile.get", json!({})).await;
}

async fn a_network_of_strangers_has_one_purse_by_every_way_in(engine: Engine) {
    let settings = [("address_ops_per_second", "2"), ("address_ops_burst", "60")];
    let server = limited(engine, &settings).await;
    let limit = json!({ "limit": 2, "of": "address" });
    let begun = Instant::now();
    let mut socket = Client::connect_from(&server, "2001:db8:1:2::1").await;
    let mut done = 1;
    for _ in 0..20 {
        pong(&mut socket).await;
        done += 1;
    }
    // another address of the same network
    done += passed(&rpc(&server, ELSEWHERE, "", &frames("ping", 60)).await, &limit);
    let (more, refused) = until_refused(&mut socket, "ping").await;
    done += more;
    assert_eq!(refused["context"], limit, "on a socket: {refused}");
    let most = 60 + 2 * (begun.elapsed().as_secs() as usize + 1);
    assert!((60..=most).contains(&done), "{done} of {most}");
    let get = http::request(&server, Method::GET, "/v1/protocol.json").header("x-forwarded-for", ELSEWHERE);
    let answer = get.send().await.expect("an answer");
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().contains_key("retry-after"));
    // nobody can show who they are when they ask for a page; probes are free
    for path in ["/", "/livez", "/readyz", "/health"] {
        let get = http::request(&server, Method::GET, path).header("x-forwarded-for", ELSEWHERE);
        assert_eq!(get.send().await.expect("an answer").status(), 200, "{path}");
    }
    let mut other = Client::connect_from(&server, AWAY).await;
    pong(&mut other).await;
    wait_for(&until_refused(&mut socket, "ping").await.1).await;
    pong(&mut socket).await;
}

async fn what_a_stranger_is_answered_costs_its_bytes(engine: Engine) {
    let settings = [("rate_limit_requests", "100")];
    let server = limited(engine, &settings).await;
    let answers = rpc(&server, HOME, "", &frames("protocol.describe", 100)).await;
    let limit = json!({ "limit": 100, "of": "requests" });
    let described = passed(&answers, &limit);
    let bytes = answers.to_string().len();
    assert!(
        (1..=20).contains(&described) && bytes < 3_000_000,
        "{described}, {bytes}"
    );
    // the same bytes as a document; a header is no proof that somebody is signed in
    let mut got = 0;
    for _ in 0..100 {
        let get = http::request(&server, Method::GET, "/v1/protocol.json").header("x-forwarded-for", AWAY);
        let get = get.bearer_auth("made up");
        got += u32::from(get.send().await.expect("an answer").status() == 200);
    }
    assert!((1..=20).contains(&got), "{got}");
    let mut socket = Client::connect_from(&server, ELSEWHERE).await;
    let limit = json!({ "limit": 50, "burst": 200, "of": "socket" });
    let begun = Instant::now();
    let mut answers = Vec::new();
    for _ in 0..60 {
        answers.push(socket.call("protocol.describe", json!({})).await);
    }
    let most = 30 + 10 * begun.elapsed().as_secs() as usize;
    let described = passed(&json!(answers), &limit);
    assert!((1..=most).contains(&described), "{described} of {most}");
}

/// A text that looks like an API token: only the database knows that it is none.
fn made_up(n: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let random = format!("{n:043}");
    let mut crc = !0_u32;
    for byte in random.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    let mut rest = !crc;
    let mut check = [0; 6];
    for place in check.iter_mut().rev() {
        *place = DIGITS[rest as usize % 62];
        rest /= 62;
    }
    format!("tw_pat_{random}{}", String::from_utf8_lossy(&check))
}

/// A count of the server's metrics.
async fn number(server: &Server, name: &str) -> usize {
    let numbers = http::get(server, "/metrics").await.text().await.expect("numbers");
    let count = numbers
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

async fn made_up_tokens_cost_few_reads_and_others_sign_in(engine: Engine) {
    let settings = [("address_ops_per_second", "1"), ("address_ops_burst", "400")];
    let server = limited(engine, &settings).await;
    assert_eq!(sign_up(&server, HOME, "ada").await.status(), 201);
    let begun = Instant::now();
    let mut codes = Vec::new();
    // one that is tried again and again is looked up once
    for n in 0..8 {
        let token = made_up(n.min(1));
        let one = json!({ "type": "profile.get", "id": 1 });
        let answer = rpc(&server, AWAY, &token, &one).await;
        codes.push(text(&answer["error"]["code"]));
    }
    assert!(codes.iter().all(|code| code == "TOKEN_REVOKED"), "{codes:?}");
    for n in 100..115 {
        let mut socket = Client::connect_from(&server, AWAY).await;
        let answer = socket.call("auth", json!({ "token": made_up(n) })).await;
        codes.push(text(&answer["error"]["code"]));
    }
    for n in 200..240 {
        let one = json!({ "type": "profile.get", "id": 1 });
        let answer = rpc(&server, AWAY, &made_up(n), &one).await;
        codes.push(text(&answer["error"]["code"]));
    }
    let tried = codes.iter().filter(|code| *code == "TOKEN_REVOKED").count();
    let most = 40 + begun.elapsed().as_secs() as usize / 10 + 1;
    assert!((10..=most).contains(&tried), "{tried} of {most}");
    assert!(codes.iter().any(|code| code == "RATE_LIMITED"), "{codes:?}");
    // seven of those were one token
    let distinct = tried - 6;
    let reads = eventually("the numbers of now", async || {
        let reads = number(&server, "taskwire_session_reads_total").await;
        (reads >= distinct).then_some(reads)
    });
    let reads = reads.await;
    assert!(reads <= distinct + 2, "{reads} reads of {distinct} tokens");
    // meanwhile others get in
    let (status, body) = try_login(&server, HOME, "ada@example.com", PASSWORD).await;
    assert_eq!(status, 200, "{body}");
    let from_there = post(&server, AWAY, "/v1/auth/login", &json!({})).await;
    assert_eq!(from_there.status(), 429);
}

async fn a_password_costs_as_much_as_a_hundred_operations(engine: Engine) {
    const PASSWORDS: usize = 8;
    let settings = [("address_ops_per_second", "1"), ("address_ops_burst", "1000")];
    let server = limited(engine, &settings).await;
    let begun = Instant::now();
    let mut socket = Client::connect_from(&server, HOME).await;
    for n in 0..PASSWORDS {
        // also that of nobody
        let tried = json!({ "email": format!("nobody{n}@example.com"), "password": "tea at four" });
        let refused = socket.refused("auth.login", tried).await;
        assert_eq!(refused["code"], "INVALID_CREDENTIALS", "{refused}");
    }
    let pings = rpc(&server, HOME, "", &frames("ping", 100)).await;
    let limit = json!({ "limit": 1, "of": "address" });
    let first = passed(&pings, &limit);
    let pings = rpc(&server, HOME, "", &frames("ping", 100)).await;
    let done = first + passed(&pings, &limit);
    // besides a hash each of them is a frame, and the socket was a request
    let left = 1000 - PASSWORDS * 100;
    let earned = begun.elapsed().as_secs() as usize + 1;
    assert!((left - 30..=left + earned).contains(&done), "{done} of {left}");
    // a user pays alone
    let ada: Value = sign_up(&server, AWAY, "ada").await.json().await.expect("tokens");
    let mut ada = Client::with_tokens(&server, &ada, json!({})).await;
    pong(&mut ada).await;
}

/// Makes a hundred tasks by one request.
async fn make_tasks(ada: &mut Client, more: Value) {
    let mut task = json!({ "workspace_id": ada.personal(), "title": "a task" });
    for (key, value) in more.as_object().expect("an object") {
        task[key] = value.clone();
    }
    let ops = vec![json!({ "type": "task.create", "data": task }); 100];
    ada.ok("batch", json!({ "ops": ops })).await;
}

async fn what_a_mutation_wrote_is_owed(engine: Engine) {
    let settings = [
        ("ops_burst", "10000"),
        ("user_ops_per_second", "1"),
        ("user_ops_burst", "420"),
    ];
    let server = limited(engine, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let begun = Instant::now();
    let project = json!({ "workspace_id": ada.personal(), "name": "P" });
    let project = ada.ok("project.create", project).await["id"].clone();
    for _ in 0..4 {
        make_tasks(&mut ada, json!({ "project_id": project })).await;
    }
    ada.ok("project.delete", json!({ "id": project })).await;
    let mut answers = Vec::new();
    for _ in 0..60 {
        answers.push(ada.call("ping", json!({})).await);
    }
    let done = passed(&json!(answers), &json!({ "limit": 1, "of": "user" }));
    // 402 operations, and the entries of the deletion cost as much as 99 more
    let earned = begun.elapsed().as_secs() as usize + 1;
    let most = (420 + earned).saturating_sub(402 + 99);
    assert!(done <= most, "{done} of {most}");
}

async fn a_frame_that_is_refused_costs_a_user_as_much_as_another(engine: Engine) {
    let settings = [("user_ops_per_second", "1"), ("user_ops_burst", "40")];
    let server = limited(engine, &settings).await;
    let long = json!({ "type": "ping", "id": 1, "pad": "x".repeat(70_000) });
    let kinds = [
        (json!(5), "BAD_FRAME", 1),
        (json!({ "type": "task.get", "id": [] }), "VALIDATION_ERROR", 1),
        (
            json!({ "type": "task.get", "id": 1, "data": {} }),
            "VALIDATION_ERROR",
            1,
        ),
        (long, "PAYLOAD_TOO_LARGE", 5),
    ];
    for (user, (frame, code, cost)) in kinds.iter().enumerate() {
        let name = format!("user{user}");
        // a network makes three accounts an hour
        let from = format!("203.0.113.{}", user + 1);
        let tokens: Value = sign_up(&server, &from, &name).await.json().await.expect("tokens");
        let token = text(&tokens["access_token"]);
        let begun = Instant::now();
        let answers = rpc(&server, HOME, &token, &json!(vec![frame; 60])).await;
        let answers = answers.as_array().expect("answers");
        let carried_out = answers
            .iter()
            .filter(|answer| answer["error"]["code"] == *code)
            .count();
        let most = (40 + begun.elapsed().as_secs() as usize + 1) / cost;
        assert!(
            (1..=most).contains(&carried_out),
            "{code}: {carried_out} of {most}"
        );
        let last = &answers[59]["error"];
        assert_eq!(last["context"], json!({ "limit": 1, "of": "user" }), "{last}");
    }
    // arrays of nothing, and what is none
    let tokens: Value = sign_up(&server, AWAY, "none").await.json().await.expect("tokens");
    let token = text(&tokens["access_token"]);
    let mut codes = Vec::new();
    for _ in 0..30 {
        for body in ["[]", "[1,"] {
            let request = http::request(&server, Method::POST, "/v1/rpc").bearer_auth(&token);
            let request = request.header("content-type", "application/json").body(body);
            codes.push(request.send().await.expect("an answer").status().as_u16());
        }
    }
    assert_eq!(codes[59], 429, "{codes:?}");
}

async fn who_reads_very_much_reads_slowly_misses_nothing_and_works_meanwhile(engine: Engine) {
    let settings = [
        ("ops_burst", "10000"),
        ("ring_bytes_per_topic", "4096"),
        ("sockets_per_user", "60"),
        ("user_ops_per_second", "100"),
        ("user_ops_burst", "320"),
    ];
    let server = limited(engine, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let stream = format!("workspace:{}", ada.personal());
    let streams = ada.welcome["data"]["streams"].as_array().expect("streams");
    let of_stream = streams.iter().find(|state| state["stream"] == *stream);
    let seq = of_stream.expect("the stream")["seq"].as_u64().expect("a seq");
    let resume = json!({ "epoch": ada.welcome["data"]["epoch"], "positions": { &stream: seq } });
    for _ in 0..3 {
        make_tasks(&mut ada, json!({})).await;
    }
    let mut readers = Vec::new();
    for _ in 0..30 {
        let more = json!({ "streams": [stream], "resume": resume });
        readers.push(Client::with_tokens(&server, &ada.tokens, more).await);
    }
    eventually("pages wait", async || {
        let paced = number(&server, "taskwire_catch_ups_paced_total").await;
        (paced > 0).then_some(())
    })
    .await;
    // while they read, their user works
    for _ in 0..10 {
        let task = json!({ "workspace_id": ada.personal(), "title": "meanwhile" });
        ada.ok("task.create", task).await;
    }
    for reader in &mut readers {
        for n in 1..=310 {
            assert_eq!(reader.next_of(&stream).await["seq"], seq + n);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_share_a_redis_share_purses_and_count_alone_without_it() {
    let mut redis = Redis::start().await;
    let (url, prefix) = (redis.url(), own_prefix());
    let settings = [
        ("redis_url", &*url),
        ("redis_prefix", &*prefix),
        ("rate_limit_enabled", "true"),
        ("rate_limit_requests", "100000"),
        ("ops_burst", "10000"),
        ("user_ops_per_second", "1"),
        ("user_ops_burst", "480"),
    ];
    let servers = Server::start_several(2, &settings).await;
    let begun = Instant::now();
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let limit = json!({ "limit": 1, "of": "user" });
    let mut here = Vec::new();
    for _ in 0..500 {
        here.push(ada.call("ping", json!({})).await);
    }
    let here = passed(&json!(here), &limit);
    // the other instance does not know yet: it asks when a sixteenth was spent there, which is 30
    let mut there = ada.another(&servers[1]).await;
    let mut more = 0;
    let refused = eventually("the other instance knows", async || {
        let answer = there.call("ping", json!({})).await;
        more += usize::from(answer["type"] != "error");
        (answer["type"] == "error").then_some(answer)
    });
    assert_eq!(refused.await["error"]["context"], limit);
    let most = 480 + begun.elapsed().as_secs() as usize + 1;
    assert!(here <= most && here + more <= most + 60, "{here} and {more}");
    redis.kill();
    let mut bob = Client::sign_up(&servers[0], "bob").await;
    let answers = async |bob: &mut Client| {
        let mut answers = Vec::new();
        for _ in 0..500 {
            answers.push(bob.call("ping", json!({})).await);
        }
        passed(&json!(answers), &limit)
    };
    assert!(answers(&mut bob).await >= 480);
    let mut there = bob.another(&servers[1]).await;
    assert!(answers(&mut there).await >= 480, "alone it counts its own");
}
