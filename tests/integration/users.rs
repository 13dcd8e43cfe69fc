//! What administrators do to accounts: each act takes effect at once and is in the log of the user that it touches. And
//! plans: what an account may have.

use crate::on_both_databases;
use crate::presence::instances;
use crate::support::follower::text;
use crate::support::{Client, Engine, PASSWORD, PATIENCE, Server, audit, eventually, http, mails, new_id};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_databases!(
    an_administrator_makes_and_changes_accounts,
    whatever_an_administrator_does_to_an_account_is_in_its_log_with_who_did_it,
    a_deactivated_account_is_out_at_once_and_told_only_with_the_right_password,
    accounts_are_listed_in_pages_and_searched,
    the_last_administrator_stays_one_whoever_demotes_whom,
    a_plan_limits_workspaces_and_members_exactly
);

const OPERATOR: [(&str, &str); 2] = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];

/// The newest entry of a user's log.
async fn newest(client: &mut Client) -> Value {
    let log = json!({ "stream": format!("user:{}", client.user_id()), "limit": 500 });
    let log = client.ok("stream.history", log).await;
    log["events"]
        .as_array()
        .and_then(|events| events.last())
        .cloned()
        .expect("an event")
}

async fn an_administrator_makes_and_changes_accounts(engine: Engine) {
    let server = Server::start(engine, &OPERATOR).await;
    let mut op = Client::log_in(&server, "op").await;
    let (op_id, by) = (
        new_id(),
        json!({ "kind": "user", "id": op.user_id(), "name": "Administrator" }),
    );
    let create = json!({ "type": "admin.user.create", "id": 1, "op_id": op_id, "data": {
        "email": "ada@example.com", "name": "Ada", "password": PASSWORD, "plan": "pro",
    } });
    op.send(&create).await;
    let made = op.answer(1).await;
    assert_eq!(made["type"], "ok", "{made}");
    let ada = made["data"].clone();
    assert_eq!(
        json!([ada["username"], ada["role"], ada["plan"], ada["is_verified"]]),
        json!(["ada", "user", "pro", true])
    );
    op.send(&create).await;
    let again = op.answer(1).await;
    assert_eq!((&again["data"], &again["replayed"]), (&ada, &json!(true)));
    let mut client = Client::log_in(&server, "ada").await;
    let log = json!({ "stream": format!("user:{}", client.user_id()), "limit": 1 });
    let first = client.ok("stream.history", log).await;
    assert_eq!(
        (&first["events"][0]["event"], &first["events"][0]["actor"]),
        (&json!("access.granted"), &by)
    );

    // a change is told to the user, with who made it; a role takes effect at once
    let change =
        json!({ "id": ada["id"], "role": "admin", "name": "Ada Lovelace", "email": "countess@example.com" });
    let changed = op.ok("admin.user.update", change.clone()).await;
    let told = client.event("profile.updated").await;
    assert_eq!((&told["data"], &told["actor"]), (&changed, &by));
    assert_eq!(op.ok("admin.user.update", change).await, changed);
    eventually("an administrator", async || {
        (client.call("admin.user.list", json!({})).await["type"] == "ok").then_some(())
    })
    .await;
    audit::spread(&mut client).await;
    op.ok("admin.user.update", json!({ "id": ada["id"], "role": "user" }))
        .await;
    let made = json!({ "email": "eve@example.com", "name": "Eve", "password": PASSWORD });
    let refused = client.refused("admin.user.create", made).await;
    assert_eq!(refused["code"], "FORBIDDEN");

    let bob = json!({ "email": "bob@example.com", "name": "Bob" });
    let bob = op.ok("admin.user.create", bob).await;
    assert_eq!(bob["is_verified"], false);
    let mail = mails::nth(&server, 1, "bob@example.com", "An account was made for you").await;
    let own = json!({ "email": "bob@example.com", "code": mail.code(), "new_password": PASSWORD });
    assert_eq!(
        http::post(&server, "/v1/auth/reset-password", &own)
            .await
            .status(),
        200
    );
    let bob = Client::log_in(&server, "bob").await;
    assert_eq!(bob.welcome["data"]["user"]["is_verified"], true);

    op.ok("admin.user.unlock", json!({ "id": ada["id"] })).await;
    let last = newest(&mut client).await;
    assert_eq!(
        json!([last["event"], last["data"]["type"], last["actor"]]),
        json!(["notification.created", "SECURITY", by])
    );
    op.ok("admin.user.sign_out", json!({ "id": ada["id"] })).await;
    assert_eq!(client.until_closed().await.1, Some(4403));

    for (name, data, code, field) in [
        (
            "admin.user.create",
            json!({ "email": "countess@example.com", "name": "Ada", "password": PASSWORD }),
            "CONFLICT",
            "email",
        ),
        (
            "admin.user.update",
            json!({ "id": ada["id"], "email": "op@example.com" }),
            "CONFLICT",
            "email",
        ),
        (
            "admin.user.update",
            json!({ "id": new_id(), "plan": "pro" }),
            "NOT_FOUND",
            "id",
        ),
        ("admin.user.get", json!({ "id": new_id() }), "NOT_FOUND", "id"),
        ("admin.user.unlock", json!({ "id": new_id() }), "NOT_FOUND", "id"),
        (
            "admin.user.sign_out",
            json!({ "id": new_id() }),
            "NOT_FOUND",
            "id",
        ),
    ] {
        let refused = op.refused(name, data).await;
        assert_eq!(
            json!([refused["code"], refused["field"]]),
            json!([code, field]),
            "{name}"
        );
    }
}

