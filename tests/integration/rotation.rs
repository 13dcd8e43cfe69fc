//! A secret that is replaced by another: what the one before it signed stays good, and what an older one signed does not.

use crate::on_both_databases;
use crate::refresh::refresh;
use crate::support::{Client, Engine, PASSWORD, Server, http, mails, text};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(what_the_previous_secret_signed_stays_good_and_what_an_older_one_signed_does_not);

const SECRETS: [&str; 3] = [
    "the first secret of this test, and long enough",
    "the second secret of this test, and long enough",
    "the third secret of this test, and long enough",
];

/// Restarts the server with this secret, and the one before it as the previous one.
fn rotate(server: &mut Server, to: usize) {
    assert_eq!(server.terminate(), Some(0));
    server.set("jwt_secret", SECRETS[to]);
    server.set("jwt_secret_previous", SECRETS[to - 1]);
    server.spawn();
}

/// What the server says to an access token.
async fn shown(server: &Server, tokens: &Value) -> (u16, Value) {
    let me = http::request(server, Method::GET, "/v1/auth/me").bearer_auth(text(&tokens["access_token"]));
    let answer = me.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("JSON");
    (status, body["error"]["code"].clone())
}

async fn refused(server: &Server, token: &Value) -> Value {
    let (status, answer) = refresh(server, token).await;
    assert_eq!(status, 401, "{answer}");
    answer["error"]["code"].clone()
}

async fn next(server: &Server, tokens: &Value) -> Value {
    let (status, next) = refresh(server, &tokens["refresh_token"]).await;
    assert_eq!(status, 200, "{next}");
    next
}

async fn log_in(server: &Server) -> Value {
    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "token_delivery": "body" });
    let answer = http::post(server, "/v1/auth/login", &login).await;
    answer.json().await.expect("tokens")
}

async fn what_the_previous_secret_signed_stays_good_and_what_an_older_one_signed_does_not(engine: Engine) {
    let mut server = Server::start(engine, &[("jwt_secret", SECRETS[0])]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let first = ada.tokens.clone();
    let code = mails::nth(&server, 1, "ada@example.com", "Verify your e-mail address").await;
    let stolen = log_in(&server).await;
    next(&server, &next(&server, &stolen).await).await;
    let stream = format!("workspace:{}", ada.personal());
    let made = ada.call("task.create", json!({ "title": "before" })).await;
    let seq = made["at"][&stream].as_u64().expect("a seq");
    let resume = json!({ "resume": { "epoch": ada.welcome["data"]["epoch"],
        "positions": { stream.clone(): seq - 1 } } });

    rotate(&mut server, 1);
    assert_eq!(shown(&server, &first).await, (200, Value::Null));
    let mut back = Client::with_tokens(&server, &first, resume).await;
    let event = back.next_of(&stream).await;
    assert_eq!(
        (&event["seq"], &event["data"]["title"]),
        (&json!(seq), &json!("before"))
    );
    let second = next(&server, &first).await;
    assert_eq!(shown(&server, &second).await.0, 200);
    // a token of before that was replaced is still known, and ends its session
    assert_eq!(refused(&server, &stolen["refresh_token"]).await, "TOKEN_REVOKED");
    let verify = json!({ "email": "ada@example.com", "code": code.code() });
    let answer = http::post(&server, "/v1/auth/verify-email", &verify).await;
    assert_eq!(answer.status(), 200, "a code of a mail");

    rotate(&mut server, 2);
    assert_eq!(shown(&server, &first).await, (401, json!("INVALID_TOKEN")));
    let mut late = Client::connect(&server).await;
    let auth = json!({ "token": first["access_token"] });
    assert_eq!(late.refused("auth", auth).await["code"], "INVALID_TOKEN");
    assert_eq!(shown(&server, &second).await.0, 200);
    let third = next(&server, &second).await;
    // nothing tells it from one that somebody made up
    assert_eq!(refused(&server, &first["refresh_token"]).await, "INVALID_TOKEN");
    next(&server, &third).await;
}
