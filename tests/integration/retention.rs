//! Retention: what is kept, and for how long. The engine runs in this process, because the test moves its clock. A real
//! server on the same database then shows what clients are told.

use crate::on_both_databases;
use crate::support::events::{EventReader, id};
use crate::support::{Client, Engine as Database, Node, PASSWORD, PATIENCE, eventually, http};
use serde_json::{Value, json};
use std::sync::Arc;
use taskwire::clock::Clock;
use taskwire::engine::{Incoming, Sender};
use taskwire::jobs::{KINDS, Runner, round};
use taskwire_protocol::{ErrorCode, OpId, Request, Timestamp};

on_both_databases!(
    entries_are_cut_when_they_are_old_and_not_among_the_newest,
    an_entry_dated_in_the_future_keeps_the_entries_after_it,
    a_log_without_retention_is_never_cut,
    op_ids_are_remembered_for_seven_days,
    ended_sessions_are_forgotten_after_a_month,
    old_notifications_go_with_an_event_each,
    notifications_without_retention_stay
);

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
impl Node {
    async fn add(&self, tasks: usize) {
        for n in 0..tasks {
            self.call("task.create", &json!({ "title": n.to_string() }), None)
                .await;
        }
    }

    async fn pass(&self, time: i64) {
        self.clock.step(time);
        round(&self.engine, &self.settings)
            .await
            .expect("a round of retention");
    }

    /// The first and the last seq in the log of the personal workspace.
    async fn held(&self) -> (u64, u64) {
        let asked = json!({ "stream": self.stream(), "after": 0, "limit": 500 });
        let data = self.ok("stream.history", &asked).await;
        let events = data["events"].as_array().expect("events");
        let seq = |event: Option<&Value>| event.and_then(|event| event["seq"].as_u64()).expect("a seq");
        let (first, last) = (seq(events.first()), seq(events.last()));
        assert_eq!(events.len() as u64, last - first + 1, "a gap");
        (first, last)
    }
}

async fn entries_are_cut_when_they_are_old_and_not_among_the_newest(database: Database) {
    let node = Node::start(
        database,
        &[("log_retention_days", "2"), ("log_retention_events", "5")],
    )
    .await;
    node.add(20).await; // after the two entries that made the workspace
    node.pass(47 * HOUR).await;
    assert_eq!(node.held().await, (1, 22), "nothing is old");
    node.add(3).await;
    node.pass(2 * HOUR).await;
    assert_eq!(node.held().await, (21, 25), "old entries among the newest stay");
    node.add(10).await;
    node.pass(HOUR).await;
    assert_eq!(
        node.held().await,
        (23, 35),
        "young entries stay, however many there are"
    );
    node.pass(30 * DAY).await;
    assert_eq!(node.held().await, (31, 35));

    let workspace = node.stream();
    let server = node.into_server().await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "token_delivery": "body" });
    let tokens: Value = http::post(&server, "/v1/auth/login", &login)
        .await
        .json()
        .await
        .expect("tokens");
    let epoch = Client::with_tokens(&server, &tokens, json!({})).await.welcome["data"]["epoch"].clone();
    for (position, resumed) in [(0, false), (12, false), (29, false), (30, true), (35, true)] {
        let resume = json!({ "resume": { "epoch": epoch, "positions": { &workspace: position } } });
        let mut client = Client::with_tokens(&server, &tokens, resume).await;
        let streams = client.welcome["data"]["streams"].as_array().expect("streams");
        let state = streams.iter().find(|state| state["stream"] == workspace);
        let state = state.expect("the workspace").clone();
        assert_eq!(
            (&state["resumed"], &state["seq"]),
            (&json!(resumed), &json!(35)),
            "{position}"
        );
        let last = id(epoch.as_str().expect("an epoch"), &workspace, position);
        let reader = EventReader::after(&server, &tokens, &last).await;
        assert_eq!(reader.stream(&workspace), state, "without a socket: {position}");
        if resumed {
            for seq in position + 1..=35 {
                assert_eq!(client.next_of(&workspace).await["seq"], seq);
            }
        } else {
            assert_eq!(state["reason"], "expired", "{position}");
        }
    }
}

async fn an_entry_dated_in_the_future_keeps_the_entries_after_it(database: Database) {
    let settings = [("log_retention_days", "2"), ("log_retention_events", "5")];
    let node = Node::start(database, &settings).await;
    node.add(5).await;
    node.clock.step(10 * HOUR);
    node.add(5).await;
    node.clock.step(-10 * HOUR);
    node.add(30).await;
    node.pass(49 * HOUR).await;
    assert_eq!(node.held().await, (8, 42));
    node.pass(10 * HOUR).await;
    assert_eq!(node.held().await, (38, 42));
}

async fn a_log_without_retention_is_never_cut(database: Database) {
    let node = Node::start(
        database,
        &[("log_retention_days", "0"), ("log_retention_events", "0")],
    )
    .await;
    node.add(5).await;
    node.pass(3650 * DAY).await;
    assert_eq!(node.held().await, (1, 7));
}

