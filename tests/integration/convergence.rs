//! Clients send random requests and lose their connections at random. At the end all replicas are equal, the logs have
//! no gap, and no operation took effect twice. TASKWIRE_TEST_SEED repeats the plans of a run; TASKWIRE_TEST_CASES sets
//! their number.

mod action;
mod actor;
mod check;
mod each;

use crate::on_both_databases;
use crate::support::{Client, Engine, Server, audit, http, text};
use action::Action;
use actor::{Actor, Company, Keys};
use check::Tally;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

on_both_databases!(
    everything_that_clients_can_send_is_carried_out_and_reaches_every_replica,
    clients_that_reconnect_at_random_agree_at_the_end,
    a_reader_that_pauses_gets_every_answer,
    marking_all_as_read_in_a_batch_does_not_mark_later_notifications
);

/// A normal run begins no new case after this time.
const TIME: Duration = Duration::from_secs(12);
/// The user of each socket: the owner of the first workspace, the owner of the second, a third user; and the first
/// again.
const PEOPLE: [usize; 4] = [0, 1, 2, 0];
/// Rings and queues so small that readers fall behind at once.
const SMALL: [(&str, &str); 3] = [
    ("ring_bytes_per_topic", "4096"),
    ("ring_budget_bytes", "16384"),
    ("socket_queue_bytes", "16384"),
];

#[derive(Clone, Debug)]
struct Plan {
    /// Whether a workspace has more tasks than a page of a snapshot holds.
    large: bool,
    steps: Vec<Vec<Action>>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let steps = prop::collection::vec(prop::collection::vec(action::action(), 5..30), PEOPLE.len());
    (prop::bool::weighted(0.25), steps).prop_map(|(large, steps)| Plan { large, steps })
}

async fn clients_that_reconnect_at_random_agree_at_the_end(engine: Engine) {
    let seed = std::env::var("TASKWIRE_TEST_SEED").ok();
    let seed: u64 = seed.map_or_else(rand::random, |seed| seed.parse().expect("a number"));
    let cases = std::env::var("TASKWIRE_TEST_CASES").ok();
    let cases: Option<u32> = cases.map(|cases| cases.parse().expect("a number"));
    println!("TASKWIRE_TEST_SEED={seed} repeats this");
    let server = Server::start(engine, &SMALL).await;
    let config = Config {
        cases: cases.unwrap_or(8),
        max_shrink_iters: 40,
        max_shrink_time: 20_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (number, started) = (AtomicUsize::new(0), Instant::now());
    let tally = Mutex::new(Tally::new());
    let outcome = runner.run(&plan(), |plan| {
        if cases.is_none() && started.elapsed() > TIME {
            return Ok(());
        }
        let number = number.fetch_add(1, Ordering::Relaxed);
        let case = || {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    let done = carry_out(&server, &plan, number).await;
                    check::add(&mut tally.lock().unwrap_or_else(PoisonError::into_inner), done);
                });
            });
        };
        // turn a panic into a failed case, which proptest then shrinks
        std::panic::catch_unwind(AssertUnwindSafe(case)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            TestCaseError::fail(text.unwrap_or_default())
        })
    });
    match outcome {
        Ok(()) => {
            let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
            check::takes_part(&tally, number.into_inner());
        }
        Err(TestError::Fail(reason, plan)) => panic!("TASKWIRE_TEST_SEED={seed}: {reason}\n{plan:#?}"),
        Err(TestError::Abort(reason)) => panic!("TASKWIRE_TEST_SEED={seed}: {reason}"),
    }
}

/// Runs one case: new users, their workspaces, and all clients at once. Returns how often each mutation was sent and carried
/// out.
async fn carry_out(server: &Server, plan: &Plan, number: usize) -> Tally {
    let names: Vec<String> = (0..3).map(|n| format!("p{number}-{n}")).collect();
    let tokens = join_all(names.iter().map(|name| http::sign_up(server, name))).await;
    share(server, &tokens[0], &names, ["member", "admin"], plan.large).await;
    share(server, &tokens[1], &names, ["viewer", "member"], false).await;
    let company = Company {
        links: Mutex::new(vec![open(server, &tokens[1]).await]),
        people: names,
    };
    let keys = join_all(tokens.iter().map(|tokens| equip(server, tokens))).await;
    let starting = PEOPLE
        .iter()
        .map(|person| Actor::start(server, &tokens[*person], &company, &keys[*person]));
    let mut actors = join_all(starting).await;
    let playing = actors
        .iter_mut()
        .zip(&plan.steps)
        .map(|(actor, steps)| actor.play(steps));
    join_all(playing).await;
    agreed(server, &tokens, &mut actors).await
}

