//! The end of tasks that were deleted long ago.

use crate::on_both_databases;
use crate::support::{Client, Engine as Database, Node, PASSWORD, Server, audit, eventually, http};
use crate::{attachments, photos};
use serde_json::{Value, json};
use taskwire::jobs::round;
use taskwire_protocol::{ErrorCode, Timestamp};

on_both_databases!(
    tasks_that_were_deleted_long_ago_are_purged,
    deleted_tasks_stay_unless_the_settings_say_otherwise,
    a_task_that_is_restored_just_before_its_purge_stays,
    the_files_of_tasks_that_were_deleted_long_ago_are_removed
);

const DAY: i64 = 86_400_000;

impl Node {
    async fn days_later(&self, days: i64) {
        self.clock.step(days * DAY);
        round(&self.engine, &self.settings)
            .await
            .expect("a round of retention");
    }

    async fn new_task(&self, data: Value) -> Value {
        self.ok("task.create", &data).await["id"].clone()
    }

    /// The purges that the log of the personal workspace has, by task.
    async fn purged(&self) -> Vec<Value> {
        let events = self.shown(&self.caller, &self.stream(), None).await;
        let purges = events.iter().filter(|event| event["event"] == "task.purged");
        let purges = purges.map(|event| {
            assert_eq!(event["actor"], json!({ "kind": "server" }));
            event["data"]["id"].clone()
        });
        purges.collect()
    }
}

async fn tasks_that_were_deleted_long_ago_are_purged(database: Database) {
    let settings = [("deleted_task_retention_days", "30"), ("log_retention_days", "0")];
    let node = Node::start(database, &settings).await;
    let old = node.new_task(json!({ "title": "Hush" })).await;
    let restored = node.new_task(json!({ "title": "restored" })).await;
    let parent = node.new_task(json!({ "title": "parent" })).await;
    let part = json!({ "title": "part", "parent_id": parent });
    let part = node.new_task(part).await;
    let living = json!({ "title": "living", "blocked_by": [old] });
    let living = node.new_task(living).await;
    for id in [&old, &restored, &parent] {
        node.ok("task.delete", &json!({ "id": id })).await;
    }
    node.days_later(29).await;
    assert_eq!(node.purged().await, [Value::Null; 0], "nothing is old");
    node.ok("task.restore", &json!({ "id": restored })).await;
    node.days_later(2).await;
    let purged = node.purged().await;
    assert_eq!(
        purged,
        [part.clone(), parent.clone(), old.clone()],
        "subtasks first"
    );
    for id in &purged {
        let refused = node.ask("task.get", &json!({ "id": id }), None).await;
        assert_eq!(
            refused.err().map(|failure| failure.code),
            Some(ErrorCode::NotFound)
        );
    }
    let kept = node.ok("task.get", &json!({ "id": living })).await;
    assert_eq!(
        json!([kept["is_deleted"], kept["blocked_by"]]),
        json!([false, []])
    );
    assert_eq!(node.tables_with_hush().await, [""; 0]);
    // one that was restored is old again after its next deletion, not after its first one
    node.ok("task.delete", &json!({ "id": restored })).await;
    node.days_later(29).await;
    assert_eq!(
        node.ok("task.get", &json!({ "id": restored })).await["is_deleted"],
        true
    );
    node.days_later(2).await;
    assert_eq!(node.purged().await.last(), Some(&restored));
    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "token_delivery": "body" });
    let server = node.into_server().await;
    let tokens = http::post(&server, "/v1/auth/login", &login).await;
    audit::agree(&server, &tokens.json().await.expect("tokens")).await;
}

async fn deleted_tasks_stay_unless_the_settings_say_otherwise(database: Database) {
    let node = Node::start(database, &[]).await;
    let id = node.new_task(json!({ "title": "kept" })).await;
    node.ok("task.delete", &json!({ "id": id })).await;
    node.days_later(3650).await;
    node.ok("task.restore", &json!({ "id": id })).await;
}

/// Whoever restores a task at the moment of its purge either has it, or is told that it is gone.
async fn a_task_that_is_restored_just_before_its_purge_stays(database: Database) {
    let settings = [
        ("deleted_task_retention_days", "30"),
        ("log_retention_days", "0"),
        ("in_flight", "200"),
    ];
    let node = Node::start(database, &settings).await;
    let mut ids = Vec::new();
    for n in 0..60 {
        ids.push(node.new_task(json!({ "title": n.to_string() })).await);
    }
    for id in &ids {
        node.ok("task.delete", &json!({ "id": id })).await;
    }
    node.clock.step(31 * DAY);
    // purges begin with the newest, so both meet somewhere
    let restoring = async {
        let mut answers = Vec::new();
        for id in &ids {
            answers.push(node.ask("task.restore", &json!({ "id": id }), None).await);
        }
        answers
    };
    let before = Timestamp(node.clock.now_ms() - 30 * DAY);
    let purging = async {
        let mut after = None;
        loop {
            after = node.engine.purge_deleted(before, after).await.expect("purges");
            if after.is_none() {
                break;
            }
        }
    };
    let ((), answers) = tokio::join!(purging, restoring);
    let purged = node.purged().await;
    for (id, answer) in ids.iter().zip(answers) {
        let is_purged = purged.contains(id);
        match answer {
            Ok(_) => {
                assert!(!is_purged, "{id} was restored");
                let task = node.ok("task.get", &json!({ "id": id })).await;
                assert_eq!(task["is_deleted"], false);
            }
            Err(failure) => assert_eq!((failure.code, is_purged), (ErrorCode::NotFound, true)),
        }
    }
    assert!(
        !purged.is_empty() && purged.len() < ids.len(),
        "{} purges",
        purged.len()
    );
}

/// On PostgreSQL, one of two instances runs the jobs.
async fn the_files_of_tasks_that_were_deleted_long_ago_are_removed(database: Database) {
    let settings = [("deleted_task_retention_days", "30")];
    let mut servers = vec![Server::start(database, &settings).await];
    if database == Database::Postgres {
        let data = servers[0].folder.path().join("data").display().to_string();
        servers.push(servers[0].beside(&[("data_dir", &data)]));
    }
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let (tokens, mut tasks) = (ada.tokens.clone(), Vec::new());
    for title in ["old", "young"] {
        let task = ada.ok("task.create", json!({ "title": title })).await["id"].clone();
        attachments::upload(&servers[0], &tokens, &task, "a.txt", title.as_bytes()).await;
        ada.ok("task.delete", json!({ "id": task })).await;
        tasks.push(task);
    }
    assert_eq!(photos::files(&servers[0]).len(), 2);
    for server in &mut servers {
        server.terminate();
    }
    let old = 31 * DAY;
    let age = format!(
        "update tasks set deleted_at = deleted_at - {old} where title = 'old';
         update jobs set due_at = 0 where kind = 'retention'"
    );
    servers[0].database.execute(&age).await;
    for server in &mut servers {
        server.spawn();
    }
    let mut ada = ada.another(&servers[0]).await;
    eventually("a purged task", async || {
        let answer = ada.call("task.get", json!({ "id": tasks[0] })).await;
        (answer["error"]["code"] == "NOT_FOUND").then_some(())
    })
    .await;
    eventually("one file", async || {
        (photos::files(&servers[0]).len() == 1).then_some(())
    })
    .await;
    ada.ok("task.restore", json!({ "id": tasks[1] })).await;
    let list = ada.ok("attachment.list", json!({ "task_id": tasks[1] })).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
}
