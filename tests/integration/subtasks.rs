//! What becomes of subtasks when their task is completed, deleted, restored or moved, and how many a task may have.

use crate::on_both_databases;
use crate::support::follower::pluck;
use crate::support::{Client, Engine, Follower, Server, text};
use serde_json::{Value, json};

on_both_databases!(
    completing_a_task_leaves_its_subtasks,
    deleting_a_task_takes_its_subtasks_along_and_restoring_brings_them_back,
    what_was_deleted_before_is_told_from_it_within_one_batch,
    purging_a_task_deletes_its_subtasks,
    moving_a_task_takes_its_subtasks_along,
    a_thousand_subtasks_of_a_deleted_task_are_one_reset,
    too_many_tasks_below_another_are_refused,
    a_task_has_as_many_subtasks_as_the_settings_allow,
);

async fn made(ada: &mut Follower, title: &str, parent: Option<&Value>) -> Value {
    let data = json!({ "title": title, "parent_id": parent });
    ada.act("task.create", data).await.data["id"].clone()
}

/// A task, its two subtasks, and one below the first of these.
async fn family(ada: &mut Follower) -> [Value; 4] {
    let top = made(ada, "top", None).await;
    let first = made(ada, "first", Some(&top)).await;
    let second = made(ada, "second", Some(&top)).await;
    let below = made(ada, "below", Some(&first)).await;
    [top, first, second, below]
}

async fn titles(client: &mut Client, wanted: Value) -> Vec<Value> {
    let mut wanted = wanted;
    wanted["sort"] = json!("created_at");
    pluck(&client.ok("task.list", wanted).await, "title")
}

async fn deleted(ada: &mut Follower) -> Vec<Value> {
    titles(&mut ada.client, json!({ "status": "deleted" })).await
}

async fn completing_a_task_leaves_its_subtasks(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let [top, ..] = family(&mut ada).await;
    let done = ada.act("task.complete", json!({ "id": top })).await;
    assert_eq!(done.event("task.completed")["data"]["id"], top);
    let pending = titles(&mut ada.client, json!({ "status": "pending" })).await;
    assert_eq!(pending, ["first", "second", "below"]);
}

async fn deleting_a_task_takes_its_subtasks_along_and_restoring_brings_them_back(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let [top, first, second, below] = family(&mut ada).await;
    ada.act("task.delete", json!({ "id": second })).await;
    assert_eq!(deleted(&mut ada).await, ["second"]);

    let gone = ada.act("task.delete", json!({ "id": top })).await;
    let stream = format!("workspace:{}", ada.client.personal());
    let events = gone.events.iter().filter(|event| event["stream"] == *stream);
    let told: Vec<(&str, &Value)> = events
        .map(|event| (text(&event["event"]), &event["data"]["id"]))
        .collect();
    let name = "task.deleted";
    assert_eq!(told, [(name, &first), (name, &below), (name, &top)]);
    assert_eq!(deleted(&mut ada).await, ["top", "first", "second", "below"]);
    let of = async |ada: &mut Follower, id: &Value| ada.client.ok("task.get", json!({ "id": id })).await;
    let time = of(&mut ada, &top).await["deleted_at"].clone();
    assert_eq!(of(&mut ada, &below).await["deleted_at"], time);
    assert_ne!(of(&mut ada, &second).await["deleted_at"], time);

    let back = ada.act("task.restore", json!({ "id": top })).await;
    let restored = back.names().into_iter().filter(|name| *name == "task.restored");
    assert_eq!(restored.count(), 3);
    assert_eq!(deleted(&mut ada).await, ["second"]);
    let first_now = of(&mut ada, &first).await;
    assert_eq!(
        (&first_now["parent_id"], &first_now["version"]),
        (&top, &json!(3))
    );

    // one that is restored on its own stays, and is deleted on its own again
    ada.act("task.delete", json!({ "id": top })).await;
    ada.act("task.restore", json!({ "id": below })).await;
    assert_eq!(deleted(&mut ada).await, ["top", "first", "second"]);
    ada.act("task.delete", json!({ "id": below })).await;
    ada.act("task.restore", json!({ "id": top })).await;
    assert_eq!(deleted(&mut ada).await, ["second", "below"]);
    ada.unchanged("task.delete", json!({ "id": second })).await;
}

