//! Tags: what they are, how tasks make them, and what becomes of the tasks that carry them.

use crate::on_both_databases;
use crate::support::follower::{names, pluck};
use crate::support::{Client, Engine, Follower, Server, Team, audit, text};
use futures_util::future::join_all;
use serde_json::{Value, json};

on_both_databases!(
    a_tag_is_made_colored_renamed_and_deleted,
    a_task_with_a_new_name_makes_the_tag,
    another_name_is_on_all_tasks_that_carry_the_tag,
    a_name_that_is_taken_makes_two_tags_one,
    tags_of_one_batch_see_each_other,
    a_thousand_tasks_of_a_renamed_tag_are_one_reset,
    a_workspace_has_as_many_tags_as_the_settings_allow,
    tags_are_for_members,
    each_name_on_a_task_is_that_of_a_tag_whoever_changes_both_at_once,
);

async fn list(client: &mut Client, workspace: &str) -> Vec<Value> {
    let (mut items, mut data) = (Vec::new(), json!({ "workspace_id": workspace, "limit": 2 }));
    loop {
        let page = client.ok("tag.list", data.clone()).await;
        items.extend_from_slice(page["items"].as_array().expect("items"));
        if page["next_cursor"].is_null() {
            return items;
        }
        data["cursor"] = page["next_cursor"].clone();
    }
}

async fn named(client: &mut Client, workspace: &str) -> Vec<Value> {
    let tags = list(client, workspace).await;
    tags.iter().map(|tag| tag["name"].clone()).collect()
}

/// The id of a tag.
async fn id_of(client: &mut Client, workspace: &str, name: &str) -> Value {
    let tags = list(client, workspace).await;
    let tag = tags.iter().find(|tag| tag["name"] == name);
    tag.expect("a tag of this name")["id"].clone()
}

async fn task(ada: &mut Follower, title: &str, tags: Value) -> Value {
    let data = json!({ "title": title, "tags": tags });
    ada.act("task.create", data).await.data["id"].clone()
}

async fn tags_of(client: &mut Client, task: &Value) -> Value {
    client.ok("task.get", json!({ "id": task })).await["tags"].clone()
}

/// The names of events in the workspace's stream.
fn of_workspace(events: &[Value]) -> Vec<&str> {
    let told = names(events).into_iter();
    told.filter(|name| !name.starts_with("notification.")).collect()
}

async fn a_tag_is_made_colored_renamed_and_deleted(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let data = json!({ "workspace_id": home, "name": " Errands ", "color": "#3B82F6" });
    let made = ada.act("tag.create", data).await;
    assert_eq!(made.names(), ["tag.created"]);
    let id = made.data["id"].clone();
    let expected =
        json!({ "id": id, "workspace_id": home, "name": "Errands", "color": "#3b82f6", "version": 1 });
    assert_eq!(made.data, expected);
    for taken in ["Errands", "eRRANDS"] {
        let refused = ada
            .refused("tag.create", json!({ "workspace_id": home, "name": taken }))
            .await;
        assert_eq!(refused, ("CONFLICT".to_owned(), Some("name".to_owned())));
    }
    let plain = ada.act("tag.update", json!({ "id": id, "color": null })).await;
    assert_eq!(plain.names(), ["tag.updated"]);
    assert_eq!(
        (&plain.data["color"], &plain.data["version"]),
        (&Value::Null, &json!(2))
    );
    ada.unchanged(
        "tag.update",
        json!({ "id": id, "name": "Errands", "color": null }),
    )
    .await;
    let renamed = ada
        .act("tag.update", json!({ "id": id, "name": "errands" }))
        .await;
    assert_eq!(
        (&renamed.data["name"], &renamed.data["version"]),
        (&json!("errands"), &json!(3))
    );
    let gone = ada.act("tag.delete", json!({ "id": id })).await;
    assert_eq!(gone.names(), ["tag.deleted"]);
    assert_eq!(gone.data, json!({ "id": id, "version": 4 }));
    assert_eq!(list(&mut ada.client, &home).await, Vec::<Value>::new());
    for (name, data) in [
        ("tag.delete", json!({ "id": id })),
        ("tag.update", json!({ "id": id, "name": "x" })),
    ] {
        assert_eq!(ada.refused(name, data).await.0, "NOT_FOUND");
    }
    for (wrong, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(51) }), "name"),
        (json!({ "name": "a\nb" }), "name"),
        (json!({ "name": "a", "color": "red" }), "color"),
    ] {
        let mut data = wrong;
        data["workspace_id"] = json!(home);
        let refused = ada.refused("tag.create", data).await;
        assert_eq!(refused, ("VALIDATION_ERROR".to_owned(), Some(field.to_owned())));
    }
}

