//! Stages: a task is completed exactly in a stage of kind `done`, and always in a stage that its workspace has.

use crate::on_both_databases;
use crate::support::follower::{pluck, text};
use crate::support::{Client, Engine, Follower, Server, Team, audit};
use futures_util::future::join_all;
use serde_json::{Value, json};

on_both_databases!(
    whatever_moves_a_task_into_or_out_of_done_completes_or_reopens_it,
    a_stage_that_the_workspace_lacks_is_refused_with_those_it_has,
    tasks_move_when_their_stage_goes_away,
    a_change_of_stages_is_for_admins_and_checked,
    a_change_of_stages_above_a_thousand_tasks_is_one_reset,
    no_task_is_left_in_a_stage_that_goes_away_meanwhile,
);

fn code(refused: &(String, Option<String>)) -> (&str, Option<&str>) {
    (&refused.0, refused.1.as_deref())
}

/// Stages by their keys and kinds.
fn stages(of: &[(&str, &str)]) -> Value {
    let stages = of.iter();
    stages
        .map(|(key, kind)| json!({ "key": key, "name": key.to_uppercase(), "kind": kind }))
        .collect()
}

async fn whatever_moves_a_task_into_or_out_of_done_completes_or_reopens_it(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let made = ada
        .act("task.create", json!({ "title": "A", "stage": "doing" }))
        .await;
    assert_eq!(
        (&made.data["stage"], &made.data["completed"]),
        (&json!("doing"), &json!(false))
    );
    let born = ada
        .act("task.create", json!({ "title": "B", "stage": "done" }))
        .await;
    assert_eq!(born.names(), ["notification.created", "task.created"]);
    assert_eq!(born.data["completed_at"], born.data["created_at"]);
    let id = made.data["id"].clone();
    let replace = |completed: bool| {
        json!({ "id": id, "title": "A", "description": null, "completed": completed, "priority": "none",
            "due_at": null, "tags": [] })
    };
    let (completed, reopened) = ("task.completed", "task.reopened");
    let steps = [
        (
            "task.update",
            json!({ "id": id, "stage": "done" }),
            completed,
            "done",
        ),
        ("task.complete", json!({ "id": id }), reopened, "todo"),
        (
            "task.update",
            json!({ "id": id, "stage": "doing" }),
            "task.updated",
            "doing",
        ),
        (
            "task.move",
            json!({ "id": id, "stage": "done" }),
            completed,
            "done",
        ),
        (
            "task.move",
            json!({ "id": id, "stage": "doing" }),
            reopened,
            "doing",
        ),
        (
            "task.move",
            json!({ "id": id, "stage": "todo" }),
            "task.moved",
            "todo",
        ),
        (
            "task.complete",
            json!({ "id": id, "completed": true }),
            completed,
            "done",
        ),
        (
            "task.update",
            json!({ "id": id, "completed": false }),
            reopened,
            "todo",
        ),
        (
            "task.update",
            json!({ "id": id, "completed": true, "stage": "done" }),
            completed,
            "done",
        ),
        ("task.replace", replace(false), reopened, "todo"),
        ("task.replace", replace(true), completed, "done"),
    ];
    for (name, data, event, stage) in steps {
        let done = ada.act(name, data.clone()).await;
        assert_eq!(
            done.names().last(),
            Some(&event),
            "{name} {data}: {:?}",
            done.events
        );
        assert_eq!(done.data["stage"], stage, "{name} {data}");
        let is_done = json!(stage == "done");
        assert_eq!(
            (&done.data["completed"], done.data["completed_at"].is_string()),
            (&is_done, stage == "done")
        );
        if let Some(notice) = done
            .events
            .iter()
            .find(|event| event["event"] == "notification.created")
        {
            let expected = match event {
                "task.completed" => "TASK_COMPLETED",
                "task.reopened" => "TASK_PENDING",
                _ => "TASK_UPDATED",
            };
            assert_eq!(notice["data"]["type"], expected, "{name} {data}");
        }
    }
    // what is completed already stays in its stage
    ada.unchanged("task.complete", json!({ "id": id, "completed": true }))
        .await;
    ada.unchanged("task.update", json!({ "id": id, "stage": "done" }))
        .await;
    for (stage, titles) in [("todo", vec![]), ("doing", vec![]), ("done", vec!["B", "A"])] {
        let page = ada.client.ok("task.list", json!({ "stage": stage })).await;
        assert_eq!(
            (pluck(&page, "title"), &page["total"]),
            (titles.iter().map(|t| json!(t)).collect(), &json!(titles.len()))
        );
    }
    audit::agree(&server, &ada.client.tokens).await;
}

