//! Projects: what they are, their order, and what becomes of their tasks.

use crate::on_both_databases;
use crate::support::copies::copy;
use crate::support::follower::{names, once, pluck};
use crate::support::{Client, Engine, Follower, Server, new_id, text};
use serde_json::{Value, json};

on_both_databases!(
    a_project_is_made_changed_archived_and_deleted,
    projects_have_an_order_that_members_choose,
    a_task_is_in_a_project_of_its_workspace,
    the_tasks_of_a_deleted_project_stay,
    a_thousand_tasks_of_a_deleted_project_are_one_reset,
    thousands_of_tasks_leave_a_project_in_steps_before_it_goes,
    a_large_project_that_two_sockets_delete_with_one_op_id_goes_once,
    a_workspace_has_as_many_projects_as_the_settings_allow,
);

async fn list(client: &mut Client, workspace: &str) -> Vec<Value> {
    let (mut items, mut data) = (Vec::new(), json!({ "workspace_id": workspace, "limit": 3 }));
    loop {
        let page = client.ok("project.list", data.clone()).await;
        items.extend_from_slice(page["items"].as_array().expect("items"));
        if page["next_cursor"].is_null() {
            return items;
        }
        data["cursor"] = page["next_cursor"].clone();
    }
}

async fn made(person: &mut Follower, workspace: &str, name: &str) -> Value {
    let data = json!({ "workspace_id": workspace, "name": name });
    person.act("project.create", data).await.data["id"].clone()
}

async fn a_project_is_made_changed_archived_and_deleted(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let data = json!({ "workspace_id": home, "name": " House ", "color": "#3B82F6" });
    let created = ada.act("project.create", data).await;
    assert_eq!(created.names(), ["project.created"]);
    let id = created.data["id"].clone();
    let expected = json!({ "id": id, "workspace_id": home, "name": "House", "color": "#3b82f6", "is_archived": false,
        "version": 1, "position": created.data["position"], "created_at": created.data["created_at"],
        "updated_at": created.data["updated_at"] });
    assert_eq!(created.data, expected);

    let changed = ada
        .act(
            "project.update",
            json!({ "id": id, "name": "Garden", "color": null }),
        )
        .await;
    assert_eq!(changed.names(), ["project.updated"]);
    assert_eq!(
        (
            &changed.data["name"],
            &changed.data["color"],
            &changed.data["version"]
        ),
        (&json!("Garden"), &Value::Null, &json!(2))
    );
    let same = ada
        .act("project.update", json!({ "id": id, "name": "Garden" }))
        .await;
    assert_eq!((same.names().len(), &same.data["version"]), (0, &json!(2)));
    for (archived, expected) in [(json!({}), true), (json!({ "archived": false }), false)] {
        let mut data = archived;
        data["id"] = id.clone();
        let answer = ada.act("project.archive", data).await;
        assert_eq!(answer.names(), ["project.updated"]);
        assert_eq!(answer.data["is_archived"], expected);
    }
    let gone = ada.act("project.delete", json!({ "id": id })).await;
    assert_eq!(gone.names(), ["project.deleted"]);
    assert_eq!(gone.data, json!({ "id": id, "version": 5 }));
    assert_eq!(list(&mut ada.client, &home).await, Vec::<Value>::new());
    let again = ada.refused("project.delete", json!({ "id": id })).await;
    assert_eq!(again.0, "NOT_FOUND");

    for (wrong, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(101) }), "name"),
        (json!({ "name": "a\nb" }), "name"),
        (json!({ "name": "a", "color": "red" }), "color"),
    ] {
        let mut data = wrong;
        data["workspace_id"] = json!(home);
        let refused = ada.refused("project.create", data).await;
        assert_eq!(refused, ("VALIDATION_ERROR".to_owned(), Some(field.to_owned())));
    }
}

async fn projects_have_an_order_that_members_choose(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let mut ids = Vec::new();
    for name in ["1", "2", "3", "4", "5"] {
        ids.push(made(&mut ada, &home, name).await);
    }
    let order = async |ada: &mut Follower| -> Vec<String> {
        let projects = list(&mut ada.client, &home).await;
        projects
            .iter()
            .map(|project| text(&project["name"]).to_owned())
            .collect()
    };
    assert_eq!(order(&mut ada).await, ["1", "2", "3", "4", "5"]);
    ada.act("project.update", json!({ "id": ids[4], "before": ids[0] }))
        .await;
    ada.act("project.update", json!({ "id": ids[0], "after": ids[3] }))
        .await;
    assert_eq!(order(&mut ada).await, ["5", "2", "3", "4", "1"]);
    for step in 0..300 {
        // two that leap over each other in one gap
        let (moving, beside) = if step % 2 == 0 { (2, 3) } else { (3, 2) };
        ada.act(
            "project.update",
            json!({ "id": ids[moving], "before": ids[beside] }),
        )
        .await;
    }
    assert_eq!(order(&mut ada).await, ["5", "2", "4", "3", "1"]);
    let projects = list(&mut ada.client, &home).await;
    let longest = projects
        .iter()
        .map(|project| text(&project["position"]).len())
        .max();
    assert!(longest <= Some(40), "{longest:?}");
    let elsewhere = ada.act("workspace.create", json!({ "name": "Team" })).await.data["id"].clone();
    let other = made(&mut ada, text(&elsewhere), "Of the team").await;
    for (data, code, field) in [
        (json!({ "id": ids[0], "after": other }), "NOT_FOUND", "after"),
        (
            json!({ "id": ids[0], "before": ids[0] }),
            "VALIDATION_ERROR",
            "before",
        ),
        (
            json!({ "id": ids[0], "before": ids[1], "after": ids[2] }),
            "VALIDATION_ERROR",
            "before",
        ),
    ] {
        let refused = ada.refused("project.update", data).await;
        assert_eq!(refused, (code.to_owned(), Some(field.to_owned())));
    }
}

