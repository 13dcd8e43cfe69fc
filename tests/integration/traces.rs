//! The JSON log of a real server: a line names the request, the socket or the job that it is about.

use crate::on_both_databases;
use crate::support::redis::{own_prefix, shared_url};
use crate::support::{Client, Engine, PASSWORD, Server, eventually, http, text};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    no_level_shows_a_password_a_token_or_a_frame,
    lines_about_a_failed_request_name_the_request_and_its_user,
    whatever_fails_on_a_socket_has_one_id_in_all_lines,
    lines_over_http_name_who_signs_in,
    lines_about_a_socket_name_its_user,
);

/// Makes every new row of a table fail.
async fn refuse(server: &Server, engine: Engine, table: &str) {
    let trigger = match engine {
        Engine::Sqlite => format!(
            "create trigger refuse_{table} before insert on {table} begin select raise(abort, 'refused'); end"
        ),
        Engine::Postgres => format!(
            "create function refuse_{table}() returns trigger language plpgsql
                as 'begin raise exception ''refused''; end';
             create trigger refuse_{table} before insert on {table}
                for each row execute function refuse_{table}()"
        ),
    };
    server.database.execute(&trigger).await;
}
/// Makes every change of a task's words fail, once its job indexes them.
const REFUSE_WORDS: &str =
    "create trigger refuse_words before delete on task_search_due begin select raise(abort, 'refused'); end";

/// Waits for a line with this message, and of this request if one is given.
async fn line(server: &Server, message: &str, request: Option<&str>) -> Value {
    eventually(message, || async {
        server.log_lines().into_iter().find(|line| {
            let starts = line["message"]
                .as_str()
                .is_some_and(|text| text.starts_with(message));
            starts && request.is_none_or(|id| line["span"]["request.id"] == id)
        })
    })
    .await
}

/// A line about the failure of a request says how long it took, and its span names the request and who sent it.
async fn names(server: &Server, message: &str, (request, client): (&str, &Client)) {
    let line = line(server, message, Some(request)).await;
    let (span, session) = (&line["span"], &client.welcome["data"]["session"]["id"]);
    assert_eq!(
        (&span["user.id"], &span["session.id"]),
        (&json!(client.user_id()), session),
        "{line}"
    );
    if message != FAULT {
        assert!(line["duration_ms"].is_number(), "{line}");
    }
}

/// What went wrong.
const FAULT: &str = "the database failed";
/// The last line of a request that failed.
const FAILED: &str = "a request failed";

