//! Presence and typing: several sockets of a user are one presence, on one instance and on several. A presence ends
//! however its socket or instance ends.

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, PATIENCE, Server, Team, eventually, http};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_databases!(
    members_see_presences_begin_change_and_end,
    several_sockets_are_one_presence_and_one_socket_is_in_one_place,
    presence_ends_with_access_and_non_members_are_not_told,
    nobody_looks_at_a_task_that_is_deleted_for_good,
    a_page_that_is_loaded_again_does_not_leave,
    typing_is_passed_on_once_a_second_and_task,
    presence_needs_a_socket_a_member_and_a_task_of_the_workspace
);

/// The presences of a killed instance end within this time.
const MINUTE: Duration = Duration::from_mins(1);

/// User, state and task of a signal or of an item of the list.
fn look(of: &Value) -> Value {
    json!([of["user"]["username"], of["state"], of["task_id"]])
}

async fn changed(client: &mut Client) -> Value {
    let signal = client.signal("presence.changed").await;
    assert!(signal["data"]["since"].is_string(), "{signal}");
    look(&signal["data"])
}

async fn present(client: &mut Client, workspace: &str) -> Vec<Value> {
    let list = client
        .ok("presence.list", json!({ "workspace_id": workspace }))
        .await;
    list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(look)
        .collect()
}

async fn task(client: &mut Client, workspace: &str) -> String {
    let data = json!({ "workspace_id": workspace, "title": "Look at me" });
    text(&client.ok("task.create", data).await["id"])
}

/// How many signals have arrived, after a round trip.
async fn signals_so_far(client: &mut Client) -> usize {
    client.ok("profile.get", json!({})).await;
    client.waiting("signal")
}

async fn members_see_presences_begin_change_and_end(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut viewer,
        ..
    } = Team::gather(&server).await;
    let task = task(&mut owner, &workspace).await;
    assert_eq!(
        present(&mut owner, &workspace).await,
        Vec::<Value>::new(),
        "nobody has reported a presence"
    );

    let here = json!({ "workspace_id": workspace, "state": "online" });
    let said = viewer.ok("presence.set", here.clone()).await;
    assert_eq!(look(&said), json!(["viewer", "online", null]));
    for client in [&mut owner, &mut viewer] {
        assert_eq!(changed(client).await, json!(["viewer", "online", null]));
    }
    viewer.ok("presence.set", here).await; // the same again: no signal
    let there = json!({ "workspace_id": workspace, "state": "away", "task_id": task });
    viewer.ok("presence.set", there).await;
    assert_eq!(changed(&mut owner).await, json!(["viewer", "away", task]));
    assert_eq!(
        present(&mut owner, &workspace).await,
        [json!(["viewer", "away", task])]
    );

    viewer.cut();
    assert_eq!(changed(&mut owner).await, json!(["viewer", "offline", null]));
    assert_eq!(present(&mut owner, &workspace).await, Vec::<Value>::new());
}

async fn several_sockets_are_one_presence_and_one_socket_is_in_one_place(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut member,
        ..
    } = Team::gather(&server).await;
    let mut second = member.another(&server).await;
    let at = |state: &str| json!({ "workspace_id": workspace, "state": state });
    member.ok("presence.set", at("away")).await;
    assert_eq!(changed(&mut owner).await, json!(["member", "away", null]));
    second.ok("presence.set", at("online")).await;
    assert_eq!(changed(&mut owner).await, json!(["member", "online", null]));
    let said = member.ok("presence.set", at("away")).await;
    assert_eq!(
        said["state"], "online",
        "online when at least one socket is online"
    );
    second.cut();
    assert_eq!(changed(&mut owner).await, json!(["member", "away", null]));

    // present in another workspace: no longer in this one
    let personal = member.personal();
    let elsewhere = json!({ "workspace_id": personal, "state": "online" });
    member.ok("presence.set", elsewhere).await;
    assert_eq!(changed(&mut owner).await, json!(["member", "offline", null]));
    assert_eq!(
        present(&mut member, &personal).await,
        [json!(["member", "online", null])]
    );
}

