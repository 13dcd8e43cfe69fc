//! The writers: searches wait for them, because they need the index of words; another writer replaces one that fails; and
//! what waits for them, in which order, and for how long.

use crate::on_both_databases;
use crate::support::{Client, Engine as Database, Node, PATIENCE, Server};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Waker};
use taskwire::engine::{Caller, Chore, Engine};
use taskwire::store::{StoreError, Transaction, epoch};
use taskwire_protocol::{ErrorCode, Request};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

on_both_databases!(
    another_writer_continues_after_a_panic,
    the_mutations_of_a_socket_keep_their_order_beside_others,
);

/// Blocks the writer until it is told to continue.
struct Stand {
    begun: oneshot::Sender<()>,
    end: oneshot::Receiver<()>,
}

impl Chore for Stand {
    type Output = ();
    async fn run(self, _: &mut Transaction) -> Result<(), StoreError> {
        self.begun.send(()).expect("the test waits for it");
        let _ = self.end.await;
        Ok(())
    }
}

/// Panics in the middle of a transaction.
struct Break;

impl Chore for Break {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        epoch::replace(tx, "an epoch that is never committed").await?;
        panic!("a fault");
    }
}

fn search() -> Value {
    json!({ "q": "milk" })
}

/// Sends new batches one after the other, and counts them.
async fn keep_on(engine: Engine, caller: Arc<Caller>, made: impl Fn() -> Value, done: Arc<AtomicU64>) {
    loop {
        let request = Request::read("batch", &made().to_string()).expect("a request");
        engine.call(&caller, request, None).await.expect("an answer");
        done.fetch_add(1, Relaxed);
    }
}

fn batch(op: impl Fn(usize) -> Value) -> Value {
    json!({ "ops": (0..100).map(op).collect::<Vec<_>>(), "atomic": true })
}

fn create() -> Value {
    batch(|_| json!({ "type": "task.create", "data": { "title": "bread" } }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_ends_while_others_keep_writing() {
    let node = Node::start(Database::Sqlite, &[]).await;
    let done = Arc::new(AtomicU64::new(0));
    let (engine, caller) = (|| node.engine.clone(), || node.caller.clone());
    // these tasks end with the test
    let mut writing = JoinSet::new();
    for _ in 0..6 {
        writing.spawn(keep_on(engine(), caller(), create, done.clone()));
    }
    for _ in 0..2 {
        let made = node.ok("batch", &create()).await;
        let results = made["results"].as_array().expect("results").iter();
        let ids: Vec<Value> = results.map(|result| result["data"]["id"].clone()).collect();
        let round = AtomicU64::new(0);
        let change = move || {
            let title = format!("butter {}", round.fetch_add(1, Relaxed));
            batch(|n| json!({ "type": "task.update", "data": { "id": ids[n], "title": title } }))
        };
        writing.spawn(keep_on(engine(), caller(), change, done.clone()));
    }
    node.ok("task.create", &json!({ "title": "milk" })).await;
    let (before, request) = (done.load(Relaxed), search());
    let found = timeout(PATIENCE, node.ok("task.list", &request)).await;
    let found = found.expect("a search that ends");
    assert_eq!(found["total"], 1, "{found}");
    assert!(
        done.load(Relaxed) > before,
        "no batch was written during the search, so the test proves nothing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_waits_for_the_writer_ends_in_time() {
    let node = Node::start(Database::Sqlite, &[("query_timeout_seconds", "1")]).await;
    node.ok("task.create", &json!({ "title": "milk" })).await;
    let (begun, begins) = oneshot::channel();
    let (go_on, end) = oneshot::channel();
    let engine = node.engine.clone();
    let standing = tokio::spawn(async move { engine.chore(Stand { begun, end }).await });
    begins.await.expect("the chore");
    let request = search();
    let answer = timeout(PATIENCE, node.ask("task.list", &request, None)).await;
    let failure = answer
        .expect("an answer in time")
        .expect_err("a refusal, because the index is not up to date");
    assert_eq!(failure.code, ErrorCode::Timeout);
    go_on.send(()).expect("the chore waits");
    standing.await.expect("its task").expect("it is done");
    assert_eq!(node.ok("task.list", &request).await["total"], 1);
}

async fn another_writer_continues_after_a_panic(database: Database) {
    let node = Node::start(database, &[]).await;
    node.ok("task.create", &json!({ "title": "before" })).await;
    let failure = node.engine.chore(Break).await.expect_err("it broke");
    assert_eq!(
        failure.code,
        ErrorCode::InternalError,
        "the server is not stopping"
    );
    let task = node.ok("task.create", &json!({ "title": "after" })).await;
    assert_eq!(task["title"], "after");
    let listed = node.ok("task.list", &json!({})).await;
    assert_eq!(listed["total"], 2);
    node.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_takes_along_what_waits_behind_the_first_64_mutations_of_a_user() {
    let node = Node::start(Database::Sqlite, &[]).await;
    let (begun, begins) = oneshot::channel();
    let (go_on, end) = oneshot::channel();
    let engine = node.engine.clone();
    let standing = tokio::spawn(async move { engine.chore(Stand { begun, end }).await });
    begins.await.expect("the chore");
    let calls = (0..200).map(|n| {
        let create = json!({ "title": n.to_string() }).to_string();
        let request = Request::read("task.create", &create).expect("a request");
        let mut call = node.engine.call(&node.caller, request, None);
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "the writer stands");
        call
    });
    drop(calls.collect::<Vec<_>>());
    go_on.send(()).expect("the chore waits");
    standing.await.expect("its task").expect("it is done");
    node.ok("task.create", &json!({ "title": "the last one" })).await;
    assert_eq!(node.ok("task.list", &json!({})).await["total"], 65);
}

async fn the_mutations_of_a_socket_keep_their_order_beside_others(database: Database) {
    let server = Server::start(database, &[]).await;
    let mut clients = Vec::new();
    for name in ["ada", "ben", "cleo"] {
        clients.push(Client::sign_up(&server, name).await);
    }
    for n in 0..60 {
        for client in &mut clients {
            client.ask("task.create", json!({ "title": n.to_string() })).await;
        }
    }
    for client in &mut clients {
        for n in 0..60 {
            let event = client.event("task.created").await;
            assert_eq!(event["data"]["title"], n.to_string());
        }
    }
}
