//! `GET /v1/calendar/{secret}.ics`: what is in a person's calendar feed, who reads it, and how it ends. The calendars are
//! read by another library.

use crate::on_both_databases;
use crate::support::http::{Response, request};
use crate::support::{Client, Engine, PASSWORD, Server, Team, secrets, text};
use icalendar::parser::{read_calendar, unfold};
use reqwest::Method;
use rrule::RRuleSet;
use serde_json::{Value, json};
use taskwire_protocol::Timestamp;

on_both_databases!(
    a_feed_has_the_pending_tasks_with_a_date_of_one_person,
    a_feed_ends_when_it_is_revoked_replaced_or_its_account_is_locked_up,
    a_feed_that_has_not_changed_is_not_sent_again,
    a_series_has_the_dates_in_a_calendar_that_it_has_here,
    a_series_goes_on_in_a_calendar_from_where_it_stands,
);

/// Where the feed is, as `calendar.create` answered it: the path, which has the secret.
async fn make(client: &mut Client) -> String {
    let made = client.ok("calendar.create", json!({})).await;
    let (url, secret) = (text(&made["url"]).to_owned(), text(&made["secret"]).to_owned());
    // the name of the file must not be in a log either
    secrets::note_text(&format!("{secret}.ics"));
    assert!(
        secret.starts_with("tw_cal_") && secret.len() == 56,
        "another secret"
    );
    let path = format!("/v1/calendar/{secret}.ics");
    assert!(url.ends_with(&path), "the address does not have the secret");
    path
}

/// Asks without any authentication.
async fn get(server: &Server, path: &str) -> Response {
    request(server, Method::GET, path)
        .send()
        .await
        .expect("an answer")
}

/// The titles in a feed that must be there, in their order.
async fn titles(server: &Server, path: &str) -> Vec<String> {
    let answer = get(server, path).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/calendar; charset=utf-8");
    assert_eq!(answer.headers()["cache-control"], "private, no-cache");
    let feed = answer.text().await.expect("a whole feed");
    let unfolded = unfold(&feed);
    let calendar = read_calendar(&unfolded).expect("a calendar");
    let shown = calendar
        .components
        .iter()
        .filter(|component| component.name != "VTIMEZONE");
    let title = shown.map(|component| {
        let summary = component
            .properties
            .iter()
            .find(|property| property.name == "SUMMARY");
        summary.expect("a title").val.as_str().to_owned()
    });
    title.collect()
}

async fn is_gone(server: &Server, path: &str) {
    let answer = get(server, path).await;
    assert_eq!(answer.status(), 404);
    let error: Value = answer.json().await.expect("an error");
    assert_eq!(
        (&error["success"], &error["error"]["code"]),
        (&json!(false), &json!("NOT_FOUND"))
    );
}

async fn a_feed_has_the_pending_tasks_with_a_date_of_one_person(engine: Engine) {
    let server = Server::start(engine, &[("public_url", "https://tasks.example.com/at/")]).await;
    let mut team = Team::gather(&server).await;
    let id = team.workspace.clone();
    let made = team.member.ok("calendar.create", json!({})).await;
    let url = text(&made["url"]);
    let path = url
        .strip_prefix("https://tasks.example.com/at")
        .expect("the server's own address")
        .to_owned();
    assert!(titles(&server, &path).await.is_empty());

    let me = team.member.user_id();
    let due = |day: u32| format!("2027-01-{day:02}T09:00:00.000Z");
    let of_team = |title: &str, day: u32| json!({ "workspace_id": id, "title": title, "due_at": due(day) });
    let with = |mut task: Value, name: &str, value: Value| {
        task[name] = value;
        task
    };
    let owner = &mut team.owner;
    owner
        .ok(
            "task.create",
            with(of_team("assigned", 3), "assignee_ids", json!([me])),
        )
        .await;
    owner.ok("task.create", of_team("somebody else's", 3)).await;
    let done = with(of_team("done", 3), "assignee_ids", json!([me]));
    owner.ok("task.create", with(done, "stage", json!("done"))).await;
    let mine = &mut team.member;
    mine.ok("task.create", of_team("created", 2)).await;
    let given = with(
        of_team("given away", 2),
        "assignee_ids",
        json!([team.owner.user_id()]),
    );
    mine.ok("task.create", given).await;
    mine.ok("task.create", json!({ "title": "my own", "due_at": due(1) }))
        .await;
    mine.ok("task.create", json!({ "title": "without a date" })).await;
    let gone = mine
        .ok("task.create", json!({ "title": "deleted", "due_at": due(1) }))
        .await;
    mine.ok("task.delete", json!({ "id": gone["id"] })).await;
    let both = with(of_team("created and assigned", 4), "assignee_ids", json!([me]));
    mine.ok("task.create", both).await;
    assert_eq!(
        titles(&server, &path).await,
        ["my own", "created", "assigned", "created and assigned"]
    );
    let feed = get(&server, &path).await.text().await.expect("a feed");
    assert_eq!(
        (feed.matches("BEGIN:VTODO").count(), feed.contains("VEVENT")),
        (4, false)
    );
    let events = format!("{path}?as=events");
    let feed = get(&server, &events).await.text().await.expect("a feed");
    assert_eq!(
        (feed.matches("BEGIN:VEVENT").count(), feed.contains("VTODO")),
        (4, false)
    );
    assert_eq!(get(&server, &format!("{path}?as=list")).await.status(), 422);

    // what a person may not read any more is not in their feed
    let removed = json!({ "workspace_id": id, "user_id": me });
    team.owner.ok("member.remove", removed).await;
    assert_eq!(titles(&server, &path).await, ["my own"]);
}

