//! The permission matrix of HTTP: every route, tried by every kind of caller. A route that is new in the contract or in
//! `src/http` needs a row in [`TABLE`]; one that takes a body needs an arm in [`body`].

use super::stage::Person::{
    self, Anonymous, Elsewhere, Operator, OtherTenant, Reading, ReadingTheTeam, Removed,
};
use super::stage::{EVERYBODY, Stage};
use super::{code, expected};
use crate::attachments;
use crate::on_both_databases;
use crate::photos::pictures::png;
use crate::support::http::Response;
use crate::support::{Engine, PASSWORD, Server, http, new_id};
use crate::web::hardened;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use taskwire_protocol::ErrorCode;
use taskwire_protocol::examples::Examples;
use taskwire_protocol::http::ROUTES;
use taskwire_protocol::operations::CATALOG;

on_both_databases!(
    every_route_answers_the_permitted_callers_and_refuses_all_others,
    every_operation_has_the_same_permissions_without_a_socket
);

/// The methods that a request of a client may have; `OPTIONS` is a preflight, whose answer has no `Allow`.
const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// So a method that is new in `src/http` needs a row of its own.
#[tokio::test]
async fn a_path_answers_the_methods_of_its_rows_and_names_them_to_all_others() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (route, _) in TABLE {
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let methods = paths.entry(path).or_default();
        methods.insert(method);
        if method == "GET" {
            methods.insert("HEAD");
        }
    }
    for (path, methods) in paths {
        let asked = path.replace("{id}", &new_id().to_string());
        for method in METHODS {
            let request = http::request(&server, method.clone(), &asked);
            let answer = request.send().await.expect("an answer");
            let is_allowed = answer.status() != 405;
            assert_eq!(is_allowed, methods.contains(method.as_str()), "{method} {path}");
            hardened(answer.headers());
            if is_allowed {
                continue;
            }
            let allow = answer
                .headers()
                .get("allow")
                .expect("Allow")
                .to_str()
                .expect("text");
            let named: BTreeSet<&str> = allow.split(',').map(str::trim).collect();
            assert_eq!(named, methods, "{method} {path}");
            let code = if method == Method::HEAD {
                "405"
            } else {
                "405 METHOD_NOT_ALLOWED"
            };
            assert_eq!(told(answer).await, code, "{method} {path}");
        }
    }
}

/// What a route answers: the status, and the error code if it is one.
struct Expected {
    /// Without a token.
    nobody: &'static str,
    /// A user who sees nobody of the team: of another one, a former member, an administrator of the server.
    outside: &'static str,
    /// A viewer of the team.
    viewer: &'static str,
    /// A member, admin and owner of the team.
    inside: &'static str,
    /// An API token of the owner that may only read, in all workspaces or in the team's.
    reading: &'static str,
    /// One that may write, in all workspaces or in the team's.
    writing: &'static str,
    /// One that may write, in another workspace.
    elsewhere: &'static str,
}

/// The same for everybody: a token makes no difference, and neither does a bad one.
const fn open(answer: &'static str) -> Expected {
    Expected {
        nobody: answer,
        ..known(answer)
    }
}

/// For every caller with a good token.
const fn known(answer: &'static str) -> Expected {
    Expected {
        nobody: "401 AUTH_REQUIRED",
        outside: answer,
        viewer: answer,
        inside: answer,
        reading: answer,
        writing: answer,
        elsewhere: answer,
    }
}

/// For people who signed in, and no API token.
const fn person(answer: &'static str) -> Expected {
    Expected {
        reading: "403 FORBIDDEN",
        writing: "403 FORBIDDEN",
        elsewhere: "403 FORBIDDEN",
        ..known(answer)
    }
}

