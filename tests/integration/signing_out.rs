//! Sessions as devices: listed, ended one by one or all at once, ended by another password; and when each was last used.

use crate::on_both_databases;
use crate::support::follower::{names, text};
use crate::support::{
    Client, Engine as Database, Follower, Node, PASSWORD, Server, eventually, http, new_id,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use taskwire::engine::{Caller, Socket, Sockets};
use taskwire::ops::node::Whom;
use taskwire_protocol::UserId;

on_both_databases!(
    all_sessions_end_at_once,
    all_sessions_end_over_http,
    sessions_are_listed_and_ended_by_their_ids,
    sessions_are_listed_and_ended_over_http,
    another_password_leaves_only_the_session_that_set_it,
    another_password_over_http_puts_the_token_where_it_is_wanted,
    a_wrong_password_changes_nothing,
    a_use_is_written_once_a_minute_at_most,
    a_use_on_a_server_shows_in_the_list,
);

const NEW: &str = "coffee at a quarter to nine";
const AGENT: &str = "Taskwire/2.1 (a phone)";

async fn refresh(server: &Server, token: &Value) -> (u16, Value) {
    let body = json!({ "refresh_token": token, "token_delivery": "body" });
    let answer = http::post(server, "/v1/auth/refresh", &body).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// Asserts that the tokens of a session are refused because it ended.
async fn ended(server: &Server, tokens: &Value) {
    let (status, answer) = refresh(server, &tokens["refresh_token"]).await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("TOKEN_REVOKED")));
    let me = http::request(server, Method::GET, "/v1/auth/me").bearer_auth(text(&tokens["access_token"]));
    let answer: Value = me.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["error"]["code"], "TOKEN_REVOKED", "{answer}");
    let mut socket = Client::connect(server).await;
    let auth = json!({ "token": tokens["access_token"] });
    assert_eq!(socket.refused("auth", auth).await["code"], "TOKEN_REVOKED");
}

async fn closed(mut socket: Client) {
    assert_eq!(socket.until_closed().await.1, Some(4403));
}

