//! Server-sent events (`GET /v1/events`): what a socket gets, by another way. What is sent and where it continues; `ends` has
//! why it ends, `bounds` what one reader or many may take.

mod bounds;
mod ends;

use crate::on_both_databases;
use crate::support::events::{EventReader, ask};
use crate::support::fold::WorkspaceState;
use crate::support::follower::text;
use crate::support::{Client, Engine, Redis, Replica, Server, Team};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_databases!(
    a_reader_is_welcomed_and_gets_events_signals_and_heartbeats,
    it_continues_after_each_message_even_if_the_server_was_killed,
    an_old_snapshot_and_the_events_make_the_new_snapshot_however_often_it_is_cut,
    the_query_says_which_streams_are_followed,
    a_workspace_is_followed_as_long_as_its_reader_may_read_it,
    a_position_gives_nothing_that_its_reader_may_not_read,
);

/// How many tasks somebody makes around each crash.
const TASKS: usize = 40;
/// Actions while a reader is cut again and again.
const ACTIONS: usize = 120;

async fn create(client: &mut Client, title: &str) {
    client.ok("task.create", json!({ "title": title })).await;
}

async fn a_reader_is_welcomed_and_gets_events_signals_and_heartbeats(engine: Engine) {
    let server = Server::start(engine, &[("heartbeat_seconds", "1")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut reader = EventReader::open(&server, &ada.tokens).await;
    assert_eq!(reader.header("content-type"), Some("text/event-stream"));
    assert_eq!(reader.header("cache-control"), Some("no-store"));
    assert_eq!(reader.header("x-accel-buffering"), Some("no"));
    let (welcome, socket) = (&reader.welcome["data"], &ada.welcome["data"]);
    for field in [
        "protocol",
        "revision",
        "epoch",
        "user",
        "session",
        "heartbeat_ms",
        "limits",
    ] {
        assert_eq!(welcome[field], socket[field], "{field}");
    }
    assert_eq!(welcome["streams"].as_array().map(Vec::len), Some(2));

    create(&mut ada, "Plums").await;
    let event = reader.named("task.created").await;
    assert_eq!(
        event,
        ada.event("task.created").await,
        "the same frame as on a socket"
    );

    let home = ada.personal();
    let present = json!({ "workspace_id": home, "state": "online" });
    ada.ok("presence.set", present).await;
    let mut heartbeats = 0;
    let mut has_signal = false;
    while heartbeats < 2 || !has_signal {
        let message = reader.next().await.expect("another message");
        heartbeats += usize::from(message.name == ":");
        has_signal |= message.data["signal"] == "presence.changed";
    }
}

/// The events that a reader gets until each stream is where its history ends.
async fn until_head(
    reader: &mut EventReader,
    seqs: &mut BTreeMap<String, Vec<u64>>,
    heads: &BTreeMap<String, u64>,
) {
    let is_behind = |seqs: &BTreeMap<String, Vec<u64>>| {
        let last = |stream: &String| seqs.get(stream).and_then(|seqs| seqs.last().copied());
        heads.iter().any(|(stream, head)| last(stream) < Some(*head))
    };
    while is_behind(seqs) {
        take(reader, seqs).await;
    }
}

/// Takes one event; its stream has all before it.
async fn take(reader: &mut EventReader, seqs: &mut BTreeMap<String, Vec<u64>>) {
    let event = reader.event().await;
    let of_stream = seqs.entry(text(&event["stream"])).or_default();
    let seq = event["seq"].as_u64().expect("a seq");
    let before = of_stream.last().copied();
    assert!(
        before.is_none_or(|before| before + 1 == seq),
        "after {before:?}: {event}"
    );
    of_stream.push(seq);
}

async fn it_continues_after_each_message_even_if_the_server_was_killed(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let tokens = ada.tokens.clone();
    let mut reader = EventReader::open(&server, &tokens).await;
    let mut seqs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for state in reader.welcome["data"]["streams"].as_array().expect("streams") {
        let head = state["seq"].as_u64().expect("a seq");
        seqs.insert(text(&state["stream"]), vec![head]);
    }
    for round in 0..3 {
        // some are sent, some are only committed, some are lost
        for n in 0..TASKS {
            ada.ask("task.create", json!({ "title": format!("{round} {n}") }))
                .await;
        }
        for _ in 0..TASKS / 2 + round {
            take(&mut reader, &mut seqs).await;
        }
        server.kill();
        server.spawn();
        ada = Client::with_tokens(&server, &tokens, json!({})).await;
        let last = reader.last.clone();
        reader = EventReader::after(&server, &tokens, &last).await;
        assert!(reader.is_resumed(), "{}", reader.welcome);
        create(&mut ada, &format!("after {round}")).await;
    }
    let again = Client::with_tokens(&server, &tokens, json!({})).await;
    let streams = again.welcome["data"]["streams"].as_array().expect("streams");
    let head = |state: &Value| (text(&state["stream"]), state["seq"].as_u64().expect("a seq"));
    let heads = streams.iter().map(head).collect();
    until_head(&mut reader, &mut seqs, &heads).await;
    // the query is as good as the header, and the header counts before it
    for query in [
        format!("?position={}", reader.last),
        "?position=nonsense".to_owned(),
    ] {
        let last = query.ends_with("nonsense").then_some(reader.last.as_str());
        let mut other = EventReader::opened(&server, &tokens, &query, last).await;
        assert!(other.is_resumed(), "{}", other.welcome);
        create(&mut ada, "The next one").await;
        take(&mut other, &mut seqs).await;
        take(&mut reader, &mut BTreeMap::new()).await;
        assert_eq!(other.last, reader.last, "both are at the same position");
    }
}

/// What somebody does in a team of which the reader is.
async fn act(team: &mut Team, random: &mut StdRng, tasks: &mut Vec<String>, n: usize) {
    let place = team.workspace.clone();
    let task = (!tasks.is_empty()).then(|| tasks[random.random_range(0..tasks.len())].clone());
    let (owner, user) = (&mut team.owner, team.member.user_id());
    match (random.random_range(0..10), task) {
        (0, Some(task)) => drop(owner.call("task.complete", json!({ "id": task })).await),
        (1, Some(task)) => drop(owner.call("task.delete", json!({ "id": task })).await),
        (2, Some(task)) => drop(
            owner
                .call("comment.create", json!({ "task_id": task, "body": "So." }))
                .await,
        ),
        (3, Some(task)) => {
            let assigned = json!({ "id": task, "add": [user] });
            owner.call("task.assign", assigned).await;
        }
        (4, _) => {
            let renamed = json!({ "workspace_id": place, "name": format!("Team {n}") });
            owner.ok("workspace.update", renamed).await;
        }
        (5, _) => {
            let made = owner
                .ok("workspace.create", json!({ "name": format!("Other {n}") }))
                .await;
            let added = json!({ "workspace_id": made["id"], "username": "member", "role": "viewer" });
            owner.ok("member.add", added).await;
            let task = json!({ "workspace_id": made["id"], "title": format!("There {n}") });
            owner.ok("task.create", task).await;
            if random.random() {
                let removed = json!({ "workspace_id": made["id"], "user_id": user });
                owner.ok("member.remove", removed).await;
            }
        }
        _ => {
            let task = json!({ "workspace_id": place, "title": format!("Task {n}"), "tags": ["a"] });
            tasks.push(text(&owner.ok("task.create", task).await["id"]));
        }
    }
}

/// Takes a whole snapshot of a workspace, if it may still be read.
async fn sync(client: &mut Client, replica: &mut Replica, workspace: &str) {
    let mut asked = json!({ "workspace_id": workspace });
    loop {
        let answer = client.call("workspace.sync", asked.clone()).await;
        if answer["type"] == "error" {
            assert_eq!(answer["error"]["code"], "NOT_FOUND", "{answer}");
            return;
        }
        let Some(cursor) = replica.take_page(workspace, &answer["data"]) else {
            return;
        };
        asked["cursor"] = cursor;
    }
}

/// Everything that somebody may read, by snapshots.
async fn whole(client: &mut Client) -> Replica {
    let mut replica = Replica::of(client.user_id());
    replica.take_user(&client.ok("user.sync", json!({})).await);
    let workspaces: Vec<String> = replica.workspaces().keys().cloned().collect();
    for workspace in workspaces {
        sync(client, &mut replica, &workspace).await;
    }
    replica
}

/// Applies the events of a reader up to the task with this title. What a snapshot has already comes again.
async fn apply_until(
    reader: &mut EventReader,
    client: &mut Client,
    replica: &mut Replica,
    title: &str,
    most: usize,
) -> bool {
    for _ in 0..most {
        let event = reader.event().await;
        let had = replica.positions.get(&text(&event["stream"])).copied();
        if event["seq"].as_u64() > had
            && let Some(workspace) = replica.apply(&event)
        {
            sync(client, replica, &workspace).await;
        }
        if event["data"]["title"] == title {
            return true;
        }
    }
    false
}

async fn an_old_snapshot_and_the_events_make_the_new_snapshot_however_often_it_is_cut(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let tokens = team.member.tokens.clone();
    // only its answers count: it follows nothing
    let mut asks = Client::with_tokens(&server, &tokens, json!({ "streams": [] })).await;
    let mut random = StdRng::seed_from_u64(42);
    let mut tasks = Vec::new();
    let mut reader = EventReader::open(&server, &tokens).await;
    let mut replica = whole(&mut asks).await;
    let (mut done, mut cuts) = (0, 0);
    while done < ACTIONS {
        for _ in 0..random.random_range(0..8) {
            act(&mut team, &mut random, &mut tasks, done).await;
            done += 1;
        }
        let place = json!(team.workspace);
        let title = format!("Marker {cuts}");
        let marker = json!({ "workspace_id": place, "title": title });
        team.owner.ok("task.create", marker).await;
        // cut before, in the middle of, or after what was done
        let most = random.random_range(0..30);
        apply_until(&mut reader, &mut asks, &mut replica, &title, most).await;
        reader = EventReader::after(&server, &tokens, &reader.last).await;
        for state in reader.welcome["data"]["streams"].as_array().expect("streams") {
            let is_known = state["resumed"] == true || state["reason"] == "new";
            assert!(is_known, "{state}");
            // a client that was told of the access continues there
            let had = replica.positions.contains_key(&text(&state["stream"]));
            assert!(state["resumed"] == true || !had, "{state}");
        }
        cuts += 1;
    }
    let end = json!({ "title": "The end" });
    team.member.ok("task.create", end).await;
    assert!(apply_until(&mut reader, &mut asks, &mut replica, "The end", 10_000).await);
    // the streams have no order among each other: wait for each
    let mut fresh = whole(&mut asks).await;
    for (stream, seq) in &fresh.positions {
        while replica.positions.get(stream) < Some(seq) {
            apply_until(&mut reader, &mut asks, &mut replica, "", 1).await;
        }
    }
    for boards in [&mut replica.boards, &mut fresh.boards] {
        boards.values_mut().for_each(WorkspaceState::forget_role);
    }
    assert_eq!(replica.boards, fresh.boards);
    assert_eq!(replica.workspaces_by_name(), fresh.workspaces_by_name());
    assert_eq!(replica.notifications(), fresh.notifications());
    assert!(cuts > 10 && fresh.boards.len() > 2, "{cuts} cuts prove little");
}

async fn the_query_says_which_streams_are_followed(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (tokens, stream) = (team.member.tokens.clone(), team.stream());
    let stranger = Client::sign_up(&server, "stranger").await;
    let other = format!("workspace:{}", stranger.personal());
    let query = format!("?_=1&streams={},{other},nonsense", stream.replace(':', "%3A"));
    let mut reader = EventReader::opened(&server, &tokens, &query, None).await;
    assert_eq!(reader.stream(&stream)["reason"], "new");
    for name in [other.as_str(), "nonsense"] {
        assert_eq!(reader.stream(name)["reason"], "no_access", "{name}");
    }
    let mut none = EventReader::opened(&server, &tokens, "?streams=", None).await;
    assert_eq!(none.welcome["data"]["streams"], json!([]));

    create(&mut team.member, "At home").await;
    let task = json!({ "workspace_id": team.workspace, "title": "In the team" });
    team.owner.ok("task.create", task).await;
    assert_eq!(reader.event().await["data"]["title"], "In the team");
    // the session is looked after whatever is followed
    team.member.ok("auth.logout", json!({})).await;
    assert_eq!(none.closed().await, (vec![], 4403));
    assert_eq!(reader.closed().await.1, 4403);
}

async fn a_workspace_is_followed_as_long_as_its_reader_may_read_it(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let bob = Client::sign_up(&server, "bob").await;
    let mut reader = EventReader::open(&server, &bob.tokens).await;
    let place = ada.ok("workspace.create", json!({ "name": "New" })).await["id"].clone();
    let stream = format!("workspace:{}", text(&place));
    let added = json!({ "workspace_id": place, "username": "bob", "role": "viewer" });
    ada.ok("member.add", added.clone()).await;
    let granted = reader.named("access.granted").await;
    // it breaks off right there: the position has the workspace
    let mut after = EventReader::after(&server, &bob.tokens, &reader.last).await;
    for title in ["One", "Two"] {
        ada.ok("task.create", json!({ "workspace_id": place, "title": title }))
            .await;
    }
    let late = EventReader::after(&server, &bob.tokens, &after.last).await;
    for (which, each) in [&mut reader, &mut after, &mut { late }].into_iter().enumerate() {
        if which > 0 {
            assert!(each.stream(&stream)["resumed"] == true, "{}", each.welcome);
        }
        let events = each.until_task("Two").await;
        let of_it: Vec<&Value> = events.iter().filter(|event| event["stream"] == *stream).collect();
        let first = granted["data"]["seq"].as_u64().expect("a seq") + 1;
        assert_eq!(of_it[0]["seq"], first, "{which}: {of_it:?}");
        assert!(
            of_it
                .windows(2)
                .all(|two| two[0]["seq"].as_u64().map(|seq| seq + 1) == two[1]["seq"].as_u64())
        );
    }

    let removed = json!({ "workspace_id": place, "user_id": bob.user_id() });
    ada.ok("member.remove", removed).await;
    reader.named("access.lost").await;
    let left = reader.last.clone();
    ada.ok("task.create", json!({ "workspace_id": place, "title": "Secret" }))
        .await;
    ada.ok("member.add", added).await;
    let events = [reader.named("access.granted").await];
    assert!(
        events.iter().all(|event| event["stream"] != *stream),
        "{events:?}"
    );
    // the position from before does not name it any more
    let again = EventReader::after(&server, &bob.tokens, &left).await;
    assert_eq!(again.stream(&stream)["reason"], "new", "{}", again.welcome);
}

async fn a_position_gives_nothing_that_its_reader_may_not_read(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut eve = Client::sign_up(&server, "eve").await;
    let mut reader = EventReader::open(&server, &ada.tokens).await;
    create(&mut ada, "Private").await;
    reader.named("task.created").await;
    let (own, home) = (
        format!("user:{}", ada.user_id()),
        format!("workspace:{}", ada.personal()),
    );
    for query in [String::new(), format!("?streams={own},{home}")] {
        let mut thief = EventReader::opened(&server, &eve.tokens, &query, Some(&reader.last)).await;
        let streams = thief.welcome["data"]["streams"]
            .as_array()
            .expect("streams")
            .clone();
        let reason = if query.is_empty() { "new" } else { "no_access" };
        assert!(
            streams.iter().all(|state| state["reason"] == reason),
            "{streams:?}"
        );
        create(&mut ada, "Also private").await;
        create(&mut eve, "Eve's").await;
        if query.is_empty() {
            let events = thief.until_task("Eve's").await;
            let theirs = |event: &Value| event["stream"] == own || event["stream"] == home;
            assert!(!events.iter().any(theirs), "{events:?}");
        }
    }
    for (query, last, field) in [
        ("?position=42", None, "position"),
        ("?position=AQ", None, "position"),
        ("", Some("workspace:1"), "Last-Event-ID"),
        ("?position=", Some("AQEBAQ"), "Last-Event-ID"),
    ] {
        let answer = ask(&server, &text(&ada.tokens["access_token"]), query, last).await;
        assert_eq!(answer.status(), 422);
        let error = answer.json().await.expect("JSON")["error"].clone();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!(field))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_is_good_on_every_instance() {
    let redis = Redis::start().await;
    let url = format!("redis://{}", redis.address);
    let servers = Server::start_several(2, &[("redis_url", &url)]).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let mut reader = EventReader::open(&servers[0], &ada.tokens).await;
    let home = format!("workspace:{}", ada.personal());
    for n in 0..20 {
        create(&mut ada, &n.to_string()).await;
        reader.until_task(&n.to_string()).await;
        create(&mut ada, &format!("{n} while away")).await;
        // from one instance to the other, and what is committed there arrives here
        let there = &servers[(n + 1) % 2];
        reader = EventReader::after(there, &ada.tokens, &reader.last).await;
        assert!(reader.is_resumed(), "{}", reader.welcome);
        let events = reader.until_task(&format!("{n} while away")).await;
        let of_home = events.iter().filter(|event| event["stream"] == home);
        assert_eq!(of_home.count(), 1, "{events:?}");
    }
}
