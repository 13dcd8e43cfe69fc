//! Streams: snapshots and the events that keep them current; subscribing and unsubscribing; reading the log.

use crate::on_both_databases;
use crate::support::fold::{UserState, WorkspaceState};
use crate::support::follower::{pluck, text};
use crate::support::{Client, Engine, Follower, Server, Team, eventually, new_id};
use serde_json::{Value, json};
use uuid::Uuid;

on_both_databases!(
    an_old_snapshot_and_the_events_make_the_new_snapshot,
    a_sync_comes_in_pages_with_deleted_tasks,
    a_stream_sends_nothing_while_its_snapshot_is_made,
    following_begins_now_or_since_a_position,
    history_is_paged_and_by_task,
    old_and_new_keys_are_found_in_both_trees_of_an_index,
    streams_of_others_are_not_found,
    a_stream_above_the_limit_is_listed_with_its_head,
    the_newest_workspaces_are_followed_first,
    nobody_displaces_the_workspaces_that_one_owns,
    a_welcome_is_no_longer_than_a_frame_whatever_it_lists,
);

/// Takes a whole snapshot of a workspace, page by page.
async fn sync(client: &mut Client, workspace: &str) -> WorkspaceState {
    let mut pages = Vec::new();
    let mut asked = json!({ "workspace_id": workspace });
    loop {
        let page = client.ok("workspace.sync", asked.clone()).await;
        let first = asked.get("cursor").is_none();
        for field in ["workspace", "members", "projects", "tags"] {
            assert_eq!(page.get(field).is_some(), first, "{field}");
        }
        let cursor = page.get("cursor").cloned();
        pages.push(page);
        let Some(cursor) = cursor else { break };
        asked["cursor"] = cursor;
    }
    assert!(pages.iter().all(|page| page["seq"] == pages[0]["seq"]));
    let ids: Vec<String> = pages
        .iter()
        .flat_map(|page| pluck(&page["tasks"], "id"))
        .map(|id| text(&id))
        .collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "pages are in id order");
    WorkspaceState::of(&pages)
}

async fn an_old_snapshot_and_the_events_make_the_new_snapshot(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    Client::sign_up(&server, "pupil").await;
    let mut owner = Follower::new(team.owner.another(&server).await);
    let (own, shared) = (format!("user:{}", owner.client.user_id()), team.stream());
    let mut workspace = sync(&mut owner.client, &team.workspace).await;
    let mut user = UserState::of(&owner.client.ok("user.sync", json!({})).await);
    let ids: Vec<Uuid> = (0..3).map(|_| new_id()).collect();
    let (place, member) = (json!(team.workspace), team.member.user_id());
    let (admin, viewer) = (team.admin.user_id(), team.viewer.user_id());
    let first = user_notifications(&mut owner.client).await[0].clone();
    let steps: Vec<(&str, Value)> = vec![
        (
            "task.create",
            json!({ "id": ids[0], "workspace_id": place, "title": "A", "assignee_ids": [member] }),
        ),
        (
            "task.create",
            json!({ "id": ids[1], "workspace_id": place, "title": "B", "parent_id": ids[0] }),
        ),
        (
            "task.create",
            json!({ "id": ids[2], "workspace_id": place, "title": "C" }),
        ),
        (
            "task.update",
            json!({ "id": ids[0], "title": "AA", "tags": ["x"] }),
        ),
        ("task.update", json!({ "id": ids[0], "title": "AA" })),
        (
            "task.replace",
            json!({ "id": ids[1], "title": "BB", "description": "d", "completed": true,
            "priority": "low", "due_at": null, "tags": [] }),
        ),
        ("task.complete", json!({ "id": ids[0] })),
        ("task.assign", json!({ "id": ids[2], "add": [member, admin] })),
        ("task.move", json!({ "id": ids[2], "before": ids[0] })),
        ("task.delete", json!({ "id": ids[1] })),
        ("task.restore", json!({ "id": ids[1] })),
        ("notification.mark", json!({ "id": first, "is_read": true })),
        ("notification.mark_all_read", json!({})),
        ("notification.mark", json!({ "id": first, "is_read": false })),
        ("notification.delete", json!({ "id": first })),
        (
            "member.add",
            json!({ "workspace_id": place, "username": "pupil", "role": "viewer" }),
        ),
        (
            "member.update",
            json!({ "workspace_id": place, "user_id": viewer, "role": "owner" }),
        ),
        (
            "member.remove",
            json!({ "workspace_id": place, "user_id": member }),
        ),
        ("task.delete", json!({ "id": ids[0], "permanent": true })),
        ("workspace.create", json!({ "name": "Second" })),
        (
            "batch",
            json!({ "ops": [
            { "type": "task.update", "data": { "id": ids[2], "title": "CC" } },
            { "type": "notification.mark_all_read" },
            { "type": "task.delete", "data": { "id": ids[1] } },
        ] }),
        ),
        (
            "batch",
            json!({ "ops": [
            { "type": "task.restore", "data": { "id": ids[1] } },
            { "type": "task.delete", "data": { "id": ids[1], "permanent": true } },
        ] }),
        ),
        // the caller's own role
        (
            "member.update",
            json!({ "workspace_id": place, "user_id": owner.client.user_id(), "role": "admin" }),
        ),
    ];
    for (name, data) in steps {
        let done = owner.act(name, data).await;
        for event in &done.events {
            match text(&event["stream"]) {
                stream if stream == shared => workspace.apply(event),
                stream if stream == own => user.apply(event),
                _ => {}
            }
        }
        // the user's own stream tells the role of the caller
        assert_eq!(
            UserState::of(&owner.client.ok("user.sync", json!({})).await),
            user,
            "{name}"
        );
        let mut fresh = sync(&mut owner.client, &team.workspace).await;
        fresh.forget_role();
        workspace.forget_role();
        assert_eq!(fresh, workspace, "{name}");
    }
    // changes by another user
    team.admin.ok("task.complete", json!({ "id": ids[2] })).await;
    let head = owner.head_of(&shared).await;
    for event in owner.catch_up(&shared, head).await {
        workspace.apply(&event);
    }
    for event in owner.own_events().await {
        user.apply(&event);
    }
    let mut fresh = sync(&mut owner.client, &team.workspace).await;
    fresh.forget_role();
    assert_eq!(fresh, workspace);
    assert_eq!(
        UserState::of(&owner.client.ok("user.sync", json!({})).await),
        user
    );
}