async fn a_feed_ends_when_it_is_revoked_replaced_or_its_account_is_locked_up(engine: Engine) {
    let operator = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];
    let server = Server::start(engine, &operator).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let first = make(&mut ada).await;
    assert!(titles(&server, &first).await.is_empty());
    let event = ada.event("calendar.created").await;
    assert!(event["data"]["created_at"].is_string() && event["data"]["secret"].is_null());
    let told = ada.event("notification.created").await;
    assert_eq!(told["data"]["type"], "SECURITY", "{told}");

    let second = make(&mut ada).await;
    is_gone(&server, &first).await;
    assert!(titles(&server, &second).await.is_empty());
    ada.ok("calendar.revoke", json!({})).await;
    ada.event("calendar.revoked").await;
    is_gone(&server, &second).await;
    // a second time it changes nothing
    let again = ada.call("calendar.revoke", json!({})).await;
    assert_eq!((&again["type"], &again["at"]), (&json!("ok"), &json!({})));

    // like API tokens it outlives another password, and ends with a deactivation
    let third = make(&mut ada).await;
    let passwords = json!({ "current_password": PASSWORD, "new_password": "coffee at a quarter to nine" });
    ada.ok("auth.change_password", passwords).await;
    assert!(titles(&server, &third).await.is_empty());
    let mut chief = Client::log_in(&server, "op").await;
    let asked = json!({ "id": ada.user_id(), "is_active": false });
    chief.ok("admin.user.update", asked).await;
    is_gone(&server, &third).await;
    chief
        .ok(
            "admin.user.update",
            json!({ "id": ada.user_id(), "is_active": true }),
        )
        .await;
    is_gone(&server, &third).await;

    let mut bob = Client::sign_up(&server, "bob").await;
    let of_bob = make(&mut bob).await;
    bob.ok("profile.delete", json!({ "password": PASSWORD })).await;
    is_gone(&server, &of_bob).await;
    for wrong in ["", ".ics", "tw_cal_.ics", "a.ics", &third[13..60]] {
        is_gone(&server, &format!("/v1/calendar/{wrong}")).await;
    }
    let token = chief.ok("api_token.create", json!({ "name": "ci" })).await;
    let asked = request(&server, Method::POST, "/v1/rpc").bearer_auth(text(&token["token"]));
    let asked = asked.json(&json!({ "type": "calendar.create", "data": {} }));
    assert_eq!(asked.send().await.expect("an answer").status(), 403);
}

