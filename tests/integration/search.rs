//! Tasks and comments by their words: in which order they are found, and what is marked. `text` has what a word is in every
//! script, `task_lists` the `q` of lists.
//!
//! - `access`   who finds them
//! - `many`     a word that is everywhere costs no more than a rare one, and is found where few tasks are asked for
//! - `upgrade`  what an older version wrote

mod access;
pub mod many;
mod upgrade;

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_databases!(
    the_best_matches_come_first,
    what_is_found_is_marked_in_every_script,
    a_comment_is_found_as_long_as_it_is_there,
    tasks_are_found_by_their_status,
    pages_of_a_search_have_each_task_once,
    any_text_is_searched_for_as_plain_words,
);

/// What each indexed word of a workspace begins with.
pub fn tag(workspace: &str) -> String {
    let bits = workspace.parse::<uuid::Uuid>().expect("an id").as_u128();
    let digit = |i: usize| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(bits >> (5 * i)) as usize & 31]);
    (0..5).map(digit).collect()
}

async fn add(client: &mut Client, task: Value) -> Value {
    client.ok("task.create", task).await["id"].clone()
}

async fn found(client: &mut Client, wanted: Value) -> Vec<Value> {
    let page = client.ok("task.search", wanted).await;
    page["items"].as_array().expect("items").clone()
}

async fn titles(client: &mut Client, q: &str) -> Vec<String> {
    let found = found(client, json!({ "q": q })).await;
    found.iter().map(|item| text(&item["task"]["title"])).collect()
}

/// Where something was found, and the parts that are marked there.
fn marked(item: &Value) -> Vec<(String, Vec<String>)> {
    let of = |found: &Value| {
        let chars: Vec<char> = found["snippet"].as_str().expect("a snippet").chars().collect();
        let part = |mark: &Value| {
            let [start, end] = [0, 1].map(|i| mark[i].as_u64().expect("a place") as usize);
            chars[start..end].iter().collect::<String>()
        };
        let marks = found["marks"].as_array().expect("marks").iter().map(part);
        (text(&found["in"]), marks.collect())
    };
    item["matches"]
        .as_array()
        .expect("matches")
        .iter()
        .map(of)
        .collect()
}

async fn the_best_matches_come_first(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let commented = add(&mut ada, json!({ "title": "Commented" })).await;
    ada.ok(
        "comment.create",
        json!({ "task_id": commented, "body": "milk, please" }),
    )
    .await;
    add(&mut ada, json!({ "title": "Described", "description": "milk" })).await;
    add(&mut ada, json!({ "title": "Milk" })).await;
    add(&mut ada, json!({ "title": "Buy milk older" })).await;
    add(&mut ada, json!({ "title": "Buy milk newer" })).await;
    add(&mut ada, json!({ "title": "Tagged", "tags": ["milk"] })).await;
    add(&mut ada, json!({ "title": "Milky way" })).await;
    add(&mut ada, json!({ "title": "Milk first" })).await;
    let order = [
        "Milk",
        "Milk first",
        "Buy milk newer",
        "Buy milk older",
        "Milky way",
        "Tagged",
        "Described",
        "Commented",
    ];
    assert_eq!(titles(&mut ada, "milk").await, order);
    let list = ada.ok("task.list", json!({ "q": "milk" })).await;
    let listed: Vec<String> = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|task| text(&task["title"]))
        .collect();
    assert_eq!(listed, order[..7], "a list shows tasks by their own texts");
    assert_eq!(list["total"], 7);
    // while typing
    for q in ["m", "mi", "mil"] {
        assert_eq!(titles(&mut ada, q).await.len(), 8, "{q}");
    }
    assert_eq!(titles(&mut ada, "way mil").await, ["Milky way"]);
    assert_eq!(
        titles(&mut ada, "milk way").await,
        [""; 0],
        "only the last word may be a beginning"
    );
}

