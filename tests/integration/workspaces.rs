//! Workspaces and their members: what each operation does, who gets its events, and which members remain.

use crate::on_both_databases;
use crate::support::follower::{names, pluck, text};
use crate::support::{Client, Engine, Follower, Server, Team, new_id};
use serde_json::{Value, json};

on_both_databases!(
    a_workspace_is_made_listed_and_read,
    workspaces_and_members_are_listed_in_pages,
    a_new_member_is_notified_and_follows_from_that_event_on,
    a_changed_role_is_sent_to_the_member,
    a_removed_member_loses_assignments_and_gets_no_further_events,
    a_cascade_above_a_thousand_is_one_reset,
    members_grant_and_revoke_roles_up_to_their_own,
    the_last_owner_stays,
    a_workspace_has_as_many_members_as_the_setting_says,
    a_personal_workspace_is_not_shared,
);

/// The stages of a new workspace.
fn standard_stages() -> Value {
    let stages = [
        ("todo", "To do", "open"),
        ("doing", "Doing", "active"),
        ("done", "Done", "done"),
    ];
    let stages =
        stages.map(|(key, name, kind)| json!({ "key": key, "name": name, "kind": kind, "color": null }));
    json!(stages)
}

async fn a_workspace_is_made_listed_and_read(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut phone = Follower::new(ada.client.another(&server).await);
    let made = ada.act("workspace.create", json!({ "name": "  Häuser  " })).await;
    let id = text(&made.data["id"]);
    let expected = json!({
        "id": id, "name": "Häuser", "kind": "team", "role": "owner", "version": 1,
        "stages": standard_stages(), "created_at": made.data["created_at"], "updated_at": made.data["created_at"],
    });
    assert_eq!(made.data, expected);
    assert_eq!(made.names(), ["access.granted"]);
    let granted = &made.event("access.granted")["data"];
    assert_eq!(
        *granted,
        json!({ "workspace": expected, "role": "owner", "seq": 2 })
    );
    assert_eq!(made.at[&format!("workspace:{id}")], 2);
    assert_eq!(phone.witness(&made).await, made.events);
    let log = ada
        .client
        .ok("stream.history", json!({ "stream": format!("workspace:{id}") }))
        .await;
    assert_eq!(
        pluck(&log["events"], "event"),
        ["workspace.created", "member.added"]
    );
    let got = ada
        .client
        .ok("workspace.get", json!({ "workspace_id": id }))
        .await;
    assert_eq!(got, expected);
    let listed = ada.client.ok("workspace.list", json!({})).await;
    assert_eq!(pluck(&listed, "kind"), ["personal", "team"]);
    assert_eq!(
        (&listed["total"], &listed["next_cursor"]),
        (&json!(2), &Value::Null)
    );
    // a socket also follows a workspace that its user joined later
    let task = json!({ "workspace_id": id, "title": "There" });
    let task = ada.act("task.create", task).await;
    assert_eq!(
        names(&phone.witness(&task).await),
        ["notification.created", "task.created"]
    );
}

async fn workspaces_and_members_are_listed_in_pages(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    for i in 0..4 {
        team.owner
            .ok("workspace.create", json!({ "name": format!("W{i}") }))
            .await;
    }
    let place = json!({ "workspace_id": team.workspace });
    for (name, data, wanted) in [("workspace.list", json!({}), 6), ("member.list", place, 4)] {
        let whole = team.owner.ok(name, data.clone()).await;
        assert_eq!(whole["total"], wanted);
        let (mut items, mut asked) = (Vec::new(), data.clone());
        asked["limit"] = json!(2);
        loop {
            let page = team.owner.ok(name, asked.clone()).await;
            assert_eq!(page.get("total").is_some(), asked.get("cursor").is_none());
            items.extend(page["items"].as_array().expect("items").clone());
            asked["cursor"] = page["next_cursor"].clone();
            if asked["cursor"].is_null() {
                break;
            }
        }
        assert_eq!(json!(items), whole["items"], "{name}");
        for wrong in [
            json!({ "limit": 0 }),
            json!({ "limit": 101 }),
            json!({ "cursor": "x" }),
        ] {
            let mut asked = data.clone();
            for (key, value) in wrong.as_object().expect("an object") {
                asked[key] = value.clone();
            }
            assert_eq!(team.owner.refused(name, asked).await["code"], "VALIDATION_ERROR");
        }
    }
    let members = team
        .viewer
        .ok("member.list", json!({ "workspace_id": team.workspace }))
        .await;
    let roles: Vec<Value> = pluck(&members, "role");
    assert_eq!(
        roles,
        ["owner", "admin", "member", "viewer"],
        "by user id, which is the order of sign-up"
    );
    let keys: Vec<&String> = members["items"][0]["user"]
        .as_object()
        .expect("a user")
        .keys()
        .collect();
    assert_eq!(
        keys,
        ["id", "name", "photo_url", "username"],
        "members do not see e-mail addresses"
    );
}

