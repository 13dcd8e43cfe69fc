//! A session that ended stays ended: nothing more of it is carried out or sent, however slowly a body comes or an answer is
//! read. And how a session ends without an access token, and is renewed before it ends.

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::http::RequestBuilder;
use crate::support::{Client, Engine, PASSWORD, Raw, Server, http, tokens};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

on_both_databases!(
    nothing_is_carried_out_for_a_session_that_ended,
    the_least_used_session_ends_when_there_are_too_many,
    another_password_of_a_full_account_ends_each_session_once,
    a_browser_logs_out_by_its_cookie_alone,
    what_waits_in_the_queue_is_refused_once_its_session_has_ended,
);

fn rpc(server: &Server, tokens: &Value, frames: &Value) -> RequestBuilder {
    let post = http::request(server, Method::POST, "/v1/rpc").json(frames);
    post.bearer_auth(text(&tokens["access_token"]))
}

async fn read(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn log_in(server: &Server) -> Value {
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "token_delivery": "body" });
    let answer = http::post(server, "/v1/auth/login", &body).await;
    answer.json().await.expect("tokens")
}

async fn log_out(server: &Server, tokens: &Value) {
    let out =
        http::request(server, Method::POST, "/v1/auth/logout").bearer_auth(text(&tokens["access_token"]));
    assert_eq!(out.send().await.expect("an answer").status(), 200);
}

fn create(title: &str) -> Value {
    json!({ "type": "task.create", "id": title, "data": { "title": title } })
}

async fn the_least_used_session_ends_when_there_are_too_many(engine: Engine) {
    let server = Server::start(engine, &[("sessions_per_user", "3")]).await;
    let mut first = Client::sign_up(&server, "ada").await;
    let mut others = vec![
        Client::log_in(&server, "ada").await,
        Client::log_in(&server, "ada").await,
    ];
    others.push(Client::log_in(&server, "ada").await);
    assert_eq!(first.until_closed().await.1, Some(4403));
    let listed = others[2].ok("auth.sessions", json!({})).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3), "{listed}");
    for other in &mut others {
        other.ok("profile.get", json!({})).await;
    }
    // each sign-in ends one, however many there are
    for _ in 0..3 {
        others.push(Client::log_in(&server, "ada").await);
    }
    for mut ended in others.drain(..3) {
        assert_eq!(ended.until_closed().await.1, Some(4403));
    }
}

async fn another_password_of_a_full_account_ends_each_session_once(engine: Engine) {
    let server = Server::start(engine, &[("sessions_per_user", "2")]).await;
    let mut first = Client::sign_up(&server, "ada").await;
    let mut second = Client::log_in(&server, "ada").await;
    let own = json!({ "stream": format!("user:{}", first.user_id()), "limit": 500 });
    let data = json!({ "current_password": PASSWORD, "new_password": "another long password" });
    first.ok("auth.change_password", data).await;
    assert_eq!(second.until_closed().await.1, Some(4403));
    let log = first.ok("stream.history", own).await;
    let events = log["events"].as_array().expect("events").iter();
    let ended: Vec<String> = events
        .filter(|event| event["event"] == "session.revoked")
        .map(|event| text(&event["data"]["id"]))
        .collect();
    assert!(matches!(&*ended, [one, other] if one != other), "{ended:?}");
}

async fn nothing_is_carried_out_for_a_session_that_ended(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    frames_behind_a_logout(&server).await;
    for size in [100, 1_200_000] {
        a_body_that_ends_after_the_logout(&server, size).await;
    }
    an_array_that_is_read_slowly(&server, &mut ada).await;
    let done = ada.ok("task.list", json!({ "limit": 100 })).await;
    let titles = done["items"].as_array().expect("items").iter();
    let after: Vec<_> = titles
        .filter(|task| text(&task["title"]).starts_with("after"))
        .collect();
    assert!(after.is_empty(), "{after:?}");
}

