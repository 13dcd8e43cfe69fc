//! `op_id`: a repeated mutation has one effect and gets its first answer again, on any socket and after any crash.

use crate::on_both_databases;
use crate::support::follower::{once, pluck};
use crate::support::{Client, Engine, Follower, Server, Team, http};
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

on_both_databases!(
    a_repeat_gets_the_first_answer_on_any_socket_and_after_a_crash,
    the_same_request_may_have_another_json_text,
    an_op_id_names_one_request_of_one_user,
    a_failed_mutation_runs_again,
    a_mutation_that_changed_nothing_is_remembered_too,
    a_repeat_is_answered_after_access_and_entity_are_gone,
    many_copies_at_once_have_one_effect,
    a_batch_is_remembered_whole,
    the_mutations_of_a_batch_that_is_not_atomic_have_their_own_op_ids,
    an_op_id_is_a_uuid,
);

fn new_op() -> String {
    Uuid::new_v4().to_string()
}

/// The answer without `id` and `replayed`.
fn bare(answer: &Value) -> Value {
    assert_eq!(answer["type"], "ok", "{answer}");
    json!([answer["at"], answer["data"]])
}

fn is_replay(answer: &Value) -> bool {
    answer.get("replayed").is_some_and(|replayed| replayed == true)
}

async fn total(client: &mut Client) -> Value {
    let wanted = json!({ "limit": 1, "status": "all" });
    client.ok("task.list", wanted).await["total"].clone()
}

async fn a_repeat_gets_the_first_answer_on_any_socket_and_after_a_crash(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut phone = ada.client.another(&server).await;
    let op = new_op();
    let data = json!({ "title": "Once", "tags": ["a"], "due_at": "2030-01-01T00:00:00Z" });
    let first = ada.act_once(&op, "task.create", data.clone()).await;
    assert!(first.get("replayed").is_none(), "{first}");
    let done = ada.finish(&first).await;
    assert!(
        done.events.iter().all(|event| event["op_id"] == op),
        "{:?}",
        done.events
    );
    let id = first["data"]["id"].clone();
    ada.act("task.update", json!({ "id": id, "title": "Changed since" }))
        .await;
    for client in [&mut ada.client, &mut phone] {
        let again = once(client, &op, "task.create", data.clone()).await;
        assert!(is_replay(&again), "{again}");
        assert_eq!(bare(&again), bare(&first));
    }
    let tokens = ada.client.tokens.clone();
    server.kill();
    server.spawn();
    let mut later = Client::with_tokens(&server, &tokens, json!({})).await;
    let again = once(&mut later, &op, "task.create", data.clone()).await;
    assert!(is_replay(&again), "{again}");
    assert_eq!(bare(&again), bare(&first));
    let frame = json!({ "type": "task.create", "id": 1, "op_id": op, "data": data });
    let request = http::request(&server, reqwest::Method::POST, "/v1/rpc")
        .bearer_auth(tokens["access_token"].as_str().expect("a token"))
        .json(&frame);
    let again: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert!(is_replay(&again), "{again}");
    assert_eq!(bare(&again), bare(&first));
    assert_eq!(total(&mut later).await, 1);
}

async fn the_same_request_may_have_another_json_text(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let op = new_op();
    let written = [
        r#"{"title":"A","due_at":"2030-01-01T00:00:00Z","tags":["x","y"]}"#,
        r#"{ "tags" : [ "x", "y" ], "title" : "\u0041", "due_at" : "2030-01-01T01:00:00.000+01:00" }"#,
        r#"{"due_at":"2030-01-01T00:00:00.000Z","tags":["x"," y "],"title":"  A "}"#,
    ];
    for (i, data) in written.iter().enumerate() {
        let frame = format!(
            r#"{{"data":{data},"op_id":"{op}","id":{},"type":"task.create"}}"#,
            100 + i
        );
        ada.send_text(&frame).await;
        let answer = ada.answer(100 + i).await;
        assert_eq!(
            (answer["type"] == "ok", is_replay(&answer)),
            (true, i > 0),
            "{answer}"
        );
    }
    let id = ada.ok("task.list", json!({})).await["items"][0]["id"].clone();
    let clear = new_op();
    once(
        &mut ada,
        &clear,
        "task.update",
        json!({ "id": id, "due_at": null }),
    )
    .await;
    let kept = once(&mut ada, &clear, "task.update", json!({ "id": id })).await;
    assert_eq!(
        kept["error"]["code"], "CONFLICT",
        "clearing a field differs from omitting it: {kept}"
    );
}