async fn what_is_found_is_marked_in_every_script(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let cases = [
        ("Buy Milk and milk", "MILK", &["Milk", "milk"][..]),
        ("Straße fegen", "strasse", &["Straße"]),
        ("Café au lait", "cafe la", &["Café", "la"]),
        ("İstanbul ışık", "isik", &["ışık"]),
        ("明日牛乳を買う", "牛乳", &["牛乳"]),
        ("내일 회의를 준비", "회의", &["회의"]),
        ("ซื้อนมพรุ่งนี้", "นม", &["นม"]),
        ("Ёлка и снег", "елка", &["Ёлка"]),
        ("שָׁלוֹם לכולם", "שלום", &["שָׁלוֹם"]),
        ("السَّلامُ عليكم", "السلام", &["السَّلامُ"]),
        ("Party 👩\u{200d}💻🎉", "👩", &["👩\u{200d}💻"]),
        ("ﬁnal ①", "final 1", &["ﬁnal", "①"]),
    ];
    for (title, ..) in &cases {
        add(&mut ada, json!({ "title": title })).await;
    }
    for (title, q, parts) in &cases {
        let found = found(&mut ada, json!({ "q": q })).await;
        assert_eq!(found.len(), 1, "{q}: {found:?}");
        let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
        assert_eq!(marked(&found[0]), [("title".to_owned(), parts)], "{q} in {title}");
    }
    // a long text is cut, every field is shown, and each comment names itself
    let filling = "nothing of interest here ".repeat(18);
    let task = json!({ "title": "Plan", "description": format!("{filling}the harbour {filling}"), "tags": ["Harbour"] });
    let task = add(&mut ada, task).await;
    let comment = json!({ "task_id": task, "body": format!("{filling}\nto the harbours") });
    let comment = ada.ok("comment.create", comment).await;
    let found = found(&mut ada, json!({ "q": "harbour" })).await;
    let harbour = |text: &str| vec![text.to_owned()];
    assert_eq!(
        marked(&found[0]),
        [
            ("tag".to_owned(), harbour("Harbour")),
            ("description".to_owned(), harbour("harbour")),
            ("comment".to_owned(), harbour("harbour")),
        ]
    );
    let matches = &found[0]["matches"];
    assert_eq!(matches[2]["comment_id"], comment["id"]);
    assert_eq!(matches[0]["comment_id"], Value::Null);
    let snippet = matches[1]["snippet"].as_str().expect("a snippet");
    let length = snippet.chars().count();
    assert!(
        (120..=162).contains(&length) && snippet.starts_with('…') && snippet.ends_with('…'),
        "{snippet}"
    );
}

async fn a_comment_is_found_as_long_as_it_is_there(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let [one, two] = [
        add(&mut ada, json!({ "title": "One" })).await,
        add(&mut ada, json!({ "title": "Two" })).await,
    ];
    let mut ids = Vec::new();
    for body in ["first pear", "second pear", "third pear", "fourth pear"] {
        let comment = json!({ "task_id": one, "body": body });
        ids.push(ada.ok("comment.create", comment).await["id"].clone());
    }
    ada.ok("comment.create", json!({ "task_id": two, "body": "plum" }))
        .await;
    let item = found(&mut ada, json!({ "q": "pear" })).await.remove(0);
    let shown: Vec<&Value> = item["matches"]
        .as_array()
        .expect("matches")
        .iter()
        .map(|found| &found["comment_id"])
        .collect();
    assert_eq!(
        shown,
        [&ids[2], &ids[0], &ids[3]],
        "the earlier in its text, then the newer"
    );
    assert_eq!(
        titles(&mut ada, "pear plum").await,
        [""; 0],
        "all words in one text"
    );

    ada.ok("comment.update", json!({ "id": ids[0], "body": "an apple" }))
        .await;
    assert_eq!(titles(&mut ada, "first").await, [""; 0]);
    assert_eq!(titles(&mut ada, "apple").await, ["One"]);
    for id in &ids {
        ada.ok("comment.delete", json!({ "id": id })).await;
    }
    assert_eq!(titles(&mut ada, "pear").await, [""; 0]);
    assert_eq!(titles(&mut ada, "apple").await, [""; 0]);
    // SQLite may give the number of the last one again
    ada.ok("comment.create", json!({ "task_id": one, "body": "cherry" }))
        .await;
    assert_eq!(titles(&mut ada, "cherry").await, ["One"]);

    ada.ok("task.delete", json!({ "id": two })).await;
    assert_eq!(titles(&mut ada, "plum").await, [""; 0]);
    let deleted = found(&mut ada, json!({ "q": "plum", "status": "deleted" })).await;
    assert_eq!(deleted.len(), 1);
    ada.ok("task.delete", json!({ "id": two, "permanent": true }))
        .await;
    assert_eq!(
        found(&mut ada, json!({ "q": "plum", "status": "all" })).await,
        [""; 0]
    );
    if engine == Engine::Sqlite {
        let words = format!(
            "select cast(count(*) as text) from comment_search where comment_search match '{}plum'",
            tag(&ada.personal())
        );
        assert_eq!(server.database.texts(&words).await, ["0"]);
    }
}