async fn lines_about_a_failed_request_name_the_request_and_its_user(engine: Engine) {
    let server = Server::start(engine, &[("log_format", "json")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    refuse(&server, engine, "tasks").await;
    let error = ada.refused("task.create", json!({ "title": "milk" })).await;
    let id = text(&error["request_id"]);
    for message in ["the database failed", "a request failed"] {
        let span = line(&server, message, Some(id)).await["span"].clone();
        assert_eq!(span["op.name"], "task.create", "{span}");
        assert_eq!(span["user.id"], ada.user_id(), "{span}");
        assert!(span["session.id"].is_string(), "{span}");
    }
    let token = text(&ada.tokens["access_token"]);
    let frame = json!({ "type": "task.create", "data": { "title": "milk" } });
    let request = http::request(&server, Method::POST, "/v1/rpc").bearer_auth(token);
    let answer = request.header("X-Request-ID", "mine-7").json(&frame).send().await;
    assert_eq!(answer.expect("an answer").status(), 500);
    for message in [FAULT, FAILED, "answered"] {
        names(&server, message, ("mine-7", &ada)).await;
    }
}

async fn whatever_fails_on_a_socket_has_one_id_in_all_lines(engine: Engine) {
    let server = Server::start(engine, &[("log_format", "json")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut stranger = Client::connect(&server).await;
    refuse(&server, engine, "sessions").await;
    server
        .database
        .execute("alter table api_tokens rename to gone")
        .await;
    // a query
    let error = ada.refused("api_token.list", json!({})).await;
    let id = text(&error["request_id"]);
    names(&server, FAULT, (id, &ada)).await;
    names(&server, FAILED, (id, &ada)).await;
    // a part of a batch
    let batch =
        json!({ "ops": [{ "type": "api_token.revoke", "data": { "id": ada.user_id() } }], "atomic": false });
    let error = ada.refused("batch", batch).await;
    names(&server, FAILED, (text(&error["request_id"]), &ada)).await;
    // a sign-in, whose step runs with the group of another task
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let error = stranger.refused("auth.login", login).await;
    let id = text(&error["request_id"]);
    assert_eq!(
        line(&server, FAULT, Some(id)).await["span"]["user.id"],
        ada.user_id()
    );
    let failed = line(&server, FAILED, Some(id)).await;
    assert_eq!(failed["span"]["op.name"], "auth.login", "{failed}");
    assert!(failed["duration_ms"].is_number(), "{failed}");
}

async fn lines_over_http_name_who_signs_in(engine: Engine) {
    let settings = [("log_format", "json"), ("log_level", "info,taskwire=debug")];
    let server = Server::start(engine, &settings).await;
    let ada = Client::sign_up(&server, "ada").await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let request = http::request(&server, Method::POST, "/v1/auth/login").header("X-Request-ID", "mine-1");
    assert_eq!(
        request.json(&login).send().await.expect("an answer").status(),
        200
    );
    let answered = line(&server, "answered", Some("mine-1")).await;
    assert_eq!(answered["span"]["user.id"], ada.user_id(), "{answered}");
    assert!(answered["span"]["session.id"].is_string(), "{answered}");
    assert!(answered["duration_ms"].is_number(), "{answered}");
    let token = text(&ada.tokens["access_token"]);
    for (id, path) in [("mine-2", "/v1/auth/me"), ("mine-3", "/v1/users/me/photo")] {
        let request = http::request(&server, Method::GET, path).header("X-Request-ID", id);
        request.bearer_auth(token).send().await.expect("an answer");
        names(&server, "answered", (id, &ada)).await;
    }
    // at `debug` each request has a line when it ends, and its id from the start
    let mut socket = ada.another(&server).await;
    socket.ok("task.list", json!({})).await;
    let done = eventually("the end of task.list", || async {
        let mut lines = server.log_lines().into_iter();
        lines.find(|line| line["span"]["op.name"] == "task.list" && line["duration_ms"].is_number())
    });
    let id = text(&done.await["span"]["request.id"]).to_owned();
    names(&server, "a request was carried out", (&id, &socket)).await;
}

/// Every level of every part, as somebody asks for it who looks for a fault.
const EVERYTHING: &str = "trace,tungstenite=trace,tokio_tungstenite=trace,hyper=trace,sqlx=trace,sqlx_postgres=trace,\
    redis=trace,rustls=trace,axum=trace,tower_http=trace";

async fn no_level_shows_a_password_a_token_or_a_frame(engine: Engine) {
    let mut settings = vec![
        ("log_level", EVERYTHING),
        ("jwt_secret", "jwt s3cret"),
        ("admin_password", "admin s3cret"),
    ];
    settings.push(("admin_email", "op@example.com"));
    let (redis, prefix) = (shared_url(), own_prefix());
    if engine == Engine::Postgres {
        settings.extend([("redis_url", &*redis), ("redis_prefix", &*prefix)]);
    }
    let mut server = Server::start(engine, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    ada.ok(
        "task.create",
        json!({ "title": "Marmalade", "tags": ["Seville"] }),
    )
    .await;
    ada.ok("task.list", json!({ "q": "marmalade" })).await;
    ada.refused(
        "task.create",
        json!({ "title": "Marmalade", "priority": "Seville" }),
    )
    .await;
    let mut other = ada.another(&server).await;
    other.send_text("{\"type\":\"Marmalade").await;
    other.take("the refusal", |frame| frame["type"] == "error").await;
    let refresh = json!({ "refresh_token": ada.tokens["refresh_token"] });
    let refreshed: Value = http::post(&server, "/v1/auth/refresh", &refresh)
        .await
        .json()
        .await
        .expect("JSON");
    assert!(refreshed["access_token"].is_string(), "{refreshed}");
    let wrong = json!({ "email": "ada@example.com", "password": "Marmalade s3cret" });
    assert_eq!(http::post(&server, "/v1/auth/login", &wrong).await.status(), 401);
    let token = text(&refreshed["access_token"]);
    let frame = json!({ "type": "task.create", "data": { "title": "Marmalade" } });
    let request = http::request(&server, Method::POST, "/v1/rpc").bearer_auth(token);
    assert_eq!(
        request.json(&frame).send().await.expect("an answer").status(),
        200
    );
    drop(ada.events_so_far().await);
    let tokens = [ada.tokens.clone(), refreshed];
    drop(ada);
    assert_eq!(server.terminate(), Some(0));
    let log = server.log();
    assert!(log.contains("DEBUG"), "{log}");
    let secret = ["access_token", "refresh_token"];
    let tokens = tokens
        .iter()
        .flat_map(|tokens| secret.map(|name| text(&tokens[name])));
    for hidden in tokens.chain([PASSWORD, "s3cret", "Marmalade", "marmalade", "Seville"]) {
        assert!(!log.contains(hidden), "{hidden} is in the log");
        // a token's signature is as bad
        let end = &hidden[hidden.len().saturating_sub(20)..];
        assert!(
            hidden.len() < 40 || !log.contains(end),
            "the end of {hidden} is in the log"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_warnings_is_one_line_with_a_number() {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
    let mut server = Server::start(Engine::Sqlite, &[]).await;
    let pid = Pid::from_raw(server.pid().cast_signed());
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = |files| {
        let current = Some(files);
        prlimit(pid, Resource::Nofile, Rlimit { current, maximum }).expect("another limit")
    };
    limit(8);
    let message = "cannot accept a connection";
    let waiting = tokio::net::TcpStream::connect(server.address)
        .await
        .expect("the kernel accepts");
    eventually(message, || async { server.log().contains(message).then_some(()) }).await;
    // it tries twenty times a second
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(server.log().matches(message).count(), 1, "{}", server.log());
    limit(1024);
    drop(waiting);
    assert_eq!(server.terminate(), Some(0));
    let log = server.log();
    assert!(
        log.matches(message).count() == 2 && log.contains("times more, not written)"),
        "{log}"
    );
    assert!(
        log.lines()
            .next_back()
            .is_some_and(|last| last.contains("drained")),
        "{log}"
    );
}

async fn lines_about_a_socket_name_its_user(engine: Engine) {
    let settings = [("log_format", "json"), ("log_level", "info,taskwire=debug")];
    let server = Server::start(engine, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let error = ada.refused("task.get", json!({ "id": ada.user_id() })).await;
    names(
        &server,
        "a request was refused",
        (text(&error["request_id"]), &ada),
    )
    .await;
    // one that never reaches the dispatcher
    let error = ada.refused("task.get", json!({ "id": "milk" })).await;
    names(
        &server,
        "a request was refused",
        (text(&error["request_id"]), &ada),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_about_a_failed_job_name_the_job() {
    let server = Server::start(Engine::Sqlite, &[("log_format", "json")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "milk" })).await;
    ada.ok("task.list", json!({ "q": "milk" })).await; // a search waits until the task is indexed
    server.database.execute(REFUSE_WORDS).await;
    ada.ok("task.update", json!({ "id": task["id"], "title": "bread" }))
        .await;
    for message in ["the database failed", "a job failed and will run again"] {
        let line = line(&server, message, None).await;
        assert_eq!(
            (&line["span"]["name"], &line["span"]["job.kind"]),
            (&json!("job"), &json!("words")),
            "{line}"
        );
        assert_eq!(line["span"]["job.attempt"], 1, "{line}");
    }
}
