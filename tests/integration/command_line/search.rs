//! Searching on the command line.

use super::Device;
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Engine, Server};
use serde_json::Value;

on_both_databases!(search_shows_tasks_and_where_the_words_are);

async fn search_shows_tasks_and_where_the_words_are(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", "ada@example.com", "--name", "Ada", "--username", "ada"]);
    let add = |words: &[&str]| -> String {
        let task: Value =
            serde_json::from_str(&laptop.tw(&[&["--json", "add"], words].concat())).expect("JSON");
        text(&task["id"])
    };
    let boat = add(&["Paint the boat"]);
    add(&["Call Bob", "--description", "about the paintings"]);
    add(&["Sail"]);
    let done = add(&["Painter came"]);
    laptop.tw(&["done", &done]);
    laptop.tw(&["comment", &boat, "Blue paint is best"]);

    let shown = laptop.tw(&["search", "pain"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].contains("Painter came") || lines[0].contains("Paint the boat"),
        "{shown}"
    );
    assert!(shown.contains("about the paintings"), "{shown}");
    assert!(shown.contains("comment: Blue paint is best"), "{shown}");
    assert!(!shown.contains("Sail"), "{shown}");
    let found = laptop.tw(&[
        "--json",
        "search",
        "blue",
        "paint",
        "--status",
        "pending",
        "--workspace",
        "all",
    ]);
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(found[0]["task"]["id"], Value::from(boat), "{found}");
    assert_eq!(found[0]["matches"][1]["in"], "comment", "{found}");
    let (code, out, note) = laptop.run(&["search", "zebra"], "", "");
    assert_eq!((code, out.as_str(), note.trim()), (0, "", "nothing found"));
    let (_, out, note) = laptop.run(&["search", "paint", "--limit", "1"], "", "");
    assert_eq!(out.lines().count(), 2, "the boat and its comment: {out}");
    assert!(note.contains("--limit 2 shows more"), "{note}");
}
