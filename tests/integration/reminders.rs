//! Reminders: each comes once, at its time, to whom it concerns; by mail to those who are not connected, who can end that.

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Node, Server, Team, eventually, http, mails};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use taskwire_protocol::Timestamp;

on_both_databases!(
    each_kind_comes_once_at_its_time_to_whom_it_concerns,
    what_had_passed_and_what_is_done_tells_nobody,
    a_restart_and_a_change_of_preferences_lose_and_repeat_nothing,
    clocks_that_step_an_hour_repeat_nothing_and_a_purge_leaves_no_alarm,
    who_is_not_connected_gets_a_mail_and_can_end_them,
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

/// The next notification about a task's time.
async fn told(client: &mut Client) -> (String, Value, i64) {
    let event = client
        .take("a reminder", |frame| {
            let types = ["TASK_REMINDER", "TASK_DUE", "TASK_OVERDUE"];
            let r#type = frame["data"]["type"].as_str().unwrap_or_default();
            frame["event"] == "notification.created" && types.contains(&r#type)
        })
        .await;
    assert_eq!(event["actor"], json!({ "kind": "server" }), "{event}");
    let data = &event["data"];
    let at = Timestamp::parse(&text(&data["created_at"])).expect("a time").0;
    (text(&data["type"]), data["task_id"].clone(), at)
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
        tasks.push(text(&told(&mut ada).await.1));
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

async fn who_is_not_connected_gets_a_mail_and_can_end_them(engine: Engine) {
    let public_url = "https://tasks.example.com";
    let server = Server::start(engine, &[("public_url", public_url)]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let tokens = ada.tokens.clone();
    ada.cut();
    let rpc = async |name: &str, data: Value| {
        let frame = json!({ "type": name, "id": 1, "data": data });
        let request = http::request(&server, Method::POST, "/v1/rpc");
        let token = text(&tokens["access_token"]);
        let answer = request
            .bearer_auth(token)
            .json(&frame)
            .send()
            .await
            .expect("an answer");
        answer.json().await.expect("JSON")["data"].clone()
    };
    let (_, remind_at) = ahead(300);
    // a title may have line breaks, and is one line in the subject and in the body
    let title = "Zoë's <b>bill</b>\r\nBcc: eve@example.com\r\n\r\nHello";
    rpc("task.create", json!({ "title": title, "remind_at": remind_at })).await;
    bob.ok("task.create", json!({ "title": "Bob's", "remind_at": remind_at }))
        .await;
    assert_eq!(told(&mut bob).await.0, "TASK_REMINDER");
    let mail = eventually("a mail", async || {
        mails::kept(&server)
            .into_iter()
            .find(|mail| mail.text.contains("List-Unsubscribe-Post"))
    })
    .await;
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert!(mail.header("To").contains("ada@example.com"), "{}", mail.text);
    let line = "&lt;b&gt;bill&lt;/b&gt; Bcc: eve@example.com Hello=E2=80=9D</p>";
    assert!(mail.text.contains(line), "{}", mail.text);
    let headers = mail.text.split("\n\n").next().expect("headers");
    assert!(
        headers.contains(" <b>bill</b> Bcc: eve@example.com\n ") && !headers.contains("\nBcc"),
        "{headers}"
    );
    let link = mail
        .header("List-Unsubscribe")
        .trim_matches(['<', '>'])
        .to_owned();
    let path = link.strip_prefix(public_url).expect("a link to this server");
    // programs that look at links change nothing
    let page = http::get(&server, path).await;
    assert_eq!(page.status(), 200);
    assert!(
        page.text()
            .await
            .expect("a page")
            .contains("<form method=\"post\">")
    );
    let version = rpc("profile.get", json!({})).await["version"]
        .as_i64()
        .expect("a version");
    let post = async |path: &str| {
        let request = http::request(&server, Method::POST, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request
            .body("List-Unsubscribe=One-Click")
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!(post("/v1/unsubscribe?token=nobody").await, 401);
    for _ in 0..2 {
        assert_eq!(post(path).await, 200);
        let profile = rpc("profile.get", json!({})).await;
        assert_eq!(profile["preferences"]["notifications"], json!({ "email": false }));
        assert_eq!(profile["version"], json!(version + 1));
    }
    // ada is told, and gets no further mail; neither does bob, who is connected
    let (_, remind_at) = ahead(200);
    rpc(
        "task.create",
        json!({ "title": "Second", "remind_at": remind_at }),
    )
    .await;
    eventually("the second reminder", async || {
        let page = rpc("notification.list", json!({})).await;
        let items = page["items"].as_array().expect("items").iter();
        (items.filter(|item| item["type"] == "TASK_REMINDER").count() == 2).then_some(())
    })
    .await;
    let sent = mails::kept(&server)
        .into_iter()
        .filter(|mail| mail.text.contains("List-Unsubscribe:"));
    assert_eq!(sent.count(), 1);
}
