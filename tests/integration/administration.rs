//! Instances, sockets and kicks, on one instance and on several, with Redis and without; and the operator's commands.

use crate::on_both_databases;
use crate::presence::instances;
use crate::support::follower::text;
use crate::support::{Client, Engine, PASSWORD, PATIENCE, Server, eventually, http};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_databases!(
    an_administrator_sees_instances_and_sockets_and_kicks_them,
    an_operator_changes_accounts_from_the_command_line,
    what_an_operator_does_to_an_account_is_in_its_log_with_who_did_it,
    a_new_epoch_makes_clients_sync_again
);

const OPERATOR: [(&str, &str); 2] = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_start_together_run_and_make_one_administrator() {
    let first = Server::prepare(Engine::Postgres, &OPERATOR).await;
    // migrate first, so that all instances try to make the account at the same time
    assert_eq!(first.run(&["migrate"]).0, Some(0));
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..4).map(|_| scope.spawn(|| first.beside(&[]))).collect();
        let started = starting.into_iter().map(std::thread::ScopedJoinHandle::join);
        started.map(|one| one.expect("an instance that starts")).collect()
    });
    let made = servers.iter().map(Server::log);
    let made: String = made.collect();
    assert_eq!(
        made.matches("made the account of admin_email").count(),
        1,
        "{made}"
    );
    for server in &servers {
        let login = json!({ "email": OPERATOR[0].1, "password": PASSWORD });
        let answer = http::post(server, "/v1/auth/login", &login).await;
        assert_eq!(answer.status(), 200);
    }
}

/// An administrator who took another address must not come back with the password of the settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_administrator_of_the_settings_is_made_only_where_there_is_none() {
    let mut server = Server::start(Engine::Sqlite, &OPERATOR).await;
    let mut operator = Client::log_in(&server, "op").await;
    let id = operator.user_id();
    operator
        .ok(
            "admin.user.update",
            json!({ "id": id, "email": "moved@example.com" }),
        )
        .await;
    assert_eq!(server.terminate(), Some(0));
    server.spawn();
    let login = json!({ "email": OPERATOR[0].1, "password": PASSWORD });
    let answer = http::post(&server, "/v1/auth/login", &login).await;
    assert_eq!(answer.status(), 401);
    Client::log_in(&server, "moved").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_enough_for_an_account() {
    let server = Server::prepare(Engine::Sqlite, &[]).await;
    let long = format!("{}@{}.example.com", "a".repeat(64), "b".repeat(63));
    for email in ["c@b.cd", "é@b.cd", &long] {
        let (code, told) = server.run(&["admin", "create-user", email]);
        assert_eq!(code, Some(0), "{email}: {told}");
    }
    // a name that somebody gave must be one
    let (code, told) = server.run(&["admin", "create-user", "d@b.cd", "--name", "d"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("name must be"), "{told}");
}

async fn connections(operator: &mut Client, of: Option<&str>) -> Value {
    operator
        .ok("admin.connections", json!({ "user_id": of, "limit": 100 }))
        .await
}

fn users(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| text(&item["user"]["username"])).collect()
}

