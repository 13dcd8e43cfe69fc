//! The link with which a server without an administrator gets its first one.

use crate::on_both_databases;
use crate::support::{Client, Engine, PASSWORD, Server, eventually, http, secrets};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

on_both_databases!(
    a_link_makes_the_first_administrator_once,
    somebody_who_has_an_account_becomes_the_administrator,
    of_fifty_who_use_the_link_at_once_one_becomes_the_administrator,
    the_tries_of_a_network_are_counted,
);

const PATH: &str = "/v1/auth/first-admin";
/// The log of production, which must not show the link.
const JSON: (&str, &str) = ("log_format", "json");

fn file(server: &Server) -> PathBuf {
    server.folder.path().join("data/first_admin")
}

/// The link that the server keeps.
fn kept(server: &Server) -> String {
    let kept = std::fs::read_to_string(file(server)).expect("a file with a link");
    kept.strip_suffix('\n').expect("a line").to_owned()
}

/// The token of the link that the server keeps.
fn token(server: &Server) -> String {
    let link = kept(server);
    let (page, token) = link.split_once('#').expect("a token");
    assert_eq!(page, server.url("/first-admin"));
    token.to_owned()
}

async fn post(server: &Server, body: &Value) -> (u16, Value) {
    let answer = http::post(server, PATH, body).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn body(token: &str, name: &str) -> Value {
    json!({
        "token": token, "email": format!("{name}@example.com"), "name": name, "password": PASSWORD,
        "token_delivery": "body",
    })
}

fn refused(answer: &(u16, Value), status: u16, code: &str) {
    assert_eq!(
        (answer.0, &answer.1["error"]["code"]),
        (status, &json!(code)),
        "{answer:?}"
    );
}

async fn no_file(server: &Server) {
    eventually("the end of the file", async || {
        (!file(server).exists()).then_some(())
    })
    .await;
}

/// How many administrators there are, as one of them sees it.
async fn administrators(operator: &mut Client) -> usize {
    let page = operator.ok("admin.user.list", json!({ "limit": 100 })).await;
    let users = page["items"].as_array().expect("accounts").iter();
    users.filter(|user| user["role"] == "admin").count()
}

async fn a_link_makes_the_first_administrator_once(engine: Engine) {
    let mut server = Server::start(engine, &[JSON]).await;
    let link = kept(&server);
    let mode = file(&server).metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(server.terminate(), Some(0));
    server.spawn();
    assert_eq!(kept(&server), link, "another start must make the same link");

    let token = token(&server);
    for other in [
        "",
        "fa_",
        &token[..token.len() - 1],
        &format!("{token}A"),
        "\u{e9}",
    ] {
        refused(&post(&server, &body(other, "eve")).await, 401, "INVALID_TOKEN");
    }
    let elsewhere = http::request(&server, Method::POST, PATH).header("Origin", "https://evil.example");
    let mut with_cookie = body(&token, "op");
    with_cookie
        .as_object_mut()
        .expect("a body")
        .remove("token_delivery");
    let answer = elsewhere.json(&with_cookie).send().await.expect("an answer");
    assert_eq!(answer.status(), 403, "the page of a stranger");

    let answer = http::post(&server, PATH, &with_cookie).await;
    assert_eq!(answer.status(), 201);
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(
        cookie.starts_with("taskwire_refresh=rt_") && cookie.contains("HttpOnly"),
        "{}",
        cookie.len()
    );
    let tokens = answer.json().await.expect("JSON");
    let user = &tokens["user"];
    assert_eq!(
        (&user["role"], &user["is_verified"]),
        (&json!("admin"), &json!(true))
    );
    let mut operator = Client::with_tokens(&server, &tokens, json!({})).await;
    assert_eq!(administrators(&mut operator).await, 1);
    no_file(&server).await;

    refused(&post(&server, &body(&token, "eve")).await, 401, "INVALID_TOKEN");
    assert_eq!(server.terminate(), Some(0));
    std::fs::write(file(&server), "a link of before").expect("written");
    server.spawn();
    assert!(
        !file(&server).exists(),
        "a start that finds an administrator removes the file"
    );
    refused(&post(&server, &body(&token, "eve")).await, 401, "INVALID_TOKEN");

    secrets::note_text(&link);
    let log = server.log();
    let told = |text: &str| log.matches(text).count();
    assert_eq!(told("there is no administrator yet; the link in"), 2, "{log}");
    assert_eq!(told("became the first administrator with the link"), 1, "{log}");
}

async fn somebody_who_has_an_account_becomes_the_administrator(engine: Engine) {
    let server = Server::start(engine, &[JSON]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let token = token(&server);
    let mut wrong = body(&token, "ada");
    wrong["password"] = json!("cocoa at half past four");
    let answer = post(&server, &wrong).await;
    refused(&answer, 401, "INVALID_CREDENTIALS");
    assert_eq!(answer.1["error"]["field"], "password");
    let mut nameless = body(&token, "bob");
    nameless.as_object_mut().expect("a body").remove("name");
    let answer = post(&server, &nameless).await;
    refused(&answer, 422, "VALIDATION_ERROR");
    assert_eq!(answer.1["error"]["field"], "name");

    let mut right = body(&token, "ada");
    right.as_object_mut().expect("a body").remove("name");
    let (status, tokens) = post(&server, &right).await;
    assert_eq!(status, 201, "{tokens}");
    assert_eq!(
        (&tokens["user"]["id"], &tokens["user"]["role"]),
        (&json!(ada.user_id()), &json!("admin"))
    );
    let told = ada.event("profile.updated").await;
    assert_eq!(
        (&told["data"]["role"], &told["actor"]["id"]),
        (&json!("admin"), &json!(ada.user_id()))
    );
    let mut operator = Client::with_tokens(&server, &tokens, json!({})).await;
    assert_eq!(administrators(&mut operator).await, 1);
    no_file(&server).await;
    refused(&post(&server, &body(&token, "bob")).await, 401, "INVALID_TOKEN");
}

async fn of_fifty_who_use_the_link_at_once_one_becomes_the_administrator(engine: Engine) {
    let servers = match engine {
        Engine::Sqlite => vec![Server::start(engine, &[JSON]).await],
        Engine::Postgres => Server::start_several(2, &[JSON]).await,
    };
    // an instance accepts the link of another one
    let tokens: Vec<String> = servers.iter().map(token).collect();
    assert!(tokens.iter().all(|other| *other == tokens[0]));
    http::sign_up(&servers[0], "person0").await;
    let attempts = (0..50).map(|n| {
        let (server, token) = (&servers[n % servers.len()], &tokens[0]);
        async move { post(server, &body(token, &format!("person{n}"))).await }
    });
    let answers = join_all(attempts).await;
    let made: Vec<&(u16, Value)> = answers.iter().filter(|(status, _)| *status == 201).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    for answer in answers.iter().filter(|(status, _)| *status != 201) {
        // a crowd may wait longer for its hashes than a server lets it
        let code = if answer.0 == 503 {
            "UNAVAILABLE"
        } else {
            "INVALID_TOKEN"
        };
        refused(answer, if answer.0 == 503 { 503 } else { 401 }, code);
    }
    let mut operator = Client::with_tokens(&servers[0], &made[0].1, json!({})).await;
    assert_eq!(administrators(&mut operator).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_development_a_start_shows_the_link_beside_its_log() {
    let mut server =
        Server::prepare(Engine::Sqlite, &[("public_url", "https://tasks.example.com/at/")]).await;
    server.spawn();
    let link = kept(&server);
    assert!(
        link.starts_with("https://tasks.example.com/at/first-admin#fa_"),
        "{link}"
    );
    assert_eq!(
        server.log().lines().filter(|line| line.ends_with(&link)).count(),
        1
    );
    assert_eq!(server.terminate(), Some(0));

    let mut output = server.launch();
    eventually("another start", async || {
        server.log().matches(" serving").nth(1).map(drop)
    })
    .await;
    assert_eq!(server.terminate(), Some(0));
    let mut printed = String::new();
    output.read_to_string(&mut printed).expect("its output");
    assert!(printed.starts_with("listening on http://"), "{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");

    // where the settings name an administrator, no link is needed
    server.set("admin_email", "op@example.com");
    server.set("admin_password", PASSWORD);
    server.spawn();
    assert!(!file(&server).exists());
}

async fn the_tries_of_a_network_are_counted(engine: Engine) {
    let server = Server::start(engine, &[JSON, ("rate_limit_enabled", "true")]).await;
    for _ in 0..20 {
        refused(
            &post(&server, &body("fa_made_up", "eve")).await,
            401,
            "INVALID_TOKEN",
        );
    }
    refused(
        &post(&server, &body(&token(&server), "eve")).await,
        429,
        "RATE_LIMITED",
    );
}