/// Sends a request without a socket.
async fn rpc(server: &Server, client: &Client, name: &str, data: Value) {
    let frame = json!({ "type": name, "data": data });
    let request = http::request(server, Method::POST, "/v1/rpc");
    let request = request
        .bearer_auth(text(&client.tokens["access_token"]))
        .json(&frame);
    assert_eq!(request.send().await.expect("an answer").status(), 200, "{name}");
}

async fn whatever_an_administrator_does_to_an_account_is_in_its_log_with_who_did_it(engine: Engine) {
    let server = Server::start(engine, &OPERATOR).await;
    let mut op = Client::log_in(&server, "op").await;
    let by = json!({ "kind": "user", "id": op.user_id(), "name": "Administrator" });
    let mut ada = Client::sign_up(&server, "ada").await;
    let of = json!({ "id": ada.user_id() });
    let program = ada.ok("api_token.create", json!({ "name": "a program" })).await;
    let session = ada.welcome["data"]["session"]["id"].clone();
    op.ok("admin.user.update", json!({ "id": of["id"], "plan": "pro" }))
        .await;
    op.ok("admin.user.unlock", of.clone()).await;
    op.ok("admin.kick", json!({ "user_id": of["id"] })).await;
    let (frames, closed) = ada.until_closed().await;
    assert_eq!(closed, Some(4403));
    let told = frames.iter().any(|frame| frame["actor"] == by);
    assert!(told, "a socket is told before it closes: {frames:?}");
    let mut again = ada.another(&server).await;
    rpc(&server, &op, "admin.kick", json!({ "session_id": session })).await;
    assert_eq!(again.until_closed().await.1, Some(4403));
    op.ok("admin.kick", json!({ "session_id": program["id"] })).await;
    // what is nobody's has no log
    op.ok("admin.kick", json!({ "session_id": new_id() })).await;
    op.ok("admin.kick", json!({ "user_id": new_id() })).await;
    rpc(&server, &op, "admin.user.sign_out", of).await;

    let mut ada = Client::log_in(&server, "ada").await;
    let log = json!({ "stream": format!("user:{}", ada.user_id()), "limit": 500 });
    let log = ada.ok("stream.history", log).await;
    let events = log["events"].as_array().expect("events").iter();
    let by_op = events.filter(|event| event["actor"] == by);
    let told: Vec<Value> = by_op
        .map(|event| json!([event["event"], event["data"]["message"]]))
        .collect();
    let expected = [
        json!([
            "notification.created",
            "An administrator changed your account: your plan is pro"
        ]),
        json!(["profile.updated", null]),
        json!([
            "notification.created",
            "An administrator let you sign in again after failed sign-ins"
        ]),
        json!(["notification.created", "An administrator closed your connections"]),
        json!([
            "notification.created",
            "An administrator closed the connections of one of your sessions"
        ]),
        json!([
            "notification.created",
            "An administrator closed the connections of one of your sessions"
        ]),
        json!(["session.revoked", null]),
        json!(["profile.updated", null]),
    ];
    assert_eq!(told, expected, "{log}");
}

