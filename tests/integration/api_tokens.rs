//! API tokens: what they show, what they may do, where they work, and how they end. `permissions` tries every operation
//! with each kind of token.

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, PASSWORD, Raw, Server, eventually, http, new_id};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

on_both_databases!(
    a_token_is_shown_once_and_works_wherever_an_access_token_does,
    a_revoked_token_ends_at_once_and_no_other,
    a_token_ends_when_it_expires_and_not_with_the_password,
    a_token_of_one_workspace_sees_nothing_else,
    what_makes_no_token_is_refused,
    an_administrators_token_administers_nothing_and_its_sockets_can_be_kicked,
);

/// Makes a token. Returns it as its owner sees it that one time.
async fn make(client: &mut Client, data: Value) -> Value {
    client.ok("api_token.create", data).await
}

/// What [`Client::with_tokens`] takes.
fn bearer(made: &Value) -> Value {
    json!({ "access_token": made["token"] })
}

/// Sends frames to `/v1/rpc` with a token.
async fn rpc(server: &Server, made: &Value, frames: &Value) -> Value {
    let request = http::request(server, Method::POST, "/v1/rpc").json(frames);
    let answer = request.bearer_auth(text(&made["token"])).send().await;
    answer.expect("an answer").json().await.expect("JSON")
}

fn streams(client: &Client) -> BTreeSet<String> {
    let streams = client.welcome["data"]["streams"].as_array().expect("streams");
    streams.iter().map(|stream| text(&stream["stream"])).collect()
}

async fn a_token_is_shown_once_and_works_wherever_an_access_token_does(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let made = make(&mut ada, json!({ "name": " ci " })).await;
    let token = text(&made["token"]);
    assert!(token.starts_with("tw_pat_") && token.len() == 56, "{made}");
    let wanted = json!([made["id"], "ci", "write", null, null, null]);
    let fields = [
        "id",
        "name",
        "scope",
        "workspace_ids",
        "expires_at",
        "last_used_at",
    ];
    assert_eq!(json!(fields.map(|field| made[field].clone())), wanted);

    let created = ada.event("api_token.created").await;
    assert_eq!(
        (&created["data"]["id"], &created["data"]["token"]),
        (&made["id"], &Value::Null)
    );
    let told = ada.event("notification.created").await;
    assert_eq!(told["data"]["type"], "SECURITY", "{told}");
    let history = json!({ "stream": format!("user:{}", ada.user_id()), "limit": 500 });
    let seen = [
        ada.ok("api_token.list", json!({})).await,
        ada.ok("stream.history", history).await,
        ada.ok("user.sync", json!({})).await,
    ];
    assert!(
        seen.iter().all(|seen| !seen.to_string().contains(&token[7..])),
        "{seen:?}"
    );

    works_everywhere(&server, &made).await;
    // who did it, and when it was used
    let mut bot = Client::with_tokens(&server, &bearer(&made), json!({})).await;
    let session = &bot.welcome["data"]["session"];
    assert_eq!(session["id"], made["id"]);
    assert_eq!(session["expires_at"], "9999-12-31T23:59:59.999Z");
    assert_eq!(streams(&bot), streams(&ada));
    ada.forget_events();
    bot.ok("task.create", json!({ "title": "by a program" })).await;
    let event = ada.event("task.created").await;
    assert_eq!(
        event["actor"],
        json!({ "kind": "user", "id": ada.user_id(), "name": "ada", "token": "ci" })
    );
    eventually("its last use is noted", async || {
        let listed = ada.ok("api_token.list", json!({})).await;
        listed["items"][0]["last_used_at"].is_string().then_some(())
    })
    .await;

    // a resume, as with any token
    let at = |client: &Client| client.welcome["data"]["streams"][0]["seq"].clone();
    let own = format!("user:{}", ada.user_id());
    let resume = json!({ "epoch": bot.welcome["data"]["epoch"], "positions": { own.clone(): at(&bot) } });
    let mut again = Client::with_tokens(
        &server,
        &bearer(&made),
        json!({ "streams": [own], "resume": resume }),
    )
    .await;
    assert_eq!(
        again.welcome["data"]["streams"][0]["resumed"], true,
        "{}",
        again.welcome
    );
    again.event("notification.created").await;
}

