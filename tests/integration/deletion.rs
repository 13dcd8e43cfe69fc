//! The end of an account: who may end it, what ends with it at once, what its teams keep, and that nothing of the
//! person is left.

use crate::on_both_databases;
use crate::photos::{files, pictures, upload};
use crate::presence::instances;
use crate::search::tag;
use crate::support::follower::{once, text};
use crate::support::{Client, Engine, PASSWORD, Server, Team, audit, eventually, http, mails, new_id};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_databases!(
    a_deleted_account_is_gone_at_once_for_everybody,
    an_account_is_deleted_over_http_with_the_right_password,
    the_only_owner_of_a_team_hands_it_over_first,
    an_administrator_deletes_an_account_and_the_last_one_stays,
    nothing_of_the_person_is_left_in_any_table,
    two_deletions_at_once_are_one,
    an_account_that_is_deleted_while_others_use_it_leaves_nothing,
    what_a_former_member_was_told_stays
);

const OPERATOR: [(&str, &str); 2] = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];

fn right() -> Value {
    json!({ "password": PASSWORD })
}

async fn closed(mut socket: Client) {
    assert_eq!(socket.until_closed().await.1, Some(4403));
}

/// The answer to a sign-in, without the id of the request.
async fn log_in(server: &Server, email: &str) -> Value {
    let login = json!({ "email": email, "password": PASSWORD });
    let answer = http::post(server, "/v1/auth/login", &login).await;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("JSON");
    json!([status, body["error"]["code"], body["error"]["message"]])
}

/// The code with which the tokens of a session are refused.
async fn refused(server: &Server, tokens: &Value) -> [Value; 3] {
    let me = http::request(server, Method::GET, "/v1/auth/me").bearer_auth(text(&tokens["access_token"]));
    let me: Value = me.send().await.expect("an answer").json().await.expect("JSON");
    let body = json!({ "refresh_token": tokens["refresh_token"], "token_delivery": "body" });
    let refresh = http::post(server, "/v1/auth/refresh", &body).await;
    let refresh: Value = refresh.json().await.expect("JSON");
    let auth = json!({ "token": tokens["access_token"] });
    let socket = Client::connect(server).await.refused("auth", auth).await;
    [
        me["error"]["code"].clone(),
        refresh["error"]["code"].clone(),
        socket["code"].clone(),
    ]
}

/// A socket with a new API token.
async fn with_api_token(server: &Server, client: &mut Client) -> (Client, Value) {
    let made = client.ok("api_token.create", json!({ "name": "bot" })).await;
    let tokens = json!({ "access_token": made["token"] });
    (Client::with_tokens(server, &tokens, json!({})).await, tokens)
}

/// Waits until everything of deleted accounts is erased. The last job would wait for 15 s.
async fn erased(server: &Server) {
    let waiting =
        "select kind from jobs where kind in ('erase_account', 'erase_workspace', 'forget_name', 'mail')";
    let mut waker = Client::sign_up(server, "waker").await;
    let mut n = 0;
    eventually("no job about a deleted account", async || {
        let due = "update jobs set due_at = 0 where kind in ('erase_account', 'mail')";
        server.database.execute(due).await;
        // a new job wakes the runner, which then finds the others due
        n += 1;
        waker
            .ok("profile.update", json!({ "name": format!("Waker {n}") }))
            .await;
        server.database.texts(waiting).await.is_empty().then_some(())
    })
    .await;
}

/// Sends a request over HTTP.
async fn rpc(server: &Server, tokens: &Value, name: &str, data: Value) -> Value {
    let frame = json!({ "type": name, "id": 1, "data": data });
    let request = http::request(server, Method::POST, "/v1/rpc").json(&frame);
    let request = request.bearer_auth(text(&tokens["access_token"]));
    request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON")
}

