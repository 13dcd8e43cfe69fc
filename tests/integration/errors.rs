//! Errors: every code of the contract is provoked, here or where it is said; and what a value must be, to the exact
//! bound, with the field that is at fault.

use crate::on_both_databases;
use crate::support::{Client, Engine, PASSWORD, Server, Team, eventually, http};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use std::collections::BTreeSet;
use std::process::Command;
use taskwire_protocol::error::Retry;
use taskwire_protocol::operations::CATALOG;
use taskwire_protocol::{ErrorCode, limits};
use uuid::Uuid;

on_both_databases!(
    every_code_is_provoked_with_its_status,
    unknown_fields_are_refused_by_every_operation,
    lengths_are_counted_in_characters_to_the_exact_bound,
    a_zero_character_is_refused_wherever_text_is_taken,
    a_wrong_value_is_refused_with_its_field,
    a_request_id_is_short_and_exact,
);

/// Codes that another module provokes.
const ELSEWHERE: &[(ErrorCode, &str)] = &[(ErrorCode::StorageFull, "`storage` fills the disk")];

/// Codes that nothing leads to yet, or that no test can wait for.
const NOT_PROVOKED: &[(ErrorCode, &str)] = &[
    (ErrorCode::PlanLimit, "no plan has a limit yet"),
    (ErrorCode::EmailNotVerified, "addresses are not verified yet"),
    (ErrorCode::AccountLocked, "accounts are not locked yet"),
    (
        ErrorCode::Timeout,
        "comes after 15 s of a query; the databases give up waiting for locks before",
    ),
];

const SECRET: &str = "a secret for this test, and long enough";

