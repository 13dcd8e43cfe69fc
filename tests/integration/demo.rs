//! `taskwire demo`: the month of a team that is made up.

use crate::on_both_databases;
use crate::support::{Client, Engine, Server, http};
use serde_json::{Value, json};

on_both_databases!(a_demo_is_a_team_that_one_can_join);

const UNTIL: &str = "2026-05-29T16:00:00.000Z";
const DEMO: [&str; 9] = [
    "demo", "--people", "4", "--tasks", "120", "--seed", "7", "--until", UNTIL,
];

/// Signs a person of the demo in, with the password that the command printed.
async fn sign_in(server: &Server, told: &str) -> Client {
    let password = told.lines().find_map(|line| line.strip_prefix("password: "));
    let login = json!({
        "email": "ben.okafor@hazel.example", "password": password.expect("a password"), "token_delivery": "body",
    });
    let answer = http::post(server, "/v1/auth/login", &login).await;
    assert_eq!(answer.status(), 200, "{told}");
    let tokens = answer.json().await.expect("JSON");
    Client::with_tokens(server, &tokens, json!({})).await
}

/// The team's workspace.
async fn workspace(client: &mut Client) -> Value {
    let page = client.ok("workspace.list", json!({})).await;
    let all = page["items"].as_array().expect("workspaces").iter();
    let team = all.filter(|workspace| workspace["kind"] == "team");
    team.map(|workspace| workspace["id"].clone())
        .next()
        .expect("a team")
}

/// All tasks that are not deleted, without what differs in every database.
async fn tasks(client: &mut Client, workspace: &Value) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let question =
            json!({ "workspace_id": workspace, "sort": "created_at", "limit": 100, "cursor": cursor });
        let page = client.ok("task.list", question).await;
        for task in page["items"].as_array().expect("tasks") {
            let fields = [
                "title",
                "description",
                "stage",
                "priority",
                "due_at",
                "tags",
                "created_at",
                "completed_at",
            ];
            all.push(fields.iter().map(|field| task[field].clone()).collect());
        }
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            return all;
        }
    }
}

async fn a_demo_is_a_team_that_one_can_join(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    http::sign_up(&server, "ada").await;
    assert_eq!(server.terminate(), Some(0));
    let (code, told) = server.run(&DEMO);
    assert_eq!(code, Some(0), "{told}");
    let (code, again) = server.run(&DEMO);
    assert_eq!(code, Some(1), "{again}");
    assert!(again.contains("a demo was made before"), "{again}");
    server.spawn();

    let mut ben = sign_in(&server, &told).await;
    let team = workspace(&mut ben).await;
    let found = tasks(&mut ben, &team).await;
    assert!((110..=126).contains(&found.len()), "{}", found.len());
    for stage in ["todo", "doing", "done"] {
        assert!(found.iter().any(|task| task[2] == stage), "nothing is in {stage}");
    }
    let is_over = |task: &Value| task[2] != "done" && task[4].as_str().is_some_and(|due| due < UNTIL);
    assert!(found.iter().any(is_over), "nothing is overdue");
    assert!(
        found
            .iter()
            .all(|task| ("2026-04-29"..UNTIL).contains(&task[6].as_str().expect("a time")))
    );
    history_tells_who_did_what(&mut ben, &team).await;
    let kinds = notifications(&mut ben).await;
    assert!(kinds.iter().any(|kind| kind == "TASK_OVERDUE"), "{kinds:?}");
    // what was there before is there still
    Client::log_in(&server, "ada").await;

    let mut other = Server::prepare(Engine::Sqlite, &[]).await;
    let (code, told) = other.run(&DEMO);
    assert_eq!(code, Some(0), "{told}");
    other.spawn();
    let mut ben = sign_in(&other, &told).await;
    let team = workspace(&mut ben).await;
    assert_eq!(
        found,
        tasks(&mut ben, &team).await,
        "the same seed tells another story"
    );
}

/// The types of the notifications from the month. The server that runs today adds what became due since.
async fn notifications(client: &mut Client) -> Vec<Value> {
    let question = json!({ "sort": "created_at", "limit": 100 });
    let page = client.ok("notification.list", question).await;
    let all = page["items"].as_array().expect("notifications").iter();
    let of_month = all.filter(|item| item["created_at"].as_str().expect("a time") <= UNTIL);
    of_month.map(|item| item["type"].clone()).collect()
}

async fn history_tells_who_did_what(client: &mut Client, workspace: &Value) {
    let stream = format!("workspace:{}", workspace.as_str().expect("an id"));
    let history = json!({ "stream": stream, "after": 0, "limit": 500 });
    let page = client.ok("stream.history", history).await;
    let events = page["events"].as_array().expect("events");
    for event in [
        "task.created",
        "task.completed",
        "comment.created",
        "project.created",
        "member.added",
    ] {
        assert!(events.iter().any(|entry| entry["event"] == event), "no {event}");
    }
    let times: Vec<&str> = events
        .iter()
        .map(|entry| entry["at"].as_str().expect("a time"))
        .collect();
    assert!(times.is_sorted() && times.iter().all(|at| *at <= UNTIL));
    let by = |name: &str| events.iter().any(|entry| entry["actor"]["name"] == name);
    assert!(by("Ada Moreno") && by("Ben Okafor"));
}