async fn a_new_member_is_notified_and_follows_from_that_event_on(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut owner = Follower::sign_up(&server, "owner").await;
    let mut bob = Follower::sign_up(&server, "bob").await;
    let workspace = owner.act("workspace.create", json!({ "name": "W" })).await.data["id"].clone();
    owner
        .act(
            "task.create",
            json!({ "workspace_id": workspace, "title": "Before" }),
        )
        .await;
    let add = json!({ "workspace_id": workspace, "email": " BOB@example.com ", "role": "viewer" });
    let added = owner.act("member.add", add.clone()).await;
    let user = json!({ "id": bob.client.user_id(), "username": "bob", "name": "bob", "photo_url": null });
    let joined_at = added.data["joined_at"].clone();
    let expected = json!({ "user": user, "role": "viewer", "joined_at": joined_at, "version": 1 });
    assert_eq!(added.data, expected);
    assert_eq!(added.names(), ["member.added"]);
    assert_eq!(added.events[0]["data"], expected);
    let told = bob.own_events().await;
    assert_eq!(names(&told), ["access.granted", "notification.created"]);
    let granted = &told[0]["data"];
    assert_eq!(
        json!([
            granted["role"],
            granted["seq"],
            granted["workspace"]["id"],
            granted["workspace"]["role"]
        ]),
        json!(["viewer", added.events[0]["seq"], workspace, "viewer"])
    );
    assert_eq!(
        json!([told[1]["data"]["type"], told[1]["data"]["workspace_id"]]),
        json!(["MEMBER_ADDED", workspace])
    );
    let task = owner
        .act(
            "task.create",
            json!({ "workspace_id": workspace, "title": "After" }),
        )
        .await;
    assert_eq!(names(&bob.witness(&task).await), ["task.created"]);

    let refusals = [
        (add, ("CONFLICT", Some("email"))),
        (
            json!({ "workspace_id": workspace, "username": "Bob", "role": "viewer" }),
            ("CONFLICT", Some("username")),
        ),
        (
            json!({ "workspace_id": workspace, "username": "nobody", "role": "viewer" }),
            ("NOT_FOUND", Some("username")),
        ),
        (
            json!({ "workspace_id": workspace, "email": "no@example.com", "role": "viewer" }),
            ("NOT_FOUND", Some("email")),
        ),
        (
            json!({ "workspace_id": workspace, "role": "viewer" }),
            ("VALIDATION_ERROR", Some("username")),
        ),
        (
            json!({ "workspace_id": workspace, "username": "bob", "email": "bob@example.com", "role": "viewer" }),
            ("VALIDATION_ERROR", Some("username")),
        ),
        (
            json!({ "workspace_id": workspace, "username": "bob", "role": "king" }),
            ("VALIDATION_ERROR", Some("role")),
        ),
    ];
    for (data, (code, field)) in refusals {
        let refused = owner.refused("member.add", data.clone()).await;
        assert_eq!((&*refused.0, refused.1.as_deref()), (code, field), "{data}");
    }
}

async fn a_changed_role_is_sent_to_the_member(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let team = Team::gather(&server).await;
    let mut owner = Follower::new(team.owner.another(&server).await);
    let mut viewer = Follower::new(team.viewer.another(&server).await);
    let id = viewer.client.user_id();
    let role = |role: &str| json!({ "workspace_id": team.workspace, "user_id": id, "role": role });
    let before = owner.unchanged("member.update", role("viewer")).await;
    assert_eq!(
        (&before["role"], &before["version"]),
        (&json!("viewer"), &json!(1))
    );
    let changed = owner.act("member.update", role("admin")).await;
    assert_eq!(
        (&changed.data["role"], &changed.data["version"]),
        (&json!("admin"), &json!(2))
    );
    assert_eq!(changed.names(), ["member.updated"]);
    assert_eq!(changed.events[0]["data"], changed.data);
    assert_eq!(names(&viewer.witness(&changed).await), ["member.updated"]);
    let told = viewer.own_events().await;
    assert_eq!(names(&told), ["access.changed"]);
    assert_eq!(
        told[0]["data"],
        json!({ "workspace_id": team.workspace, "role": "admin" })
    );
    let unknown = json!({ "workspace_id": team.workspace, "user_id": new_id(), "role": "admin" });
    assert_eq!(
        owner.refused("member.update", unknown.clone()).await,
        ("NOT_FOUND".into(), Some("user_id".into()))
    );
    let gone = json!({ "workspace_id": team.workspace, "user_id": unknown["user_id"] });
    assert_eq!(
        owner.refused("member.remove", gone).await,
        ("NOT_FOUND".into(), Some("user_id".into()))
    );
}