/// Checks that logs, rows and replicas agree. `people`: the tokens of everybody whose logs are read. Returns how often each
/// mutation was sent and carried out.
async fn agreed(server: &Server, people: &[Value], actors: &mut [Actor<'_>]) -> Tally {
    for tokens in people {
        audit::spread(&mut Client::with_tokens(server, tokens, json!({})).await).await;
    }
    let mut logs = audit::Logs::new();
    for tokens in people {
        logs.extend(audit::agree(server, tokens).await);
    }
    check::ledger(actors, &logs);
    for actor in actors.iter_mut() {
        check::replica(server, actor).await;
    }
    check::tally(actors)
}

/// Makes a workspace of one user, and a link that invites anybody. Returns the workspace and the token.
async fn open(server: &Server, owner: &Value) -> (String, String) {
    let mut client = Client::with_tokens(server, owner, json!({})).await;
    let made = client.ok("workspace.create", json!({ "name": "open" })).await;
    let data = json!({ "workspace_id": made["id"], "role": "member" });
    let invite = client.ok("invite.create", data).await;
    (text(&made["id"]).to_owned(), text(&invite["token"]).to_owned())
}

/// Gives a person what only the answer to a request that is no mutation shows.
async fn equip(server: &Server, tokens: &Value) -> Keys {
    let mut client = Client::with_tokens(server, tokens, json!({})).await;
    client.ok("calendar.create", json!({})).await;
    let mut api_tokens = Vec::new();
    for name in ["one", "other"] {
        let made = client.ok("api_token.create", json!({ "name": name })).await;
        api_tokens.push(made["id"].clone());
    }
    Keys { api_tokens }
}

/// Makes a workspace of one user, and adds the two others.
async fn share(server: &Server, owner: &Value, names: &[String], roles: [&str; 2], large: bool) {
    let mut client = Client::with_tokens(server, owner, json!({})).await;
    let workspace = client.ok("workspace.create", json!({ "name": "shared" })).await;
    let id = text(&workspace["id"]);
    let others = names.iter().filter(|name| **name != owner["user"]["username"]);
    for (name, role) in others.zip(roles) {
        let data = json!({ "workspace_id": id, "username": name, "role": role });
        client.ok("member.add", data).await;
    }
    if large {
        for _ in 0..3 {
            let task =
                json!({ "type": "task.create", "data": { "workspace_id": id, "title": "one of many" } });
            client
                .ok("batch", json!({ "ops": vec![task; 75], "atomic": true }))
                .await;
        }
        // a snapshot has only the newest hundred notifications, but replicas are compared whole: delete all
        loop {
            let page = client.ok("notification.list", json!({ "limit": 100 })).await;
            let items = page["items"].as_array().expect("items").iter();
            let ids: Vec<_> = items.map(|notification| &notification["id"]).collect();
            if ids.is_empty() {
                break;
            }
            client.ok("notification.delete_many", json!({ "ids": ids })).await;
        }
    }
}

async fn everything_that_clients_can_send_is_carried_out_and_reaches_every_replica(engine: Engine) {
    Box::pin(each::carry_out(engine)).await;
}

async fn a_reader_that_pauses_gets_every_answer(engine: Engine) {
    let server = Server::start(engine, &[&SMALL[..], &[("in_flight", "200")]].concat()).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let data = json!({ "title": "a", "description": "x".repeat(1000) });
    let task = json!({ "type": "task.create", "data": data });
    ada.ok("batch", json!({ "ops": vec![task; 60] })).await;
    let mut other = ada.another(&server).await;
    let mut asked = Vec::new();
    for _ in 0..150 {
        asked.push(ada.ask("task.list", json!({ "limit": 100 })).await);
    }
    // during these requests the answers fill every buffer
    for _ in 0..50 {
        other.ok("profile.get", json!({})).await;
    }
    for id in asked {
        assert_eq!(ada.answer(id).await["type"], "ok");
    }
}

async fn marking_all_as_read_in_a_batch_does_not_mark_later_notifications(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let first = ada.ok("notification.list", json!({})).await["items"][0]["id"].clone();
    let all = json!({ "type": "notification.mark_all_read", "data": {} });
    let create = json!({ "type": "task.create", "data": { "title": "after" } });
    let mark = |is_read| json!({ "type": "notification.mark", "data": { "id": first, "is_read": is_read } });
    ada.ok("batch", json!({ "ops": [all, create] })).await;
    unread_is(&mut ada, 1).await;
    ada.ok(
        "batch",
        json!({ "ops": [create, all, mark(true), mark(false), create] }),
    )
    .await;
    unread_is(&mut ada, 2).await;
    ada.ok("batch", json!({ "ops": [create, all, create, all] }))
        .await;
    unread_is(&mut ada, 0).await;
}

async fn unread_is(client: &mut Client, expected: usize) {
    let page = client
        .ok("notification.list", json!({ "unread_only": true }))
        .await;
    let listed = page["items"].as_array().expect("items").len();
    assert_eq!((listed, &page["unread"]), (expected, &json!(expected)));
}
