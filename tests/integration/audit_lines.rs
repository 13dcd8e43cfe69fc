//! The audit line: each thing that is done to the way into an account is a line of the server's log, with who did it and
//! from which network. And what the same person sees of it with `tw audit` is in the log of their own stream.

use crate::on_both_databases;
use crate::support::{Client, Engine, PASSWORD, Server, eventually, http, mails, text};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};

on_both_databases!(each_event_is_a_line, what_an_administrator_does_names_both);

const OTHER: &str = "coffee at a quarter to nine";
const THIRD: &str = "no sugar in the coffee today";

const SETTINGS: [(&str, &str); 4] = [
    ("log_format", "json"),
    ("log_level", "info,taskwire::audit=debug"),
    ("admin_email", "op@example.com"),
    ("admin_password", PASSWORD),
];

/// The audit lines so far that fit.
fn lines(server: &Server, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
    let all = server.log_lines().into_iter();
    all.filter(|line| line["target"] == "taskwire::audit" && fits(line))
        .collect()
}

/// Waits for a line about an event.
async fn line(server: &Server, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
    eventually(name, || async {
        lines(server, |line| line["op.name"] == name && fits(line)).pop()
    })
    .await
}

async fn post(server: &Server, path: &str, token: Option<&Value>, body: Value) -> (u16, Value) {
    let mut request = http::request(server, Method::POST, &format!("/v1/auth/{path}"));
    if let Some(token) = token {
        request = request.bearer_auth(text(token));
    }
    let answer = request.header("X-Request-ID", "mine-1").json(&body).send().await;
    let answer = answer.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// The answer to a request that must succeed.
async fn ok(server: &Server, path: &str, token: Option<&Value>, body: Value) -> Value {
    let (status, answer) = post(server, path, token, body.clone()).await;
    assert!((200..300).contains(&status), "{path} {status} {answer}");
    answer
}

fn login(password: &str) -> Value {
    json!({ "email": "ada@example.com", "password": password, "device_name": "Desk", "token_delivery": "body" })
}

async fn each_event_is_a_line(engine: Engine) {
    let server = Server::start(engine, &SETTINGS).await;
    let user = sign_in_and_out(&server).await;
    prove_addresses(&server).await;
    let own = |line: &Value| line["user.id"] == user["id"] || line["op.name"] == "auth.signup.again";
    let told: Vec<String> = lines(&server, own)
        .iter()
        .map(|line| text(&line["op.name"]).to_owned())
        .collect();
    let expected = [
        "auth.signup",
        "auth.login",
        "auth.refresh",
        "auth.refresh",
        "auth.refresh.reused",
        "auth.login",
        "auth.approve_device.refused",
        "auth.approve_device",
        "auth.redeem_device_code",
        "auth.revoke_session",
        "api_token.create",
        "api_token.create",
        "api_token.revoke",
        "api_token.revoke",
        "auth.change_password",
        "auth.logout",
        "auth.login",
        "auth.logout_all",
        "auth.verify_email",
        "auth.login",
        "profile.change_email",
        "profile.email_changed",
        "auth.forgot_password",
        "auth.reset_password",
    ];
    assert_eq!(told, expected);
    for line in lines(&server, own) {
        assert_eq!(line["address"], "127.0.0.0/24", "{line}");
        assert!(line["duration_ms"].is_number(), "{line}");
        assert!(line["actor"].is_null(), "{line}");
        assert!(!line.to_string().contains("@example.com"), "{line}");
    }
    let reused = line(&server, "auth.refresh.reused", own).await;
    assert_eq!(
        (&reused["level"], &reused["request.id"]),
        (&json!("INFO"), &json!("mine-1"))
    );
    assert_eq!(line(&server, "auth.refresh", own).await["level"], "DEBUG");
}

/// Everything about sessions, passwords and tokens. Returns the account.
async fn sign_in_and_out(server: &Server) -> Value {
    let first = http::sign_up(server, "ada").await;
    assert_eq!(post(server, "login", None, login(OTHER)).await.0, 401);
    let desk = ok(server, "login", None, login(PASSWORD)).await;
    let signed_in = line(server, "auth.login", |_| true).await;
    assert_eq!(
        (
            &signed_in["device"],
            &signed_in["user.id"],
            &signed_in["request.id"]
        ),
        (&json!("Desk"), &desk["user"]["id"], &json!("mine-1")),
        "{signed_in}"
    );
    // the token before the one before: its session ends
    let refresh = |tokens: &Value| json!({ "refresh_token": tokens["refresh_token"] });
    let second = ok(server, "refresh", None, refresh(&desk)).await;
    ok(server, "refresh", None, refresh(&second)).await;
    assert_eq!(post(server, "refresh", None, refresh(&desk)).await.0, 401);
    let reused = line(server, "auth.refresh.reused", |_| true).await;
    assert_eq!(reused["session.id"], signed_in["session.id"], "{reused}");

    let desk = ok(server, "login", None, login(PASSWORD)).await;
    let program = sign_in_a_program(server, &desk["access_token"]).await;
    let theirs =
        Client::with_tokens(server, &program, json!({})).await.welcome["data"]["session"]["id"].clone();
    ok(
        server,
        "revoke-session",
        Some(&desk["access_token"]),
        json!({ "id": theirs }),
    )
    .await;
    assert_eq!(
        line(server, "auth.revoke_session", |_| true).await["target.id"],
        theirs
    );

    make_and_revoke_tokens(server, &desk).await;
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER, "token_delivery": "body" });
    let changed = ok(server, "change-password", Some(&desk["access_token"]), change).await;
    ok(server, "logout", Some(&changed["access_token"]), json!({})).await;
    let last = ok(server, "login", None, login(OTHER)).await;
    ok(server, "logout-all", Some(&last["access_token"]), json!({})).await;
    first["user"].clone()
}