async fn a_removed_member_loses_assignments_and_gets_no_further_events(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (member, viewer) = (team.member.user_id(), team.viewer.user_id());
    let mut tasks = Vec::new();
    for people in [json!([member, viewer]), json!([viewer]), json!([member])] {
        let data = json!({ "workspace_id": team.workspace, "title": "T", "assignee_ids": people });
        tasks.push(team.owner.ok("task.create", data).await);
    }
    team.owner
        .ok("task.delete", json!({ "id": tasks[2]["id"] }))
        .await;
    let mut owner = Follower::new(team.owner.another(&server).await);
    let mut removed = Follower::new(team.member.another(&server).await);
    let gone = json!({ "workspace_id": team.workspace, "user_id": member });
    let done = owner.act("member.remove", gone).await;
    assert_eq!(done.data, json!({}));
    assert_eq!(done.names(), ["member.removed", "task.updated", "task.updated"]);
    assert_eq!(done.events[0]["data"], json!({ "user_id": member }));
    let (first, deleted) = (&done.events[1]["data"], &done.events[2]["data"]);
    assert_eq!(
        json!([first["id"], first["assignee_ids"], first["version"]]),
        json!([tasks[0]["id"], [viewer], 2])
    );
    assert_eq!(
        json!([deleted["id"], deleted["assignee_ids"], deleted["is_deleted"]]),
        json!([tasks[2]["id"], [], true])
    );
    owner
        .act(
            "task.create",
            json!({ "workspace_id": team.workspace, "title": "Unheard" }),
        )
        .await;

    let told = removed.client.event("access.lost").await;
    assert_eq!(
        told["data"],
        json!({ "workspace_id": team.workspace, "reason": "removed" })
    );
    let mine = removed.client.ok("task.create", json!({ "title": "Mine" })).await; // a later event that does arrive
    let stream = format!("workspace:{}", removed.client.personal());
    assert_eq!(removed.client.next_of(&stream).await["data"], mine);
    let heard = removed.client.events_so_far().await;
    let of_team: Vec<&Value> = heard
        .iter()
        .filter(|event| event["stream"] == team.stream())
        .collect();
    assert!(of_team.is_empty(), "{of_team:?}");
    let assigned = json!({ "workspace_id": team.workspace, "assignee_id": member, "status": "all" });
    assert_eq!(owner.client.ok("task.list", assigned).await["total"], 0);
    let back = json!({ "id": tasks[0]["id"], "add": [member] });
    assert_eq!(owner.refused("task.assign", back).await.0, "VALIDATION_ERROR");
    for (name, data) in [
        ("task.get", json!({ "id": tasks[0]["id"] })),
        ("stream.subscribe", json!({ "stream": team.stream() })),
    ] {
        assert_eq!(removed.refused(name, data).await.0, "NOT_FOUND");
    }
}

async fn a_cascade_above_a_thousand_is_one_reset(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let member = team.member.user_id();
    for _ in 0..11 {
        let one = json!({ "workspace_id": team.workspace, "title": "T", "assignee_ids": [member] });
        let ops = vec![json!({ "type": "task.create", "data": one }); 91];
        team.admin.ok("batch", json!({ "ops": ops })).await;
    }
    let mut owner = Follower::new(team.owner.another(&server).await);
    let done = owner
        .act(
            "member.remove",
            json!({ "workspace_id": team.workspace, "user_id": member }),
        )
        .await;
    assert_eq!(done.names(), ["member.removed", "stream.reset"]);
    let left = json!({ "workspace_id": team.workspace, "assignee_id": member });
    assert_eq!(owner.client.ok("task.list", left).await["total"], 0);
}

