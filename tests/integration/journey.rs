//! The first steps of a new user: sign up, watch, create a task, kill the server, miss nothing.

use crate::on_both_databases;
use crate::support::{Client, Engine, Server};
use serde_json::json;

on_both_databases!(
    two_sockets_see_a_new_task_at_once,
    a_watcher_misses_nothing_when_the_server_is_killed
);

async fn two_sockets_see_a_new_task_at_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut other = ada.another(&server).await;
    let task = ada.ok("task.create", json!({ "title": "Buy milk" })).await;
    for client in [&mut ada, &mut other] {
        let event = client.event("task.created").await;
        assert_eq!(event["data"], task);
        assert_eq!(client.event("notification.created").await["data"]["unread"], 2);
    }
}

async fn a_watcher_misses_nothing_when_the_server_is_killed(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let stream = format!("workspace:{}", ada.personal());
    ada.ok("task.create", json!({ "title": "before" })).await;
    let seen = ada.next_of(&stream).await["seq"].as_u64().expect("a seq");
    ada.ok("task.create", json!({ "title": "unseen" })).await;
    let (tokens, epoch) = (ada.tokens.clone(), ada.welcome["data"]["epoch"].clone());
    server.kill();
    server.spawn();
    let resume = json!({ "resume": { "epoch": epoch, "positions": { &stream: seen } } });
    let mut again = Client::with_tokens(&server, &tokens, resume).await;
    let streams = again.welcome["data"]["streams"]
        .as_array()
        .expect("streams")
        .clone();
    assert!(
        streams
            .iter()
            .any(|state| state["stream"] == stream && state["resumed"] == true),
        "{streams:?}"
    );
    let missed = again.next_of(&stream).await;
    assert_eq!(
        (&missed["seq"], &missed["data"]["title"]),
        (&json!(seen + 1), &json!("unseen"))
    );
    again.ok("task.create", json!({ "title": "after" })).await;
    assert_eq!(again.next_of(&stream).await["seq"], seen + 2);
}
