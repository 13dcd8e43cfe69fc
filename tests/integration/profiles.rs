//! Profiles: what users change about themselves, and how every workspace of theirs shows it.

use crate::on_both_databases;
use crate::support::follower::{names, text};
use crate::support::{Client, Engine, Server, Team, audit, eventually, http, new_id};
use serde_json::{Value, json};

on_both_databases!(
    a_changed_profile_is_told_to_its_user_and_to_every_workspace,
    preferences_merge_by_key_and_are_checked,
    a_username_is_unique_also_when_two_want_it_at_once,
    two_changes_reach_five_hundred_workspaces_and_the_last_one_stays,
    a_workspace_shows_a_profile_only_after_its_stream_told_it,
    an_hour_allows_ten_changes_on_every_way_in
);

async fn a_changed_profile_is_told_to_its_user_and_to_every_workspace(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let before = team.member.ok("profile.get", json!({})).await;
    let change = json!({ "name": " Grace Hopper ", "username": "Grace.H", "timezone": "Europe/Paris" });
    let after = team.member.ok("profile.update", change.clone()).await;
    let mut expected = before.clone();
    expected["name"] = json!("Grace Hopper");
    expected["username"] = json!("Grace.H");
    expected["timezone"] = json!("Europe/Paris");
    expected["version"] = json!(2);
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, expected);

    let told = team.member.event("profile.updated").await;
    assert_eq!(
        (&told["data"], &told["actor"]["name"]),
        (&after, &json!("member"))
    );
    team.member
        .take("the notification", |frame| {
            frame["event"] == "notification.created" && frame["data"]["type"] == "PROFILE_UPDATED"
        })
        .await;
    let stream = team.stream();
    for client in [&mut team.owner, &mut team.viewer, &mut team.member] {
        let told = client
            .take("member.updated", |frame| {
                frame["event"] == "member.updated"
                    && frame["stream"] == *stream
                    && frame["data"]["user"]["username"] == "Grace.H"
            })
            .await;
        assert_eq!(
            json!([
                told["data"]["role"],
                told["data"]["version"],
                told["actor"]["kind"]
            ]),
            json!(["member", 2, "user"])
        );
        assert_eq!(told["data"]["user"]["name"], "Grace Hopper");
    }
    let id = team.member.user_id();
    assert_eq!(
        team.owner.ok("user.get", json!({ "id": id })).await["name"],
        "Grace Hopper"
    );

    // the same again changes nothing; over HTTP as on a socket
    let again = team.member.call("profile.update", change).await;
    assert_eq!((&again["data"], &again["at"]), (&after, &json!({})));
    let frame = json!({ "type": "profile.update", "id": 1, "data": { "name": "Grace" } });
    let token = text(&team.member.tokens["access_token"]);
    let asked = http::request(&server, reqwest::Method::POST, "/v1/rpc").bearer_auth(&token);
    let answer = asked.json(&frame).send().await.expect("an answer");
    assert_eq!(answer.json().await.expect("JSON")["data"]["name"], "Grace");
    audit::spread(&mut team.member).await;
    for tokens in [&team.owner.tokens, &team.member.tokens] {
        audit::agree(&server, tokens).await;
    }

    for (field, value) in [
        ("name", json!("G")),
        ("name", json!(null)),
        ("username", json!("no spaces")),
        ("timezone", json!("Moon/Crater")),
        ("email", json!("grace@example.com")),
    ] {
        let refused = team
            .member
            .refused("profile.update", json!({ field: value }))
            .await;
        assert_eq!(
            json!([refused["code"], refused["field"]]),
            json!(["VALIDATION_ERROR", field])
        );
    }
    let taken = team
        .member
        .refused("profile.update", json!({ "username": "VIEWER" }))
        .await;
    assert_eq!(
        json!([taken["code"], taken["field"]]),
        json!(["CONFLICT", "username"])
    );
}

