//! Reminders: each comes once, at its time, to whom it concerns. `mails` has those by mail.

mod mails;

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Node, Server, Team, eventually};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use taskwire_protocol::Timestamp;

on_both_databases!(
    each_kind_comes_once_at_its_time_to_whom_it_concerns,
    what_had_passed_and_what_is_done_tells_nobody,
    a_restart_and_a_change_of_preferences_lose_and_repeat_nothing,
    clocks_that_step_an_hour_repeat_nothing_and_a_purge_leaves_no_alarm,
    who_leaves_a_task_and_comes_back_is_not_told_again,
    who_is_a_member_again_is_told_about_own_tasks,
);

/// How late a reminder may come.
const LATE_MS: i64 = 2000;

#[allow(clippy::disallowed_methods, reason = "a client has no clock but the system's")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("a time")
}

/// A moment, so many milliseconds from now; and as JSON.
fn ahead(ms: i64) -> (i64, Value) {
    let at = now() + ms;
    (at, json!(Timestamp(at)))
}

/// The next notification about a task's time, and when it arrived.
async fn told(client: &mut Client) -> (String, Value, i64) {
    let event = client
        .take("a reminder", |frame| {
            let types = ["TASK_REMINDER", "TASK_DUE", "TASK_OVERDUE"];
            let r#type = frame["data"]["type"].as_str().unwrap_or_default();
            frame["event"] == "notification.created" && types.contains(&r#type)
        })
        .await;
    let arrived = now();
    assert_eq!(event["actor"], json!({ "kind": "server" }), "{event}");
    let data = &event["data"];
    (text(&data["type"]), data["task_id"].clone(), arrived)
}

/// How often each type was told, by what the user has.
async fn counts(client: &mut Client) -> BTreeMap<String, usize> {
    let page = client.ok("notification.list", json!({ "limit": 100 })).await;
    let mut counts = BTreeMap::new();
    for item in page["items"].as_array().expect("items") {
        let r#type = text(&item["type"]);
        if ["TASK_REMINDER", "TASK_DUE", "TASK_OVERDUE"].contains(&&*r#type) {
            *counts.entry(r#type).or_default() += 1;
        }
    }
    counts
}

async fn each_kind_comes_once_at_its_time_to_whom_it_concerns(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (reminds, remind_at) = ahead(1200);
    let (due, due_at) = ahead(1600);
    let (hour_ago, was_due_at) = ahead(2000 - 3_600_000);
    let task = json!({ "workspace_id": team.workspace, "title": "Pay rent", "remind_at": remind_at, "due_at": due_at,
        "assignee_ids": [team.member.user_id(), team.viewer.user_id()] });
    let task = team.owner.ok("task.create", task).await["id"].clone();
    let late = team
        .owner
        .ok("task.create", json!({ "title": "Late", "due_at": was_due_at }))
        .await["id"]
        .clone();
    let expected = [("TASK_REMINDER", &task, reminds), ("TASK_DUE", &task, due)];
    for client in [&mut team.member, &mut team.viewer] {
        for (r#type, task, at) in expected {
            let (told, of, told_at) = told(client).await;
            assert_eq!((&*told, &of), (r#type, task));
            assert!(
                (at..at + LATE_MS).contains(&told_at),
                "{told}: {} ms late",
                told_at - at
            );
        }
    }
    // a task without assignees is its creator's, and nobody else's
    let (told, of, told_at) = told(&mut team.owner).await;
    assert_eq!((&*told, of), ("TASK_OVERDUE", late));
    let at = hour_ago + 3_600_000;
    assert!((at..at + LATE_MS).contains(&told_at), "{} ms late", told_at - at);
    assert_eq!(
        counts(&mut team.owner).await,
        BTreeMap::from([("TASK_OVERDUE".to_owned(), 1)])
    );
    assert_eq!(counts(&mut team.admin).await, BTreeMap::new());
}

async fn what_had_passed_and_what_is_done_tells_nobody(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (_, long_ago) = ahead(-7_200_000);
    let (_, soon) = ahead(1000);
    let (_, last) = ahead(1400);
    let old = json!({ "title": "Old", "remind_at": long_ago, "due_at": long_ago });
    ada.ok("task.create", old).await;
    for (title, act) in [("Done", "task.complete"), ("Gone", "task.delete")] {
        let data = json!({ "title": title, "remind_at": soon, "due_at": soon });
        let id = ada.ok("task.create", data).await["id"].clone();
        ada.ok(act, json!({ "id": id })).await;
    }
    // postponed, and without a date after all
    let moved = ada
        .ok("task.create", json!({ "title": "Moved", "remind_at": soon }))
        .await["id"]
        .clone();
    ada.ok(
        "task.update",
        json!({ "id": moved, "remind_at": "2100-01-01T00:00:00Z" }),
    )
    .await;
    let plain = ada
        .ok("task.create", json!({ "title": "Plain", "due_at": soon }))
        .await["id"]
        .clone();
    ada.ok("task.update", json!({ "id": plain, "due_at": null }))
        .await;
    let kept = ada
        .ok("task.create", json!({ "title": "Kept", "remind_at": last }))
        .await["id"]
        .clone();
    let (told, of, _) = told(&mut ada).await;
    assert_eq!((&*told, of), ("TASK_REMINDER", kept));
    assert_eq!(counts(&mut ada).await.values().sum::<usize>(), 1);
}

async fn a_restart_and_a_change_of_preferences_lose_and_repeat_nothing(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    // due in an hour, of which ada wants to know an hour before: soon
    let (_, due_at) = ahead(3_600_000 + 1500);
    let due = ada
        .ok("task.create", json!({ "title": "Due", "due_at": due_at }))
        .await["id"]
        .clone();
    let preferences = json!({ "notifications": { "due_lead_minutes": 60 } });
    ada.ok("profile.update", json!({ "preferences": preferences }))
        .await;
    let (told_type, of, at) = told(&mut ada).await;
    let due_ms = Timestamp::parse(&text(&due_at)).expect("a time").0;
    assert_eq!((&*told_type, of), ("TASK_DUE", due.clone()));
    assert!((due_ms - 3_600_000..due_ms - 3_600_000 + LATE_MS).contains(&at));
    // another lead does not tell it again, and a task may be due in less than the lead
    let preferences = json!({ "notifications": { "due_lead_minutes": 90 } });
    ada.ok("profile.update", json!({ "preferences": preferences }))
        .await;
    let (_, soon) = ahead(600_000);
    let soon = ada
        .ok("task.create", json!({ "title": "Soon", "due_at": soon }))
        .await["id"]
        .clone();
    assert_eq!(told(&mut ada).await.1, soon);
    // a reminder whose time comes while the server is away
    let (_, remind_at) = ahead(500);
    ada.ok("task.create", json!({ "title": "Away", "remind_at": remind_at }))
        .await;
    server.kill();
    tokio::time::sleep(Duration::from_millis(600)).await;
    server.spawn();
    let mut ada = ada.another(&server).await;
    eventually("all of them", async || {
        (counts(&mut ada).await.values().sum::<usize>() == 3).then_some(())
    })
    .await;
    let all = BTreeMap::from([("TASK_DUE".to_owned(), 2), ("TASK_REMINDER".to_owned(), 1)]);
    assert_eq!(counts(&mut ada).await, all);
}

async fn clocks_that_step_an_hour_repeat_nothing_and_a_purge_leaves_no_alarm(engine: Engine) {
    const HOUR: i64 = 3_600_000;
    let mut node = Node::start(engine, &[]).await;
    let at = |ms: i64| json!(Timestamp(node.clock.now_ms() + ms));
    let all = json!({ "title": "T", "remind_at": at(HOUR / 2), "due_at": at(HOUR / 2), "recurrence": "FREQ=DAILY" });
    let id = node.ok("task.create", &all).await["id"].clone();
    // the one in Samoa is due a day later than the one in Kiribati
    let day = json!({ "title": "D", "due_at": "2026-02-03T00:00:00Z", "all_day": true });
    node.ok("task.create", &day).await;
    node.ok("profile.update", &json!({ "timezone": "Pacific/Kiritimati" }))
        .await;
    let told = async |node: &Node| {
        while node.engine.look_at_alarms().await.expect("a look").is_zero() {}
        let page = node.ok("notification.list", &json!({ "limit": 100 })).await;
        let types = page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| text(&item["type"]));
        let is_time = |name: &String| ["TASK_REMINDER", "TASK_DUE", "TASK_OVERDUE"].contains(&&**name);
        types.filter(is_time).count()
    };
    assert_eq!(told(&node).await, 0);
    node.clock.step(HOUR);
    assert_eq!(told(&node).await, 2);
    node.clock.step(-HOUR);
    assert_eq!(told(&node).await, 2);
    node = node.restarted().await;
    node.clock.step(HOUR);
    assert_eq!(told(&node).await, 2);
    node.clock.step(HOUR);
    assert_eq!(told(&node).await, 3, "overdue");
    // the day begins in Kiribati on the 2nd at ten, UTC
    let begins = Timestamp::parse("2026-02-02T10:00:00Z").expect("a time").0;
    node.clock.step(begins - 1 - node.clock.now_ms());
    assert_eq!(told(&node).await, 3);
    node.clock.step(1);
    assert_eq!(told(&node).await, 4);
    node.clock.step(24 * HOUR);
    assert_eq!(told(&node).await, 5, "the day is over");
    assert_eq!(node.count("alarms").await, 0);
    // alarms and places of repeating tasks go with their task
    node.ok(
        "task.update",
        &json!({ "id": id, "due_at": "2100-01-01T00:00:00Z", "remind_at": null }),
    )
    .await;
    assert_eq!(node.count("alarms").await, 2);
    node.ok("task.complete", &json!({ "id": id })).await;
    let next = node
        .ok("task.list", &json!({ "due_after": "2100-01-01T12:00:00Z" }))
        .await["items"][0]["id"]
        .clone();
    assert_eq!((node.count("alarms").await, node.count("repeats").await), (4, 2));
    for id in [id, next] {
        node.ok("task.delete", &json!({ "id": id, "permanent": true }))
            .await;
    }
    assert_eq!((node.count("alarms").await, node.count("repeats").await), (0, 0));
}

/// One of three instances dies while hundreds of alarms ring; each rings once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_comes_once_on_several_instances_one_of_which_dies() {
    const TASKS: usize = 300;
    let mut servers = Server::start_several(3, &[]).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let (at, remind_at) = ahead(4000);
    for n in 0..TASKS / 100 {
        let ops: Vec<Value> = (0..100)
            .map(|i| json!({ "type": "task.create", "data": { "title": format!("{n} {i}"), "remind_at": remind_at } }))
            .collect();
        ada.ok("batch", json!({ "ops": ops })).await;
    }
    assert!(now() < at, "they were made in time");
    tokio::time::sleep(Duration::from_millis((at - now()).unsigned_abs() + 30)).await;
    servers[2].kill();
    let mut tasks = Vec::new();
    while tasks.len() < TASKS {
        let (_, task, arrived) = told(&mut ada).await;
        let late = arrived - at;
        // what the dead instance had taken is looked at again after ten seconds
        assert!((0..10_000 + LATE_MS).contains(&late), "{late} ms late");
        tasks.push(text(&task));
    }
    tasks.sort_unstable();
    tasks.dedup();
    assert_eq!(tasks.len(), TASKS);
    // whatever another instance still holds
    tokio::time::sleep(Duration::from_secs(1)).await;
    let more = ada.events_so_far().await;
    assert!(
        more.iter().all(|event| event["data"]["type"] != "TASK_REMINDER"),
        "{more:?}"
    );
}

/// Whether a person is told again what they were told before.
async fn who_leaves_a_task_and_comes_back_is_not_told_again(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let lead = json!({ "preferences": { "notifications": { "due_lead_minutes": 60 } } });
    for client in [&mut team.owner, &mut team.member, &mut team.viewer] {
        client.ok("profile.update", lead.clone()).await;
    }
    let (admin, member, workspace) = (
        team.admin.user_id(),
        team.member.user_id(),
        team.workspace.clone(),
    );
    let (_, due_at) = ahead(1_800_000);
    let (_, remind_at) = ahead(800);
    // one that is the member's, and one without assignees, which is its creator's
    let given = json!({ "workspace_id": workspace, "title": "Given", "due_at": due_at, "remind_at": remind_at,
        "assignee_ids": [member] });
    let given = team.admin.ok("task.create", given).await["id"].clone();
    let own = json!({ "workspace_id": workspace, "title": "Own", "due_at": due_at });
    let own = team.owner.ok("task.create", own).await["id"].clone();
    assert_eq!(told(&mut team.owner).await.0, "TASK_DUE");
    // on a slow machine both may be due at one look
    let mut both = [told(&mut team.member).await.0, told(&mut team.member).await.0];
    both.sort();
    assert_eq!(both, ["TASK_DUE", "TASK_REMINDER"]);
    for (task, person, acts) in [
        (&given, &member, ["remove", "add"]),
        (&own, &admin, ["add", "remove"]),
        (&given, &member, ["remove", "add"]),
    ] {
        for act in acts {
            let assign = json!({ "id": task, act: [person] });
            team.owner.ok("task.assign", assign).await;
        }
    }
    // who gets the task only now is told, and so are both about what comes later
    let assign = json!({ "id": given, "add": [team.viewer.user_id()] });
    team.owner.ok("task.assign", assign).await;
    let (_, remind_at) = ahead(1500);
    for person in [&mut team.owner, &mut team.member] {
        let last = json!({ "title": "Last", "remind_at": remind_at });
        person.ok("task.create", last).await;
        told(person).await;
    }
    let kinds = |due: usize, reminders: usize| {
        BTreeMap::from([
            ("TASK_DUE".to_owned(), due),
            ("TASK_REMINDER".to_owned(), reminders),
        ])
    };
    assert_eq!(counts(&mut team.owner).await, kinds(1, 1));
    assert_eq!(counts(&mut team.member).await, kinds(1, 2));
    assert_eq!(counts(&mut team.viewer).await.get("TASK_DUE"), Some(&1));
    // another date is told anew
    let (_, due_at) = ahead(2_400_000);
    let later = json!({ "id": given, "due_at": due_at });
    team.owner.ok("task.update", later).await;
    let (r#type, task, _) = told(&mut team.member).await;
    assert_eq!((&*r#type, task), ("TASK_DUE", given));
}

async fn who_is_a_member_again_is_told_about_own_tasks(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (member, workspace) = (team.member.user_id(), team.workspace.clone());
    let (_, remind_at) = ahead(600);
    let (_, due_at) = ahead(3000);
    let soon = json!({ "workspace_id": workspace, "title": "Soon", "remind_at": remind_at });
    team.member.ok("task.create", soon).await;
    let own = json!({ "workspace_id": workspace, "title": "Own", "due_at": due_at });
    let own = team.member.ok("task.create", own).await["id"].clone();
    let remove = json!({ "workspace_id": workspace, "user_id": member });
    team.owner.ok("member.remove", remove).await;
    // after the second of these the first task has been looked at
    for title in ["First", "Second"] {
        let (_, remind_at) = ahead(700);
        let data = json!({ "title": title, "remind_at": remind_at });
        team.owner.ok("task.create", data).await;
        told(&mut team.owner).await;
    }
    let add = json!({ "workspace_id": workspace, "username": "member", "role": "member" });
    team.owner.ok("member.add", add).await;
    let (r#type, task, _) = told(&mut team.member).await;
    assert_eq!((&*r#type, task), ("TASK_DUE", own));
}
