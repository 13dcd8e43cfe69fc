//! HTTP, on a real process: tokens in cookies and bodies, the shape of errors, request ids, limits, probes.
//! `src/socket/tests/web.rs` tests the same routes inside one process.

mod browsers; // whose pages may do what

use crate::on_both_databases;
use crate::support::http::{RequestBuilder, Response};
use crate::support::{Engine, PASSWORD, Raw, Server, eventually, http, text};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

on_both_databases!(
    a_browser_changes_its_cookie_at_each_refresh,
    a_logout_does_not_wait_for_a_body,
    a_program_signs_in_with_a_form_and_gets_its_refresh_token_in_the_body,
    probes_and_metrics_tell_the_state_of_the_node,
);

const SECRET: &str = "a secret for this test, and long enough";

fn get(server: &Server, path: &str) -> RequestBuilder {
    http::request(server, Method::GET, path)
}

fn post(server: &Server, path: &str) -> RequestBuilder {
    http::request(server, Method::POST, path)
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

async fn status(request: RequestBuilder) -> u16 {
    send(request).await.status().as_u16()
}

/// The status and the JSON of an answer.
async fn read(request: RequestBuilder) -> (u16, Value) {
    let answer = send(request).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers
        .get(name)
        .unwrap_or_else(|| panic!("no {name}: {headers:?}"));
    value.to_str().expect("text")
}

fn login() -> Value {
    json!({ "email": "ada@example.com", "password": PASSWORD })
}

/// Sends a request whose answer sets the cookie. Returns its name and value, its attributes, and the body.
async fn cookie_of(request: RequestBuilder) -> (String, String, Value) {
    let answer = send(request).await;
    assert!(answer.status().is_success(), "{answer:?}");
    assert_eq!(header(answer.headers(), "cache-control"), "no-store");
    let cookie = header(answer.headers(), "set-cookie").to_owned();
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    (
        pair.to_owned(),
        attributes.to_owned(),
        answer.json().await.expect("JSON"),
    )
}

async fn a_browser_changes_its_cookie_at_each_refresh(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    http::sign_up(&server, "ada").await;
    let (first, attributes, tokens) = cookie_of(post(&server, "/v1/auth/login").json(&login())).await;
    assert_eq!(
        attributes,
        "Path=/v1/auth; HttpOnly; SameSite=Strict; Max-Age=604800"
    );
    assert!(tokens.get("refresh_token").is_none(), "{tokens}");
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );

    let refresh = |cookie: &str| post(&server, "/v1/auth/refresh").header("cookie", cookie.to_owned());
    let strange = [
        ("origin", "https://example.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ];
    for (name, value) in strange {
        let refused = status(refresh(&first).header(name, value)).await;
        assert_eq!(refused, 403, "{name}: {value}");
    }
    for (name, value) in strange {
        let sign_in = || post(&server, "/v1/auth/login").header(name, value);
        assert_eq!(status(sign_in().json(&login())).await, 403, "{name}: {value}");
        let mut by_body = login();
        by_body["token_delivery"] = json!("body");
        assert_eq!(status(sign_in().json(&by_body)).await, 200, "{name}: {value}");
    }
    let own = server.url("");
    let (second, _, tokens) = cookie_of(
        refresh(&first)
            .header("origin", own)
            .header("sec-fetch-site", "same-origin"),
    )
    .await;
    assert_ne!(first, second);
    assert!(tokens.get("refresh_token").is_none(), "{tokens}");
    // a browser whose answer was lost asks again
    let (again, ..) = cookie_of(refresh(&first)).await;
    assert_eq!(again, second);

    let token = text(&tokens["access_token"]).to_owned();
    let me = || get(&server, "/v1/auth/me").bearer_auth(&token);
    assert_eq!(read(me()).await.1["email"], "ada@example.com");
    let out = send(post(&server, "/v1/auth/logout").bearer_auth(&token)).await;
    assert_eq!(out.status(), 200);
    let cookie = header(out.headers(), "set-cookie");
    let (forgotten, attributes) = cookie.split_once("; ").expect("attributes");
    assert_eq!(forgotten, "taskwire_refresh=");
    assert!(attributes.contains("Max-Age=0"), "{attributes}");
    for request in [me(), refresh(&second)] {
        let (refused, error) = read(request).await;
        assert_eq!((refused, &error["error"]["code"]), (401, &json!("TOKEN_REVOKED")));
    }
}

async fn a_logout_does_not_wait_for_a_body(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let token = text(&tokens["access_token"]);
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .expect("connected");
    let head = format!(
        "POST /v1/auth/logout HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut status = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut status)).await;
    read.expect("an answer before the body").expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 200");
}

async fn a_program_signs_in_with_a_form_and_gets_its_refresh_token_in_the_body(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    http::sign_up(&server, "ada").await;
    let form = |body: String| {
        post(&server, "/v1/auth/login")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    let password = PASSWORD.replace(' ', "+");
    let good = format!("grant_type=password&scope=&username=ada%40example.com&password={password}");
    let (_, _, by_cookie) = cookie_of(form(good.clone())).await;
    assert!(by_cookie.get("refresh_token").is_none(), "{by_cookie}");
    let answer = send(form(format!("{good}&token_delivery=body"))).await;
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("set-cookie"), "{answer:?}");
    let tokens: Value = answer.json().await.expect("tokens");

    let refresh = |token: &Value| post(&server, "/v1/auth/refresh").json(&json!({ "refresh_token": token }));
    let (done, next) = read(refresh(&tokens["refresh_token"])).await;
    assert_eq!(done, 200, "{next}");
    assert_ne!(next["refresh_token"], tokens["refresh_token"]);
    let (_, again) = read(refresh(&tokens["refresh_token"])).await;
    assert_eq!(again["refresh_token"], next["refresh_token"]);
    assert_eq!(status(refresh(&next["refresh_token"])).await, 200);
    assert_eq!(status(refresh(&tokens["refresh_token"])).await, 401);

    let wrong = good.replace(&password, "not+this+one");
    let (refused, error) = read(form(wrong)).await;
    assert_eq!(
        (refused, &error["error"]["code"]),
        (401, &json!("INVALID_CREDENTIALS"))
    );
    let (refused, error) = read(form("username=ada%40example.com".to_owned())).await;
    assert_eq!((refused, &error["error"]["field"]), (422, &json!("password")));
}

async fn probes_and_metrics_tell_the_state_of_the_node(engine: Engine) {
    let server = Server::start(engine, &[("instance", "node-7")]).await;
    for (path, said) in [("/health", "healthy"), ("/livez", "alive"), ("/readyz", "ready")] {
        assert_eq!(read(get(&server, path)).await, (200, json!({ "status": said })));
    }
    let (status, health) = read(get(&server, "/health/detailed")).await;
    assert_eq!(status, 200);
    let parts = json!([
        health["status"],
        health["database"]["status"],
        health["redis"]["status"],
        health["instance"]
    ]);
    assert_eq!(parts, json!(["healthy", "healthy", "off", "node-7"]));
    assert!(health["database"]["latency_ms"].is_number(), "{health}");

    let mut ada = crate::support::Client::sign_up(&server, "ada").await;
    ada.ok("task.create", json!({ "title": "Counted" })).await;
    ada.event("task.created").await;
    let metrics = get(&server, "/metrics").send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    let wal = metrics
        .lines()
        .find_map(|line| line.strip_prefix("taskwire_sqlite_wal_bytes "));
    match engine {
        Engine::Sqlite => {
            let bytes: f64 = wal.expect("a size").parse().expect("a number");
            assert!((1.0..=67_108_864.0).contains(&bytes), "{bytes} bytes");
        }
        Engine::Postgres => assert_eq!(wal, None),
    }
    let names = [
        "taskwire_sockets 1",
        "taskwire_connections",
        "taskwire_operations_total{type=\"task.create\",outcome=\"ok\"} 1",
        "taskwire_operation_seconds_bucket{type=\"task.create\",le=\"0.0001\"}",
        "taskwire_http_requests_total{route=\"/v1/auth/signup\",status=\"201\"} 1",
        "taskwire_http_request_seconds",
        "taskwire_events_delivered_total",
        "taskwire_group_size",
        "taskwire_pool_wait_seconds",
    ];
    eventually("all metrics", || async {
        let numbers = send(get(&server, "/metrics")).await;
        assert!(header(numbers.headers(), "content-type").starts_with("text/plain; version=0.0.4"));
        let numbers = numbers.text().await.expect("text");
        let missing: Vec<_> = names.iter().filter(|name| !numbers.contains(**name)).collect();
        if !missing.is_empty() {
            eprintln!("missing: {missing:?}");
        }
        missing.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_error_has_one_shape() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let json = |path: &str, body: &str| {
        post(&server, path)
            .header("content-type", "application/json")
            .body(body.to_owned())
    };
    let text_plain = post(&server, "/v1/auth/login")
        .header("content-type", "text/plain")
        .body("{}");
    let large = format!("{{\"email\":\"{}\"}}", "x".repeat(1_100_000));
    let unknown = r#"{"email":"a@example.com","password":"correct horse","colour":1}"#;
    let cases = [
        (get(&server, "/nowhere"), 404, "NOT_FOUND"),
        (get(&server, "/v1/auth/login"), 405, "METHOD_NOT_ALLOWED"),
        (json("/v1/auth/signup", &large), 413, "PAYLOAD_TOO_LARGE"),
        (text_plain, 415, "UNSUPPORTED_MEDIA"),
        (json("/v1/auth/signup", "{}"), 422, "VALIDATION_ERROR"),
        (json("/v1/auth/login", unknown), 422, "VALIDATION_ERROR"),
        (json("/v1/auth/signup", "{\"email\":"), 400, "BAD_FRAME"),
        (json("/v1/auth/login", "[]"), 400, "BAD_FRAME"),
        (get(&server, "/v1/auth/me"), 401, "AUTH_REQUIRED"),
        (get(&server, "/v1/auth/me").bearer_auth("x"), 401, "INVALID_TOKEN"),
        (get(&server, "/v1/socket"), 426, "BAD_FRAME"),
    ];
    for (request, status, code) in cases {
        let answer = send(request).await;
        let headers = answer.headers().clone();
        assert_eq!(answer.status(), status, "{code}");
        assert_eq!(header(&headers, "content-type"), "application/json", "{code}");
        hardened(&headers);
        let body: Value = answer.json().await.expect("JSON");
        let error = &body["error"];
        assert_eq!(
            (&body["success"], &error["code"]),
            (&json!(false), &json!(code)),
            "{body}"
        );
        assert_eq!(body["request_id"], header(&headers, "x-request-id"), "{body}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty()),
            "{body}"
        );
        assert_eq!(error["retryable"], false, "{body}");
        assert_eq!(error["field"].is_string(), code == "VALIDATION_ERROR", "{body}");
        if status == 405 {
            assert_eq!(header(&headers, "allow"), "POST");
        }
    }
}

/// The headers that keep browsers from interpreting an answer as something else.
pub(crate) fn hardened(headers: &HeaderMap) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        assert_eq!(header(headers, name), value);
    }
    let policy = header(headers, "content-security-policy");
    let parts: Vec<&str> = policy.split(';').map(str::trim).collect();
    for part in ["default-src 'none'", "frame-ancestors 'none'"] {
        assert!(parts.contains(&part), "{part} is not in {policy}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_a_valid_one_is_kept() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let long = "x".repeat(129);
    let cases = [
        ("x-request-id", "order-66.a:b_c", true),
        ("x-correlation-id", "theirs", true),
        ("x-request-id", "two words", false),
        ("x-request-id", "<script>", false),
        ("x-request-id", &long, false),
    ];
    for path in ["/", "/livez", "/nowhere", "/v1/protocol.json"] {
        for (name, value, kept) in cases {
            let answer = send(get(&server, path).header(name, value)).await;
            let id = header(answer.headers(), "x-request-id");
            assert_eq!(id == value, kept, "{path} {name}: {value} became {id}");
            assert!(!id.is_empty());
            hardened(answer.headers());
            assert!(
                !answer.headers().contains_key("strict-transport-security"),
                "a server in development is reached over HTTP"
            );
        }
    }
    let socket = send(upgrade(&server).header("x-request-id", "mine")).await;
    assert_eq!(socket.status(), 101);
    assert_eq!(header(socket.headers(), "x-request-id"), "mine");
    hardened(socket.headers());
}

fn upgrade(server: &Server) -> RequestBuilder {
    get(server, "/v1/socket")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

#[tokio::test]
async fn requests_of_an_address_are_limited_and_the_answer_says_when_to_retry() {
    let settings = [
        ("rate_limit_enabled", "true"),
        ("rate_limit_requests", "3"),
        ("rate_limit_window_seconds", "5"),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let number = |headers: &HeaderMap, name: &str| header(headers, name).parse::<u64>().expect("a number");
    for left in [2, 1, 0] {
        let answer = send(get(&server, "/v1/auth/me")).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(number(answer.headers(), "x-ratelimit-limit"), 3);
        assert_eq!(number(answer.headers(), "x-ratelimit-remaining"), left);
        assert!(number(answer.headers(), "x-ratelimit-reset") <= 5);
    }
    let answer = send(get(&server, "/v1/protocol.json")).await;
    assert_eq!(answer.status(), 429);
    assert!(
        (1..=5).contains(&number(answer.headers(), "retry-after")),
        "{answer:?}"
    );
    assert_eq!(number(answer.headers(), "x-ratelimit-remaining"), 0);
    let error: Value = answer.json().await.expect("JSON");
    assert_eq!(error["error"]["code"], "RATE_LIMITED", "{error}");
    assert!(
        error["error"]["retry_after_ms"]
            .as_u64()
            .is_some_and(|wait| wait <= 5000),
        "{error}"
    );
    for probe in ["/", "/livez", "/readyz", "/health", "/metrics"] {
        assert_eq!(status(get(&server, probe)).await, 200, "{probe} is not limited");
    }
    eventually("the next window of the rate limit", || async {
        (status(get(&server, "/v1/protocol.json")).await == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_contract_is_served() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let (status, served) = read(get(&server, "/v1/protocol.json")).await;
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol/taskwire.schema.json");
    let committed = std::fs::read_to_string(committed).expect("the schema");
    let committed: Value = serde_json::from_str(&committed).expect("JSON");
    assert_eq!(status, 200);
    assert!(
        served == committed,
        "the node serves another contract than the committed one"
    );
}

#[tokio::test]
async fn strange_hosts_and_origins_are_refused() {
    let settings = [
        ("allowed_hosts", "127.0.0.1,tasks.example.com:8443"),
        ("allowed_origins", "https://app.example.com"),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    for (host, expected) in [
        ("127.0.0.1", 401),
        ("127.0.0.1:1", 401),
        ("tasks.example.com:8443", 401),
        ("Tasks.example.com.:8443", 401),
        ("127.0.0.1.", 401),
        ("tasks.example.com", 400),
        ("example.com", 400),
    ] {
        assert_eq!(
            status(get(&server, "/v1/auth/me").header("host", host)).await,
            expected,
            "{host}"
        );
        for probe in ["/livez", "/readyz", "/health", "/health/detailed", "/metrics"] {
            let asked = get(&server, probe).header("host", host);
            assert_eq!(
                status(asked).await,
                200,
                "a probe asks under any name, {host} too"
            );
        }
    }
    for (origin, expected) in [
        (server.url(""), 101),
        ("https://app.example.com".to_owned(), 101),
        ("https://app.example.com.".to_owned(), 101),
        ("http://localhost:5173".to_owned(), 101),
        ("http://app.example.com".to_owned(), 403),
        ("https://app.example.com.evil.example".to_owned(), 403),
        ("null".to_owned(), 403),
    ] {
        let request = upgrade(&server).header("origin", &origin);
        assert_eq!(status(request).await, expected, "{origin}");
    }
    two_hosts_or_a_strange_one_are_refused_whatever_is_asked(&server).await;
    let preflight = |origin: &'static str| {
        http::request(&server, Method::OPTIONS, "/v1/rpc")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    let allowed = send(preflight("https://app.example.com").header("x-request-id", "asked-first")).await;
    assert_eq!(header(allowed.headers(), "x-request-id"), "asked-first");
    hardened(allowed.headers());
    let said = header(allowed.headers(), "access-control-allow-origin");
    assert_eq!(said, "https://app.example.com");
    let names = header(allowed.headers(), "access-control-allow-headers").to_ascii_lowercase();
    for name in [
        "authorization",
        "content-type",
        "x-request-id",
        "x-correlation-id",
    ] {
        assert!(
            names.split(',').any(|allowed| allowed == name),
            "{name} is not in {names}"
        );
    }
    let own_machine = send(preflight("http://localhost:5173")).await;
    let said = header(own_machine.headers(), "access-control-allow-origin");
    assert_eq!(said, "http://localhost:5173");
    let strange = send(preflight("https://example.com")).await;
    assert!(!strange.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_refused_page_is_named_in_the_log_once_an_hour_with_what_decides() {
    let settings = [
        ("environment", "production"),
        ("public_url", "https://tasks.example.com"),
        ("allowed_origins", "https://app.example.com"),
        ("allowed_hosts", "127.0.0.1"),
        ("jwt_secret", SECRET),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    for _ in 0..3 {
        let request = upgrade(&server).header("origin", "http://localhost:5173");
        assert_eq!(status(request).await, 403);
        let refresh = post(&server, "/v1/auth/refresh").header("cookie", "taskwire_refresh=x");
        assert_eq!(
            status(refresh.header("origin", "https://other.example.com")).await,
            403
        );
        let preflight = http::request(&server, Method::OPTIONS, "/v1/rpc")
            .header("origin", "https://third.example.com")
            .header("access-control-request-method", "POST");
        send(preflight).await;
        // the node's own pages are no strangers
        let own = get(&server, "/v1/protocol.json").header("origin", format!("https://{}", server.address));
        assert_eq!(status(own).await, 200);
    }
    let log = server.log();
    for origin in [
        "http://localhost:5173",
        "https://other.example.com",
        "https://third.example.com",
    ] {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(origin)).collect();
        assert_eq!(lines.len(), 1, "{log}");
        let host = server.address.to_string();
        for said in [
            host.as_str(),
            "https://tasks.example.com",
            "https://app.example.com",
            "production",
        ] {
            assert!(lines[0].contains(said), "{said} is not in {}", lines[0]);
        }
    }
    assert_eq!(log.matches("refused a page").count(), 3, "{log}");
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    assert!(
        std::fs::read_to_string(readme)
            .expect("the README")
            .contains("refused a page of the origin")
    );
}

#[tokio::test]
async fn each_client_behind_a_proxy_is_counted_for_itself() {
    let settings = [
        ("rate_limit_enabled", "true"),
        ("rate_limit_requests", "1"),
        ("trusted_proxies", "127.0.0.1,10.0.0.0/8"),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let ask = |lines: &[(&'static str, &'static str)]| {
        let request = get(&server, "/v1/protocol.json");
        lines
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
    };
    // a client, and the same one in other words
    for ways in [
        [
            &[("x-forwarded-for", "203.0.113.9")][..],
            &[("x-forwarded-for", "198.51.100.1, 203.0.113.9:4711")],
            &[
                ("x-forwarded-for", "203.0.113.9:1"),
                ("x-forwarded-for", "10.0.0.7"),
            ],
            &[("forwarded", "for=\"203.0.113.9:4711\";proto=https")],
        ],
        [
            &[("x-forwarded-for", "\"[2001:db8::1]:443\"")],
            &[("x-forwarded-for", "2001:db8::1")],
            &[
                ("forwarded", "for=198.51.100.1"),
                ("forwarded", "For=\"[2001:db8::1]:4711\""),
            ],
            &[("forwarded", "for=\"[2001:db8::1]\", for=10.0.0.7")],
        ],
    ] {
        let mut expected = 200;
        for way in ways {
            assert_eq!(status(ask(way)).await, expected, "{way:?}");
            expected = 429;
        }
    }
}

#[tokio::test]
async fn no_key_stands_twice_and_null_is_nothing() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    http::sign_up(&server, "ada").await;
    let json = |path: &str, body: String| {
        post(&server, path)
            .header("content-type", "application/json")
            .body(body)
    };
    let login = login().to_string();
    let with = |more: &str| format!("{},{more}}}", login.trim_end_matches('}'));
    for (body, field) in [
        (with(r#""email":"eve@example.com""#), "email"),
        (
            with(r#""token_delivery":"body","token_delivery":"cookie""#),
            "token_delivery",
        ),
        (with(r#""device_name":null,"device_name":"x""#), "device_name"),
        (with(r#""colour":{"a":1,"a":2}"#), "colour.a"),
    ] {
        let (status, error) = read(json("/v1/auth/login", body)).await;
        let error = &error["error"];
        assert_eq!(
            (status, &error["code"], &error["field"]),
            (422, &json!("VALIDATION_ERROR"), &json!(field))
        );
    }
    let twice = r#"{"refresh_token":"a","refresh_token":"b"}"#.to_owned();
    let (status, error) = read(json("/v1/auth/refresh", twice)).await;
    assert_eq!((status, &error["error"]["field"]), (422, &json!("refresh_token")));
    let form = |body: &'static str| {
        post(&server, "/v1/auth/login")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    for body in [
        "username=a&password=b&username=c",
        "username=a&email=a&password=b",
    ] {
        let (status, error) = read(form(body)).await;
        assert_eq!(
            (status, &error["error"]["field"]),
            (422, &json!("email")),
            "{body}"
        );
    }
    let omitted = cookie_of(json(
        "/v1/auth/login",
        with(r#""token_delivery":null,"device_name":null"#),
    ))
    .await;
    assert!(omitted.2.get("refresh_token").is_none(), "{}", omitted.2);
    let refresh = json(
        "/v1/auth/refresh",
        r#"{"refresh_token":null,"token_delivery":null}"#.to_owned(),
    );
    cookie_of(refresh.header("cookie", omitted.0)).await;
}

#[tokio::test]
async fn a_compressed_body_is_refused_as_such() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    http::sign_up(&server, "ada").await;
    let gzip = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0,
    ];
    for path in ["/v1/auth/login", "/v1/auth/signup", "/v1/auth/refresh", "/v1/rpc"] {
        for coding in ["gzip", "br", "GZIP", "identity, gzip", "zstd"] {
            for kind in ["application/json", "application/x-www-form-urlencoded"] {
                let request = post(&server, path)
                    .header("content-type", kind)
                    .header("content-encoding", coding)
                    .body(gzip.to_vec());
                let answer = send(request).await;
                let headers = answer.headers().clone();
                let error: Value = answer.json().await.expect("JSON");
                assert_eq!(
                    error["error"]["code"], "UNSUPPORTED_MEDIA",
                    "{path} {coding}: {error}"
                );
                assert_eq!(header(&headers, "accept-encoding"), "identity", "{path} {coding}");
            }
        }
    }
    let plain = post(&server, "/v1/auth/login")
        .header("content-encoding", "Identity")
        .json(&login());
    assert_eq!(status(plain).await, 200);
}

async fn two_hosts_or_a_strange_one_are_refused_whatever_is_asked(server: &Server) {
    let preflight = "OPTIONS /v1/rpc HTTP/1.1\r\nOrigin: https://app.example.com\r\n\
                     Access-Control-Request-Method: POST\r\n";
    for (request, good) in [("GET /v1/auth/me HTTP/1.1\r\n", 401), (preflight, 200)] {
        for (hosts, status) in [
            ("Host: 127.0.0.1\r\n", good),
            ("Host: example.com\r\n", 400),
            ("Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n", 400),
            ("Host: 127.0.0.1\r\nHost: example.com\r\n", 400),
        ] {
            let mut raw = Raw::dial(server).await;
            raw.send(format!("{request}{hosts}\r\n").as_bytes()).await;
            let head = raw.head().await;
            assert!(
                head.starts_with(&format!("HTTP/1.1 {status} ")),
                "{hosts}: {head}"
            );
            assert!(head.contains("x-request-id: "), "{head}");
            assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        }
    }
}

#[tokio::test]
async fn in_production_the_cookie_and_the_answers_are_for_https_only() {
    let settings = [
        ("environment", "production"),
        ("public_url", "https://tasks.example.com"),
        ("allowed_hosts", "127.0.0.1"),
        ("jwt_secret", SECRET),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    http::sign_up(&server, "ada").await;
    let (cookie, attributes, _) = cookie_of(post(&server, "/v1/auth/login").json(&login())).await;
    assert!(cookie.starts_with("__Secure-taskwire_refresh=rt_"), "{cookie}");
    let refresh = post(&server, "/v1/auth/refresh").header("cookie", cookie);
    assert_eq!(status(refresh).await, 200);
    assert!(
        attributes.split("; ").any(|attribute| attribute == "Secure"),
        "{attributes}"
    );
    let answer = send(get(&server, "/livez")).await;
    let strict = header(answer.headers(), "strict-transport-security");
    assert!(strict.starts_with("max-age="), "{strict}");
    let log = server.log();
    let lines: Vec<&str> = log.lines().collect();
    assert!(
        !lines.is_empty() && lines.iter().all(|line| line.starts_with('{')),
        "{log}"
    );
}
