//! Input that is as large as it may be costs little, and more is refused by its size: long lists, long names, large bodies.

use crate::on_both_databases;
use crate::support::{Client, Engine, PASSWORD, Server, http, new_id, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

on_both_databases!(the_longest_list_of_each_parameter_costs_little);

/// The largest frame of a socket, less what stands around the list.
const ROOM: usize = 65_000;
/// A debug build on a busy machine takes a few milliseconds for such a frame. Comparing each item with all others took more.
const BOUND: Duration = Duration::from_millis(500);

/// Every parameter that is a list, as the schema has it.
fn lists() -> BTreeSet<(String, String)> {
    let schema: Value =
        serde_json::from_str(include_str!("../../protocol/taskwire.schema.json")).expect("JSON");
    let resolved = |found: &Value| match found["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        Some(name) => schema["$defs"][name].clone(),
        None => found.clone(),
    };
    let mut lists = BTreeSet::new();
    for (operation, of) in schema["operations"].as_object().expect("operations") {
        let params = resolved(&of["params"]);
        for (name, field) in params["properties"].as_object().into_iter().flatten() {
            let kind = field["type"].to_string();
            if kind.contains("\"array\"") {
                lists.insert((operation.clone(), name.clone()));
            }
        }
    }
    lists
}

async fn the_longest_list_of_each_parameter_costs_little(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let blocker = ada.ok("task.create", json!({ "title": "B" })).await["id"].clone();
    let (me, personal) = (ada.user_id(), ada.personal());
    let replace = json!({
        "id": task, "title": "T", "description": null, "completed": false, "priority": "none", "due_at": null,
    });
    let stage = json!({ "key": "todo", "name": "To do", "kind": "open" });
    // an operation, its other parameters, the list, and an item of it that is valid
    let all = [
        ("task.create", json!({ "title": "T" }), "tags", json!("Home")),
        ("task.create", json!({ "title": "T" }), "assignee_ids", json!(me)),
        (
            "task.create",
            json!({ "title": "T" }),
            "blocked_by",
            blocker.clone(),
        ),
        ("task.replace", replace, "tags", json!("Home")),
        ("task.update", json!({ "id": task }), "tags", json!("Home")),
        ("task.update", json!({ "id": task }), "assignee_ids", json!(me)),
        ("task.update", json!({ "id": task }), "blocked_by", blocker),
        ("task.assign", json!({ "id": task }), "add", json!(me)),
        ("task.assign", json!({ "id": task }), "remove", json!(me)),
        (
            "comment.create",
            json!({ "task_id": task, "body": "B" }),
            "mentions",
            json!(me),
        ),
        ("notification.delete_many", json!({}), "ids", json!(new_id())),
        (
            "api_token.create",
            json!({ "name": "N" }),
            "workspace_ids",
            json!(personal),
        ),
        (
            "workspace.update",
            json!({ "workspace_id": personal }),
            "stages",
            stage,
        ),
        (
            "batch",
            json!({}),
            "ops",
            json!({ "type": "task.create", "data": { "title": "T" } }),
        ),
    ];
    let named: BTreeSet<(String, String)> = all
        .iter()
        .map(|(name, _, field, _)| ((*name).to_owned(), (*field).to_owned()))
        .collect();
    assert_eq!(named, lists(), "each list of the contract has a row");
    for (name, other, field, item) in &all {
        let count = ROOM / (item.to_string().len() + 1);
        let equal = vec![item.clone(); count];
        let different: Vec<Value> = match item {
            Value::String(text) if text.len() == 36 => (0..count).map(|_| json!(new_id())).collect(),
            Value::String(_) => (0..ROOM / 8).map(|n| json!(format!("t{n}"))).collect(),
            other => vec![other.clone(); count],
        };
        for list in [equal, different] {
            let mut data = other.clone();
            data[*field] = json!(list);
            let mut fastest = Duration::MAX;
            for _ in 0..3 {
                let begun = Instant::now();
                let answer = ada.call(name, data.clone()).await;
                fastest = fastest.min(begun.elapsed());
                assert!(answer.is_object(), "{answer}");
            }
            assert!(fastest < BOUND, "{name} {field}: {fastest:?}");
        }
    }
}

/// The body of every route that nobody needs a token for is small, and the refusal says how small.
#[tokio::test]
async fn what_signs_somebody_in_takes_sixteen_kibibytes() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let long = "x".repeat(17_000);
    for path in [
        "/v1/auth/signup",
        "/v1/auth/login",
        "/v1/auth/refresh",
        "/v1/auth/change-password",
        "/v1/auth/verify-email",
        "/v1/auth/resend-verification",
        "/v1/auth/forgot-password",
        "/v1/auth/reset-password",
        "/v1/auth/device",
        "/v1/auth/device/approve",
        "/v1/auth/device/token",
        "/v1/auth/first-admin",
    ] {
        let answer = http::post(&server, path, &json!({ "email": long })).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.expect("JSON");
        let error = &body["error"];
        assert_eq!(
            (status, &error["code"], &error["context"]["limit"]),
            (413, &json!("PAYLOAD_TOO_LARGE"), &json!(16_384)),
            "{path}: {body}"
        );
        assert!(text(&error["message"]).contains("16384"), "{path}: {body}");
    }
    let body = json!({ "email": "ada@example.com", "name": "Ada", "password": PASSWORD, "device_name": " ".repeat(15_000) });
    assert_eq!(http::post(&server, "/v1/auth/signup", &body).await.status(), 201);
}

