//! Small defences that an operator gets without doing anything: who sees a node's numbers, which names and pages it answers,
//! who reads its files, what caches keep.

use crate::support::http::RequestBuilder;
use crate::support::nginx::free_address;
use crate::support::{Client, Engine, PASSWORD, Server, eventually, http, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SECRET: &str = "a secret for this test, and long enough";

fn get(server: &Server, path: &str) -> RequestBuilder {
    http::request(server, Method::GET, path)
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.expect("an answer").status().as_u16()
}

/// The status of a GET at any address, with these lines in its head.
async fn ask(address: SocketAddr, path: &str, lines: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.expect("a connection");
    let head = format!("GET {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
    tcp.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn the_numbers_of_a_node_are_for_operators() {
    let inside = free_address();
    let listen = inside.to_string();
    let production = [
        ("environment", "production"),
        ("public_url", "https://tasks.example.com"),
        ("allowed_hosts", "127.0.0.1"),
        ("jwt_secret", SECRET),
        ("metrics_token", "shown to the scraper"),
        ("metrics_listen", &*listen),
    ];
    let server = Server::start(Engine::Sqlite, &production).await;
    let user = http::sign_up(&server, "ada").await;
    for path in ["/metrics", "/health/detailed"] {
        let asked = [
            (get(&server, path), 401),
            (get(&server, path).bearer_auth("shown to the scrape"), 401),
            (get(&server, path).bearer_auth(text(&user["access_token"])), 401),
            (get(&server, path).header("authorization", "Basic c2hvd24="), 401),
            (get(&server, path).bearer_auth("shown to the scraper"), 200),
        ];
        for (request, expected) in asked {
            assert_eq!(status(request).await, expected, "{path}");
        }
        let answer = ask(inside, path, "Host: whatever.example\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    }
    let upgrade = "Host: a\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (path, lines, expected) in [
        ("/livez", "Host: a\r\n", 200),
        ("/readyz", "Host: a\r\n", 200),
        ("/health", "Host: a\r\n", 200),
        ("/", "Host: a\r\n", 404),
        ("/v1/auth/me", "Host: a\r\n", 404),
        ("/v1/socket", upgrade, 404),
    ] {
        let answer = ask(inside, path, lines).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {expected} ")),
            "{path}: {answer}"
        );
    }
    // on a developer's own machine they are open, but not to those whom a proxy lets in
    let home = Server::start(Engine::Sqlite, &[]).await;
    for path in ["/metrics", "/health/detailed"] {
        assert_eq!(status(get(&home, path)).await, 200, "{path}");
        for name in ["x-forwarded-for", "forwarded"] {
            let forwarded = get(&home, path).header(name, "for=203.0.113.1");
            assert_eq!(status(forwarded).await, 401, "{path} {name}");
        }
    }
    let open = Server::start(Engine::Sqlite, &[("listen", "0.0.0.0:0")]).await;
    assert_eq!(status(get(&open, "/metrics")).await, 401, "others reach it");
}

#[tokio::test]
async fn in_production_a_node_answers_to_the_name_of_its_address_only() {
    let settings = [
        ("environment", "production"),
        ("public_url", "https://tasks.example.com:8443"),
        ("jwt_secret", SECRET),
        ("metrics_token", "shown to the scraper"),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    for (host, expected) in [
        ("tasks.example.com:8443", 401),
        // as a proxy passes it on that forgets the port
        ("tasks.example.com", 401),
        ("Tasks.Example.com.:443", 401),
        ("evil.example", 400),
        ("tasks.example.com.evil.example", 400),
    ] {
        assert_eq!(
            status(get(&server, "/v1/auth/me").header("host", host)).await,
            expected,
            "{host}"
        );
    }
    assert_eq!(
        status(get(&server, "/v1/auth/me")).await,
        400,
        "an address is another name"
    );
    // probes and scrapers know the node by its address alone
    for path in ["/livez", "/readyz", "/health"] {
        assert_eq!(status(get(&server, path)).await, 200, "{path}");
    }
    for path in ["/metrics", "/health/detailed"] {
        assert_eq!(status(get(&server, path)).await, 401, "{path}");
        let scraped = get(&server, path).bearer_auth("shown to the scraper");
        assert_eq!(status(scraped).await, 200, "{path}");
    }
    // a page of a name that leads here, and one of this name over plain HTTP
    for (host, origin, expected) in [
        ("evil.example", "https://evil.example", 400),
        ("tasks.example.com:8443", "http://tasks.example.com:8443", 403),
        ("tasks.example.com:8443", "https://tasks.example.com:8443", 101),
        ("tasks.example.com", "https://tasks.example.com:8443", 101),
    ] {
        let upgrade = get(&server, "/v1/socket")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("host", host)
            .header("origin", origin);
        assert_eq!(status(upgrade).await, expected, "{host} {origin}");
    }
}

#[tokio::test]
async fn a_health_check_opens_the_state_of_a_node_with_the_secret_that_the_node_uses() {
    let production = [
        ("environment", "production"),
        ("public_url", "https://tasks.example.com"),
        ("jwt_secret", SECRET),
    ];
    // the other one generates its secret, and others reach it
    for settings in [&production[..], &[("listen", "0.0.0.0:0")]] {
        let server = Server::start(Engine::Sqlite, settings).await;
        let port = server.address.port();
        assert_eq!(
            status(get(&server, "/health/detailed")).await,
            401,
            "{settings:?}"
        );
        let (listen, proxy) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
        for arguments in [
            &["healthcheck", "--listen", &listen][..],
            &[
                "healthcheck",
                "--listen",
                &listen,
                "--wait",
                "5",
                "--through",
                &proxy,
            ],
        ] {
            let (code, said) = server.run(arguments);
            assert_eq!(code, Some(0), "{settings:?}: {said}");
        }
        // as an operator runs it who forgets the settings of the node
        let forgetting = [
            "healthcheck",
            "--listen",
            &listen,
            "--wait",
            "0",
            "--through",
            &proxy,
            "--set",
            "jwt_secret=",
            "--set",
            "data_dir=elsewhere",
            "--set",
            "environment=development",
        ];
        let (code, said) = server.run(&forgetting);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("wants a token"), "{said}");
    }
}

#[tokio::test]
async fn a_weak_secret_is_named_at_the_start_where_others_reach_the_node() {
    const SAID: &str = "others reach this node";
    for (listen, secret, expected) in [
        ("0.0.0.0:0", "k1tten", true),
        ("0.0.0.0:0", SECRET, false),
        ("127.0.0.1:0", "k1tten", false),
        ("0.0.0.0:0", "", false),
    ] {
        let server = Server::start(Engine::Sqlite, &[("listen", listen), ("jwt_secret", secret)]).await;
        let log = server.log();
        assert_eq!(log.contains(SAID), expected, "{listen} {secret:?}: {log}");
        assert!(secret.is_empty() || !log.contains(secret), "{log}");
    }
}

/// Route, Origin, Sec-Fetch-Site (several with `|`), Content-Type, delivery; then the status, and whether a cookie is set.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    u16,
    bool,
);

#[tokio::test]
async fn a_cookie_is_for_our_own_pages_and_for_bodies_that_only_they_send() {
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    let server = Server::start(Engine::Sqlite, &[("allowed_origins", "https://app.example.com")]).await;
    http::sign_up(&server, "ada").await;
    let own = server.url("");
    let cases: [Case; 20] = [
        ("login", "", "", JSON, "cookie", 200, true),
        ("login", "own", "same-origin", JSON, "cookie", 200, true),
        ("login", "", "none", JSON, "cookie", 200, true),
        (
            "login",
            "https://app.example.com",
            "same-site",
            JSON,
            "cookie",
            200,
            true,
        ),
        ("login", "", "same-site", JSON, "cookie", 403, false),
        ("login", "own", "same-site", JSON, "cookie", 200, true),
        ("login", "", "cross-site", JSON, "cookie", 403, false),
        ("login", "own", "", "", "cookie", 415, false),
        ("login", "", "same-origin", "", "cookie", 415, false),
        // a program's
        ("login", "", "", "", "cookie", 200, true),
        ("login", "", "same-origin|cross-site", JSON, "cookie", 403, false),
        ("login", "", "nonsense", JSON, "cookie", 403, false),
        ("login", "own", "", FORM, "cookie", 200, true),
        ("login", "", "", FORM, "cookie", 200, true),
        (
            "login",
            "https://evil.example",
            "cross-site",
            FORM,
            "cookie",
            403,
            false,
        ),
        ("login", "", "", FORM, "body", 200, false),
        (
            "login",
            "https://evil.example",
            "cross-site",
            JSON,
            "body",
            200,
            false,
        ),
        ("login", "", "", "", "body", 200, false),
        ("signup", "own", "", "", "cookie", 415, false),
        ("first-admin", "", "same-site", JSON, "cookie", 403, false),
    ];
    for (route, origin, site, kind, delivery, expected, sets) in cases {
        let body = match kind {
            FORM => format!(
                "username=ada@example.com&password={}&token_delivery={delivery}",
                PASSWORD.replace(' ', "+")
            ),
            _ => json!({ "email": "ada@example.com", "password": PASSWORD, "token_delivery": delivery })
                .to_string(),
        };
        let mut request = http::request(&server, Method::POST, &format!("/v1/auth/{route}")).body(body);
        match origin {
            "" => {}
            "own" => request = request.header("origin", &own),
            other => request = request.header("origin", other),
        }
        for said in site.split('|').filter(|said| !said.is_empty()) {
            request = request.header("sec-fetch-site", said);
        }
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(
            (
                answer.status().as_u16(),
                answer.headers().contains_key("set-cookie")
            ),
            (expected, sets),
            "{route} {origin:?} {site:?} {kind:?} {delivery}"
        );
    }
}

#[tokio::test]
async fn two_cookies_of_the_name_sign_nobody_in_or_out() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let [ada, eve] = [
        http::sign_up(&server, "ada").await,
        http::sign_up(&server, "eve").await,
    ];
    let cookie = |tokens: &Value| format!("taskwire_refresh={}", text(&tokens["refresh_token"]));
    let both = format!("{}; theme=dark; {}", cookie(&eve), cookie(&ada));
    let post = |path: &str, cookie: &str| {
        http::request(&server, Method::POST, path).header("cookie", cookie.to_owned())
    };
    for path in ["/v1/auth/refresh", "/v1/auth/logout", "/v1/auth/logout-all"] {
        let answer = post(path, &both).send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{path}");
        assert!(!answer.headers().contains_key("set-cookie"), "{path}");
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(
            (&body["error"]["code"], &body["error"]["field"]),
            (&json!("INVALID_TOKEN"), &json!("refresh_token")),
            "{path}: {body}"
        );
    }
    // nothing has ended, and the person can sign in
    for tokens in [&ada, &eve] {
        assert_eq!(status(post("/v1/auth/refresh", &cookie(tokens))).await, 200);
    }
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(status(post("/v1/auth/login", &both).json(&login)).await, 200);
}

#[tokio::test]
async fn a_strange_page_that_signs_out_leaves_the_cookie_of_the_browser() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    for (site, sets) in [("cross-site", false), ("same-origin", true)] {
        let tokens = http::sign_up(&server, if sets { "ada" } else { "bob" }).await;
        let out = http::request(&server, Method::POST, "/v1/auth/logout")
            .bearer_auth(text(&tokens["access_token"]))
            .header("sec-fetch-site", site);
        let answer = out.send().await.expect("an answer");
        assert_eq!(
            (
                answer.status().as_u16(),
                answer.headers().contains_key("set-cookie")
            ),
            (200, sets),
            "{site}"
        );
    }
}