async fn members_grant_and_revoke_roles_up_to_their_own(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    Client::sign_up(&server, "pupil").await;
    let workspace = &team.workspace;
    let (owner, member) = (team.owner.user_id(), team.member.user_id());
    let forbidden = [
        (
            "member.add",
            json!({ "workspace_id": workspace, "username": "pupil", "role": "owner" }),
        ),
        (
            "member.update",
            json!({ "workspace_id": workspace, "user_id": member, "role": "owner" }),
        ),
        (
            "member.update",
            json!({ "workspace_id": workspace, "user_id": owner, "role": "viewer" }),
        ),
        (
            "member.remove",
            json!({ "workspace_id": workspace, "user_id": owner }),
        ),
    ];
    for (name, data) in forbidden {
        assert_eq!(
            team.admin.refused(name, data.clone()).await["code"],
            "FORBIDDEN",
            "{name} {data}"
        );
    }
    let allowed = [
        (
            "member.add",
            json!({ "workspace_id": workspace, "username": "pupil", "role": "admin" }),
        ),
        (
            "member.update",
            json!({ "workspace_id": workspace, "user_id": member, "role": "admin" }),
        ),
        (
            "member.remove",
            json!({ "workspace_id": workspace, "user_id": member }),
        ),
        (
            "member.update",
            json!({ "workspace_id": workspace, "user_id": team.admin.user_id(), "role": "member" }),
        ),
    ];
    for (name, data) in allowed {
        team.admin.ok(name, data).await;
    }
    let data = json!({ "workspace_id": workspace, "user_id": owner, "role": "owner" });
    assert_eq!(
        team.admin.refused("member.update", data).await["code"],
        "FORBIDDEN"
    );
}

async fn the_last_owner_stays(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (owner, admin) = (team.owner.user_id(), team.admin.user_id());
    let update =
        |user: &str, role: &str| json!({ "workspace_id": team.workspace, "user_id": user, "role": role });
    let remove = |user: &str| json!({ "workspace_id": team.workspace, "user_id": user });
    assert_eq!(
        team.owner.refused("member.update", update(&owner, "admin")).await["code"],
        "CONFLICT"
    );
    assert_eq!(
        team.owner.refused("member.remove", remove(&owner)).await["code"],
        "CONFLICT"
    );
    team.owner.ok("member.update", update(&admin, "owner")).await;
    team.owner.ok("member.update", update(&owner, "viewer")).await;
    assert_eq!(
        team.admin.refused("member.remove", remove(&admin)).await["code"],
        "CONFLICT"
    );
    team.admin.ok("member.remove", remove(&owner)).await;
    let both = json!({ "ops": [
        { "type": "member.update", "data": update(&team.member.user_id(), "owner") },
        { "type": "member.remove", "data": remove(&admin) },
    ] });
    let answer = team.admin.call("batch", both).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    assert!(
        answer["at"].get(team.stream()).is_none(),
        "`at` must leave out a stream that the caller may no longer read: {answer}"
    );
}

async fn a_workspace_has_as_many_members_as_the_setting_says(engine: Engine) {
    let server = Server::start(engine, &[("members_per_workspace", "2")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let bob = Client::sign_up(&server, "bob").await;
    let mut eve = Client::sign_up(&server, "eve").await;
    let id = ada.ok("workspace.create", json!({ "name": "W" })).await["id"].clone();
    let add = |name: &str| json!({ "workspace_id": id, "username": name, "role": "member" });
    let link = json!({ "workspace_id": id, "role": "member" });
    let token = ada.ok("invite.create", link).await["token"].clone();
    ada.ok("member.add", add("bob")).await;
    for (client, name, data) in [
        (&mut ada, "member.add", add("eve")),
        (&mut eve, "invite.accept", json!({ "token": token })),
    ] {
        let refused = client.refused(name, data).await;
        assert_eq!(
            json!([refused["code"], refused["context"]]),
            json!(["PLAN_LIMIT", { "limit": 2, "setting": "members_per_workspace" }]),
            "{name}"
        );
    }
    let remove = json!({ "workspace_id": id, "user_id": bob.user_id() });
    ada.ok("member.remove", remove).await;
    eve.ok("invite.accept", json!({ "token": token })).await;
}

async fn a_personal_workspace_is_not_shared(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    Client::sign_up(&server, "bob").await;
    let id = ada.personal();
    let add = json!({ "workspace_id": id, "username": "bob", "role": "viewer" });
    assert_eq!(ada.refused("member.add", add).await["code"], "CONFLICT");
    let leave = json!({ "workspace_id": id, "user_id": ada.user_id() });
    assert_eq!(ada.refused("member.remove", leave).await["code"], "CONFLICT");
    let step_down = json!({ "workspace_id": id, "user_id": ada.user_id(), "role": "viewer" });
    assert_eq!(ada.refused("member.update", step_down).await["code"], "CONFLICT");
}
