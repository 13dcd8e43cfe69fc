//! Statistics equal a full count, whatever changed, in any time zone, on one instance and on several; `stats.changed` tells
//! that they changed.
//!
//! - `ground`   a workspace, and changes of it at random
//! - `cascades` what changes many tasks at once

mod cascades;
mod ground;

use crate::on_both_databases;
use crate::presence::instances;
use crate::support::follower::text;
use crate::support::{Client, Engine, Node, Server, Team, eventually};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use ground::{Dice, Ground};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;
use taskwire::engine::Engine as Instance;
use taskwire_protocol::Request;

on_both_databases!(
    statistics_equal_a_full_count_whatever_changes,
    a_change_of_many_tasks_and_a_log_that_does_not_reach_back_are_counted,
    stats_changed_comes_once_a_second_and_only_when_something_that_counts_changed,
    what_is_asked_for_is_checked,
    nothing_is_left_of_a_deleted_workspace
);

/// Zones with and without changes of clocks, and such that are no whole hours from UTC.
const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
];

const DAY_MS: i64 = 86_400_000;

/// All tasks of a workspace, deleted ones too.
async fn tasks(node: &Node, workspace: &str) -> Vec<Value> {
    let (mut tasks, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut data = json!({ "workspace_id": workspace, "status": "all", "limit": 100 });
        if !cursor.is_null() {
            data["cursor"] = cursor;
        }
        let mut page = node.ok("task.list", &data).await;
        tasks.append(page["items"].as_array_mut().expect("items"));
        cursor = page["next_cursor"].take();
        if cursor.is_null() {
            return tasks;
        }
    }
}

fn moment(at: &Value) -> Option<DateTime<Utc>> {
    Some(
        DateTime::parse_from_rfc3339(at.as_str()?)
            .expect("a time")
            .to_utc(),
    )
}

/// What `stats.get` must answer, counted task by task.
fn counted(tasks: &[Value], now: DateTime<Utc>, zone: &str, days: i64) -> Value {
    let zone: Tz = zone.parse().expect("a zone");
    let date = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let today = date(now);
    let is = |task: &Value, field: &str| task[field].as_bool().expect("a truth value");
    let (deleted, left): (Vec<_>, Vec<_>) = tasks.iter().partition(|task| is(task, "is_deleted"));
    let (completed, pending): (Vec<&Value>, Vec<&Value>) =
        left.iter().partition(|task| is(task, "completed"));
    let day_due = |task: &Value| -> Option<NaiveDate> {
        let due = moment(&task["due_at"])?;
        Some(if is(task, "all_day") {
            due.date_naive()
        } else {
            date(due)
        })
    };
    let is_over = |task: &Value| match moment(&task["due_at"]) {
        Some(due) if is(task, "all_day") => due.date_naive() < today,
        Some(due) => due < now,
        None => false,
    };
    let per_day = |tasks: &[&Value], field: &str| -> Vec<Value> {
        let dates: Vec<NaiveDate> = tasks
            .iter()
            .filter_map(|task| moment(&task[field]))
            .map(date)
            .collect();
        let wanted = (0..days).rev().map(|back| today - Duration::days(back));
        wanted
            .map(|day| {
                let count = dates.iter().filter(|date| **date == day).count();
                json!({ "date": day.to_string(), "count": count })
            })
            .collect()
    };
    let by = |keys: &dyn Fn(&Value) -> Vec<Value>| -> Value {
        let mut counts: BTreeMap<String, (Value, usize)> = BTreeMap::new();
        for key in pending.iter().flat_map(|task| keys(task)) {
            counts.entry(key.to_string()).or_insert((key, 0)).1 += 1;
        }
        let mut counts: Vec<_> = counts.into_values().collect();
        counts.sort_by_key(|(key, count)| (usize::MAX - count, key.as_str().unwrap_or_default().to_owned()));
        counts
            .into_iter()
            .map(|(key, count)| json!({ "key": key, "count": count }))
            .collect()
    };
    let mut by_priority: Vec<Value> =
        serde_json::from_value(by(&|task| vec![task["priority"].clone()])).expect("a list");
    by_priority.sort_by_key(|of| {
        ["urgent", "high", "medium", "low", "none"]
            .iter()
            .position(|word| of["key"] == *word)
    });
    json!({
        "total": left.len(), "pending": pending.len(), "completed": completed.len(), "deleted": deleted.len(),
        "overdue": pending.iter().filter(|task| is_over(task)).count(),
        "due_today": pending.iter().filter(|task| day_due(task) == Some(today)).count(),
        "created_per_day": per_day(&left, "created_at"), "completed_per_day": per_day(&completed, "completed_at"),
        "by_priority": by_priority,
        "by_project": by(&|task| vec![task["project_id"].clone()]),
        "by_assignee": by(&|task| match task["assignee_ids"].as_array().expect("a list") {
            ids if ids.is_empty() => vec![Value::Null],
            ids => ids.clone(),
        }),
    })
}