async fn a_feed_that_has_not_changed_is_not_sent_again(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let path = make(&mut ada).await;
    let task = json!({ "title": "Dentist", "due_at": "2027-01-01T09:00:00.000Z" });
    let task = ada.ok("task.create", task).await;
    let answer = get(&server, &path).await;
    let tag = answer.headers()["etag"].to_str().expect("a tag").to_owned();
    let feed = answer.text().await.expect("a feed");
    assert_eq!(get(&server, &path).await.text().await.expect("a feed"), feed);
    let knowing = async |tag: &str| {
        let asked = request(&server, Method::GET, &path).header("if-none-match", tag);
        asked.send().await.expect("an answer")
    };
    let same = knowing(&tag).await;
    assert_eq!(
        (same.status().as_u16(), same.headers()["etag"].to_str().ok()),
        (304, Some(&*tag))
    );
    assert_eq!(same.text().await.expect("nothing"), "");
    ada.ok("task.update", json!({ "id": task["id"], "title": "Doctor" }))
        .await;
    let changed = knowing(&tag).await;
    assert_eq!(changed.status(), 200);
    assert!(changed.headers()["etag"].to_str().is_ok_and(|other| other != tag));
    ada.ok("task.complete", json!({ "id": task["id"] })).await;
    assert_eq!(knowing(&tag).await.status(), 200);
    assert!(titles(&server, &path).await.is_empty());
}

/// The file with all tasks of a workspace.
async fn exported(server: &Server, client: &Client, workspace: &str) -> String {
    let path = format!("/v1/export?format=ics&workspace_id={workspace}");
    let asked = request(server, Method::GET, &path).bearer_auth(text(&client.tokens["access_token"]));
    let answer = asked.send().await.expect("an answer");
    answer.text().await.expect("a whole calendar")
}

/// The lines of a component of this task, one a property.
fn component(calendar: &str, title: &str) -> Vec<String> {
    let unfolded = unfold(calendar);
    let summary = format!("SUMMARY:{title}");
    let mut lines: Vec<String> = Vec::new();
    for line in unfolded.lines() {
        if line == "BEGIN:VTODO" {
            lines.clear();
        }
        lines.push(line.to_owned());
        if line == "END:VTODO" && lines.contains(&summary) {
            return lines;
        }
    }
    panic!("no {title} in {unfolded}")
}

/// The first dates of a component that repeats, as a program computes them that knows the names of time zones.
fn dates(component: &[String], most: u16) -> Vec<i64> {
    let series = component
        .iter()
        .filter(|line| line.starts_with("DTSTART") || line.starts_with("RRULE"));
    let series = series.cloned().collect::<Vec<_>>().join("\n");
    let set: RRuleSet = series.parse().unwrap_or_else(|error| panic!("{series}: {error}"));
    let dates = set.all(most).dates.into_iter();
    dates.map(|date| date.timestamp_millis()).collect()
}

fn due(task: &Value) -> i64 {
    Timestamp::parse(text(&task["due_at"])).expect("a time").0
}

/// Completes a task that repeats, and returns the next one.
async fn complete(client: &mut Client, task: &Value) -> Value {
    client.ok("task.complete", json!({ "id": task["id"] })).await;
    loop {
        let event = client.event("task.created").await;
        // others' events arrive too
        if event["actor"]["kind"] == "server" && event["data"]["title"] == task["title"] {
            return event["data"].clone();
        }
    }
}

/// Series of several people, each in their own time zone, over changes of their clocks.
const SERIES: [(&str, &str, &str); 7] = [
    ("Europe/Berlin", "2027-03-21T23:30:00Z", "FREQ=WEEKLY;BYDAY=MO"),
    (
        "Europe/Berlin",
        "2027-10-28T21:59:00Z",
        "FREQ=DAILY;UNTIL=20271106",
    ),
    (
        "America/New_York",
        "2027-03-08T04:30:00Z",
        "FREQ=WEEKLY;BYDAY=SU;UNTIL=20270331T043000Z",
    ),
    (
        "America/New_York",
        "2027-10-16T02:00:00Z",
        "FREQ=DAILY;INTERVAL=3",
    ),
    (
        "Asia/Kathmandu",
        "2027-03-31T18:30:00Z",
        "FREQ=MONTHLY;BYMONTHDAY=1",
    ),
    (
        "Australia/Lord_Howe",
        "2027-03-31T13:15:00Z",
        "FREQ=DAILY;UNTIL=20270409T001500",
    ),
    (
        "Australia/Lord_Howe",
        "2027-09-27T14:00:00Z",
        "FREQ=DAILY;COUNT=9",
    ),
];

