//! Purges: what is forgotten of a task that is gone for good, however much was told about it. Where a test must see what
//! nobody sees for long, the engine runs in this process: its jobs run when the test says so. `age` has the end of tasks
//! that were deleted long ago.

mod age;

use crate::on_both_databases;
use crate::support::follower::{Follower, pluck, text};
use crate::support::{
    Client, Engine as Database, Node, PASSWORD, PATIENCE, Server, Team, audit, eventually, http,
};
use serde_json::{Value, json};
use std::sync::Arc;
use taskwire::engine::Caller;
use taskwire::jobs::{KINDS, Runner};
use taskwire_protocol::{ErrorCode, Failure, Request};

on_both_databases!(
    nobody_is_shown_a_purged_task_of_which_very_much_was_told,
    whoever_resumes_after_a_purge_of_which_very_much_was_told_is_shown_none_of_it,
    a_purge_changes_many_tasks_that_were_blocked_and_not_too_many
);

/// Changes of a task: with those whom they are told to, more than one transaction forgets.
const CHANGES: usize = 270;

fn changes(id: &Value) -> impl Iterator<Item = Value> {
    let change = move |n| {
        let data = json!({ "id": id, "title": format!("Hush {n}") });
        json!({ "type": "task.update", "data": data })
    };
    let all: Vec<Value> = (0..CHANGES).map(change).collect();
    let batches: Vec<Value> = all.chunks(90).map(|ops| json!({ "ops": ops })).collect();
    batches.into_iter()
}

impl Node {
    async fn asked(&self, caller: &Arc<Caller>, name: &str, data: Value) -> Result<Value, Failure> {
        let request = Request::read(name, &data.to_string()).expect("a request");
        let reply = self.engine.call(caller, request, None).await?;
        let mut reply: Value = serde_json::from_str(&format!("{{{}}}", reply.body)).expect("JSON");
        Ok(reply["data"].take())
    }

    /// All that a stream's log shows, and of a task alone.
    async fn shown(&self, caller: &Arc<Caller>, stream: &str, task: Option<&Value>) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let after = events.last().map_or(json!(0), |event| event["seq"].clone());
            let mut asked = json!({ "stream": stream, "after": after, "limit": 500 });
            if let Some(task) = task {
                asked["task_id"] = task.clone();
            }
            let page = self.asked(caller, "stream.history", asked).await;
            let page = page.expect("a page");
            events.extend(page["events"].as_array().expect("events").iter().cloned());
            if page["has_more"] == false {
                return events;
            }
        }
    }

    /// The tables, without what op_ids answered, that still have something of the task.
    async fn tables_with_hush(&self) -> Vec<String> {
        let contents = self.server.database.contents().await;
        let holds = contents.into_iter().filter(|(_, rows)| rows.contains("Hush"));
        holds.map(|(table, _)| table).collect()
    }
}