/// Compares the statistics of a workspace with a full count.
async fn compare(node: &Node, workspace: &str, what: &str) {
    let tasks = tasks(node, workspace).await;
    let now = DateTime::from_timestamp_millis(node.clock.now_ms()).expect("a time");
    for zone in ZONES {
        let days = 40;
        let data = json!({ "workspace_id": workspace, "days": days, "timezone": zone });
        let stats = node.ok("stats.get", &data).await;
        assert_eq!(stats, counted(&tasks, now, zone, days), "{what}, {zone}, {now}");
    }
}

async fn statistics_equal_a_full_count_whatever_changes(engine: Engine) {
    let seed = std::env::var("TASKWIRE_TEST_SEED").ok();
    let seed: u64 = seed.map_or_else(rand::random, |seed| seed.parse().expect("a number"));
    println!("TASKWIRE_TEST_SEED={seed} repeats this");
    let dice = &mut Dice(seed | 1);
    // an import asks whether the session lives
    let lasting = [("refresh_token_days", "365"), ("session_days", "365")];
    let node = Node::start(engine, &lasting).await;
    let mut ground = Ground::make(&node).await;
    compare(&node, &ground.workspace, "an empty workspace").await;
    for round in 0..24 {
        for _ in 0..12 {
            ground.change(dice).await;
        }
        // over the changes of clocks in March, at all times of day
        node.clock.step(dice.below(4 * DAY_MS as usize) as i64);
        let what = format!("TASKWIRE_TEST_SEED={seed}, round {round}");
        compare(&node, &ground.workspace, &what).await;
    }
    // the personal workspace, in one's own zone
    node.ok("profile.update", &json!({ "timezone": "Asia/Tokyo" }))
        .await;
    node.ok("task.create", &json!({ "title": "Mine" })).await;
    let own = node.ok("stats.get", &json!({})).await;
    let now = DateTime::from_timestamp_millis(node.clock.now_ms()).expect("a time");
    let tasks = tasks(&node, &node.caller.personal.to_string()).await;
    assert_eq!(own, counted(&tasks, now, "Asia/Tokyo", 30));
    // days on which nothing is left take no place
    let empty = "select cast(count(*) as text) from tally_days where count = 0";
    assert_eq!(node.server.database.texts(empty).await, ["0"]);
}

async fn a_change_of_many_tasks_and_a_log_that_does_not_reach_back_are_counted(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    let ground = Ground::make(&node).await;
    let (dice, project) = (&mut Dice(7), &ground.projects[0]);
    for _ in 0..11 {
        let ops: Vec<Value> = (0..100)
            .map(|_| {
                let mut data = ground.create(dice);
                data["project_id"] = json!(project);
                json!({ "type": "task.create", "data": data })
            })
            .collect();
        node.ok("batch", &json!({ "ops": ops })).await;
    }
    compare(&node, &ground.workspace, "the first time").await;
    // one event for all of its tasks
    node.ok("project.delete", &json!({ "id": project })).await;
    compare(&node, &ground.workspace, "a deleted project").await;

    let all = tasks(&node, &ground.workspace).await;
    for task in all.iter().take(30) {
        node.ok("task.complete", &json!({ "id": task["id"] })).await;
    }
    for task in all.iter().skip(30).take(30) {
        node.ok("task.delete", &json!({ "id": task["id"], "permanent": true }))
            .await;
    }
    node.server
        .database
        .execute("delete from log where task_id is not null")
        .await;
    node.ok("task.create", &ground.create(dice)).await;
    compare(&node, &ground.workspace, "a log that lost entries").await;
}

async fn stats_changed_comes_once_a_second_and_only_when_something_that_counts_changed(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut viewer,
        ..
    } = Team::gather(&server).await;
    let mut stranger = Client::sign_up(&server, "stranger").await;
    let begun = Instant::now();
    let mut id = Value::Null;
    for _ in 0..40 {
        let data = json!({ "workspace_id": workspace, "title": "Count me" });
        id = owner.ok("task.create", data).await["id"].clone();
    }
    let signal = viewer.signal("stats.changed").await;
    assert_eq!(signal["data"], json!({ "workspace_id": workspace }));
    // one more after the last change
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let stats = viewer.ok("stats.get", json!({ "workspace_id": workspace })).await;
    assert_eq!((&stats["total"], &stats["pending"]), (&json!(40), &json!(40)));
    let seconds = begun.elapsed().as_secs() as usize + 1;
    let number = std::iter::from_fn(|| viewer.took("stats.changed")).count();
    assert!((1..=seconds).contains(&number), "{number} more in {seconds} s");

    owner
        .ok("task.update", json!({ "id": id, "title": "Another title" }))
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    viewer.ok("profile.get", json!({})).await;
    assert_eq!(viewer.took("stats.changed"), None, "a title counts for nothing");
    owner.ok("task.complete", json!({ "id": id })).await;
    viewer.signal("stats.changed").await;
    stranger.ok("profile.get", json!({})).await;
    assert_eq!(stranger.took("stats.changed"), None);
    let refused = stranger
        .refused("stats.get", json!({ "workspace_id": workspace }))
        .await;
    assert_eq!(refused["code"], "NOT_FOUND");
}

