//! Which API tokens memory knows: their programs are served at an address that strangers have emptied.

use super::neighbours::spend_everything;
use super::rpc;
use crate::defence::{AWAY, ELSEWHERE, HOME, limited, sign_up};
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server};
use serde_json::{Value, json};

on_both_databases!(
    a_program_is_known_after_a_restart,
    a_token_that_was_revoked_is_a_strangers_at_once,
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
