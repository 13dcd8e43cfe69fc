//! What keeps browsers from harm: whose pages may read answers and set cookies, and the headers of every answer.

use super::{SECRET, get, hardened, header, post, read, send};
use crate::on_both_databases;
use crate::support::http::RequestBuilder;
use crate::support::{Engine, PASSWORD, Server, http, text};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    a_cookie_is_set_only_for_ones_own_pages,
    answers_are_for_the_pages_of_allowed_origins
);

/// What a browser says of a page that may not have the cookie.
const STRANGE: [(&str, &str); 3] = [
    ("origin", "https://example.com"),
    ("origin", "null"),
    ("sec-fetch-site", "cross-site"),
];
const OTHER: &str = "coffee at a quarter to nine";

fn with(mut body: Value, delivery: &str) -> Value {
    body["token_delivery"] = json!(delivery);
    body
}

/// Signing up, another password and the first administrator set the cookie as a sign-in and a refresh do, which have tests
/// of their own.
async fn a_cookie_is_set_only_for_ones_own_pages(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let token = text(&tokens["access_token"]).to_owned();
    let signup =
        |name: &str| json!({ "email": format!("{name}@example.com"), "name": name, "password": PASSWORD });
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER });
    let first = json!({ "token": "fa_12", "email": "eve@example.com", "password": PASSWORD });
    let request = |path: &str, body: &Value| post(&server, path).bearer_auth(&token).json(body);
    for (name, value) in STRANGE {
        for (path, body) in [
            ("/v1/auth/signup", &signup("bob")),
            ("/v1/auth/change-password", &change),
            ("/v1/auth/first-admin", &first),
        ] {
            for body in [body.clone(), with(body.clone(), "cookie")] {
                let answer = send(request(path, &body).header(name, value)).await;
                let set = answer.headers().contains_key("set-cookie");
                assert_eq!(
                    (answer.status().as_u16(), set),
                    (403, false),
                    "{path} {name}: {value}"
                );
            }
        }
    }
    // nothing was done for them: the address is free, the password is the old one
    let by_body = |path: &str, body: Value| {
        let (name, value) = STRANGE[0];
        request(path, &with(body, "body")).header(name, value)
    };
    assert_eq!(read(by_body("/v1/auth/first-admin", first)).await.0, 401);
    let mut tokens = Value::Null;
    for (request, expected) in [
        (by_body("/v1/auth/signup", signup("bob")), 201),
        (by_body("/v1/auth/change-password", change), 200),
    ] {
        let answer = send(request).await;
        let set = answer.headers().contains_key("set-cookie");
        assert_eq!((answer.status().as_u16(), set), (expected, false), "{answer:?}");
        tokens = answer.json().await.expect("tokens");
        assert!(tokens["refresh_token"].is_string());
    }
    // another password gave the session another token
    let token = text(&tokens["access_token"]);
    let own = server.url("");
    let back = json!({ "current_password": OTHER, "new_password": PASSWORD });
    for (path, body) in [
        ("/v1/auth/signup", signup("cleo")),
        ("/v1/auth/change-password", back),
    ] {
        let request = post(&server, path)
            .bearer_auth(token)
            .json(&body)
            .header("origin", &own);
        let answer = send(request.header("sec-fetch-site", "same-origin")).await;
        let cookie = header(answer.headers(), "set-cookie");
        assert!(cookie.starts_with("taskwire_refresh=rt_"), "{path}: {cookie}");
    }
}

