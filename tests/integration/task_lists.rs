//! Lists of tasks: every filter, every order, pages, totals, and full-text search.

use crate::on_both_databases;
use crate::support::follower::{pluck, text};
use crate::support::{Client, Engine, Server, Team, new_id};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_databases!(
    filters_select_the_tasks_that_they_name,
    every_order_has_pages_without_gaps_and_repeats,
    changes_between_two_pages_do_not_disturb_the_second,
    a_list_of_all_workspaces_shows_only_those_of_the_caller,
    the_tasks_of_a_person_are_found_everywhere_in_every_order,
    search_finds_words_and_the_beginning_of_the_last,
    search_follows_updates_deletion_and_purge,
    search_finds_a_task_whose_row_id_a_purged_task_had,
    search_pages_and_totals_agree,
    a_cursor_belongs_to_its_list,
    a_cursor_holds_any_title,
);

async fn add(client: &mut Client, data: Value) -> Value {
    client.ok("task.create", data).await
}

/// The sorted titles of a list. Asserts that its total is their number.
async fn shown(client: &mut Client, wanted: &Value) -> Vec<String> {
    let page = client.ok("task.list", wanted.clone()).await;
    let mut titles: Vec<String> = pluck(&page, "title").iter().map(text).collect();
    assert_eq!(page["total"], titles.len(), "{wanted}: {titles:?}");
    assert_eq!(page["next_cursor"], Value::Null, "{wanted}");
    titles.sort();
    titles
}

#[allow(clippy::many_single_char_names, reason = "the tasks are called a to e")]
async fn filters_select_the_tasks_that_they_name(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (me, member) = (team.owner.user_id(), team.member.user_id());
    let client = &mut team.owner;
    let a = add(
        client,
        json!({ "title": "a", "tags": ["Home", "x%y"], "priority": "high", "due_at": "2030-01-01T00:00:00Z" }),
    )
    .await;
    let b = add(
        client,
        json!({ "title": "b", "parent_id": a["id"], "due_at": "2030-01-02T00:00:00Z", "assignee_ids": [me] }),
    )
    .await;
    let c = add(client, json!({ "title": "c", "tags": ["home"] })).await;
    let d = add(client, json!({ "title": "d", "priority": "low" })).await;
    client.ok("task.complete", json!({ "id": c["id"] })).await;
    client.ok("task.complete", json!({ "id": d["id"] })).await;
    client.ok("task.delete", json!({ "id": d["id"] })).await;
    let e = add(client, json!({ "title": "e" })).await;
    client.ok("task.delete", json!({ "id": e["id"] })).await;
    let team_task = json!({ "title": "t", "workspace_id": team.workspace, "assignee_ids": [member] });
    add(client, team_task).await;

    let cases = [
        (json!({}), "abc"),
        (json!({ "status": "all" }), "abcde"),
        (json!({ "status": "pending" }), "ab"),
        (json!({ "status": "completed" }), "c"),
        (json!({ "status": "deleted" }), "de"),
        (json!({ "include_deleted": true }), "abcde"),
        (json!({ "include_deleted": false }), "abc"),
        (json!({ "status": "pending", "include_deleted": true }), "abe"),
        (json!({ "status": "completed", "include_deleted": true }), "cd"),
        (json!({ "status": "all", "priority": "low" }), "d"),
        (json!({ "priority": "none" }), "bc"),
        (json!({ "tag": "Home" }), "ac"),
        (json!({ "tag": " hOME " }), "ac"),
        (json!({ "tag": "x%y" }), "a"),
        (json!({ "tag": "x" }), ""),
        (json!({ "parent_id": a["id"] }), "b"),
        (json!({ "parent_id": new_id() }), ""),
        (json!({ "project_id": new_id() }), ""),
        (json!({ "assignee_id": me }), "b"),
        (json!({ "assignee_id": member }), ""),
        (json!({ "due_before": "2030-01-01T00:00:00Z" }), ""),
        (json!({ "due_before": "2030-01-01T00:00:00.001Z" }), "a"),
        (json!({ "due_after": "2030-01-01T00:00:00Z" }), "b"),
        (
            json!({ "due_after": "2029-12-31T23:59:59Z", "due_before": "2030-01-02T00:00:00Z" }),
            "a",
        ),
        (
            json!({ "date_from": b["created_at"], "date_to": b["created_at"] }),
            "b",
        ),
        (json!({ "date_from": "2100-01-01T00:00:00Z" }), ""),
        (json!({ "date_to": "2000-01-01T00:00:00Z" }), ""),
        (json!({ "workspace_id": team.workspace }), "t"),
        (
            json!({ "workspace_id": team.workspace, "assignee_id": member }),
            "t",
        ),
        (json!({ "workspace_id": "all" }), "abct"),
        (json!({ "workspace_id": "all", "status": "deleted" }), "de"),
        (json!({ "q": "a", "priority": "high" }), "a"),
        (json!({ "q": "a", "priority": "low" }), ""),
    ];
    let fine = [&a, &b, &c]
        .windows(2)
        .all(|two| two[0]["created_at"] != two[1]["created_at"]);
    for (wanted, letters) in cases {
        if wanted["date_from"] == b["created_at"] && !fine {
            continue; // made within one millisecond
        }
        let letters: Vec<String> = letters.chars().map(String::from).collect();
        assert_eq!(shown(client, &wanted).await, letters, "{wanted}");
    }
}

