//! Statistics on the command line.

use super::Device;
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Engine, Server};
use serde_json::Value;

on_both_databases!(stats_shows_how_many_tasks_there_are);

async fn stats_shows_how_many_tasks_there_are(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", "ada@example.com", "--name", "Ada", "--username", "ada"]);
    laptop.tw(&["project", "new", "Boat"]);
    assert!(laptop.tw(&["projects"]).contains("Boat"));
    let task: Value = serde_json::from_str(&laptop.tw(&[
        "--json",
        "add",
        "Paint",
        "--project",
        "boat",
        "--priority",
        "high",
    ]))
    .expect("JSON");
    laptop.tw(&["add", "Sail", "--assign", "me", "--due", "2020-01-01"]);
    laptop.tw(&["add", "Done before"]);
    let all = laptop.tw(&["--json", "ls"]);
    let all: Value = serde_json::from_str(&all).expect("JSON");
    let last = all
        .as_array()
        .expect("tasks")
        .iter()
        .find(|task| task["title"] == "Done before");
    laptop.tw(&["done", &text(&last.expect("a task")["id"])]);

    let shown = laptop.tw(&["stats", "--days", "3"]);
    for part in [
        "2 pending (1 overdue, 0 due today), 1 completed, 0 deleted",
        "pending by project",
        "     1  Boat",
        "     1  @ada",
        "     1  high",
        "█",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let stats: Value =
        serde_json::from_str(&laptop.tw(&["--json", "stats", "--timezone", "UTC"])).expect("JSON");
    assert_eq!(stats["created_per_day"].as_array().map(Vec::len), Some(14));
    assert_eq!(stats["by_project"][0]["count"], 1, "{stats}");
    assert_eq!(task["priority"], "high");
    let (code, _, error) = laptop.run(&["stats", "--timezone", "Mars/Olympus"], "", "");
    assert_eq!((code, error.contains("IANA")), (1, true), "{error}");
}