async fn preferences_merge_by_key_and_are_checked(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let first = json!({ "web": { "theme": "dark" }, "notifications": { "types": { "LOGIN": false } } });
    ada.ok("profile.update", json!({ "preferences": first })).await;
    let second = json!({ "cli": [1, "ü"], "notifications": { "own_acts": "off", "due_lead_minutes": 30 } });
    let user = ada.ok("profile.update", json!({ "preferences": second })).await;
    let merged = json!({
        "web": { "theme": "dark" }, "cli": [1, "ü"], "notifications": { "own_acts": "off", "due_lead_minutes": 30 },
    });
    assert_eq!(user["preferences"], merged);
    let user = ada
        .ok("profile.update", json!({ "preferences": { "web": null } }))
        .await;
    assert_eq!(user["preferences"]["web"], Value::Null);
    assert_eq!(user["preferences"]["cli"], json!([1, "ü"]));
    let user = ada.ok("profile.update", json!({ "preferences": null })).await;
    assert_eq!(user["preferences"], json!({}));
    let nested = (0..9).fold(json!(1), |inner, _| json!([inner]));
    for (given, field) in [
        (json!({ "text": "x".repeat(16_384) }), "preferences"),
        (json!({ "deep": nested }), "preferences"),
        (json!({ "a": "\u{0}" }), "preferences.a"),
        (
            json!({ "notifications": { "types": { "NEWS": true } } }),
            "preferences.notifications.types.NEWS",
        ),
        (
            json!({ "notifications": { "sound": true } }),
            "preferences.notifications.sound",
        ),
        (json!([]), "preferences"),
    ] {
        let refused = ada
            .refused("profile.update", json!({ "preferences": given }))
            .await;
        assert_eq!(
            json!([refused["code"], refused["field"]]),
            json!(["VALIDATION_ERROR", field])
        );
    }
}

async fn a_username_is_unique_also_when_two_want_it_at_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut people = Vec::new();
    for name in ["ada", "bob", "eve", "kim"] {
        people.push(Client::sign_up(&server, name).await);
    }
    for round in 0..5 {
        let wanted = format!("wanted-{round}");
        let mut asked = Vec::new();
        for client in &mut people {
            asked.push(client.ask("profile.update", json!({ "username": wanted })).await);
        }
        let mut won = 0;
        for (client, id) in people.iter_mut().zip(asked) {
            let answer = client.answer(id).await;
            if answer["type"] == "ok" {
                won += 1;
            } else {
                let error = &answer["error"];
                assert_eq!(
                    json!([error["code"], error["field"]]),
                    json!(["CONFLICT", "username"])
                );
            }
        }
        assert_eq!(won, 1);
    }
    // a name that was given up is free
    let mut names = Vec::new();
    for client in &mut people {
        let name = text(&client.ok("profile.get", json!({})).await["username"]);
        client
            .ok("profile.update", json!({ "username": format!("{name}-2") }))
            .await;
        names.push(name);
    }
    people[0]
        .ok("profile.update", json!({ "username": names[1] }))
        .await;
}

/// Makes workspaces. Returns their ids.
async fn workspaces(client: &mut Client, number: usize) -> Vec<String> {
    let mut made = Vec::new();
    while made.len() < number {
        let batch = (number - made.len()).min(100);
        let ops: Vec<Value> = (0..batch)
            .map(|n| json!({ "type": "workspace.create", "data": { "name": format!("W{n}") } }))
            .collect();
        let answer = client.ok("batch", json!({ "ops": ops })).await;
        let results = answer["results"].as_array().expect("results").iter();
        made.extend(results.map(|result| text(&result["data"]["id"])));
    }
    made
}