async fn sign_in_a_program(server: &Server, token: &Value) -> Value {
    let mut tokens = Value::Null;
    for approve in [false, true] {
        let codes = ok(server, "device", None, json!({})).await;
        let decided = json!({ "user_code": codes["user_code"], "approve": approve });
        ok(server, "device/approve", Some(token), decided).await;
        let redeem = json!({ "device_code": codes["device_code"], "device_name": "Robot" });
        let (status, answer) = post(server, "device/token", None, redeem).await;
        assert_eq!(status, if approve { 200 } else { 403 }, "{answer}");
        tokens = answer;
    }
    let line = line(server, "auth.redeem_device_code", |_| true).await;
    assert_eq!(line["device"], "Robot", "{line}");
    tokens
}

/// Tokens that are revoked alone, and in a batch of which a part is refused.
async fn make_and_revoke_tokens(server: &Server, tokens: &Value) {
    let mut socket = Client::with_tokens(server, tokens, json!({})).await;
    let mut made = Vec::new();
    for name in ["one", "two"] {
        let token = socket.ok("api_token.create", json!({ "name": name })).await;
        made.push(token["id"].clone());
    }
    socket.ok("api_token.revoke", json!({ "id": made[0] })).await;
    let revoke = |id: &Value| json!({ "type": "api_token.revoke", "data": { "id": id } });
    let batch = json!({ "ops": [revoke(&made[0]), revoke(&made[1])], "atomic": false });
    let answer = socket.ok("batch", batch).await;
    assert_eq!(answer["results"][0]["error"]["code"], "NOT_FOUND", "{answer}");
    let revoked = lines(server, |line| line["op.name"] == "api_token.revoke");
    let revoked: Vec<&Value> = revoked.iter().map(|line| &line["target.id"]).collect();
    assert_eq!(revoked, made.iter().collect::<Vec<_>>());
}

/// Everything that mails prove.
async fn prove_addresses(server: &Server) {
    let code = |of: &'static str, subject: &'static str| async move {
        mails::nth(server, 1, of, subject).await.code()
    };
    let verify = code("ada@example.com", "Verify your e-mail address").await;
    ok(
        server,
        "verify-email",
        None,
        json!({ "email": "ada@example.com", "code": verify }),
    )
    .await;
    let tokens = ok(server, "login", None, login(OTHER)).await;
    let mut socket = Client::with_tokens(server, &tokens, json!({})).await;
    let change = json!({ "new_email": "ada@example.org", "password": OTHER });
    socket.ok("profile.change_email", change).await;
    let verify = code("ada@example.org", "Verify your new e-mail address").await;
    ok(
        server,
        "verify-email",
        None,
        json!({ "email": "ada@example.org", "code": verify }),
    )
    .await;
    ok(
        server,
        "forgot-password",
        None,
        json!({ "email": "ada@example.org" }),
    )
    .await;
    ok(
        server,
        "forgot-password",
        None,
        json!({ "email": "nobody@example.org" }),
    )
    .await;
    let unknown = line(server, "auth.forgot_password", |line| line["user.id"].is_null()).await;
    assert!(!unknown.to_string().contains("nobody"), "{unknown}");
    let reset = code("ada@example.org", "Reset your password").await;
    let reset = json!({ "email": "ada@example.org", "code": reset, "new_password": THIRD });
    ok(server, "reset-password", None, reset).await;
}

