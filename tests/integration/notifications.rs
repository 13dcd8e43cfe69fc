//! Notifications: who gets them; reading, marking and deleting them. Every answer and event has the right unread count.

use crate::on_both_databases;
use crate::support::fold::UserState;
use crate::support::follower::{names, pluck, text};
use crate::support::{Client, Engine, Follower, Server, Team, new_id};
use serde_json::{Value, json};

on_both_databases!(
    an_act_notifies_each_user_concerned_once,
    a_list_has_pages_in_both_orders_and_the_count,
    marking_counts_and_marking_again_changes_nothing,
    all_are_marked_with_an_event_even_when_none_is_left,
    marking_all_covers_notifications_dated_by_a_clock_that_was_ahead,
    a_batch_keeps_the_count_whatever_its_order,
    deleting_counts_what_was_unread,
    the_notification_of_another_user_is_not_found,
    types_that_are_turned_off_are_not_made,
    ones_own_acts_are_told_as_one_wants,
    nobody_turns_off_what_protects_the_account,
    preferences_are_known_again_after_a_restart,
);

async fn kinds(follower: &mut Follower) -> Vec<String> {
    let events = follower.own_events().await;
    assert!(
        events
            .iter()
            .all(|event| event["event"] == "notification.created"),
        "{:?}",
        names(&events)
    );
    let types = events
        .iter()
        .map(|event| event["data"]["type"].as_str().expect("a type"));
    types.map(str::to_owned).collect()
}

async fn an_act_notifies_each_user_concerned_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let team = Team::gather(&server).await;
    let (owner, member) = (team.owner.user_id(), team.member.user_id());
    let mut people = Vec::new();
    for client in [&team.owner, &team.admin, &team.member, &team.viewer] {
        people.push(Follower::new(client.another(&server).await));
    }
    let [mut creator, mut actor, mut assignee, mut bystander] =
        <[Follower; 4]>::try_from(people).unwrap_or_else(|_| unreachable!());
    let data = json!({ "workspace_id": team.workspace, "title": "T", "assignee_ids": [owner] });
    let id = creator.act("task.create", data).await.data["id"].clone();
    creator.own_events().await;
    let steps = [
        (
            "task.assign",
            json!({ "id": id, "add": [member] }),
            "TASK_UPDATED",
            "TASK_ASSIGNED",
        ),
        (
            "task.update",
            json!({ "id": id, "title": "U" }),
            "TASK_UPDATED",
            "TASK_UPDATED",
        ),
        (
            "task.complete",
            json!({ "id": id }),
            "TASK_COMPLETED",
            "TASK_COMPLETED",
        ),
        (
            "task.complete",
            json!({ "id": id }),
            "TASK_PENDING",
            "TASK_PENDING",
        ),
        ("task.delete", json!({ "id": id }), "TASK_DELETED", "TASK_DELETED"),
        (
            "task.restore",
            json!({ "id": id }),
            "TASK_RESTORED",
            "TASK_RESTORED",
        ),
    ];
    for (name, data, told, told_assignee) in steps {
        actor.act(name, data).await;
        assert_eq!(
            kinds(&mut creator).await,
            [told],
            "{name}: the creator gets one notification"
        );
        assert_eq!(kinds(&mut assignee).await, [told_assignee], "{name}");
        assert!(kinds(&mut bystander).await.is_empty(), "{name}");
    }
    let page = actor.client.ok("notification.list", json!({ "limit": 1 })).await;
    let notice = &page["items"][0];
    assert_eq!(
        json!([
            notice["type"],
            notice["is_read"],
            notice["task_id"],
            notice["workspace_id"],
            notice["version"],
            notice["actor"]["username"],
        ]),
        json!(["TASK_RESTORED", false, id, team.workspace, 1, "admin"])
    );
    assert!(
        notice["message"]
            .as_str()
            .is_some_and(|text| text.contains("“U”")),
        "{notice}"
    );
    let got = actor
        .client
        .ok("notification.get", json!({ "id": notice["id"] }))
        .await;
    assert_eq!(&got, notice);
}

/// Ada with `count` notifications beside the welcome, newest first.
async fn ada_with(server: &Server, count: usize) -> (Follower, Vec<Value>) {
    let mut ada = Follower::sign_up(server, "ada").await;
    for i in 0..count {
        ada.act("task.create", json!({ "title": format!("{i}") })).await;
    }
    let page = ada.client.ok("notification.list", json!({ "limit": 100 })).await;
    assert_eq!(
        (&page["total"], &page["unread"]),
        (&json!(count + 1), &json!(count + 1))
    );
    let ids = pluck(&page, "id");
    (ada, ids)
}