/// The items of all pages of a list. Asserts that only the first page has the total.
async fn pages(client: &mut Client, wanted: &Value, limit: usize) -> Vec<Value> {
    let (mut items, mut asked) = (Vec::new(), wanted.clone());
    asked["limit"] = json!(limit);
    loop {
        let page = client.ok("task.list", asked.clone()).await;
        assert_eq!(
            page.get("total").is_some(),
            asked.get("cursor").is_none(),
            "{page}"
        );
        let found = page["items"].as_array().expect("items");
        assert!(found.len() <= limit);
        items.extend(found.clone());
        if page["next_cursor"].is_null() {
            return items;
        }
        assert_eq!(found.len(), limit, "only the last page may be short");
        asked["cursor"] = page["next_cursor"].clone();
    }
}

async fn every_order_has_pages_without_gaps_and_repeats(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let ops: Vec<Value> = (0..23)
        .map(|i| {
            let due = (i % 3 != 0).then(|| format!("2030-01-0{}T00:00:00Z", 1 + i % 4));
            let priority = ["none", "low", "medium", "high", "urgent"][i % 5];
            let title = ["b", "A", "a", "C", "Z z", "a!"][i % 6];
            // every fifth id has another time, like the id of a task that a client made offline
            let id = (i % 5 == 0).then(|| format!("{:08x}-0000-7000-8000-{i:012}", i * 0x00ff_ffff));
            json!({ "type": "task.create",
                "data": { "id": id, "title": title, "due_at": due, "priority": priority } })
        })
        .collect();
    // one batch: all tasks are created in the same millisecond
    ada.ok("batch", json!({ "ops": ops })).await;
    for key in [
        "created_at",
        "updated_at",
        "due_at",
        "priority",
        "title",
        "position",
    ] {
        let mut ascending = Vec::new();
        for sort in [key.to_owned(), format!("-{key}")] {
            let whole = pages(&mut ada, &json!({ "sort": sort }), 100).await;
            assert_eq!(whole.len(), 23);
            for limit in [1, 4, 23] {
                assert_eq!(
                    pages(&mut ada, &json!({ "sort": sort }), limit).await,
                    whole,
                    "{sort}"
                );
            }
            let keys: Vec<(Value, String)> = whole
                .iter()
                .map(|task| (rank(key, task), text(&task["id"])))
                .collect();
            in_order(&sort, &keys);
            if sort == key {
                ascending = keys;
            } else if key != "due_at" {
                assert!(
                    keys.iter().rev().eq(ascending.iter()),
                    "{sort} is not the reverse of {key}"
                );
            }
        }
    }
    let newest_first = pages(&mut ada, &json!({}), 100).await;
    assert_eq!(
        newest_first,
        pages(&mut ada, &json!({ "sort": "-created_at" }), 5).await
    );
}

/// The value that orders a task, in a form in which JSON values compare.
fn rank(key: &str, task: &Value) -> Value {
    match key {
        "priority" => {
            let names = ["none", "low", "medium", "high", "urgent"];
            json!(names.iter().position(|name| task["priority"] == *name))
        }
        "title" => json!(text(&task["title"]).to_lowercase()),
        key => task[key].clone(),
    }
}

