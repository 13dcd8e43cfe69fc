//! Accounts: signing up, in and out; what users see of themselves and of others; the events of their own stream.

use crate::on_both_databases;
use crate::support::follower::{names, text};
use crate::support::{Client, Engine, Follower, PASSWORD, Server, Team, eventually, http, new_id};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};
use std::sync::Arc;

on_both_databases!(
    signing_up_makes_an_account_with_a_workspace_and_a_welcome,
    addresses_and_usernames_are_unique_ignoring_case,
    a_username_is_made_from_the_address,
    signing_in_needs_the_right_password_and_tells_the_other_sockets,
    only_a_token_of_its_own_session_renews_a_socket,
    signing_out_ends_the_session,
    users_see_the_other_members_of_their_workspaces,
);

fn signup(email: &str, username: Option<&str>) -> Value {
    let mut data = json!({ "email": email, "password": PASSWORD, "name": "Somebody" });
    if let Some(username) = username {
        data["username"] = json!(username);
    }
    data
}

async fn signing_up_makes_an_account_with_a_workspace_and_a_welcome(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut nobody = Client::connect(&server).await;
    let data = json!({
        "email": " Ada.L@Example.com ", "password": PASSWORD, "name": " Ada ", "username": "Ada_L", "device_name": "Desk",
    });
    let tokens = nobody.ok("auth.signup", data).await;
    let user = &tokens["user"];
    let expected = json!({
        "id": user["id"], "username": "Ada_L", "name": "Ada", "email": "Ada.L@Example.com", "role": "user",
        "plan": "free", "is_active": true, "is_verified": false, "timezone": "UTC", "preferences": {},
        "photo_url": null, "version": 1, "created_at": user["created_at"], "updated_at": user["created_at"],
    });
    assert_eq!(*user, expected);
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    assert!(
        tokens["refresh_token"].is_string(),
        "on a socket the refresh token is in the answer"
    );
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    assert_eq!(ada.ok("profile.get", json!({})).await, *user);
    let stream = format!("user:{}", ada.user_id());
    let log = ada.ok("stream.history", json!({ "stream": stream })).await;
    let events = log["events"].as_array().expect("events");
    assert_eq!(
        names(events),
        ["access.granted", "session.created", "notification.created"]
    );
    let granted = &events[0]["data"];
    assert_eq!(
        json!([
            granted["workspace"]["kind"],
            granted["role"],
            granted["workspace"]["name"],
            granted["seq"]
        ]),
        json!(["personal", "owner", "Personal", 2])
    );
    let session = &events[1]["data"];
    assert_eq!(
        json!([session["device_name"], session["address"], session["current"]]),
        json!(["Desk", "127.0.0.1", false])
    );
    assert_eq!(events[2]["data"]["type"], "SIGNUP");
    let personal = json!({ "stream": format!("workspace:{}", ada.personal()) });
    let log = ada.ok("stream.history", personal).await;
    assert_eq!(
        names(log["events"].as_array().expect("events")),
        ["workspace.created", "member.added"]
    );
}

async fn addresses_and_usernames_are_unique_ignoring_case(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut nobody = Client::connect(&server).await;
    nobody
        .ok("auth.signup", signup("ada@example.com", Some("ada")))
        .await;
    let refusals = [
        (signup("ADA@Example.COM", Some("other")), "email"),
        (signup("ada@example.com ", None), "email"),
        (signup("other@example.com", Some("ADA")), "username"),
    ];
    for (data, field) in refusals {
        let error = nobody.refused("auth.signup", data.clone()).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("CONFLICT"), &json!(field)),
            "{data}"
        );
    }
    // eight requests at once: one of them gets the address
    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(Client::connect(&server).await);
    }
    let mut asked = Vec::new();
    for (i, socket) in sockets.iter_mut().enumerate() {
        let data = signup("race@example.com", Some(&format!("race{i}")));
        asked.push(socket.ask("auth.signup", data).await);
    }
    let mut made = 0;
    for (socket, id) in sockets.iter_mut().zip(asked) {
        let answer = socket.answer(id).await;
        made += usize::from(answer["type"] == "ok");
        assert!(
            answer["type"] == "ok" || answer["error"]["code"] == "CONFLICT",
            "{answer}"
        );
    }
    assert_eq!(made, 1);
}

