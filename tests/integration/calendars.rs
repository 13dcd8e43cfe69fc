//! `GET /v1/calendar/{secret}.ics`: what is in a person's calendar feed, who reads it, and how it ends. The calendars are
//! read by another library.

use crate::on_both_databases;
use crate::support::http::{Response, request};
use crate::support::{Client, Engine, PASSWORD, Server, Team, secrets, text};
use icalendar::parser::{read_calendar, unfold};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    a_feed_has_the_pending_tasks_with_a_date_of_one_person,
    a_feed_ends_when_it_is_revoked_replaced_or_its_account_is_locked_up,
    a_feed_that_has_not_changed_is_not_sent_again,
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