async fn unread(ada: &mut Follower) -> Value {
    ada.client.ok("notification.unread_count", json!({})).await["unread"].clone()
}

async fn a_list_has_pages_in_both_orders_and_the_count(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut ada, ids) = ada_with(&server, 6).await;
    let oldest_first: Vec<Value> = ids.iter().rev().cloned().collect();
    ada.act("notification.mark", json!({ "id": ids[2], "is_read": true }))
        .await;
    let mut still: Vec<Value> = ids.clone();
    still.remove(2);
    for (wanted, all) in [
        (json!({}), &ids),
        (json!({ "sort": "-created_at" }), &ids),
        (json!({ "sort": "created_at" }), &oldest_first),
        (json!({ "unread_only": true }), &still),
        (json!({ "unread_only": false }), &ids),
    ] {
        let (mut seen, mut asked) = (Vec::new(), wanted.clone());
        asked["limit"] = json!(3);
        loop {
            let page = ada.client.ok("notification.list", asked.clone()).await;
            assert_eq!(page["unread"], 6);
            if asked.get("cursor").is_none() {
                assert_eq!(page["total"], all.len(), "{wanted}");
            } else {
                assert!(page.get("total").is_none(), "{page}");
            }
            seen.extend(pluck(&page, "id"));
            asked["cursor"] = page["next_cursor"].clone();
            if asked["cursor"].is_null() {
                break;
            }
        }
        assert_eq!(&seen, all, "{wanted}");
    }
    let newest = ada.client.ok("notification.list", json!({ "limit": 1 })).await;
    let newest = &newest["next_cursor"];
    for wrong in [
        json!({ "limit": 0 }),
        json!({ "limit": 101 }),
        json!({ "cursor": "?" }),
        json!({ "cursor": newest, "sort": "created_at" }),
        json!({ "cursor": newest, "unread_only": true }),
        json!({ "sort": "x" }),
    ] {
        assert_eq!(
            ada.refused("notification.list", wrong).await.0,
            "VALIDATION_ERROR"
        );
    }
}

async fn marking_counts_and_marking_again_changes_nothing(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut ada, ids) = ada_with(&server, 2).await;
    let mark = |is_read: bool| json!({ "id": ids[0], "is_read": is_read });
    ada.unchanged("notification.mark", mark(false)).await;
    let read = ada.act("notification.mark", mark(true)).await;
    assert_eq!(read.names(), ["notification.updated"]);
    assert_eq!(
        (&read.data["is_read"], &read.data["version"]),
        (&json!(true), &json!(2))
    );
    let mut shown = read.data.clone();
    shown["unread"] = json!(2);
    assert_eq!(read.events[0]["data"], shown);
    assert_eq!(ada.unchanged("notification.mark", mark(true)).await, read.data);
    let unread_again = ada.act("notification.mark", mark(false)).await;
    assert_eq!(unread_again.events[0]["data"]["unread"], 3);
    assert_eq!(unread_again.data["version"], 3);
    assert_eq!(unread(&mut ada).await, 3);
}

async fn all_are_marked_with_an_event_even_when_none_is_left(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut ada, _) = ada_with(&server, 3).await;
    for updated in [4, 0] {
        let done = ada.act("notification.mark_all_read", json!({})).await;
        assert_eq!(done.data, json!({ "updated": updated }));
        assert_eq!(done.names(), ["notification.all_read"]);
        let data = &done.events[0]["data"];
        assert_eq!(
            *data,
            json!({ "up_to": done.events[0]["at"], "updated": updated, "unread": 0 })
        );
    }
    let page = ada.client.ok("notification.list", json!({})).await;
    assert_eq!(page["unread"], 0);
    assert!(
        page["items"]
            .as_array()
            .expect("items")
            .iter()
            .all(|item| item["is_read"] == true && item["version"] == 2)
    );
    let only = ada
        .client
        .ok("notification.list", json!({ "unread_only": true }))
        .await;
    assert_eq!((&only["items"], &only["total"]), (&json!([]), &json!(0)));
}

async fn marking_all_covers_notifications_dated_by_a_clock_that_was_ahead(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut ada, _) = ada_with(&server, 2).await;
    // as if an instance whose clock is an hour ahead had created them
    let later = "update notifications set created_at = created_at + 3600000";
    server.database.execute(later).await;
    let snapshot = ada.client.ok("user.sync", json!({})).await;
    let newest = pluck(&snapshot["notifications"], "created_at");
    let newest = newest.iter().map(text).max().expect("notifications");
    let mut replica = UserState::of(&snapshot);
    let marked = ada.act("notification.mark_all_read", json!({})).await;
    let event = marked.event("notification.all_read");
    assert_eq!(event["data"]["up_to"], newest);
    replica.apply(event);
    let snapshot = ada.client.ok("user.sync", json!({})).await;
    assert_eq!(replica, UserState::of(&snapshot));
}

