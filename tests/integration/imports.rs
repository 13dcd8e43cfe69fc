//! `POST /v1/import`: what files of other programs become, what is told to be lost, all or nothing, exactly-once, in steps.
//!
//! - `circles` blockers of later steps, and what others change meanwhile
//! - `copies` a workspace that is exported and imported
//! - `steps`  more rows than one mutation writes, kills in between
//! - `limits` what is refused, and how much a file may have
//! - `repeats` what an import of old tasks, or of another file with the same op_id, does not do

mod circles;
mod copies;
mod limits;
mod repeats;
mod steps;

use crate::on_both_databases;
use crate::support::fold::WorkspaceState;
use crate::support::http::request;
use crate::support::{Client, Engine, Server, Team, new_id, text};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    files_of_other_programs_become_tasks,
    a_dry_run_tells_what_happens_and_changes_nothing,
    watchers_see_each_row_or_are_told_to_sync,
    an_error_in_the_last_row_leaves_nothing,
    an_import_that_is_sent_again_is_done_once,
    members_import_and_only_admins_add_stages,
    tasks_that_a_stage_completes_are_told,
    whoever_is_assigned_is_told_once,
    a_file_does_not_speak_for_others,
);

const TODOIST: &[u8] = include_bytes!("../../src/domain/import/fixtures/todoist.csv");
const TRELLO: &[u8] = include_bytes!("../../src/domain/import/fixtures/trello.json");
const VIKUNJA: &[u8] = include_bytes!("../../src/domain/import/fixtures/vikunja.json");
const TASKWARRIOR: &[u8] = include_bytes!("../../src/domain/import/fixtures/taskwarrior.json");

/// Sends a file. Returns the status, and the answer or the error.
pub async fn send(server: &Server, tokens: &Value, query: &str, file: impl Into<Vec<u8>>) -> (u16, Value) {
    let path = format!("/v1/import?{query}");
    let asked = request(server, Method::POST, &path).bearer_auth(text(&tokens["access_token"]));
    let answer = asked.file(file.into()).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.json().await.expect("JSON");
    match status {
        200 => (status, body),
        _ => (status, body["error"].clone()),
    }
}