/// Files below a folder, and those in folders below it.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

#[tokio::test]
async fn every_file_is_for_its_owner_alone_in_whatever_folder() {
    let mut server = Server::prepare(Engine::Sqlite, &[]).await;
    let data = server.folder.path().join("data");
    let place = |name: &str| data.join(name);
    fs::create_dir(&data).expect("a folder");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("open to all");
    let url = format!("sqlite:{}", place("tasks.db").display());
    server.set("database_url", &url);
    // as an older version, or a copy, may have left them
    for (name, content) in [("tasks.db", String::new()), ("jwt_secret", "k7".repeat(24))] {
        fs::write(place(name), content).expect("written");
        fs::set_permissions(place(name), fs::Permissions::from_mode(0o644)).expect("open to all");
    }
    server.spawn();
    let tokens = http::sign_up(&server, "ada").await; // mails a code
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let task = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let upload =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n";
    let sent = http::request(
        &server,
        Method::POST,
        &format!("/v1/tasks/{}/attachments", text(&task)),
    )
    .bearer_auth(text(&tokens["access_token"]))
    .header("content-type", "multipart/form-data; boundary=b")
    .file(upload.as_bytes().to_vec());
    assert_eq!(status(sent).await, 201);
    eventually("a mail in a file", || async {
        place("outbox").exists().then_some(())
    })
    .await;
    let all = files(&data);
    for needed in [
        "tasks.db",
        "tasks.db-wal",
        "tasks.db.lock",
        "jwt_secret",
        "outbox",
        "files",
    ] {
        let is_there = |path: &std::path::PathBuf| path.to_string_lossy().contains(&format!("/{needed}"));
        assert!(all.iter().any(is_there), "{needed} is not in {all:?}");
    }
    for file in all {
        let mode = fs::metadata(&file).map(|found| found.permissions().mode() & 0o777);
        assert_eq!(mode.ok().map(|mode| mode & 0o077), Some(0), "{}", file.display());
    }
    assert_eq!(
        server.log().matches("others could read").count(),
        2,
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn the_state_of_a_node_costs_one_read_a_second_however_many_ask() {
    let server = Server::start(Engine::Sqlite, &[("rate_limit_enabled", "true")]).await;
    let reads = async || {
        let numbers = get(&server, "/metrics")
            .send()
            .await
            .expect("numbers")
            .text()
            .await
            .expect("text");
        let line = numbers
            .lines()
            .find(|line| line.starts_with("taskwire_pool_wait_seconds_count "));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let before = reads().await;
    for _ in 0..400 {
        assert_eq!(status(get(&server, "/health/detailed")).await, 200);
    }
    // the numbers are older than a second at most, and the node reads a little for itself
    eventually("newer numbers", || async {
        (reads().await > before).then_some(())
    })
    .await;
    let more = reads().await - before;
    assert!(more < 200, "{more} reads for 400 requests");
}