async fn works_everywhere(server: &Server, made: &Value) {
    let me = http::request(server, Method::GET, "/v1/auth/me").bearer_auth(text(&made["token"]));
    let me: Value = me.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(me["username"], "ada");
    let create =
        |n: u8| json!({ "type": "task.create", "id": n, "op_id": new_id(), "data": { "title": "x" } });
    let one = rpc(server, made, &create(1)).await;
    assert_eq!(one["type"], "ok", "{one}");
    let many = rpc(
        server,
        made,
        &json!([create(1), { "type": "task.list", "id": 2 }]),
    )
    .await;
    assert_eq!(
        (&many[0]["type"], &many[1]["data"]["total"]),
        (&json!("ok"), &json!(2)),
        "{many}"
    );
    let mut raw = Raw::member(server, &bearer(made)).await;
    let (_, welcome) = raw.frame().await;
    let welcome: Value = serde_json::from_slice(&welcome).expect("JSON");
    assert_eq!(welcome["data"]["user"]["username"], "ada", "{welcome}");
    // what needs a person is refused, over HTTP too
    let out = http::request(server, Method::POST, "/v1/auth/logout").bearer_auth(text(&made["token"]));
    assert_eq!(out.send().await.expect("an answer").status(), 403);
}

async fn a_revoked_token_ends_at_once_and_no_other(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let (one, two) = (
        make(&mut ada, json!({ "name": "one", "scope": "read" })).await,
        make(&mut ada, json!({ "name": "two" })).await,
    );
    let mut first = Client::with_tokens(&server, &bearer(&one), json!({ "streams": [] })).await;
    let mut second = Client::with_tokens(&server, &bearer(&two), json!({})).await;
    let id = json!({ "id": one["id"] });
    assert_eq!(
        bob.refused("api_token.revoke", id.clone()).await["code"],
        "NOT_FOUND"
    );
    assert_eq!(
        second.refused("api_token.revoke", id.clone()).await["code"],
        "FORBIDDEN"
    );
    let in_batch = json!({ "ops": [{ "type": "api_token.revoke", "data": id }] });
    assert_eq!(
        second.refused("batch", in_batch.clone()).await["code"],
        "FORBIDDEN"
    );
    ada.ok("batch", in_batch).await;
    let begun = Instant::now();
    assert_eq!(first.until_closed().await.1, Some(4403));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(ada.event("api_token.revoked").await["data"], id);
    assert_eq!(
        rpc(&server, &one, &json!({ "type": "profile.get" })).await["error"]["code"],
        "TOKEN_REVOKED"
    );
    assert_eq!(ada.refused("api_token.revoke", id).await["code"], "NOT_FOUND");
    second.ok("profile.get", json!({})).await;
    let listed = ada.ok("api_token.list", json!({})).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(bob.ok("api_token.list", json!({})).await["items"], json!([]));
}

async fn a_token_ends_when_it_expires_and_not_with_the_password(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let welcomed = Client::with_tokens(&server, &ada.tokens, json!({ "streams": [] })).await;
    let now = text(&welcomed.welcome["data"]["server"]["time"]);
    let now = taskwire_protocol::Timestamp::parse(&now).expect("a time");
    let soon = taskwire_protocol::Timestamp(now.0 + 3000);
    let made = make(&mut ada, json!({ "name": "short", "expires_at": soon })).await;
    let lasting = make(&mut ada, json!({ "name": "long" })).await;
    let mut bot = Client::with_tokens(&server, &bearer(&made), json!({})).await;
    assert_eq!(bot.welcome["data"]["session"]["expires_at"], json!(soon));
    bot.signal("session.expiring").await;
    let renewal = json!({ "token": made["token"] });
    assert_eq!(
        bot.refused("auth.renew", renewal.clone()).await["code"],
        "FORBIDDEN"
    );
    let begun = Instant::now();
    assert_eq!(bot.until_closed().await.1, Some(4401));
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "a token has no grace time"
    );
    let mut late = Client::connect(&server).await;
    assert_eq!(late.refused("auth", renewal).await["code"], "TOKEN_EXPIRED");
    assert_eq!(
        rpc(&server, &made, &json!({ "type": "profile.get" })).await["error"]["code"],
        "TOKEN_EXPIRED"
    );

    // SQLite's file has one process
    if engine == Engine::Postgres {
        let mut bot = Client::with_tokens(&server, &bearer(&lasting), json!({})).await;
        assert_eq!(
            server.run(&["admin", "reset-password", "ada@example.com"]).0,
            Some(0)
        );
        assert_eq!(ada.until_closed().await.1, Some(4403));
        bot.ok("task.create", json!({ "title": "still here" })).await;
    }
}