/// Nothing tells the other instance of the logout: it has no socket of this session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ended_on_another_instance_is_refused_at_once() {
    let nodes = Server::start_several(2, &[]).await;
    let tokens = http::sign_up(&nodes[0], "ada").await;
    let (status, answer) = read(rpc(&nodes[1], &tokens, &create("before"))).await;
    assert_eq!(status, 200, "{answer}");
    log_out(&nodes[0], &tokens).await;
    for frames in [create("after"), json!([create("after"), create("after")])] {
        let (_, answer) = read(rpc(&nodes[1], &tokens, &frames)).await;
        let first = answer.get(0).unwrap_or(&answer);
        assert_eq!(first["error"]["code"], "TOKEN_REVOKED", "{answer}");
    }
}

async fn frames_behind_a_logout(server: &Server) {
    let behind = [
        create("after"),
        json!({ "type": "batch", "id": 2, "data": { "ops": [{ "type": "task.create", "data": { "title": "after" } }] } }),
        json!({ "type": "profile.get", "id": 3 }),
        json!({ "type": "auth.logout", "id": 4 }),
    ];
    let frames = [
        vec![create("before"), json!({ "type": "auth.logout", "id": 1 })],
        behind.to_vec(),
    ]
    .concat();
    let (status, answers) = read(rpc(server, &log_in(server).await, &json!(frames))).await;
    let answers = answers.as_array().expect("an array");
    assert_eq!((status, answers.len()), (200, 6), "{answers:?}");
    assert!(
        answers[..2].iter().all(|answer| answer["type"] == "ok"),
        "{answers:?}"
    );
    assert!(
        answers[2..]
            .iter()
            .all(|answer| answer["error"]["code"] == "TOKEN_REVOKED"),
        "{answers:?}"
    );
}

/// So many spaces follow the frames in the body.
async fn a_body_that_ends_after_the_logout(server: &Server, size: usize) {
    let (one, two) = (create("after"), json!([create("after"), create("after")]));
    // a single frame is not as large as an array may be
    let cases = [(one, 401), (two, 200)]
        .into_iter()
        .skip(usize::from(size > 65_536));
    for (frames, expected) in cases {
        let tokens = log_in(server).await;
        let body = frames.to_string() + &" ".repeat(size);
        let request = Raw::rpc(
            server,
            &text(&tokens["access_token"]),
            "Connection: close\r\n",
            &body,
        );
        let (first, rest) = request.split_at(request.len() - 1);
        let mut raw = Raw::dial(server).await;
        raw.send(first.as_bytes()).await;
        log_out(server, &tokens).await;
        raw.send(rest.as_bytes()).await;
        let answer = whole(&mut raw).await;
        // a large body may also be refused whole: its token is checked when 256 KiB have come, perhaps after the logout
        let is_whole = size > 65_536 && answer.starts_with("HTTP/1.1 401 ");
        assert!(
            is_whole || answer.starts_with(&format!("HTTP/1.1 {expected} ")),
            "{answer}"
        );
        let refused = answer.matches("TOKEN_REVOKED").count();
        assert_eq!(
            refused,
            if expected == 200 && !is_whole { 2 } else { 1 },
            "{answer}"
        );
    }
}

