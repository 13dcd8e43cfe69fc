//! Batches: several mutations in one request, all or none, or each independently.

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Engine, Follower, Server, Team, new_id};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_databases!(
    an_atomic_batch_is_carried_out_wholly_and_answers_each_mutation,
    a_refused_atomic_batch_leaves_nothing_behind,
    a_refused_mutation_does_not_stop_the_others_of_a_batch_that_is_not_atomic,
    a_batch_holds_one_to_a_hundred_mutations_and_nothing_else,
    later_mutations_see_earlier_ones,
    a_batch_has_one_mutation_that_may_change_very_many_tasks,
    a_batch_reaches_several_workspaces,
    the_id_of_a_purged_task_is_free_after_the_batch_and_not_within_it,
);

fn op(name: &str, data: &Value) -> Value {
    json!({ "type": name, "data": data })
}

async fn an_atomic_batch_is_carried_out_wholly_and_answers_each_mutation(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let id = new_id();
    let ops = json!({ "ops": [
        op("task.create", &json!({ "id": id, "title": "A" })),
        op("task.complete", &json!({ "id": id, "completed": false })),
        op("task.update", &json!({ "id": id, "title": "B" })),
        { "type": "notification.mark_all_read" },
    ] });
    let done = ada.act("batch", ops).await;
    let results = done.data["results"].as_array().expect("results");
    let (shared, own) = (
        format!("workspace:{}", ada.client.personal()),
        format!("user:{}", ada.client.user_id()),
    );
    let ats: Vec<Value> = results.iter().map(|result| result["at"].clone()).collect();
    assert_eq!(
        ats,
        [
            json!({ &own: 4, &shared: 3 }),
            json!({}),
            json!({ &own: 5, &shared: 4 }),
            json!({ &own: 6 })
        ]
    );
    assert_eq!(
        json!(done.at),
        json!({ &own: 6, &shared: 4 }),
        "the last seq of each stream"
    );
    assert_eq!(
        json!([
            results[0]["data"]["version"],
            results[1]["data"]["version"],
            results[2]["data"]["title"]
        ]),
        json!([1, 1, "B"])
    );
    assert_eq!(results[3]["data"], json!({ "updated": 3 }));
    assert_eq!(
        done.names(),
        [
            "notification.created",
            "notification.created",
            "notification.all_read",
            "task.created",
            "task.updated"
        ]
    );
    let unread: Vec<&Value> = done
        .events
        .iter()
        .take(3)
        .map(|event| &event["data"]["unread"])
        .collect();
    assert_eq!(unread, [2, 3, 0]);
    let nothing = json!({ "ops": [op("task.update", &json!({ "id": id, "title": "B" }))] });
    ada.unchanged("batch", nothing).await;
}

async fn a_refused_atomic_batch_leaves_nothing_behind(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let task = ada.act("task.create", json!({ "title": "A" })).await.data;
    let id = task["id"].clone();
    let good = op("task.update", &json!({ "id": id, "title": "Changed" }));
    let cases = [
        (
            op("task.create", &json!({ "title": "" })),
            "VALIDATION_ERROR",
            "ops[1].data.title",
        ),
        (
            op("task.create", &json!({})),
            "VALIDATION_ERROR",
            "ops[1].data.title",
        ),
        (
            op("task.create", &json!({ "title": "x", "tags": ["a", ""] })),
            "VALIDATION_ERROR",
            "ops[1].data.tags[1]",
        ),
        (
            op("task.create", &json!({ "title": "x", "colour": 1 })),
            "VALIDATION_ERROR",
            "ops[1].data.colour",
        ),
        (
            op("task.complete", &json!({ "id": new_id() })),
            "NOT_FOUND",
            "ops[1].data",
        ),
        (
            op("task.restore", &json!({ "id": id })),
            "NOT_DELETED",
            "ops[1].data",
        ),
        (
            op("task.update", &json!({ "id": id, "if_version": 1, "title": "C" })),
            "VERSION_CONFLICT",
            "ops[1].data.if_version",
        ),
        (op("task.paint", &json!({})), "UNKNOWN_TYPE", "ops[1].type"),
        (op("task.list", &json!({})), "VALIDATION_ERROR", "ops[1].type"),
        (
            op("batch", &json!({ "ops": [good] })),
            "VALIDATION_ERROR",
            "ops[1].type",
        ),
        (op("auth.logout", &json!({})), "VALIDATION_ERROR", "ops[1].type"),
        (op("task.complete", &json!([])), "VALIDATION_ERROR", "ops[1].data"),
        (
            op("task.create", &json!({ "title": "a\u{0}b" })),
            "VALIDATION_ERROR",
            "ops[1].data.title",
        ),
    ];
    for (bad, code, field) in cases {
        let ops = json!({ "ops": [good, bad, { "type": "notification.mark_all_read" }] });
        for atomic in [json!(null), json!(true)] {
            let mut batch = ops.clone();
            if atomic == true {
                batch["atomic"] = atomic;
            }
            let refused = ada.refused("batch", batch).await;
            assert_eq!((&*refused.0, refused.1.as_deref()), (code, Some(field)), "{bad}");
        }
    }
    let error = ada
        .client
        .refused(
            "batch",
            json!({ "ops": [good, { "type": "task.update", "data": { "id": id, "if_version": 1 } }] }),
        )
        .await;
    assert_eq!(
        error["context"]["current"]["title"], "Changed",
        "the task as the batch itself had changed it"
    );
    assert_eq!(ada.client.ok("task.get", json!({ "id": id })).await, task);
    let next = ada.act("task.update", json!({ "id": id, "title": "Next" })).await;
    assert_eq!(
        next.names(),
        ["notification.created", "task.updated"],
        "refused batches left no event"
    );
    assert_eq!(next.data["version"], 2);
}