/// Imports a file that must be accepted.
async fn import(server: &Server, tokens: &Value, query: &str, file: impl Into<Vec<u8>>) -> Value {
    let (status, answer) = send(server, tokens, query, file).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The tasks of a workspace by their titles.
async fn tasks(client: &mut Client, workspace: &str) -> std::collections::BTreeMap<String, Value> {
    let data = json!({ "workspace_id": workspace, "status": "all", "limit": 100 });
    let items = client.ok("task.list", data).await["items"].clone();
    let items = items.as_array().expect("items").iter();
    items
        .map(|task| (text(&task["title"]).to_owned(), task.clone()))
        .collect()
}

async fn head(client: &mut Client, stream: &str) -> Value {
    client.ok("stream.subscribe", json!({ "stream": stream })).await["seq"].clone()
}

async fn all_of_it(client: &mut Client, workspace: &str) -> WorkspaceState {
    let (mut pages, mut data) = (Vec::new(), json!({ "workspace_id": workspace }));
    loop {
        let page = client.ok("workspace.sync", data.clone()).await;
        data["cursor"] = page["cursor"].clone();
        pages.push(page);
        if data["cursor"].is_null() {
            return WorkspaceState::of(&pages);
        }
    }
}

fn table(rows: usize) -> String {
    let rows = (0..rows).map(|n| format!("Task {n},{n},project {},tag{}\n", n % 3, n % 5));
    format!("title,id,project,tags\n{}", rows.collect::<String>())
}

async fn files_of_other_programs_become_tasks(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let tokens = ada.tokens.clone();
    for (format, file, made) in [
        ("todoist", TODOIST, 5),
        ("trello", TRELLO, 5),
        ("vikunja", VIKUNJA, 3),
        ("taskwarrior", TASKWARRIOR, 4),
    ] {
        let workspace = ada.ok("workspace.create", json!({ "name": format })).await["id"].clone();
        let query = format!("workspace_id={}&format={format}", text(&workspace));
        let answer = import(&server, &tokens, &query, file).await;
        assert_eq!(answer["made"]["tasks"], made, "{format}: {answer}");
        assert!(
            answer["lost"].as_array().is_some_and(|lost| lost.len() > 3),
            "{answer}"
        );
        let there = tasks(&mut ada, text(&workspace)).await;
        assert_eq!(there.len(), made, "{format}");
        assert!(
            there
                .values()
                .all(|task| task["version"] == 1 && task["created_by"] == ada.user_id())
        );
        match format {
            "todoist" => {
                let rent = &there["Pay the rent"];
                assert_eq!(rent["assignee_ids"], json!([ada.user_id()]), "{rent}");
                assert_eq!(
                    (&rent["comment_count"], &rent["recurrence"]),
                    (&json!(1), &json!("FREQ=MONTHLY"))
                );
                let comments = ada.ok("comment.list", json!({ "task_id": rent["id"] })).await;
                assert_eq!(comments["items"][0]["body"], "Bea: Account \"7\" since May");
            }
            "trello" => {
                let poster = &there["Poster"];
                assert_eq!(poster["stage"], "in-progress", "{poster}");
                assert_eq!(poster["created_at"], "2020-08-17T03:56:48.000Z");
                assert_eq!(
                    (&there["Draw"]["parent_id"], &there["Draw"]["stage"]),
                    (&poster["id"], &json!("done"))
                );
                assert!(there["Invitations"]["completed"] == true && there["Print"]["completed"] == false);
                let stages = ada
                    .ok("workspace.get", json!({ "workspace_id": workspace }))
                    .await["stages"]
                    .clone();
                let keys: Vec<&str> = stages
                    .as_array()
                    .expect("stages")
                    .iter()
                    .map(|stage| text(&stage["key"]))
                    .collect();
                assert_eq!(keys, ["todo", "doing", "done", "ideas", "in-progress"]);
            }
            "vikunja" => {
                let trip = &there["Plan the trip"];
                assert_eq!(there["Book"]["parent_id"], trip["id"]);
                assert_eq!(trip["blocked_by"], json!([there["Save money"]["id"]]));
            }
            _ => {
                assert_eq!(there["Paint"]["stage"], "doing");
                assert_eq!(there["Paint"]["blocked_by"], json!([there["Buy a can"]["id"]]));
                // a time that is still to come is the time of the import
                assert!(
                    text(&there["Old thing"]["completed_at"]) < "2029-01-10",
                    "{there:?}"
                );
            }
        }
        // stages, projects and tags are used again; tasks are made again, since only our own files and an op_id tell that
        // they were imported before
        let again = import(&server, &tokens, &query, file).await;
        let all = &again["made"];
        assert_eq!(
            (&all["stages"], &all["projects"], &all["tags"], &all["tasks"]),
            (&json!(0), &json!(0), &json!(0), &json!(made)),
            "{format}: {again}"
        );
    }
}

async fn a_dry_run_tells_what_happens_and_changes_nothing(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let tokens = ada.tokens.clone();
    let own = format!("user:{}", ada.user_id());
    let home = ada.personal();
    import(&server, &tokens, "format=vikunja", VIKUNJA).await;
    let export = copies::export(&server, &tokens, &home).await;
    for (format, file) in [
        ("todoist", TODOIST.to_vec()),
        ("trello", TRELLO.to_vec()),
        ("vikunja", VIKUNJA.to_vec()),
        ("taskwarrior", TASKWARRIOR.to_vec()),
        ("csv", table(30).into_bytes()),
        ("json", export.into_bytes()),
    ] {
        let workspace = ada.ok("workspace.create", json!({ "name": format })).await["id"].clone();
        let stream = format!("workspace:{}", text(&workspace));
        let before = (head(&mut ada, &stream).await, head(&mut ada, &own).await);
        let state = all_of_it(&mut ada, text(&workspace)).await;
        let query = format!("workspace_id={}&format={format}", text(&workspace));
        let would = import(&server, &tokens, &format!("{query}&dry_run=true"), file.clone()).await;
        let after = (head(&mut ada, &stream).await, head(&mut ada, &own).await);
        assert_eq!(after, before, "{format}");
        assert_eq!(all_of_it(&mut ada, text(&workspace)).await, state, "{format}");
        let did = import(&server, &tokens, &query, file).await;
        assert_eq!(would, did, "{format}");
        let tasks = all_of_it(&mut ada, text(&workspace)).await.tasks.len();
        assert!(tasks > 2 && did["made"]["tasks"] == tasks, "{format}: {did}");
    }
}

async fn watchers_see_each_row_or_are_told_to_sync(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, home) = (ada.tokens.clone(), ada.personal());
    let stream = format!("workspace:{home}");
    let mut observer = Client::log_in(&server, "ada").await;
    let mut state = all_of_it(&mut ada, &home).await;
    for (format, file) in [("trello", TRELLO.to_vec()), ("csv", table(300).into_bytes())] {
        import(&server, &tokens, &format!("format={format}"), file).await;
        let last = head(&mut observer, &stream).await.as_u64();
        while Some(state.seq) < last {
            let event = ada.next_of(&stream).await;
            state.apply(&event);
        }
        let mut now = all_of_it(&mut ada, &home).await;
        now.forget_role();
        state.forget_role();
        assert_eq!(state, now, "{format}");
    }
    import(&server, &tokens, "format=csv", table(1500)).await;
    let event = ada.next_of(&stream).await;
    assert_eq!(event["event"], "stream.reset", "{event}");
    assert_eq!(head(&mut observer, &stream).await, event["seq"], "one entry");
    assert_eq!(all_of_it(&mut ada, &home).await.tasks.len(), 5 + 300 + 1500);
}