const TABLE: &[(&str, Expected)] = &[
    // ways in, and what mails prove: the codes are wrong ones
    ("POST /v1/auth/signup", open("201")),
    ("POST /v1/auth/login", open("200")),
    ("POST /v1/auth/refresh", open("200")),
    ("POST /v1/auth/verify-email", open("401 INVALID_TOKEN")),
    ("POST /v1/auth/resend-verification", open("202")),
    ("POST /v1/auth/forgot-password", open("202")),
    ("POST /v1/auth/reset-password", open("401 INVALID_TOKEN")),
    ("POST /v1/auth/first-admin", open("401 INVALID_TOKEN")),
    ("POST /v1/auth/device", open("200")),
    ("POST /v1/auth/device/token", open("202")),
    // one's own account
    ("POST /v1/auth/logout", person("200")),
    ("POST /v1/auth/logout-all", person("200")),
    ("POST /v1/auth/change-password", person("200")),
    ("POST /v1/auth/sessions", person("200")),
    ("POST /v1/auth/revoke-session", person("200")),
    ("POST /v1/auth/device/approve", person("200")),
    ("PUT /v1/profile/photo", person("200")),
    ("DELETE /v1/profile/photo", person("200")),
    ("GET /v1/profile/export", person("200")),
    ("GET /v1/auth/me", known("200")),
    // of the team's owner
    (
        "GET /v1/users/{id}/photo",
        Expected {
            nobody: "401 AUTH_REQUIRED",
            outside: "404 NOT_FOUND",
            viewer: "200",
            inside: "200",
            reading: "200",
            writing: "200",
            elsewhere: "200", // the owner sees the owner
        },
    ),
    // the secret is a wrong one
    ("GET /v1/calendar/{secret}.ics", open("404 NOT_FOUND")),
    // of the team
    (
        "GET /v1/export",
        Expected {
            outside: "404 NOT_FOUND",
            elsewhere: "404 NOT_FOUND",
            ..known("200")
        },
    ),
    (
        "GET /v1/workspaces/{id}/snapshot",
        Expected {
            nobody: "401 AUTH_REQUIRED",
            outside: "404 NOT_FOUND",
            viewer: "200",
            inside: "200",
            reading: "200",
            writing: "200",
            elsewhere: "404 NOT_FOUND",
        },
    ),
    (
        "POST /v1/import",
        Expected {
            nobody: "401 AUTH_REQUIRED",
            outside: "404 NOT_FOUND",
            viewer: "403 FORBIDDEN",
            inside: "200",
            reading: "403 FORBIDDEN",
            writing: "200",
            elsewhere: "404 NOT_FOUND",
        },
    ),
    (
        "POST /v1/tasks/{id}/attachments",
        Expected {
            nobody: "401 AUTH_REQUIRED",
            outside: "404 NOT_FOUND",
            viewer: "403 FORBIDDEN",
            inside: "201",
            reading: "403 FORBIDDEN",
            writing: "201",
            elsewhere: "404 NOT_FOUND",
        },
    ),
    (
        "GET /v1/attachments/{id}",
        Expected {
            nobody: "401 AUTH_REQUIRED",
            outside: "404 NOT_FOUND",
            viewer: "200",
            inside: "200",
            reading: "200",
            writing: "200",
            elsewhere: "404 NOT_FOUND",
        },
    ),
    // the link of a mail: the token is a wrong one
    ("GET /v1/unsubscribe", open("200")),
    ("POST /v1/unsubscribe", open("401 INVALID_TOKEN")),
    // a frame; the other test has every operation
    ("POST /v1/rpc", known("200")),
    // the first message; what follows has its own tests
    ("GET /v1/events", known("200")),
    // no upgrade; sockets have their own tests
    ("GET /v1/socket", open("426 BAD_FRAME")),
    ("GET /v1/protocol.json", open("200")),
    // pages, which ask the routes above
    ("GET /", open("200")),
    ("GET /assets/{*name}", open("404 NOT_FOUND")), // of no such name; `board` has those that there are
    ("GET /device", open("200")),
    // for operators: a proxy keeps these inside
    ("GET /health", open("200")),
    ("GET /health/detailed", open("200")),
    ("GET /livez", open("200")),
    ("GET /readyz", open("200")),
    ("GET /metrics", open("200")),
];

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Known(Person),
    /// With a token that somebody made up.
    Forger,
    /// With the token of a session that has ended.
    SignedOut,
}

impl Expected {
    fn of(&self, who: Caller) -> &'static str {
        let refused = |code| {
            if self.nobody.starts_with("401 AUTH") {
                code
            } else {
                self.nobody
            }
        };
        match who {
            Caller::Known(Anonymous) => self.nobody,
            Caller::Known(OtherTenant | Removed | Operator) => self.outside,
            Caller::Known(Person::Viewer) => self.viewer,
            Caller::Known(Reading | ReadingTheTeam) => self.reading,
            Caller::Known(Elsewhere) => self.elsewhere,
            Caller::Known(who) if who.is_program() => self.writing,
            Caller::Known(_) => self.inside,
            Caller::Forger => refused("401 INVALID_TOKEN"),
            Caller::SignedOut => refused("401 TOKEN_REVOKED"),
        }
    }
}

