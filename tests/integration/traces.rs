//! The JSON log of a real server: a line names the request, the socket or the job that it is about.

use crate::support::{Client, Engine, Server, eventually, http, text};
use reqwest::Method;
use serde_json::{Value, json};

/// Makes every new task fail.
const REFUSE_TASKS: &str =
    "create trigger refuse before insert on tasks begin select raise(abort, 'refused'); end";
/// Makes every change of a task's words fail, once its job indexes them.
const REFUSE_WORDS: &str =
    "create trigger refuse_words before delete on task_search_due begin select raise(abort, 'refused'); end";

/// Waits for a line with this message, and of this request if one is given.
async fn line(server: &Server, message: &str, request: Option<&str>) -> Value {
    eventually(message, || async {
        let log = server.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| {
            let starts = line["message"]
                .as_str()
                .is_some_and(|text| text.starts_with(message));
            starts && request.is_none_or(|id| line["span"]["request.id"] == id)
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_about_a_failed_request_name_the_request_and_its_user() {
    let server = Server::start(Engine::Sqlite, &[("log_format", "json")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    server.database.execute(REFUSE_TASKS).await;
    let error = ada.refused("task.create", json!({ "title": "milk" })).await;
    let id = text(&error["request_id"]);
    for message in ["the database failed", "a request failed"] {
        let span = line(&server, message, Some(id)).await["span"].clone();
        assert_eq!(span["op.name"], "task.create", "{span}");
        assert_eq!(span["user.id"], ada.user_id(), "{span}");
        assert!(span["session.id"].is_string(), "{span}");
    }
    let token = text(&ada.tokens["access_token"]);
    let frame = json!({ "type": "task.create", "data": { "title": "milk" } });
    let request = http::request(&server, Method::POST, "/v1/rpc").bearer_auth(token);
    let answer = request.header("X-Request-ID", "mine-7").json(&frame).send().await;
    assert_eq!(answer.expect("an answer").status(), 500);
    for message in ["the database failed", "a request failed"] {
        let span = line(&server, message, Some("mine-7")).await["span"].clone();
        assert_eq!(
            (&span["op.name"], &span["user.id"]),
            (&json!("task.create"), &json!(ada.user_id()))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_about_a_socket_name_its_user() {
    let settings = [("log_format", "json"), ("log_level", "info,taskwire=debug")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    ada.refused("task.get", json!({ "id": ada.user_id() })).await;
    let span = line(&server, "a request was refused", None).await["span"].clone();
    assert_eq!(
        (&span["name"], &span["user.id"]),
        (&json!("socket"), &json!(ada.user_id())),
        "{span}"
    );
    assert!(span["session.id"].is_string(), "{span}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_about_a_failed_job_name_the_job() {
    let server = Server::start(Engine::Sqlite, &[("log_format", "json")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "milk" })).await;
    ada.ok("task.list", json!({ "q": "milk" })).await; // a search waits until the task is indexed
    server.database.execute(REFUSE_WORDS).await;
    ada.ok("task.update", json!({ "id": task["id"], "title": "bread" }))
        .await;
    for message in ["the database failed", "a job failed and will run again"] {
        let line = line(&server, message, None).await;
        assert_eq!(
            (&line["span"]["name"], &line["span"]["job.kind"]),
            (&json!("job"), &json!("words")),
            "{line}"
        );
        assert_eq!(line["span"]["job.attempt"], 1, "{line}");
    }
}
