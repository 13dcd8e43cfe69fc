//! A clock that was set back: what was valid stays valid, and what increases goes on increasing, over a restart too.

use crate::on_both_databases;
use crate::support::{Engine, Node, text};
use serde_json::{Value, json};
use taskwire::clock::Clock;
use taskwire::engine::Engine as Server;

on_both_databases!(ids_and_positions_increase_over_a_restart_that_sets_the_clock_back);

const HOUR_MS: i64 = 3_600_000;

/// A new task's id and its place in the order by hand.
async fn made(node: &Node) -> (String, String) {
    let task: Value = node.ok("task.create", &json!({ "title": "milk" })).await;
    (text(&task["id"]).to_owned(), text(&task["position"]).to_owned())
}

async fn ids_and_positions_increase_over_a_restart_that_sets_the_clock_back(engine: Engine) {
    let mut node = Node::start(engine, &[]).await;
    let mut all = Vec::new();
    for back_ms in [0, HOUR_MS, 24 * HOUR_MS, 0] {
        for _ in 0..20 {
            all.push(made(&node).await);
        }
        node.clock.step(-back_ms);
        node = node.restarted().await;
    }
    all.push(made(&node).await);
    assert!(
        all.is_sorted_by(|(id, place), (next, behind)| id < next && place < behind),
        "{all:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_increase_after_a_node_that_had_no_time_to_say_where_they_were() {
    let node = Node::start(Engine::Postgres, &[]).await;
    node.clock.step(30_000);
    let (last, _) = made(&node).await;
    // as after kill -9: the first one is not stopped
    let clock = Clock::fixed(node.clock.now_ms() - HOUR_MS);
    let engine = Server::start(&node.settings, clock.clone())
        .await
        .expect("another engine");
    let node = Node {
        engine,
        clock,
        ..node
    };
    let (next, _) = made(&node).await;
    assert!(next > last, "{next} {last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_live_on_when_the_clock_is_set_back() {
    let node = Node::start(Engine::Sqlite, &[]).await;
    let login = json!({ "email": "ada@example.com", "password": crate::support::PASSWORD });
    let token = node.token("auth.login", &login).await;
    node.clock.step(-24 * HOUR_MS);
    assert!(node.engine.authenticate(&token).await.is_ok());
}
