//! Nobody is refused for what others spend: at the same address, or with a stolen token.

use super::{frames, passed, rpc};
use crate::defence::{AWAY, ELSEWHERE, HOME, limited, post, read, sign_up, try_login};
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::http;
use crate::support::{Client, Engine, PASSWORD, Server, tokens};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    a_member_is_served_while_a_stranger_at_the_same_address_spends_everything,
    who_emptied_the_purse_does_not_keep_its_owner_from_ending_sessions,
    an_array_of_batches_probes_no_more_than_one_batch,
);

/// Spends the requests and the purse of a network that has 60, and earns one a second. Pages are owed, so it has a debt of half a
/// minute then.
pub async fn spend_everything(server: &Server, from: &str) {
    for _ in 0..120 {
        let get = http::request(server, Method::GET, "/").header("x-forwarded-for", from);
        get.send().await.expect("a page");
    }
    let refused = rpc(server, from, "", &frames("ping", 40)).await;
    for answer in refused
        .as_array()
        .map_or(std::slice::from_ref(&refused), Vec::as_slice)
    {
        assert_eq!(answer["error"]["code"], "RATE_LIMITED", "{answer}");
    }
    let mut socket = Client::connect_from(server, from).await;
    for _ in 0..120 {
        let refused = socket.refused("ping", json!({})).await;
        assert_eq!(refused["context"]["of"], "address", "it stays open: {refused}");
    }
}

async fn a_member_is_served_while_a_stranger_at_the_same_address_spends_everything(engine: Engine) {
    let settings = [
        ("address_ops_per_second", "1"),
        ("address_ops_burst", "60"),
        ("rate_limit_requests", "30"),
        ("jwt_secret", tokens::SECRET),
    ];
    let server = limited(engine, &settings).await;
    let tokens: Value = sign_up(&server, AWAY, "ada").await.json().await.expect("tokens");
    let token = text(&tokens["access_token"]);
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let bot = text(&ada.ok("api_token.create", json!({ "name": "bot" })).await["token"]);
    let one = json!({ "type": "profile.get", "id": 1 });
    assert_eq!(rpc(&server, ELSEWHERE, &bot, &one).await["type"], "ok");
    spend_everything(&server, HOME).await;
    let mut socket = Client::connect_from(&server, HOME).await;
    // what comes while the token is looked at is carried out, too
    let auth = socket.ask("auth", json!({ "token": token })).await;
    let list = socket.ask("task.list", json!({})).await;
    for id in [auth, list] {
        let answer = socket.answer(id).await;
        assert_ne!(answer["type"], "error", "{answer}");
    }
    let task = json!({ "workspace_id": ada.personal(), "title": "a task" });
    socket.ok("task.create", task).await;
    for token in [&token, &bot] {
        let answers = rpc(&server, HOME, token, &json!([one, one])).await;
        assert!(
            answers[0]["type"] == "ok" && answers[1]["type"] == "ok",
            "{answers}"
        );
    }
    let me = http::request(&server, Method::GET, "/v1/auth/me").header("x-forwarded-for", HOME);
    let me = me.bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(me.status(), 200);
    // whose token has expired is told that, and so renews it
    let expired = text(&tokens::expired(&tokens["access_token"]));
    let refused = rpc(&server, HOME, &expired, &one).await;
    assert_eq!(refused["error"]["code"], "TOKEN_EXPIRED", "{refused}");
    let mut late = Client::connect_from(&server, HOME).await;
    let refused = late.refused("auth", json!({ "token": expired })).await;
    assert_eq!(refused["code"], "TOKEN_EXPIRED", "{refused}");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let answer = post(&server, HOME, "/v1/auth/refresh", &refresh).await;
    assert!(answer.headers().contains_key("x-ratelimit-remaining"));
    let (status, new) = read(answer).await;
    assert_eq!(status, 200, "{new}");
    // a browser signs out by its cookie alone
    let cookie = format!("taskwire_refresh={}", text(&new["refresh_token"]));
    let out = http::request(&server, Method::POST, "/v1/auth/logout").header("cookie", cookie);
    let out = out
        .header("x-forwarded-for", HOME)
        .send()
        .await
        .expect("an answer");
    assert_eq!(out.status(), 200);
    // who shows nothing of ours is a stranger
    for made_up in ["made up", "rt_made_up"] {
        let refused = rpc(&server, HOME, made_up, &one).await;
        assert_eq!(refused["error"]["code"], "RATE_LIMITED", "{refused}");
    }
    let refresh = json!({ "refresh_token": "rt_made_up" });
    assert_eq!(
        post(&server, HOME, "/v1/auth/refresh", &refresh).await.status(),
        429
    );
}

