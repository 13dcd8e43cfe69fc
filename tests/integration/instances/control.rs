//! A session, role or membership that ends on one instance ends on all others; a new one arrives there.

use super::{SOON, TRIES, WITHOUT_REDIS, with_redis};
use crate::support::{Client, Raw, Server, Team, http, raw, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Rounds in which a user connects just after being removed.
const ROUNDS: usize = 25;

/// Two instances with Redis and two without, each with the time within which an event must arrive.
pub(super) async fn both_ways() -> [(Vec<Server>, Duration); 2] {
    [
        (with_redis(2).await, SOON),
        (Server::start_several(2, &[]).await, WITHOUT_REDIS),
    ]
}

/// A new session of an account.
pub(super) async fn log_in(server: &Server, name: &str) -> Value {
    let body = json!({ "email": format!("{name}@example.com"), "password": crate::support::PASSWORD,
        "token_delivery": "body" });
    let answer = http::post(server, "/v1/auth/login", &body).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("tokens")
}

/// Ends a session on one instance. Returns how long it took until its socket on the other was closed.
async fn log_out(servers: &[Server], streams: &Value) -> Duration {
    let tokens = log_in(&servers[0], "ada").await;
    let mut here = Client::with_tokens(&servers[0], &tokens, json!({})).await;
    let mut there = Client::with_tokens(&servers[1], &tokens, json!({ "streams": streams })).await;
    here.ok("auth.logout", json!({})).await;
    let begun = Instant::now();
    let (_, code) = there.until_closed().await;
    assert_eq!(code, Some(4403));
    let took = begun.elapsed();
    // a new socket is then refused, although that instance had cached the session
    tokio::time::sleep(SOON.saturating_sub(took)).await;
    let mut late = Client::connect(&servers[1]).await;
    let token = json!({ "token": tokens["access_token"] });
    assert_eq!(late.refused("auth", token).await["code"], "TOKEN_REVOKED");
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_on_one_instance_ends_on_all() {
    for (servers, _) in both_ways().await {
        Client::sign_up(&servers[0], "ada").await;
        for streams in [json!("all"), json!([])] {
            let mut took = Vec::new();
            while took.iter().all(|took| *took > SOON) {
                assert!(took.len() < TRIES, "a logout took {took:?}, not {SOON:?}");
                took.push(Box::pin(log_out(&servers, &streams)).await);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_elsewhere_ends_for_a_socket_that_does_not_read() {
    for (servers, _) in both_ways().await {
        let ada = Client::sign_up(&servers[0], "ada").await;
        let mut deaf = Raw::member(&servers[1], &ada.tokens).await;
        let describe = raw::frame(0x81, br#"{"type":"protocol.describe","id":1}"#);
        deaf.flood(&describe, 64 << 20).await;
        let out = http::request(&servers[0], Method::POST, "/v1/auth/logout")
            .bearer_auth(text(&ada.tokens["access_token"]));
        assert_eq!(out.send().await.expect("an answer").status(), 200);
        raw::counted(&servers[1], 4403).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_is_granted_changed_and_lost_on_all_instances() {
    for (servers, most) in both_ways().await {
        let mut team = Team::gather(&servers[0]).await;
        let bob = Client::sign_up(&servers[0], "bob").await;
        let (workspace, stream, bob_id) = (team.workspace.clone(), team.stream(), bob.user_id());
        let mut there = Client::with_tokens(&servers[1], &bob.tokens, json!({})).await;
        let member = json!({ "workspace_id": workspace, "user_id": bob_id });
        let mut slow = Vec::new();
        for round in 0..TRIES {
            let begun = Instant::now();
            let add = json!({ "workspace_id": workspace, "username": "bob", "role": "member" });
            team.owner.ok("member.add", add).await;
            let granted = there.event("access.granted").await;
            let mut seq = granted["data"]["seq"].as_u64().expect("a seq");
            let given = begun.elapsed();
            // the other instance authorizes the new member at once: roles are checked in the database
            there
                .ok(
                    "task.create",
                    json!({ "workspace_id": workspace, "title": "Mine" }),
                )
                .await;
            seq += 1;
            let event = there.next_of(&stream).await;
            assert_eq!(
                (&event["seq"], &event["event"]),
                (&json!(seq), &json!("task.created"))
            );

            let begun = Instant::now();
            let mut viewer = member.clone();
            viewer["role"] = json!("viewer");
            team.owner.ok("member.update", viewer).await;
            let refused = there
                .refused("task.create", json!({ "workspace_id": workspace, "title": "No" }))
                .await;
            assert_eq!(
                refused["code"], "FORBIDDEN",
                "the new role must apply at once, also on the other instance"
            );
            there.event("access.changed").await;
            let changed = begun.elapsed();

            let begun = Instant::now();
            let removed = team.owner.call("member.remove", member.clone()).await;
            let removed = removed["at"][&stream].as_u64().expect("a seq");
            there.event("access.lost").await;
            let lost = begun.elapsed();
            for _ in 0..5 {
                team.owner
                    .ok(
                        "task.create",
                        json!({ "workspace_id": workspace, "title": "Ours" }),
                    )
                    .await;
            }
            for event in there.events_so_far().await {
                let later = event["stream"] == stream.as_str() && event["seq"].as_u64() >= Some(removed);
                assert!(!later, "round {round}: {event}");
            }
            if [given, changed, lost].iter().all(|took| *took <= most) {
                slow.clear();
                break;
            }
            slow.push([given, changed, lost]);
        }
        assert!(
            slow.is_empty(),
            "granted, changed and lost took {slow:?}, not {most:?}"
        );
    }
}

/// The other instance has just cached the session's account, and hears of the removal a moment later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_member_who_reconnects_at_once_elsewhere_gets_nothing() {
    for (servers, _) in both_ways().await {
        let mut team = Team::gather(&servers[0]).await;
        let bob = Client::sign_up(&servers[0], "bob").await;
        let (workspace, stream) = (team.workspace.clone(), team.stream());
        let add = json!({ "workspace_id": workspace, "username": "bob", "role": "viewer" });
        let remove = json!({ "workspace_id": workspace, "user_id": bob.user_id() });
        // a follower keeps the stream's topic alive on that instance
        let _keeper = Client::with_tokens(&servers[1], &team.viewer.tokens, json!({})).await;
        for round in 0..ROUNDS {
            team.owner.ok("member.add", add.clone()).await;
            let _before = Client::with_tokens(&servers[1], &bob.tokens, json!({})).await;
            let removed = team.owner.call("member.remove", remove.clone()).await;
            let removed = removed["at"][&stream].as_u64().expect("a seq");
            let mut guest = Client::with_tokens(&servers[1], &bob.tokens, json!({})).await;
            for _ in 0..3 {
                team.owner
                    .ok(
                        "task.create",
                        json!({ "workspace_id": workspace, "title": "Ours" }),
                    )
                    .await;
            }
            if round % 5 == 0 {
                // long enough for lost and late messages
                tokio::time::sleep(WITHOUT_REDIS).await;
            }
            for event in guest.events_so_far().await {
                let later = event["stream"] == stream.as_str() && event["seq"].as_u64() >= Some(removed);
                assert!(!later, "round {round}, after {removed}: {event}");
            }
            let refused = guest
                .refused("stream.subscribe", json!({ "stream": stream }))
                .await;
            assert_eq!(refused["code"], "NOT_FOUND");
            team.owner.forget_events();
        }
    }
}

/// A user who was removed and added again is a member, however late the other instance hears of both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_was_removed_and_added_elsewhere_misses_nothing() {
    for (servers, _) in both_ways().await {
        let mut team = Team::gather(&servers[0]).await;
        let bob = Client::sign_up(&servers[0], "bob").await;
        let (workspace, stream) = (team.workspace.clone(), team.stream());
        let add = json!({ "workspace_id": workspace, "username": "bob", "role": "viewer" });
        let remove = json!({ "workspace_id": workspace, "user_id": bob.user_id() });
        let _keeper = Client::with_tokens(&servers[1], &team.viewer.tokens, json!({})).await;
        team.owner.ok("member.add", add.clone()).await;
        for round in 0..ROUNDS / 2 {
            team.owner.ok("member.remove", remove.clone()).await;
            team.owner.ok("member.add", add.clone()).await;
            let mut guest = Client::with_tokens(&servers[1], &bob.tokens, json!({})).await;
            let title = format!("Round {round}");
            team.owner
                .ok(
                    "task.create",
                    json!({ "workspace_id": workspace, "title": title }),
                )
                .await;
            let event = guest
                .take("the task", |frame| {
                    frame["event"] == "task.created" && frame["data"]["title"] == title
                })
                .await;
            assert_eq!(text(&event["stream"]), stream);
            team.owner.forget_events();
        }
    }
}

/// Nothing but the log tells the other instance, where there is no Redis.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_revoked_on_one_instance_ends_on_all() {
    for (servers, _) in both_ways().await {
        let mut ada = Client::sign_up(&servers[0], "ada").await;
        let team = ada.ok("workspace.create", json!({ "name": "Team" })).await;
        for only in [Value::Null, json!([team["id"]])] {
            let mut took = Vec::new();
            while took.iter().all(|took| *took > SOON) {
                assert!(took.len() < TRIES, "a revocation took {took:?}, not {SOON:?}");
                took.push(Box::pin(revoked(&servers, &mut ada, &only)).await);
            }
        }
    }
}

/// How long it took until the socket of a revoked token was closed on the other instance.
async fn revoked(servers: &[Server], ada: &mut Client, only: &Value) -> Duration {
    let made = ada
        .ok("api_token.create", json!({ "name": "ci", "workspace_ids": only }))
        .await;
    let bearer = json!({ "access_token": made["token"] });
    let mut there = Client::with_tokens(&servers[1], &bearer, json!({})).await;
    there.ok("workspace.list", json!({})).await;
    ada.ok("api_token.revoke", json!({ "id": made["id"] })).await;
    let begun = Instant::now();
    let request = http::request(&servers[1], Method::POST, "/v1/rpc").bearer_auth(text(&made["token"]));
    let refused = request.json(&json!({ "type": "profile.get" })).send().await;
    assert_eq!(refused.expect("an answer").status(), 401);
    assert_eq!(there.until_closed().await.1, Some(4403));
    begun.elapsed()
}
