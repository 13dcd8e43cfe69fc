//! A program signs in with a code that its person approves on another device, and never sees a password.

use crate::on_both_databases;
use crate::support::{Client, Engine, Server, http, mails, text};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    a_program_gets_the_session_that_its_person_approves,
    a_refused_program_gets_nothing,
    codes_that_somebody_made_up_are_refused,
    a_user_decides_about_twenty_codes_an_hour,
);

async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let answer = http::post(server, &format!("/v1/auth/device{path}"), body).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn start(server: &Server) -> Value {
    let (status, codes) = post(server, "", &json!({})).await;
    assert_eq!(status, 200, "{codes}");
    codes
}

async fn redeem(server: &Server, codes: &Value) -> (u16, Value) {
    let body = json!({ "device_code": codes["device_code"], "device_name": "a new laptop" });
    post(server, "/token", &body).await
}

async fn decide(server: &Server, token: &Value, codes: &Value, approve: bool) -> (u16, Value) {
    let request = http::request(server, Method::POST, "/v1/auth/device/approve").bearer_auth(text(token));
    let body = json!({ "user_code": text(&codes["user_code"]).to_lowercase().replace('-', " "), "approve": approve });
    let answer = request.json(&body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn refused(answer: &(u16, Value), status: u16, code: &str) {
    assert_eq!(
        (answer.0, &answer.1["error"]["code"]),
        (status, &json!(code)),
        "{answer:?}"
    );
}

async fn a_program_gets_the_session_that_its_person_approves(engine: Engine) {
    let server = Server::start(engine, &[("public_url", "https://tasks.example.com/at/")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let codes = start(&server).await;
    assert_eq!(codes["verification_url"], "https://tasks.example.com/at/device");
    assert_eq!(
        (&codes["expires_in"], &codes["interval"]),
        (&json!(600), &json!(2))
    );
    let waiting = redeem(&server, &codes).await;
    assert_eq!(waiting, (202, json!({ "status": "pending" })));

    let token = ada.tokens["access_token"].clone();
    assert_eq!(decide(&server, &token, &codes, true).await, (200, json!({})));
    let (status, tokens) = redeem(&server, &codes).await;
    assert_eq!(
        (status, &tokens["user"]["id"]),
        (200, &json!(ada.user_id())),
        "{tokens}"
    );
    let begun = ada.event("session.created").await;
    assert_eq!(begun["data"]["device_name"], "a new laptop");
    ada.event("notification.created").await;
    let mail = mails::nth(&server, 1, "ada@example.com", "A new device signed in").await;
    assert!(mail.text.contains("a new laptop"), "{}", mail.text);
    let mut program = Client::with_tokens(&server, &tokens, json!({})).await;
    program
        .ok("task.create", json!({ "title": "from a program" }))
        .await;
    refused(&redeem(&server, &codes).await, 401, "INVALID_TOKEN");
    // the code is spent: nobody else can approve it
    let eve = http::sign_up(&server, "eve").await;
    refused(
        &decide(&server, &eve["access_token"], &codes, true).await,
        409,
        "CONFLICT",
    );
}

async fn a_refused_program_gets_nothing(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let ada = http::sign_up(&server, "ada").await;
    let codes = start(&server).await;
    assert_eq!(codes["verification_url"], "/device");
    assert_eq!(decide(&server, &ada["access_token"], &codes, false).await.0, 200);
    refused(&redeem(&server, &codes).await, 403, "FORBIDDEN");
    let other = start(&server).await;
    refused(
        &decide(&server, &json!("nobody"), &other, true).await,
        401,
        "INVALID_TOKEN",
    );
    assert_eq!(redeem(&server, &other).await.0, 202);
}

async fn codes_that_somebody_made_up_are_refused(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let ada = http::sign_up(&server, "ada").await;
    let codes = start(&server).await;
    let ours = text(&codes["device_code"]);
    let forged = ours.replacen(&ours[10..12], if &ours[10..12] == "AA" { "BB" } else { "AA" }, 1);
    for code in [forged.as_str(), "", "dc_", "é"] {
        refused(
            &redeem(&server, &json!({ "device_code": code })).await,
            401,
            "INVALID_TOKEN",
        );
    }
    for code in ["", "AAAA-AAAA", "BCDF-GHJK-L", "\u{0}"] {
        let answer = decide(&server, &ada["access_token"], &json!({ "user_code": code }), true).await;
        refused(&answer, 422, "VALIDATION_ERROR");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_codes_is_served_with_a_strict_policy() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let page = http::get(&server, "/device").await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let page = page.text().await.expect("a page");
    assert!(
        page.contains("Sign a program in") && !page.contains("src="),
        "{page}"
    );
}

async fn a_user_decides_about_twenty_codes_an_hour(engine: Engine) {
    let server = Server::start(engine, &[("rate_limit_enabled", "true")]).await;
    let ada = http::sign_up(&server, "ada").await;
    let eve = http::sign_up(&server, "eve").await;
    // guesses count, and a code that nobody waits for is one
    for last in "BCDFGHJKLMNPQRSTVWXZ".chars() {
        let guess = json!({ "user_code": format!("BCDF-GHJ{last}") });
        decide(&server, &eve["access_token"], &guess, true).await;
    }
    let codes = start(&server).await;
    refused(
        &decide(&server, &eve["access_token"], &codes, true).await,
        429,
        "RATE_LIMITED",
    );
    assert_eq!(decide(&server, &ada["access_token"], &codes, true).await.0, 200);
}
