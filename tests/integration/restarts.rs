//! Two instances behind a real nginx are restarted one right after the other, by the procedure of deploy/README.md. It
//! waits for the proxy between them, so no request finds no instance.

use crate::support::nginx::{Nginx, free_address};
use crate::support::{PATIENCE, Server, http, text};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use taskwire_client::{Client, Config, FixedToken};
use taskwire_protocol::task::CreateTask;

/// The pause between two requests of the probe.
const PAUSE: Duration = Duration::from_millis(10);

async fn two_behind_a_proxy() -> (Vec<Server>, Nginx) {
    let nodes = Server::start_several(2, &[("trusted_proxies", "127.0.0.1")]).await;
    // the third node of the configuration was never started
    let proxy = Nginx::start([nodes[0].address, nodes[1].address, free_address()]);
    (nodes, proxy)
}

/// The command of the procedure.
fn wait(node: &Server, proxy: &Nginx) -> (Option<i32>, String) {
    let proxy = proxy.url("");
    node.run(&["healthcheck", "--wait", "15", "--through", &proxy])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_restarted_right_after_each_other_leave_no_moment_without_one() {
    let (mut nodes, proxy) = two_behind_a_proxy().await;
    let _ = http::get(&nodes[0], "/livez").await; // makes TLS ready for this process
    let (stop, url) = (Arc::new(AtomicBool::new(false)), proxy.url("/livez"));
    let probe = tokio::spawn({
        let stop = Arc::clone(&stop);
        async move {
            let client = reqwest::Client::builder().no_proxy().build().expect("a client");
            let mut statuses = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let answer = client.get(&url).send().await.expect("an answer of nginx");
                statuses.push(answer.status().as_u16());
                tokio::time::sleep(PAUSE).await;
            }
            statuses
        }
    });
    for node in &mut nodes {
        node.ask_to_stop();
        assert_eq!(node.ended().await, Some(0));
        node.spawn();
        let (code, said) = wait(node, &proxy);
        assert_eq!(code, Some(0), "{said}");
    }
    stop.store(true, Ordering::Relaxed);
    let statuses = probe.await.expect("no panic");
    let away: Vec<&u16> = statuses.iter().filter(|status| **status != 200).collect();
    assert!(away.is_empty(), "{away:?} of {}", statuses.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wait_fails_with_the_reason_while_the_proxy_skips_the_node() {
    let (mut nodes, _) = two_behind_a_proxy().await;
    // this proxy does not know the second node
    let proxy = Nginx::start([nodes[0].address, free_address(), free_address()]);
    let there = proxy.url("");
    let (code, said) = nodes[1].run(&["healthcheck", "--wait", "1", "--through", &there]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("not within 1 s") && said.contains("sent the last request to"),
        "{said}"
    );
    nodes[1].kill();
    let (code, said) = nodes[1].run(&["healthcheck", "--wait", "1"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot reach"), "{said}");
    for wrong in [
        &["healthcheck", "--through", there.as_str()][..],
        &["healthcheck", "--wait", "1", "--through", "https://a"],
    ] {
        assert_eq!(nodes[0].run(wrong).0, Some(2), "{wrong:?}");
    }
}

/// Without the wait there are moments without an instance. Clients that try again do not notice them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_clients_try_again_while_a_proxy_has_no_instance() {
    let (mut nodes, proxy) = two_behind_a_proxy().await;
    let tokens = http::sign_up(&nodes[0], "ada").await;
    let (stop, url) = (Arc::new(AtomicBool::new(false)), proxy.url(""));
    let token = text(&tokens["access_token"]).to_owned();
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (stop, url, token) = (Arc::clone(&stop), url.clone(), token.clone());
            tokio::spawn(async move {
                let mut made = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    // each task has a connection of its own, as a command of `tw` has
                    let config = Config::new(&url, FixedToken::new(&token))
                        .following([])
                        .patient_for(PATIENCE);
                    let (connection, _) = Client::connect(config).expect("a client");
                    let title = format!("{client}-{}", made.len());
                    let task: CreateTask =
                        serde_json::from_value(json!({ "title": title })).expect("parameters");
                    connection.call(task).await.expect("an acknowledged task");
                    connection.close().await;
                    made.push(title);
                }
                made
            })
        })
        .collect();
    let began = Instant::now();
    for node in &mut nodes {
        node.ask_to_stop();
        assert_eq!(node.ended().await, Some(0));
        node.spawn();
    }
    while began.elapsed() < Duration::from_secs(2) {
        tokio::time::sleep(PAUSE).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut made = BTreeSet::new();
    for client in clients {
        made.extend(client.await.expect("every task was acknowledged"));
    }
    let mut ada = crate::support::Client::with_tokens(&nodes[0], &tokens, json!({})).await;
    let mut cursor = json!(null);
    let mut kept = Vec::new();
    loop {
        let page = ada
            .ok("task.list", json!({ "limit": 100, "cursor": cursor }))
            .await;
        let titles = page["items"]
            .as_array()
            .expect("tasks")
            .iter()
            .map(|task| text(&task["title"]).to_owned());
        kept.extend(titles);
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(kept.len(), made.len(), "each acknowledged task exists once");
    assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), made);
}
