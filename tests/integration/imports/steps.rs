//! More rows than one mutation writes: steps, which go on where they stopped.

use super::{all_of_it, import, send, table};
use crate::on_both_databases;
use crate::support::{Client, Engine, Server, Team, eventually, new_id, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_databases!(
    ten_thousand_rows_are_one_mutation_and_more_are_steps,
    an_import_that_was_killed_goes_on_where_it_stopped,
    the_error_of_an_import_that_breaks_off_says_how_far_it_came
);

/// Tasks of which each is blocked by one that comes much later.
fn blocked(rows: usize) -> String {
    let rows = (0..rows).map(|n| {
        let blocker = if n < 100 {
            format!("{}", rows - 1 - n)
        } else {
            String::new()
        };
        // nobody has this name, and no task this field
        let stranger = if n % 100 == 0 { "zoe" } else { "" };
        format!("Task {n},{n},{blocker},{stranger},red\n")
    });
    format!(
        "title,id,blocked_by,assignees,colour\n{}",
        rows.collect::<String>()
    )
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
    let dry = format!("workspace_id={}&format=csv&dry_run=true", text(&away));
    let would = import(&server, &tokens, &dry, blocked(10_001)).await;
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
    assert_eq!(would, many, "the steps did what the dry run told");
    let lost = many["lost"].as_array().expect("a list").iter();
    let lost: Vec<&str> = lost.map(|item| text(&item["what"])).collect();
    assert_eq!(lost, ["the column colour", "the assignee zoe of 101 tasks"]);
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

/// Two members import, one of them with an op_id, and lose their access while the steps run.
async fn the_error_of_an_import_that_breaks_off_says_how_far_it_came(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let query = format!("workspace_id={}&format=csv", team.workspace);
    let with_id = format!("{query}&op_id={}", new_id());
    let (admin, member) = (team.admin.tokens.clone(), team.member.tokens.clone());
    let sending = futures_util::future::join(
        send(&server, &admin, &with_id, table(10_001)),
        send(&server, &member, &query, table(10_001)),
    );
    let (stream, ids) = (team.stream(), [team.admin.user_id(), team.member.user_id()]);
    let (owner, workspace) = (&mut team.owner, &team.workspace);
    let removing = async {
        let (mut after, mut makers) = (json!(0), BTreeSet::new());
        eventually("both have made some tasks", async || {
            let next = json!({ "stream": stream, "after": after, "limit": 500 });
            let page = owner.ok("stream.history", next).await;
            for event in page["events"].as_array().expect("events") {
                after = event["seq"].clone();
                if event["event"] == "task.created" {
                    makers.insert(text(&event["data"]["created_by"]).to_owned());
                }
            }
            (makers.len() == 2).then_some(())
        })
        .await;
        for id in ids {
            owner
                .ok(
                    "member.remove",
                    json!({ "workspace_id": workspace, "user_id": id }),
                )
                .await;
        }
    };
    let ((one, two), ()) = futures_util::future::join(sending, removing).await;
    let mut all = 0;
    for ((status, error), advice) in [
        (
            one,
            "send it again with the same op_id, and it goes on from there",
        ),
        (
            two,
            "it has no op_id, so sending it again imports these tasks again",
        ),
    ] {
        assert_eq!((status, &error["code"]), (404, &json!("NOT_FOUND")), "{error}");
        let made = error["context"]["done"]["made"]["tasks"]
            .as_u64()
            .expect("a number");
        let told = format!("; {made} of 10001 tasks were imported: {advice}");
        assert!(text(&error["message"]).ends_with(&told), "{error}");
        all += made;
    }
    assert_eq!(all_of_it(owner, workspace).await.tasks.len() as u64, all);
}
