//! What blocks a task: in no circle, never something that is gone, and what is ready.

use crate::on_both_databases;
use crate::support::follower::{pluck, text};
use crate::support::{Client, Engine, Follower, Server, audit, new_id};
use futures_util::future::join;
use serde_json::{Value, json};

on_both_databases!(
    a_task_is_ready_when_nothing_that_blocks_it_is_pending,
    tasks_do_not_block_each_other_in_a_circle,
    two_people_make_no_circle_at_the_same_moment,
    a_purged_task_blocks_nothing,
);

fn code(refused: &(String, Option<String>)) -> (&str, Option<&str>) {
    (&refused.0, refused.1.as_deref())
}

async fn ready(ada: &mut Follower) -> Vec<Value> {
    let page = ada
        .client
        .ok("task.list", json!({ "ready": true, "sort": "title" }))
        .await;
    let titles = pluck(&page, "title");
    assert_eq!(page["total"], json!(titles.len()));
    titles
}

async fn add(ada: &mut Follower, title: &str, blocked_by: &[&Value]) -> Value {
    let made = ada
        .act("task.create", json!({ "title": title, "blocked_by": blocked_by }))
        .await;
    assert_eq!(made.data["blocked_by"], json!(blocked_by));
    made.data["id"].clone()
}

async fn a_task_is_ready_when_nothing_that_blocks_it_is_pending(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let a = add(&mut ada, "a", &[]).await;
    let b = add(&mut ada, "b", &[&a]).await;
    let c = add(&mut ada, "c", &[&a, &b]).await;
    assert_eq!(ready(&mut ada).await, ["a"]);
    ada.act("task.complete", json!({ "id": a })).await;
    assert_eq!(ready(&mut ada).await, ["b"]);
    // it is no lock
    ada.act("task.complete", json!({ "id": c })).await;
    ada.act("task.complete", json!({ "id": c })).await;
    ada.act("task.delete", json!({ "id": b })).await;
    assert_eq!(ready(&mut ada).await, ["c"]);
    ada.act("task.restore", json!({ "id": b })).await;
    ada.act("task.update", json!({ "id": a, "stage": "doing" })).await;
    assert_eq!(ready(&mut ada).await, ["a"]);
    let read = ada.client.ok("task.get", json!({ "id": b })).await;
    assert_eq!(
        (&read["version"], &read["blocked_by"]),
        (&json!(3), &json!([a])),
        "only its deletion changed it"
    );
    let twice = ada
        .act("task.update", json!({ "id": c, "blocked_by": [b, b] }))
        .await;
    assert_eq!(twice.data["blocked_by"], json!([b]));
    ada.unchanged("task.update", json!({ "id": c, "blocked_by": [b] }))
        .await;
    ada.act("task.update", json!({ "id": b, "blocked_by": null }))
        .await;
    assert_eq!(ready(&mut ada).await, ["a", "b"]);
    ada.act("task.delete", json!({ "id": b })).await;
    // a deleted task may be named: it does not block
    ada.act("task.update", json!({ "id": a, "blocked_by": [b] }))
        .await;
    assert_eq!(ready(&mut ada).await, ["a", "c"]);
    assert_eq!(
        ada.client
            .ok("task.list", json!({ "ready": true, "status": "completed" }))
            .await["total"],
        0
    );
    audit::agree(&server, &ada.client.tokens).await;
}