async fn a_page_that_is_loaded_again_does_not_leave(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut member,
        ..
    } = Team::gather(&server).await;
    let here = json!({ "workspace_id": workspace, "state": "online" });
    let since = member.ok("presence.set", here.clone()).await["since"].clone();
    assert_eq!(changed(&mut owner).await, json!(["member", "online", null]));
    let tokens = member.tokens.clone();
    for _ in 0..2 {
        member.cut();
        member = Client::with_tokens(&server, &tokens, json!({})).await;
        assert_eq!(
            present(&mut member, &workspace).await,
            [json!(["member", "online", null])]
        );
        let said = member.ok("presence.set", here.clone()).await;
        assert_eq!(said["since"], since, "it never left");
    }
    assert_eq!(signals_so_far(&mut owner).await, 0, "others saw it leave");

    // it does not come back: the others see that a little later
    let left = Instant::now();
    member.cut();
    assert_eq!(changed(&mut owner).await, json!(["member", "offline", null]));
    assert!(left.elapsed() >= Duration::from_secs(4), "{:?}", left.elapsed());

    // who logs out does not come back
    let mut member = Client::with_tokens(&server, &tokens, json!({})).await;
    member.ok("presence.set", here).await;
    assert_eq!(changed(&mut owner).await, json!(["member", "online", null]));
    let left = Instant::now();
    member.ok("auth.logout", json!({})).await;
    assert_eq!(changed(&mut owner).await, json!(["member", "offline", null]));
    assert!(left.elapsed() < Duration::from_secs(4), "{:?}", left.elapsed());
}

async fn presence_ends_with_access_and_non_members_are_not_told(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut admin,
        mut member,
        ..
    } = Team::gather(&server).await;
    let here = json!({ "workspace_id": workspace, "state": "online" });
    member.ok("presence.set", here.clone()).await;
    assert_eq!(changed(&mut owner).await, json!(["member", "online", null]));
    changed(&mut member).await;
    let gone = json!({ "workspace_id": workspace, "user_id": member.user_id() });
    owner.ok("member.remove", gone).await;
    assert_eq!(changed(&mut owner).await, json!(["member", "offline", null]));
    member.event("access.lost").await;
    assert_eq!(
        member.refused("presence.set", here.clone()).await["code"],
        "NOT_FOUND"
    );
    admin.ok("presence.set", here).await;
    assert_eq!(changed(&mut owner).await, json!(["admin", "online", null]));
    assert_eq!(
        signals_so_far(&mut member).await,
        0,
        "a removed member got a signal"
    );
}

async fn nobody_looks_at_a_task_that_is_deleted_for_good(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut viewer,
        ..
    } = Team::gather(&server).await;
    let task = task(&mut owner, &workspace).await;
    let there = json!({ "workspace_id": workspace, "state": "online", "task_id": task });
    viewer.ok("presence.set", there.clone()).await;
    assert_eq!(changed(&mut owner).await, json!(["viewer", "online", task]));

    // who may read it may look at it: a deleted task too
    owner.ok("task.delete", json!({ "id": task })).await;
    assert_eq!(
        present(&mut owner, &workspace).await,
        [json!(["viewer", "online", task])]
    );
    owner
        .ok("task.delete", json!({ "id": task, "permanent": true }))
        .await;
    assert_eq!(changed(&mut owner).await, json!(["viewer", "online", null]));
    assert_eq!(
        present(&mut owner, &workspace).await,
        [json!(["viewer", "online", null])]
    );
    let failure = viewer.refused("presence.set", there).await;
    assert_eq!(
        (&failure["code"], &failure["field"]),
        (&json!("NOT_FOUND"), &json!("task_id"))
    );
}

async fn typing_is_passed_on_once_a_second_and_task(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut viewer,
        ..
    } = Team::gather(&server).await;
    let (one, other) = (
        task(&mut owner, &workspace).await,
        task(&mut owner, &workspace).await,
    );
    let begun = Instant::now();
    for _ in 0..20 {
        viewer.ok("presence.typing", json!({ "task_id": one })).await;
    }
    viewer.ok("presence.typing", json!({ "task_id": other })).await;
    let most = begun.elapsed().as_secs() as usize + 1;
    let mut tasks = Vec::new();
    while tasks.last() != Some(&other) {
        let signal = owner.signal("typing").await;
        assert_eq!(signal["data"]["user"]["username"], "viewer");
        assert_eq!(signal["data"]["workspace_id"], workspace);
        tasks.push(text(&signal["data"]["task_id"]));
    }
    let of_one = tasks.len() - 1;
    assert!((1..=most).contains(&of_one), "{of_one} signals in {most} s");
    let none = json!({ "task_id": crate::support::new_id() });
    assert_eq!(viewer.refused("presence.typing", none).await["code"], "NOT_FOUND");
}

