//! The family of refresh tokens of a session: each is replaced at its use, a lost answer is survived, an old token ends the
//! session, and one that somebody made up changes nothing.

use crate::on_both_databases;
use crate::support::follower::{names, text};
use crate::support::{Client, Engine, Follower, Node, PASSWORD, Server, http};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use taskwire::engine::{Incoming, Refresh, Sender};
use taskwire::jobs::round;
use taskwire_protocol::{ErrorCode, Request};
use tokio::time::Instant;

on_both_databases!(
    a_token_that_is_repeated_gets_the_same_successor,
    an_old_token_ends_the_session,
    many_who_refresh_one_token_at_once_get_one_successor,
    a_token_that_somebody_made_up_changes_nothing,
    a_token_of_an_older_version_is_exchanged,
    a_token_may_be_repeated_for_thirty_seconds_by_any_clock,
    a_session_ends_when_it_is_idle_or_old,
    what_is_no_longer_given_out_is_cleared,
);

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// `rt_` and the text of a token of an older version.
const UNTAGGED: usize = 67;

/// The status and the body.
pub async fn refresh(server: &Server, token: &Value) -> (u16, Value) {
    let body = json!({ "refresh_token": token, "token_delivery": "body" });
    let answer = http::post(server, "/v1/auth/refresh", &body).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// The next pair of tokens.
async fn next(server: &Server, tokens: &Value) -> Value {
    let (status, next) = refresh(server, &tokens["refresh_token"]).await;
    assert_eq!(status, 200, "{next}");
    next
}

async fn refused(server: &Server, token: &Value) -> String {
    let (status, answer) = refresh(server, token).await;
    assert_eq!(status, 401, "{answer}");
    text(&answer["error"]["code"])
}

async fn a_token_that_is_repeated_gets_the_same_successor(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let first = http::sign_up(&server, "ada").await;
    let second = next(&server, &first).await;
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    for _ in 0..2 {
        let again = next(&server, &first).await;
        assert_eq!(again["refresh_token"], second["refresh_token"]);
        assert_ne!(again["access_token"], second["access_token"]);
        Client::with_tokens(&server, &again, json!({})).await;
    }
    let third = next(&server, &second).await;
    let again = next(&server, &second).await;
    assert_eq!(again["refresh_token"], third["refresh_token"]);
    next(&server, &third).await;
}

async fn an_old_token_ends_the_session(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let first = http::sign_up(&server, "ada").await;
    let mut other = Follower::new(Client::log_in(&server, "ada").await);
    other.own_events().await;
    let second = next(&server, &first).await;
    let mut socket = Client::with_tokens(&server, &second, json!({})).await;
    let third = next(&server, &second).await;
    // the first one is a grandparent now, well within the thirty seconds
    assert_eq!(refused(&server, &first["refresh_token"]).await, "TOKEN_REVOKED");
    assert_eq!(socket.until_closed().await.1, Some(4403));
    for tokens in [&first, &second, &third] {
        assert_eq!(refused(&server, &tokens["refresh_token"]).await, "TOKEN_REVOKED");
        let mut late = Client::connect(&server).await;
        let auth = json!({ "token": tokens["access_token"] });
        assert_eq!(late.refused("auth", auth).await["code"], "TOKEN_REVOKED");
    }
    let told = other.own_events().await;
    assert_eq!(names(&told), ["session.revoked", "notification.created"]);
    assert_eq!(told[0]["data"]["id"], socket.welcome["data"]["session"]["id"]);
    assert_eq!(told[0]["actor"]["kind"], "server", "nobody knows who did it");
    assert_eq!(told[1]["data"]["type"], "SECURITY");
    // the other session lives on
    next(&server, &other.client.tokens).await;
}

/// How often many refresh at once: `TASKWIRE_TEST_REFRESH_ROUNDS`, or as often as takes about twenty seconds.
fn rounds(engine: Engine) -> usize {
    let wanted = std::env::var("TASKWIRE_TEST_REFRESH_ROUNDS").ok();
    let wanted = wanted.map(|rounds| rounds.parse().expect("a number of rounds"));
    wanted.unwrap_or(match engine {
        Engine::Sqlite => 200,
        Engine::Postgres => 50,
    })
}

/// The answers to so many exchanges of one token at once, on all instances and on connections that stay open: to open them
/// takes longer than to exchange a token.
async fn at_once(client: &reqwest::Client, servers: &[Server], token: &Value, times: usize) -> Vec<Value> {
    let body = json!({ "refresh_token": token, "token_delivery": "body" });
    let urls: Vec<String> = servers
        .iter()
        .map(|server| server.url("/v1/auth/refresh"))
        .collect();
    let asked = (0..times).map(|i| {
        let request = client.post(&urls[i % urls.len()]).json(&body);
        async {
            let answer = request.send().await.expect("an answer");
            answer.json::<Value>().await.expect("JSON")
        }
    });
    futures_util::future::join_all(asked).await
}

async fn many_who_refresh_one_token_at_once_get_one_successor(engine: Engine) {
    let servers = Server::start_each(engine).await;
    let mut tokens = http::sign_up(&servers[0], "ada").await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("an HTTP client");
    let mut grandparent = Value::Null;
    for round in 0..rounds(engine) {
        let mut all = at_once(&client, &servers, &tokens["refresh_token"], 64).await;
        let mut successors: Vec<_> = all.iter().map(|next| next["refresh_token"].as_str()).collect();
        successors.sort_unstable();
        successors.dedup();
        assert!(
            successors.len() == 1 && successors[0].is_some(),
            "round {round}: {all:?}"
        );
        grandparent = tokens["refresh_token"].clone();
        tokens = next(&servers[round % servers.len()], &all.remove(0)).await;
    }
    // within the thirty seconds
    assert_eq!(refused(&servers[0], &grandparent).await, "TOKEN_REVOKED");
    assert_eq!(
        refused(&servers[0], &tokens["refresh_token"]).await,
        "TOKEN_REVOKED"
    );
}

async fn a_token_that_somebody_made_up_changes_nothing(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let first = http::sign_up(&server, "ada").await;
    let second = next(&server, &first).await;
    let third = next(&server, &second).await;
    let mut socket = Client::with_tokens(&server, &third, json!({})).await;
    let session = text(&socket.welcome["data"]["session"]["id"]);
    let session = uuid::Uuid::parse_str(&session).expect("an id");
    let with = |more: &[u8]| {
        let bytes = [session.as_bytes(), more].concat();
        json!(format!("rt_{}", BASE64.encode(bytes)))
    };
    let old = text(&first["refresh_token"]);
    // `rt_`, and in base64url the session's id, 256 random bits and a tag; the database has the SHA-256 of id and bits
    let newest = text(&third["refresh_token"]);
    let bytes = BASE64.decode(&newest[3..]).expect("base64url");
    assert_eq!(
        (&bytes[..16], bytes.len()),
        (&session.as_bytes()[..], 16 + 32 + 24)
    );
    assert_ne!(
        BASE64.decode(&old[3..]).expect("base64url")[16..48],
        bytes[16..48],
        "each is random"
    );
    let stored = server.database.texts("select refresh_hash from sessions").await;
    let byte = |at: usize| u8::from_str_radix(&stored[0][at..at + 2], 16).expect("hexadecimal digits");
    let stored: Vec<u8> = (0..64).step_by(2).map(byte).collect();
    assert_eq!(stored, Sha256::digest(&bytes[..48]).to_vec());
    let contents = server.database.contents().await;
    assert!(contents.values().all(|rows| !rows.contains(&newest[3..])));
    let forged = [
        with(&[7; 32]),
        with(&[7; 56]),
        // an old token without its tag, and with another one
        json!(&old[..UNTAGGED]),
        json!(format!("{}{}", &old[..UNTAGGED], "A".repeat(32))),
        json!("rt_"),
        json!("x"),
        third["access_token"].clone(),
    ];
    for token in forged {
        assert_eq!(refused(&server, &token).await, "INVALID_TOKEN", "{token}");
    }
    socket.ok("profile.get", json!({})).await;
    next(&server, &third).await;
}

async fn a_token_of_an_older_version_is_exchanged(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let first = http::sign_up(&server, "ada").await;
    // its hash is the same as that of a token with a tag
    let older = json!(&text(&first["refresh_token"])[..UNTAGGED]);
    server
        .database
        .execute("update sessions set ends_at = null")
        .await;
    let (status, second) = refresh(&server, &older).await;
    assert_eq!(status, 200, "{second}");
    let (_, again) = refresh(&server, &older).await;
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    let third = next(&server, &second).await;
    // nothing tells it from one that somebody made up
    assert_eq!(refused(&server, &older).await, "INVALID_TOKEN");
    next(&server, &third).await;
}

/// What the engine answers to a refresh token.
async fn exchange(node: &Node, token: &str) -> Result<String, ErrorCode> {
    let refresh = Refresh {
        token: token.to_owned(),
    };
    let answer = node
        .engine
        .refresh(refresh, Sender::default(), Instant::now())
        .await;
    answer
        .map(|reply| refresh_token(&reply.body.to_string()))
        .map_err(|failure| failure.code)
}

fn refresh_token(members: &str) -> String {
    let reply: Value = serde_json::from_str(&format!("{{{members}}}")).expect("JSON");
    text(&reply["data"]["refresh_token"])
}

/// The refresh token of a new session.
async fn log_in(node: &Node) -> String {
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let login = Request::read("auth.login", &login.to_string()).expect("a request");
    let reply = node
        .engine
        .dispatch(Incoming::now(login, None, Sender::default()))
        .await;
    refresh_token(&reply.expect("tokens").body.to_string())
}

async fn a_token_may_be_repeated_for_thirty_seconds_by_any_clock(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    for (step, repeated) in [
        (0, true),
        (30 * SECOND, true),
        (-HOUR, true),
        (30 * SECOND + 1, false),
        (HOUR, false),
    ] {
        let first = log_in(&node).await;
        let second = exchange(&node, &first).await.expect("a successor");
        node.clock.step(step);
        let again = exchange(&node, &first).await;
        if repeated {
            assert_eq!(again.as_ref(), Ok(&second), "after {step} ms");
            exchange(&node, &second).await.expect("the session lives on");
        } else {
            assert_eq!(again, Err(ErrorCode::TokenRevoked), "after {step} ms");
            assert_eq!(exchange(&node, &second).await, Err(ErrorCode::TokenRevoked));
        }
    }
    // the newest token is good at any time
    let mut token = log_in(&node).await;
    for step in [HOUR, -HOUR, -HOUR, HOUR] {
        node.clock.step(step);
        token = exchange(&node, &token).await.expect("a successor");
    }
}

async fn a_session_ends_when_it_is_idle_or_old(engine: Engine) {
    let node = Node::start(engine, &[("refresh_token_days", "7"), ("session_days", "30")]).await;
    let idle = log_in(&node).await;
    node.clock.step(7 * DAY - 1);
    let idle = exchange(&node, &idle).await.expect("a successor");
    node.clock.step(7 * DAY);
    assert_eq!(exchange(&node, &idle).await, Err(ErrorCode::TokenExpired));

    let mut used = log_in(&node).await;
    for _ in 0..29 {
        node.clock.step(DAY);
        used = exchange(&node, &used).await.expect("a successor");
    }
    node.clock.step(DAY - 1);
    used = exchange(&node, &used).await.expect("a successor");
    node.clock.step(1);
    assert_eq!(exchange(&node, &used).await, Err(ErrorCode::TokenExpired));

    // as an older version has stored it: counted from the sign-in
    let mut old = log_in(&node).await;
    node.server
        .database
        .execute("update sessions set ends_at = null")
        .await;
    for _ in 0..5 {
        node.clock.step(6 * DAY - 1);
        old = exchange(&node, &old).await.expect("a successor");
    }
    node.clock.step(5);
    assert_eq!(exchange(&node, &old).await, Err(ErrorCode::TokenExpired));
}

async fn what_is_no_longer_given_out_is_cleared(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    let sealed = "sessions where successor is not null";
    let first = log_in(&node).await;
    let second = exchange(&node, &first).await.expect("a successor");
    assert_eq!(node.count(sealed).await, 1);
    for (step, left) in [(30 * SECOND, 1), (31 * SECOND, 0)] {
        node.clock.step(step);
        round(&node.engine, &node.settings)
            .await
            .expect("a round of retention");
        assert_eq!(node.count(sealed).await, left);
    }
    exchange(&node, &second).await.expect("a successor");
    assert_eq!(exchange(&node, &first).await, Err(ErrorCode::TokenRevoked));
    assert_eq!(node.count(sealed).await, 0, "an ended session keeps none");
}