async fn a_deactivated_account_is_out_at_once_and_told_only_with_the_right_password(engine: Engine) {
    let server = Server::start(engine, &OPERATOR).await;
    let mut op = Client::log_in(&server, "op").await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let id = ada.user_id();
    op.ok("admin.user.update", json!({ "id": id, "is_active": false }))
        .await;
    assert_eq!(ada.until_closed().await.1, Some(4403));
    let mut nobody = Client::connect(&server).await;
    let login = |password: &str| json!({ "email": "ada@example.com", "password": password });
    let refused = nobody.refused("auth.login", login(PASSWORD)).await;
    assert_eq!(refused["code"], "ACCOUNT_INACTIVE");
    let refused = nobody.refused("auth.login", login("another one of these")).await;
    assert_eq!(refused["code"], "INVALID_CREDENTIALS");
    let token = json!({ "token": ada.tokens["access_token"] });
    assert_eq!(
        nobody.refused("auth", token.clone()).await["code"],
        "TOKEN_REVOKED"
    );
    op.ok("admin.user.update", json!({ "id": id, "is_active": true }))
        .await;
    assert_eq!(nobody.refused("auth", token).await["code"], "TOKEN_REVOKED");
    let mut back = Client::log_in(&server, "ada").await;
    assert_eq!(back.ok("profile.get", json!({})).await["is_active"], true);
}

async fn accounts_are_listed_in_pages_and_searched(engine: Engine) {
    let server = Server::start(engine, &OPERATOR).await;
    let mut op = Client::log_in(&server, "op").await;
    for name in ["ada", "bob", "grace", "heidi"] {
        Client::sign_up(&server, name).await.cut();
    }
    let page = op.ok("admin.user.list", json!({ "limit": 2 })).await;
    assert_eq!(page["total"], 5);
    let all = audit::pages(&mut op, "admin.user.list", json!({ "limit": 2 })).await;
    let names: Vec<String> = all.iter().map(|user| text(&user["username"])).collect();
    assert_eq!(names, ["op_", "ada", "bob", "grace", "heidi"]);
    for (q, found) in [
        ("ADA", vec!["ada"]),
        ("race", vec!["grace"]),
        ("HEIDI@example", vec!["heidi"]),
        ("administrator", vec!["op_"]),
        ("example.com", vec!["op_", "ada", "bob", "grace", "heidi"]),
        ("100%", vec![]),
    ] {
        let items = audit::pages(&mut op, "admin.user.list", json!({ "q": q, "limit": 2 })).await;
        let names: Vec<String> = items.iter().map(|user| text(&user["username"])).collect();
        assert_eq!(names, found, "{q}");
    }
    let one = op.ok("admin.user.get", json!({ "id": all[1]["id"] })).await;
    assert_eq!(one, all[1]);
}

async fn the_last_administrator_stays_one_whoever_demotes_whom(engine: Engine) {
    let server = Server::start(engine, &OPERATOR).await;
    let mut op = Client::log_in(&server, "op").await;
    let alone = json!({ "id": op.user_id(), "role": "user" });
    assert_eq!(op.refused("admin.user.update", alone).await["code"], "CONFLICT");
    let off = json!({ "id": op.user_id(), "is_active": false });
    assert_eq!(op.refused("admin.user.update", off).await["code"], "CONFLICT");
    let mut other = Client::sign_up(&server, "other").await;
    let ids = [op.user_id(), other.user_id()];
    let promote = |id: &str| json!({ "id": id, "role": "admin" });
    op.ok("admin.user.update", promote(&ids[1])).await;
    for round in 0..12 {
        for client in [&mut op, &mut other] {
            eventually("a socket that administers", async || {
                (client.call("admin.instances", json!({})).await["type"] == "ok").then_some(())
            })
            .await;
        }
        // each demotes the other, or itself
        let whom = if round % 2 == 0 { [1, 0] } else { [0, 1] };
        let demote = |n: usize| json!({ "id": ids[whom[n]], "role": "user" });
        let (first, second) = (
            op.ask("admin.user.update", demote(0)).await,
            other.ask("admin.user.update", demote(1)).await,
        );
        let answers = [op.answer(first).await, other.answer(second).await];
        let done = answers.iter().filter(|answer| answer["type"] == "ok").count();
        assert_eq!(done, 1, "{answers:?}");
        let stays = if answers[0]["type"] == "ok" {
            whom[1]
        } else {
            whom[0]
        };
        let (keeper, fallen) = if stays == 0 {
            (&mut op, &ids[1])
        } else {
            (&mut other, &ids[0])
        };
        keeper.ok("admin.user.update", promote(fallen)).await;
    }
}

