//! Optimistic groups, which lock nothing before they write. They notice what another instance did in between, also when
//! they refuse a mutation. A repeated op_id has one effect.

use crate::support::team::Team;
use crate::support::{Client, Engine, Server, audit, http, new_id, text};
use serde_json::{Value, json};

/// The sum of a metric over all lines that contain `label`.
async fn number(server: &Server, name: &str, label: &str) -> f64 {
    let metrics = http::get(server, "/metrics").await.text().await.expect("metrics");
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with(name) && line.contains(label));
    lines
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

async fn optimistic(server: &Server) -> f64 {
    number(server, "taskwire_optimistic_groups_total", "").await
}

/// Creates a task. Returns the seq of its event in the workspace's stream.
async fn create(client: &mut Client, workspace: &str) -> u64 {
    let request = json!({ "type": "task.create", "id": "create", "op_id": uuid::Uuid::new_v4(),
        "data": { "workspace_id": workspace, "title": "T" } });
    client.send(&request).await;
    let answer = client.answer("create").await;
    let at = &answer["at"][format!("workspace:{workspace}")];
    at.as_u64().unwrap_or_else(|| panic!("no seq in `at`: {answer}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_writes_alone_locks_nothing() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let mut team = Team::gather(&server).await;
    let first = create(&mut team.owner, &team.workspace).await;
    let before = optimistic(&server).await;
    for n in 1..=20 {
        assert_eq!(create(&mut team.owner, &team.workspace).await, first + n);
    }
    assert!(optimistic(&server).await >= before + 20.0);
    let assigned = json!({ "workspace_id": team.workspace, "title": "For you", "assignee_ids": [team.member.user_id()] });
    // the first two notifications are of the sign-up and of the workspace
    team.member.event("notification.created").await;
    for unread in 3..=5 {
        team.owner.ok("task.create", assigned.clone()).await;
        let event = team.member.event("notification.created").await;
        assert_eq!(event["data"]["unread"], unread, "{event}");
    }
    assert!(number(&server, "taskwire_group_retries_total", "serialization").await < 1.0);
    audit::agree(&server, &team.owner.tokens).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_notice_what_another_instance_wrote_in_between() {
    let servers = Server::start_several(2, &[]).await;
    let mut here = Client::sign_up(&servers[0], "ada").await;
    let workspace = here.personal();
    let mut there = Client::with_tokens(&servers[1], &here.tokens, json!({ "streams": [] })).await;
    let mut last = create(&mut here, &workspace).await;
    let mut next = |seq: u64| {
        assert_eq!(seq, last + 1);
        last = seq;
    };
    for _ in 0..10 {
        for _ in 0..2 {
            next(create(&mut here, &workspace).await);
        }
        next(create(&mut there, &workspace).await);
    }
    let refused = number(&servers[0], "taskwire_group_retries_total", "serialization").await;
    assert!(refused > 0.0, "no write was refused, so the test proves nothing");
    // after each refusal fewer groups are optimistic
    assert!(refused < 6.0, "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permission_or_purge_on_another_instance_applies_at_once() {
    let servers = Server::start_several(2, &[]).await;
    let mut team = Team::gather(&servers[0]).await;
    let mut newcomer = Client::sign_up(&servers[0], "newcomer").await;
    let mut owner = Client::with_tokens(&servers[1], &team.owner.tokens, json!({ "streams": [] })).await;
    for _ in 0..3 {
        // now the first instance has cached the workspace, the task and the members
        create(&mut team.owner, &team.workspace).await;
        let data = json!({ "workspace_id": team.workspace, "title": "T" });
        let id = team.owner.ok("task.create", data.clone()).await["id"].clone();
        let update = json!({ "id": id, "title": "Changed" });
        team.owner.ok("task.update", update.clone()).await;
        let person = json!({ "workspace_id": team.workspace, "username": "newcomer", "role": "member" });
        owner.ok("member.add", person).await;
        newcomer.ok("task.update", update.clone()).await;
        let person = json!({ "workspace_id": team.workspace, "user_id": newcomer.user_id() });
        owner.ok("member.remove", person).await;
        let error = newcomer.refused("task.create", data).await;
        assert_eq!(error["code"], "NOT_FOUND", "{error}");
        owner
            .ok("task.delete", json!({ "id": id, "permanent": true }))
            .await;
        let error = team.owner.refused("task.update", update).await;
        assert_eq!(error["code"], "NOT_FOUND", "{error}");
    }
}

/// The group changes the workspace, so its write verifies what the group assumed of it. The request was carried out
/// before, with this op_id, and would fail if it ran again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_is_recognized_even_when_its_request_would_now_fail() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let id = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    ada.ok("task.delete", json!({ "id": id })).await;
    let restore = json!({ "type": "task.restore", "id": "restore", "op_id": uuid::Uuid::new_v4(), "data": { "id": id } });
    ada.send(&restore).await;
    let first = ada.answer("restore").await;
    assert_eq!(first["type"], "ok", "{first}");
    for _ in 0..3 {
        let ops = json!({ "atomic": false, "ops": [
            { "type": "task.create", "data": { "title": "Beside" } },
            { "type": "task.restore", "op_id": restore["op_id"], "data": { "id": id } },
        ] });
        let results = ada.ok("batch", ops).await["results"].clone();
        let repeat: &Value = &results[1];
        assert_eq!(
            (&repeat["data"], &repeat["at"]),
            (&first["data"], &first["at"]),
            "{results}"
        );
    }
    assert_eq!(
        text(&ada.ok("task.get", json!({ "id": id })).await["id"]),
        text(&id)
    );
    audit::agree(&server, &ada.tokens).await;
}

/// The instance has cached the workspace of a task that was purged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_was_purged_and_created_in_another_workspace_is_found() {
    // one writer, so that the server's own work uses its connection too: another one lacks the counters of the last
    // commit
    let server = Server::start(Engine::Postgres, &[("database_lanes", "1")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let elsewhere = ada.ok("workspace.create", json!({ "name": "Elsewhere" })).await["id"].clone();
    let id = new_id();
    ada.ok("task.create", json!({ "id": id, "title": "T" })).await;
    ada.ok("task.update", json!({ "id": id, "title": "Here" })).await;
    ada.ok("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    let again = json!({ "id": id, "title": "T", "workspace_id": elsewhere });
    ada.ok("task.create", again).await;
    // caches the counters that the next group relies on
    ada.ok("task.create", json!({ "title": "Left" })).await;
    let unsure = async || number(&server, "taskwire_group_retries_total", "unsure").await;
    let before = unsure().await;
    let ops = json!({ "atomic": false, "ops": [
        { "type": "task.create", "data": { "title": "Beside" } },
        { "type": "task.update", "data": { "id": id, "title": "There" } },
    ] });
    let results = ada.ok("batch", ops).await["results"].clone();
    let updated = &results[1]["data"];
    assert_eq!(
        (&updated["title"], &updated["workspace_id"]),
        (&json!("There"), &elsewhere),
        "{results}"
    );
    assert!(
        unsure().await > before,
        "no group was unsure, so the test proves nothing"
    );
    audit::agree(&server, &ada.tokens).await;
}