async fn nobody_is_shown_a_purged_task_of_which_very_much_was_told(database: Database) {
    let node = Node::start(database, &[("log_retention_days", "0")]).await;
    let ada = node.caller.clone();
    let params =
        json!({ "email": "bob@example.com", "name": "Bob", "username": "bob", "password": PASSWORD });
    let token = node.token("auth.signup", &params).await;
    let bob = node.engine.authenticate(&token).await.expect("a caller").caller;
    let team = node.ok("workspace.create", &json!({ "name": "Team" })).await["id"].clone();
    let member = json!({ "workspace_id": team, "username": "bob", "role": "member" });
    node.ok("member.add", &member).await;
    let data = json!({ "workspace_id": team, "title": "Hush", "assignee_ids": [ada.user.id, bob.user.id] });
    let id = node.ok("task.create", &data).await["id"].clone();
    for batch in changes(&id) {
        node.ok("batch", &batch).await;
    }
    let notices = json!({ "limit": 1, "sort": "created_at" });
    let all = node
        .asked(&bob, "notification.list", notices.clone())
        .await
        .expect("a list");
    let first = node
        .asked(&bob, "notification.list", json!({ "limit": 100 }))
        .await
        .expect("a list");
    let notice = first["items"][0]["id"].clone();
    assert!(
        all["total"].as_u64().expect("a total") as usize > CHANGES,
        "{all}"
    );

    node.ok("task.delete", &json!({ "id": id, "permanent": true }))
        .await;
    assert!(
        node.tables_with_hush().await.contains(&"log".to_owned()),
        "no job has run"
    );
    let workspace = format!("workspace:{}", text(&team));
    for caller in [&ada, &bob] {
        let own = format!("user:{}", caller.user.id);
        for (stream, task) in [
            (&workspace, None),
            (&own, None),
            (&workspace, Some(&id)),
            (&own, Some(&id)),
        ] {
            let events = node.shown(caller, stream, task).await;
            assert!(!json!(events).to_string().contains("Hush"), "{stream}");
            if task.is_none() {
                let seqs: Vec<usize> = (1..=events.len()).collect();
                assert_eq!(json!(pluck(&json!(events), "seq")), json!(seqs), "{stream}");
            } else {
                assert!(events.len() > CHANGES, "{stream}");
            }
        }
        for (name, data) in [
            ("notification.list", json!({ "limit": 100 })),
            ("user.sync", json!({})),
        ] {
            let answer = node.asked(caller, name, data).await.expect("an answer");
            assert!(!answer.to_string().contains("Hush"), "{name}: {answer}");
        }
    }
    let of_task = node.shown(&ada, &workspace, Some(&id)).await;
    assert_eq!(of_task[1]["data"], json!({ "id": id, "purged": true }));
    let last = of_task.last().expect("an event");
    assert_eq!(
        json!([last["event"], last["data"]["version"]]),
        json!(["task.purged", CHANGES + 2])
    );
    for (name, data) in [
        ("notification.get", json!({ "id": notice })),
        ("notification.mark", json!({ "id": notice, "is_read": true })),
        ("notification.delete", json!({ "id": notice })),
    ] {
        let refused = node.asked(&bob, name, data).await.expect_err("a refusal");
        assert_eq!(refused.code, ErrorCode::NotFound, "{name}");
    }
    // the id is free, and what is told of its next task is shown
    let again = json!({ "id": id, "workspace_id": team, "title": "Another" });
    node.ok("task.create", &again).await;
    let of_task = node.shown(&ada, &workspace, Some(&id)).await;
    assert_eq!(of_task.last().expect("an event")["data"]["title"], "Another");

    let runner = Runner::start(&node.engine, &Arc::new(node.settings.clone()), KINDS);
    eventually("nothing left to forget", async || {
        let jobs = node.engine.jobs().await.expect("jobs");
        let is_done = jobs.iter().all(|job| job.kind != "forget_task");
        (is_done && node.count("purges").await == 0).then_some(())
    })
    .await;
    runner.stop(PATIENCE).await;
    let left = node.tables_with_hush().await;
    assert!(
        !left
            .iter()
            .any(|table| table == "log" || table == "notifications"),
        "{left:?}"
    );
    let of_task = node.shown(&ada, &workspace, Some(&id)).await;
    assert_eq!(of_task.last().expect("an event")["data"]["title"], "Another");
    for caller in [&ada, &bob] {
        let own = node
            .shown(caller, &format!("user:{}", caller.user.id), None)
            .await;
        let gone: Vec<&Value> = own
            .iter()
            .filter(|event| event["event"] == "notification.deleted")
            .collect();
        assert!(gone.len() > CHANGES, "each with an event");
        assert_eq!(gone[0]["actor"]["kind"], "server");
    }
    let login = |email: &str| json!({ "email": email, "password": PASSWORD, "token_delivery": "body" });
    let server = node.into_server().await;
    for email in ["ada@example.com", "bob@example.com"] {
        let tokens = http::post(&server, "/v1/auth/login", &login(email)).await;
        let tokens: Value = tokens.json().await.expect("tokens");
        audit::agree(&server, &tokens).await;
    }
}