async fn a_refused_mutation_does_not_stop_the_others_of_a_batch_that_is_not_atomic(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let id = new_id();
    let ops = json!({ "atomic": false, "ops": [
        op("task.create", &json!({ "id": id, "title": "A" })),
        op("task.create", &json!({ "id": id, "title": "A" })),
        op("task.create", &json!({ "title": " " })),
        op("task.paint", &json!({})),
        op("task.restore", &json!({ "id": id })),
        op("task.complete", &json!({ "id": id })),
        op("task.create", &json!({ "title": "a\u{0}b" })),
        op("task.\u{0}", &json!({})),
    ] });
    let done = ada.act("batch", ops).await;
    let results = done.data["results"].as_array().expect("results");
    let came: Vec<Value> = results
        .iter()
        .map(|result| {
            json!([
                result["error"]["code"],
                result["error"]["field"],
                result["data"]["version"]
            ])
        })
        .collect();
    let expected = json!([
        [null, null, 1],
        ["CONFLICT", "ops[1].data.id", null],
        ["VALIDATION_ERROR", "ops[2].data.title", null],
        ["UNKNOWN_TYPE", "ops[3].type", null],
        ["NOT_DELETED", "ops[4].data", null],
        [null, null, 2],
        ["VALIDATION_ERROR", "ops[6].data.title", null],
        ["UNKNOWN_TYPE", "ops[7].type", null],
    ]);
    assert_eq!(json!(came), expected);
    assert_eq!(results[1]["error"]["retryable"], false);
    let named: BTreeSet<&str> = results
        .iter()
        .filter_map(|result| result["error"]["request_id"].as_str())
        .filter(|id| !id.is_empty())
        .collect();
    assert_eq!(named.len(), 6, "each error has its own request_id: {results:?}");
    assert!(results[1].get("data").is_none() && results[0].get("error").is_none());
    let workspace = format!("workspace:{}", ada.client.personal());
    assert_eq!(done.at[&workspace], 4);
}

async fn a_batch_holds_one_to_a_hundred_mutations_and_nothing_else(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let one = op("task.create", &json!({ "title": "T" }));
    for (count, fine) in [(0, false), (1, true), (100, true), (101, false)] {
        let answer = ada
            .client
            .call("batch", json!({ "ops": vec![one.clone(); count] }))
            .await;
        assert_eq!(answer["type"] == "ok", fine, "{count}");
        if !fine {
            assert_eq!(
                (&answer["error"]["code"], &answer["error"]["field"]),
                (&json!("VALIDATION_ERROR"), &json!("ops"))
            );
        }
    }
    let total = ada.client.ok("task.list", json!({ "limit": 1 })).await["total"].clone();
    assert_eq!(total, 101);
    for (batch, field) in [
        (json!({}), "ops"),
        (json!({ "ops": {} }), "ops"),
        (json!({ "ops": [one], "atomic": "yes" }), "atomic"),
        (json!({ "ops": [{ "data": {} }] }), "ops[0].type"),
        (
            json!({ "ops": [{ "type": "task.create", "data": { "title": "T" }, "id": 1 }] }),
            "ops[0].id",
        ),
        (
            json!({ "ops": [{ "type": "task.create", "op_id": "x" }] }),
            "ops[0].op_id",
        ),
    ] {
        assert_eq!(
            ada.refused("batch", batch).await,
            ("VALIDATION_ERROR".to_owned(), Some(field.to_owned()))
        );
    }
}