async fn a_username_is_made_from_the_address(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut nobody = Client::connect(&server).await;
    let mut made = Vec::new();
    for host in ["a", "b", "c"] {
        let data = signup(&format!("Ada.L+x@{host}.example.com"), None);
        made.push(text(&nobody.ok("auth.signup", data).await["user"]["username"]));
    }
    assert_eq!(made[0], "ada.lx");
    assert!(
        made[1].starts_with("ada.lx-") && made[2].starts_with("ada.lx-") && made[1] != made[2],
        "{made:?}"
    );
    let short = nobody.ok("auth.signup", signup("x@example.com", None)).await;
    assert_eq!(short["user"]["username"], "x__");
}

async fn signing_in_needs_the_right_password_and_tells_the_other_sockets(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let mut nobody = Client::connect(&server).await;
    for (email, password) in [
        ("ada@example.com", "tea at half past five"),
        ("nobody@example.com", PASSWORD),
        ("ada@example.com", ""),
        ("", ""),
    ] {
        let data = json!({ "email": email, "password": password });
        let error = nobody.refused("auth.login", data).await;
        assert_eq!(error["code"], "INVALID_CREDENTIALS");
        assert_eq!(
            error["message"], "e-mail or password is wrong",
            "the message must not tell whether the account exists"
        );
    }
    let data = json!({ "email": " ADA@example.com", "password": PASSWORD, "device_name": "Phone" });
    let tokens = nobody.ok("auth.login", data).await;
    let told = ada.own_events().await;
    assert_eq!(names(&told), ["session.created", "notification.created"]);
    assert_eq!(told[0]["data"]["device_name"], "Phone");
    assert_eq!(told[1]["data"]["type"], "LOGIN");
    let again = Client::with_tokens(&server, &tokens, json!({})).await;
    assert_eq!(again.user_id(), ada.client.user_id());
    assert_ne!(
        again.welcome["data"]["session"]["id"],
        ada.client.welcome["data"]["session"]["id"]
    );
}

async fn refresh(server: &Server, token: &Value) -> (u16, Value) {
    let body = json!({ "refresh_token": token });
    let answer = http::post(server, "/v1/auth/refresh", &body).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn only_a_token_of_its_own_session_renews_a_socket(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let bob = http::sign_up(&server, "bob").await;
    let mut nobody = Client::connect(&server).await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let other_session = nobody.ok("auth.login", login).await;
    for (token, field) in [
        (bob["access_token"].clone(), Some("token")),
        (other_session["access_token"].clone(), Some("token")),
        (json!("nonsense"), None),
    ] {
        let error = ada.refused("auth.renew", json!({ "token": token })).await;
        assert_eq!(
            (&error["code"], error["field"].as_str()),
            (&json!("INVALID_TOKEN"), field)
        );
    }
    let (_, fresh) = refresh(&server, &ada.tokens["refresh_token"]).await;
    let renewed = ada
        .ok("auth.renew", json!({ "token": fresh["access_token"] }))
        .await;
    assert!(text(&renewed["expires_at"]) >= text(&ada.welcome["data"]["session"]["expires_at"]));
}

async fn signing_out_ends_the_session(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut nobody = Client::connect(&server).await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens = nobody.ok("auth.login", login).await;
    let mut other = Follower::new(Client::with_tokens(&server, &tokens, json!({})).await);
    assert_eq!(ada.ok("auth.logout", json!({})).await, json!({}));
    let (_, code) = ada.until_closed().await;
    assert_eq!(code, Some(4403));
    let told = other.own_events().await;
    assert_eq!(names(&told), ["session.revoked", "notification.created"]);
    assert_eq!(
        (&told[0]["data"]["id"], &told[1]["data"]["type"]),
        (&ada.welcome["data"]["session"]["id"], &json!("LOGOUT"))
    );
    let mut again = Client::connect(&server).await;
    let error = again
        .refused("auth", json!({ "token": ada.tokens["access_token"] }))
        .await;
    assert_eq!(error["code"], "TOKEN_REVOKED");
    let (status, refused) = refresh(&server, &ada.tokens["refresh_token"]).await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (401, &json!("TOKEN_REVOKED"))
    );
}