#[tokio::test]
async fn without_a_token_a_body_has_as_much_as_the_largest_frame_that_is_answered() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let ask = |spaces: usize| {
        let body = format!("{}{}", json!({ "type": "ping", "id": 1 }), " ".repeat(spaces));
        http::request(&server, Method::POST, "/v1/rpc")
            .header("content-type", "application/json")
            .body(body)
    };
    let large = ask(262_144).send().await.expect("an answer");
    assert_eq!(large.status(), 413);
    let frame: Value = large.json().await.expect("JSON");
    assert_eq!(frame["error"]["context"]["limit"], 262_144, "{frame}");
    let array = |length: usize| {
        let frames = json!([{ "type": "ping", "id": 1 }]).to_string();
        let body = format!("{frames}{}", " ".repeat(length - frames.len()));
        http::request(&server, Method::POST, "/v1/rpc")
            .header("content-type", "application/json")
            .body(body)
    };
    assert_eq!(array(262_144).send().await.expect("an answer").status(), 200);
    assert_eq!(array(262_145).send().await.expect("an answer").status(), 413);
    let known = array(400_000).bearer_auth(text(&tokens["access_token"]));
    assert_eq!(known.send().await.expect("an answer").status(), 200);
}

/// One such frame took milliseconds for each of its items.
#[tokio::test]
async fn a_nul_behind_a_long_name_is_refused_quickly_and_is_not_repeated_whole() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let name = "k".repeat(32_000);
    let data = format!(r#"{{"{name}":[{}1],"z":"\u0000"}}"#, "1,".repeat(16_000));
    let frame = format!(r#"{{"type":"auth.login","id":901,"data":{data}}}"#);
    assert!(frame.len() <= 65_536, "{}", frame.len());
    ada.send_text(&frame).await;
    let error = ada.take("the refusal", |frame| frame["id"] == 901).await;
    assert_eq!(error["error"]["field"], "z", "{error}");
    let unknown = format!(
        r#"{{"type":"auth.login","id":902,"data":{{"{}":1}}}}"#,
        "n".repeat(64_000)
    );
    ada.send_text(&unknown).await;
    let error = ada.take("the refusal", |frame| frame["id"] == 902).await;
    assert_eq!(error["error"]["code"], "VALIDATION_ERROR", "{error}");
    assert!(error.to_string().len() < 3000, "{error}");
}