async fn what_an_administrator_does_names_both(engine: Engine) {
    let server = Server::start(engine, &SETTINGS).await;
    let made = line(&server, "admin.user.create", |_| true).await;
    assert_eq!(
        (&made["actor"], &made["changes"]),
        (&json!("server"), &json!("role=admin"))
    );
    let mut op = Client::log_in(&server, "op").await;
    let new = json!({ "email": "ada@example.com", "name": "Ada", "password": OTHER });
    let id = op.ok("admin.user.create", new).await["id"].clone();
    let of = json!({ "id": id });
    op.ok(
        "admin.user.update",
        json!({ "id": id, "plan": "pro", "name": "Ada L" }),
    )
    .await;
    op.ok("admin.user.unlock", of.clone()).await;
    op.ok(
        "batch",
        json!({ "ops": [{ "type": "admin.user.sign_out", "data": of }] }),
    )
    .await;
    op.ok("admin.kick", json!({ "user_id": id })).await;
    op.refused("admin.user.update", json!({ "id": op.user_id(), "role": "user" }))
        .await;
    let by_op = lines(&server, |line| line["actor"] == op.user_id());
    let told: Vec<Value> = by_op
        .iter()
        .map(|line| json!([line["op.name"], line["user.id"], line["changes"]]))
        .collect();
    let expected = [
        json!(["admin.user.create", id, null]),
        json!(["admin.user.update", id, "plan=pro name"]),
        json!(["admin.user.unlock", id, null]),
        json!(["admin.user.sign_out", id, null]),
        json!(["admin.kick", id, null]),
    ];
    assert_eq!(told, expected);
    let session = &op.welcome["data"]["session"]["id"];
    for line in &by_op {
        assert_eq!(
            (&line["session.id"], &line["address"]),
            (session, &json!("127.0.0.0/24")),
            "{line}"
        );
    }
}

/// What was in the queue is done, and has its line, although nobody waited for the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_at_once_does_not_get_around_the_line() {
    let server = Server::start(Engine::Postgres, &SETTINGS).await;
    let ada = http::sign_up(&server, "ada").await["user"]["id"].clone();
    // the job that sends it waits for the same lock
    mails::nth(&server, 1, "ada@example.com", "Verify your e-mail address").await;
    let log_in = json!({ "email": "ada@example.com", "password": PASSWORD });
    for (name, data) in [
        ("auth.login", log_in),
        ("admin.user.sign_out", json!({ "id": ada })),
    ] {
        let mut socket = Client::log_in(&server, "op").await;
        let mut holder = server.database.link().await;
        let hold = format!("select 1 from streams where id = '{}' for update", text(&ada));
        for statement in ["begin", &hold] {
            holder
                .execute(AssertSqlSafe(statement.to_owned()))
                .await
                .expect("held");
        }
        socket.ask(name, data).await;
        let waits = async || (server.database.lock_waiters().await == 1).then_some(());
        eventually("a statement that waits for the lock", waits).await;
        socket.reset();
        let gone = async || {
            let text = http::get(&server, "/metrics").await.text().await.ok()?;
            text.lines()
                .any(|line| line == "taskwire_sockets 0")
                .then_some(())
        };
        eventually("the end of the socket", gone).await;
        assert!(lines(&server, |line| line["op.name"] == name && line["user.id"] == ada).is_empty());
        holder.execute("rollback").await.expect("let go");
        line(&server, name, |line| line["user.id"] == ada).await;
    }
}

/// Where addresses are verified first, nobody learns from the answer whether there is an account; the operator does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sign_up_with_an_address_is_another_line() {
    let settings = [("log_format", "json"), ("require_verified_email", "true")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let body = json!({ "email": "ada@example.com", "name": "Ada", "password": PASSWORD });
    ok(&server, "signup", None, body.clone()).await;
    let first = line(&server, "auth.signup", |_| true).await;
    assert!(
        first["user.id"].is_string() && first["session.id"].is_null(),
        "{first}"
    );
    ok(&server, "signup", None, body).await;
    let again = line(&server, "auth.signup.again", |_| true).await;
    assert_eq!(again["user.id"], first["user.id"]);
}
