//! What an older version wrote is found, and no search waits for it.

use super::{add, titles};
use crate::on_both_databases;
use crate::support::{Client, Engine, Server, eventually};
use serde_json::json;

on_both_databases!(what_an_older_version_wrote_is_found);

/// Rows as the version before search wrote them: their words are made by a job, and a search does not wait for it.
async fn what_an_older_version_wrote_is_found(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = add(&mut ada, json!({ "title": "quince" })).await;
    ada.ok("comment.create", json!({ "task_id": task, "body": "medlar" }))
        .await;
    assert_eq!(titles(&mut ada, "quince").await, ["quince"]);
    assert_eq!(titles(&mut ada, "medlar").await, ["quince"]);
    let done = "select cast(count(*) as text) from jobs where kind = 'words' and key = ''";
    eventually("the job", async || {
        (server.database.texts(done).await == ["0"]).then_some(())
    })
    .await;
    server.kill();
    let older = match engine {
        Engine::Sqlite => {
            "delete from task_search where rowid > 0; delete from comment_search where rowid > 0;
             insert into search_backlog select 'tasks', max(number), max(number) from tasks;
             insert into search_backlog select 'comments', max(number), max(number) from comment_numbers;"
        }
        Engine::Postgres => {
            "update tasks set search = '''quince'':1'::tsvector, words_at = null;
             update comments set search = null, words_at = null;"
        }
    };
    let job = "insert into jobs (kind, key, payload, due_at, attempts, revision) values ('words', '', 'null', 0, 0, 0);";
    server.database.execute(&format!("{older} {job}")).await;
    server.spawn();
    let mut ada = Client::log_in(&server, "ada").await;
    // new ones are found at once
    add(&mut ada, json!({ "title": "another quince" })).await;
    assert!(
        titles(&mut ada, "quince")
            .await
            .contains(&"another quince".to_owned())
    );
    eventually("the words of before", async || {
        let [tasks, comments] = [titles(&mut ada, "quince").await, titles(&mut ada, "medlar").await];
        (tasks == ["quince", "another quince"] && comments == ["quince"]).then_some(())
    })
    .await;
    if engine == Engine::Sqlite {
        let left = "select what from search_backlog";
        eventually("the end of it", async || {
            server.database.texts(left).await.is_empty().then_some(())
        })
        .await;
    }
    ada.ok("task.delete", json!({ "id": task, "permanent": true }))
        .await;
    assert_eq!(titles(&mut ada, "medlar").await, [""; 0]);
}