async fn user_notifications(client: &mut Client) -> Vec<Value> {
    pluck(&client.ok("user.sync", json!({})).await["notifications"], "id")
}

/// A UUIDv7 with this time.
fn dated_id(ms: u64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(ms, new_id().as_bytes()[6..].try_into().expect("ten bytes"))
        .into_uuid()
}

async fn a_sync_comes_in_pages_with_deleted_tasks(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let one = json!({ "type": "task.create", "data": { "title": "T", "description": "d".repeat(900) } });
    for _ in 0..3 {
        let mut ops = vec![one.clone(); 60];
        // ids of clients, with times before and after the creation, are in the same order as the others
        for (i, op) in ops.iter_mut().enumerate().filter(|(i, _)| i % 4 == 0) {
            op["data"]["id"] = json!(dated_id([1, 4_000_000_000_000][i % 8 / 4]));
        }
        ada.ok("batch", json!({ "ops": ops })).await;
    }
    let page = ada.ok("task.list", json!({ "limit": 1 })).await;
    ada.ok("task.delete", json!({ "id": page["items"][0]["id"] }))
        .await;
    let workspace = ada.personal();
    let first = ada
        .ok("workspace.sync", json!({ "workspace_id": workspace }))
        .await;
    assert!(
        first["cursor"].is_string(),
        "180 tasks with long texts need more than one page"
    );
    sync(&mut ada, &workspace).await;
    let (mut tasks, mut asked) = (Vec::new(), json!({ "workspace_id": workspace }));
    loop {
        let page = ada.ok("workspace.sync", asked.clone()).await;
        tasks.extend(page["tasks"].as_array().expect("tasks").clone());
        let Some(cursor) = page.get("cursor") else { break };
        asked["cursor"] = cursor.clone();
    }
    assert_eq!(tasks.len(), 180);
    assert_eq!(tasks.iter().filter(|task| task["is_deleted"] == true).count(), 1);
    for wrong in ["", "x", "e30"] {
        let asked = json!({ "workspace_id": workspace, "cursor": wrong });
        assert_eq!(ada.refused("workspace.sync", asked).await["field"], "cursor");
    }
    let other = ada.ok("workspace.create", json!({ "name": "Other" })).await["id"].clone();
    let strange = json!({ "workspace_id": other, "cursor": first["cursor"] });
    assert_eq!(ada.refused("workspace.sync", strange).await["field"], "cursor");
    let listed = ada.ok("user.sync", json!({})).await;
    assert_eq!(
        listed["notifications"].as_array().map(Vec::len),
        Some(100),
        "the newest hundred"
    );
    assert_eq!(listed["unread"], 182);
}