/// Everything until the connection ends.
async fn whole(raw: &mut Raw) -> String {
    let mut bytes = Vec::new();
    let read = timeout(Duration::from_secs(30), raw.0.read_to_end(&mut bytes)).await;
    let _cut_off = read.expect("an end in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// More than the kernel keeps of it: the server waits for its reader in the middle.
async fn an_array_that_is_read_slowly(server: &Server, ada: &mut Client) {
    let task = |n: usize| json!({ "type": "task.create", "data": { "title": format!("task {n}"), "description": "x".repeat(1000) } });
    for _ in 0..2 {
        let ops: Vec<Value> = (0..50).map(task).collect();
        ada.ok("batch", json!({ "ops": ops })).await;
    }
    // what comes next is refused; an answer of several pieces that is on its way breaks off
    for (limit, breaks_off) in [(35, false), (100, true)] {
        let tokens = log_in(server).await;
        let list = json!({ "type": "task.list", "data": { "limit": limit }, "id": 1 });
        let mut frames = vec![list; 99];
        frames.push(create("after"));
        let body = json!(frames).to_string();
        let request = Raw::rpc(
            server,
            &text(&tokens["access_token"]),
            "Connection: close\r\n",
            &body,
        );
        let mut raw = Raw::dial(server).await;
        raw.send(request.as_bytes()).await;
        raw.head().await;
        log_out(server, &tokens).await;
        let answers = whole(&mut raw).await;
        let is_whole = answers.ends_with("0\r\n\r\n");
        assert_eq!(is_whole, !breaks_off, "{} bytes", answers.len());
        assert_eq!(
            answers.contains("TOKEN_REVOKED"),
            !breaks_off,
            "{} bytes",
            answers.len()
        );
    }
}

/// Many mutations wait in their socket's order while the session ends.
async fn what_waits_in_the_queue_is_refused_once_its_session_has_ended(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for _ in 0..5 {
        let tokens = log_in(&server).await;
        let mut socket = Client::with_tokens(&server, &tokens, json!({ "streams": [] })).await;
        for n in 0..200 {
            socket
                .send(&json!({ "type": "notification.mark_all_read", "id": n }))
                .await;
        }
        socket.answer(0).await;
        log_out(&server, &tokens).await;
        assert_eq!(socket.until_closed().await.1, Some(4403));
    }
    for n in 0..3 {
        let made = json!({ "name": format!("Robot {n}"), "scope": "write" });
        let made = ada.ok("api_token.create", made).await;
        let token = json!({ "access_token": made["token"] });
        let mut socket = Client::with_tokens(&server, &token, json!({ "streams": [] })).await;
        for n in 0..200 {
            let frame = json!({ "type": "notification.mark_all_read", "id": n });
            socket.send(&frame).await;
        }
        socket.answer(0).await;
        ada.ok("api_token.revoke", json!({ "id": made["id"] })).await;
        assert_eq!(socket.until_closed().await.1, Some(4403));
    }
    let (mut after, mut is_over) = (0, false);
    loop {
        let page = json!({ "stream": format!("user:{}", ada.user_id()), "after": after, "limit": 500 });
        let page = ada.ok("stream.history", page).await;
        let events = page["events"].as_array().expect("events");
        for event in events {
            match event["event"].as_str() {
                Some("session.created" | "api_token.created") => is_over = false,
                Some("session.revoked" | "api_token.revoked") => is_over = true,
                name => assert!(!(is_over && name == Some("notification.all_read")), "{event}"),
            }
        }
        match events.last() {
            Some(last) => after = last["seq"].as_u64().expect("a seq"),
            None => break,
        }
    }
}

async fn a_browser_logs_out_by_its_cookie_alone(engine: Engine) {
    let settings = [
        ("jwt_secret", tokens::SECRET),
        ("allowed_origins", "https://app.example.com"),
    ];
    let server = Server::start(engine, &settings).await;
    http::sign_up(&server, "ada").await;
    let sign_in = async || {
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        let answer = http::post(&server, "/v1/auth/login", &login).await;
        let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
        let pair = cookie.split(';').next().expect("a pair").to_owned();
        (pair, answer.json().await.expect("tokens"))
    };
    let out = |cookie: &str| http::request(&server, Method::POST, "/v1/auth/logout").header("cookie", cookie);
    let (cookie, tokens) = sign_in().await;
    let mut socket = Client::with_tokens(&server, &tokens, json!({})).await;
    for (name, value) in [
        ("origin", "https://example.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let (status, answer) = read(out(&cookie).header(name, value)).await;
        assert_eq!(status, 403, "{name}: {value} gave {answer}");
    }
    socket.ok("profile.get", json!({})).await;
    let answer = out(&cookie).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let forgotten = answer.headers()["set-cookie"].to_str().expect("text");
    assert!(
        forgotten.starts_with("taskwire_refresh=;") && forgotten.contains("Max-Age=0"),
        "{forgotten}"
    );
    assert_eq!(socket.until_closed().await.1, Some(4403));

    // a second time: there is no such session, and the browser forgets its cookie all the same
    let again = out(&cookie).send().await.expect("an answer");
    assert!(
        again.headers()["set-cookie"]
            .to_str()
            .expect("text")
            .contains("Max-Age=0")
    );
    let (status, error) = (again.status(), again.json().await.expect("JSON"));
    assert_eq!(
        (status.as_u16(), &error["error"]["code"]),
        (401, &json!("TOKEN_REVOKED"))
    );
    let none = read(http::request(&server, Method::POST, "/v1/auth/logout")).await;
    assert_eq!((none.0, &none.1["error"]["code"]), (401, &json!("AUTH_REQUIRED")));
    for nonsense in [
        "taskwire_refresh=",
        "taskwire_refresh=rt_x",
        "taskwire_refresh=a.b",
    ] {
        let (status, error) = read(out(nonsense)).await;
        assert_eq!(
            (status, &error["error"]["code"]),
            (401, &json!("INVALID_TOKEN")),
            "{nonsense}"
        );
    }

    // an access token that has expired does not stand in the way
    let (cookie, tokens) = sign_in().await;
    let expired = text(&tokens::expired(&tokens["access_token"]));
    let (status, _) = read(out(&cookie).bearer_auth(expired)).await;
    assert_eq!(status, 200);
    let (status, _) =
        read(http::request(&server, Method::POST, "/v1/auth/refresh").header("cookie", cookie)).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn a_socket_is_told_of_its_end_at_half_of_its_life_and_once() {
    let settings = [("jwt_secret", tokens::SECRET), ("auth_grace_seconds", "1")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let mut tokens = http::sign_up(&server, "ada").await;
    let made = Instant::now();
    let long = tokens["access_token"].clone();
    let short = tokens::lasting(&long, 8);
    tokens["access_token"] = short.clone();
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let signal = ada.signal("session.expiring").await;
    // its times are whole seconds
    let told = made.elapsed();
    assert!((2500..=5500).contains(&told.as_millis()), "told after {told:?}");
    let ends = signal["data"]["expires_at"].clone();

    // what extends nothing is answered, and brings no other warning
    for token in [&short, &tokens::lasting(&long, 6), &short] {
        let renewed = ada.ok("auth.renew", json!({ "token": token })).await;
        assert_eq!(renewed["expires_at"], ends);
    }
    let (frames, code) = ada.until_closed().await;
    let more = frames
        .iter()
        .filter(|frame| frame["signal"] == "session.expiring")
        .count();
    assert_eq!((more, code), (0, Some(4401)));

    // what extends it is warned of at its own time
    let mut tokens = http::sign_up(&server, "bob").await;
    let long = tokens["access_token"].clone();
    tokens["access_token"] = tokens::lasting(&long, 4);
    let mut bob = Client::with_tokens(&server, &tokens, json!({})).await;
    bob.signal("session.expiring").await;
    let longer = json!({ "token": tokens::lasting(&long, 8) });
    assert_ne!(bob.ok("auth.renew", longer).await["expires_at"], Value::Null);
    bob.signal("session.expiring").await;
}

#[tokio::test]
async fn a_token_of_a_minute_is_not_renewed_in_a_loop() {
    let server = Server::start(Engine::Sqlite, &[("access_token_minutes", "1")]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let mut refresh = tokens["refresh_token"].clone();
    for _ in 0..3 {
        let body = json!({ "refresh_token": refresh, "token_delivery": "body" });
        let next: Value = http::post(&server, "/v1/auth/refresh", &body)
            .await
            .json()
            .await
            .expect("tokens");
        refresh = next["refresh_token"].clone();
        ada.ok("auth.renew", json!({ "token": next["access_token"] }))
            .await;
    }
    // a server that warns a minute before the end would have done so by now
    let renewed = Instant::now();
    while renewed.elapsed() < Duration::from_secs(2) {
        ada.ok("profile.get", json!({})).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(ada.took("session.expiring"), None);
}
