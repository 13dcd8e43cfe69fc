//! What an import does not do: ring for what has passed, and carry out two files with one op_id.

use super::{all_of_it, import, send, table};
use crate::on_both_databases;
use crate::support::{Client, Engine, Server, eventually, new_id, text};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use taskwire_protocol::Timestamp;

on_both_databases!(
    what_had_passed_before_an_import_tells_nobody,
    another_file_with_the_op_id_of_steps_is_refused_before_it_writes
);

#[allow(clippy::disallowed_methods, reason = "a client has no clock but the system's")]
fn from_now(by: i64) -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp(i64::try_from(since.as_millis()).expect("a time") + by)
}

async fn what_had_passed_before_an_import_tells_nobody(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let tokens = ada.tokens.clone();
    let (month, days) = (Duration::from_hours(30 * 24), Duration::from_hours(2 * 24));
    let written = from_now(-(month.as_millis() as i64));
    let passed = from_now(-(days.as_millis() as i64));
    let soon = from_now(1500);
    let rows = format!(
        "Old,{passed},{passed},{written},{written}\nOld day,2020-01-01,{passed},2019-01-01,2019-01-01\n\
         Soon,,{soon},{written},{written}\n"
    );
    let file = format!("title,due_at,remind_at,created_at,updated_at\n{rows}");
    let made = import(&server, &tokens, "format=csv", file).await;
    assert_eq!(made["made"]["tasks"], 3, "{made}");
    let rings = ["TASK_REMINDER", "TASK_DUE", "TASK_OVERDUE"];
    let is_ring = |frame: &serde_json::Value| {
        let kind = frame["data"]["type"].as_str().unwrap_or_default();
        frame["event"] == "notification.created" && rings.contains(&kind)
    };
    let told = ada.take("a reminder", is_ring).await;
    assert_eq!(text(&told["data"]["message"]), "Reminder: “Soon”");
    let all = ada.ok("notification.list", json!({ "limit": 100 })).await;
    let items = all["items"].as_array().expect("items").iter();
    let told = items.filter(|item| rings.contains(&text(&item["type"])));
    assert_eq!(told.count(), 1, "{all}");
}

async fn another_file_with_the_op_id_of_steps_is_refused_before_it_writes(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, home) = (ada.tokens.clone(), ada.personal());
    let query = format!("format=csv&op_id={}", new_id());
    let (first, others) = (send(&server, &tokens, &query, table(10_001)), async {
        eventually("some steps are done", async || {
            let state = all_of_it(&mut ada, &home).await;
            (!state.tasks.is_empty()).then_some(())
        })
        .await;
        // many rows, and few
        let many = send(&server, &tokens, &query, table(10_500)).await;
        (many, send(&server, &tokens, &query, table(3)).await)
    });
    let (first, (many, few)) = futures_util::future::join(first, others).await;
    for (status, error) in [many, few] {
        assert_eq!((status, &error["field"]), (409, &json!("op_id")), "{error}");
    }
    assert_eq!(
        (first.0, &first.1["made"]["tasks"]),
        (200, &json!(10_001)),
        "{first:?}"
    );
    assert_eq!(all_of_it(&mut ada, &home).await.tasks.len(), 10_001);
}