async fn a_stage_that_the_workspace_lacks_is_refused_with_those_it_has(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let id = ada.act("task.create", json!({ "title": "A" })).await.data["id"].clone();
    for (name, data) in [
        ("task.create", json!({ "title": "B", "stage": "later" })),
        ("task.update", json!({ "id": id, "stage": "later" })),
        ("task.move", json!({ "id": id, "stage": "" })),
    ] {
        let error = ada.client.refused(name, data).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!("stage")),
            "{error}"
        );
        assert!(text(&error["message"]).contains("todo, doing, done"), "{error}");
    }
    let both = json!({ "id": id, "stage": "doing", "completed": true });
    assert_eq!(
        code(&ada.refused("task.update", both).await),
        ("VALIDATION_ERROR", Some("completed"))
    );
    let null = json!({ "id": id, "stage": null });
    assert_eq!(
        code(&ada.refused("task.update", null).await),
        ("VALIDATION_ERROR", Some("stage"))
    );
}

async fn tasks_move_when_their_stage_goes_away(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let mut admin = Follower::new(team.admin.another(&server).await);
    let place = &team.workspace;
    let first = stages(&[
        ("idea", "open"),
        ("work", "active"),
        ("check", "active"),
        ("shipped", "done"),
    ]);
    let changed = admin
        .act(
            "workspace.update",
            json!({ "workspace_id": place, "stages": first }),
        )
        .await;
    assert_eq!(changed.names(), ["workspace.updated"]);
    assert_eq!(
        (&changed.data["version"], &changed.data["role"]),
        (&json!(2), &json!("admin"))
    );
    assert!(changed.event("workspace.updated")["data"]["role"].is_null());
    admin
        .unchanged(
            "workspace.update",
            json!({ "workspace_id": place, "stages": first }),
        )
        .await;
    let mut ids = Vec::new();
    for stage in ["idea", "work", "check", "shipped", "check"] {
        let task = json!({ "workspace_id": place, "title": stage, "stage": stage });
        ids.push(admin.act("task.create", task).await.data["id"].clone());
    }
    admin.act("task.delete", json!({ "id": ids[4] })).await;
    let plain = admin
        .act("task.create", json!({ "workspace_id": place, "title": "plain" }))
        .await;
    assert_eq!(plain.data["stage"], "idea");

    // `check` goes away, `work` is done now, `shipped` no longer
    let second = stages(&[("idea", "open"), ("shipped", "active"), ("work", "done")]);
    let changed = admin
        .act(
            "workspace.update",
            json!({ "workspace_id": place, "stages": second }),
        )
        .await;
    let after: Vec<Value> = changed.events[1..]
        .iter()
        .map(|event| {
            json!([
                event["event"],
                event["data"]["title"],
                event["data"]["stage"],
                event["data"]["completed"]
            ])
        })
        .collect();
    assert_eq!(changed.names()[0], "workspace.updated");
    let expected = [
        json!(["task.completed", "work", "work", true]),
        json!(["task.updated", "check", "shipped", false]),
        json!(["task.reopened", "shipped", "shipped", false]),
        json!(["task.updated", "check", "shipped", false]),
    ];
    assert_eq!(after, expected);
    let read = admin.client.ok("task.get", json!({ "id": ids[1] })).await;
    assert_eq!(
        (
            &read["completed"],
            &read["version"],
            read["completed_at"].is_string()
        ),
        (&json!(true), &json!(2), true)
    );
    // none of kind `active` is left: they become open
    let third = stages(&[("new", "open"), ("work", "done")]);
    admin
        .act(
            "workspace.update",
            json!({ "workspace_id": place, "stages": third, "name": "Other" }),
        )
        .await;
    for (stage, number) in [("new", 4), ("work", 1), ("idea", 0), ("shipped", 0)] {
        let page = admin
            .client
            .ok("task.list", json!({ "workspace_id": place, "stage": stage }))
            .await;
        assert_eq!(page["total"], number, "{stage}");
    }
    let restored = admin.act("task.restore", json!({ "id": ids[4] })).await;
    assert_eq!(restored.data["stage"], "new");
    let listed = team
        .viewer
        .ok("workspace.get", json!({ "workspace_id": place }))
        .await;
    assert_eq!(
        (&listed["name"], pluck(&listed["stages"], "key")),
        (&json!("Other"), vec![json!("new"), json!("work")])
    );
    for tokens in [&team.owner.tokens, &team.viewer.tokens] {
        audit::agree(&server, tokens).await;
    }
}