/// The team goes with its last member, and with it its tasks.
async fn what_a_former_member_was_told_stays(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut member,
        ..
    } = Team::gather(&server).await;
    let mine = json!({ "workspace_id": workspace, "title": "Mine" });
    member.ok("task.create", mine).await;
    let members = owner
        .ok("member.list", json!({ "workspace_id": workspace }))
        .await;
    for other in members["items"].as_array().expect("members") {
        if other["user"]["id"] != json!(owner.user_id()) {
            let gone = json!({ "workspace_id": workspace, "user_id": other["user"]["id"] });
            owner.ok("member.remove", gone).await;
        }
    }
    let mut told = async || {
        let list = member.ok("notification.list", json!({})).await;
        let items = list["items"].as_array().expect("items").iter();
        let items: Vec<Value> = items.map(|item| json!([item["id"], item["task_id"]])).collect();
        (list["unread"].clone(), items)
    };
    let before = told().await;
    assert!(before.1.iter().any(|item| item[1].is_string()), "{before:?}");
    owner.ok("profile.delete", right()).await;
    erased(&server).await;
    assert_eq!(told().await, before);
}

async fn a_deleted_account_is_gone_at_once_for_everybody(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let Team {
        workspace,
        mut owner,
        mut member,
        ..
    } = Team::gather(&server).await;
    let (id, tokens) = (member.user_id(), member.tokens.clone());
    let shared = json!({ "workspace_id": workspace, "title": "Shared", "assignee_ids": [id] });
    let shared = owner.ok("task.create", shared).await;
    upload(&server, &tokens, "image/png", pictures::png([1, 2, 3])).await;
    assert_eq!(files(&server).len(), 2);
    let (mut bot, api_token) = with_api_token(&server, &mut member).await;
    let phone = Client::log_in(&server, "member").await;
    let (other, phone_tokens) = (member.another(&server).await, phone.tokens.clone());

    let wrong = member
        .refused("profile.delete", json!({ "password": "not my password" }))
        .await;
    assert_eq!(
        json!([wrong["code"], wrong["field"]]),
        json!(["INVALID_CREDENTIALS", "password"])
    );
    assert_eq!(bot.refused("profile.delete", right()).await["code"], "FORBIDDEN");
    member.ok("profile.get", json!({})).await;
    owner.forget_events();

    let begun = Instant::now();
    assert_eq!(member.ok("profile.delete", right()).await, json!({}));
    for socket in [member, other, phone, bot] {
        closed(socket).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for tokens in [&tokens, &phone_tokens] {
        assert_eq!(refused(&server, tokens).await, ["TOKEN_REVOKED"; 3]);
    }
    let auth = json!({ "token": api_token["access_token"] });
    let api_token = Client::connect(&server).await.refused("auth", auth).await;
    assert_eq!(api_token["code"], "TOKEN_REVOKED");
    let unknown = log_in(&server, "nobody@example.com").await;
    assert_eq!(unknown[1], "INVALID_CREDENTIALS");
    assert_eq!(log_in(&server, "member@example.com").await, unknown);
    let mail = mails::nth(&server, 1, "member@example.com", "Your account was deleted").await;
    assert!(mail.text.contains("cannot be undone"), "{}", mail.text);

    // the team
    let removed = owner.event("member.removed").await;
    assert_eq!(removed["data"], json!({ "user_id": id }));
    assert_eq!(
        removed["actor"],
        json!({ "kind": "user", "id": id, "name": "Deleted user" })
    );
    let task = owner.event("task.updated").await;
    assert_eq!(
        json!([task["data"]["id"], task["data"]["assignee_ids"]]),
        json!([shared["id"], []])
    );
    for asked in [
        json!({ "username": "member" }),
        json!({ "email": "member@example.com" }),
    ] {
        let mut add = json!({ "workspace_id": workspace, "role": "viewer" });
        add.as_object_mut()
            .expect("an object")
            .extend(asked.as_object().expect("an object").clone());
        assert_eq!(owner.refused("member.add", add).await["code"], "NOT_FOUND");
    }
    assert_eq!(
        owner.refused("user.get", json!({ "id": id })).await["code"],
        "NOT_FOUND"
    );
    audit::agree(&server, &owner.tokens).await;

    // its address and username are free, and the new account has nothing of the old one
    let mut again = Client::sign_up(&server, "member").await;
    assert_ne!(again.user_id(), id);
    assert_eq!(again.ok("task.list", json!({})).await["total"], 0);
    erased(&server).await;
    assert!(files(&server).is_empty(), "{:?}", files(&server));
    assert_eq!(refused(&server, &tokens).await, ["TOKEN_REVOKED"; 3]);
    again.ok("profile.get", json!({})).await;
    audit::agree(&server, &owner.tokens).await;
}

async fn an_account_is_deleted_over_http_with_the_right_password(engine: Engine) {
    let server = Server::start(engine, &[("rate_limit_enabled", "true")]).await;
    let ada = Client::sign_up(&server, "ada").await;
    for _ in 0..10 {
        let wrong = json!({ "password": "not my password" });
        let answer = rpc(&server, &ada.tokens, "profile.delete", wrong).await;
        assert_eq!(
            json!([answer["error"]["code"], answer["error"]["field"]]),
            json!(["INVALID_CREDENTIALS", "password"])
        );
    }
    // whoever stole a session cannot guess for long
    let limited = rpc(&server, &ada.tokens, "profile.delete", right()).await;
    assert_eq!(limited["error"]["code"], "RATE_LIMITED");
    let bob = Client::sign_up(&server, "bob").await;
    let tokens = bob.tokens.clone();
    let gone = rpc(&server, &tokens, "profile.delete", right()).await;
    assert_eq!(gone["data"], json!({}));
    closed(bob).await;
    // a repeat has no session any more
    let again = rpc(&server, &tokens, "profile.delete", right()).await;
    assert_eq!(again["error"]["code"], "TOKEN_REVOKED");
}

async fn the_only_owner_of_a_team_hands_it_over_first(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    // a team of which nobody else is a member goes with its owner
    let lone = team.owner.ok("workspace.create", json!({ "name": "Mine" })).await;
    let error = team.owner.refused("profile.delete", right()).await;
    assert_eq!(error["code"], "CONFLICT");
    let message = text(&error["message"]);
    assert!(
        message.contains("“Team”") && message.contains("member.update") && !message.contains("Mine"),
        "{message}"
    );
    let named = json!({ "workspaces": [{ "id": team.workspace, "name": "Team" }] });
    assert_eq!(error["context"], named);
    team.owner.ok("profile.get", json!({})).await;

    let heir = json!({ "workspace_id": team.workspace, "user_id": team.viewer.user_id(), "role": "owner" });
    team.owner.ok("member.update", heir).await;
    let stream = team.stream();
    team.owner.ok("profile.delete", right()).await;
    closed(team.owner).await;
    team.viewer.event("member.removed").await;
    let members = team
        .viewer
        .ok("member.list", json!({ "workspace_id": team.workspace }))
        .await;
    assert_eq!(members["total"], 3, "{members}");
    let log = audit::agree(&server, &team.viewer.tokens).await;
    let tail = &log[&stream][log[&stream].len() - 2..];
    assert_eq!(
        tail[0]["event"], "member.updated",
        "the owner that was appointed: {tail:?}"
    );
    erased(&server).await;
    let left = format!(
        "select name from workspaces where name = '{}'",
        text(&lone["name"])
    );
    assert_eq!(server.database.texts(&left).await, [""; 0]);
}

async fn an_administrator_deletes_an_account_and_the_last_one_stays(engine: Engine) {
    let server = Server::start(engine, &OPERATOR).await;
    let mut op = Client::log_in(&server, "op").await;
    let own = json!({ "id": op.user_id() });
    for (name, data) in [("admin.user.delete", own.clone()), ("profile.delete", right())] {
        let error = op.refused(name, data).await;
        assert_eq!(error["code"], "CONFLICT");
        assert!(
            text(&error["message"]).contains("last active administrator"),
            "{error}"
        );
    }
    let mut team = Team::gather(&server).await;
    let (id, admin) = (team.owner.user_id(), team.admin.user_id());
    let (op_id, data) = (new_id().to_string(), json!({ "id": id }));
    let first = once(&mut op, &op_id, "admin.user.delete", data.clone()).await;
    assert_eq!(
        json!([first["type"], first["data"]]),
        json!(["ok", {}]),
        "{first}"
    );
    let again = once(&mut op, &op_id, "admin.user.delete", data.clone()).await;
    assert_eq!(
        json!([again["data"], again["replayed"]]),
        json!([{}, true]),
        "{again}"
    );
    closed(team.owner).await;
    let mail = mails::nth(&server, 1, "owner@example.com", "Your account was deleted").await;
    assert!(mail.text.contains("an administrator"), "{}", mail.text);

    // an administrator cannot hand a team over: the one with the highest role owns it now
    assert_eq!(team.admin.event("access.changed").await["data"]["role"], "owner");
    let told = team
        .member
        .take("the new owner", |frame| {
            frame["event"] == "member.updated" && frame["data"]["role"] == "owner"
        })
        .await;
    assert_eq!(
        json!([told["data"]["user"]["id"], told["actor"]["name"]]),
        json!([admin, "Administrator"])
    );
    team.member.event("member.removed").await;
    audit::agree(&server, &team.admin.tokens).await;

    for name in ["get", "unlock", "sign_out", "delete"] {
        let error = op.refused(&format!("admin.user.{name}"), data.clone()).await;
        assert_eq!(
            json!([error["code"], error["field"]]),
            json!(["NOT_FOUND", "id"]),
            "{name}"
        );
    }
    let back = json!({ "id": id, "is_active": true, "email": "back@example.com" });
    assert_eq!(op.refused("admin.user.update", back).await["code"], "NOT_FOUND");
    let listed = op.ok("admin.user.list", json!({})).await;
    let items = listed["items"].as_array().expect("items");
    assert_eq!(listed["total"], json!(items.len()));
    assert!(items.iter().all(|user| user["id"] != *id), "{listed}");
    // in one batch, the second part does not find what the first one deleted
    let member = json!({ "id": team.member.user_id() });
    let ops =
        ["delete", "sign_out"].map(|name| json!({ "type": format!("admin.user.{name}"), "data": member }));
    let refused = op.refused("batch", json!({ "ops": ops })).await;
    assert_eq!(
        json!([refused["code"], refused["field"]]),
        json!(["NOT_FOUND", "ops[1].data.id"])
    );
    team.member.ok("profile.get", json!({})).await;

    erased(&server).await;
    // the act stays in the log of the user, with its actor and without the person
    let log = match engine {
        Engine::Sqlite => format!("select frame from log where stream = x'{}'", id.replace('-', "")),
        Engine::Postgres => format!("select frame from log where stream = '{id}'"),
    };
    let log = server.database.texts(&log).await;
    assert_eq!(log.len(), 1, "{log:?}");
    let entry: Value = serde_json::from_str(&log[0]).expect("JSON");
    assert_eq!(
        json!([
            entry["event"],
            entry["actor"]["name"],
            entry["data"]["name"],
            entry["data"]["is_active"]
        ]),
        json!(["profile.updated", "Administrator", "Deleted user", false])
    );
    // beside another administrator, one may go
    op.ok("admin.user.update", json!({ "id": admin, "role": "admin" }))
        .await;
    op.ok("admin.user.delete", own).await;
    closed(op).await;
}

/// The server is killed right after the answer, and erases what is left when it is back.
async fn nothing_of_the_person_is_left_in_any_table(engine: Engine) {
    let mut server = Server::start(engine, &[("lease_seconds", "3")]).await;
    let mut owner = Client::sign_up(&server, "owner").await;
    let team = owner.ok("workspace.create", json!({ "name": "Team" })).await;
    let mut zoe = Client::sign_up(&server, "zachariah").await;
    let added = json!({ "workspace_id": team["id"], "username": "zachariah", "role": "member" });
    owner.ok("member.add", added).await;
    let former = owner.ok("workspace.create", json!({ "name": "Former" })).await;
    let added = json!({ "workspace_id": former["id"], "email": "zachariah@example.com", "role": "member" });
    owner.ok("member.add", added).await;
    let removed = json!({ "workspace_id": former["id"], "user_id": zoe.user_id() });
    owner.ok("member.remove", removed).await;
    let login = json!({ "email": "zachariah@example.com", "password": PASSWORD, "token_delivery": "body",
        "device_name": "The phone of Zachariah" });
    http::post(&server, "/v1/auth/login", &login).await;
    zoe.ok("api_token.create", json!({ "name": "zachariah's bot" }))
        .await;
    let asked = json!({ "new_email": "zachariah2@example.com", "password": PASSWORD });
    zoe.ok("profile.change_email", asked).await;
    let preferences = json!({ "preferences": { "note": "zachariah likes quinces" } });
    once(&mut zoe, &new_id().to_string(), "profile.update", preferences).await;
    let task = json!({ "title": "Buy quinces", "tags": ["quinces"], "assignee_ids": [zoe.user_id()] });
    for _ in 0..3 {
        let made = once(&mut zoe, &new_id().to_string(), "task.create", task.clone()).await;
        assert_eq!(made["type"], "ok", "{made}");
    }
    zoe.ok("task.list", json!({ "q": "quinces", "sort": "title" }))
        .await;
    let shared = json!({ "workspace_id": team["id"], "title": "Shared" });
    let shared = zoe.ok("task.create", shared).await;
    let hash = server
        .database
        .texts("select password_hash from users where username = 'zachariah'")
        .await
        .remove(0);
    let id = zoe.user_id();
    let found = |contents: &std::collections::BTreeMap<String, String>| -> Vec<String> {
        let tables = contents.iter().filter(|(_, rows)| {
            let rows = rows.to_lowercase();
            rows.contains("zachariah") || rows.contains("quinces") || rows.contains(&hash.to_lowercase())
        });
        // words leave the segments of SQLite's index when it merges them
        let tables = tables.map(|(name, _)| name.clone());
        tables.filter(|name| name != "task_search_data").collect()
    };
    let before = found(&server.database.contents().await);
    let tag = tag(&zoe.personal());
    let matching =
        format!("select cast(count(*) as text) from task_search where task_search match '{tag}quinces'");
    if engine == Engine::Sqlite {
        assert_eq!(server.database.texts(&matching).await, ["3"]);
    }
    for table in [
        "users",
        "members",
        "sessions",
        "api_tokens",
        "codes",
        "log",
        "ops",
        "tasks",
        "task_tags",
    ] {
        assert!(before.iter().any(|name| name == table), "{table}: {before:?}");
    }
    zoe.ok("profile.delete", right()).await;
    server.kill();
    server.spawn();
    let mut owner = Client::log_in(&server, "owner").await;
    erased(&server).await;
    let left = found(&server.database.contents().await);
    assert_eq!(left, [""; 0]);

    // what the team shared is still there
    let shown = owner.ok("task.get", json!({ "id": shared["id"] })).await;
    assert_eq!(shown["created_by"], *id);
    let log = audit::agree(&server, &owner.tokens).await;
    let stream = format!("workspace:{}", text(&team["id"]));
    let theirs = log[&stream].iter().filter(|entry| entry["actor"]["id"] == *id);
    let names: Vec<&Value> = theirs.map(|entry| &entry["actor"]["name"]).collect();
    assert!(
        names.len() >= 2 && names.iter().all(|name| **name == "Deleted user"),
        "{names:?}"
    );
    if engine == Engine::Sqlite {
        assert_eq!(server.database.texts(&matching).await, ["0"]);
    }
}

async fn two_deletions_at_once_are_one(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let one = Client::sign_up(&server, "ada").await;
    let two = one.another(&server).await;
    let mut sockets = [one, two];
    for socket in &mut sockets {
        socket.ask("profile.delete", right()).await;
    }
    let mut done = 0;
    for socket in &mut sockets {
        let (frames, code) = socket.until_closed().await;
        assert_eq!(code, Some(4403));
        done += frames.iter().filter(|frame| frame["type"] == "ok").count();
    }
    assert_eq!(done, 1);
    mails::nth(&server, 1, "ada@example.com", "Your account was deleted").await;
    erased(&server).await;
    assert_eq!(
        mails::kept_for(&server, "ada@example.com", "Your account was deleted").len(),
        1
    );
}

/// Others add the user to a workspace, the user makes one and signs in, all at the moment of the deletion.
async fn an_account_that_is_deleted_while_others_use_it_leaves_nothing(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut owner = Client::sign_up(&server, "owner").await;
    let team = owner.ok("workspace.create", json!({ "name": "Team" })).await;
    for round in 0..8 {
        let name = format!("leaver{round}");
        let mut leaver = Client::sign_up(&server, &name).await;
        let (tokens, email) = (leaver.tokens.clone(), format!("{name}@example.com"));
        let gone = leaver.ask("profile.delete", right()).await;
        // the password takes some time: the others arrive before, during and after the deletion
        tokio::time::sleep(Duration::from_millis(12 * round)).await;
        let added = json!({ "workspace_id": team["id"], "username": name, "role": "member" });
        let added = owner.ask("member.add", added).await;
        tokio::join!(
            rpc(&server, &tokens, "workspace.create", json!({ "name": "Late" })),
            rpc(&server, &tokens, "api_token.create", json!({ "name": "late" })),
            log_in(&server, &email),
        );
        assert_eq!(leaver.answer(gone).await["type"], "ok");
        closed(leaver).await;
        let added = owner.answer(added).await;
        assert!(
            added["type"] == "ok" || added["error"]["code"] == "NOT_FOUND",
            "{added}"
        );
        assert_eq!(log_in(&server, &email).await[0], 401);
    }
    erased(&server).await;
    for (table, more) in [
        ("members", ""),
        ("api_tokens", ""),
        ("sessions", " and t.revoked_at is null"),
    ] {
        let left = format!(
            "select '{table}' from {table} t join users u on u.id = t.user_id where u.deleted_at is not null{more}"
        );
        assert_eq!(server.database.texts(&left).await, [""; 0]);
    }
    let late = "select name from workspaces where name = 'Late'";
    assert_eq!(server.database.texts(late).await, [""; 0]);
    let members = owner
        .ok("member.list", json!({ "workspace_id": team["id"] }))
        .await;
    assert_eq!(members["total"], 1, "{members}");
    audit::agree(&server, &owner.tokens).await;
}

/// How long it took until the sockets on another instance were closed.
async fn ended_elsewhere(
    servers: &[Server],
    op: &mut Client,
    name: &str,
    by_administrator: bool,
) -> Duration {
    let mut ada = Client::sign_up(&servers[0], name).await;
    let there = ada.another(&servers[1]).await;
    let (bot, _) = with_api_token(&servers[1], &mut ada).await;
    let begun = Instant::now();
    if by_administrator {
        op.ok("admin.user.delete", json!({ "id": ada.user_id() })).await;
    } else {
        ada.ok("profile.delete", right()).await;
    }
    closed(there).await;
    closed(bot).await;
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_of_a_deleted_account_close_on_every_instance_within_a_second() {
    let servers = instances(2).await;
    let mut op = Client::log_in(&servers[0], "op").await;
    for by_administrator in [false, true] {
        let mut took = Vec::new();
        // the machine may be busy
        while took.iter().all(|took| *took > Duration::from_secs(1)) {
            assert!(took.len() < 5, "{took:?}");
            let name = format!("ada-{by_administrator}-{}", took.len());
            took.push(ended_elsewhere(&servers, &mut op, &name, by_administrator).await);
        }
    }
}
