//! More rows than one mutation writes: steps, which go on where they stopped.

use super::{all_of_it, import, send, table};
use crate::on_both_databases;
use crate::support::{Client, Engine, Server, eventually, new_id, text};
use serde_json::{Value, json};

on_both_databases!(
    ten_thousand_rows_are_one_mutation_and_more_are_steps,
    an_import_that_was_killed_goes_on_where_it_stopped
);

/// Tasks of which each is blocked by one that comes much later.
fn blocked(rows: usize) -> String {
    let rows = (0..rows).map(|n| {
        let blocker = if n < 100 {
            format!("{}", rows - 1 - n)
        } else {
            String::new()
        };
        format!("Task {n},{n},{blocker}\n")
    });
    format!("title,id,blocked_by\n{}", rows.collect::<String>())
}

async fn ten_thousand_rows_are_one_mutation_and_more_are_steps(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, home) = (ada.tokens.clone(), ada.personal());
    let mut other = Client::sign_up(&server, "bob").await;
    let one = import(&server, &tokens, "format=csv", blocked(10_000)).await;
    assert_eq!(one["made"]["tasks"], 10_000, "{one}");
    let made = all_of_it(&mut ada, &home).await;
    let waiting = made.tasks.values().filter(|task| task["blocked_by"] != json!([]));
    assert_eq!((made.tasks.len(), waiting.count()), (10_000, 100));

    let away = ada.ok("workspace.create", json!({ "name": "Away" })).await["id"].clone();
    let query = format!("workspace_id={}&format=csv&op_id={}", text(&away), new_id());
    let sending = send(&server, &tokens, &query, blocked(10_001));
    let working = async {
        // others have their turn between the steps
        for n in 0..20 {
            other
                .ok("task.create", json!({ "title": format!("meanwhile {n}") }))
                .await;
        }
    };
    let ((status, many), ()) = futures_util::future::join(sending, working).await;
    assert_eq!((status, &many["made"]["tasks"]), (200, &json!(10_001)), "{many}");
    let state = all_of_it(&mut ada, text(&away)).await;
    let waiting = state
        .tasks
        .values()
        .filter(|task| task["blocked_by"] != json!([]));
    assert_eq!((state.tasks.len(), waiting.count()), (10_001, 100));
    let again = import(&server, &tokens, &query, blocked(10_001)).await;
    assert_eq!(
        (&again["replayed"], &again["made"]),
        (&json!(true), &many["made"])
    );
}

async fn an_import_that_was_killed_goes_on_where_it_stopped(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, home) = (ada.tokens.clone(), ada.personal());
    let query = format!("format=csv&op_id={}", new_id());
    let url = server.url(&format!("/v1/import?{query}"));
    let token = text(&tokens["access_token"]).to_owned();
    // a client of its own: the server's end breaks its connection
    let request = reqwest::Client::new()
        .post(url)
        .bearer_auth(token)
        .body(table(11_000));
    let broken = tokio::spawn(request.send());
    let stream = format!("workspace:{home}");
    eventually("some steps are done", async || {
        let events = ada
            .ok(
                "stream.history",
                json!({ "stream": stream, "after": 1500, "limit": 1 }),
            )
            .await;
        let found: Option<&Value> = events["events"].get(0);
        found.cloned()
    })
    .await;
    server.kill();
    assert!(
        broken.await.expect("no panic").is_err(),
        "the import was done before the kill"
    );
    server.spawn();
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let some = all_of_it(&mut ada, &home).await.tasks.len();
    assert!(some > 0 && some < 11_000, "{some}");
    let answer = import(&server, &tokens, &query, table(11_000)).await;
    assert_eq!(
        (&answer["made"]["tasks"], &answer["skipped"]),
        (&json!(11_000), &json!(0)),
        "{answer}"
    );
    assert_eq!(all_of_it(&mut ada, &home).await.tasks.len(), 11_000);
    let (status, error) = send(&server, &tokens, &query, table(11_001)).await;
    assert_eq!((status, &error["code"]), (409, &json!("CONFLICT")), "{error}");
}