/// All mutations of a batch have one time.
async fn what_was_deleted_before_is_told_from_it_within_one_batch(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let [top, first, second, _] = family(&mut ada).await;
    let op = |name: &str, id: &Value| json!({ "type": name, "data": { "id": id } });
    let ops = [
        op("task.delete", &first),
        op("task.delete", &top),
        op("task.restore", &second),
        op("task.delete", &second),
        op("task.restore", &top),
    ];
    ada.act("batch", json!({ "ops": ops })).await;
    assert_eq!(deleted(&mut ada).await, ["first", "second", "below"]);
    ada.act("task.restore", json!({ "id": first })).await;
    assert_eq!(deleted(&mut ada).await, ["second"]);
}

async fn purging_a_task_deletes_its_subtasks(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let [top, first, ..] = family(&mut ada).await;
    let gone = ada
        .act("task.delete", json!({ "id": top, "permanent": true }))
        .await;
    let events = gone.names().into_iter().filter(|name| name.starts_with("task."));
    assert_eq!(
        events.collect::<Vec<_>>(),
        ["task.deleted", "task.deleted", "task.deleted", "task.purged"]
    );
    assert_eq!(deleted(&mut ada).await, ["first", "second", "below"]);
    let back = ada.act("task.restore", json!({ "id": first })).await;
    assert_eq!(back.data["parent_id"], Value::Null);
    assert_eq!(deleted(&mut ada).await, ["second"]);
    // what was restored below a deleted task stays when that one is purged
    let [top, first, ..] = family(&mut ada).await;
    ada.act("task.delete", json!({ "id": top })).await;
    ada.act("task.restore", json!({ "id": first })).await;
    ada.act("task.delete", json!({ "id": top, "permanent": true }))
        .await;
    let first = ada.client.ok("task.get", json!({ "id": first })).await;
    assert_eq!(
        (&first["is_deleted"], &first["parent_id"]),
        (&json!(false), &Value::Null)
    );
}

async fn moving_a_task_takes_its_subtasks_along(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let mut projects = Vec::new();
    for name in ["House", "Garden"] {
        let data = json!({ "workspace_id": home, "name": name });
        projects.push(ada.act("project.create", data).await.data["id"].clone());
    }
    let [top, first, second, below] = family(&mut ada).await;
    ada.act("task.update", json!({ "id": second, "project_id": projects[1] }))
        .await;
    for (name, project) in [("task.move", &projects[0]), ("task.update", &Value::Null)] {
        let moved = ada.act(name, json!({ "id": top, "project_id": project })).await;
        let moved = moved.names().into_iter().filter(|name| *name == "task.moved");
        assert_eq!(moved.count(), if name == "task.move" { 3 } else { 2 });
        for id in [&top, &first, &below] {
            let task = ada.client.ok("task.get", json!({ "id": id })).await;
            assert_eq!(&task["project_id"], project, "{task}");
        }
    }
    let own = ada.client.ok("task.get", json!({ "id": second })).await;
    assert_eq!(own["project_id"], projects[1], "it was in another project");
    // below another task, its subtasks stay below it, and the stage is each one's own
    let other = made(&mut ada, "other", None).await;
    let data = json!({ "id": first, "parent_id": other, "stage": "doing" });
    assert_eq!(ada.act("task.move", data).await.names(), ["task.moved"]);
    let below = ada.client.ok("task.get", json!({ "id": below })).await;
    assert_eq!((&below["parent_id"], &below["stage"]), (&first, &json!("todo")));
}

async fn a_thousand_subtasks_of_a_deleted_task_are_one_reset(engine: Engine) {
    let server = Server::start(engine, &[("subtasks_per_task", "0")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    let top = ada.ok("task.create", json!({ "title": "top" })).await["id"].clone();
    for _ in 0..11 {
        let ops: Vec<Value> = (0..92)
            .map(|n| json!({ "type": "task.create", "data": { "title": format!("{n}"), "parent_id": top } }))
            .collect();
        ada.ok("batch", json!({ "ops": ops })).await;
        ada.forget_events();
    }
    for (name, status, own) in [
        ("task.delete", "deleted", ["stream.reset", "task.deleted"]),
        ("task.restore", "pending", ["task.restored", "stream.reset"]),
    ] {
        let before = ada.ok("workspace.sync", json!({ "workspace_id": home })).await["seq"].clone();
        ada.ok(name, json!({ "id": top })).await;
        let history = json!({ "stream": format!("workspace:{home}"), "after": before });
        let history = ada.ok("stream.history", history).await;
        assert_eq!(pluck(&json!({ "items": history["events"] }), "event"), own);
        let all = ada.ok("task.list", json!({ "status": status })).await;
        assert_eq!(all["total"], 11 * 92 + 1);
    }
}

/// Puts so many copies of the task `part` next to it.
async fn copy_parts(server: &Server, engine: Engine, number: usize) {
    let (id, more) = match engine {
        Engine::Sqlite => ("randomblob(16)", ""),
        Engine::Postgres => ("gen_random_uuid()", ", search"),
    };
    let columns = format!(
        "workspace_id, parent_id, title, completed, priority, all_day, position, tags, assignee_ids, comment_count,
         attachment_count, is_deleted, version, created_by, created_at, updated_at, dated_by_id{more}"
    );
    let copy = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {number})
         insert into tasks (id, {columns}) select {id}, {columns} from n cross join tasks where title = 'part'"
    );
    server.database.execute(&copy).await;
}