async fn users_see_the_other_members_of_their_workspaces(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let mut stranger = Client::sign_up(&server, "stranger").await;
    let (member, myself) = (team.member.user_id(), stranger.user_id());
    let public = json!({ "id": member, "username": "member", "name": "member", "photo_url": null });
    assert_eq!(team.viewer.ok("user.get", json!({ "id": member })).await, public);
    assert_eq!(
        stranger.refused("user.get", json!({ "id": member })).await["code"],
        "NOT_FOUND"
    );
    assert_eq!(
        stranger.refused("user.get", json!({ "id": new_id() })).await["code"],
        "NOT_FOUND"
    );
    assert_eq!(
        stranger.ok("user.get", json!({ "id": myself })).await["username"],
        "stranger"
    );
    let gone = json!({ "workspace_id": team.workspace, "user_id": member });
    team.owner.ok("member.remove", gone).await;
    assert_eq!(
        team.viewer.refused("user.get", json!({ "id": member })).await["code"],
        "NOT_FOUND"
    );
}

/// Waits until this many statements wait for a lock.
async fn waiting(server: &Server, n: i64) {
    eventually("statements that wait for a lock", async || {
        (server.database.lock_waiters().await == n).then_some(())
    })
    .await;
}

/// Signs in while an operator resets the password. Both read the account before either changes it; then one of them
/// commits first. Returns the answer to the sign-in.
async fn meet(server: &Arc<Server>, name: &str, reset_first: bool) -> Value {
    let user = Client::sign_up(server, name).await.user_id();
    let mut holder = server.database.link().await;
    let hold = format!("select 1 from streams where id = '{user}' for update");
    for statement in ["begin".to_owned(), hold] {
        holder.execute(AssertSqlSafe(statement)).await.expect("held");
    }
    let email = format!("{name}@example.com");
    let log_in = || {
        let body = json!({ "email": email, "password": PASSWORD, "token_delivery": "body" });
        let server = server.clone();
        tokio::spawn(async move {
            let answer = http::post(&server, "/v1/auth/login", &body).await;
            answer.json().await.expect("JSON")
        })
    };
    let reset = || {
        let (server, email) = (server.clone(), email.clone());
        tokio::task::spawn_blocking(move || server.run(&["admin", "reset-password", &email]))
    };
    let (login, reset) = if reset_first {
        let reset = reset();
        waiting(server, 1).await;
        (log_in(), reset)
    } else {
        let login = log_in();
        waiting(server, 1).await;
        (login, reset())
    };
    waiting(server, 2).await;
    holder.execute("commit").await.expect("let go");
    let (code, said) = reset.await.expect("it ran");
    assert_eq!(code, Some(0), "{said}");
    login.await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_during_a_password_reset_does_not_outlive_it() {
    let server = Arc::new(Server::start(Engine::Postgres, &[]).await);
    let tokens = meet(&server, "ada", false).await;
    let (status, refused) = refresh(&server, &tokens["refresh_token"]).await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (401, &json!("TOKEN_REVOKED")),
        "{tokens}"
    );
    let refused = meet(&server, "bob", true).await;
    assert_eq!(refused["error"]["code"], "INVALID_CREDENTIALS", "{refused}");
}

/// So the search for secrets in the logs of these tests looks through all lines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_servers_of_tests_about_accounts_write_every_level() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    ada.ok("task.create", json!({ "title": "A" })).await;
    let log = server.log();
    for said in ["a request was carried out", " DEBUG socket{"] {
        assert!(log.contains(said), "{said} is not in {log}");
    }
}