/// The codes that came, each checked against the table.
#[derive(Default)]
struct Seen(BTreeSet<&'static str>);

impl Seen {
    /// What a code promises, held against an answer.
    fn check(&mut self, code: ErrorCode, status: u16, error: &Value) {
        assert_eq!(
            (error["code"].as_str(), status),
            (Some(code.as_str()), code.status()),
            "{error}"
        );
        assert_eq!(error["retryable"], code.retry() != Retry::No, "{error}");
        assert!(
            error["message"].as_str().is_some_and(|text| !text.is_empty()),
            "{error}"
        );
        if code.retry() == Retry::After {
            assert!(
                error["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0),
                "{error}"
            );
        }
        self.0.insert(code.as_str());
    }

    /// Sends a request that must come to this code.
    async fn http(&mut self, code: ErrorCode, request: RequestBuilder) {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.expect("JSON");
        self.check(code, status, &body["error"]);
    }
}

fn rpc(server: &Server, token: Option<&Value>, name: &str, data: &Value) -> RequestBuilder {
    let frame = json!({ "type": name, "id": 1, "data": data });
    let request = http::request(server, Method::POST, "/v1/rpc").json(&frame);
    match token {
        Some(token) => request.bearer_auth(token.as_str().expect("a token")),
        None => request,
    }
}

/// The same claims, but over.
fn expired(token: &Value) -> Value {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_aud = false;
    let token = token.as_str().expect("a token");
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let read = jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a token of this secret");
    let mut claims = read.claims;
    for claim in ["exp", "iat", "nbf"] {
        claims[claim] = json!(claims[claim].as_i64().expect("seconds") - 86_400);
    }
    let header = Header {
        typ: read.header.typ,
        ..Header::new(Algorithm::HS256)
    };
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    json!(jsonwebtoken::encode(&header, &claims, &key).expect("a token"))
}

/// Runs a statement behind the server's back.
async fn meddle(server: &Server, statement: &'static str) {
    let done = match server.database.engine {
        Engine::Sqlite => {
            let mut database = SqliteConnection::connect(&server.database.url)
                .await
                .expect("the file");
            database.execute(statement).await.map(drop)
        }
        Engine::Postgres => {
            let mut database = PgConnection::connect(&server.database.url)
                .await
                .expect("the database");
            database.execute(statement).await.map(drop)
        }
    };
    done.expect("the statement");
}

async fn every_code_is_provoked_with_its_status(engine: Engine) {
    use ErrorCode::*;
    let server = Server::start(engine, &[("jwt_secret", SECRET), ("drain_seconds", "3")]).await;
    let mut seen = Seen::default();
    let mut team = Team::gather(&server).await;
    let token = team.owner.tokens["access_token"].clone();
    let task = json!({ "workspace_id": team.workspace, "title": "T" });
    let id = team.owner.ok("task.create", task.clone()).await["id"].clone();

    let post = |body: &'static str| http::request(&server, Method::POST, "/v1/rpc").body(body);
    seen.http(BadFrame, post("{").header("content-type", "application/json"))
        .await;
    seen.http(UnsupportedMedia, post("{}").header("content-type", "text/plain"))
        .await;
    seen.http(
        MethodNotAllowed,
        http::request(&server, Method::DELETE, "/v1/rpc"),
    )
    .await;
    let long = json!({ "title": "x".repeat(70_000) });
    let login = json!({ "email": "owner@example.com", "password": "not this one" });
    let taken = json!({ "email": "owner@example.com", "password": PASSWORD, "name": "Again" });
    let viewer = team.viewer.tokens["access_token"].clone();
    let stale = json!({ "id": id, "if_version": 7, "title": "U" });
    for (code, token, name, data) in [
        (UnknownType, Some(&token), "task.paint", json!({})),
        (AuthRequired, None, "task.get", json!({ "id": id })),
        (InvalidToken, Some(&json!("nonsense")), "profile.get", json!({})),
        (TokenExpired, Some(&expired(&token)), "profile.get", json!({})),
        (InvalidCredentials, None, "auth.login", login),
        (Forbidden, Some(&viewer), "task.create", task),
        (
            NotFound,
            Some(&token),
            "task.get",
            json!({ "id": Uuid::now_v7() }),
        ),
        (Conflict, None, "auth.signup", taken),
        (VersionConflict, Some(&token), "task.update", stale),
        (NotDeleted, Some(&token), "task.restore", json!({ "id": id })),
        (
            ValidationError,
            Some(&token),
            "task.create",
            json!({ "title": "" }),
        ),
        (PayloadTooLarge, Some(&token), "task.create", long),
    ] {
        seen.http(code, rpc(&server, token, name, &data)).await;
    }
    rpc(&server, Some(&viewer), "auth.logout", &json!({}))
        .send()
        .await
        .expect("an answer");
    seen.http(
        TokenRevoked,
        rpc(&server, Some(&viewer), "profile.get", &json!({})),
    )
    .await;
    meddle(
        &server,
        "update users set is_active = false where username = 'member'",
    )
    .await;
    let login = json!({ "email": "member@example.com", "password": PASSWORD });
    seen.http(AccountInactive, rpc(&server, None, "auth.login", &login))
        .await;
    meddle(&server, "drop table notifications").await;
    seen.http(
        InternalError,
        rpc(&server, Some(&token), "notification.list", &json!({})),
    )
    .await;
    draining_is_unavailable(&server, &mut seen).await;
    drop(team); // it kept the server from ending at once
    too_many_are_limited(engine, &mut seen).await;

    let mut left: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    left.retain(|code| !seen.0.contains(code));
    let excused = ELSEWHERE
        .iter()
        .chain(NOT_PROVOKED)
        .map(|(code, _)| code.as_str());
    assert_eq!(
        left.into_iter().collect::<BTreeSet<_>>(),
        excused.collect(),
        "provoked nowhere, and nobody says why"
    );
}

/// A node that is about to stop takes no more on, while its sockets take leave.
async fn draining_is_unavailable(server: &Server, seen: &mut Seen) {
    let pid = server.pid().to_string();
    let told = Command::new("kill").arg("-TERM").arg(pid).status();
    assert!(told.expect("kill").success());
    let refused = eventually("/readyz says that the node drains", async || {
        let answer = http::get(server, "/readyz").await;
        (answer.status() != 200).then_some(answer)
    });
    let refused = refused.await;
    let status = refused.status().as_u16();
    assert!(refused.headers().contains_key("retry-after"));
    let body: Value = refused.json().await.expect("JSON");
    seen.check(ErrorCode::Unavailable, status, &body["error"]);
}

async fn too_many_are_limited(engine: Engine, seen: &mut Seen) {
    let settings = [
        ("rate_limit_enabled", "true"),
        ("ops_per_second", "1"),
        ("ops_burst", "3"),
    ];
    let server = Server::start(engine, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let ids = [
        ada.ask("ping", json!({})).await,
        ada.ask("ping", json!({})).await,
        ada.ask("ping", json!({})).await,
        ada.ask("ping", json!({})).await,
    ];
    let mut refused = Vec::new();
    for id in ids {
        let answer = ada.answer(id).await;
        refused.extend((answer["type"] == "error").then_some(answer));
    }
    let last = refused.last().expect("one too many");
    seen.check(ErrorCode::RateLimited, 429, &last["error"]);
}

async fn unknown_fields_are_refused_by_every_operation(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for entry in CATALOG {
        let error = ada.refused(entry.name, json!({ "colour": "red" })).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!("colour")),
            "{}: {error}",
            entry.name
        );
        for wrong in [json!([]), json!(["x"]), json!("x"), json!(7)] {
            let error = ada.refused(entry.name, wrong.clone()).await;
            assert_eq!(error["code"], "VALIDATION_ERROR", "{} {wrong}", entry.name);
            assert_eq!(error["field"], "data", "{} {wrong}: {error}", entry.name);
        }
    }
}

/// An operation, its other parameters, and the text that is tried.
type Place = (&'static str, Value, &'static str);

/// Every text that people write, with its least and greatest length.
fn texts(task: &Value) -> Vec<(Place, usize, usize)> {
    let replace = json!({
        "id": task, "title": "T", "description": null, "completed": false, "priority": "none", "due_at": null, "tags": [],
    });
    vec![
        (("task.create", json!({}), "title"), 1, limits::TITLE),
        (("task.update", json!({ "id": task }), "title"), 1, limits::TITLE),
        (("task.replace", replace.clone(), "title"), 1, limits::TITLE),
        (
            ("task.create", json!({ "title": "T" }), "description"),
            0,
            limits::DESCRIPTION,
        ),
        (
            ("task.update", json!({ "id": task }), "description"),
            0,
            limits::DESCRIPTION,
        ),
        (("task.replace", replace, "description"), 0, limits::DESCRIPTION),
        (("task.list", json!({}), "q"), 0, limits::SEARCH),
        (("workspace.create", json!({}), "name"), 1, limits::WORKSPACE_NAME),
    ]
}

async fn lengths_are_counted_in_characters_to_the_exact_bound(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    for ((name, data, field), min, max) in texts(&task) {
        for letter in ["a", "é", "日", "🦀"] {
            for (length, fine) in [(min, true), (max, true), (max + 1, false)] {
                let mut data = data.clone();
                data[field] = json!(format!("\u{2003} {}\n\t", letter.repeat(length)));
                let answer = ada.call(name, data).await;
                assert_eq!(
                    answer["type"] == "ok",
                    fine,
                    "{name} {field} of {length} {letter}: {answer}"
                );
                if !fine {
                    assert_eq!(answer["error"]["field"], field);
                }
            }
        }
        if min > 0 {
            for empty in ["", "   ", "\n"] {
                let mut data = data.clone();
                data[field] = json!(empty);
                assert_eq!(ada.refused(name, data).await["field"], field);
            }
        }
    }
    let tags = |count: usize| (0..count).map(|i| format!("t{i}")).collect::<Vec<_>>();
    let rule = |length: usize| format!("FREQ=DAILY;COUNT={}", "1".repeat(length - 17));
    let ids = |count: usize| (0..count).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
    for (name, fits, exceeds, field) in [
        (
            "task.create",
            json!({ "title": "T", "tags": ["é".repeat(limits::TAG)] }),
            json!({ "title": "T", "tags": ["a", "é".repeat(limits::TAG + 1)] }),
            "tags[1]",
        ),
        (
            "task.create",
            json!({ "title": "T", "tags": tags(limits::TAGS) }),
            json!({ "title": "T", "tags": tags(limits::TAGS + 1) }),
            "tags",
        ),
        (
            "task.create",
            json!({ "title": "T", "recurrence": rule(limits::RECURRENCE) }),
            json!({ "title": "T", "recurrence": rule(limits::RECURRENCE + 1) }),
            "recurrence",
        ),
        (
            "task.create",
            json!({ "title": "T", "assignee_ids": vec![ada.user_id(); limits::ASSIGNEES + 1] }), // one person
            json!({ "title": "T", "assignee_ids": ids(limits::ASSIGNEES + 1) }),
            "assignee_ids",
        ),
        (
            "notification.delete_many",
            json!({ "ids": ids(limits::DELETE_MANY) }),
            json!({ "ids": ids(limits::DELETE_MANY + 1) }),
            "ids",
        ),
    ] {
        ada.ok(name, fits).await;
        let error = ada.refused(name, exceeds).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!(field)),
            "{error}"
        );
    }
    signup_bounds(&mut ada).await;
}