/// Asserts the order: by key, ties by id in the same direction; tasks without a date come last in both directions, by
/// id.
fn in_order(sort: &str, keys: &[(Value, String)]) {
    let as_text = |key: &Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    for two in keys.windows(2) {
        let ((a, a_id), (b, b_id)) = (&two[0], &two[1]);
        let fine = match (a.is_null(), b.is_null()) {
            (true, false) => false,
            (false, true) => true,
            (true, true) => a_id < b_id,
            _ if sort.starts_with('-') => (as_text(a), a_id) > (as_text(b), b_id),
            _ => (as_text(a), a_id) < (as_text(b), b_id),
        };
        assert!(fine, "{sort}: {two:?}");
    }
}

async fn changes_between_two_pages_do_not_disturb_the_second(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut ids = Vec::new();
    for i in 0..6 {
        ids.push(add(&mut ada, json!({ "title": format!("{i}") })).await["id"].clone());
    }
    let first = json!({ "sort": "title", "limit": 2 });
    let page = ada.ok("task.list", first).await;
    assert_eq!(pluck(&page, "title"), ["0", "1"]);
    assert_eq!(page["total"], 6);
    add(&mut ada, json!({ "title": "00" })).await; // before the end of the first page: not shown any more
    add(&mut ada, json!({ "title": "11" })).await;
    ada.ok("task.delete", json!({ "id": ids[1], "permanent": true }))
        .await; // the last task of the first page
    let next = json!({ "sort": "title", "limit": 100, "cursor": page["next_cursor"] });
    let page = ada.ok("task.list", next).await;
    assert_eq!(pluck(&page, "title"), ["11", "2", "3", "4", "5"]);
}

async fn a_list_of_all_workspaces_shows_only_those_of_the_caller(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    add(&mut team.owner, json!({ "title": "mine" })).await;
    add(
        &mut team.owner,
        json!({ "title": "ours", "workspace_id": team.workspace }),
    )
    .await;
    add(&mut team.viewer, json!({ "title": "theirs" })).await;
    let mut other = Client::sign_up(&server, "other").await;
    for (client, titles) in [
        (&mut team.owner, vec!["mine", "ours"]),
        (&mut team.viewer, vec!["ours", "theirs"]),
        (&mut other, vec![]),
    ] {
        assert_eq!(shown(client, &json!({ "workspace_id": "all" })).await, titles);
        let wanted = json!({ "workspace_id": "all", "q": "m" });
        let found: Vec<_> = titles.iter().filter(|title| title.starts_with('m')).collect();
        assert!(shown(client, &wanted).await.iter().eq(found));
    }
}

async fn the_tasks_of_a_person_are_found_everywhere_in_every_order(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (me, owner) = (team.member.user_id(), team.owner.user_id());
    let alone = team
        .owner
        .ok("workspace.create", json!({ "name": "Without me" }))
        .await["id"]
        .clone();
    let mut expected = Vec::new();
    for n in 0..12 {
        let due = (n % 3 > 0).then(|| format!("2030-01-{:02}T00:00:00Z", 20 - n));
        let mine = n % 2 == 0;
        let people = if mine { json!([me, owner]) } else { json!([owner]) };
        let task = json!({ "title": format!("task {n:02}"), "workspace_id": team.workspace, "due_at": due,
            "assignee_ids": people });
        let task = add(&mut team.owner, task).await;
        let own = json!({ "title": format!("own {n:02}"), "assignee_ids": if mine { json!([me]) } else { json!([]) } });
        let own = add(&mut team.member, own).await;
        add(
            &mut team.owner,
            json!({ "title": "far", "workspace_id": alone, "assignee_ids": [owner] }),
        )
        .await;
        if n == 4 {
            team.member.ok("task.complete", json!({ "id": task["id"] })).await;
        } else if n == 6 {
            team.member.ok("task.delete", json!({ "id": own["id"] })).await;
        }
        for (task, n_gone) in [(task, 4), (own, 6)] {
            if mine && n != n_gone {
                expected.push(text(&task["id"]));
            }
        }
    }
    expected.sort();
    for sort in [
        "created_at",
        "updated_at",
        "due_at",
        "priority",
        "title",
        "position",
    ] {
        for sort in [sort.to_owned(), format!("-{sort}")] {
            let mut wanted = json!({ "workspace_id": "all", "assignee_id": me, "status": "pending", "sort": sort, "limit": 3 });
            let (key, mut found, mut keys) = (sort.trim_start_matches('-'), Vec::new(), Vec::new());
            loop {
                let page = team.member.ok("task.list", wanted.clone()).await;
                assert!(
                    page["total"].is_null() || page["total"] == expected.len(),
                    "{page}"
                );
                found.extend(pluck(&page, "id").iter().map(text));
                let items = page["items"].as_array().expect("items");
                keys.extend(items.iter().map(|task| (rank(key, task), text(&task["id"]))));
                if page["next_cursor"].is_null() {
                    break;
                }
                wanted["cursor"] = page["next_cursor"].clone();
            }
            in_order(&sort, &keys);
            found.sort();
            assert_eq!(found, expected, "{sort}");
        }
    }
    // of somebody else one sees what one may read
    let theirs = json!({ "workspace_id": "all", "assignee_id": owner, "status": "all" });
    assert_eq!(team.member.ok("task.list", theirs.clone()).await["total"], 12);
    assert_eq!(team.owner.ok("task.list", theirs).await["total"], 24);
}

