//! A code or link that a hundred use at once, on two instances where two can share the database: one of them gets what it is
//! for.

use crate::on_both_databases;
use crate::support::mails::{self, Mail};
use crate::support::{Client, Engine, PASSWORD, Server, eventually, http, text};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    of_a_hundred_requests_with_one_code_one_uses_it,
    of_a_hundred_resets_with_one_code_or_its_link_one_sets_the_password,
    of_a_hundred_programs_with_one_code_one_begins_a_session,
);

const MANY: usize = 100;
const PLACE: &str = "https://tasks.example.com";
const ADA: &str = "ada@example.com";
const OTHER: &str = "coffee at a quarter to nine";

async fn start(engine: Engine) -> Vec<Server> {
    let settings = [("public_url", PLACE), ("password_hash_concurrency", "2")];
    match engine {
        Engine::Sqlite => vec![Server::start(engine, &settings).await],
        Engine::Postgres => Server::start_several(2, &settings).await,
    }
}

async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let answer = http::post(server, &format!("/v1/auth/{path}"), body).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// Sends these bodies in turn, to the instances in turn, all at once. Asserts that one is carried out, and returns its
/// answer; the others are refused because the code is used, or because the server hashes too many passwords.
async fn one_of_a_hundred(servers: &[Server], path: &str, bodies: &[Value]) -> Value {
    let asked = (0..MANY).map(|i| post(&servers[i % servers.len()], path, &bodies[i % bodies.len()]));
    let answers = join_all(asked).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 200);
    for (status, answer) in &refused {
        let code = answer["error"]["code"].as_str().unwrap_or_default();
        let is_right = matches!((*status, code), (401, "INVALID_TOKEN") | (503, "UNAVAILABLE"));
        assert!(is_right, "{status} {answer}");
    }
    let late = refused.iter().filter(|(status, _)| *status == 401).count();
    assert!(late > 0, "nobody came too late: {refused:?}");
    assert_eq!(done.len(), 1, "{done:?}");
    done.into_iter().next().map(|(_, answer)| answer).expect("one")
}

/// A mail to the account's address; any of the instances may have sent it.
async fn mail(servers: &[Server], subject: &str) -> Mail {
    eventually(subject, async || {
        servers
            .iter()
            .find_map(|server| mails::kept_for(server, ADA, subject).pop())
    })
    .await
}

/// Asserts that one such mail is sent.
async fn one_mail(servers: &[Server], subject: &str) {
    mail(servers, subject).await;
    let kept = |server| mails::kept_for(server, ADA, subject).len();
    assert_eq!(servers.iter().map(kept).sum::<usize>(), 1, "{subject}");
}

async fn of_a_hundred_requests_with_one_code_one_uses_it(engine: Engine) {
    let servers = start(engine).await;
    http::sign_up(&servers[0], "ada").await;
    let code = mail(&servers, "Verify your e-mail address").await.code();
    let body = json!({ "email": ADA, "code": code });
    one_of_a_hundred(&servers, "verify-email", &[body]).await;
    one_mail(&servers, "Welcome to Taskwire").await;
}

async fn of_a_hundred_resets_with_one_code_or_its_link_one_sets_the_password(engine: Engine) {
    let servers = start(engine).await;
    http::sign_up(&servers[0], "ada").await;
    assert_eq!(
        post(&servers[0], "forgot-password", &json!({ "email": ADA }))
            .await
            .0,
        202
    );
    let mail = mail(&servers, "Reset your password").await;
    let link = mail.link(&format!("{PLACE}/reset-password#"));
    let token = link.rsplit('#').next().expect("a token");
    let bodies = [
        json!({ "email": ADA, "code": mail.code(), "new_password": OTHER }),
        json!({ "token": token, "new_password": OTHER }),
        // so that both are sent to both instances
        json!({ "token": token, "new_password": OTHER }),
        json!({ "email": ADA, "code": mail.code(), "new_password": OTHER }),
    ];
    one_of_a_hundred(&servers, "reset-password", &bodies).await;
    one_mail(&servers, "Your password was changed").await;
    for (password, expected) in [(PASSWORD, 401), (OTHER, 200)] {
        let login = json!({ "email": ADA, "password": password });
        assert_eq!(post(&servers[0], "login", &login).await.0, expected, "{password}");
    }
}

async fn of_a_hundred_programs_with_one_code_one_begins_a_session(engine: Engine) {
    let servers = start(engine).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let (_, codes) = post(&servers[0], "device", &json!({})).await;
    let approve = http::request(&servers[0], Method::POST, "/v1/auth/device/approve")
        .bearer_auth(text(&ada.tokens["access_token"]))
        .json(&json!({ "user_code": codes["user_code"], "approve": true }));
    assert_eq!(approve.send().await.expect("an answer").status(), 200);
    let body = json!({ "device_code": codes["device_code"], "device_name": "a new laptop" });
    let tokens = one_of_a_hundred(&servers, "device/token", &[body]).await;
    Client::with_tokens(&servers[0], &tokens, json!({})).await;
    let list = ada.ok("auth.sessions", json!({})).await;
    let names = list["items"].as_array().expect("sessions").iter();
    let laptops = names.filter(|item| item["device_name"] == "a new laptop");
    assert_eq!(laptops.count(), 1, "{list}");
}