async fn an_op_id_names_one_request_of_one_user(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let op = new_op();
    let first = once(&mut ada, &op, "task.create", json!({ "title": "A" })).await;
    for (name, data) in [
        ("task.create", json!({ "title": "B" })),
        ("task.create", json!({ "title": "A", "priority": "none" })),
        ("task.complete", json!({ "id": first["data"]["id"] })),
        (
            "batch",
            json!({ "ops": [{ "type": "task.create", "data": { "title": "A" } }] }),
        ),
    ] {
        let other = once(&mut ada, &op, name, data).await;
        assert_eq!(
            (&other["error"]["code"], &other["error"]["field"]),
            (&json!("CONFLICT"), &json!("op_id")),
            "{other}"
        );
    }
    assert_eq!(total(&mut ada).await, 1);
    let theirs = once(&mut bob, &op, "task.create", json!({ "title": "A" })).await;
    assert!(
        !is_replay(&theirs) && theirs["data"]["created_by"] == bob.user_id(),
        "{theirs}"
    );
    // a query ignores its op_id
    let query = once(&mut ada, &op, "task.list", json!({})).await;
    assert_eq!(query["type"], "ok");
}

async fn a_failed_mutation_runs_again(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let id = ada.ok("task.create", json!({ "title": "A" })).await["id"].clone();
    let op = new_op();
    for _ in 0..2 {
        let refused = once(&mut ada, &op, "task.restore", json!({ "id": id })).await;
        assert_eq!(refused["error"]["code"], "NOT_DELETED");
    }
    ada.ok("task.delete", json!({ "id": id })).await;
    let done = once(&mut ada, &op, "task.restore", json!({ "id": id })).await;
    assert!(done["type"] == "ok" && !is_replay(&done), "{done}");
    let again = once(&mut ada, &op, "task.restore", json!({ "id": id })).await;
    assert!(is_replay(&again), "{again}");
    // the op_id of a failed request may be used for another request
    let op = new_op();
    once(&mut ada, &op, "task.restore", json!({ "id": id })).await;
    let other = once(&mut ada, &op, "task.complete", json!({ "id": id })).await;
    assert_eq!(other["data"]["completed"], true, "{other}");
}

async fn a_mutation_that_changed_nothing_is_remembered_too(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let id = ada.ok("task.create", json!({ "title": "A" })).await["id"].clone();
    let (op, same) = (new_op(), json!({ "id": id, "title": "A" }));
    let first = once(&mut ada, &op, "task.update", same.clone()).await;
    assert_eq!(first["at"], json!({}));
    ada.ok("task.update", json!({ "id": id, "title": "B" })).await;
    let again = once(&mut ada, &op, "task.update", same).await;
    assert!(is_replay(&again), "{again}");
    assert_eq!(bare(&again), bare(&first));
    assert_eq!(ada.ok("task.get", json!({ "id": id })).await["title"], "B");
}

async fn a_repeat_is_answered_after_access_and_entity_are_gone(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (create, toggle, step_out) = (new_op(), new_op(), new_op());
    let data = json!({ "workspace_id": team.workspace, "title": "A" });
    let made = once(&mut team.admin, &create, "task.create", data.clone()).await;
    let id = json!({ "id": made["data"]["id"] });
    let toggled = once(&mut team.admin, &toggle, "task.complete", id.clone()).await;
    let leave = json!({ "workspace_id": team.workspace, "user_id": team.admin.user_id() });
    let left = once(&mut team.admin, &step_out, "member.remove", leave.clone()).await;
    let stream = team.stream();
    assert!(
        left["at"].get(&stream).is_none(),
        "`at` must leave out a stream that the caller may no longer read: {left}"
    );
    let mut purge = id.clone();
    purge["permanent"] = json!(true);
    team.owner.ok("task.delete", purge).await;
    for (op, name, data, first) in [
        (&create, "task.create", data, &made),
        (&toggle, "task.complete", id, &toggled),
        (&step_out, "member.remove", leave, &left),
    ] {
        let again = once(&mut team.admin, op, name, data.clone()).await;
        assert!(is_replay(&again), "{name}: {again}");
        assert_eq!(bare(&again), bare(first));
        let fresh = once(&mut team.admin, &new_op(), name, data).await;
        assert_eq!(fresh["error"]["code"], "NOT_FOUND");
    }
}

async fn many_copies_at_once_have_one_effect(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let id = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(Client::with_tokens(&server, &ada.tokens, json!({ "streams": [] })).await);
    }
    let (op, toggle) = (
        new_op(),
        json!({ "type": "task.complete", "op_id": new_op(), "data": { "id": id } }),
    );
    let create = json!({ "type": "task.create", "op_id": op, "data": { "title": "Once" } });
    let copies = sockets.iter_mut().map(async |socket| {
        let mut answers = Vec::new();
        for i in 0..10 {
            for (frame, kind) in [(&create, "create"), (&toggle, "toggle")] {
                let mut frame = frame.clone();
                frame["id"] = json!(format!("{kind} {i}"));
                socket.send(&frame).await;
            }
        }
        for i in 0..10 {
            answers.push((
                socket.answer(format!("create {i}")).await,
                socket.answer(format!("toggle {i}")).await,
            ));
        }
        answers
    });
    let answers: Vec<(Value, Value)> = join_all(copies).await.into_iter().flatten().collect();
    assert_eq!(answers.len(), 50);
    let firsts = answers.iter().filter(|(made, _)| !is_replay(made)).count();
    let first_toggles = answers.iter().filter(|(_, toggled)| !is_replay(toggled)).count();
    assert_eq!((firsts, first_toggles), (1, 1));
    for (made, toggled) in &answers {
        assert_eq!(
            (bare(made), bare(toggled)),
            (bare(&answers[0].0), bare(&answers[0].1))
        );
    }
    assert_eq!(total(&mut ada).await, 2);
    let task = ada.ok("task.get", json!({ "id": id })).await;
    assert_eq!((&task["completed"], &task["version"]), (&json!(true), &json!(2)));
}