async fn a_stream_sends_nothing_while_its_snapshot_is_made(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let workspace = ada.personal();
    let stream = format!("workspace:{workspace}");
    let mut writer = ada.another(&server).await;
    for _ in 0..5 {
        for _ in 0..10 {
            writer.ask("task.create", json!({ "title": "Noise" })).await;
        }
        let id = ada
            .ask("workspace.sync", json!({ "workspace_id": workspace }))
            .await;
        let snapshot = ada.answer(id).await;
        let seq = snapshot["data"]["seq"].as_u64().expect("a seq");
        ada.forget_events();
        let last = writer.call("task.create", json!({ "title": "Last" })).await;
        let last = last["at"][&stream].as_u64().expect("a seq");
        for expected in seq + 1..=last {
            assert_eq!(ada.next_of(&stream).await["seq"], expected);
        }
    }
}

async fn following_begins_now_or_since_a_position(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let stream = format!("workspace:{}", ada.personal());
    for title in ["1", "2", "3"] {
        ada.ok("task.create", json!({ "title": title })).await; // seq 3, 4, 5
    }
    let mut quiet = Client::with_tokens(&server, &ada.tokens, json!({ "streams": [] })).await;
    let subscribe = |since: Option<u64>| match since {
        Some(since) => json!({ "stream": stream, "since": since }),
        None => json!({ "stream": stream }),
    };
    let now = quiet.ok("stream.subscribe", subscribe(None)).await;
    assert_eq!((&now["seq"], &now["resumed"]), (&json!(5), &json!(false)));
    ada.ok("task.create", json!({ "title": "4" })).await;
    assert_eq!(quiet.next_of(&stream).await["seq"], 6);
    assert_eq!(
        quiet.ok("stream.unsubscribe", json!({ "stream": stream })).await,
        json!({})
    );
    quiet.ok("stream.unsubscribe", json!({ "stream": stream })).await; // again
    ada.ok("task.create", json!({ "title": "5" })).await;
    let since = quiet.ok("stream.subscribe", subscribe(Some(4))).await;
    assert_eq!((&since["seq"], &since["resumed"]), (&json!(7), &json!(true)));
    for seq in 5..=7 {
        assert_eq!(
            quiet.next_of(&stream).await["seq"],
            seq,
            "no event arrived while it was unsubscribed"
        );
    }
    let ahead = quiet.ok("stream.subscribe", subscribe(Some(99))).await;
    assert_eq!(
        (&ahead["resumed"], &ahead["reason"]),
        (&json!(false), &json!("unknown"))
    );
    let own = format!("user:{}", ada.user_id());
    quiet.ok("stream.subscribe", json!({ "stream": own })).await;
    ada.ok("task.create", json!({ "title": "6" })).await;
    assert_eq!(quiet.next_of(&own).await["event"], "notification.created");
    assert_eq!(quiet.next_of(&stream).await["seq"], 8);
    quiet.ok("stream.unsubscribe", json!({ "stream": own })).await;
    ada.ok("task.create", json!({ "title": "7" })).await;
    assert_eq!(quiet.next_of(&stream).await["seq"], 9);
    assert!(
        quiet
            .events_so_far()
            .await
            .iter()
            .all(|event| event["stream"] == stream)
    );
}