async fn a_batch_keeps_the_count_whatever_its_order(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut ada, ids) = ada_with(&server, 3).await;
    let all = json!({ "type": "notification.mark_all_read" });
    let new = json!({ "type": "task.create", "data": { "title": "N" } });
    let mark = |i: usize, is_read: bool| json!({ "type": "notification.mark", "data": { "id": ids[i], "is_read": is_read } });
    for (ops, left) in [
        (json!([all, mark(0, true)]), 0),
        (json!([all, mark(0, false)]), 1),
        (json!([mark(1, false), all]), 0),
        (json!([new, all]), 0),
        (json!([all, new]), 1),
        (json!([mark(2, false), all, mark(2, false), new]), 2),
        (
            json!([all, { "type": "notification.delete", "data": { "id": ids[3] } }]),
            0,
        ),
    ] {
        ada.client.ok("batch", json!({ "ops": ops })).await;
        let page = ada
            .client
            .ok("notification.list", json!({ "unread_only": true }))
            .await;
        let shown = page["items"].as_array().expect("items").len();
        assert_eq!((shown, &page["unread"]), (left, &json!(left)), "{ops}");
    }
}

async fn deleting_counts_what_was_unread(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut ada, ids) = ada_with(&server, 5).await;
    ada.act("notification.mark", json!({ "id": ids[0], "is_read": true }))
        .await;
    for (id, left) in [(&ids[0], 5), (&ids[1], 4)] {
        let gone = ada.act("notification.delete", json!({ "id": id })).await;
        assert_eq!(
            (gone.names(), &gone.data),
            (vec!["notification.deleted"], &json!({}))
        );
        assert_eq!(gone.events[0]["data"], json!({ "id": id, "unread": left }));
        assert_eq!(
            ada.refused("notification.delete", json!({ "id": id })).await.0,
            "NOT_FOUND"
        );
    }
    let some = json!({ "ids": [ids[2], ids[0], ids[3], ids[2], new_id()] });
    let gone = ada.act("notification.delete_many", some.clone()).await;
    assert_eq!(gone.data, json!({ "deleted": 2 }));
    assert_eq!(gone.names(), ["notification.deleted"; 2]);
    assert_eq!(gone.events[1]["data"]["unread"], 2);
    assert_eq!(
        ada.unchanged("notification.delete_many", some).await,
        json!({ "deleted": 0 })
    );
    let none = json!({ "ids": [] });
    assert_eq!(
        ada.unchanged("notification.delete_many", none).await,
        json!({ "deleted": 0 })
    );
    assert_eq!(unread(&mut ada).await, 2);
}

async fn the_notification_of_another_user_is_not_found(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut ada, ids) = ada_with(&server, 0).await;
    let mut bob = Follower::sign_up(&server, "bob").await;
    for (name, data) in [
        ("notification.get", json!({ "id": ids[0] })),
        ("notification.mark", json!({ "id": ids[0], "is_read": true })),
        ("notification.delete", json!({ "id": ids[0] })),
    ] {
        assert_eq!(bob.refused(name, data).await.0, "NOT_FOUND", "{name}");
    }
    let many = json!({ "ids": [ids[0]] });
    assert_eq!(
        bob.unchanged("notification.delete_many", many).await,
        json!({ "deleted": 0 })
    );
    assert_eq!(unread(&mut ada).await, 1);
}

async fn prefers(follower: &mut Follower, notifications: Value) {
    let preferences = json!({ "notifications": notifications });
    follower
        .act("profile.update", json!({ "preferences": preferences }))
        .await;
    follower.own_events().await;
}

/// The types of what was created for a user since the last look, and whether each is read.
async fn told(follower: &mut Follower) -> Vec<(String, bool)> {
    let events = follower.own_events().await;
    let created = events
        .iter()
        .filter(|event| event["event"] == "notification.created");
    let read = |event: &Value| (text(&event["data"]["type"]), event["data"]["is_read"] == true);
    created.map(read).collect()
}

