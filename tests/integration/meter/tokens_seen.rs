//! Which API tokens memory knows: their programs are served at an address that strangers have emptied.

use super::neighbours::spend_everything;
use super::rpc;
use crate::defence::{AWAY, ELSEWHERE, HOME, limited, sign_up, try_login};
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, PASSWORD, Server, http};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    a_program_is_known_after_a_restart,
    a_token_that_was_revoked_is_a_strangers_at_once,
    a_token_that_ended_unseen_costs_its_user_nothing,
);

/// A server with somebody who has an API token that was used. Also returns their socket and the token as it was made.
async fn start(engine: Engine) -> (Server, Client, Value) {
    let settings = [
        ("address_ops_per_second", "1"),
        ("address_ops_burst", "60"),
        ("rate_limit_requests", "30"),
    ];
    let server = limited(engine, &settings).await;
    let tokens: Value = sign_up(&server, AWAY, "ada").await.json().await.expect("tokens");
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let bot = ada.ok("api_token.create", json!({ "name": "bot" })).await;
    assert_eq!(ask(&server, ELSEWHERE, &bot).await["type"], "ok");
    (server, ada, bot)
}

/// Asks with the token from an address.
async fn ask(server: &Server, from: &str, bot: &Value) -> Value {
    let one = json!({ "type": "profile.get", "id": 1 });
    rpc(server, from, &text(&bot["token"]), &one).await
}

async fn a_program_is_known_after_a_restart(engine: Engine) {
    let (mut server, _, bot) = start(engine).await;
    assert_eq!(server.terminate(), Some(0));
    server.spawn();
    spend_everything(&server, HOME).await;
    let answer = ask(&server, HOME, &bot).await;
    assert_eq!(answer["type"], "ok", "{answer}");
}

async fn a_token_that_was_revoked_is_a_strangers_at_once(engine: Engine) {
    let (server, mut ada, bot) = start(engine).await;
    spend_everything(&server, HOME).await;
    assert_eq!(ask(&server, HOME, &bot).await["type"], "ok");
    ada.ok("api_token.revoke", json!({ "id": bot["id"] })).await;
    let refused = ask(&server, HOME, &bot).await;
    assert_eq!(refused["error"]["code"], "RATE_LIMITED", "{refused}");
}

async fn a_token_that_ended_unseen_costs_its_user_nothing(engine: Engine) {
    let settings = [("user_ops_per_second", "1"), ("user_ops_burst", "60")];
    let mut server = limited(engine, &settings).await;
    let tokens: Value = sign_up(&server, AWAY, "ada").await.json().await.expect("tokens");
    let (status, ended) = try_login(&server, HOME, "ada@example.com", PASSWORD).await;
    assert_eq!(status, 200, "{ended}");
    let ended = text(&ended["access_token"]);
    let out = http::request(&server, Method::POST, "/v1/auth/logout");
    let out = out.bearer_auth(&ended).send().await.expect("an answer");
    assert_eq!(out.status(), 200);
    // the new process does not remember it, and its signature is good
    assert_eq!(server.terminate(), Some(0));
    server.spawn();
    for _ in 0..40 {
        for body in ["[1,", "5"] {
            let request = http::request(&server, Method::POST, "/v1/rpc").bearer_auth(&ended);
            let request = request.header("content-type", "application/json").body(body);
            let status = request.send().await.expect("an answer").status();
            assert_eq!(status, 400, "{body}");
        }
    }
    let one = json!({ "type": "profile.get", "id": 1 });
    let answer = rpc(&server, ELSEWHERE, &text(&tokens["access_token"]), &one).await;
    assert_eq!(answer["type"], "ok", "{answer}");
}