async fn a_token_of_one_workspace_sees_nothing_else(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let team = bob.ok("workspace.create", json!({ "name": "Team" })).await["id"].clone();
    let place = json!({ "workspace_id": team, "username": "ada", "role": "member" });
    bob.ok("member.add", place.clone()).await;
    let private = ada.ok("task.create", json!({ "title": "private" })).await;
    let made = make(
        &mut ada,
        json!({ "name": "team bot", "workspace_ids": [team, team] }),
    )
    .await;
    assert_eq!(made["workspace_ids"], json!([team]));
    let mut bot = Client::with_tokens(&server, &bearer(&made), json!({})).await;
    let own = format!("user:{}", ada.user_id());
    let stream = format!("workspace:{}", text(&team));
    assert_eq!(streams(&bot), BTreeSet::from([stream.clone()]));

    // it is asked for by name
    let named = json!({ "streams": [own, stream, format!("workspace:{}", ada.personal())] });
    let other = Client::with_tokens(&server, &bearer(&made), named).await;
    let reasons: Vec<&Value> = other.welcome["data"]["streams"]
        .as_array()
        .expect("streams")
        .iter()
        .map(|stream| &stream["reason"])
        .collect();
    assert_eq!(reasons, [&json!("no_access"), &json!("new"), &json!("no_access")]);

    hides_the_rest(&mut bot, &mut ada, &private, &own).await;
    let done = bot
        .call("task.create", json!({ "workspace_id": team, "title": "seen" }))
        .await;
    let at = done["at"].as_object().expect("positions");
    assert_eq!(at.keys().collect::<Vec<_>>(), [&stream], "{done}");
    for (name, data) in [
        ("task.list", json!({ "workspace_id": "all" })),
        ("task.list", json!({ "workspace_id": "all", "q": "seen" })),
    ] {
        assert_eq!(bot.ok(name, data).await["total"], 1, "{name}");
    }
    assert_eq!(bot.ok("workspace.list", json!({})).await["items"][0]["id"], team);
    assert_eq!(bot.ok("workspace.list", json!({})).await["total"], 1);

    // what its user joins later is not for it
    ada.ok("workspace.create", json!({ "name": "Later" })).await;
    ada.ok("task.create", json!({ "title": "private too" })).await;
    let events = bot.events_so_far().await;
    assert!(
        events.iter().all(|event| event["stream"] == json!(stream)),
        "{events:?}"
    );
    assert_eq!(events.len(), 1, "{events:?}");

    // a membership that is lost is lost for it, and one that comes back comes back
    bob.ok(
        "member.remove",
        json!({ "workspace_id": team, "user_id": ada.user_id() }),
    )
    .await;
    assert_eq!(
        bot.refused("workspace.get", json!({ "workspace_id": team }))
            .await["code"],
        "NOT_FOUND"
    );
    bot.events_so_far().await;
    bob.ok("member.add", place).await;
    bob.ok("task.create", json!({ "workspace_id": team, "title": "again" }))
        .await;
    let event = bot.event("task.created").await;
    assert_eq!(event["data"]["title"], "again", "{event}");
}

/// Everything outside the workspace looks as to a stranger, and the account's own data is refused.
async fn hides_the_rest(bot: &mut Client, ada: &mut Client, private: &Value, own: &str) {
    let personal = ada.personal();
    for (name, data, code) in [
        ("task.create", json!({ "title": "by default" }), "NOT_FOUND"),
        ("task.list", json!({}), "NOT_FOUND"),
        ("task.get", json!({ "id": private["id"] }), "NOT_FOUND"),
        (
            "task.update",
            json!({ "id": private["id"], "title": "x" }),
            "NOT_FOUND",
        ),
        ("workspace.get", json!({ "workspace_id": personal }), "NOT_FOUND"),
        ("workspace.sync", json!({ "workspace_id": personal }), "NOT_FOUND"),
        (
            "presence.set",
            json!({ "workspace_id": personal, "state": "online" }),
            "NOT_FOUND",
        ),
        ("stream.subscribe", json!({ "stream": own }), "NOT_FOUND"),
        ("stream.history", json!({ "stream": own }), "NOT_FOUND"),
        (
            "stream.subscribe",
            json!({ "stream": format!("workspace:{personal}") }),
            "NOT_FOUND",
        ),
        ("user.sync", json!({}), "FORBIDDEN"),
        ("notification.list", json!({}), "FORBIDDEN"),
        ("workspace.create", json!({ "name": "Mine" }), "FORBIDDEN"),
    ] {
        assert_eq!(bot.refused(name, data).await["code"], code, "{name}");
    }
    let unread = ada.ok("notification.unread_count", json!({})).await;
    assert!(unread["unread"].as_u64() > Some(0));
    bot.ok("user.get", json!({ "id": ada.user_id() })).await;
}