async fn a_change_of_stages_is_for_admins_and_checked(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let good = stages(&[("a", "open"), ("b", "done")]);
    let asked = |stages: &Value| json!({ "workspace_id": team.workspace, "stages": stages });
    assert_eq!(
        team.member.refused("workspace.update", asked(&good)).await["code"],
        "FORBIDDEN"
    );
    let many: Vec<(String, &str)> = (0..20).map(|n| (format!("s{n}"), "open")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(key, kind)| (key.as_str(), *kind)).collect();
    let colored = |color: &str| json!([{ "key": "a", "name": "A", "kind": "open", "color": color }, good[1]]);
    for (wrong, field) in [
        (stages(&[("a", "open")]), "stages"),
        (stages(&[&many[..], &[("done", "done")]].concat()), "stages"),
        (stages(&[("a", "open"), ("b", "active")]), "stages"),
        (stages(&[("a", "active"), ("b", "done")]), "stages"),
        (stages(&[("a", "open"), ("a", "done")]), "stages[1].key"),
        (stages(&[("A", "open"), ("b", "done")]), "stages[0].key"),
        (stages(&[("a", "open"), ("b", "closed")]), "stages[1].kind"),
        (
            json!([{ "key": "a", "name": " ", "kind": "open" }, good[1]]),
            "stages[0].name",
        ),
        (
            json!([{ "key": "a", "name": "A", "kind": "open", "icon": "x" }, good[1]]),
            "stages[0].icon",
        ),
        (colored("red"), "stages[0].color"),
        (Value::Null, "stages"),
    ] {
        let error = team.admin.refused("workspace.update", asked(&wrong)).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!(field)),
            "{wrong}: {error}"
        );
    }
    let whole = stages(&[&many[..19], &[("done", "done")]].concat());
    team.admin.ok("workspace.update", asked(&whole)).await;
    let done = team
        .admin
        .ok("workspace.update", asked(&colored("#A0b1C2")))
        .await;
    assert_eq!(
        done["stages"][0],
        json!({ "key": "a", "name": "A", "kind": "open", "color": "#a0b1c2" })
    );
    let stranger = Client::sign_up(&server, "stranger")
        .await
        .refused("workspace.update", asked(&good))
        .await;
    assert_eq!(stranger["code"], "NOT_FOUND");
}

async fn a_change_of_stages_above_a_thousand_tasks_is_one_reset(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    for _ in 0..11 {
        let ops = vec![json!({ "type": "task.create", "data": { "title": "T" } }); 92];
        ada.act("batch", json!({ "ops": ops })).await;
    }
    let asked =
        json!({ "workspace_id": ada.client.personal(), "stages": stages(&[("a", "open"), ("b", "done")]) });
    let done = ada.act("workspace.update", asked).await;
    assert_eq!(done.names(), ["workspace.updated", "stream.reset"]);
    for (stage, number) in [("a", 1012), ("todo", 0)] {
        let page = ada
            .client
            .ok("task.list", json!({ "stage": stage, "limit": 1 }))
            .await;
        assert_eq!(page["total"], number, "{stage}");
    }
}

/// Some change the stages, others move tasks into them, all at once; with PostgreSQL on two instances.
async fn no_task_is_left_in_a_stage_that_goes_away_meanwhile(engine: Engine) {
    let servers = Server::start_each(engine).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let place = ada.personal();
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(ada.ok("task.create", json!({ "title": "T" })).await["id"].clone());
    }
    let lists = [
        stages(&[("todo", "open"), ("x", "active"), ("done", "done")]),
        stages(&[("todo", "open"), ("x", "done"), ("y", "done")]),
        stages(&[("y", "open"), ("done", "done")]),
    ];
    let mut sockets = Vec::new();
    for server in &servers {
        for _ in 0..3 {
            sockets.push(Client::with_tokens(server, &ada.tokens, json!({ "streams": [] })).await);
        }
    }
    let (ids, lists, place) = (&ids, &lists, &place);
    let playing = sockets.iter_mut().enumerate().map(|(n, socket)| async move {
        for round in 0..25 {
            let pick = (n * 7 + round * 5) % 11;
            let asked = if n % 3 == 0 {
                socket
                    .ask(
                        "workspace.update",
                        json!({ "workspace_id": place, "stages": lists[pick % 3] }),
                    )
                    .await
            } else {
                let stage = ["todo", "x", "y", "done"][pick % 4];
                let data = json!({ "id": ids[pick % ids.len()], "stage": stage });
                socket.ask(["task.move", "task.update"][round % 2], data).await
            };
            let answer = socket.answer(asked).await;
            let fine = answer["type"] == "ok" || answer["error"]["field"] == "stage";
            assert!(fine, "{answer}");
        }
    });
    join_all(playing).await;
    for server in &servers {
        audit::heard(server, &ada.tokens).await;
        audit::agree(server, &ada.tokens).await;
    }
}