async fn a_task_is_in_a_project_of_its_workspace(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let house = made(&mut ada, &home, "House").await;
    let garden = made(&mut ada, &home, "Garden").await;
    let data = json!({ "title": "Paint", "project_id": house });
    let task = ada.act("task.create", data).await;
    assert_eq!(task.data["project_id"], house);
    let id = task.data["id"].clone();
    let moved = ada
        .act("task.move", json!({ "id": id, "project_id": garden }))
        .await;
    assert_eq!(
        (moved.names(), &moved.data["project_id"]),
        (vec!["task.moved"], &garden)
    );
    let of_garden = ada.client.ok("task.list", json!({ "project_id": garden })).await;
    assert_eq!(pluck(&of_garden, "title"), ["Paint"]);
    ada.act("project.archive", json!({ "id": house })).await;
    let back = ada
        .act("task.update", json!({ "id": id, "project_id": house }))
        .await;
    assert_eq!(
        back.data["project_id"], house,
        "an archived project keeps working"
    );
    let out = ada
        .act("task.update", json!({ "id": id, "project_id": null }))
        .await;
    assert_eq!(out.data["project_id"], Value::Null);

    let team = ada.act("workspace.create", json!({ "name": "Team" })).await.data["id"].clone();
    let other = made(&mut ada, text(&team), "Of the team").await;
    for unknown in [other, json!(new_id())] {
        for (name, data) in [
            ("task.create", json!({ "title": "Paint", "project_id": unknown })),
            ("task.update", json!({ "id": id, "project_id": unknown })),
            ("task.move", json!({ "id": id, "project_id": unknown })),
        ] {
            let refused = ada.refused(name, data).await;
            assert_eq!(
                refused,
                ("NOT_FOUND".to_owned(), Some("project_id".to_owned())),
                "{name}"
            );
        }
    }
}

async fn the_tasks_of_a_deleted_project_stay(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let house = made(&mut ada, &home, "House").await;
    let mut tasks = Vec::new();
    for title in ["Paint", "Sweep", "Old"] {
        let data = json!({ "title": title, "project_id": house });
        tasks.push(ada.act("task.create", data).await.data["id"].clone());
    }
    ada.act("task.delete", json!({ "id": tasks[2] })).await;
    let gone = ada.act("project.delete", json!({ "id": house })).await;
    assert_eq!(
        names(&gone.events),
        ["task.updated", "task.updated", "task.updated", "project.deleted"]
    );
    for task in &tasks {
        let task = ada.client.ok("task.get", json!({ "id": task })).await;
        assert_eq!(task["project_id"], Value::Null, "{task}");
    }
    // in one batch: what comes after the deletion does not find the project
    let shed = made(&mut ada, &home, "Shed").await;
    let ops = json!({ "atomic": false, "ops": [
        { "type": "task.create", "data": { "title": "Roof", "project_id": shed } },
        { "type": "project.delete", "data": { "id": shed } },
        { "type": "task.create", "data": { "title": "Door", "project_id": shed } },
    ] });
    let answer = ada.act("batch", ops).await;
    assert_eq!(answer.data["results"][2]["error"]["code"], "NOT_FOUND");
    let page = ada.client.ok("task.list", json!({ "sort": "title" })).await;
    assert_eq!(
        pluck(&page, "project_id"),
        [Value::Null, Value::Null, Value::Null]
    );
}

async fn a_thousand_tasks_of_a_deleted_project_are_one_reset(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    let house = ada
        .ok("project.create", json!({ "workspace_id": home, "name": "House" }))
        .await["id"]
        .clone();
    for _ in 0..11 {
        let ops: Vec<Value> = (0..92)
            .map(|n| json!({ "type": "task.create", "data": { "title": format!("{n}"), "project_id": house } }))
            .collect();
        ada.ok("batch", json!({ "ops": ops })).await;
        ada.forget_events();
    }
    let before = ada.ok("workspace.sync", json!({ "workspace_id": home })).await["seq"].clone();
    ada.ok("project.delete", json!({ "id": house })).await;
    let history = json!({ "stream": format!("workspace:{home}"), "after": before });
    let history = ada.ok("stream.history", history).await;
    assert_eq!(
        pluck(&json!({ "items": history["events"] }), "event"),
        ["stream.reset", "project.deleted"]
    );
    let left = ada.ok("task.list", json!({ "project_id": house })).await;
    assert_eq!(left["total"], 0);
}