async fn an_error_in_the_last_row_leaves_nothing(engine: Engine) {
    let server = Server::start(engine, &[("subtasks_per_task", "3"), ("tags_per_workspace", "4")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, home) = (ada.tokens.clone(), ada.personal());
    let state = all_of_it(&mut ada, &home).await;
    let wrong = "title,due_at\nfine,\nalso fine,2030-01-01\n,31.1.2030\n";
    let (status, error) = send(&server, &tokens, "format=csv", wrong).await;
    assert_eq!(
        (status, &error["code"], &error["field"]),
        (422, &json!("VALIDATION_ERROR"), &json!("due_at"))
    );
    assert!(
        text(&error["message"]).starts_with("line 4, column 2: due_at must be"),
        "{error}"
    );
    // beyond a limit of the workspace
    let below = "s0,,a\ns1,,a\ns2,,a\ns3,,a\n";
    let (status, error) = send(
        &server,
        &tokens,
        "format=csv",
        format!("title,id,parent_id\nparent,a,\n{below}"),
    )
    .await;
    assert_eq!(
        (status, &error["code"], &error["context"]["limit"]),
        (403, &json!("PLAN_LIMIT"), &json!(3)),
        "{error}"
    );
    assert!(text(&error["message"]).starts_with("line 6: "), "{error}");
    let (status, error) = send(&server, &tokens, "format=csv", table(10)).await;
    assert_eq!((status, &error["context"]["limit"]), (403, &json!(4)), "{error}");
    assert_eq!(all_of_it(&mut ada, &home).await, state);
}

async fn an_import_that_is_sent_again_is_done_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, home) = (ada.tokens.clone(), ada.personal());
    let query = format!("format=csv&op_id={}", new_id());
    let (one, two) = futures_util::future::join(
        send(&server, &tokens, &query, table(50)),
        send(&server, &tokens, &query, table(50)),
    )
    .await;
    assert_eq!((one.0, two.0), (200, 200), "{one:?} {two:?}");
    let third = import(&server, &tokens, &query, table(50)).await;
    let replayed = |answer: &Value| answer["replayed"] == true;
    assert_eq!(
        [&one.1, &two.1, &third]
            .into_iter()
            .filter(|answer| replayed(answer))
            .count(),
        2
    );
    assert_eq!(third["made"], one.1["made"]);
    assert_eq!(all_of_it(&mut ada, &home).await.tasks.len(), 50);
    let (status, error) = send(&server, &tokens, &query, table(51)).await;
    assert_eq!(
        (status, &error["code"], &error["field"]),
        (409, &json!("CONFLICT"), &json!("op_id"))
    );
}

async fn members_import_and_only_admins_add_stages(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let query = format!("workspace_id={}&format=trello", team.workspace);
    let (status, error) = send(&server, &team.viewer.tokens.clone(), &query, TRELLO).await;
    assert_eq!((status, &error["code"]), (403, &json!("FORBIDDEN")));
    let stranger = Client::sign_up(&server, "stranger").await;
    assert_eq!(send(&server, &stranger.tokens, &query, TRELLO).await.0, 404);
    let workspace = team.workspace.clone();
    let answer = import(&server, &team.member.tokens.clone(), &query, TRELLO).await;
    assert_eq!(answer["made"]["stages"], 0);
    assert!(answer.to_string().contains("only admins add stages"), "{answer}");
    assert_eq!(
        tasks(&mut team.member, &workspace).await["Poster"]["stage"],
        "todo"
    );
    let answer = import(&server, &team.admin.tokens.clone(), &query, TRELLO).await;
    assert_eq!(answer["made"]["stages"], 2, "{answer}");
}