async fn search_finds_words_and_the_beginning_of_the_last(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let tasks = [
        json!({ "title": "Buy oat milk" }),
        json!({ "title": "Call Zoë", "description": "about the milkshake, e-mail ada.l@example.com" }),
        json!({ "title": "snake_case and kebab-case", "tags": ["Über ich", "v1.25"] }),
        json!({ "title": "日本語 задача 'quoted' \"twice\" AND OR NOT * : ( )" }),
    ];
    let titles: Vec<String> = tasks.iter().map(|task| text(&task["title"])).collect();
    for task in &tasks {
        add(&mut ada, task.clone()).await;
    }
    let cases: &[(&str, &[usize])] = &[
        ("milk", &[0, 1]),  // the last word matches as a prefix
        ("MILK", &[0, 1]),  // case is ignored
        ("milk oat", &[0]), // every word, in any order
        ("oat mi", &[0]),
        ("oa milk", &[]), // earlier words must match whole
        ("milks", &[1]),
        ("ilk", &[]),
        ("zoë", &[1]),
        ("ZOË", &[1]),
        ("example", &[1]), // the parts of an address are words
        ("ada.l", &[1]),
        ("mail", &[1]),
        ("snake", &[2]),
        ("case", &[2]),
        ("kebab-ca", &[2]),
        ("über", &[2]),
        ("v1.25", &[2]),
        ("25", &[2]),
        ("задач", &[3]),
        ("日本", &[3]),
        ("quoted twice", &[3]),
        ("not", &[3]),
        ("oat OR zoë", &[]), // no operators
        ("\"milk", &[0, 1]),
        ("milk*", &[0, 1]),
        ("title:milk", &[]),
        ("'", &[]),
        ("  ", &[]),
        ("* & | ! ( ) : <-> \\", &[]),
    ];
    for (q, found) in cases {
        let wanted: BTreeSet<&String> = found.iter().map(|i| &titles[*i]).collect();
        let came = shown(&mut ada, &json!({ "q": q })).await;
        assert_eq!(came.iter().collect::<BTreeSet<_>>(), wanted, "{q:?}");
        let sorted = shown(&mut ada, &json!({ "q": q, "sort": "title" })).await;
        assert_eq!(sorted, came, "{q:?} in another order");
    }
}

async fn search_follows_updates_deletion_and_purge(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let id = add(&mut ada, json!({ "title": "alpha", "tags": ["beta"] })).await["id"].clone();
    let one = ["gamma".to_owned()];
    ada.ok("task.update", json!({ "id": id, "title": "gamma" })).await;
    assert!(shown(&mut ada, &json!({ "q": "alpha" })).await.is_empty());
    assert_eq!(shown(&mut ada, &json!({ "q": "beta gamma" })).await, one);
    ada.ok(
        "task.update",
        json!({ "id": id, "tags": null, "description": "delta" }),
    )
    .await;
    assert!(shown(&mut ada, &json!({ "q": "beta" })).await.is_empty());
    assert_eq!(shown(&mut ada, &json!({ "q": "delta" })).await, one);
    ada.ok("task.delete", json!({ "id": id })).await;
    assert!(shown(&mut ada, &json!({ "q": "delta" })).await.is_empty());
    let deleted = json!({ "q": "delta", "status": "deleted" });
    assert_eq!(shown(&mut ada, &deleted).await, one);
    ada.ok("task.restore", json!({ "id": id })).await;
    assert_eq!(shown(&mut ada, &json!({ "q": "delta" })).await, one);
    ada.ok("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    assert!(
        shown(&mut ada, &json!({ "q": "delta", "status": "all" }))
            .await
            .is_empty()
    );
}