async fn a_batch_is_remembered_whole(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let create = json!({ "type": "task.create", "data": { "title": "A" } });
    for atomic in [true, false] {
        let op = new_op();
        let bad = if atomic {
            create.clone()
        } else {
            json!({ "type": "task.paint" })
        };
        let batch = json!({ "atomic": atomic, "ops": [create, bad] });
        let first = ada.act_once(&op, "batch", batch.clone()).await;
        let done = ada.finish(&first).await;
        assert!(
            done.events.iter().all(|event| event["op_id"] == op),
            "{:?}",
            done.events
        );
        let again = ada.act_once(&op, "batch", batch).await;
        assert!(is_replay(&again), "{again}");
        assert_eq!(bare(&again), bare(&first));
    }
    assert_eq!(total(&mut ada.client).await, 3);
    let op = new_op();
    let refused = json!({ "ops": [create, { "type": "task.paint" }] });
    assert_eq!(ada.act_once(&op, "batch", refused).await["type"], "error");
    let other = ada.act_once(&op, "batch", json!({ "ops": [create] })).await;
    assert!(
        other["type"] == "ok" && !is_replay(&other),
        "a refused batch is not remembered: {other}"
    );
    assert_eq!(total(&mut ada.client).await, 4);
}

async fn the_mutations_of_a_batch_that_is_not_atomic_have_their_own_op_ids(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (a, b, outer) = (new_op(), new_op(), new_op());
    let part =
        |op: &str, title: &str| json!({ "type": "task.create", "op_id": op, "data": { "title": title } });
    let alone = once(&mut ada, &a, "task.create", json!({ "title": "A" })).await;
    let batch =
        json!({ "atomic": false, "ops": [part(&a, "A"), part(&b, "B"), part(&b, "B"), part(&b, "C")] });
    let first = once(&mut ada, &outer, "batch", batch.clone()).await;
    let results = first["data"]["results"].as_array().expect("results").clone();
    assert_eq!(
        json!([results[0]["replayed"], results[0]["data"], results[0]["at"]]),
        json!([true, alone["data"], alone["at"]])
    );
    assert_eq!(
        (results[1].get("replayed"), &results[1]["data"]["title"]),
        (None, &json!("B"))
    );
    assert_eq!(
        json!([results[2]["replayed"], results[2]["data"]]),
        json!([true, results[1]["data"]])
    );
    assert_eq!(
        (&results[3]["error"]["code"], &results[3]["error"]["field"]),
        (&json!("CONFLICT"), &json!("ops[3].op_id"))
    );
    let again = once(&mut ada, &b, "task.create", json!({ "title": "B" })).await;
    assert!(is_replay(&again), "{again}");
    assert_eq!(again["data"], results[1]["data"]);
    let again = once(&mut ada, &outer, "batch", batch).await;
    assert!(is_replay(&again), "{again}");
    assert_eq!(bare(&again), bare(&first));
    assert_eq!(total(&mut ada).await, 2);

    let log = json!({ "stream": format!("workspace:{}", ada.personal()), "after": 2 });
    let log = ada.ok("stream.history", log).await;
    assert_eq!(pluck(&log["events"], "op_id"), [json!(a), json!(b)]);
    for batch in [
        json!({ "ops": [part(&new_op(), "D")] }),
        json!({ "atomic": true, "ops": [part(&new_op(), "D")] }),
    ] {
        let error = ada.refused("batch", batch).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!("ops[0].op_id"))
        );
    }
    let op = new_op();
    let twice = json!({ "atomic": false, "ops": [part(&op, "D")] });
    let refused = once(&mut ada, &op, "batch", twice).await;
    assert_eq!(refused["error"]["field"], "ops[0].op_id", "{refused}");
    assert_eq!(total(&mut ada).await, 2);
}

async fn an_op_id_is_a_uuid(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for (i, wrong) in [json!("x"), json!(7), json!(""), json!({})]
        .into_iter()
        .enumerate()
    {
        ada.send(&json!({ "type": "task.create", "id": i, "op_id": wrong, "data": { "title": "A" } }))
            .await;
        let answer = ada.answer(i).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["field"]),
            (&json!("VALIDATION_ERROR"), &json!("op_id"))
        );
    }
    ada.send(&json!({ "type": "task.create", "id": "null", "op_id": null, "data": { "title": "A" } }))
        .await;
    assert_eq!(ada.answer("null").await["type"], "ok");
}
