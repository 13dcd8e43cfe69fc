//! Stages, and what is ready, on the command line.

use super::Device;
use crate::on_both_databases;
use crate::support::{Engine, Server, text};
use serde_json::Value;

on_both_databases!(
    tasks_are_moved_between_stages_and_what_is_ready_is_listed,
    tasks_have_parts_and_places,
    the_stages_of_a_workspace_are_changed
);

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

/// The titles in a list of tasks that have nothing else.
fn titles(listed: &str) -> Vec<&str> {
    listed
        .lines()
        .filter_map(|line| Some(line.split_once("] ")?.1))
        .collect()
}

async fn tasks_have_parts_and_places(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", "ada@example.com", "--name", "Ada"]);
    laptop.tw(&["workspace", "new", "Harbour"]);
    let add = |words: &[&str]| laptop.tw(&[&["add"], words].concat())[..8].to_owned();
    let boat = add(&["Repair the boat", "-w", "Harbour"]);
    // a part is where its task is
    let paint = add(&["Paint", "--parent", &boat]);
    let sails = add(&["Sails", "-w", "Harbour"]);
    laptop.tw(&["edit", &sails, "--parent", &boat]);
    let rope = add(&["Rope", "-w", "Harbour"]);
    assert!(
        laptop
            .tw(&["show", &sails])
            .contains(&format!("part of     {boat}  Repair the boat"))
    );
    let parts = || laptop.tw(&["ls", "--parent", &boat, "--sort", "position"]);
    assert_eq!(titles(&parts()), ["Paint", "Sails"]);
    laptop.tw(&["move", &rope, "--parent", &boat, "--before", &paint]);
    assert_eq!(titles(&parts()), ["Rope", "Paint", "Sails"]);
    laptop.tw(&["move", &rope, &paint, "--after", &sails]);
    assert_eq!(titles(&parts()), ["Sails", "Rope", "Paint"]);
    assert!(
        laptop
            .tw(&["move", &paint, "--parent", "none", "--stage", "doing"])
            .contains("  doing")
    );
    laptop.tw(&["edit", &rope, "--parent", "none"]);
    assert_eq!(titles(&parts()), ["Sails"]);
    for words in [
        &["move", &paint][..],
        &["move", &paint, "--before", &rope, "--after", &sails],
    ] {
        let (code, _, error) = laptop.run(words, "", "");
        assert_eq!(code, 2, "{words:?}: {error}");
    }
}

async fn the_stages_of_a_workspace_are_changed(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", "ada@example.com", "--name", "Ada"]);
    let set = |stages: &[&str]| {
        let words: Vec<&str> = stages.iter().flat_map(|stage| ["--set", stage]).collect();
        laptop.run(&[&["stages"], &words[..]].concat(), "", "")
    };
    let (code, out, error) = set(&[
        "todo",
        "doing::Under way",
        "in-review:active",
        "done:done:Finished:#22c55e",
    ]);
    assert_eq!(code, 2, "a kind is a word: {out}{error}");
    let (code, out, error) = set(&[
        "todo",
        "doing:active:Under way",
        "in-review:active",
        "done:done:Finished:#22c55e",
    ]);
    let expected =
        "todo  To do  open\ndoing  Under way  active\nin-review  In review  active\ndone  Finished  done\n";
    assert_eq!((code, out.as_str()), (0, expected), "{error}");
    let (_, json, _) = laptop.run(&["stages", "--json"], "", "");
    let stages: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(stages[3]["color"], "#22c55e");
    // what is there keeps its kind, its name and its color
    let (code, out, error) = set(&["todo", "done"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "todo  To do  open\ndone  Finished  done\n"),
        "{error}"
    );
    let (code, _, error) = set(&["todo", "later", "done"]);
    assert_eq!((code, error.contains("later:open")), (2, true), "{error}");
}