/// SQLite may give the row id of a purged newest task to the next task.
async fn search_finds_a_task_whose_row_id_a_purged_task_had(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for round in 0..3 {
        let title = format!("round{round}");
        let id = add(&mut ada, json!({ "title": title })).await["id"].clone();
        assert_eq!(shown(&mut ada, &json!({ "q": title })).await, [title.as_str()]);
        ada.ok("task.delete", json!({ "id": id, "permanent": true }))
            .await;
        if round == 1 {
            assert!(shown(&mut ada, &json!({ "q": title })).await.is_empty());
        }
    }
    add(&mut ada, json!({ "title": "at last" })).await;
    assert_eq!(shown(&mut ada, &json!({ "q": "at" })).await, ["at last"]);
}

async fn search_pages_and_totals_agree(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let ops: Vec<Value> = (0..9)
        .map(|i| json!({ "type": "task.create", "data": { "title": format!("word number {i}") } }))
        .collect();
    ada.ok("batch", json!({ "ops": ops })).await;
    add(&mut ada, json!({ "title": "something else" })).await;
    add(
        &mut ada,
        json!({ "title": "word", "description": "word word", "tags": ["word"] }),
    )
    .await;
    for wanted in [json!({ "q": "wor" }), json!({ "q": "word", "sort": "title" })] {
        let whole = pages(&mut ada, &wanted, 100).await;
        let ids: BTreeSet<String> = whole.iter().map(|task| text(&task["id"])).collect();
        assert_eq!((whole.len(), ids.len()), (10, 10));
        assert_eq!(pages(&mut ada, &wanted, 3).await, whole);
        let first = ada.ok("task.list", wanted.clone()).await;
        assert_eq!(first["total"], 10);
        assert_eq!(
            whole[0]["title"], "word",
            "the best match is also the first by title: {wanted}"
        );
    }
}

async fn a_cursor_belongs_to_its_list(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let personal = ada.personal();
    let other = text(&ada.ok("workspace.create", json!({ "name": "Other" })).await["id"]);
    for workspace in [&personal, &other] {
        for _ in 0..3 {
            let task = json!({ "title": "word", "tags": ["a"], "workspace_id": workspace, "due_at": "2030-01-01T00:00:00Z" });
            add(&mut ada, task).await;
        }
    }
    // each of them a list of its own, and other words for the same list
    let lists = [
        (
            json!({}),
            json!({ "workspace_id": personal, "sort": "-created_at", "include_deleted": false }),
        ),
        (
            json!({ "sort": "title" }),
            json!({ "sort": "title", "status": null }),
        ),
        (json!({ "sort": "-title" }), json!({ "sort": "-title" })),
        (json!({ "sort": "created_at" }), json!({ "sort": "created_at" })),
        (json!({ "sort": "updated_at" }), json!({ "sort": "updated_at" })),
        (json!({ "sort": "due_at" }), json!({ "sort": "due_at" })),
        (
            json!({ "q": "word" }),
            json!({ "q": "word", "workspace_id": personal }),
        ),
        (json!({ "q": "wor" }), json!({ "q": "wor" })),
        (
            json!({ "q": "word", "sort": "-created_at" }),
            json!({ "q": "word", "sort": "-created_at" }),
        ),
        (
            json!({ "status": "pending" }),
            json!({ "status": "pending", "q": null }),
        ),
        (json!({ "status": "all" }), json!({ "status": "all" })),
        (
            json!({ "include_deleted": true }),
            json!({ "include_deleted": true }),
        ),
        (json!({ "tag": "a" }), json!({ "tag": "a" })),
        (json!({ "priority": "none" }), json!({ "priority": "none" })),
        (
            json!({ "due_before": "2031-01-01T00:00:00Z" }),
            json!({ "due_before": "2031-01-01T01:00:00+01:00" }),
        ),
        (json!({ "workspace_id": other }), json!({ "workspace_id": other })),
        (json!({ "workspace_id": "all" }), json!({ "workspace_id": "all" })),
    ];
    let mut cursors = Vec::new();
    for (wanted, _) in &lists {
        let mut asked = wanted.clone();
        asked["limit"] = json!(1);
        cursors.push(ada.ok("task.list", asked).await["next_cursor"].clone());
    }
    for (i, (wanted, the_same)) in lists.iter().enumerate() {
        for (j, cursor) in cursors.iter().enumerate() {
            for asked in [wanted, the_same] {
                let mut asked = asked.clone();
                asked["cursor"] = cursor.clone();
                let answer = ada.call("task.list", asked).await;
                assert_eq!(answer["type"] == "ok", i == j, "{wanted}, {cursor}: {answer}");
                if i != j {
                    assert_eq!(answer["error"]["code"], "VALIDATION_ERROR");
                    assert_eq!(answer["error"]["field"], "cursor");
                }
            }
        }
        for broken in ["", "x", "e30", "!!", "AAAA", "eyJvIjoxfQ"] {
            let mut asked = wanted.clone();
            asked["cursor"] = json!(broken);
            let error = ada.refused("task.list", asked).await;
            assert_eq!(
                (&error["code"], &error["field"]),
                (&json!("VALIDATION_ERROR"), &json!("cursor"))
            );
        }
    }
    cursors_of_other_operations_and_people(&server, &mut ada, &cursors[0], &other).await;
    // a place in the list that somebody made up
    let coder = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let read = base64::Engine::decode(&coder, text(&cursors[6])).expect("base64");
    let mut far: Value = serde_json::from_slice(&read).expect("JSON");
    far["at"]["r"]["score"] = json!(i64::MAX);
    let far = base64::Engine::encode(&coder, far.to_string());
    let beyond = ada.ok("task.list", json!({ "q": "word", "cursor": far })).await;
    assert_eq!(
        (&beyond["items"], &beyond["next_cursor"]),
        (&json!([]), &Value::Null)
    );
    for (limit, fine) in [(0, false), (1, true), (100, true), (101, false)] {
        let answer = ada.call("task.list", json!({ "limit": limit })).await;
        assert_eq!(answer["type"] == "ok", fine, "{limit}: {answer}");
    }
}

