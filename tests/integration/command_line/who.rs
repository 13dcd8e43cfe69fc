//! Who is there, on the command line.

use super::Device;
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server, eventually};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};

on_both_databases!(who_shows_who_is_there_and_at_which_task);

async fn who_shows_who_is_there_and_at_which_task(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", "ada@example.com", "--name", "Ada", "--username", "ada"]);
    laptop.tw(&["workspace", "new", "Harbour"]);
    let (code, out, note) = laptop.run(&["who"], "", "");
    assert_eq!(
        (code, out.as_str(), note.contains("nobody is there")),
        (0, "", true),
        "{note}"
    );

    let mut bob = Client::sign_up(&server, "bob").await;
    let workspaces: Value = serde_json::from_str(&laptop.tw(&["--json", "workspaces"])).expect("JSON");
    let workspaces = workspaces.as_array().expect("an array");
    let team = workspaces.iter().find(|workspace| workspace["name"] == "Harbour");
    let team = text(&team.expect("the team")["id"]);
    let add = json!({ "workspace_id": team, "username": "bob", "role": "member" });
    laptop.tw(&["call", "member.add", &add.to_string()]);
    bob.event("access.granted").await;
    let task = json!({ "workspace_id": team, "title": "Paint the boat" });
    let task = text(&bob.ok("task.create", task).await["id"]);
    let at =
        |state: &str, task: Option<&str>| json!({ "workspace_id": team, "state": state, "task_id": task });
    bob.ok("presence.set", at("online", Some(&task))).await;

    let seen = laptop.tw(&["who", "--workspace", "harbour"]);
    for word in ["bob", "online since", "“Paint the boat”", "Harbour"] {
        assert!(seen.contains(word), "{word}: {seen}");
    }
    let seen: Value = serde_json::from_str(&laptop.tw(&["--json", "who"])).expect("JSON");
    assert_eq!(seen[0]["task"], "Paint the boat", "{seen}");
    assert_eq!(
        (
            &seen[0]["user"]["username"],
            &seen[0]["workspace"],
            &seen[0]["state"]
        ),
        (&json!("bob"), &json!("Harbour"), &json!("online"))
    );

    let mut watch = laptop.begin(&["who", "--watch", "--json"], "");
    let mut lines = BufReader::new(watch.stdout.take().expect("its output")).lines();
    let mut next =
        || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON") };
    assert_eq!(next()["task"], "Paint the boat");
    bob.ok("presence.set", at("away", None)).await;
    let changed = next();
    assert_eq!(
        (&changed["state"], &changed["task"]),
        (&json!("away"), &Value::Null),
        "{changed}"
    );
    bob.cut();
    assert_eq!(next()["state"], "offline");
    watch.kill().expect("killed");
    watch.wait().expect("its end");
    eventually("nobody is there", async || {
        laptop.tw(&["who"]).is_empty().then_some(())
    })
    .await;
}