async fn what_is_asked_for_is_checked(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    for (data, field) in [
        (json!({ "days": 0 }), "days"),
        (json!({ "days": 367 }), "days"),
        (json!({ "timezone": "Mars/Olympus" }), "timezone"),
    ] {
        let failure = node.ask("stats.get", &data, None).await.expect_err("a refusal");
        assert_eq!(failure.field.as_deref(), Some(field), "{data}");
    }
    let year = node
        .ok("stats.get", &json!({ "days": 366, "timezone": " Europe/Paris " }))
        .await;
    assert_eq!(year["created_per_day"].as_array().map(Vec::len), Some(366));
    let month = node.ok("stats.get", &json!({})).await;
    assert_eq!(month["completed_per_day"].as_array().map(Vec::len), Some(30));
}

async fn nothing_is_left_of_a_deleted_workspace(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut owner = Client::sign_up(&server, "owner").await;
    let team = text(&owner.ok("workspace.create", json!({ "name": "Team" })).await["id"]);
    let data = json!({ "workspace_id": team, "title": "Count me", "due_at": "2026-12-24T18:00:00Z" });
    let gone = owner.ok("task.create", data.clone()).await;
    owner.ok("task.create", data).await;
    owner.ok("stats.get", json!({ "workspace_id": team })).await;
    // counted, and gone before the next count
    owner
        .ok("task.delete", json!({ "id": gone["id"], "permanent": true }))
        .await;
    owner
        .ok("workspace.delete", json!({ "workspace_id": team }))
        .await;
    eventually("its statistics are erased", async || {
        let mut left = 0;
        for table in ["tallies", "task_facts", "tally_counts", "tally_days"] {
            let count = format!("select cast(count(*) as text) from {table}");
            left += server.database.texts(&count).await[0]
                .parse::<u64>()
                .expect("a number");
        }
        (left == 0).then_some(())
    })
    .await;
}

/// Two instances write and count at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_count_at_once_count_right() {
    let node = Node::start(Engine::Postgres, &[]).await;
    let ground = Ground::make(&node).await;
    let other = Instance::start(&node.settings, node.clock.clone())
        .await
        .expect("another");
    let dice = &mut Dice(11);
    let acts: Vec<(String, Value)> = (0..120)
        .map(|i| match i % 4 {
            0 => (
                "stats.get".to_owned(),
                json!({ "workspace_id": ground.workspace }),
            ),
            _ => ("task.create".to_owned(), ground.create(dice)),
        })
        .collect();
    let acting = acts.iter().enumerate().map(|(i, (name, data))| {
        let instance = if i % 2 == 0 { &node.engine } else { &other };
        let request = Request::read(name, &data.to_string()).expect("a request");
        instance.call(&node.caller, request, None)
    });
    for answer in futures_util::future::join_all(acting).await {
        answer.expect("an answer");
    }
    compare(&node, &ground.workspace, "two instances").await;
    other.stop().await;
}

/// Two instances write in one workspace, and each signals to its own watchers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stats_changed_comes_once_a_second_on_every_instance() {
    let servers = instances(2).await;
    let Team {
        workspace,
        mut owner,
        admin,
        viewer,
        ..
    } = Team::gather(&servers[0]).await;
    let mut there = admin.another(&servers[1]).await;
    let mut watchers = [
        viewer.another(&servers[0]).await,
        viewer.another(&servers[1]).await,
    ];
    let counts = json!({ "workspace_id": workspace });
    // a change here is signalled there, once that instance hears this one
    eventually("a signal on the other instance", async || {
        owner
            .ok(
                "task.create",
                json!({ "workspace_id": workspace, "title": "First" }),
            )
            .await;
        watchers[1].ok("profile.get", json!({})).await;
        watchers[1].took("stats.changed")
    })
    .await;
    let begun = Instant::now();
    for watcher in &mut watchers {
        watcher.ok("profile.get", json!({})).await;
        while watcher.took("stats.changed").is_some() {}
    }
    let first = owner.ok("stats.get", counts.clone()).await["total"]
        .as_u64()
        .expect("a number");
    let many = |n: usize| json!({ "workspace_id": workspace, "title": format!("{n}") });
    for n in 0..40 {
        let asked = [
            owner.ask("task.create", many(n)).await,
            there.ask("task.create", many(n)).await,
        ];
        assert_eq!(owner.answer(asked[0]).await["type"], "ok");
        assert_eq!(there.answer(asked[1]).await["type"], "ok");
    }
    // one more after the last change
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    for (watcher, other) in watchers.iter_mut().zip([&mut owner, &mut there]) {
        assert_eq!(watcher.ok("stats.get", counts.clone()).await["total"], first + 80);
        let seconds = begun.elapsed().as_secs() as usize + 1;
        let number = std::iter::from_fn(|| watcher.took("stats.changed")).count();
        assert!((1..=seconds).contains(&number), "{number} in {seconds} s");
        let stats = other.ok("stats.get", counts.clone()).await;
        assert_eq!(stats["total"], first + 80);
    }
}