/// Tokens of a new session, by this password.
async fn log_in(server: &Server, password: &str) -> (u16, Value) {
    let body = json!({ "email": "ada@example.com", "password": password, "device_name": "Phone",
        "token_delivery": "body" });
    let request = http::request(server, Method::POST, "/v1/auth/login").header("user-agent", AGENT);
    let answer = request.json(&body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// An authenticated POST.
fn post(server: &Server, path: &str, tokens: &Value) -> http::RequestBuilder {
    http::request(server, Method::POST, path).bearer_auth(text(&tokens["access_token"]))
}

async fn all_sessions_end_at_once(engine: Database) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let bob = Client::sign_up(&server, "bob").await;
    let (_, phone) = log_in(&server, PASSWORD).await;
    let phone_socket = Client::with_tokens(&server, &phone, json!({ "streams": [] })).await;
    let same = ada.another(&server).await;
    assert_eq!(ada.ok("auth.logout_all", json!({})).await, json!({}));
    let tokens = ada.tokens.clone();
    for socket in [ada, same, phone_socket] {
        closed(socket).await;
    }
    ended(&server, &tokens).await;
    ended(&server, &phone).await;
    let mut back = Follower::new(Client::log_in(&server, "ada").await);
    let stream = format!("user:{}", back.client.user_id());
    let log = back
        .client
        .ok("stream.history", json!({ "stream": stream }))
        .await;
    let events = log["events"].as_array().expect("events");
    let tail = &events[events.len() - 5..];
    let expected = [
        "session.revoked",
        "session.revoked",
        "notification.created",
        "session.created",
        "notification.created",
    ];
    assert_eq!(names(tail), expected);
    assert_eq!(tail[2]["data"]["type"], "LOGOUT");
    // others are not concerned
    assert_eq!(refresh(&server, &bob.tokens["refresh_token"]).await.0, 200);
}

async fn all_sessions_end_over_http(engine: Database) {
    let server = Server::start(engine, &[]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let out = post(&server, "/v1/auth/logout-all", &ada.tokens)
        .send()
        .await
        .expect("an answer");
    let forgotten = out.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(
        out.status() == 200 && forgotten.contains("Max-Age=0"),
        "{forgotten}"
    );
    let tokens = ada.tokens.clone();
    closed(ada).await;
    ended(&server, &tokens).await;

    // by the cookie alone, like a logout
    let (_, phone) = log_in(&server, PASSWORD).await;
    let (_, laptop) = log_in(&server, PASSWORD).await;
    let cookie = format!("taskwire_refresh={}", text(&laptop["refresh_token"]));
    let by_cookie = || http::request(&server, Method::POST, "/v1/auth/logout-all").header("cookie", &cookie);
    let strange = by_cookie()
        .header("sec-fetch-site", "cross-site")
        .send()
        .await
        .expect("an answer");
    assert_eq!(strange.status(), 403);
    assert_eq!(by_cookie().send().await.expect("an answer").status(), 200);
    ended(&server, &phone).await;
    ended(&server, &laptop).await;
    let nobody = http::request(&server, Method::POST, "/v1/auth/logout-all")
        .send()
        .await;
    assert_eq!(nobody.expect("an answer").status(), 401);
}

async fn sessions_are_listed_and_ended_by_their_ids(engine: Database) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let bob = Client::sign_up(&server, "bob").await;
    let (_, phone) = log_in(&server, PASSWORD).await;
    let mut phone_socket = Client::with_tokens(&server, &phone, json!({})).await;
    let list = ada.ok("auth.sessions", json!({})).await;
    let items = list["items"].as_array().expect("sessions");
    let shown: Vec<_> = items
        .iter()
        .map(|item| json!([item["device_name"], item["current"]]))
        .collect();
    assert_eq!(json!(shown), json!([["Phone", false], [null, true]]));
    assert_eq!(items[0]["address"], "127.0.0.1");
    // what `User-Agent` says; the test's other requests have none
    let clients = (&items[0]["client"], &items[1]["client"]);
    assert_eq!(clients, (&json!(AGENT), &Value::Null));
    let seen_there = phone_socket.ok("auth.sessions", json!({})).await;
    assert_eq!(
        (
            &seen_there["items"][0]["current"],
            &seen_there["items"][1]["current"]
        ),
        (&json!(true), &json!(false))
    );

    for id in [json!(new_id()), bob.welcome["data"]["session"]["id"].clone()] {
        let refused = ada.refused("auth.revoke_session", json!({ "id": id })).await;
        assert_eq!(refused["code"], "NOT_FOUND");
    }
    assert_eq!(refresh(&server, &bob.tokens["refresh_token"]).await.0, 200);

    let id = json!({ "id": items[0]["id"] });
    for _ in 0..2 {
        assert_eq!(ada.ok("auth.revoke_session", id.clone()).await, json!({}));
    }
    closed(phone_socket).await;
    ended(&server, &phone).await;
    let list = ada.ok("auth.sessions", json!({})).await;
    assert_eq!(list["items"].as_array().expect("sessions").len(), 1);
    // the own one: like a logout
    let own = json!({ "id": list["items"][0]["id"] });
    assert_eq!(ada.ok("auth.revoke_session", own).await, json!({}));
    let tokens = ada.tokens.clone();
    closed(ada).await;
    ended(&server, &tokens).await;
}

async fn sessions_are_listed_and_ended_over_http(engine: Database) {
    let server = Server::start(engine, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let (_, phone) = log_in(&server, PASSWORD).await;
    let list = post(&server, "/v1/auth/sessions", &tokens)
        .json(&json!({}))
        .send()
        .await;
    let list: Value = list.expect("an answer").json().await.expect("JSON");
    assert_eq!(
        (&list["items"][0]["device_name"], &list["items"][1]["current"]),
        (&json!("Phone"), &json!(true))
    );
    let id = json!({ "id": list["items"][0]["id"] });
    let end = post(&server, "/v1/auth/revoke-session", &tokens)
        .json(&id)
        .send()
        .await
        .expect("an answer");
    assert!(end.status() == 200 && !end.headers().contains_key("set-cookie"));
    ended(&server, &phone).await;
    let own = json!({ "id": list["items"][1]["id"] });
    let end = post(&server, "/v1/auth/revoke-session", &tokens)
        .json(&own)
        .send()
        .await
        .expect("an answer");
    assert!(
        end.headers()["set-cookie"]
            .to_str()
            .expect("text")
            .contains("Max-Age=0")
    );
    ended(&server, &tokens).await;
}

async fn another_password_leaves_only_the_session_that_set_it(engine: Database) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    ada.own_events().await;
    let (mut current, mut next) = (PASSWORD, NEW);
    for _ in 0..3 {
        let before = ada.client.tokens.clone();
        let (_, phone) = log_in(&server, current).await;
        let other = Client::with_tokens(&server, &phone, json!({})).await;
        let same = ada.client.another(&server).await;
        ada.own_events().await;
        let data = json!({ "current_password": current, "new_password": next });
        let tokens = ada.client.ok("auth.change_password", data).await;
        // the socket goes on, and misses nothing
        let told = ada.own_events().await;
        assert_eq!(
            names(&told),
            [
                "session.created",
                "session.revoked",
                "session.revoked",
                "notification.created"
            ]
        );
        assert_eq!(told[3]["data"]["type"], "PASSWORD_CHANGED");
        ada.act("task.create", json!({ "title": "still here" })).await;
        closed(other).await;
        closed(same).await;
        ended(&server, &before).await;
        ended(&server, &phone).await;
        let list = ada.client.ok("auth.sessions", json!({})).await;
        let items = list["items"].as_array().expect("sessions");
        assert_eq!((items.len(), &items[0]["current"]), (1, &json!(true)));
        // it is a session like any other
        let renewed = json!({ "token": tokens["access_token"] });
        ada.client.ok("auth.renew", renewed).await;
        let (status, fresh) = refresh(&server, &tokens["refresh_token"]).await;
        assert_eq!(status, 200, "{fresh}");
        ada.client
            .ok("auth.renew", json!({ "token": fresh["access_token"] }))
            .await;
        let old = json!({ "token": before["access_token"] });
        assert_eq!(
            ada.client.refused("auth.renew", old).await["code"],
            "TOKEN_REVOKED"
        );
        assert_eq!(
            log_in(&server, current).await.1["error"]["code"],
            "INVALID_CREDENTIALS"
        );
        ada.client.tokens = fresh;
        (current, next) = (next, current);
    }
    let (_, phone) = log_in(&server, current).await;
    let list = ada.client.ok("auth.sessions", json!({})).await;
    let own = json!({ "id": list["items"][1]["id"] });
    let mut other = Client::with_tokens(&server, &phone, json!({})).await;
    other.ok("auth.revoke_session", own).await;
    closed(ada.client).await;
}

async fn another_password_over_http_puts_the_token_where_it_is_wanted(engine: Database) {
    let server = Server::start(engine, &[]).await;
    let first = http::sign_up(&server, "ada").await;
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    let answer = post(&server, "/v1/auth/change-password", &first)
        .json(&change)
        .send()
        .await
        .expect("an answer");
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(
        cookie.starts_with("taskwire_refresh=rt_") && answer.status() == 200,
        "{cookie}"
    );
    let second: Value = answer.json().await.expect("tokens");
    assert_eq!(second["refresh_token"], Value::Null);
    ended(&server, &first).await;

    let back = json!({ "current_password": NEW, "new_password": PASSWORD, "token_delivery": "body" });
    let answer = post(&server, "/v1/auth/change-password", &second)
        .json(&back)
        .send()
        .await
        .expect("an answer");
    assert!(!answer.headers().contains_key("set-cookie"));
    let third: Value = answer.json().await.expect("tokens");
    assert_eq!(refresh(&server, &third["refresh_token"]).await.0, 200);

    // by `/v1/rpc` the frames after it have no session any more
    let frames = json!([
        { "type": "auth.change_password", "id": 1, "data": { "current_password": PASSWORD, "new_password": NEW } },
        { "type": "profile.get", "id": 2 },
    ]);
    let answers = post(&server, "/v1/rpc", &third)
        .json(&frames)
        .send()
        .await
        .expect("an answer");
    let answers: Value = answers.json().await.expect("JSON");
    assert!(answers[0]["data"]["refresh_token"].is_string(), "{answers}");
    assert_eq!(answers[1]["error"]["code"], "TOKEN_REVOKED", "{answers}");
}

async fn a_wrong_password_changes_nothing(engine: Database) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for (current, new, code, field) in [
        (
            "tea at half past five",
            NEW,
            "INVALID_CREDENTIALS",
            "current_password",
        ),
        ("", NEW, "INVALID_CREDENTIALS", "current_password"),
        (PASSWORD, "short", "VALIDATION_ERROR", "new_password"),
        (PASSWORD, "password123", "VALIDATION_ERROR", "new_password"),
        (PASSWORD, "ada@example.com", "VALIDATION_ERROR", "new_password"),
    ] {
        let data = json!({ "current_password": current, "new_password": new });
        let error = ada.refused("auth.change_password", data).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!(field)),
            "{new}"
        );
    }
    assert_eq!(log_in(&server, PASSWORD).await.0, 200);
    assert_eq!(refresh(&server, &ada.tokens["refresh_token"]).await.0, 200);
}