async fn a_series_has_the_dates_in_a_calendar_that_it_has_here(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let workspace = team.workspace.clone();
    let path = make(&mut team.member).await;
    let me = team.member.user_id();
    for (title, (zone, at, rule)) in ('a'..).zip(SERIES) {
        // somebody else makes some of the tasks: their clocks count
        let by_owner = zone == "Asia/Kathmandu";
        let client = if by_owner {
            &mut team.owner
        } else {
            &mut team.member
        };
        client.ok("profile.update", json!({ "timezone": zone })).await;
        let title = title.to_string();
        let task = json!({ "workspace_id": workspace, "title": title, "due_at": at, "recurrence": rule, "assignee_ids": [me] });
        let mut task = client.ok("task.create", task).await;
        let feed = get(&server, &path).await.text().await.expect("a feed");
        let file = exported(&server, &team.viewer, &workspace).await;
        let shown = [&feed, &file].map(|calendar| dates(&component(calendar, &title), 9));
        assert_eq!(shown[0], shown[1], "{title}");
        let client = if by_owner {
            &mut team.owner
        } else {
            &mut team.member
        };
        let mut here = vec![due(&task)];
        while here.len() < shown[0].len() {
            task = complete(client, &task).await;
            here.push(due(&task));
        }
        assert_eq!(shown[0], here, "{title}: {zone} {rule}");
        for calendar in [feed, file] {
            let zones = calendar.matches(&format!("TZID:{zone}\r\n")).count();
            assert_eq!(zones, 1, "{title}: {calendar}");
        }
        client.ok("task.delete", json!({ "id": task["id"] })).await;
    }
}

/// A series is in a calendar once, as often as it still comes, and a date that was moved does not move those after it.
async fn a_series_goes_on_in_a_calendar_from_where_it_stands(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let path = make(&mut ada).await;
    ada.ok("profile.update", json!({ "timezone": "Europe/Berlin" }))
        .await;
    let task =
        json!({ "title": "Bins", "due_at": "2027-03-22T07:00:00Z", "recurrence": "FREQ=WEEKLY;COUNT=4" });
    let first = ada.ok("task.create", task).await;
    let second = complete(&mut ada, &first).await;
    let workspace = text(&first["workspace_id"]).to_owned();
    let file = exported(&server, &ada, &workspace).await;
    assert_eq!(file.matches("RRULE:FREQ=WEEKLY;COUNT=3\r\n").count(), 1, "{file}");
    assert!(
        file.contains("DUE:20270322T070000Z\r\n"),
        "the one that is done is due once: {file}"
    );
    // reopened, it is still not the series
    ada.ok("task.update", json!({ "id": first["id"], "completed": false }))
        .await;
    let feed = get(&server, &path).await.text().await.expect("a feed");
    assert_eq!(feed.matches("RRULE:FREQ=WEEKLY").count(), 1, "{feed}");
    ada.ok("task.delete", json!({ "id": first["id"] })).await;

    let tag = async || {
        let answer = get(&server, &path).await;
        answer.headers()["etag"].to_str().expect("a tag").to_owned()
    };
    let before = tag().await;
    // past the date after it
    ada.ok(
        "task.update",
        json!({ "id": second["id"], "due_at": "2027-04-06T15:00:00Z" }),
    )
    .await;
    let feed = get(&server, &path).await.text().await.expect("a feed");
    for line in [
        "DTSTART;TZID=Europe/Berlin:20270405T080000\r\n",
        "RRULE:FREQ=WEEKLY;COUNT=2\r\n",
        "RECURRENCE-ID;TZID=Europe/Berlin:20270405T080000\r\n",
        "DUE:20270406T150000Z\r\n",
    ] {
        assert_eq!(feed.matches(line).count(), 1, "{line} in {feed}");
    }
    let moved = tag().await;
    assert_ne!(before, moved);
    // by other clocks the same task is another text
    ada.ok("profile.update", json!({ "timezone": "Asia/Kathmandu" }))
        .await;
    assert_ne!(tag().await, moved);
    let feed = get(&server, &path).await.text().await.expect("a feed");
    assert!(
        feed.contains("DTSTART;TZID=Asia/Kathmandu:20270405T080000\r\n"),
        "{feed}"
    );
}

#[tokio::test]
async fn wrong_addresses_are_counted_and_a_feed_is_read_so_often() {
    let settings = [("rate_limit_enabled", "true"), ("rate_limit_requests", "10000")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let path = make(&mut ada).await;
    for _ in 0..60 {
        assert_eq!(get(&server, "/v1/calendar/tw_cal_1.ics").await.status(), 404);
    }
    let refused = get(&server, "/v1/calendar/tw_cal_1.ics").await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    // who has the address still reads it
    for _ in 0..120 {
        assert_eq!(get(&server, &path).await.status(), 200);
    }
    assert_eq!(get(&server, &path).await.status(), 429);
}