async fn cursors_of_other_operations_and_people(
    server: &Server,
    ada: &mut Client,
    of_tasks: &Value,
    other: &str,
) {
    let mut bob = Client::sign_up(server, "bob").await;
    let added = json!({ "workspace_id": other, "username": "bob", "role": "viewer" });
    ada.ok("member.add", added).await;
    let lists = [
        ("task.list", json!({ "workspace_id": other })),
        ("member.list", json!({ "workspace_id": other })),
        ("workspace.list", json!({})),
    ];
    let mut cursors = vec![of_tasks.clone()];
    for (name, data) in &lists {
        let mut asked = data.clone();
        asked["limit"] = json!(1);
        let cursor = ada.ok(name, asked.clone()).await["next_cursor"].clone();
        asked["cursor"] = cursor.clone();
        ada.ok(name, asked.clone()).await;
        assert_eq!(
            bob.refused(name, asked).await["field"],
            "cursor",
            "{name}: another person's"
        );
        cursors.push(cursor);
    }
    for (i, (name, data)) in lists.iter().enumerate() {
        for (j, cursor) in cursors.iter().enumerate().filter(|(j, _)| *j != i + 1) {
            let mut asked = data.clone();
            asked["cursor"] = cursor.clone();
            assert_eq!(
                ada.refused(name, asked).await["field"],
                "cursor",
                "{name} with {j}"
            );
        }
    }
}

async fn a_cursor_holds_any_title(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let titles = ["\"", "\\", "\\0", "\\u0000", "\\\\u0000", "{\"t\":[]}", "é"];
    for title in titles {
        add(&mut ada, json!({ "title": title })).await;
    }
    let listed = pages(&mut ada, &json!({ "sort": "title" }), 1).await;
    let mut listed: Vec<String> = listed.iter().map(|task| text(&task["title"])).collect();
    listed.sort_unstable();
    let mut titles = titles.to_vec();
    titles.sort_unstable();
    assert_eq!(listed, titles);
    let nul = "eyJ0IjpbIlx1MDAwMCIsIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJdfQ"; // {"t":["\u0000", …]}
    let error = ada
        .refused("task.list", json!({ "sort": "title", "cursor": nul }))
        .await;
    assert_eq!(error["field"], "cursor", "{error}");
}