async fn presence_needs_a_socket_a_member_and_a_task_of_the_workspace(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut viewer,
        ..
    } = Team::gather(&server).await;
    let mut stranger = Client::sign_up(&server, "stranger").await;
    let here = json!({ "workspace_id": workspace, "state": "online" });
    assert_eq!(
        stranger.refused("presence.set", here.clone()).await["code"],
        "NOT_FOUND"
    );

    // a task of another workspace, which the caller may read
    let personal = viewer.personal();
    let mine = task(&mut viewer, &personal).await;
    let wrong = json!({ "workspace_id": workspace, "state": "online", "task_id": mine });
    let failure = viewer.refused("presence.set", wrong).await;
    assert_eq!(
        (&failure["code"], &failure["field"]),
        (&json!("NOT_FOUND"), &json!("task_id"))
    );
    let wrong = json!({ "workspace_id": workspace, "state": "offline" });
    assert_eq!(viewer.refused("presence.set", wrong).await["field"], "state");

    // a socket that follows nothing may report a presence
    let mut blind = Client::with_tokens(&server, &viewer.tokens, json!({ "streams": [] })).await;
    blind.ok("presence.set", here.clone()).await;
    assert_eq!(changed(&mut owner).await, json!(["viewer", "online", null]));
    assert_eq!(signals_so_far(&mut blind).await, 0);

    // over HTTP there is no socket to hold a presence
    let rpc = async |name: &str, data: Value| {
        let body = json!({ "type": name, "id": 1, "data": data });
        let request = http::request(&server, reqwest::Method::POST, "/v1/rpc").json(&body);
        let token = owner.tokens["access_token"].as_str().expect("a token");
        let answer = request.bearer_auth(token).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    };
    let refused = rpc("presence.set", here.clone()).await;
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["field"]),
        (&json!("VALIDATION_ERROR"), &json!("type"))
    );
    let list = rpc("presence.list", json!({ "workspace_id": workspace })).await;
    assert_eq!(list["data"]["items"].as_array().map(Vec::len), Some(1), "{list}");
}

/// Instances on one PostgreSQL and the Redis of the test run.
pub async fn instances(n: usize) -> Vec<Server> {
    let redis = std::env::var("TASKWIRE_TEST_REDIS").expect("TASKWIRE_TEST_REDIS: ./tests/run starts one");
    let settings = [
        ("redis_url", redis.as_str()),
        ("jwt_secret", "a secret that all instances of a test share"),
        ("admin_email", "op@example.com"),
        ("admin_password", crate::support::PASSWORD),
    ];
    let first = Server::start(Engine::Postgres, &settings).await;
    let mut servers = vec![first];
    for _ in 1..n {
        servers.push(servers[0].beside(&[]));
    }
    servers
}