async fn who_emptied_the_purse_does_not_keep_its_owner_from_ending_sessions(engine: Engine) {
    let settings = [("user_ops_per_second", "1"), ("user_ops_burst", "30")];
    let server = limited(engine, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let bot = ada.ok("api_token.create", json!({ "name": "bot" })).await;
    let other_bot = ada.ok("api_token.create", json!({ "name": "other" })).await;
    let mut others = Vec::new();
    for _ in 0..4 {
        let (status, tokens) = try_login(&server, HOME, "ada@example.com", PASSWORD).await;
        assert_eq!(status, 200, "{tokens}");
        others.push(tokens);
    }
    let sessions = ada.ok("auth.sessions", json!({})).await;
    let sessions = sessions["items"].as_array().expect("sessions").clone();
    let other = sessions.iter().find(|session| session["current"] == false);
    let other = other.expect("another session")["id"].clone();
    // 60 of them would be paid in debt, too
    let spent = rpc(&server, AWAY, &text(&bot["token"]), &frames("ping", 60)).await;
    assert!(passed(&spent, &json!({ "limit": 1, "of": "user" })) < 60);
    ada.refused("profile.get", json!({})).await;
    ada.ok("api_token.revoke", json!({ "id": bot["id"] })).await;
    ada.ok("auth.revoke_session", json!({ "id": other })).await;
    let revoke = json!({ "type": "api_token.revoke", "id": 1, "data": { "id": other_bot["id"] } });
    let revoked = rpc(&server, HOME, &text(&ada.tokens["access_token"]), &revoke).await;
    assert_eq!(revoked["type"], "ok", "{revoked}");
    let mut ended = 0;
    for tokens in &others {
        let out = http::request(&server, Method::POST, "/v1/auth/logout");
        let out = out.bearer_auth(text(&tokens["access_token"])).send().await;
        let status = out.expect("an answer").status();
        // one of them was revoked before
        assert!(status == 200 || status == 401, "{status}");
        ended += usize::from(status == 200);
    }
    assert_eq!(ended, 3);
    // nor does a new socket get more than an old one, whatever it sends before it is known
    let mut early = Client::connect(&server).await;
    let auth = json!({ "token": ada.tokens["access_token"] });
    let auth = early.ask("auth", auth).await;
    let (refused, list) = (
        early.ask("profile.get", json!({})).await,
        early.ask("task.list", json!({})).await,
    );
    assert_eq!(early.answer(auth).await["type"], "welcome");
    for id in [refused, list] {
        let answer = early.answer(id).await;
        assert_eq!(answer["error"]["context"]["of"], "user", "{answer}");
    }
    let change = json!({ "current_password": PASSWORD, "new_password": "another long password" });
    ada.ok("auth.change_password", change).await;
    let refused = ada.refused("profile.get", json!({})).await;
    assert_eq!(refused["code"], "RATE_LIMITED");
}

async fn an_array_of_batches_probes_no_more_than_one_batch(engine: Engine) {
    let server = limited(engine, &[("rate_limit_requests", "100")]).await;
    let tokens: Value = sign_up(&server, HOME, "ada").await.json().await.expect("tokens");
    let token = text(&tokens["access_token"]);
    let team = json!({ "type": "workspace.create", "id": 1, "data": { "name": "W" } });
    let team = rpc(&server, HOME, &token, &team).await["data"]["id"].clone();
    let probe = |n: usize| {
        let email = format!("{n}@example.org");
        json!({ "type": "member.add", "data": { "workspace_id": team, "email": email, "role": "viewer" } })
    };
    let batch = |n: usize| {
        let ops: Vec<Value> = (0..100).map(|of| probe(n * 100 + of)).collect();
        json!({ "type": "batch", "id": n, "data": { "ops": ops, "atomic": false } })
    };
    let batches: Vec<Value> = (0..100).map(batch).collect();
    let answers = rpc(&server, HOME, &token, &json!(batches)).await;
    let answers = answers.as_array().expect("answers");
    let (carried_out, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer["type"] == "ok");
    assert_eq!((carried_out.len(), refused.len()), (1, 99), "{}", answers[1]);
    assert!(
        refused
            .iter()
            .all(|answer| answer["error"]["code"] == "RATE_LIMITED")
    );
    let results = carried_out[0]["data"]["results"].as_array().expect("results");
    let probed = results
        .iter()
        .filter(|result| result["error"]["code"] != "RATE_LIMITED");
    assert_eq!(probed.count(), 30, "strangers an hour");
}
