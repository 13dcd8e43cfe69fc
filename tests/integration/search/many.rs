//! Searches among many tasks: a word that is everywhere costs no more than a rare one, and is found where few tasks are asked
//! for.

use super::{add, found};
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_databases!(
    the_newest_of_very_many_matches_are_found,
    a_word_that_is_everywhere_is_found_in_the_few_tasks_that_a_filter_leaves,
    a_task_with_very_many_comments_does_not_hide_the_others,
);

/// Copies of the task `everywhere` that are newer than all others.
pub fn copies(engine: Engine, home: &str, many: i64) -> String {
    const COLUMNS: &str = "workspace_id, title, completed, priority, all_day, position, tags, assignee_ids,
        comment_count, attachment_count, is_deleted, version, created_by, updated_at, dated_by_id";
    match engine {
        Engine::Sqlite => format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < {many})
             insert into tasks (id, created_at, {COLUMNS})
             select randomblob(16), created_at + 1, {COLUMNS} from n join tasks where title = 'everywhere';
             update streams set pending = pending + {many} where id = unhex('{}')",
            home.replace('-', "")
        ),
        // the others are behind them in the table too
        Engine::Postgres => format!(
            "insert into tasks (id, created_at, {COLUMNS}, search, title_key, texts_at, words_at)
             select gen_random_uuid(), created_at + 1, {COLUMNS}, search, title_key, texts_at, words_at
             from generate_series(1, {many}) n join tasks on title = 'everywhere';
             update tasks set position = position where title <> 'everywhere';
             update streams set pending = pending + {many} where id = '{home}';
             analyze tasks"
        ),
    }
}

/// More tasks than one search looks at one by one, made by SQL: the first one has a word of its own.
async fn the_newest_of_very_many_matches_are_found(engine: Engine) {
    const MANY: i64 = 21_000;
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    let first = add(&mut ada, json!({ "title": "everywhere unicorn" })).await;
    add(&mut ada, json!({ "title": "everywhere" })).await;
    server.kill();
    server.database.execute(&copies(engine, &home, MANY)).await;
    server.spawn();
    let mut ada = Client::log_in(&server, "ada").await;
    let newest = add(&mut ada, json!({ "title": "unit everywhere" })).await;
    for q in ["everywhere", "everyw", "e", "every everyw"] {
        let list = ada.ok("task.list", json!({ "q": q, "limit": 2 })).await;
        let total = list["total"].as_u64().expect("a total");
        assert!(q.contains(' ') || (100..=1000).contains(&total), "{q}: {total}");
        let page = found(&mut ada, json!({ "q": q, "limit": 100 })).await;
        assert_eq!(page.len(), if q.contains(' ') { 0 } else { 100 }, "{q}");
    }
    let sorted = ada
        .ok(
            "task.list",
            json!({ "q": "everywhere", "sort": "-created_at", "limit": 1 }),
        )
        .await;
    assert_eq!(sorted["items"][0]["id"], newest);
    // a rare word is found wherever it is, also as the beginning of a word
    for q in ["unicorn", "unic", "everywhere unicorn"] {
        let found = found(&mut ada, json!({ "q": q })).await;
        assert_eq!(found.len(), 1, "{q}");
        assert_eq!(found[0]["task"]["id"], first, "{q}");
    }
    // two letters are the beginning of too many words: of new tasks it is found
    let found = found(&mut ada, json!({ "q": "un" })).await;
    assert!(found.iter().any(|item| item["task"]["id"] == newest));
}

/// More tasks with a word than an index is asked for, and few tasks that a filter leaves, all of them older.
async fn a_word_that_is_everywhere_is_found_in_the_few_tasks_that_a_filter_leaves(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    let project = json!({ "workspace_id": home, "name": "Boat" });
    let project = ada.ok("project.create", project).await["id"].clone();
    let rare = json!({
        "title": "everywhere rare", "tags": ["Rare"], "project_id": project, "assignee_ids": [ada.user_id()],
        "priority": "urgent", "due_at": "2030-01-01T00:00:00Z",
    });
    let rare = add(&mut ada, rare).await;
    let below = add(
        &mut ada,
        json!({ "title": "everywhere below", "parent_id": rare }),
    )
    .await;
    let done = add(&mut ada, json!({ "title": "everywhere done" })).await;
    ada.ok("task.complete", json!({ "id": done })).await;
    let gone = add(&mut ada, json!({ "title": "everywhere gone" })).await;
    ada.ok("task.delete", json!({ "id": gone })).await;
    add(&mut ada, json!({ "title": "everywhere" })).await;
    server.kill();
    server.database.execute(&copies(engine, &home, 7_000)).await;
    server.spawn();
    let mut ada = Client::log_in(&server, "ada").await;
    for (filter, wanted) in [
        (json!({ "tag": "rare" }), &rare),
        (json!({ "project_id": project }), &rare),
        (json!({ "assignee_id": ada.user_id() }), &rare),
        (json!({ "priority": "urgent" }), &rare),
        (json!({ "due_before": "2030-02-01T00:00:00Z" }), &rare),
        (json!({ "parent_id": rare }), &below),
        (json!({ "status": "completed" }), &done),
        (json!({ "status": "deleted" }), &gone),
    ] {
        for (q, place) in [("everywhere", &*home), ("everyw", &*home), ("everywhere", "all")] {
            let mut list = filter.clone();
            (list["q"], list["workspace_id"]) = (json!(q), json!(place));
            let page = ada.ok("task.list", list.clone()).await;
            assert_eq!(
                (&page["total"], &page["items"][0]["id"]),
                (&json!(1), wanted),
                "{list}"
            );
            list["sort"] = json!("title");
            assert_eq!(
                ada.ok("task.list", list.clone()).await["items"][0]["id"],
                *wanted,
                "{list}"
            );
        }
    }
    for (status, wanted) in [("completed", &done), ("deleted", &gone)] {
        let found = found(&mut ada, json!({ "q": "everywhere", "status": status })).await;
        assert_eq!((found.len(), &found[0]["task"]["id"]), (1, wanted), "{status}");
    }
}

async fn a_task_with_very_many_comments_does_not_hide_the_others(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let [quiet, loud] = [
        add(&mut ada, json!({ "title": "Quiet" })).await,
        add(&mut ada, json!({ "title": "Loud" })).await,
    ];
    ada.ok("comment.create", json!({ "task_id": quiet, "body": "deployed" }))
        .await;
    for _ in 0..3 {
        let ops: Vec<Value> = (0..100)
            .map(|i| json!({ "type": "comment.create", "data": { "task_id": loud, "body": format!("deployed {i}") } }))
            .collect();
        ada.ok("batch", json!({ "ops": ops })).await;
    }
    for q in ["deployed", "deploy"] {
        let found = found(&mut ada, json!({ "q": q })).await;
        let of = |item: &Value| {
            (
                text(&item["task"]["title"]),
                item["matches"].as_array().map(Vec::len),
            )
        };
        let shown: BTreeMap<String, Option<usize>> = found.iter().map(of).collect();
        let wanted = [("Quiet".to_owned(), Some(1)), ("Loud".to_owned(), Some(3))];
        assert_eq!(shown, BTreeMap::from(wanted), "{q}");
    }
}