async fn signup_bounds(ada: &mut Client) {
    let local = |length: usize| {
        let host = format!("{0}.{0}.{0}.example", "h".repeat(55)); // 175 characters
        format!(
            "{}@{}{host}",
            "l".repeat(60),
            "d".repeat(length - 60 - 1 - 175 - 1) + "."
        )
    };
    for (field, fits, exceeds) in [
        (
            "name",
            vec!["é".repeat(2), "é".repeat(100)],
            vec!["é".repeat(1), "é".repeat(101), " é ".to_owned()],
        ),
        (
            "username",
            vec!["u".repeat(3), "v".repeat(32)],
            vec!["u".repeat(2), "u".repeat(33), "a b".into(), "äöü".into()],
        ),
        (
            "password",
            vec!["q7é👍 x.y".into(), format!("q7{}", "é".repeat(126))],
            vec![
                "q7é👍 x.".to_owned()[..].chars().take(7).collect(),
                format!("q7{}", "é".repeat(127)),
                "password".into(),
            ],
        ),
        (
            "email",
            vec![local(254)],
            vec![
                local(255),
                "a@b".into(),
                "a b@example.com".into(),
                "@example.com".into(),
            ],
        ),
        ("device_name", vec!["é".repeat(100)], vec!["é".repeat(101)]),
    ] {
        for (values, fine) in [(fits, true), (exceeds, false)] {
            for value in values {
                let mut data = json!({
                    "email": format!("{}@example.com", Uuid::new_v4()), "name": "Some Body", "password": PASSWORD,
                });
                data[field] = json!(value);
                let answer = ada.call("auth.signup", data).await;
                assert_eq!(answer["type"] == "ok", fine, "{field} {value:?}: {answer}");
                if !fine {
                    assert_eq!(answer["error"]["field"], field, "{answer}");
                    assert_eq!(answer["error"]["code"], "VALIDATION_ERROR", "{answer}");
                }
            }
        }
    }
}