async fn too_many_tasks_below_another_are_refused(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    let mut ids = Vec::new();
    for title in ["top", "a", "b"] {
        ids.push(ada.ok("task.create", json!({ "title": title })).await["id"].clone());
    }
    ada.ok("task.create", json!({ "title": "part", "parent_id": ids[0] }))
        .await;
    let data = json!({ "workspace_id": home, "name": "House" });
    let project = ada.ok("project.create", data).await["id"].clone();
    copy_parts(&server, engine, 20_000).await;
    // those that wait with it are carried out
    let mut asked = Vec::new();
    for i in [1, 0, 2] {
        asked.push(ada.ask("task.delete", json!({ "id": ids[i] })).await);
    }
    let mut kinds = Vec::new();
    for id in asked {
        kinds.push(ada.answer(id).await["type"].clone());
    }
    assert_eq!(kinds, ["ok", "error", "ok"]);
    for (name, data) in [
        ("task.delete", json!({ "id": ids[0] })),
        ("task.delete", json!({ "id": ids[0], "permanent": true })),
        ("task.move", json!({ "id": ids[0], "project_id": project })),
        ("task.update", json!({ "id": ids[0], "project_id": project })),
    ] {
        let error = ada.refused(name, data).await;
        assert_eq!(error["code"], "CONFLICT", "{name}: {error}");
        assert!(text(&error["message"]).contains("20000"), "{error}");
    }
    ada.ok("task.update", json!({ "id": ids[0], "title": "still here" }))
        .await;
}

async fn a_task_has_as_many_subtasks_as_the_settings_allow(engine: Engine) {
    let server = Server::start(engine, &[("subtasks_per_task", "2")]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let [top, first, ..] = family(&mut ada).await;
    let other = made(&mut ada, "other", None).await;
    for (name, data) in [
        ("task.create", json!({ "title": "third", "parent_id": top })),
        ("task.update", json!({ "id": other, "parent_id": top })),
        ("task.move", json!({ "id": other, "parent_id": top })),
    ] {
        let error = ada.client.refused(name, data).await;
        let told = (&error["code"], &error["field"], &error["context"]["limit"]);
        assert_eq!(
            told,
            (&json!("PLAN_LIMIT"), &json!("parent_id"), &json!(2)),
            "{name}"
        );
        assert!(text(&error["message"]).contains('2'), "{error}");
    }
    // those of one batch count, and deleted ones do not
    let id = crate::support::new_id();
    let op = |data: Value| json!({ "type": "task.create", "data": data });
    let mut ops = vec![op(json!({ "id": id, "title": "new" }))];
    ops.extend((0..3).map(|_| op(json!({ "title": "part", "parent_id": id }))));
    let answer = ada.act("batch", json!({ "ops": ops, "atomic": false })).await;
    let codes = pluck(&json!({ "items": answer.data["results"] }), "error");
    assert_eq!(codes.len(), 4);
    assert_eq!(codes[3]["code"], "PLAN_LIMIT");
    assert!(codes[..3].iter().all(Value::is_null), "{codes:?}");
    ada.act("task.delete", json!({ "id": first })).await;
    let third = made(&mut ada, "third", Some(&top)).await;
    let error = ada.client.refused("task.restore", json!({ "id": first })).await;
    assert_eq!(
        (&error["code"], &error["context"]["limit"]),
        (&json!("PLAN_LIMIT"), &json!(2))
    );
    // what was deleted with the task comes back with it
    ada.act("task.delete", json!({ "id": top })).await;
    ada.act("task.restore", json!({ "id": top })).await;
    assert_eq!(deleted(&mut ada).await, ["first", "below"]);
    ada.act("task.delete", json!({ "id": third })).await;
    ada.act("task.restore", json!({ "id": first })).await;
}