async fn an_administrator_sees_instances_and_sockets_and_kicks_them(engine: Engine) {
    let server = Server::start(engine, &OPERATOR).await;
    let mut operator = Client::log_in(&server, "op").await;
    let listed = operator.ok("admin.instances", json!({})).await;
    let items = listed["items"].as_array().expect("items");
    assert_eq!(items.len(), 1, "{listed}");
    assert_eq!(
        (&items[0]["current"], &items[0]["sockets"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(items[0]["version"], env!("CARGO_PKG_VERSION"));

    let ada = Client::sign_up(&server, "ada").await;
    let client = json!({ "client": { "name": "tw", "version": "9.9" } });
    let mut named = Client::with_tokens(&server, &ada.tokens, client).await;
    let mut other = Client::log_in(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let page = connections(&mut operator, None).await;
    assert_eq!(users(&page).len(), 5, "{page}");
    assert_eq!((&page["total"], &page["unanswered"]), (&json!(5), &json!([])));
    let page = connections(&mut operator, Some(&ada.user_id())).await;
    assert_eq!(
        (users(&page), &page["total"]),
        (vec!["ada".to_owned(); 3], &json!(3))
    );
    let clients: Vec<&Value> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|i| &i["client"])
        .collect();
    assert_eq!(clients, [&Value::Null, &json!("tw/9.9"), &Value::Null]);
    assert_eq!(page["items"][0]["address"], "127.0.0.1");
    assert_eq!(page["items"][0]["instance"]["id"], items[0]["id"]);

    // the same list in pages
    let (mut seen, mut cursor) = (0, Value::Null);
    loop {
        let page = operator
            .ok("admin.connections", json!({ "limit": 2, "cursor": cursor }))
            .await;
        seen += users(&page).len();
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, 5);

    // kick a session, then a user
    let session = other.welcome["data"]["session"]["id"].clone();
    operator.ok("admin.kick", json!({ "session_id": session })).await;
    assert_eq!(other.until_closed().await.1, Some(4403));
    named.ok("profile.get", json!({})).await;
    operator
        .ok("admin.kick", json!({ "user_id": ada.user_id() }))
        .await;
    assert_eq!(named.until_closed().await.1, Some(4403));
    bob.ok("profile.get", json!({})).await;
    drop(named.another(&server).await); // a kick is not a ban: the user may reconnect

    for wrong in [
        json!({}),
        json!({ "user_id": ada.user_id(), "session_id": session }),
    ] {
        assert_eq!(
            operator.refused("admin.kick", wrong).await["code"],
            "VALIDATION_ERROR"
        );
    }
    for (field, value) in [("limit", json!(0)), ("limit", json!(101)), ("cursor", json!("x"))] {
        let failure = operator
            .refused("admin.connections", json!({ field: value }))
            .await;
        assert_eq!(
            (&failure["code"], &failure["field"]),
            (&json!("VALIDATION_ERROR"), &json!(field))
        );
    }
}

/// Asserts that the socket is closed with 4403 within `within`.
async fn is_kicked(client: &mut Client, begun: Instant, within: Duration) {
    let (_, code) = client.until_closed().await;
    assert_eq!(code, Some(4403));
    let took = begun.elapsed();
    assert!(took < within, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_a_kick_reaches_other_instances_through_the_database() {
    let mut settings = vec![("jwt_secret", "a secret that all instances of a test share")];
    settings.extend(OPERATOR);
    let first = Server::start(Engine::Postgres, &settings).await;
    let second = first.beside(&[("instance", "second")]);
    let mut operator = Client::log_in(&first, "op").await;
    let ada = Client::sign_up(&first, "ada").await;
    let mut there = ada.another(&second).await;
    let id = eventually("both instances are known", async || {
        let listed = operator.ok("admin.instances", json!({})).await;
        let items = listed["items"].as_array().expect("items").clone();
        let second = items.iter().find(|item| item["name"] == "second");
        second.map(|second| second["id"].clone())
    })
    .await;
    // an instance reads the kicks every two seconds; the rest is for a busy machine
    let begun = Instant::now();
    operator
        .ok("admin.kick", json!({ "user_id": ada.user_id() }))
        .await;
    is_kicked(&mut there, begun, Duration::from_secs(6)).await;
    // a user who reconnects stays: a kick is carried out once
    let mut back = ada.another(&second).await;
    let third = first.beside(&[]);
    let mut elsewhere = ada.another(&third).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    back.ok("profile.get", json!({})).await;
    elsewhere.ok("profile.get", json!({})).await;
    // without Redis no other instance can be asked: the answer names those whose sockets are missing
    let page = connections(&mut operator, Some(&ada.user_id())).await;
    let unanswered: Vec<&Value> = page["unanswered"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|i| &i["id"])
        .collect();
    assert!(unanswered.contains(&&id), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_sockets_of_all_instances_are_listed_and_kicked_at_once() {
    let mut servers = instances(3).await;
    let mut operator = Client::log_in(&servers[0], "op").await;
    let ada = Client::sign_up(&servers[0], "ada").await;
    let mut sockets = Vec::new();
    for n in 0..40 {
        sockets.push(ada.another(&servers[n % 3]).await);
    }
    let id = ada.user_id();
    eventually("every instance answers", async || {
        let page = connections(&mut operator, Some(&id)).await;
        let complete = page["total"] == 41 && page["unanswered"] == json!([]);
        let listed = operator.ok("admin.instances", json!({})).await;
        (complete && listed["items"].as_array().map(Vec::len) == Some(3)).then_some(())
    })
    .await;
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let asked = json!({ "user_id": id, "limit": 7, "cursor": cursor });
        let page = operator.ok("admin.connections", asked).await;
        for item in page["items"].as_array().expect("items") {
            seen.push(text(&item["instance"]["id"]));
        }
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 41);
    seen.dedup();
    assert_eq!(
        seen.len(),
        3,
        "the sockets of all three instances, ordered by instance"
    );

    // mostly faster than through the database, which is read every two seconds
    let begun = Instant::now();
    operator.ok("admin.kick", json!({ "user_id": id })).await;
    for socket in &mut sockets {
        is_kicked(socket, begun, Duration::from_secs(2)).await;
    }

    servers[2].kill();
    let page = connections(&mut operator, None).await;
    assert_eq!(page["unanswered"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!(servers[1].terminate(), Some(0));
    eventually("a list without the instance that was stopped", async || {
        let listed = operator.ok("admin.instances", json!({})).await;
        (listed["items"].as_array().map(Vec::len) == Some(2)).then_some(())
    })
    .await;
}

async fn an_operator_changes_accounts_from_the_command_line(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let promote = ["admin", "set-role", "ADA@example.com", "admin"];
    if engine == Engine::Sqlite {
        let (code, said) = server.run(&promote);
        assert_eq!(code, Some(1));
        assert!(said.contains("stop the server first"), "{said}");
        server.terminate();
        assert_eq!(server.run(&promote).0, Some(0));
        server.spawn();
        ada = ada.another(&server).await;
        let own = ada
            .ok(
                "stream.history",
                json!({ "stream": format!("user:{}", ada.user_id()), "after": 0 }),
            )
            .await;
        let last = own["events"]
            .as_array()
            .and_then(|events| events.last().cloned())
            .expect("an event");
        assert_eq!(
            (&last["event"], &last["data"]["role"]),
            (&json!("profile.updated"), &json!("admin"))
        );
        assert_eq!(last["actor"], json!({ "kind": "operator" }));
    } else {
        assert_eq!(server.run(&promote).0, Some(0));
        let told = ada.event("profile.updated").await;
        assert_eq!(
            (&told["data"]["role"], &told["data"]["version"]),
            (&json!("admin"), &json!(2))
        );
        assert_eq!(told["actor"], json!({ "kind": "operator" }));
    }
    eventually("a socket that may administer the server", async || {
        (ada.call("admin.instances", json!({})).await["type"] == "ok").then_some(())
    })
    .await;
    let (code, said) = server.run(&["admin", "set-role", "nobody@example.com", "user"]);
    assert_eq!(code, Some(1));
    if engine == Engine::Postgres {
        assert!(said.contains("no such account"), "{said}");
        assert_eq!(server.run(&promote).0, Some(0), "a repeated command must succeed");
        assert_eq!(
            server.run(&["admin", "create-user", "eve@example.com"]).0,
            Some(0)
        );
        assert_eq!(
            server.run(&["admin", "create-user", "eve@example.com"]).0,
            Some(1)
        );
        assert_eq!(
            server.run(&["admin", "reset-password", "ada@example.com"]).0,
            Some(0)
        );
        let begun = Instant::now();
        assert_eq!(
            ada.until_closed().await.1,
            Some(4403),
            "the user is signed out everywhere"
        );
        assert!(begun.elapsed() < PATIENCE);
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        let mut nobody = Client::connect(&server).await;
        assert_eq!(
            nobody.refused("auth.login", login).await["code"],
            "INVALID_CREDENTIALS"
        );
    }
}

async fn what_an_operator_does_to_an_account_is_in_its_log_with_who_did_it(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    http::sign_up(&server, "ada").await;
    assert_eq!(server.terminate(), Some(0));
    let run = |command: &str, rest: &[&str]| {
        let (code, said) = server.run(&[&["admin", command], rest].concat());
        assert_eq!(code, Some(0), "{said}");
        said
    };
    let made = run("create-user", &["eve@example.com"]);
    run("set-role", &["ada@example.com", "admin"]);
    let reset = run("reset-password", &["ada@example.com"]);
    server.spawn();
    for (name, said, expected) in [
        ("eve", made, &["access.granted", "notification.created"][..]),
        (
            "ada",
            reset,
            &[
                "notification.created",
                "profile.updated",
                "profile.updated",
                "session.revoked",
                "notification.created",
            ],
        ),
    ] {
        let password = said.lines().find_map(|line| line.strip_prefix("password: "));
        let login = json!({
            "email": format!("{name}@example.com"), "password": password.expect("a password"), "token_delivery": "body",
        });
        let tokens = http::post(&server, "/v1/auth/login", &login).await;
        let mut client = Client::with_tokens(&server, &tokens.json().await.expect("tokens"), json!({})).await;
        let log = json!({ "stream": format!("user:{}", client.user_id()), "limit": 500 });
        let log = client.ok("stream.history", log).await;
        let events = log["events"].as_array().expect("events").iter();
        let by_operator = events.filter(|event| event["actor"] == json!({ "kind": "operator" }));
        let told: Vec<&Value> = by_operator.map(|event| &event["event"]).collect();
        assert_eq!(told, expected, "{log}");
    }
}

async fn a_new_epoch_makes_clients_sync_again(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let own = format!("user:{}", ada.user_id());
    let positions = json!({ "epoch": ada.welcome["data"]["epoch"], "positions": { own.clone(): 1 } });
    let resume = json!({ "streams": [own], "resume": positions });
    let again = Client::with_tokens(&server, &ada.tokens, resume.clone()).await;
    assert_eq!(again.welcome["data"]["streams"][0]["resumed"], true);
    server.terminate();
    assert_eq!(server.run(&["admin", "new-epoch"]).0, Some(0));
    server.spawn();
    let again = Client::with_tokens(&server, &ada.tokens, resume).await;
    assert_eq!(again.welcome["data"]["streams"][0]["reason"], "epoch");
    assert_ne!(again.welcome["data"]["epoch"], ada.welcome["data"]["epoch"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_epoch_ends_an_instance_of_the_earlier_one() {
    let mut server = Server::start(Engine::Postgres, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    assert_eq!(server.run(&["admin", "new-epoch"]).0, Some(0));
    let (frames, code) = ada.until_closed().await;
    let goodbye = frames.iter().any(|frame| frame["signal"] == "server.goodbye");
    assert_eq!((goodbye, code), (true, Some(1012)));
    let (tokens, epoch) = (ada.tokens.clone(), ada.welcome["data"]["epoch"].clone());
    drop(ada);
    assert_eq!(server.ended().await, Some(1));
    assert!(
        server.log().contains("epoch changed while this node was running"),
        "{}",
        server.log()
    );
    server.spawn();
    let again = Client::with_tokens(&server, &tokens, json!({})).await;
    assert_ne!(again.welcome["data"]["epoch"], epoch);
}