async fn op_ids_are_remembered_for_seven_days(database: Database) {
    // however short the log is kept
    let node = Node::start(
        database,
        &[("log_retention_days", "1"), ("log_retention_events", "0")],
    )
    .await;
    let op_id: OpId = serde_json::from_value(json!(uuid::Uuid::new_v4())).expect("an op_id");
    let task = json!({ "title": "once" });
    let first = node.call("task.create", &task, Some(op_id)).await;
    node.pass(7 * DAY - 1).await;
    let again = node.call("task.create", &task, Some(op_id)).await;
    assert_eq!((again.replayed, again.body), (true, first.body.clone()));
    assert_eq!(node.count("log").await, 0);
    node.pass(HOUR).await;
    let new = node.call("task.create", &task, Some(op_id)).await;
    assert!(!new.replayed && new.body != first.body);
}

async fn ended_sessions_are_forgotten_after_a_month(database: Database) {
    let node = Node::start(database, &[("refresh_token_days", "7")]).await;
    node.pass(7 * DAY + 30 * DAY - 1).await;
    assert_eq!(
        node.count("sessions").await,
        1,
        "an ended session is kept for a month, so that its tokens get the right error"
    );
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let login = Request::read("auth.login", &login.to_string()).expect("a request");
    let login = Incoming::now(login, None, Sender::default());
    node.engine.dispatch(login).await.expect("tokens");
    node.pass(HOUR).await;
    assert_eq!(node.count("sessions").await, 1, "the new one stays");
}

/// Creates tasks, large ones and then small ones, until the database is full.
async fn fill(node: &Node) {
    for description in ["long ".repeat(190), String::new()] {
        for n in 0.. {
            assert!(n < 5000, "the limit has no effect");
            let task = json!({ "title": format!("task {n}"), "description": description });
            if let Err(failure) = node.ask("task.create", &task, None).await {
                assert_eq!(failure.code, ErrorCode::StorageFull);
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_makes_room_in_a_full_database() {
    let settings = [
        ("database_max_bytes", "2000000"),
        ("log_retention_days", "1"),
        ("log_retention_events", "0"),
    ];
    let node = Node::start(Database::Sqlite, &settings).await;
    fill(&node).await;
    // restart, so that the writer finds the file full before retention has run
    let node = node.restarted().await;
    let runner = Runner::start(&node.engine, &Arc::new(node.settings.clone()), KINDS);
    eventually("a job that can be run", || async {
        node.engine.retry_job("retention", "").await.ok()
    })
    .await;
    eventually("its run", async || {
        let jobs = node.engine.jobs().await.expect("jobs");
        let job = jobs.iter().find(|job| job.kind == "retention")?;
        (job.holder.is_none() && job.due_at > Timestamp(Clock::system().now_ms())).then_some(())
    })
    .await;
    runner.stop(PATIENCE).await;
    assert!(node.count("log").await > 500);
    node.pass(2 * DAY).await;
    assert_eq!(node.count("log").await, 0);
    node.add(200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_part_of_retention_does_not_stop_the_other_parts() {
    let settings = [("log_retention_days", "1"), ("log_retention_events", "0")];
    let node = Node::start(Database::Sqlite, &settings).await;
    let op_id = serde_json::from_value(json!(uuid::Uuid::new_v4())).expect("an op_id");
    node.call("task.create", &json!({ "title": "once" }), Some(op_id))
        .await;
    let keep = "create trigger keep before delete on ops begin select raise(abort, 'kept'); end";
    node.server.database.execute(keep).await;
    node.clock.step(80 * DAY);
    let outcome = round(&node.engine, &node.settings).await;
    assert!(outcome.is_err(), "the failing part must be reported");
    assert_eq!(node.count("ops").await, 1);
    assert_eq!(node.count("sessions").await, 0);
    assert_eq!(node.count("log").await, 0);
}

async fn old_notifications_go_with_an_event_each(database: Database) {
    let node = Node::start(
        database,
        &[("notification_retention_days", "2"), ("in_flight", "200")],
    )
    .await;
    node.add(150).await; // after the welcome
    let read = node
        .ok("notification.list", &json!({ "limit": 1, "sort": "created_at" }))
        .await;
    let read = json!({ "id": read["items"][0]["id"], "is_read": true });
    node.call("notification.mark", &read, None).await;
    node.pass(47 * HOUR).await;
    let held = async || {
        let page = node.ok("notification.list", &json!({ "limit": 1 })).await;
        (
            page["total"].as_u64().expect("a total"),
            page["unread"].as_u64().expect("a count"),
        )
    };
    assert_eq!(held().await, (151, 150), "nothing is old");
    node.add(3).await;
    node.pass(2 * HOUR).await;
    assert_eq!(held().await, (3, 3));
    let stream = format!("user:{}", node.caller.user.id);
    let log = node
        .ok(
            "stream.history",
            &json!({ "stream": stream, "after": 0, "limit": 500 }),
        )
        .await;
    let events = log["events"].as_array().expect("events").iter();
    let gone: Vec<&Value> = events
        .filter(|event| event["event"] == "notification.deleted")
        .collect();
    assert_eq!(gone.len(), 151);
    assert_eq!(gone[0]["actor"]["kind"], "server");
    // the first one was read already
    assert_eq!(
        json!([gone[0]["data"]["unread"], gone[150]["data"]["unread"]]),
        json!([153, 3])
    );
    node.pass(DAY).await;
    assert_eq!(held().await, (3, 3), "young ones stay");
}

async fn notifications_without_retention_stay(database: Database) {
    let node = Node::start(database, &[("notification_retention_days", "0")]).await;
    node.add(2).await;
    node.pass(3650 * DAY).await;
    let page = node.ok("notification.list", &json!({})).await;
    assert_eq!(page["total"], 3);
}