async fn what_makes_no_token_is_refused(engine: Engine) {
    let server = Server::start(engine, &[("api_tokens_per_user", "2")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let bob = Client::sign_up(&server, "bob").await;
    for (data, code, field) in [
        (json!({ "name": " " }), "VALIDATION_ERROR", "name"),
        (json!({ "name": "x".repeat(101) }), "VALIDATION_ERROR", "name"),
        (
            json!({ "name": "a", "expires_at": "2020-01-01T00:00:00Z" }),
            "VALIDATION_ERROR",
            "expires_at",
        ),
        (
            json!({ "name": "a", "scope": "all" }),
            "VALIDATION_ERROR",
            "scope",
        ),
        (
            json!({ "name": "a", "workspace_ids": [] }),
            "VALIDATION_ERROR",
            "workspace_ids",
        ),
        (
            json!({ "name": "a", "workspace_ids": [new_id()] }),
            "NOT_FOUND",
            "workspace_ids",
        ),
        (
            json!({ "name": "a", "workspace_ids": [bob.personal()] }),
            "NOT_FOUND",
            "workspace_ids",
        ),
    ] {
        let refused = ada.refused("api_token.create", data).await;
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!(code), &json!(field))
        );
    }
    let made = make(&mut ada, json!({ "name": "one" })).await;
    make(&mut ada, json!({ "name": "two" })).await;
    assert_eq!(
        ada.refused("api_token.create", json!({ "name": "three" })).await["code"],
        "PLAN_LIMIT"
    );

    // a typo is found without the database; a token that nobody made is not there
    let token = text(&made["token"]);
    let (head, last) = token.split_at(token.len() - 1);
    let typo = format!("{head}{}", if last == "0" { "1" } else { "0" });
    for (token, code) in [
        (typo.as_str(), "INVALID_TOKEN"),
        ("tw_pat_", "INVALID_TOKEN"),
        (head, "INVALID_TOKEN"),
    ] {
        let refused = rpc(
            &server,
            &json!({ "token": token }),
            &json!({ "type": "profile.get" }),
        )
        .await;
        assert_eq!(refused["error"]["code"], code, "{token}");
        let mut stranger = Client::connect(&server).await;
        assert_eq!(
            stranger.refused("auth", json!({ "token": token })).await["code"],
            code
        );
    }
    let mut login = Client::connect(&server).await;
    let tokens = login
        .ok(
            "auth.login",
            json!({ "email": "ada@example.com", "password": PASSWORD }),
        )
        .await;
    assert!(!text(&tokens["access_token"]).starts_with("tw_pat_"));
}

async fn an_administrators_token_administers_nothing_and_its_sockets_can_be_kicked(engine: Engine) {
    let admin = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];
    let server = Server::start(engine, &admin).await;
    let mut op = Client::log_in(&server, "op").await;
    let made = make(&mut op, json!({ "name": "a program" })).await;
    let mut bot = Client::with_tokens(&server, &bearer(&made), json!({})).await;
    for (name, data) in [
        ("admin.instances", json!({})),
        ("admin.connections", json!({})),
        ("admin.kick", json!({ "user_id": op.user_id() })),
    ] {
        assert_eq!(bot.refused(name, data).await["code"], "FORBIDDEN", "{name}");
    }
    let connections = op.ok("admin.connections", json!({})).await;
    let connections = connections["items"].as_array().expect("sockets").iter();
    let sessions: Vec<&Value> = connections.map(|one| &one["session_id"]).collect();
    assert!(sessions.contains(&&made["id"]), "{sessions:?}");
    op.ok("admin.kick", json!({ "session_id": made["id"] })).await;
    assert_eq!(bot.until_closed().await.1, Some(4403));
    op.ok("profile.get", json!({})).await;
    // a kick revokes nothing
    Client::with_tokens(&server, &bearer(&made), json!({})).await;
}