async fn types_that_are_turned_off_are_not_made(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let mut member = Follower::new(team.member.another(&server).await);
    let mut viewer = Follower::new(team.viewer.another(&server).await);
    prefers(
        &mut member,
        json!({ "types": { "TASK_ASSIGNED": false, "TASK_DELETED": true, "MENTION": false } }),
    )
    .await;
    prefers(&mut viewer, json!({ "types": { "MENTION": false } })).await;
    let (member_id, viewer_id) = (member.client.user_id(), viewer.client.user_id());
    let data = json!({ "workspace_id": team.workspace, "title": "T", "assignee_ids": [member_id] });
    let id = team.owner.ok("task.create", data).await["id"].clone();
    assert_eq!(told(&mut member).await, []);
    let body = json!({ "task_id": id, "body": "@member @viewer @admin" });
    team.owner.ok("comment.create", body).await;
    // turned off, a mention does not become another type
    assert_eq!(
        (told(&mut member).await, told(&mut viewer).await),
        (vec![], vec![])
    );
    team.owner.ok("task.delete", json!({ "id": id })).await;
    assert_eq!(told(&mut member).await, [("TASK_DELETED".to_owned(), false)]);
    prefers(&mut member, json!(null)).await;
    team.owner.ok("task.restore", json!({ "id": id })).await;
    let again = json!({ "id": id, "remove": [member_id] });
    team.owner.ok("task.assign", again).await;
    let again = json!({ "id": id, "add": [member_id, viewer_id] });
    team.owner.ok("task.assign", again).await;
    let types: Vec<String> = told(&mut member)
        .await
        .into_iter()
        .map(|(r#type, _)| r#type)
        .collect();
    assert_eq!(types, ["TASK_RESTORED", "TASK_ASSIGNED"]);
}

async fn ones_own_acts_are_told_as_one_wants(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let before = unread(&mut ada).await;
    for (own_acts, expected) in [
        ("read", vec![("TASK_CREATED".to_owned(), true)]),
        ("off", vec![]),
        ("unread", vec![("TASK_CREATED".to_owned(), false)]),
    ] {
        prefers(
            &mut ada,
            json!({ "types": { "PROFILE_UPDATED": false }, "own_acts": own_acts }),
        )
        .await;
        ada.act("task.create", json!({ "title": own_acts })).await;
        assert_eq!(told(&mut ada).await.len(), 0, "the events came with the answer");
        let page = ada.client.ok("notification.list", json!({ "limit": 1 })).await;
        let newest = &page["items"][0];
        match expected.first() {
            Some((r#type, is_read)) => assert_eq!(
                (
                    text(&newest["type"]),
                    newest["is_read"] == true,
                    newest["message"].to_string().contains(own_acts)
                ),
                (r#type.clone(), *is_read, true)
            ),
            None => assert!(!newest["message"].to_string().contains(own_acts), "{newest}"),
        }
    }
    assert_eq!(
        json!(unread(&mut ada).await),
        json!(before.as_u64().expect("a count") + 1)
    );
    // a batch that changes the preferences first goes by the new ones
    let data = json!({ "preferences": { "notifications": { "own_acts": "off" } } });
    let update = json!({ "type": "profile.update", "data": data });
    let create = json!({ "type": "task.create", "data": { "title": "quiet" } });
    ada.act("batch", json!({ "ops": [update, create] })).await;
    let page = ada.client.ok("notification.list", json!({ "limit": 1 })).await;
    assert!(
        !page["items"][0]["message"].to_string().contains("quiet"),
        "{page}"
    );
    crate::support::audit::agree(&server, &ada.client.tokens).await;
}

async fn nobody_turns_off_what_protects_the_account(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let types = json!({ "SECURITY": false, "PASSWORD_CHANGED": false });
    prefers(&mut ada, json!({ "types": types, "own_acts": "off" })).await;
    ada.client.ok("api_token.create", json!({ "name": "bot" })).await;
    assert_eq!(told(&mut ada).await, [("SECURITY".to_owned(), false)]);
}

async fn preferences_are_known_again_after_a_restart(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let mut viewer = Follower::new(team.viewer.another(&server).await);
    prefers(&mut viewer, json!({ "types": { "MENTION": false } })).await;
    let data = json!({ "workspace_id": team.workspace, "title": "T" });
    let id = team.owner.ok("task.create", data).await["id"].clone();
    server.terminate();
    server.spawn();
    let mut owner = Client::with_tokens(&server, &team.owner.tokens, json!({})).await;
    let mut viewer = Follower::new(Client::with_tokens(&server, &team.viewer.tokens, json!({})).await);
    let mut member = Follower::new(Client::with_tokens(&server, &team.member.tokens, json!({})).await);
    // the new process knows nothing of these people
    let body = json!({ "task_id": id, "body": "@viewer @member" });
    owner.ok("comment.create", body).await;
    assert_eq!(told(&mut viewer).await, []);
    assert_eq!(told(&mut member).await, [("MENTION".to_owned(), false)]);
}