#[test]
fn every_route_has_a_row() {
    let rows: BTreeSet<&str> = TABLE.iter().map(|(route, _)| *route).collect();
    assert_eq!(rows.len(), TABLE.len(), "a route has two rows");
    let missing = ROUTES.iter().filter(|route| !rows.contains(route.name));
    let missing: Vec<&str> = missing.map(|route| route.name).collect();
    assert!(missing.is_empty(), "without a row in TABLE: {missing:#?}");
    let paths: BTreeSet<&str> = rows
        .iter()
        // the router knows no endings of names
        .filter_map(|row| Some(row.split_once(' ')?.1.trim_end_matches(".ics")))
        .collect();
    let served = served();
    assert!(served.len() > 15, "{served:?}");
    let missing: Vec<&String> = served
        .iter()
        .filter(|path| !paths.contains(path.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "in src/http, and without a row in TABLE: {missing:#?}"
    );
}

/// The paths that the files in `src/http` name where they add a route.
fn served() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("src/http") {
        let path = entry.expect("an entry").path();
        let source = fs::read_to_string(path).unwrap_or_default(); // a folder has no routes
        let source: String = source.split_whitespace().collect();
        for opening in ["route(\"/", "add(router,\"/"] {
            let named = source.split(opening).skip(1);
            paths.extend(named.filter_map(|rest| Some(format!("/{}", rest.split_once('"')?.0))));
        }
    }
    paths
}