async fn two_changes_reach_five_hundred_workspaces_and_the_last_one_stays(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut ada = Client::with_tokens(&server, &tokens, json!({ "streams": [] })).await;
    let made = workspaces(&mut ada, 499).await;
    for name in ["Ada One", "Ada Two"] {
        ada.ok("profile.update", json!({ "name": name })).await;
    }
    eventually("workspaces that show the last name", async || {
        let last = json!({ "workspace_id": made.last(), "limit": 1 });
        let page = ada.ok("member.list", last).await;
        (page["items"][0]["user"]["name"] == "Ada Two").then_some(())
    })
    .await;
    audit::spread(&mut ada).await;
    for workspace in &made {
        let log = json!({ "stream": format!("workspace:{workspace}") });
        let log = ada.ok("stream.history", log).await;
        let events = log["events"].as_array().expect("events");
        let shown: Vec<&Value> = events[2..].iter().map(|event| &event["data"]).collect();
        assert!((1..=2).contains(&shown.len()), "{:?}", names(events));
        assert_eq!(shown.last().expect("one")["user"]["name"], "Ada Two");
        let versions: Vec<Option<i64>> = shown.iter().map(|member| member["version"].as_i64()).collect();
        assert_eq!(versions, (2..).take(shown.len()).map(Some).collect::<Vec<_>>());
    }
}

/// The snapshot at a position is what the events up to it tell, also between the change and the job that shows it.
async fn a_workspace_shows_a_profile_only_after_its_stream_told_it(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let id = team.member.user_id();
    for round in 0..20 {
        let name = format!("Member {round}");
        team.member.ok("profile.update", json!({ "name": name })).await;
        loop {
            let asked = json!({ "workspace_id": team.workspace });
            let snapshot = team.viewer.ok("workspace.sync", asked).await;
            let members = snapshot["members"].as_array().expect("members").iter();
            let shown = members.clone().find(|member| member["user"]["id"] == *id);
            let shown = shown.expect("the member");
            let log = json!({ "stream": team.stream(), "after": 0, "limit": 500 });
            let log = team.viewer.ok("stream.history", log).await;
            let events = log["events"].as_array().expect("events").iter();
            let told = events
                .filter(|event| event["seq"].as_u64() <= snapshot["seq"].as_u64())
                .map(|event| &event["data"])
                .rfind(|data| data["user"]["id"] == *id);
            assert_eq!(Some(shown), told);
            if shown["user"]["name"] == *name {
                break;
            }
        }
    }
}

async fn an_hour_allows_ten_changes_on_every_way_in(engine: Engine) {
    let server = Server::start(engine, &[("rate_limit_enabled", "true")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let change = |n: usize| json!({ "name": format!("Ada {n}") });
    let first = json!({ "type": "profile.update", "id": 0, "op_id": new_id(), "data": change(0) });
    ada.send(&first).await;
    assert_eq!(ada.answer(0).await["type"], "ok");
    for n in 1..4 {
        ada.ok("profile.update", change(n)).await;
    }
    let ops = (4..10).map(|n| json!({ "type": "profile.update", "data": change(n) }));
    ada.ok("batch", json!({ "ops": ops.collect::<Vec<_>>() })).await;
    let refused = ada.refused("profile.update", change(10)).await;
    assert_eq!(refused["code"], "RATE_LIMITED");
    assert!(refused["retry_after_ms"].as_u64() > Some(0), "{refused}");
    ada.send(&first).await;
    assert_eq!(
        ada.answer(0).await["replayed"],
        true,
        "a repetition changes nothing"
    );
    let frame = json!({ "type": "profile.update", "id": 1, "data": change(11) });
    let token = text(&ada.tokens["access_token"]);
    let asked = http::request(&server, reqwest::Method::POST, "/v1/rpc").bearer_auth(&token);
    let answer = asked.json(&frame).send().await.expect("an answer");
    assert_eq!(answer.status(), 429);
    let mut bob = Client::sign_up(&server, "bob").await;
    // what waits for the limit is not overtaken
    for n in 0..2 {
        let op_id = (n == 0).then(new_id);
        bob.send(&json!({ "type": "profile.update", "id": n, "op_id": op_id, "data": change(n) }))
            .await;
    }
    assert_eq!(bob.answer(1).await["data"]["name"], "Ada 1");
    assert_eq!(bob.ok("profile.get", json!({})).await["name"], "Ada 1");
}
