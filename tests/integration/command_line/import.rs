//! Files of other programs on the command line.

use super::{ADA, Device};
use crate::on_both_databases;
use crate::support::{Engine, PASSWORD, Server};
use serde_json::Value;
use std::fs;

on_both_databases!(a_file_is_tried_imported_once_and_told_what_is_lost);

async fn a_file_is_tried_imported_once_and_told_what_is_lost(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", ADA, "--name", "Ada"]);
    let place = |name: &str| laptop.home.path().join(name).to_str().expect("text").to_owned();
    let board = include_str!("../../../src/domain/import/fixtures/trello.json");
    fs::write(place("board.json"), board).expect("a file");
    let would = laptop.tw(&["import", &place("board.json"), "--dry-run"]);
    assert!(
        would.starts_with("would create 5 tasks, 2 comments, 1 project, 2 tags, 2 stages\n"),
        "{would}"
    );
    assert!(
        would.contains("\n  line 17: attachments of “Poster”: "),
        "{would}"
    );
    let (code, out, _) = laptop.run(&["ls"], PASSWORD, "");
    assert_eq!((code, &*out), (0, ""));
    let did = laptop.tw(&["import", &place("board.json")]);
    assert_eq!(did.replacen("created", "would create", 1), would);
    let again = laptop.tw(&["import", &place("board.json")]);
    assert!(
        again.starts_with("imported before; it created 5 tasks"),
        "{again}"
    );
    let json: Value =
        serde_json::from_str(&laptop.tw(&["import", &place("board.json"), "--json"])).expect("JSON");
    assert_eq!(
        (&json["replayed"], &json["made"]["tasks"]),
        (&true.into(), &5.into())
    );
    assert_eq!(laptop.tw(&["ls", "--status", "all"]).lines().count(), 5);

    fs::write(place("own.csv"), "title,due_at\na,\nb,soon\n,\n").expect("a file");
    let (code, out, error) = laptop.run(&["import", &place("own.csv")], PASSWORD, "");
    assert!(code == 1 && out.is_empty(), "{code} {out}");
    assert!(error.contains("line 3, column 2: due_at must be like"), "{error}");
    fs::write(place("what.txt"), "hello").expect("a file");
    for words in [
        &["import", &place("what.txt")][..],
        &["import", &place("nothing.csv")],
        &["import"],
    ] {
        let (code, _, error) = laptop.run(words, PASSWORD, "");
        assert_eq!(code, 2, "{words:?}: {error}");
    }
    fs::write(place("plain.csv"), "title\nWith a project\n").expect("a file");
    let made = laptop.tw(&["import", &place("plain.csv"), "--project", "Ünïcode & more"]);
    assert!(made.starts_with("created 1 task, 1 project\n"), "{made}");
    // the file of a project does not say its name
    let home = include_str!("../../../src/domain/import/fixtures/todoist.csv");
    fs::write(place("Home [220325187].csv"), home).expect("a file");
    let made = laptop.tw(&["import", &place("Home [220325187].csv")]);
    assert!(made.contains(" 1 project"), "{made}");
    assert!(laptop.tw(&["project", "ls"]).contains("Home"));
    let (code, _, error) = laptop.run(&["import", &place("plain.csv"), "-w", "nowhere"], PASSWORD, "");
    assert_eq!(code, 4, "{error}");
}