async fn whoever_resumes_after_a_purge_of_which_very_much_was_told_is_shown_none_of_it(database: Database) {
    let server = Server::start(database, &[]).await;
    let mut team = Team::gather(&server).await;
    let stream = team.stream();
    let data = json!({
        "workspace_id": team.workspace, "title": "Hush", "assignee_ids": [team.member.user_id()],
    });
    let id = team.owner.ok("task.create", data).await["id"].clone();
    for batch in changes(&id) {
        team.owner.ok("batch", batch).await;
    }
    team.owner
        .ok("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    let epoch = team.owner.welcome["data"]["epoch"].clone();
    for client in [&team.owner, &team.member] {
        let own = format!("user:{}", client.user_id());
        let positions = json!({ &stream: 0, &own: 0 });
        let resume =
            json!({ "resume": { "epoch": epoch, "positions": positions }, "streams": [&stream, &own] });
        let resumed = Follower::new(Client::with_tokens(&server, &client.tokens, resume).await);
        let (mut client, heads) = (resumed.client, resumed.heads);
        for stream in [&stream, &own] {
            for seq in 1..=heads[stream] {
                let event = client.next_of(stream).await;
                assert_eq!(event["seq"], seq);
                assert!(!event.to_string().contains("Hush"), "{event}");
            }
        }
    }
    eventually("no notification about it", async || {
        let counts = "select cast(count(*) as text) from notifications where message like '%Hush%' or title like '%Hush%'";
        (server.database.texts(counts).await == ["0"]).then_some(())
    })
    .await;
    for client in [&team.owner, &team.member] {
        audit::agree(&server, &client.tokens).await;
    }
}

/// Copies a task that another blocks, as the database has it.
async fn copy_blocked(server: &Server, database: Database, number: usize) {
    let (id, more) = match database {
        Database::Sqlite => ("randomblob(16)", ""),
        Database::Postgres => ("gen_random_uuid()", ", search"),
    };
    let columns = format!(
        "workspace_id, title, completed, priority, all_day, position, tags, assignee_ids, blocked_by, comment_count,
         attachment_count, is_deleted, version, created_by, created_at, updated_at, dated_by_id{more}"
    );
    let copy = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {number})
         insert into tasks (id, {columns}) select {id}, {columns} from n cross join tasks where title = 'waits';
         insert into task_blocks (task_id, blocker_id) select t.id, b.blocker_id from tasks t
           cross join (select distinct blocker_id from task_blocks) b
           where t.title = 'waits' and t.id not in (select task_id from task_blocks);"
    );
    server.database.execute(&copy).await;
}

async fn a_purge_changes_many_tasks_that_were_blocked_and_not_too_many(database: Database) {
    let server = Server::start(database, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let blocker = ada.act("task.create", json!({ "title": "first" })).await.data["id"].clone();
    let waits = json!({ "title": "waits", "blocked_by": [blocker] });
    ada.act("task.create", waits).await;
    copy_blocked(&server, database, 20_000).await;
    let purge = json!({ "id": blocker, "permanent": true });
    let error = ada.client.refused("task.delete", purge.clone()).await;
    assert_eq!(error["code"], "CONFLICT", "{error}");
    assert!(text(&error["message"]).contains("20000"), "{error}");
    let fewer =
        "delete from task_blocks where task_id in (select id from tasks where title = 'waits' limit 19000)";
    server.database.execute(fewer).await;
    let purged = ada.act("task.delete", purge).await;
    let mut told = purged.names();
    told.retain(|name| !name.starts_with("notification."));
    assert_eq!(told, ["stream.reset", "task.purged"]);
    let left = server
        .database
        .texts("select cast(count(*) as text) from task_blocks")
        .await;
    assert_eq!(left, ["0"]);
    let changed = "select cast(count(*) as text) from tasks where title = 'waits' and version = 2 and blocked_by is null";
    assert_eq!(server.database.texts(changed).await, ["1001"]);
}
