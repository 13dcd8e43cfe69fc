//! Searches among many tasks: a word that is everywhere costs no more than a rare one.

use super::{add, found};
use crate::on_both_databases;
use crate::support::{Client, Engine, Server};
use serde_json::json;

on_both_databases!(the_newest_of_very_many_matches_are_found);

/// Copies of the task `everywhere` that are newer than all others.
fn copies(engine: Engine, home: &str, many: i64) -> String {
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