async fn sees(client: &mut Client, workspace: &str, wanted: &[Value], within: Duration) {
    let deadline = Instant::now() + within;
    loop {
        let seen = present(client, workspace).await;
        if seen == wanted {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{seen:?}, not {wanted:?}, after {within:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presence_and_typing_are_the_same_on_every_instance() {
    let servers = instances(2).await;
    let Team {
        workspace,
        mut owner,
        member,
        ..
    } = Team::gather(&servers[0]).await;
    let mut there = member.another(&servers[1]).await;
    let task = task(&mut owner, &workspace).await;
    let at = |state: &str| json!({ "workspace_id": workspace, "state": state, "task_id": task });
    // a note may be lost while an instance connects to Redis; it is repeated, so the signal still arrives
    there.ok("presence.set", at("away")).await;
    assert_eq!(eventual_change(&mut owner).await, json!(["member", "away", task]));
    let mut here = member.another(&servers[0]).await;
    here.ok("presence.set", at("online")).await;
    assert_eq!(
        eventual_change(&mut owner).await,
        json!(["member", "online", task])
    );
    sees(
        &mut there,
        &workspace,
        &[json!(["member", "online", task])],
        2 * PATIENCE,
    )
    .await;
    here.cut();
    assert_eq!(eventual_change(&mut owner).await, json!(["member", "away", task]));

    // typing reaches other instances too; it is not repeated
    eventually("typing on another instance is heard", async || {
        there.ok("presence.typing", json!({ "task_id": task })).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        signals_so_far(&mut owner).await;
        owner.took("typing")
    })
    .await;

    // a task that one instance deletes for good is in no presence of another
    let gone = self::task(&mut owner, &workspace).await;
    let look = json!({ "workspace_id": workspace, "state": "away", "task_id": gone });
    there.ok("presence.set", look).await;
    let seen = json!(["member", "away", gone]);
    sees(&mut owner, &workspace, &[seen], 2 * PATIENCE).await;
    owner
        .ok("task.delete", json!({ "id": gone, "permanent": true }))
        .await;
    let seen = json!(["member", "away", null]);
    sees(&mut there, &workspace, std::slice::from_ref(&seen), 2 * PATIENCE).await;
    sees(&mut owner, &workspace, &[seen], 2 * PATIENCE).await;
    there.ok("presence.set", at("away")).await;

    // an instance that starts later asks the others for presences
    let third = servers[0].beside(&[]);
    let mut late = member.another(&third).await;
    sees(
        &mut late,
        &workspace,
        &[json!(["member", "away", task])],
        2 * PATIENCE,
    )
    .await;
}

async fn eventual_change(client: &mut Client) -> Value {
    let deadline = Instant::now() + 2 * PATIENCE;
    loop {
        signals_so_far(client).await;
        if let Some(signal) = client.took("presence.changed") {
            return look(&signal["data"]);
        }
        assert!(Instant::now() < deadline, "no presence.changed arrived");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presences_of_an_instance_end_when_it_stops_and_within_a_minute_when_it_is_killed() {
    let mut servers = instances(3).await;
    let Team {
        workspace,
        mut owner,
        member,
        viewer,
        ..
    } = Team::gather(&servers[0]).await;
    let here = json!({ "workspace_id": workspace, "state": "online" });
    let mut stopped = viewer.another(&servers[1]).await;
    let mut killed = member.another(&servers[2]).await;
    stopped.ok("presence.set", here.clone()).await;
    killed.ok("presence.set", here).await;
    let name = |name: &str| json!([name, "online", null]);
    // ordered by user id: they signed up in this order
    sees(
        &mut owner,
        &workspace,
        &[name("member"), name("viewer")],
        2 * PATIENCE,
    )
    .await;

    servers[1].terminate();
    sees(&mut owner, &workspace, &[name("member")], PATIENCE).await;
    servers[2].kill();
    let begun = Instant::now();
    sees(&mut owner, &workspace, &[], MINUTE).await;
    println!("a killed instance's presences ended after {:?}", begun.elapsed());
    let mut last = Value::Null;
    while let Some(signal) = owner.took("presence.changed") {
        last = look(&signal["data"]);
    }
    assert_eq!(last, json!(["member", "offline", null]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presence_ends_on_every_instance_with_its_workspace() {
    let servers = instances(2).await;
    let Team {
        workspace,
        mut owner,
        member,
        ..
    } = Team::gather(&servers[0]).await;
    let place = owner
        .ok("workspace.create", json!({ "name": "Short-lived" }))
        .await["id"]
        .clone();
    let add = json!({ "workspace_id": place, "username": "member", "role": "member" });
    owner.ok("member.add", add).await;
    let mut there = member.another(&servers[1]).await;
    let set = json!({ "workspace_id": place, "state": "online" });
    there.ok("presence.set", set.clone()).await;
    let seen = json!(["member", "online", null]);
    let alone = std::slice::from_ref(&seen);
    sees(&mut owner, &text(&place), alone, 2 * PATIENCE).await;
    owner
        .ok("workspace.delete", json!({ "workspace_id": place }))
        .await;
    there.event("access.lost").await;
    for client in [&mut owner, &mut there] {
        let list = json!({ "workspace_id": place });
        assert_eq!(client.refused("presence.list", list).await["code"], "NOT_FOUND");
        assert_eq!(
            client.refused("presence.set", set.clone()).await["code"],
            "NOT_FOUND"
        );
        while let Some(signal) = client.took("presence.changed") {
            assert_eq!(signal["data"]["workspace_id"], place, "{signal}");
        }
    }
    // the socket is free to be elsewhere, and nobody hears of the old place any more
    let here = json!({ "workspace_id": workspace, "state": "online" });
    there.ok("presence.set", here).await;
    sees(&mut owner, &workspace, &[seen], 2 * PATIENCE).await;
    there.cut();
    sees(&mut owner, &workspace, &[], 2 * PATIENCE).await;
    while let Some(signal) = owner.took("presence.changed") {
        assert_eq!(signal["data"]["workspace_id"], workspace, "{signal}");
    }
}
