//! Errors: a test provokes each code of the contract and checks its status, here or where the table says.

use crate::on_both_databases;
use crate::support::http::RequestBuilder;
use crate::support::tokens::{SECRET, expired};
use crate::support::{Client, Engine, PASSWORD, Server, Team, eventually, http, new_id};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;
use std::collections::BTreeSet;
use std::process::Command;
use taskwire_protocol::ErrorCode;
use taskwire_protocol::error::Retry;

on_both_databases!(every_code_is_provoked_with_its_status);

/// Codes that another test provokes.
const ELSEWHERE: &[(ErrorCode, &str)] = &[
    (ErrorCode::StorageFull, "`storage` fills the disk"),
    (
        ErrorCode::Timeout,
        "a test of its own below, on PostgreSQL: only there a lock can make a query wait",
    ),
];

/// Codes that the server never sends yet.
const NOT_PROVOKED: &[(ErrorCode, &str)] = &[
    (ErrorCode::PlanLimit, "no plan has a limit yet"),
    (ErrorCode::EmailNotVerified, "addresses are not verified yet"),
];

/// The codes that were received, each checked against the table.
#[derive(Default)]
struct Seen(BTreeSet<&'static str>);

impl Seen {
    /// Checks an answer against what the table says of its code.
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

    /// Sends a request that must be refused with this code.
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
        (NotFound, Some(&token), "task.get", json!({ "id": new_id() })),
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
    server
        .database
        .execute("update users set is_active = false where username = 'member'")
        .await;
    let login = json!({ "email": "member@example.com", "password": PASSWORD });
    seen.http(AccountInactive, rpc(&server, None, "auth.login", &login))
        .await;
    server.database.execute("drop view notifications_by_user").await;
    seen.http(
        InternalError,
        rpc(&server, Some(&token), "notification.list", &json!({})),
    )
    .await;
    draining_is_unavailable(&server, &mut seen).await;
    drop(team); // its sockets delay the end of the server
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
        "the codes that were not provoked must be those of ELSEWHERE and NOT_PROVOKED"
    );
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_answered_with_timeout() {
    let server = Server::start(Engine::Postgres, &[("query_timeout_seconds", "1")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let token = ada.tokens["access_token"].clone();
    let mut other = server.database.link().await;
    for statement in ["begin", "lock table tasks in access exclusive mode"] {
        other.execute(statement).await.expect(statement);
    }
    let mut seen = Seen::default();
    let list = rpc(&server, Some(&token), "task.list", &json!({}));
    seen.http(ErrorCode::Timeout, list).await;
    let refused = ada.refused("task.list", json!({})).await;
    seen.check(ErrorCode::Timeout, 503, &refused);
    other.execute("rollback").await.expect("ended");
    ada.ok("task.list", json!({})).await;
}

/// A node that is about to stop accepts nothing more while its sockets close.
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
    let wrong = json!({ "email": "ada@example.com", "password": "a wrong password" });
    for _ in 0..5 {
        http::post(&server, "/v1/auth/login", &wrong).await;
    }
    let locked = http::post(&server, "/v1/auth/login", &wrong).await;
    let status = locked.status().as_u16();
    let body: Value = locked.json().await.expect("JSON");
    seen.check(ErrorCode::AccountLocked, status, &body["error"]);
}
