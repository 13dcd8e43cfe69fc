//! What an empty purse does not refuse is bounded, by a small purse of each session.

use super::{frames, passed, rpc};
use crate::defence::{AWAY, ELSEWHERE, HOME, limited, sign_up, try_login};
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, PASSWORD, http, new_id, tokens};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Instant;

on_both_databases!(
    what_passes_an_empty_purse_is_bounded_in_each_session,
    a_token_of_ours_passes_an_emptied_network_so_often,
    an_expired_token_is_paid_by_its_network_and_still_told_so,
);

async fn what_passes_an_empty_purse_is_bounded_in_each_session(engine: Engine) {
    let settings = [
        ("ops_burst", "10000"),
        ("user_ops_per_second", "2"),
        ("user_ops_burst", "30"),
    ];
    let server = limited(engine, &settings).await;
    let mut thief = Client::sign_up(&server, "ada").await;
    let mut owner = Client::log_in(&server, "ada").await;
    let bot = thief.ok("api_token.create", json!({ "name": "bot" })).await;
    let sessions = owner.ok("auth.sessions", json!({})).await;
    let sessions = sessions["items"].as_array().expect("sessions").clone();
    let stolen = sessions.iter().find(|session| session["current"] == false);
    let stolen = stolen.expect("another session")["id"].clone();
    let limit = json!({ "limit": 2, "of": "user" });
    let spent = rpc(&server, AWAY, &text(&bot["token"]), &frames("ping", 60)).await;
    assert!(passed(&spent, &limit) < 60);
    let begun = Instant::now();
    let mut tried = 0;
    let refused = loop {
        let answer = thief
            .refused("auth.revoke_session", json!({ "id": new_id() }))
            .await;
        if answer["code"] == "RATE_LIMITED" {
            break answer;
        }
        tried += 1;
        assert!(tried < 500, "it is never refused");
    };
    assert_eq!(refused["context"], limit, "{refused}");
    let most = 60 + 3 * (begun.elapsed().as_secs() as usize + 1);
    assert!((60..=most).contains(&tried), "{tried} of {most}");
    // by another way it is the same session
    let token = text(&thief.tokens["access_token"]);
    let urgent = json!({ "type": "auth.revoke_session", "id": 1, "data": { "id": new_id() } });
    let answers = rpc(&server, HOME, &token, &json!(vec![urgent; 10])).await;
    assert_eq!(answers[9]["error"]["code"], "RATE_LIMITED", "{answers}");
    // an API token may end nothing, so it has no such purse
    let out = json!({ "type": "auth.logout", "id": 1 });
    let refused = rpc(&server, HOME, &text(&bot["token"]), &out).await;
    assert_eq!(refused["error"]["code"], "RATE_LIMITED", "{refused}");
    // what the thief may no longer do keeps the owner from nothing
    owner.refused("profile.get", json!({})).await;
    let renewed = json!({ "token": owner.tokens["access_token"] });
    owner.ok("auth.renew", renewed).await;
    owner.ok("auth.sessions", json!({})).await;
    let bots = owner.ok("api_token.list", json!({})).await;
    let revoked = json!({ "id": bots["items"][0]["id"] });
    owner.ok("api_token.revoke", revoked).await;
    owner.ok("auth.revoke_session", json!({ "id": stolen })).await;
    assert_eq!(thief.until_closed().await.1, Some(4403));
    let (status, tokens) = try_login(&server, HOME, "ada@example.com", PASSWORD).await;
    assert_eq!(status, 200, "{tokens}");
    let out = http::request(&server, Method::POST, "/v1/auth/logout-all");
    let out = out.bearer_auth(text(&tokens["access_token"])).send().await;
    assert_eq!(out.expect("an answer").status(), 200);
}

async fn a_token_of_ours_passes_an_emptied_network_so_often(engine: Engine) {
    let settings = [("address_ops_per_second", "1"), ("address_ops_burst", "60")];
    let server = limited(engine, &settings).await;
    let mut tokens: Vec<Value> = Vec::new();
    // a sign-up costs more than a network has here
    for (from, name) in [(AWAY, "ada"), (ELSEWHERE, "bob")] {
        tokens.push(sign_up(&server, from, name).await.json().await.expect("tokens"));
    }
    super::neighbours::spend_everything(&server, HOME).await;
    // no handshake: what it costs is asked first
    let status = async |tokens: &Value| {
        let get = http::request(&server, Method::GET, "/v1/socket").header("x-forwarded-for", HOME);
        let get = get.bearer_auth(text(&tokens["access_token"])).send().await;
        get.expect("an answer").status().as_u16()
    };
    let begun = Instant::now();
    let mut passed = 0;
    while status(&tokens[0]).await != 429 {
        passed += 1;
        assert!(passed < 500, "it is never refused");
    }
    let most = 60 + 2 * (begun.elapsed().as_secs() as usize + 1);
    assert!((60..=most).contains(&passed), "{passed} of {most}");
    assert_ne!(status(&tokens[1]).await, 429, "a session of somebody else");
}

async fn an_expired_token_is_paid_by_its_network_and_still_told_so(engine: Engine) {
    let settings = [
        ("address_ops_per_second", "1"),
        ("address_ops_burst", "60"),
        ("jwt_secret", tokens::SECRET),
    ];
    let server = limited(engine, &settings).await;
    let tokens: Value = sign_up(&server, AWAY, "ada").await.json().await.expect("tokens");
    let expired = text(&tokens::expired(&tokens["access_token"]));
    let status = async |token: &str| {
        let get = http::request(&server, Method::GET, "/v1/auth/me").header("x-forwarded-for", HOME);
        let get = get.bearer_auth(token).send().await;
        get.expect("an answer").status().as_u16()
    };
    let begun = Instant::now();
    let mut told = 0;
    loop {
        match status(&expired).await {
            401 => told += 1,
            status => break assert_eq!(status, 429),
        }
        assert!(told < 500, "nobody pays");
    }
    // each costs two
    let most = 30 + 60 + 2 * (begun.elapsed().as_secs() as usize + 1);
    assert!((60..=most).contains(&told), "{told} of {most}");
    let refused = rpc(&server, HOME, "", &json!({ "type": "ping", "id": 1 })).await;
    assert_eq!(refused["error"]["context"]["of"], "address", "{refused}");
    assert_eq!(status(&text(&tokens["access_token"])).await, 200);
}