async fn later_mutations_see_earlier_ones(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let (workspace, newcomer) = (&team.workspace, ada.client.user_id());
    let (parent, child) = (new_id(), new_id());
    let ops = json!({ "ops": [
        op("member.add", &json!({ "workspace_id": workspace, "username": "ada", "role": "member" })),
        op("task.create", &json!({ "id": parent, "workspace_id": workspace, "title": "P", "assignee_ids": [newcomer] })),
        op("task.create", &json!({ "id": child, "workspace_id": workspace, "title": "C", "parent_id": parent })),
        op("task.move", &json!({ "id": parent, "after": child })),
        op("task.delete", &json!({ "id": child })),
        op("task.restore", &json!({ "id": child })),
        op("task.update", &json!({ "id": child, "if_version": 3, "title": "CC" })),
        op("task.delete", &json!({ "id": parent, "permanent": true })),
        op("member.remove", &json!({ "workspace_id": workspace, "user_id": newcomer })),
    ] });
    team.owner.ok("batch", ops).await;
    let child = team.owner.ok("task.get", json!({ "id": child })).await;
    assert_eq!(
        json!([child["title"], child["parent_id"], child["version"]]),
        json!(["CC", null, 5])
    );
    let listed = json!({ "workspace_id": workspace, "status": "all" });
    assert_eq!(team.owner.ok("task.list", listed).await["total"], 1);
    assert_eq!(
        ada.refused("workspace.get", json!({ "workspace_id": workspace }))
            .await
            .0,
        "NOT_FOUND"
    );
    let told: Vec<String> = ada
        .own_events()
        .await
        .iter()
        .map(|event| text(&event["event"]))
        .collect();
    assert_eq!(told.first().map(String::as_str), Some("access.granted"));
    assert_eq!(told.last().map(String::as_str), Some("access.lost"));
}

async fn a_batch_has_one_mutation_that_may_change_very_many_tasks(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let home = ada.client.personal();
    let data = json!({ "workspace_id": home, "name": "a" });
    let tag = ada.act("tag.create", data).await.data["id"].clone();
    let stages = json!([{ "key": "new", "name": "New", "kind": "open" }, { "key": "done", "name": "Done", "kind": "done" }]);
    let named = |name: &str| op("tag.update", &json!({ "id": tag, "name": name }));
    let colored = op("tag.update", &json!({ "id": tag, "color": "#22c55e" }));
    let deleted = op("tag.delete", &json!({ "id": tag }));
    let staged = op(
        "workspace.update",
        &json!({ "workspace_id": home, "stages": stages }),
    );
    for ops in [
        [named("b"), named("c")],
        [named("b"), deleted.clone()],
        [staged.clone(), deleted],
        [staged.clone(), staged],
    ] {
        for atomic in [true, false] {
            let data = json!({ "ops": ops, "atomic": atomic });
            let error = ada.client.refused("batch", data).await;
            assert_eq!(error["code"], "VALIDATION_ERROR", "{error}");
            assert_eq!(error["field"], "ops");
        }
    }
    let purge = op("task.delete", &json!({ "id": new_id(), "permanent": true }));
    let ops = json!({ "ops": [colored.clone(), purge.clone(), named("b"), colored, purge], "atomic": false });
    ada.act("batch", ops).await;
}

async fn a_batch_reaches_several_workspaces(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut places = vec![ada.client.personal()];
    for name in ["A", "B"] {
        let made = ada.act("workspace.create", json!({ "name": name })).await;
        places.push(text(&made.data["id"]));
    }
    let mut ops: Vec<Value> = places
        .iter()
        .map(|place| op("task.create", &json!({ "workspace_id": place, "title": "T" })))
        .collect();
    let done = ada.act("batch", json!({ "ops": ops })).await;
    assert_eq!(done.at.len(), 4, "three workspaces and the user's own stream");
    ops.push(op(
        "task.create",
        &json!({ "workspace_id": new_id(), "title": "T" }),
    ));
    let refused = ada.refused("batch", json!({ "ops": ops })).await;
    assert_eq!(refused, ("NOT_FOUND".to_owned(), Some("ops[3].data".to_owned())));
    for place in &places {
        let listed = ada.client.ok("task.list", json!({ "workspace_id": place })).await;
        assert_eq!(listed["total"], 1);
    }
}

async fn the_id_of_a_purged_task_is_free_after_the_batch_and_not_within_it(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let here = ada.client.personal();
    let elsewhere = ada.act("workspace.create", json!({ "name": "W" })).await.data["id"].clone();
    let id = new_id();
    let old = ada
        .act("task.create", json!({ "id": id, "title": "Old" }))
        .await
        .data;
    let purge = op("task.delete", &json!({ "id": id, "permanent": true }));
    for workspace in [json!(here), elsewhere.clone()] {
        let create = op(
            "task.create",
            &json!({ "id": id, "workspace_id": workspace, "title": "New" }),
        );
        let refused = ada.refused("batch", json!({ "ops": [purge, create] })).await;
        assert_eq!(
            refused,
            ("CONFLICT".to_owned(), Some("ops[1].data.id".to_owned()))
        );
        assert_eq!(ada.client.ok("task.get", json!({ "id": id })).await, old);
    }
    ada.act("batch", json!({ "ops": [purge] })).await;
    let data = json!({ "id": id, "workspace_id": elsewhere, "title": "New" });
    let new = ada.act("task.create", data).await.data;
    assert_eq!(new["workspace_id"], elsewhere);
    assert_eq!(ada.client.ok("task.get", json!({ "id": id })).await, new);
}