/// A list is called “Done”, and a bucket that is not the one for what is done.
async fn tasks_that_a_stage_completes_are_told(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    team.member
        .ok("profile.update", json!({ "name": "Ada Quill" }))
        .await;
    let ada = json!([team.member.user_id()]);
    let board = json!({
        "name": "Board", "lists": [{ "id": "1", "name": "Not done yet", "pos": 1 }, { "id": "2", "name": "Done", "pos": 2 }],
        "members": [{ "id": "m", "username": "adaquill77", "fullName": "Ada Quill" }],
        "cards": [{ "id": "a", "name": "Begun", "idList": "1", "idMembers": ["m"] }, { "id": "b", "name": "Over", "idList": "2" },
            { "id": "c", "name": "Long over", "idList": "2", "dueComplete": true }],
    });
    let export = json!([{ "id": 1, "title": "P", "buckets": [{ "id": 1, "title": "To-Do" }, { "id": 2, "title": "Done" }],
        "tasks": [{ "id": 1, "title": "Begun", "bucket_id": 1, "assignees": [{ "username": "aq", "name": "Ada Quill" }] },
            { "id": 2, "title": "Over", "bucket_id": 2 }, { "id": 3, "title": "Long over", "bucket_id": 2, "done": true }] }]);
    for (format, file, stages) in [("trello", board, 1), ("vikunja", export, 0)] {
        let made = team.owner.ok("workspace.create", json!({ "name": format })).await;
        let workspace = text(&made["id"]).to_owned();
        let place = json!({ "workspace_id": workspace, "username": "member", "role": "member" });
        team.owner.ok("member.add", place).await;
        let (query, file) = (
            format!("workspace_id={workspace}&format={format}"),
            file.to_string(),
        );
        let tokens = team.owner.tokens.clone();
        let would = import(&server, &tokens, &format!("{query}&dry_run=true"), file.clone()).await;
        assert_eq!(import(&server, &tokens, &query, file).await, would);
        assert_eq!(would["made"]["stages"], stages, "{would}");
        let lost: Vec<&str> = would["lost"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| text(&item["what"]))
            .collect();
        assert_eq!(lost, ["that 1 task in the stage Done is open"], "{would}");
        let there = tasks(&mut team.owner, &workspace).await;
        let is_over = |title: &str| there[title]["completed"] == true;
        assert_eq!(
            [is_over("Begun"), is_over("Over"), is_over("Long over")],
            [false, true, true],
            "{format}"
        );
        assert_eq!(there["Begun"]["assignee_ids"], ada, "{format}");
    }
}

async fn whoever_is_assigned_is_told_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let member = team.member.ok("profile.get", json!({})).await;
    let rows = format!("t,{}\n", text(&member["username"])).repeat(20);
    let before = team.owner.ok("notification.list", json!({})).await["total"].clone();
    let query = format!("workspace_id={}&format=csv", team.workspace);
    import(
        &server,
        &team.owner.tokens.clone(),
        &query,
        format!("title,assignees\n{rows}"),
    )
    .await;
    let is_told =
        |frame: &Value| frame["event"] == "notification.created" && frame["data"]["type"] == "TASK_ASSIGNED";
    let told = team.member.take("a notification", is_told).await;
    assert!(
        text(&told["data"]["message"]).ends_with("gave you 20 tasks by an import"),
        "{told}"
    );
    let all = team.member.ok("notification.list", json!({})).await;
    let assigned = all["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|one| one["type"] == "TASK_ASSIGNED");
    assert_eq!(assigned.count(), 1);
    assert_eq!(
        team.owner.ok("notification.list", json!({})).await["total"],
        before
    );
}

async fn a_file_does_not_speak_for_others(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let owner = team.owner.ok("profile.get", json!({})).await;
    let file = json!({
        "name": "b", "lists": [{ "id": "l", "name": "Ideas", "pos": 1 }], "cards": [{ "id": "c", "name": "Card", "idList": "l" }],
        "actions": [{ "type": "commentCard", "date": "2029-01-01T00:00:00.000Z",
            "data": { "text": "I approve", "card": { "id": "c" } }, "memberCreator": { "username": owner["username"] } }],
    });
    let query = format!("workspace_id={}&format=trello", team.workspace);
    import(&server, &team.member.tokens.clone(), &query, file.to_string()).await;
    let workspace = team.workspace.clone();
    let card = tasks(&mut team.member, &workspace).await["Card"].clone();
    let comment = team
        .member
        .ok("comment.list", json!({ "task_id": card["id"] }))
        .await["items"][0]
        .clone();
    assert_eq!(comment["author"]["id"], team.member.user_id());
    assert_eq!(
        comment["body"],
        format!("{}: I approve", text(&owner["username"]))
    );
}