/// Sockets of these callers.
struct Open(Vec<Arc<Caller>>);

impl Sockets for Open {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn list(&self, _: Option<UserId>, _: Option<u64>, _: usize) -> (Vec<Socket>, u64) {
        (Vec::new(), 0)
    }

    fn users(&self) -> HashSet<UserId> {
        HashSet::new()
    }

    fn callers(&self) -> Vec<Arc<Caller>> {
        self.0.clone()
    }

    fn close(&self, _: Whom) {}
}

/// When a session was last used, in the order of the list.
async fn last_seen(node: &Node) -> Vec<String> {
    let list = node.ok("auth.sessions", &json!({})).await;
    let items = list["items"].as_array().expect("sessions");
    items.iter().map(|item| text(&item["last_seen_at"])).collect()
}

async fn a_use_is_written_once_a_minute_at_most(engine: Database) {
    let node = Node::start(engine, &[]).await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let token = node.token("auth.login", &login).await;
    let begun = last_seen(&node).await;
    let mut shown = begun[0].clone();
    // by HTTP, by socket, and by HTTP again after the clock was set back
    for (step, by_socket, moves) in [
        (59_999, false, false),
        (1, false, true),
        (59_999, true, false),
        (1, true, true),
        (-3_600_000, false, false),
    ] {
        node.clock.step(step);
        if by_socket {
            node.engine.authenticate(&token).await.expect("a session");
        } else {
            node.engine.owner_now(&token).await.expect("a session");
        }
        node.engine.write_last_seen(false).await.expect("written");
        let now = last_seen(&node).await;
        assert_eq!(now[0] > shown, moves, "after {step} ms: {now:?}");
        assert_eq!(now[1], begun[1], "the other session was not used");
        shown.clone_from(&now[0]);
    }
    // as long as a socket lives, its session or API token is in use
    let bot = node.ok("api_token.create", &json!({ "name": "bot" })).await;
    let bot = node
        .engine
        .authenticate(&text(&bot["token"]))
        .await
        .expect("a token");
    let used = async || {
        node.engine.write_last_used().await;
        text(&node.ok("api_token.list", &json!({})).await["items"][0]["last_used_at"])
    };
    let used_before = used().await;
    let open = Open(vec![node.caller.clone(), bot.caller]);
    node.engine.attend(Arc::new(open));
    node.clock.step(2 * 3_600_000);
    node.engine.write_last_seen(true).await.expect("written");
    let now = last_seen(&node).await;
    assert!(now[1] > begun[1] && now[0] == shown, "{now:?}");
    // by the engine itself, perhaps
    let later = async || (used().await > used_before).then_some(());
    eventually("a later use of the API token", later).await;
}

async fn a_use_on_a_server_shows_in_the_list(engine: Database) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (_, phone) = log_in(&server, PASSWORD).await;
    server
        .database
        .execute("update sessions set last_seen_at = last_seen_at - 90000")
        .await;
    let before = ada.ok("auth.sessions", json!({})).await;
    let me = http::request(&server, Method::GET, "/v1/auth/me").bearer_auth(text(&phone["access_token"]));
    assert_eq!(me.send().await.expect("an answer").status(), 200);
    let when = |list: &Value, n: usize| text(&list["items"][n]["last_seen_at"]);
    eventually("the use in the list", async || {
        let now = ada.ok("auth.sessions", json!({})).await;
        assert_eq!(
            when(&now, 1),
            when(&before, 1),
            "the own session was not used anew"
        );
        (when(&now, 0) > when(&before, 0)).then_some(())
    })
    .await;
}
