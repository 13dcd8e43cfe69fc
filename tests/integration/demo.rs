//! `taskwire demo`: the month of a team that is made up.

use crate::on_both_databases;
use crate::support::{Client, Engine, Server, http, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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

/// All tasks that are not deleted, oldest first.
async fn tasks(client: &mut Client, workspace: &Value) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let question =
            json!({ "workspace_id": workspace, "sort": "created_at", "limit": 100, "cursor": cursor });
        let page = client.ok("task.list", question).await;
        all.extend(page["items"].as_array().expect("tasks").iter().cloned());
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            return all;
        }
    }
}

/// What happened in the team, without what differs in every database: ids.
#[derive(Debug, PartialEq)]
struct Story {
    /// Tasks with their projects, people and comments.
    tasks: Vec<Value>,
    /// What was done by whom, and when.
    history: Vec<Value>,
    /// What Ben was told until the month was over.
    notifications: Vec<Value>,
}

/// The names of what a list of the workspace has, by their ids.
async fn names(client: &mut Client, list: &str, workspace: &Value) -> BTreeMap<String, Value> {
    let question = json!({ "workspace_id": workspace, "limit": 100 });
    let page = client.ok(list, question).await;
    let items = page["items"].as_array().expect("items").iter();
    let named = items.map(|item| match &item["user"] {
        Value::Null => (text(&item["id"]).to_owned(), item["name"].clone()),
        user => (text(&user["id"]).to_owned(), user["name"].clone()),
    });
    named.collect()
}

impl Story {
    async fn of(client: &mut Client) -> Story {
        let workspace = workspace(client).await;
        let people = names(client, "member.list", &workspace).await;
        let projects = names(client, "project.list", &workspace).await;
        let named =
            |names: &BTreeMap<String, Value>, id: &Value| id.as_str().and_then(|id| names.get(id).cloned());
        let mut told = Vec::new();
        for task in tasks(client, &workspace).await {
            let assignees = task["assignee_ids"].as_array().expect("ids").iter();
            let assignees: Vec<_> = assignees.map(|id| named(&people, id)).collect();
            let mut comments = Vec::new();
            if task["comment_count"] != 0 {
                let page = client
                    .ok("comment.list", json!({ "task_id": task["id"], "limit": 100 }))
                    .await;
                let all = page["items"].as_array().expect("comments").iter();
                comments = all
                    .map(|one| json!([one["body"], one["author"]["name"], one["created_at"]]))
                    .collect();
            }
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
            let fields: Vec<&Value> = fields.iter().map(|field| &task[field]).collect();
            let project = named(&projects, &task["project_id"]);
            let creator = named(&people, &task["created_by"]);
            told.push(json!([fields, project, creator, assignees, comments]));
        }
        Story {
            tasks: told,
            history: history(client, &workspace).await,
            notifications: notifications(client).await,
        }
    }
}

/// The log of the team: event, actor, time.
async fn history(client: &mut Client, workspace: &Value) -> Vec<Value> {
    let (stream, mut after, mut all) = (format!("workspace:{}", text(workspace)), json!(0), Vec::new());
    loop {
        let question = json!({ "stream": stream, "after": after, "limit": 500 });
        let page = client.ok("stream.history", question).await;
        for event in page["events"].as_array().expect("events") {
            after = event["seq"].clone();
            all.push(json!([event["event"], event["actor"]["name"], event["at"]]));
        }
        if page["has_more"] == false {
            return all;
        }
    }
}

/// A server on SQLite with nothing but the demo of a seed.
async fn another_demo(seed: &str) -> Story {
    let mut server = Server::prepare(Engine::Sqlite, &[]).await;
    let mut words = DEMO;
    words[6] = seed;
    let (code, told) = server.run(&words);
    assert_eq!(code, Some(0), "{told}");
    server.spawn();
    Story::of(&mut sign_in(&server, &told).await).await
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
        assert!(
            found.iter().any(|task| task["stage"] == stage),
            "nothing is in {stage}"
        );
    }
    let is_over =
        |task: &Value| task["stage"] != "done" && task["due_at"].as_str().is_some_and(|due| due < UNTIL);
    assert!(found.iter().any(is_over), "nothing is overdue");
    assert!(
        found
            .iter()
            .all(|task| ("2026-04-29"..UNTIL).contains(&text(&task["created_at"])))
    );
    let story = Story::of(&mut ben).await;
    history_tells_who_did_what(&story.history);
    let is_overdue = |told: &Value| told[0] == "TASK_OVERDUE";
    assert!(
        story.notifications.iter().any(is_overdue),
        "{:?}",
        story.notifications
    );
    // what was there before is there still
    Client::log_in(&server, "ada").await;

    let same = another_demo("7").await;
    assert_eq!(story.tasks, same.tasks, "the same seed tells another story");
    assert!(story == same, "{:?}\n{:?}", story.history, same.history);
}

#[tokio::test]
async fn another_seed_tells_another_story() {
    let (one, other) = (another_demo("7").await, another_demo("8").await);
    let titles = |story: &Story| {
        story
            .tasks
            .iter()
            .map(|task| task[0][0].clone())
            .collect::<Vec<_>>()
    };
    assert_ne!(titles(&one), titles(&other));
    assert_ne!(one.history, other.history);
}

/// The types and times of Ben's notifications from the month. The server that runs today adds what became due since.
async fn notifications(client: &mut Client) -> Vec<Value> {
    let question = json!({ "sort": "created_at", "limit": 100 });
    let page = client.ok("notification.list", question).await;
    let all = page["items"].as_array().expect("notifications").iter();
    let of_month = all.filter(|item| text(&item["created_at"]) <= UNTIL);
    of_month
        .map(|item| json!([item["type"], item["created_at"]]))
        .collect()
}

fn history_tells_who_did_what(history: &[Value]) {
    for event in [
        "task.created",
        "task.completed",
        "comment.created",
        "project.created",
        "member.added",
    ] {
        assert!(history.iter().any(|entry| entry[0] == event), "no {event}");
    }
    let times: Vec<&str> = history.iter().map(|entry| text(&entry[2])).collect();
    assert!(times.is_sorted() && times.iter().all(|at| *at <= UNTIL));
    let by = |name: &str| history.iter().any(|entry| entry[1] == name);
    assert!(by("Ada Moreno") && by("Ben Okafor"));
}