async fn a_plan_limits_workspaces_and_members_exactly(engine: Engine) {
    let limits = [
        ("plan_free_workspaces", "3"),
        ("plan_free_members", "2"),
        ("plan_pro_members", "4"),
        ("workspaces_per_user", "6"),
    ];
    let settings: Vec<(&str, &str)> = OPERATOR.into_iter().chain(limits).collect();
    let server = Server::start(engine, &settings).await;
    let mut op = Client::log_in(&server, "op").await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for name in ["bob", "eve", "kim", "max"] {
        Client::sign_up(&server, name).await.cut();
    }
    let create = json!({ "name": "W" });
    // all or none, counted inside the batch too
    let ops = |number: usize| vec![json!({ "type": "workspace.create", "data": create }); number];
    let refused = ada.refused("batch", json!({ "ops": ops(4) })).await;
    assert_eq!(
        json!([refused["code"], refused["context"], refused["field"]]),
        json!(["PLAN_LIMIT", { "limit": 3, "setting": "plan_free_workspaces" }, "ops[3].data"])
    );
    assert!(text(&refused["message"]).contains('3'), "{refused}");
    // at once, by several sockets
    let mut sockets = Vec::new();
    for _ in 0..6 {
        sockets.push(ada.another(&server).await);
    }
    let mut asked = Vec::new();
    for socket in &mut sockets {
        asked.push(socket.ask("workspace.create", create.clone()).await);
    }
    let mut made = Vec::new();
    for (socket, id) in sockets.iter_mut().zip(asked) {
        let answer = socket.answer(id).await;
        match answer["type"].as_str() {
            Some("ok") => made.push(text(&answer["data"]["id"])),
            _ => assert_eq!(answer["error"]["code"], "PLAN_LIMIT"),
        }
    }
    assert_eq!(made.len(), 3);
    let add = |name: &str| json!({ "workspace_id": made[0], "username": name, "role": "member" });
    ada.ok("member.add", add("bob")).await;
    let refused = ada.refused("member.add", add("eve")).await;
    assert_eq!(
        json!([refused["code"], refused["context"]]),
        json!(["PLAN_LIMIT", { "limit": 2, "setting": "plan_free_members" }])
    );
    // another plan
    op.ok("admin.user.update", json!({ "id": ada.user_id(), "plan": "pro" }))
        .await;
    let both = ["eve", "kim", "max"].map(|name| json!({ "type": "member.add", "data": add(name) }));
    let results = ada.ok("batch", json!({ "ops": both, "atomic": false })).await;
    let refused = &results["results"][2]["error"];
    assert_eq!(
        refused["context"],
        json!({ "limit": 4, "setting": "plan_pro_members" }),
        "{results}"
    );
    // nobody is in more than six workspaces, whoever adds them and whatever the plan
    for _ in 0..2 {
        ada.ok("workspace.create", create.clone()).await;
    }
    let refused = ada.refused("workspace.create", create.clone()).await;
    assert_eq!(
        refused["context"],
        json!({ "limit": 6, "setting": "workspaces_per_user" }),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deactivation_closes_the_sockets_of_every_instance_within_a_second() {
    let servers = instances(2).await;
    let mut op = Client::log_in(&servers[0], "op").await;
    let ada = Client::sign_up(&servers[0], "ada").await;
    let mut there = ada.another(&servers[1]).await;
    there.ok("profile.get", json!({})).await;
    let begun = Instant::now();
    op.ok(
        "admin.user.update",
        json!({ "id": ada.user_id(), "is_active": false }),
    )
    .await;
    assert_eq!(there.until_closed().await.1, Some(4403));
    // a second, and another one for a busy machine
    assert!(
        begun.elapsed() < Duration::from_secs(2).min(PATIENCE),
        "{:?}",
        begun.elapsed()
    );
}