async fn answers_are_for_the_pages_of_allowed_origins(engine: Engine) {
    let ours = "https://app.example.com";
    let server = Server::start(engine, &[("allowed_origins", ours)]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let token = text(&tokens["access_token"]).to_owned();
    let frame = json!({ "type": "workspace.list", "data": {} });
    let ways: [(&str, &dyn Fn() -> RequestBuilder); 4] = [
        ("GET", &|| get(&server, "/v1/auth/me").bearer_auth(&token)),
        ("POST", &|| {
            post(&server, "/v1/rpc").bearer_auth(&token).json(&frame)
        }),
        // a page may read why it was refused
        ("401", &|| get(&server, "/v1/auth/me")),
        ("404", &|| get(&server, "/nowhere")),
    ];
    for (what, ask) in ways {
        let answer = send(ask().header("origin", ours)).await;
        let headers = answer.headers();
        assert_eq!(header(headers, "access-control-allow-origin"), ours, "{what}");
        assert_eq!(
            header(headers, "access-control-allow-credentials"),
            "true",
            "{what}"
        );
        let exposed = header(headers, "access-control-expose-headers").to_ascii_lowercase();
        for name in ["x-request-id", "retry-after", "x-ratelimit-remaining"] {
            assert!(
                exposed.split(',').any(|one| one == name),
                "{name} is not in {exposed}"
            );
        }
        // a cache must not give the answer to another page
        let vary = headers.get_all("vary").iter().any(|value| {
            let names = value.to_str().unwrap_or_default().to_ascii_lowercase();
            names.split(',').any(|name| name.trim() == "origin")
        });
        assert!(vary, "{what}: {headers:?}");
        for strange in [
            "https://example.com",
            "https://app.example.com.evil.example",
            "null",
        ] {
            let answer = send(ask().header("origin", strange)).await;
            let told = answer.headers().get("access-control-allow-origin");
            assert_eq!(told, None, "{what} for {strange}");
        }
    }
    // with any origin, no page may send the cookie along
    let open = Server::start(engine, &[("allowed_origins", "*")]).await;
    let answer = send(get(&open, "/v1/protocol.json").header("origin", "https://example.com")).await;
    let headers = answer.headers();
    assert!(headers.contains_key("access-control-allow-origin"), "{headers:?}");
    assert!(
        !headers.contains_key("access-control-allow-credentials"),
        "{headers:?}"
    );
}

/// Browsers keep the promise of HTTPS for a year; only a server that is reached over HTTPS makes it.
#[tokio::test]
async fn every_answer_of_a_server_in_production_asks_for_https() {
    let settings = [
        ("environment", "production"),
        ("public_url", "https://tasks.example.com"),
        ("allowed_hosts", "127.0.0.1"),
        ("jwt_secret", SECRET),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let asked = [
        (get(&server, "/"), 200),
        (get(&server, "/device"), 200),
        (get(&server, "/livez"), 200),
        (get(&server, "/v1/protocol.json"), 200),
        (get(&server, "/nowhere"), 404),
        (get(&server, "/v1/auth/login"), 405),
        (get(&server, "/v1/auth/me"), 401),
        (get(&server, "/nowhere").header("host", "example.com"), 400),
        (
            http::request(&server, Method::OPTIONS, "/v1/rpc").header("origin", "null"),
            200,
        ),
        (super::upgrade(&server), 101),
    ];
    for (request, status) in asked {
        let answer = send(request).await;
        assert_eq!(answer.status(), status);
        let promise = header(answer.headers(), "strict-transport-security");
        assert_eq!(promise, "max-age=31536000; includeSubDomains", "{status}");
        hardened(answer.headers());
    }
    // in development, somebody's machine must not be out of reach over HTTP for a year
    let plain = Server::start(Engine::Sqlite, &[("public_url", "https://tasks.example.com")]).await;
    let answer = send(get(&plain, "/livez")).await;
    assert!(!answer.headers().contains_key("strict-transport-security"));
}

/// Managers of passwords find the fields by their type and by `autocomplete`.
#[tokio::test]
async fn fields_of_passwords_are_masked_and_can_be_filled() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    // those of the board are tested in a browser
    let page = send(get(&server, "/device")).await;
    let page = page.text().await.expect("a page");
    let fields: Vec<&str> = page.split("<input").skip(1).collect();
    let fields = fields.iter().filter_map(|field| field.split('>').next());
    let fields: Vec<&str> = fields.filter(|field| field.contains("password")).collect();
    assert_eq!(fields.len(), 1, "{fields:?}");
    for part in ["type=\"password\"", "autocomplete=\"current-password\""] {
        assert!(fields[0].contains(part), "{part} is not in {}", fields[0]);
    }
    for hinders in ["onpaste", "\"paste\"", "autocomplete=\"off\" type=\"password\""] {
        assert!(!page.contains(hinders), "{hinders}");
    }
}