async fn tasks_do_not_block_each_other_in_a_circle(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut ids = vec![add(&mut ada, "0", &[]).await];
    for n in 1..6 {
        let before = ids[n - 1].clone();
        ids.push(add(&mut ada, &n.to_string(), &[&before]).await);
    }
    let elsewhere = ada.act("workspace.create", json!({ "name": "W" })).await.data;
    let foreign = json!({ "workspace_id": elsewhere["id"], "title": "F" });
    let foreign = ada.act("task.create", foreign).await.data["id"].clone();
    let own = new_id();
    let many: Vec<_> = (0..21).map(|_| new_id()).collect();
    let (conflict, nothing) = (
        ("CONFLICT", Some("blocked_by")),
        ("NOT_FOUND", Some("blocked_by[1]")),
    );
    for (name, data, wanted) in [
        (
            "task.update",
            json!({ "id": ids[0], "blocked_by": [ids[0]] }),
            conflict,
        ),
        (
            "task.update",
            json!({ "id": ids[0], "blocked_by": [ids[1]] }),
            conflict,
        ),
        (
            "task.update",
            json!({ "id": ids[0], "blocked_by": [ids[5]] }),
            conflict,
        ),
        (
            "task.create",
            json!({ "id": own, "title": "T", "blocked_by": [own] }),
            conflict,
        ),
        (
            "task.create",
            json!({ "title": "T", "blocked_by": [ids[0], new_id()] }),
            nothing,
        ),
        (
            "task.update",
            json!({ "id": ids[2], "blocked_by": [ids[0], foreign] }),
            nothing,
        ),
        (
            "task.create",
            json!({ "title": "T", "blocked_by": many }),
            ("VALIDATION_ERROR", Some("blocked_by")),
        ),
    ] {
        assert_eq!(
            code(&ada.refused(name, data.clone()).await),
            wanted,
            "{name} {data}"
        );
    }
    // what one batch makes counts too, and what it breaks
    let new = new_id();
    let create =
        json!({ "type": "task.create", "data": { "id": new, "title": "N", "blocked_by": [ids[5]] } });
    let update =
        |id: &Value, by: Value| json!({ "type": "task.update", "data": { "id": id, "blocked_by": by } });
    let circle = json!({ "ops": [create, update(&ids[0], json!([new]))], "atomic": true });
    assert_eq!(
        code(&ada.refused("batch", circle).await),
        ("CONFLICT", Some("ops[1].data.blocked_by"))
    );
    let turned =
        json!({ "ops": [update(&ids[1], json!([])), update(&ids[0], json!([ids[1]]))], "atomic": true });
    ada.act("batch", turned).await;
    audit::agree(&server, &ada.client.tokens).await;
}

/// Each wants to make the other task wait; with PostgreSQL on two instances.
async fn two_people_make_no_circle_at_the_same_moment(engine: Engine) {
    let servers = Server::start_each(engine).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let last = servers.last().expect("a server");
    let mut other = Client::with_tokens(last, &ada.tokens, json!({ "streams": [] })).await;
    for _ in 0..20 {
        let a = ada.ok("task.create", json!({ "title": "a" })).await["id"].clone();
        let b = ada.ok("task.create", json!({ "title": "b" })).await["id"].clone();
        let mut codes = Vec::new();
        let (one, two) = join(
            ada.call("task.update", json!({ "id": a, "blocked_by": [b] })),
            other.call("task.update", json!({ "id": b, "blocked_by": [a] })),
        )
        .await;
        for answer in [one, two] {
            codes.push(answer["error"]["code"].as_str().unwrap_or("ok").to_owned());
        }
        codes.sort();
        assert_eq!(codes, ["CONFLICT", "ok"]);
    }
    audit::heard(&servers[0], &ada.tokens).await;
    audit::agree(&servers[0], &ada.tokens).await;
}

async fn a_purged_task_blocks_nothing(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let a = add(&mut ada, "a", &[]).await;
    let b = add(&mut ada, "b", &[]).await;
    let c = add(&mut ada, "c", &[&a, &b]).await;
    let d = add(&mut ada, "d", &[&c]).await;
    let below = json!({ "title": "e", "parent_id": a, "blocked_by": [a] });
    let below = ada.act("task.create", below).await.data["id"].clone();
    let purged = ada
        .act("task.delete", json!({ "id": a, "permanent": true }))
        .await;
    let told: Vec<_> = purged
        .events
        .iter()
        .filter(|event| event["data"]["id"] != a && event["data"]["blocked_by"].is_array())
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|event| json!([event["event"], event["data"]["id"], event["data"]["blocked_by"]]))
        .collect();
    // its subtask is deleted with it
    let expected = [
        json!(["task.deleted", below, []]),
        json!(["task.updated", c, [b]]),
    ];
    assert_eq!(told, expected);
    assert_eq!(purged.names().last(), Some(&"task.purged"));
    let read = ada.client.ok("task.get", json!({ "id": below })).await;
    assert_eq!((&read["parent_id"], &read["version"]), (&Value::Null, &json!(2)));
    // one that is blocked itself, in a batch that first makes it block another
    let update = json!({ "type": "task.update", "data": { "id": b, "blocked_by": [d] } });
    let update = json!([update, { "type": "task.update", "data": { "id": d, "blocked_by": [] } }]);
    let (second, first) = (&update[0], &update[1]);
    let purge = json!({ "type": "task.delete", "data": { "id": d, "permanent": true } });
    ada.act("batch", json!({ "ops": [first, second, purge], "atomic": true }))
        .await;
    let read = ada.client.ok("task.get", json!({ "id": b })).await;
    assert_eq!(read["blocked_by"], json!([]));
    let left = server
        .database
        .texts("select cast(count(*) as text) from task_blocks")
        .await;
    assert_eq!((text(&read["title"]).as_str(), left), ("b", vec!["1".to_owned()]));
    audit::agree(&server, &ada.client.tokens).await;
}