async fn a_zero_character_is_refused_wherever_text_is_taken(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut nobody = Client::connect(&server).await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let mut places: Vec<Place> = texts(&task).into_iter().map(|(place, ..)| place).collect();
    let account = |field: &str| {
        let mut data = json!({ "email": "zero@example.com", "name": "Zero", "password": PASSWORD });
        data.as_object_mut().expect("an object").remove(field);
        data
    };
    places.push(("task.create", json!({ "title": "T" }), "recurrence"));
    places.push(("task.list", json!({}), "tag"));
    places.push(("task.list", json!({ "sort": "title" }), "cursor"));
    for field in ["email", "name", "password", "username", "device_name"] {
        places.push(("auth.signup", account(field), field));
    }
    for field in ["username", "email"] {
        let data = json!({ "workspace_id": ada.personal(), "role": "viewer" });
        places.push(("member.add", data, field));
    }
    places.push(("auth.login", json!({ "password": PASSWORD }), "email"));
    for (name, data, field) in places {
        for text in ["\0", "a\0b", "ab\0"] {
            let mut data = data.clone();
            data[field] = json!(text);
            let error = if name == "auth.login" {
                nobody.refused(name, data).await
            } else {
                ada.refused(name, data).await
            };
            assert_eq!(
                error["code"], "VALIDATION_ERROR",
                "{name} {field} {text:?}: {error}"
            );
            assert_eq!(error["field"], field, "{name}: {error}");
        }
    }
    let tags = json!({ "title": "T", "tags": ["a", "a\0b"] });
    assert_eq!(ada.refused("task.create", tags).await["field"], "tags[1]");
    // what a cursor holds is no text of its own, but it can be made up: {"t":["\u0000","0199…"]}
    let made_up = json!({ "t": ["\0", Uuid::now_v7()] }).to_string();
    let cursor = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, made_up);
    let error = ada
        .refused("task.list", json!({ "sort": "title", "cursor": cursor }))
        .await;
    assert_eq!(error["field"], "cursor", "{error}");
}