async fn thousands_of_tasks_leave_a_project_in_steps_before_it_goes(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    let mut projects = Vec::new();
    for name in ["request", "batch"] {
        let project = json!({ "workspace_id": home, "name": name });
        let id = ada.ok("project.create", project).await["id"].clone();
        ada.ok("task.create", json!({ "title": name, "project_id": id }))
            .await;
        copy(&server, engine, name, 2_600, &[]).await;
        projects.push(id);
    }
    let events = async |ada: &mut Client, after: &Value| {
        let (mut names, mut after) = (Vec::new(), after.clone());
        loop {
            let page = json!({ "stream": format!("workspace:{home}"), "after": after, "limit": 200 });
            let page = ada.ok("stream.history", page).await;
            let events = page["events"].as_array().expect("events").clone();
            let Some(last) = events.last() else { return names };
            after = last["seq"].clone();
            names.extend(events.iter().map(|event| event["event"].clone()));
        }
    };
    let before = ada.ok("workspace.sync", json!({ "workspace_id": home })).await["seq"].clone();
    let delete = json!({ "id": projects[0] });
    let op_id = new_id().to_string();
    let first = once(&mut ada, &op_id, "project.delete", delete.clone()).await;
    assert_eq!(first["data"]["id"], projects[0], "{first}");
    let again = once(&mut ada, &op_id, "project.delete", delete).await;
    assert_eq!(again["data"], first["data"]);
    let told = events(&mut ada, &before).await;
    let (gone, updated) = told.split_last().expect("events");
    assert_eq!((gone, updated.len()), (&json!("project.deleted"), 2_601));
    assert!(updated.iter().all(|event| event == "task.updated"), "{updated:?}");
    let before = ada.ok("workspace.sync", json!({ "workspace_id": home })).await["seq"].clone();
    // a batch happens as a whole or not at all
    let op = json!({ "type": "project.delete", "data": { "id": projects[1] } });
    ada.ok("batch", json!({ "ops": [op] })).await;
    assert_eq!(
        events(&mut ada, &before).await,
        ["stream.reset", "project.deleted"]
    );
    let left = "select cast(count(*) as text) from tasks where project_id is not null";
    assert_eq!(server.database.texts(left).await, ["0"]);
}

async fn a_large_project_that_two_sockets_delete_with_one_op_id_goes_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    let project = json!({ "workspace_id": home, "name": "House" });
    let id = ada.ok("project.create", project).await["id"].clone();
    ada.ok("task.create", json!({ "title": "part", "project_id": id }))
        .await;
    copy(&server, engine, "part", 4_000, &[]).await;
    let (mut one, mut other) = (ada.another(&server).await, ada.another(&server).await);
    let op_id = new_id().to_string();
    let delete = json!({ "id": id });
    let writes = async {
        for n in 0..20 {
            let task = json!({ "title": format!("{n}"), "project_id": id });
            let answer = ada.call("task.create", task).await;
            let is_late = answer["error"]["field"] == "project_id";
            assert!(answer["type"] == "ok" || is_late, "{answer}");
        }
    };
    let (first, second, ()) = tokio::join!(
        once(&mut one, &op_id, "project.delete", delete.clone()),
        once(&mut other, &op_id, "project.delete", delete),
        writes,
    );
    assert_eq!(
        (&first["type"], &second["type"]),
        (&json!("ok"), &json!("ok")),
        "{first} {second}"
    );
    assert_eq!(first["data"], second["data"]);
    let replayed = [&first, &second]
        .iter()
        .filter(|answer| answer["replayed"] == true)
        .count();
    assert_eq!(replayed, 1);
    let left = "select cast(count(*) as text) from tasks where project_id is not null";
    assert_eq!(server.database.texts(left).await, ["0"]);
}

async fn a_workspace_has_as_many_projects_as_the_settings_allow(engine: Engine) {
    let server = Server::start(engine, &[("projects_per_workspace", "2")]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let ops: Vec<Value> = ["1", "2", "3"]
        .iter()
        .map(|name| json!({ "type": "project.create", "data": { "workspace_id": home, "name": name } }))
        .collect();
    let answer = ada.act("batch", json!({ "ops": ops, "atomic": false })).await;
    let error = &answer.data["results"][2]["error"];
    assert_eq!(
        (&error["code"], &error["context"]["limit"]),
        (&json!("PLAN_LIMIT"), &json!(2))
    );
    let first = list(&mut ada.client, &home).await[0]["id"].clone();
    ada.act("project.delete", json!({ "id": first })).await;
    made(&mut ada, &home, "3").await;
}
