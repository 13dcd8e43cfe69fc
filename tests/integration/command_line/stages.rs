//! Stages, and what is ready, on the command line.

use super::Device;
use crate::on_both_databases;
use crate::support::{Engine, Server, text};
use serde_json::Value;

on_both_databases!(tasks_are_moved_between_stages_and_what_is_ready_is_listed);

async fn tasks_are_moved_between_stages_and_what_is_ready_is_listed(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", "ada@example.com", "--name", "Ada"]);
    let stages = laptop.tw(&["stages"]);
    assert_eq!(stages.lines().nth(1), Some("doing  Doing  active"), "{stages}");
    let add = |words: &[&str]| {
        let task: Value =
            serde_json::from_str(&laptop.tw(&[&["--json", "add"], words].concat())).expect("JSON");
        text(&task["id"])[28..].to_owned()
    };
    let paint = add(&["Paint", "--stage", "doing"]);
    let hang = add(&["Hang", "pictures", "--blocked-by", &paint]);
    assert!(laptop.tw(&["ls", "--stage", "doing"]).contains("Paint  doing"));
    let next = laptop.tw(&["next"]);
    assert!(next.contains("Paint") && !next.contains("Hang"), "{next}");
    let sheet = laptop.tw(&["show", &hang]);
    assert!(sheet.contains(&paint), "{sheet}");

    let moved = laptop.tw(&["move", &paint, "done"]);
    assert!(moved.contains("[x] Paint"), "{moved}");
    assert!(laptop.tw(&["ls", "--ready"]).contains("Hang pictures"));
    laptop.tw(&["move", &paint, &hang, "doing"]);
    assert_eq!(laptop.tw(&["ls", "-s", "doing"]).lines().count(), 2);
    laptop.tw(&["edit", &hang, "--not-blocked", "--stage", "todo"]);
    assert!(laptop.tw(&["next"]).contains("Hang"));
    let (code, _, error) = laptop.run(&["move", &hang, "later"], "", "");
    assert_eq!((code, error.contains("todo, doing, done")), (1, true), "{error}");
    laptop.tw(&["done", &hang, &paint]);
    let (code, out, note) = laptop.run(&["next"], "", "");
    assert_eq!(
        (code, out.as_str(), note.contains("nothing is ready")),
        (0, "", true),
        "{note}"
    );
}
