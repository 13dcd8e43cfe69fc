//! A session that ends on one instance closes its sockets on the other: within a second with Redis, within three without, and
//! when Redis has stopped. There, too, its tokens are refused at once: the database is asked.

use super::control::{both_ways, log_in};
use super::{SOON, TRIES, WITHOUT_REDIS, redis_becomes};
use crate::support::{Client, PASSWORD, Redis, Server, http, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How a session ends.
const WAYS: [&str; 5] = [
    "logout",
    "logout-all",
    "change-password",
    "revoke-session",
    "refresh",
];

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

/// Ends the session of these tokens on a server, whose socket is on another one.
async fn end(server: &Server, way: &str, tokens: &Value, there: &Client) {
    match way {
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
    end(&servers[0], way, &tokens, &there).await;
    let begun = Instant::now();
    // an instance that has heard nothing yet asks the database
    let me =
        http::request(&servers[1], Method::GET, "/v1/auth/me").bearer_auth(text(&tokens["access_token"]));
    let answer: Value = me.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["error"]["code"], "TOKEN_REVOKED", "{way}: {answer}");
    assert_eq!(there.until_closed().await.1, Some(4403), "{way}");
    begun.elapsed()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_session_closes_its_sockets_on_the_other_instance() {
    for (servers, most) in both_ways().await {
        Client::sign_up(&servers[0], "ada").await;
        every_way_reaches_the_other(&servers, most).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_session_closes_its_sockets_while_redis_has_stopped() {
    let mut redis = Redis::start().await;
    let servers = Server::start_several(2, &[("redis_url", &redis.url())]).await;
    for server in &servers {
        redis_becomes(server, "healthy").await;
    }
    Client::sign_up(&servers[0], "ada").await;
    every_way_reaches_the_other(&servers, SOON).await;
    redis.kill();
    every_way_reaches_the_other(&servers, WITHOUT_REDIS).await;
}
