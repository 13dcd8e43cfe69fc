//! Many sockets of one session connect while others write. The session is read seldom, and its cached account is not
//! used once this instance knows that another one ended some access.

use super::control::{both_ways, log_in};
use super::{number, with_redis};
use crate::support::{Client, Server, Team, new_id};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Instant;
use tokio::task::JoinHandle;

/// Sockets that connect at the same time. `WAVES` is how often.
const STORM: usize = 25;
const WAVES: usize = 8;
/// How often a user is removed, is added again, and loses a session.
const ROUNDS: usize = 4;

/// A task that ends when this is dropped.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Creates tasks one after the other. Each of them notifies `whom`.
async fn tell(server: &Server, team: &Team, whom: &Client) -> Running {
    let mut writer = Client::with_tokens(server, &team.admin.tokens, json!({ "streams": [] })).await;
    let (workspace, whom) = (team.workspace.clone(), whom.user_id());
    Running(tokio::spawn(async move {
        loop {
            let title = new_id().to_string();
            let data = json!({ "workspace_id": workspace, "title": title, "assignee_ids": [whom] });
            // refused while the assignee is not a member
            writer.call("task.create", data).await;
        }
    }))
}

fn lists(client: &Client, stream: &str) -> bool {
    let streams = client.welcome["data"]["streams"].as_array().expect("streams");
    streams.iter().any(|state| state["stream"] == stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_reads_a_session_seldom_while_its_user_gets_events() {
    let servers = with_redis(2).await;
    let team = Team::gather(&servers[0]).await;
    let mut first = Client::with_tokens(&servers[1], &team.member.tokens, json!({})).await;
    let _writing = tell(&servers[0], &team, &first).await;
    first.event("notification.created").await;
    let (before, begun) = (
        number(&servers[1], "taskwire_session_reads_total").await,
        Instant::now(),
    );
    for _ in 0..WAVES {
        let wave = join_all((0..STORM).map(|_| first.another(&servers[1]))).await;
        assert!(wave.iter().all(|client| lists(client, &team.stream())));
    }
    let took = begun.elapsed().as_secs_f64();
    let reads = number(&servers[1], "taskwire_session_reads_total").await - before;
    // a cached account is valid for one second
    let most = 3.0 + 3.0 * took;
    assert!(
        reads <= most,
        "{reads} reads in {took} s for {} sockets",
        STORM * WAVES
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_that_ended_elsewhere_is_not_taken_from_the_cache_once_it_was_announced() {
    for (servers, _) in both_ways().await {
        let mut team = Team::gather(&servers[0]).await;
        let (stream, workspace) = (team.stream(), team.workspace.clone());
        let mut bob = Client::with_tokens(&servers[1], &team.viewer.tokens, json!({})).await;
        let _writing = tell(&servers[0], &team, &bob).await;
        for _ in 0..ROUNDS {
            assert!(lists(&bob.another(&servers[1]).await, &stream));
            let remove = json!({ "workspace_id": workspace, "user_id": bob.user_id() });
            team.owner.ok("member.remove", remove).await;
            bob.event("access.lost").await;
            let late = bob.another(&servers[1]).await;
            assert!(!lists(&late, &stream), "{}", late.welcome);

            let add = json!({ "workspace_id": workspace, "username": "viewer", "role": "viewer" });
            team.owner.ok("member.add", add).await;
            bob.event("access.granted").await;
            assert!(lists(&bob.another(&servers[1]).await, &stream));

            let tokens = log_in(&servers[0], "viewer").await;
            let mut ending = Client::with_tokens(&servers[1], &tokens, json!({})).await;
            let mut there = Client::with_tokens(&servers[0], &tokens, json!({})).await;
            there.ok("auth.logout", json!({})).await;
            assert_eq!(ending.until_closed().await.1, Some(4403));
            refused(&servers[1], &tokens).await;
            bob.event("session.revoked").await;
            bob.forget_events();
            team.owner.forget_events();
        }
    }
}

async fn refused(server: &Server, tokens: &Value) {
    let mut late = Client::connect(server).await;
    let token = json!({ "token": tokens["access_token"] });
    assert_eq!(late.refused("auth", token).await["code"], "TOKEN_REVOKED");
}