async fn a_task_with_a_new_name_makes_the_tag(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let data = json!({ "title": "a", "tags": ["Home", "bills"] });
    let made = ada.act("task.create", data).await;
    assert_eq!(
        of_workspace(&made.events),
        ["tag.created", "tag.created", "task.created"]
    );
    let again = ada
        .act("task.create", json!({ "title": "b", "tags": ["HOME"] }))
        .await;
    assert_eq!(of_workspace(&again.events), ["task.created"]);
    assert_eq!(again.data["tags"], json!(["Home"]));
    let id = again.data["id"].clone();
    let changed = ada
        .act("task.update", json!({ "id": id, "tags": ["garden", "home"] }))
        .await;
    assert_eq!(of_workspace(&changed.events), ["tag.created", "task.updated"]);
    ada.unchanged("task.update", json!({ "id": id, "tags": ["Garden", "Home"] }))
        .await;
    assert_eq!(named(&mut ada.client, &home).await, ["bills", "garden", "Home"]);
    // a task that is refused makes none
    let wrong = json!({ "title": "c", "tags": ["new"], "stage": "nowhere" });
    ada.refused("task.create", wrong).await;
    assert_eq!(list(&mut ada.client, &home).await.len(), 3);
    // they are in the snapshot, and stay when no task carries them
    ada.act("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    let page = ada
        .client
        .ok("workspace.sync", json!({ "workspace_id": home }))
        .await;
    assert_eq!(page["tags"].as_array().map(Vec::len), Some(3));
}

async fn another_name_is_on_all_tasks_that_carry_the_tag(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let first = task(&mut ada, "first", json!(["a", "home", "b"])).await;
    let second = task(&mut ada, "second", json!(["home"])).await;
    let other = task(&mut ada, "other", json!(["a"])).await;
    ada.act("task.delete", json!({ "id": second })).await;
    let id = id_of(&mut ada.client, &home, "home").await;
    let renamed = ada
        .act(
            "tag.update",
            json!({ "id": id, "name": "House", "color": "#22c55e" }),
        )
        .await;
    assert_eq!(renamed.names(), ["task.updated", "task.updated", "tag.updated"]);
    assert_eq!(
        json!([renamed.data["id"], renamed.data["name"], renamed.data["color"]]),
        json!([id, "House", "#22c55e"])
    );
    assert_eq!(tags_of(&mut ada.client, &first).await, json!(["a", "House", "b"]));
    assert_eq!(
        tags_of(&mut ada.client, &second).await,
        json!(["House"]),
        "deleted ones too"
    );
    assert_eq!(tags_of(&mut ada.client, &other).await, json!(["a"]));
    // lists and search follow
    for (wanted, titles) in [
        (json!({ "tag": "house" }), vec!["first"]),
        (json!({ "tag": "home" }), vec![]),
        (json!({ "q": "house" }), vec!["first"]),
        (json!({ "q": "home" }), vec![]),
    ] {
        let page = ada.client.ok("task.list", wanted.clone()).await;
        assert_eq!(pluck(&page, "title"), titles, "{wanted}");
    }
    // the name is free again, and another spelling is a change too
    task(&mut ada, "third", json!(["home"])).await;
    let spelled = ada.act("tag.update", json!({ "id": id, "name": "HOUSE" })).await;
    assert_eq!(spelled.names(), ["task.updated", "task.updated", "tag.updated"]);
    assert_eq!(tags_of(&mut ada.client, &first).await, json!(["a", "HOUSE", "b"]));
    let gone = ada.act("tag.delete", json!({ "id": id })).await;
    assert_eq!(gone.names(), ["task.updated", "task.updated", "tag.deleted"]);
    assert_eq!(tags_of(&mut ada.client, &first).await, json!(["a", "b"]));
    assert_eq!(named(&mut ada.client, &home).await, ["a", "b", "home"]);
}

async fn a_name_that_is_taken_makes_two_tags_one(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let one = task(&mut ada, "one", json!(["shop", "x", "Shopping"])).await;
    let two = task(&mut ada, "two", json!(["shop"])).await;
    let three = task(&mut ada, "three", json!(["Shopping"])).await;
    let (gone, kept) = (
        id_of(&mut ada.client, &home, "shop").await,
        id_of(&mut ada.client, &home, "Shopping").await,
    );
    let merged = ada
        .act("tag.update", json!({ "id": gone, "name": "SHOPPING" }))
        .await;
    assert_eq!(merged.names(), ["task.updated", "task.updated", "tag.deleted"]);
    assert_eq!(merged.event("tag.deleted")["data"]["id"], gone);
    assert_eq!(
        json!([merged.data["id"], merged.data["name"], merged.data["version"]]),
        json!([kept, "Shopping", 1])
    );
    assert_eq!(tags_of(&mut ada.client, &one).await, json!(["Shopping", "x"]));
    assert_eq!(tags_of(&mut ada.client, &two).await, json!(["Shopping"]));
    assert_eq!(tags_of(&mut ada.client, &three).await, json!(["Shopping"]));
    let page = ada
        .client
        .ok("task.list", json!({ "tag": "shopping", "sort": "title" }))
        .await;
    assert_eq!(pluck(&page, "title"), ["one", "three", "two"]);
    // a color that comes along is the one of the tag that stays
    let x = id_of(&mut ada.client, &home, "x").await;
    let merged = ada
        .act(
            "tag.update",
            json!({ "id": x, "name": "shopping", "color": "#22c55e" }),
        )
        .await;
    assert_eq!(merged.names(), ["task.updated", "tag.deleted", "tag.updated"]);
    assert_eq!(
        json!([merged.data["id"], merged.data["color"]]),
        json!([kept, "#22c55e"])
    );
    assert_eq!(tags_of(&mut ada.client, &one).await, json!(["Shopping"]));
    assert_eq!(named(&mut ada.client, &home).await, ["Shopping"]);
}

async fn tags_of_one_batch_see_each_other(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    task(&mut ada, "old", json!(["a", "b"])).await;
    let (a, b) = (
        id_of(&mut ada.client, &home, "a").await,
        id_of(&mut ada.client, &home, "b").await,
    );
    let op = |name: &str, data: Value| json!({ "type": name, "data": data });
    let create = |title: &str, tags: &[&str]| op("task.create", json!({ "title": title, "tags": tags }));
    // the two change their names by way of a third one
    let batches = [
        vec![
            create("new", &["A", "c"]),
            op("tag.update", json!({ "id": a, "name": "free" })),
        ],
        vec![op("tag.update", json!({ "id": b, "name": "a" }))],
        vec![
            op("tag.update", json!({ "id": a, "name": "b" })),
            create("newer", &["a", "b", "free"]),
        ],
        vec![
            op("tag.delete", json!({ "id": a })),
            create("newest", &["B", "A"]),
        ],
    ];
    let mut tags = Vec::new();
    for ops in batches {
        let done = ada.act("batch", json!({ "ops": ops })).await;
        let results = done.data["results"].as_array().expect("results").clone();
        let made = results.iter().map(|result| &result["data"]);
        tags.extend(made.filter_map(|data| data.get("tags").cloned()));
    }
    assert_eq!(json!(tags), json!([["a", "c"], ["a", "b", "free"], ["B", "a"]]));
    let page = ada.client.ok("task.list", json!({ "sort": "created_at" })).await;
    let expected = json!([["a"], ["c"], ["a", "free"], ["B", "a"]]);
    assert_eq!(json!(pluck(&page, "tags")), expected);
    assert_eq!(named(&mut ada.client, &home).await, ["a", "B", "c", "free"]);
    // an atomic batch that is refused leaves no tag
    let ops = json!({ "ops": [
        op("task.create", json!({ "title": "x", "tags": ["never"] })),
        op("tag.delete", json!({ "id": a })),
    ] });
    assert_eq!(ada.refused("batch", ops).await.0, "NOT_FOUND");
    assert_eq!(list(&mut ada.client, &home).await.len(), 4);
}

async fn a_thousand_tasks_of_a_renamed_tag_are_one_reset(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    for _ in 0..11 {
        let ops: Vec<Value> = (0..92)
            .map(|n| json!({ "type": "task.create", "data": { "title": format!("{n}"), "tags": ["many"] } }))
            .collect();
        ada.ok("batch", json!({ "ops": ops })).await;
        ada.forget_events();
    }
    let id = id_of(&mut ada, &home, "many").await;
    let before = ada.ok("workspace.sync", json!({ "workspace_id": home })).await["seq"].clone();
    ada.ok("tag.update", json!({ "id": id, "name": "Other" })).await;
    ada.ok("tag.delete", json!({ "id": id })).await;
    let history = json!({ "stream": format!("workspace:{home}"), "after": before });
    let history = ada.ok("stream.history", history).await;
    assert_eq!(
        pluck(&json!({ "items": history["events"] }), "event"),
        ["stream.reset", "tag.updated", "stream.reset", "tag.deleted"]
    );
    for tag in ["many", "other"] {
        assert_eq!(ada.ok("task.list", json!({ "tag": tag })).await["total"], 0);
    }
}

async fn a_workspace_has_as_many_tags_as_the_settings_allow(engine: Engine) {
    let server = Server::start(engine, &[("tags_per_workspace", "3")]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    task(&mut ada, "t", json!(["1", "2"])).await;
    let error = ada
        .client
        .refused("task.create", json!({ "title": "t", "tags": ["1", "3", "4"] }))
        .await;
    let told = json!([error["code"], error["field"], error["context"]["limit"]]);
    assert_eq!(told, json!(["PLAN_LIMIT", "tags", 3]));
    assert!(text(&error["message"]).contains('3'), "{error}");
    let op = |tag: &str| json!({ "type": "task.create", "data": { "title": "t", "tags": [tag] } });
    let ops = json!({ "ops": [op("3"), op("4"), op("3")], "atomic": false });
    let done = ada.act("batch", ops).await;
    let codes: Vec<&Value> = (0..3)
        .map(|i| &done.data["results"][i]["error"]["code"])
        .collect();
    assert_eq!(json!(codes), json!([null, "PLAN_LIMIT", null]));
    let data = json!({ "workspace_id": home, "name": "4" });
    assert_eq!(ada.refused("tag.create", data.clone()).await.0, "PLAN_LIMIT");
    let id = id_of(&mut ada.client, &home, "2").await;
    ada.act("tag.delete", json!({ "id": id })).await;
    ada.act("tag.create", data).await;
}

async fn tags_are_for_members(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let place = json!({ "workspace_id": team.workspace, "name": "ours" });
    let refused = team.viewer.refused("tag.create", place.clone()).await;
    assert_eq!(refused["code"], "FORBIDDEN");
    let id = team.member.ok("tag.create", place).await["id"].clone();
    assert_eq!(named(&mut team.viewer, &team.workspace).await, ["ours"]);
    let mut stranger = Client::sign_up(&server, "stranger").await;
    for (name, data) in [
        ("tag.update", json!({ "id": id, "name": "theirs" })),
        ("tag.delete", json!({ "id": id })),
    ] {
        assert_eq!(stranger.refused(name, data.clone()).await["code"], "NOT_FOUND");
        assert_eq!(team.viewer.refused(name, data).await["code"], "FORBIDDEN");
    }
    // each workspace has its own
    let own = json!({ "title": "t", "tags": ["OURS"] });
    assert_eq!(team.member.ok("task.create", own).await["tags"], json!(["OURS"]));
}

/// Some rename, merge, delete and make tags, others put their names on tasks, all at once; with PostgreSQL on two instances.
async fn each_name_on_a_task_is_that_of_a_tag_whoever_changes_both_at_once(engine: Engine) {
    let servers = Server::start_each(engine).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let place = ada.personal();
    let mut ids = Vec::new();
    for name in ["red", "green", "blue"] {
        let data = json!({ "title": "T", "tags": [name] });
        ids.push(ada.ok("task.create", data).await["id"].clone());
    }
    let mut sockets = Vec::new();
    for server in &servers {
        for _ in 0..4 {
            sockets.push(Client::with_tokens(server, &ada.tokens, json!({ "streams": [] })).await);
        }
    }
    let (ids, place) = (&ids, &place);
    let playing = sockets.iter_mut().enumerate().map(|(n, socket)| async move {
        for round in 0..25 {
            let pick = n * 7 + round * 5;
            // two spellings have one key
            let name = ["red", "Green", "green", "blue", "BLUE", "pink"][pick % 6];
            let (what, data) = if n % 2 == 0 {
                let tags = list(socket, place).await;
                match (tags.get(pick % tags.len().max(1)), pick % 4) {
                    (Some(tag), 0) => ("tag.delete", json!({ "id": tag["id"] })),
                    (Some(tag), _) => ("tag.update", json!({ "id": tag["id"], "name": name })),
                    (None, _) => ("tag.create", json!({ "workspace_id": place, "name": name })),
                }
            } else {
                match pick % 4 {
                    0 => ("task.create", json!({ "title": "T", "tags": [name] })),
                    1 => ("task.delete", json!({ "id": ids[pick % 3] })),
                    2 => ("task.restore", json!({ "id": ids[pick % 3] })),
                    _ => (
                        "task.update",
                        json!({ "id": ids[pick % 3], "tags": [name, "red"] }),
                    ),
                }
            };
            let asked = socket.ask(what, data).await;
            let answer = socket.answer(asked).await;
            // another has deleted or merged it, or made one of that name, first
            let code = answer["error"]["code"].as_str().unwrap_or("ok");
            let fine = ["ok", "NOT_FOUND", "CONFLICT", "NOT_DELETED"].contains(&code);
            assert!(fine, "{what}: {answer}");
        }
    });
    join_all(playing).await;
    for server in &servers {
        audit::heard(server, &ada.tokens).await;
        audit::agree(server, &ada.tokens).await;
    }
}