async fn tasks_are_found_by_their_status(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for title in ["open", "done", "gone"] {
        let task = add(&mut ada, json!({ "title": format!("{title} kiwi") })).await;
        ada.ok("comment.create", json!({ "task_id": task, "body": "lemon" }))
            .await;
        match title {
            "done" => ada.ok("task.complete", json!({ "id": task })).await,
            "gone" => ada.ok("task.delete", json!({ "id": task })).await,
            _ => Value::Null,
        };
    }
    for q in ["kiwi", "lemon"] {
        for (status, wanted) in [
            (Value::Null, &["open", "done"][..]),
            (json!("pending"), &["open"]),
            (json!("completed"), &["done"]),
            (json!("deleted"), &["gone"]),
            (json!("all"), &["open", "done", "gone"]),
        ] {
            let found = found(&mut ada, json!({ "q": q, "status": status })).await;
            let titles: BTreeSet<String> = found.iter().map(|item| text(&item["task"]["title"])).collect();
            let wanted: BTreeSet<String> = wanted.iter().map(|title| format!("{title} kiwi")).collect();
            assert_eq!(titles, wanted, "{q} {status}");
        }
    }
}

async fn pages_of_a_search_have_each_task_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut wanted = BTreeSet::new();
    for i in 0..12 {
        let task = json!({ "title": if i % 3 == 0 { "fig" } else { "dried fig" } });
        wanted.insert(text(&add(&mut ada, task).await));
    }
    let silent = add(&mut ada, json!({ "title": "by a comment" })).await;
    ada.ok("comment.create", json!({ "task_id": silent, "body": "fig" }))
        .await;
    wanted.insert(text(&silent));
    let (mut cursor, mut ids) = (Value::Null, Vec::new());
    loop {
        let asked = json!({ "q": "fig", "limit": 3, "cursor": cursor });
        let page = ada.ok("task.search", asked).await;
        let items = page["items"].as_array().expect("items");
        assert!(!items.is_empty() && items.len() <= 3);
        ids.extend(items.iter().map(|item| text(&item["task"]["id"])));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
        // better than the rest, and so on none of the pages that are left
        add(&mut ada, json!({ "title": "fig" })).await;
    }
    let found: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(found.len(), ids.len(), "each once");
    assert!(wanted.is_subset(&found), "and all that were there before");

    let first = ada.ok("task.search", json!({ "q": "fig", "limit": 3 })).await;
    for other in [
        json!({ "q": "figs", "limit": 3 }),
        json!({ "q": "fig", "limit": 3, "status": "all" }),
        json!({ "q": "fig", "workspace_id": ada.personal() }),
    ] {
        let mut other = other.clone();
        other["cursor"] = first["next_cursor"].clone();
        let error = ada.refused("task.search", other).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!("cursor"))
        );
    }
    let same = json!({ "q": "fig", "workspace_id": "all", "cursor": first["next_cursor"] });
    ada.ok("task.search", same).await;
    assert_eq!(
        ada.refused("task.search", json!({ "q": "fig", "limit": 101 }))
            .await["field"],
        "limit"
    );
}

async fn any_text_is_searched_for_as_plain_words(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    add(&mut ada, json!({ "title": "AND OR NOT NEAR title quoted" })).await;
    for q in [
        "and",
        "or near",
        "title:quoted",
        "\"quoted\"",
        "NOT (and)",
        "NEAR(or not)",
        "quoted:*",
        "and & or | !not <-> near",
        "quo*",
    ] {
        assert_eq!(titles(&mut ada, q).await.len(), 1, "{q}");
    }
    for q in [
        "",
        "  ",
        "'",
        "\"",
        "* & | ! ( ) : <-> \\",
        "''--;",
        "\u{200b}",
        "…",
        "milk OR quoted",
    ] {
        assert_eq!(titles(&mut ada, q).await, [""; 0], "{q:?}");
    }
    let words = "a ".repeat(100);
    for q in [
        words.trim(),
        &"明".repeat(200),
        &"👩".repeat(200),
        &"\u{fdfa}".repeat(200),
        &"!".repeat(200),
    ] {
        titles(&mut ada, q).await;
    }
    for (q, code) in [
        ("x".repeat(201), "VALIDATION_ERROR"),
        ("x".repeat(20_000), "VALIDATION_ERROR"),
        ("a\0b".to_owned(), "VALIDATION_ERROR"),
    ] {
        let error = ada.refused("task.search", json!({ "q": q })).await;
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!("q")));
    }
    assert_eq!(ada.refused("task.search", json!({})).await["field"], "q");
}