async fn every_route_answers_the_permitted_callers_and_refuses_all_others(engine: Engine) {
    let mut stage = Box::pin(Stage::set(engine)).await;
    let gone = http::sign_up(stage.server(), "gone").await;
    sign_out(stage.server(), &gone["access_token"]).await;
    let callers = EVERYBODY.into_iter().map(Caller::Known);
    let callers: Vec<Caller> = callers.chain([Caller::Forger, Caller::SignedOut]).collect();
    let mut wrong = Vec::new();
    for (route, expected) in TABLE {
        let last = route.rsplit('/').next().unwrap_or_default();
        let operation = format!("auth.{}", last.replace('-', "_"));
        for &who in &callers {
            let token = match who {
                Caller::Known(person) => stage.token(&operation, person).await,
                Caller::Forger => Some(format!("{}A", gone["refresh_token"].as_str().expect("a token"))),
                Caller::SignedOut => gone["access_token"].as_str().map(str::to_owned),
            };
            let answer = try_route(&mut stage, route, who, token).await;
            if let Some(kept) = kept_by_caches(route, &answer) {
                wrong.push(format!("{route} by {who:?}: caches may keep it ({kept:?})"));
            }
            let came = told(answer).await;
            if came != expected.of(who) {
                wrong.push(format!("{route} by {who:?}: {came}, not {}", expected.of(who)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The routes that answer with what people uploaded: the browser of who asked may keep that, and nobody else.
const FILES: [&str; 2] = ["GET /v1/users/{id}/photo", "GET /v1/attachments/{id}"];

/// What an answer says to caches, if they may keep what names a person, or an error.
fn kept_by_caches(route: &str, answer: &Response) -> Option<String> {
    let said = answer.headers().get("cache-control");
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or_default();
    let is_error = answer.status().is_client_error() || answer.status().is_server_error();
    let is_of_a_person = route.contains(" /v1/") && route != "GET /v1/protocol.json";
    let is_private =
        said == "no-store" || (FILES.contains(&route) && said.starts_with("private") && !is_error);
    ((is_error || is_of_a_person) && !is_private).then(|| said.to_owned())
}

async fn sign_out(server: &Server, token: &Value) {
    let request = http::request(server, Method::POST, "/v1/auth/logout");
    let answer = request.bearer_auth(token.as_str().expect("a token")).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
}

async fn try_route(stage: &mut Stage, route: &str, who: Caller, token: Option<String>) -> Response {
    let (method, path) = route.split_once(' ').expect("a method and a path");
    let id = match route {
        "GET /v1/workspaces/{id}/snapshot" => stage.workspace(),
        "POST /v1/tasks/{id}/attachments" => stage.a_task().await,
        "GET /v1/attachments/{id}" => stage.an_attachment().await,
        _ => stage.owner(),
    };
    let mut path = path.replace("{id}", &id);
    if route == "GET /v1/export" {
        path = format!("{path}?workspace_id={}", stage.workspace());
    }
    if route == "POST /v1/import" {
        path = format!("{path}?format=csv&workspace_id={}", stage.workspace());
    }
    let body = body(stage, route, who).await;
    let method = method.parse().expect("a method");
    let mut request = http::request(stage.server(), method, &path);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let request = match body {
        Sent::Nothing => request,
        Sent::Json(body) => request.json(&body),
        Sent::Table => request.body("title\nImported\n"),
        Sent::Picture => request.header("content-type", "image/png").body(png([9, 9, 9])),
        Sent::File => {
            let form = attachments::form("a.txt", b"content");
            request.header("content-type", attachments::FORM).body(form)
        }
    };
    request.send().await.expect("an answer")
}

/// The status, and the code of an error.
async fn told(answer: Response) -> String {
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type");
    if kind.is_some_and(|kind| kind == "text/event-stream") {
        return status.to_string(); // it does not end
    }
    let text = answer.text().await.unwrap_or_default(); // a picture is no text
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    match body["error"]["code"].as_str() {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}

enum Sent {
    Nothing,
    Json(Value),
    Picture,
    File,
    Table,
}

/// A body with which a permitted caller is not refused.
async fn body(stage: &mut Stage, route: &str, who: Caller) -> Sent {
    let password = "coffee at a quarter to nine";
    let login = json!({ "email": "newcomer@example.com", "password": PASSWORD, "token_delivery": "body" });
    Sent::Json(match route {
        "POST /v1/auth/signup" => {
            let email = format!("{}@example.com", stage.new_name());
            json!({ "email": email, "name": "Somebody", "password": PASSWORD })
        }
        "POST /v1/auth/login" => login,
        "POST /v1/auth/refresh" => {
            let answer = http::post(stage.server(), "/v1/auth/login", &login).await;
            json!({ "refresh_token": answer.json().await.expect("tokens")["refresh_token"] })
        }
        "POST /v1/auth/verify-email" => json!({ "email": "newcomer@example.com", "code": "12" }),
        "POST /v1/auth/reset-password" => {
            json!({ "email": "newcomer@example.com", "code": "12", "new_password": password })
        }
        "POST /v1/auth/first-admin" => {
            json!({ "token": "fa_12", "email": "newcomer@example.com", "password": PASSWORD })
        }
        "POST /v1/auth/resend-verification" | "POST /v1/auth/forgot-password" => {
            json!({ "email": "newcomer@example.com" })
        }
        "POST /v1/auth/change-password" => json!({ "current_password": PASSWORD, "new_password": password }),
        "POST /v1/auth/revoke-session" => json!({ "id": match who {
            Caller::Known(person) => stage.a_session(person).await,
            _ => json!(new_id()),
        } }),
        "POST /v1/auth/device" | "POST /v1/auth/sessions" => json!({}),
        "POST /v1/auth/device/approve" => {
            json!({ "user_code": codes(stage.server()).await["user_code"], "approve": true })
        }
        "POST /v1/auth/device/token" => json!({ "device_code": codes(stage.server()).await["device_code"] }),
        "POST /v1/rpc" => json!({ "type": "workspace.list", "data": {} }),
        "PUT /v1/profile/photo" => return Sent::Picture,
        "POST /v1/import" => return Sent::Table,
        "POST /v1/tasks/{id}/attachments" => return Sent::File,
        "GET /v1/users/{id}/photo" => {
            stage.give_the_owner_a_photo(png([1, 2, 3])).await;
            return Sent::Nothing;
        }
        _ => return Sent::Nothing,
    })
}

/// The codes of a program that asks to sign in.
async fn codes(server: &Server) -> Value {
    let answer = http::post(server, "/v1/auth/device", &json!({})).await;
    answer.json().await.expect("codes")
}

/// Operations that only a socket can carry out. Everywhere else they are invalid, for whoever may send them.
const OF_A_SOCKET: [&str; 5] = [
    "auth",
    "auth.renew",
    "stream.subscribe",
    "stream.unsubscribe",
    "presence.set",
];

async fn every_operation_has_the_same_permissions_without_a_socket(engine: Engine) {
    let mut stage = Box::pin(Stage::set(engine)).await;
    let examples = Examples::new();
    let mut wrong = Vec::new();
    for entry in CATALOG {
        stage.hear().await;
        for who in EVERYBODY {
            let wanted = match expected(&examples, entry, who) {
                Some("AUTH_REQUIRED") => Some("AUTH_REQUIRED"),
                Some("FORBIDDEN") if who.is_program() => Some("FORBIDDEN"),
                _ if OF_A_SOCKET.contains(&entry.name) => Some("VALIDATION_ERROR"),
                other => other,
            };
            let (status, answer) = stage.tries_by_rpc(entry.name, who).await;
            let came = code(&answer);
            let of_code = |code: &str| {
                let code: ErrorCode = serde_json::from_value(json!(code)).expect("a code");
                code.status()
            };
            if came.as_deref() != wanted || status != wanted.map_or(200, of_code) {
                wrong.push(format!(
                    "{} by {who:?}: {status} {came:?}, not {wanted:?}",
                    entry.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
