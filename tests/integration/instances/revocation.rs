//! A session that ends on one instance closes its sockets on the other within a second, with Redis and without; within three
//! when Redis has just stopped. Its tokens are refused at once: the database is asked.

use super::control::log_in;
use super::{SOON, TRIES, WITHOUT_REDIS, redis_becomes, with_redis_and};
use crate::support::{Client, PASSWORD, Redis, Server, eventually, http, mails, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How a session ends.
const WAYS: [&str; 8] = [
    "logout",
    "logout-all",
    "change-password",
    "reset-password",
    "revoke-session",
    "refresh",
    "admin.user.sign_out",
    "admin.user.update",
];
const OPERATOR: [(&str, &str); 2] = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];

/// An authenticated POST that must succeed.
async fn post(server: &Server, path: &str, tokens: &Value, body: &Value) {
    let request = http::request(server, Method::POST, &format!("/v1/auth/{path}"));
    let request = request.bearer_auth(text(&tokens["access_token"])).json(body);
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    assert_eq!(status, 200, "{path}: {}", answer.text().await.unwrap_or_default());
}

async fn refresh(server: &Server, tokens: &Value) -> Value {
    let body = json!({ "refresh_token": tokens["refresh_token"], "token_delivery": "body" });
    http::post(server, "/v1/auth/refresh", &body)
        .await
        .json()
        .await
        .expect("JSON")
}

/// An administrator's act on the user of a session.
async fn administer(server: &Server, name: &str, data: Value) {
    let operator = log_in(server, "op").await;
    let request = http::request(server, Method::POST, "/v1/rpc");
    let request = request.bearer_auth(text(&operator["access_token"]));
    let frame = json!({ "type": name, "id": 1, "data": data });
    let answer = request.json(&frame).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer["type"], "ok", "{name}: {answer}");
}

/// Resets the password of ada by a mail, to the same one.
async fn reset(servers: &[Server]) {
    const SUBJECT: &str = "Reset your password";
    let email = "ada@example.com";
    let kept = || {
        let kept = servers
            .iter()
            .flat_map(|server| mails::kept_for(server, email, SUBJECT));
        kept.map(|mail| mail.code()).collect::<Vec<_>>()
    };
    let before = kept();
    http::post(
        &servers[0],
        "/v1/auth/forgot-password",
        &json!({ "email": email }),
    )
    .await;
    let code = eventually("a mail", async || {
        kept().into_iter().find(|code| !before.contains(code))
    })
    .await;
    let body = json!({ "email": email, "code": code, "new_password": PASSWORD });
    let answer = http::post(&servers[0], "/v1/auth/reset-password", &body).await;
    assert_eq!(answer.status(), 200);
}

/// Ends the session of these tokens on the first server; its socket is on another one.
async fn end(servers: &[Server], way: &str, tokens: &Value, there: &Client) {
    let server = &servers[0];
    match way {
        "reset-password" => reset(servers).await,
        "admin.user.sign_out" => administer(server, way, json!({ "id": there.user_id() })).await,
        "admin.user.update" => {
            let data = json!({ "id": there.user_id(), "is_active": false });
            administer(server, way, data).await;
        }
        "change-password" => {
            let body = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
            post(server, way, &log_in(server, "ada").await, &body).await;
        }
        "revoke-session" => {
            let id = json!({ "id": there.welcome["data"]["session"]["id"] });
            post(server, way, &log_in(server, "ada").await, &id).await;
        }
        "refresh" => {
            let second = refresh(server, tokens).await;
            refresh(server, &second).await;
            assert_eq!(refresh(server, tokens).await["error"]["code"], "TOKEN_REVOKED");
        }
        way => post(server, way, tokens, &json!({})).await,
    }
}

/// How long it took until the socket on the other instance was closed.
async fn ended_elsewhere(servers: &[Server], way: &str) -> Duration {
    let tokens = log_in(&servers[0], "ada").await;
    let mut there = Client::with_tokens(&servers[1], &tokens, json!({ "streams": [] })).await;
    end(servers, way, &tokens, &there).await;
    let begun = Instant::now();
    // an instance that has heard nothing yet asks the database
    let me =
        http::request(&servers[1], Method::GET, "/v1/auth/me").bearer_auth(text(&tokens["access_token"]));
    let answer: Value = me.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["error"]["code"], "TOKEN_REVOKED", "{way}: {answer}");
    assert_eq!(there.until_closed().await.1, Some(4403), "{way}");
    let took = begun.elapsed();
    if way == "admin.user.update" {
        let data = json!({ "id": there.user_id(), "is_active": true });
        administer(&servers[0], way, data).await;
    }
    took
}

async fn every_way_reaches_the_other(servers: &[Server], most: Duration) {
    for way in WAYS {
        let mut took = Vec::new();
        while took.iter().all(|took| *took > most) {
            assert!(took.len() < TRIES, "{way} took {took:?}, not {most:?}");
            took.push(Box::pin(ended_elsewhere(servers, way)).await);
        }
    }
}

/// Two instances with Redis and two without, with an administrator.
async fn both_ways() -> [Vec<Server>; 2] {
    [
        with_redis_and(2, &OPERATOR).await,
        Server::start_several(2, &OPERATOR).await,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_session_closes_its_sockets_on_the_other_instance() {
    for servers in both_ways().await {
        Client::sign_up(&servers[0], "ada").await;
        every_way_reaches_the_other(&servers, SOON).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_session_closes_its_sockets_while_redis_has_stopped() {
    let mut redis = Redis::start().await;
    let url = redis.url();
    let mut settings = vec![("redis_url", &*url)];
    settings.extend(OPERATOR);
    let servers = Server::start_several(2, &settings).await;
    for server in &servers {
        redis_becomes(server, "healthy").await;
    }
    Client::sign_up(&servers[0], "ada").await;
    every_way_reaches_the_other(&servers, SOON).await;
    redis.kill();
    every_way_reaches_the_other(&servers, WITHOUT_REDIS).await;
}

/// Such a socket stays open; what it may do changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_global_role_that_ends_on_one_instance_ends_for_the_sockets_of_the_other() {
    for servers in both_ways().await {
        let ada = Client::sign_up(&servers[0], "ada").await;
        let mut there = ada.another(&servers[1]).await;
        let mut took = Vec::new();
        while took.iter().all(|took| *took > SOON) {
            assert!(took.len() < TRIES, "a lost role took {took:?}, not {SOON:?}");
            let role = |role: &str| json!({ "id": ada.user_id(), "role": role });
            administer(&servers[0], "admin.user.update", role("admin")).await;
            eventually("a socket that may administer", async || {
                (there.call("admin.instances", json!({})).await["type"] == "ok").then_some(())
            })
            .await;
            administer(&servers[0], "admin.user.update", role("user")).await;
            let begun = Instant::now();
            eventually("a socket that may not", async || {
                let answer = there.call("admin.instances", json!({})).await;
                (answer["error"]["code"] == "FORBIDDEN").then_some(())
            })
            .await;
            took.push(begun.elapsed());
        }
    }
}