async fn a_wrong_value_is_refused_with_its_field(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let id = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    for (name, data, field) in [
        ("task.create", json!({}), "title"),
        ("task.create", json!({ "title": null }), "title"),
        ("task.create", json!({ "title": 7 }), "title"),
        (
            "task.create",
            json!({ "title": "T", "priority": "HIGH" }),
            "priority",
        ),
        (
            "task.create",
            json!({ "title": "T", "due_at": "tomorrow" }),
            "due_at",
        ),
        (
            "task.create",
            json!({ "title": "T", "due_at": "2030-01-01" }),
            "due_at",
        ),
        ("task.create", json!({ "title": "T", "due_at": 7 }), "due_at"),
        ("task.create", json!({ "title": "T", "all_day": "no" }), "all_day"),
        ("task.create", json!({ "title": "T", "tags": "home" }), "tags"),
        (
            "task.create",
            json!({ "title": "T", "tags": ["a", 7] }),
            "tags[1]",
        ),
        (
            "task.create",
            json!({ "title": "T", "assignee_ids": ["x"] }),
            "assignee_ids[0]",
        ),
        (
            "task.create",
            json!({ "title": "T", "recurrence": "every day" }),
            "recurrence",
        ),
        (
            "task.create",
            json!({ "title": "T", "workspace_id": "all" }),
            "workspace_id",
        ),
        (
            "task.create",
            json!({ "title": "T", "completed": true }),
            "completed",
        ),
        ("task.get", json!({ "id": "x" }), "id"),
        ("task.get", json!({ "id": "" }), "id"),
        ("task.update", json!({ "title": "T" }), "id"),
        (
            "task.update",
            json!({ "id": id, "if_version": "1" }),
            "if_version",
        ),
        ("task.update", json!({ "id": id, "position": "a" }), "position"),
        ("task.list", json!({ "status": "open" }), "status"),
        ("task.list", json!({ "sort": "created" }), "sort"),
        ("task.list", json!({ "limit": "10" }), "limit"),
        ("task.list", json!({ "limit": -1 }), "limit"),
        ("task.list", json!({ "workspace_id": "none" }), "workspace_id"),
        ("task.list", json!({ "due_before": "x" }), "due_before"),
        ("notification.mark", json!({ "id": Uuid::now_v7() }), "is_read"),
        (
            "notification.delete_many",
            json!({ "ids": [Uuid::now_v7(), "x"] }),
            "ids[1]",
        ),
        ("stream.history", json!({ "stream": 7 }), "stream"),
        (
            "stream.history",
            json!({ "stream": format!("user:{}", ada.user_id()), "after": -1 }),
            "after",
        ),
        ("stream.subscribe", json!({}), "stream"),
        ("workspace.create", json!({ "name": ["x"] }), "name"),
        (
            "member.update",
            json!({ "workspace_id": ada.personal(), "user_id": ada.user_id() }),
            "role",
        ),
    ] {
        let error = ada.refused(name, data.clone()).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("VALIDATION_ERROR"), &json!(field)),
            "{name} {data}: {error}"
        );
    }
    // the same field twice is nobody's wish
    ada.send_text(r#"{"type":"task.create","id":"twice","data":{"title":"a","title":"b"}}"#)
        .await;
    let answer = ada.answer("twice").await;
    assert_eq!(answer["error"]["field"], "title", "{answer}");
}

async fn a_request_id_is_short_and_exact(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    for id in [
        json!(0),
        json!(-7),
        json!((1_i64 << 53) - 1),
        json!(""),
        json!("é".repeat(64)),
        json!("7\"\\"),
    ] {
        ada.send(&json!({ "type": "profile.get", "id": id })).await;
        assert_eq!(ada.answer(id.clone()).await["type"], "ok", "{id}");
    }
    for id in [
        json!(1_i64 << 53),
        json!(1.5),
        json!("é".repeat(65)),
        json!([]),
        json!(true),
    ] {
        ada.send(&json!({ "type": "profile.get", "id": id })).await;
        let answer = ada.answer(Value::Null).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["field"]),
            (&json!("VALIDATION_ERROR"), &json!("id")),
            "{id}: {answer}"
        );
    }
    // without an id a success is silent, an error is not
    ada.send(&json!({ "type": "task.create", "data": { "title": "Silent" } }))
        .await;
    ada.send(&json!({ "type": "task.create", "data": { "title": "" } }))
        .await;
    let answer = ada.answer(Value::Null).await;
    assert_eq!(
        answer["error"]["field"], "title",
        "the first thing that is heard: {answer}"
    );
    assert_eq!(ada.event("task.created").await["data"]["title"], "Silent");
}