async fn history_is_paged_and_by_task(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let stream = format!("workspace:{}", ada.personal());
    let mut ids = Vec::new();
    for i in 0..4 {
        ids.push(ada.ok("task.create", json!({ "title": format!("{i}") })).await["id"].clone());
    }
    ada.ok("task.complete", json!({ "id": ids[1] })).await;
    ada.ok("task.delete", json!({ "id": ids[1] })).await;
    let (mut seqs, mut after) = (Vec::new(), json!(0));
    loop {
        let asked = json!({ "stream": stream, "after": after, "limit": 3 });
        let page = ada.ok("stream.history", asked).await;
        let found = pluck(&page["events"], "seq");
        assert!(found.len() == 3 || page["has_more"] == false, "{page}");
        after = found.last().cloned().unwrap_or(after);
        seqs.extend(found);
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(seqs, (1..=8).map(|seq| json!(seq)).collect::<Vec<_>>());
    let of_task = json!({ "stream": stream, "task_id": ids[1] });
    let page = ada.ok("stream.history", of_task).await;
    assert_eq!(
        pluck(&page["events"], "event"),
        ["task.created", "task.completed", "task.deleted"]
    );
    let live = ada.next_of(&stream).await;
    let asked = json!({ "stream": stream, "after": 2, "limit": 1 });
    let page = ada.ok("stream.history", asked).await;
    assert_eq!(
        (&page["events"][0], &page["has_more"]),
        (&live, &json!(true)),
        "history returns the frame as it was sent"
    );
    for (after, left) in [(7_u64, 1), (8, 0), (9, 0), ((1 << 53) - 1, 0), (u64::MAX, 0)] {
        let page = ada
            .ok("stream.history", json!({ "stream": stream, "after": after }))
            .await;
        assert_eq!(page["events"].as_array().map(Vec::len), Some(left));
    }
    for (limit, fine) in [(0, false), (1, true), (500, true), (501, false)] {
        let answer = ada
            .call("stream.history", json!({ "stream": stream, "limit": limit }))
            .await;
        assert_eq!(answer["type"] == "ok", fine, "{answer}");
    }
}

/// Makes more keys than SQLite keeps in the small tree of an index, so that some have moved to the large one. Then
/// restarts.
async fn old_and_new_keys_are_found_in_both_trees_of_an_index(engine: Engine) {
    const BATCHES: usize = 9;
    let mut server = Server::start(engine, &[("rate_limit_enabled", "false")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let stream = format!("workspace:{}", ada.personal());
    let mut ids = Vec::new();
    for _ in 0..BATCHES {
        let ops = vec![json!({ "type": "task.create", "data": { "title": "one of many" } }); 100];
        let done = ada.ok("batch", json!({ "ops": ops })).await;
        let results = done["results"].as_array().expect("results");
        ids.extend(results.iter().map(|result| result["data"]["id"].clone()));
    }
    for purged in [ids.remove(0), ids.pop().expect("a task")] {
        ada.ok("task.delete", json!({ "id": purged, "permanent": true }))
            .await;
    }
    let tokens = ada.tokens.clone();
    for restarts in [true, false] {
        let mut client = Client::with_tokens(&server, &tokens, json!({ "streams": [] })).await;
        let snapshot = client
            .ok("workspace.sync", json!({ "workspace_id": ada.personal() }))
            .await;
        let head = snapshot["seq"].as_u64().expect("a seq");
        assert_eq!(
            all(&mut client, "task.list", json!({ "sort": "created_at" })).await,
            ids
        );
        let mut newest_first = all(&mut client, "task.list", json!({ "sort": "-created_at" })).await;
        newest_first.reverse();
        assert_eq!(newest_first, ids);
        let told = all(&mut client, "notification.list", json!({})).await;
        assert_eq!(
            told.len(),
            ids.len() + 1,
            "one for each task, and one for the sign-up"
        );
        client
            .ok("stream.subscribe", json!({ "stream": stream, "since": 0 }))
            .await;
        for seq in 1..=head {
            assert_eq!(client.next_of(&stream).await["seq"], seq);
        }
        if restarts {
            server.kill();
            server.spawn();
        }
    }
}

/// The ids of all pages of a list.
async fn all(client: &mut Client, list: &str, wanted: Value) -> Vec<Value> {
    let (mut ids, mut asked) = (Vec::new(), wanted);
    asked["limit"] = json!(100);
    loop {
        let page = client.ok(list, asked.clone()).await;
        ids.extend(pluck(&page["items"], "id"));
        if page["next_cursor"].is_null() {
            return ids;
        }
        asked["cursor"] = page["next_cursor"].clone();
    }
}

async fn a_stream_above_the_limit_is_listed_with_its_head(engine: Engine) {
    let server = Server::start(engine, &[("streams_per_socket", "1")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let stream = format!("workspace:{}", ada.personal());
    let done = ada.call("task.create", json!({ "title": "T" })).await;
    let head = &done["at"][&stream];
    // the cached account of a session may be a second old
    eventually("the head", async || {
        let again = ada.another(&server).await;
        let listed = &again.welcome["data"]["streams"][1];
        assert_eq!(
            (&listed["stream"], &listed["reason"], &listed["resumed"]),
            (&json!(stream), &json!("limit"), &json!(false))
        );
        (listed["seq"] == *head && head.is_u64()).then_some(())
    })
    .await;
}

async fn nobody_displaces_the_workspaces_that_one_owns(engine: Engine) {
    let server = Server::start(engine, &[("streams_per_socket", "2")]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let mut mallory = Client::sign_up(&server, "mallory").await;
    for name in ["M", "N"] {
        let made = mallory.ok("workspace.create", json!({ "name": name })).await;
        let add = json!({ "workspace_id": made["id"], "username": "ada", "role": "viewer" });
        mallory.ok("member.add", add).await;
    }
    let next = ada.another(&server).await;
    let listed = next.welcome["data"]["streams"].as_array().expect("streams");
    let followed = listed.iter().filter(|state| state["reason"] == "new");
    let followed: Vec<_> = followed.map(|state| text(&state["stream"])).collect();
    let own = [
        format!("user:{}", ada.user_id()),
        format!("workspace:{}", ada.personal()),
    ];
    assert_eq!(followed, own);
}

async fn the_newest_workspaces_are_followed_first(engine: Engine) {
    let server = Server::start(engine, &[("streams_per_socket", "4")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut made = vec![ada.personal()];
    for name in ["B", "C", "D", "E"] {
        made.push(text(
            &ada.ok("workspace.create", json!({ "name": name })).await["id"],
        ));
    }
    let stream = |id: &String| format!("workspace:{id}");
    // the first socket follows its own stream and three workspaces: the others came when there was no place
    for id in &made[3..] {
        let signal = ada.signal("stream.not_followed").await;
        assert_eq!(signal["data"], json!({ "stream": stream(id), "reason": "limit" }));
    }
    let mut next = ada.another(&server).await;
    let listed = next.welcome["data"]["streams"].as_array().expect("streams");
    let reasons: Vec<_> = listed
        .iter()
        .map(|state| (text(&state["stream"]), text(&state["reason"])))
        .collect();
    let own = format!("user:{}", ada.user_id());
    let mut expected = vec![(own, "new".to_owned())];
    for (age, id) in made.iter().rev().enumerate() {
        expected.push((stream(id), if age < 3 { "new" } else { "limit" }.to_owned()));
    }
    assert_eq!(reasons, expected);
    for (id, heard) in [(&made[4], true), (&made[0], false)] {
        ada.ok("task.create", json!({ "title": "T", "workspace_id": id }))
            .await;
        let events = next.events_so_far().await;
        let came = events.iter().any(|event| event["stream"] == stream(id));
        // an event may come a little later than another socket's answer
        if heard && !came {
            next.next_of(&stream(id)).await;
        }
        assert!(heard || !came, "{events:?}");
    }
    // there is room again once it leaves one: what it asks for then is followed
    next.ok("stream.unsubscribe", json!({ "stream": stream(&made[4]) }))
        .await;
    next.ok("stream.subscribe", json!({ "stream": stream(&made[0]) }))
        .await;
    let granted = ada.ok("workspace.create", json!({ "name": "F" })).await["id"].clone();
    let signal = next.signal("stream.not_followed").await;
    assert_eq!(signal["data"]["stream"], stream(&text(&granted)));
    assert_eq!(next.took("stream.not_followed"), None);
}

async fn a_welcome_is_no_longer_than_a_frame_whatever_it_lists(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let name = "\u{1F600}".repeat(100);
    for count in [100, 100, 100, 100, 99] {
        let one = json!({ "type": "workspace.create", "data": { "name": name } });
        ada.ok("batch", json!({ "ops": vec![one; count] })).await;
        ada.forget_events();
    }
    let preferences = json!({ "text": "x".repeat(16_000) });
    ada.ok("profile.update", json!({ "preferences": preferences }))
        .await;
    let mut next = ada.another(&server).await;
    let welcome = next.welcome.clone();
    let length = welcome.to_string().len();
    assert!(length <= 65_536, "{length} bytes");
    let listed = welcome["data"]["streams"].as_array().expect("streams");
    let followed = listed.iter().filter(|state| state["reason"] == "new");
    let followed: Vec<String> = followed.map(|state| text(&state["stream"])).collect();
    assert_eq!(followed.len(), 256, "all that are followed are listed");
    let more = welcome["data"]["more"].as_u64().expect("more");
    assert_eq!(listed.len() as u64 + more, 501);
    assert!(listed[1]["workspace"]["name"] == name && listed[255].get("workspace").is_none());
    // everything else works: what is followed is heard, what is not listed can be asked for
    let last = followed.last().expect("one").replace("workspace:", "");
    let made = json!({ "title": "Heard", "workspace_id": last });
    let made = ada.ok("task.create", made).await;
    assert_eq!(next.next_of(&format!("workspace:{last}")).await["data"], made);
    let page = next.ok("workspace.list", json!({ "limit": 100 })).await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(100));
    // the same for a client that names what there is not
    let strange: Vec<String> = (0..1500).map(|n| format!("workspace:{n}")).collect();
    let lost = Client::with_tokens(&server, &ada.tokens, json!({ "streams": strange })).await;
    assert!(lost.welcome.to_string().len() <= 65_536);
    let listed = lost.welcome["data"]["streams"].as_array().map_or(0, Vec::len);
    assert_eq!(lost.welcome["data"]["more"], 1500 - listed);
}

#[tokio::test]
async fn every_stream_that_was_asked_for_is_listed() {
    // a welcome is no longer than a frame
    let server = Server::start(Engine::Sqlite, &[("frame_bytes", "262144")]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let mut streams: Vec<String> = (0..1500).map(|n| format!("workspace:{n}")).collect();
    streams.push(format!("user:{}", ada.user_id()));
    let listing = Client::with_tokens(&server, &ada.tokens, json!({ "streams": streams })).await;
    let listed = listing.welcome["data"]["streams"].as_array().expect("streams");
    let names: Vec<&str> = listed
        .iter()
        .filter_map(|state| state["stream"].as_str())
        .collect();
    assert_eq!(names, streams);
    let reasons: Vec<&str> = listed
        .iter()
        .filter_map(|state| state["reason"].as_str())
        .collect();
    assert_eq!(reasons, [vec!["no_access"; 1500], vec!["new"]].concat());
}

async fn streams_of_others_are_not_found(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let strange = [
        format!("user:{}", ada.user_id()),
        format!("workspace:{}", ada.personal()),
        format!("workspace:{}", new_id()),
        format!("user:{}", new_id()),
        // an id of the other kind
        format!("workspace:{}", bob.user_id()),
        format!("user:{}", bob.personal()),
    ];
    for stream in &strange {
        for name in ["stream.subscribe", "stream.history"] {
            let error = bob.refused(name, json!({ "stream": stream })).await;
            assert_eq!(error["code"], "NOT_FOUND", "{name} {stream}");
        }
    }
    for wrong in ["", "user:", "project:1", "workspace:x"] {
        for name in ["stream.subscribe", "stream.unsubscribe", "stream.history"] {
            let error = bob.refused(name, json!({ "stream": wrong })).await;
            assert_eq!(
                (&error["code"], &error["field"]),
                (&json!("VALIDATION_ERROR"), &json!("stream"))
            );
        }
    }
    let listed = Client::with_tokens(&server, &bob.tokens, json!({ "streams": strange })).await;
    let states = listed.welcome["data"]["streams"]
        .as_array()
        .expect("streams")
        .clone();
    assert_eq!(
        pluck(&json!(states), "reason"),
        vec![json!("no_access"); strange.len()]
    );
    ada.ok("task.create", json!({ "title": "Unheard" })).await;
    let mine = bob.ok("task.create", json!({ "title": "Heard" })).await;
    let stream = format!("workspace:{}", bob.personal());
    assert_eq!(bob.next_of(&stream).await["data"], mine);
    for event in bob.events_so_far().await {
        assert!(!event.to_string().contains("Unheard"), "{event}");
    }
}
