//! Members, and what people are told, on the command line.

use super::{ADA, Device};
use crate::on_both_databases;
use crate::support::{Engine, PASSWORD, Server, eventually};
use serde_json::{Value, json};

on_both_databases!(
    members_are_added_listed_given_roles_and_removed,
    notifications_are_marked_deleted_and_chosen
);

/// The first two columns of each line.
fn named(listed: &str) -> Vec<String> {
    let two = |line: &str| line.split("  ").take(3).collect::<Vec<_>>().join(" ");
    listed.lines().map(two).collect()
}

async fn members_are_added_listed_given_roles_and_removed(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (ada, bob, eve) = (Device::new(&server), Device::new(&server), Device::new(&server));
    ada.tw(&["signup", ADA, "--name", "Ada"]);
    bob.tw(&["signup", "bob@example.com", "--name", "Bob"]);
    eve.tw(&["signup", "eve@example.com", "--name", "Eve"]);
    ada.tw(&["workspace", "new", "Garden"]);
    let added = ada.tw(&["member", "add", "garden", "@bob"]);
    assert!(added.starts_with("@bob  Bob  member  since "), "{added}");
    ada.tw(&["member", "add", "Garden", "eve@example.com", "--role", "viewer"]);
    let listed = bob.tw(&["members", "Garden"]);
    assert_eq!(
        named(&listed),
        ["@ada Ada owner", "@bob Bob member", "@eve Eve viewer"]
    );
    assert_eq!(named(&bob.tw(&["members"])), ["@bob Bob owner"]);

    assert!(
        ada.tw(&["member", "role", "Garden", "eve", "admin"])
            .starts_with("@eve  Eve  admin")
    );
    let (code, _, error) = bob.run(&["member", "remove", "Garden", "eve"], PASSWORD, "");
    assert_eq!(code, 3, "{error}");
    let (code, _, error) = ada.run(&["member", "add", "Garden", "nobody"], PASSWORD, "");
    assert_eq!(code, 4, "{error}");
    let (code, _, error) = ada.run(&["member", "role", "Garden", "bob", "king"], PASSWORD, "");
    assert_eq!(
        (code, error.contains("viewer, member, admin, owner")),
        (2, true),
        "{error}"
    );
    assert!(
        eve.tw(&["member", "remove", "Garden", "bob"])
            .contains("bob  removed")
    );
    let json: Value = serde_json::from_str(&ada.tw(&["members", "Garden", "--json"])).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(2));
}

async fn notifications_are_marked_deleted_and_chosen(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let ada = Device::new(&server);
    ada.tw(&["signup", ADA, "--name", "Ada"]);
    ada.tw(&["add", "Buy milk"]);
    ada.tw(&["add", "Buy oats"]);
    let listed = eventually("three notifications", async || {
        Some(ada.tw(&["notifications"])).filter(|listed| listed.lines().count() == 3)
    });
    let listed = listed.await;
    let ids: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split("  ").next())
        .collect();
    let unread = || {
        ada.run(&["notifications", "--unread"], PASSWORD, "")
            .1
            .lines()
            .count()
    };
    let read = ada.tw(&["notifications", "--read", ids[0], "--read", ids[1]]);
    assert_eq!((read.lines().count(), unread()), (2, 1), "{read}");
    ada.tw(&["notifications", "--read", ids[0], "--undo"]);
    assert_eq!(unread(), 2);
    let gone = ada.tw(&["notifications", "--delete", ids[0]]);
    assert_eq!(gone, format!("{}  deleted\n", ids[0]));
    let (code, _, error) = ada.run(
        &["notifications", "--delete", ids[0], "--delete", ids[1]],
        PASSWORD,
        "",
    );
    assert_eq!((code, error.contains("`tw notifications`")), (4, true), "{error}");
    let both = ["notifications", "--delete", ids[1], "--delete", ids[2]];
    assert_eq!(ada.tw(&both), "2 deleted\n");
    let (code, out, note) = ada.run(&["notifications"], PASSWORD, "");
    assert_eq!((code, &*out, &*note), (0, "", "no notifications\n"));

    // what is not changed stays
    ada.tw(&[
        "profile",
        "--own-acts",
        "off",
        "--mute",
        "task_created",
        "--mute",
        "TASK_UPDATED",
    ]);
    let told = ada.tw(&[
        "profile",
        "--due-lead",
        "2h",
        "--mail",
        "off",
        "--unmute",
        "TASK_CREATED",
    ]);
    let expected =
        "own acts off; reminders by mail off; 120 minutes before a task is due; muted: TASK_UPDATED";
    assert!(told.contains(expected), "{told}");
    let user: Value = serde_json::from_str(&ada.tw(&["profile", "--json"])).expect("JSON");
    assert_eq!(
        user["preferences"],
        json!({ "notifications": {
            "own_acts": "off", "email": false, "due_lead_minutes": 120, "types": { "TASK_UPDATED": false },
        } })
    );
    let (code, _, error) = ada.run(&["profile", "--mute", "NEWS"], PASSWORD, "");
    assert_eq!((code, error.contains("TASK_UPDATED")), (2, true), "{error}");
    let (code, _, error) = ada.run(&["profile", "--mute", "SECURITY"], PASSWORD, "");
    assert_eq!(code, 2, "{error}");
}
