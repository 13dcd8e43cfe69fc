//! How sockets close. A test provokes each close code of the contract; the table names the tests.

use crate::on_both_databases;
use crate::support::raw;
use crate::support::{Client, Engine, Raw, Server, audit, eventually, http, text, tokens};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use taskwire_protocol::CloseCode;

mod peers; // peers that stall, flood and never read
mod waiting; // sockets that wait for a slow database or peer

on_both_databases!(
    a_restart_sends_goodbye_and_answers_pending_requests,
    a_session_that_ends_closes_its_sockets_within_a_second,
    a_socket_closes_with_1013_while_its_session_cannot_be_read,
    a_follower_whose_access_cannot_be_read_is_closed_and_resumes,
);

/// The tests that provoke each code: file and name. Some are unit tests of `src/socket`.
const PROVOKED: &[(CloseCode, &str, &str)] = &[
    (
        CloseCode::Normal,
        HERE,
        "a_close_frame_of_the_peer_is_answered_with_its_code",
    ),
    (
        CloseCode::Normal,
        "src/socket/tests/framing.rs",
        "a_clean_close_is_answered_with_its_code",
    ),
    (
        CloseCode::GoingAway,
        HERE,
        "a_close_frame_of_the_peer_is_answered_with_its_code",
    ),
    (CloseCode::Protocol, HERE, "a_broken_protocol_has_its_code"),
    (CloseCode::Unsupported, HERE, "a_broken_protocol_has_its_code"),
    (CloseCode::InvalidText, HERE, "a_broken_protocol_has_its_code"),
    (CloseCode::TooBig, HERE, "a_broken_protocol_has_its_code"),
    (
        CloseCode::Protocol,
        "src/socket/tests/framing.rs",
        "each_protocol_violation_has_its_close_code",
    ),
    (
        CloseCode::Restart,
        HERE,
        "a_restart_sends_goodbye_and_answers_pending_requests",
    ),
    (
        CloseCode::TryAgain,
        "tests/integration/draining.rs",
        "above_the_admission_rate_sockets_close_with_1013_and_clients_reconnect",
    ),
    (
        CloseCode::TryAgain,
        HERE,
        "a_socket_closes_with_1013_while_its_session_cannot_be_read",
    ),
    (
        CloseCode::BadFrames,
        HERE,
        "ten_frames_that_are_not_requests_close_the_socket",
    ),
    (
        CloseCode::Unauthenticated,
        HERE,
        "a_socket_that_does_not_authenticate_is_closed",
    ),
    (
        CloseCode::Unauthenticated,
        HERE,
        "a_socket_whose_token_expired_is_closed_after_the_grace_time",
    ),
    (
        CloseCode::Unauthenticated,
        "src/socket/tests/members.rs",
        "the_third_refused_token_closes_and_a_second_auth_does_not",
    ),
    (
        CloseCode::Revoked,
        HERE,
        "a_session_that_ends_closes_its_sockets_within_a_second",
    ),
    (
        CloseCode::Dead,
        "tests/integration/closing/peers.rs",
        "a_peer_that_neither_reads_nor_answers_is_dead",
    ),
    (
        CloseCode::Dead,
        HERE,
        "a_follower_whose_access_cannot_be_read_is_closed_and_resumes",
    ),
    (
        CloseCode::Dead,
        HERE,
        "a_socket_whose_changed_account_cannot_be_read_is_closed",
    ),
    (
        CloseCode::Dead,
        "src/socket/tests/life.rs",
        "a_reader_that_retention_overtakes_is_closed_and_its_position_has_expired",
    ),
    (
        CloseCode::Dead,
        "src/socket/tests/life.rs",
        "a_silent_peer_is_dead_after_a_ping_and_eight_seconds",
    ),
    (
        CloseCode::RateIgnored,
        HERE,
        "too_many_requests_sockets_or_pings_close_a_socket",
    ),
];

const HERE: &str = "tests/integration/closing.rs";

#[test]
fn every_close_code_is_provoked() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut provoked = BTreeSet::new();
    for (code, file, test) in PROVOKED {
        let source = std::fs::read_to_string(root.join(file)).expect("a source");
        let (_, rest) = source
            .split_once(&format!("fn {test}("))
            .unwrap_or_else(|| panic!("{file} has no {test}"));
        let body = rest.split_once("\n}\n").expect("its end").0;
        let number = code.code().to_string();
        assert!(
            body.contains(&number),
            "{file}: the test {test} does not contain {number}"
        );
        provoked.insert(code.code());
    }
    let all: BTreeSet<u16> = CloseCode::ALL.iter().map(|code| code.code()).collect();
    assert_eq!(provoked, all);
}

async fn a_restart_sends_goodbye_and_answers_pending_requests(engine: Engine) {
    let mut server = Server::start(engine, &[("drain_seconds", "5")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut watcher = ada.another(&server).await;
    let silent = Raw::member(&server, &ada.tokens).await; // never closes its side, so the node keeps draining
    let mut ids = Vec::new();
    for n in 0..200 {
        ids.push(ada.ask("task.create", json!({ "title": n.to_string() })).await);
    }
    ada.answer(ids[0]).await;
    server.ask_to_stop();
    eventually("503 of /readyz", || async {
        let ready = http::request(&server, Method::GET, "/readyz").send().await;
        (ready.expect("an answer while draining").status() == 503).then_some(())
    })
    .await;
    let alive = http::get(&server, "/livez").await;
    assert_eq!(
        alive.status(),
        200,
        "/livez must answer 200 while the node drains"
    );

    let (frames, code) = ada.until_closed().await;
    assert_eq!(code, Some(1012));
    let mut delays = vec![goodbye(&frames)];
    let answered: Vec<i64> = frames.iter().filter_map(|frame| frame["id"].as_i64()).collect();
    assert_eq!(
        answered,
        ids[1..=answered.len()],
        "answers must be in order, and none may be missing"
    );
    assert!(frames.iter().all(|frame| frame["type"] != "error"), "{frames:?}");
    let (frames, code) = watcher.until_closed().await;
    assert_eq!(code, Some(1012));
    delays.push(goodbye(&frames));
    assert_ne!(delays[0], delays[1], "each socket must get another delay");
    let tokens = ada.tokens.clone();
    let stream = format!("workspace:{}", ada.personal());
    drop((ada, watcher, silent));
    assert_eq!(server.ended().await, Some(0));

    server.spawn();
    let logs = audit::agree(&server, &tokens).await;
    let created = logs[&stream]
        .iter()
        .filter(|event| event["event"] == "task.created");
    assert_eq!(
        created.count(),
        answered.len() + 1,
        "every created task must have been answered"
    );
}

/// The delay in the only `server.goodbye`.
fn goodbye(frames: &[Value]) -> u64 {
    let mut goodbyes = frames.iter().filter(|frame| frame["signal"] == "server.goodbye");
    let delay = goodbyes.next().expect("a goodbye")["data"]["reconnect_after_ms"].as_u64();
    assert!(goodbyes.next().is_none(), "{frames:?}");
    delay.expect("a delay")
}

async fn a_session_that_ends_closes_its_sockets_within_a_second(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    for by_http in [false, true] {
        let mut ada = Client::sign_up(&server, &format!("ada{by_http}")).await;
        let mut others = [ada.another(&server).await, ada.another(&server).await];
        let login = json!({ "email": format!("ada{by_http}@example.com"), "password": crate::support::PASSWORD, "token_delivery": "body" });
        let elsewhere = http::post(&server, "/v1/auth/login", &login).await;
        let elsewhere: Value = elsewhere.json().await.expect("tokens");
        let mut elsewhere = Client::with_tokens(&server, &elsewhere, json!({})).await;
        if by_http {
            let token = text(&ada.tokens["access_token"]);
            let out = http::request(&server, Method::POST, "/v1/auth/logout").bearer_auth(token);
            assert_eq!(out.send().await.expect("an answer").status(), 200);
        } else {
            ada.ok("auth.logout", json!({})).await;
        }
        let begun = Instant::now();
        for client in [&mut ada].into_iter().chain(&mut others) {
            assert_eq!(client.until_closed().await.1, Some(4403));
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        elsewhere.ok("profile.get", json!({})).await; // another session of the same user stays
    }
}

async fn a_socket_closes_with_1013_while_its_session_cannot_be_read(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    // no socket has used this session yet, so the server must read it
    let tokens = http::sign_up(&server, "ada").await;
    server
        .database
        .execute("alter table sessions rename to away")
        .await;
    let mut refused = Raw::member(&server, &tokens).await;
    let (_, payload) = refused.frame().await;
    let error: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(error["error"]["retryable"], true, "{error}");
    assert_eq!(refused.closed().await, 1013);
    server
        .database
        .execute("alter table away rename to sessions")
        .await;
    Client::with_tokens(&server, &tokens, json!({})).await;
}

async fn a_follower_whose_access_cannot_be_read_is_closed_and_resumes(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let stream = format!("workspace:{}", ada.personal());
    let before = ada.ok("task.create", json!({ "title": "before" })).await;
    ada.event("task.created").await;
    let mut quiet = Client::with_tokens(&server, &ada.tokens, json!({ "streams": [] })).await;
    let subscribe = json!({ "stream": stream });

    server
        .database
        .execute("alter table members rename to away")
        .await;
    // a socket that does not follow the stream yet loses nothing: it stays open
    let error = quiet.refused("stream.subscribe", subscribe.clone()).await;
    assert_eq!(error["retryable"], true, "{error}");
    ada.ask("stream.subscribe", subscribe.clone()).await;
    assert_eq!(ada.until_closed().await.1, Some(4408));
    server
        .database
        .execute("alter table away rename to members")
        .await;

    let now = quiet.ok("stream.subscribe", subscribe).await;
    quiet.ok("task.complete", json!({ "id": before["id"] })).await;
    let resume = json!({ "epoch": ada.welcome["data"]["epoch"], "positions": { &*stream: now["seq"] } });
    let mut ada = Client::with_tokens(&server, &ada.tokens, json!({ "resume": resume })).await;
    for client in [&mut ada, &mut quiet] {
        assert_eq!(client.next_of(&stream).await["event"], "task.completed");
    }
}

#[tokio::test]
async fn a_socket_whose_changed_account_cannot_be_read_is_closed() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    server
        .database
        .execute("alter table members rename to away")
        .await;
    // another process changes the account: the server is notified, and must read the account again
    let (code, said) = server.run(&["admin", "set-role", "ada@example.com", "admin"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ada.until_closed().await.1, Some(4408));
    server
        .database
        .execute("alter table away rename to members")
        .await;
    ada.another(&server).await.ok("admin.instances", json!({})).await;
}

#[tokio::test]
async fn a_close_frame_of_the_peer_is_answered_with_its_code() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    for code in [1000_u16, 1001] {
        let mut peer = Raw::upgrade(&server, "").await;
        peer.send(&raw::frame(0x88, &code.to_be_bytes())).await;
        assert_eq!(peer.closed().await, code);
        peer.ended().await;
    }
}

#[tokio::test]
async fn a_broken_protocol_has_its_code() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let breaks = [
        ("a reserved bit", raw::frame(0xc1, b"{}"), 1002),
        ("a reserved opcode", raw::frame(0x83, b"{}"), 1002),
        ("an unmasked frame", vec![0x81, 2, b'{', b'}'], 1002),
        ("a binary frame", raw::frame(0x82, b"{}"), 1003),
        ("invalid UTF-8", raw::frame(0x81, b"{\"type\":\"\xff\"}"), 1007),
        (
            "more than four times the frame limit",
            raw::frame(0x81, &vec![b' '; 4 * 65_536 + 1]),
            1009,
        ),
    ];
    for (what, bytes, code) in breaks {
        for member in [false, true] {
            let mut peer = if member {
                Raw::member(&server, &ada.tokens).await
            } else {
                Raw::upgrade(&server, "").await
            };
            peer.send(&bytes).await;
            assert_eq!(peer.closed().await, code, "{what}; authenticated: {member}");
            peer.ended().await;
        }
    }
}

#[tokio::test]
async fn ten_frames_that_are_not_requests_close_the_socket() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let deep = format!(r#"{{"type":"ping","data":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    for bad in ["{", "[]", "7", r#"{"type":7}"#, &deep].iter().cycle().take(10) {
        ada.send_text(bad).await;
    }
    let (frames, code) = ada.until_closed().await;
    let refused = frames
        .iter()
        .filter(|frame| frame["error"]["code"] == "BAD_FRAME" && frame["id"].is_null());
    assert_eq!((refused.count(), code), (10, Some(4400)));
}

#[tokio::test]
async fn a_socket_that_does_not_authenticate_is_closed() {
    let server = Server::start(Engine::Sqlite, &[("auth_timeout_seconds", "1")]).await;
    let mut late = Client::connect(&server).await;
    assert_eq!(late.call("ping", json!({})).await["type"], "pong");
    assert_eq!(
        late.refused("task.list", json!({})).await["code"],
        "AUTH_REQUIRED"
    );
    assert_eq!(late.until_closed().await.1, Some(4401), "closed at the deadline");
    let mut refused = Raw::member(&server, &json!({ "access_token": "nonsense" })).await;
    let (_, payload) = refused.frame().await;
    let error: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(error["error"]["code"], "INVALID_TOKEN", "{error}");
    assert_eq!(
        refused.closed().await,
        4401,
        "closed because the token of the header is invalid"
    );
}

#[tokio::test]
async fn authorization_for_a_proxy_is_not_taken_for_a_token() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut peer = Raw::upgrade(&server, "Authorization: Basic YWRhOnRlYQ==\r\n").await;
    let auth = json!({ "type": "auth", "id": 1, "data": { "token": tokens["access_token"] } });
    peer.send(&raw::frame(0x81, auth.to_string().as_bytes())).await;
    let (_, payload) = peer.frame().await;
    let welcome: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(welcome["type"], "welcome", "{welcome}");
}

/// A URL ends up in logs and histories, and a browser sends cookies with requests of any page.
#[tokio::test]
async fn no_token_in_a_url_and_no_cookie_signs_anybody_in() {
    let server = Server::start(Engine::Sqlite, &[("log_level", "trace")]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let frame = json!({ "type": "profile.get", "id": 1, "data": {} });
    for (query, headers) in [
        (format!("?token={access}"), String::new()),
        (format!("?access_token={access}"), String::new()),
        (
            format!("?authorization=Bearer%20{access}&api_key={access}"),
            String::new(),
        ),
        (String::new(), format!("Cookie: taskwire_refresh={refresh}\r\n")),
        (
            String::new(),
            format!("Cookie: token={access}; access_token={access}; authorization={access}\r\n"),
        ),
    ] {
        let mut peer = Raw::upgrade_at(&server, &format!("/v1/socket{query}"), &headers).await;
        peer.send(&raw::frame(0x81, frame.to_string().as_bytes())).await;
        let (_, payload) = peer.frame().await;
        let answer: Value = serde_json::from_slice(&payload).expect("JSON");
        assert_eq!(
            answer["error"]["code"], "AUTH_REQUIRED",
            "{query} {headers}: {answer}"
        );
        let cookie = headers.trim().strip_prefix("Cookie: ").unwrap_or_default();
        let me = http::request(&server, Method::GET, &format!("/v1/auth/me{query}"));
        let me = me.header("cookie", cookie).send().await.expect("an answer");
        assert_eq!(me.status(), 401, "{query} {headers}");
        let rpc = http::request(&server, Method::POST, &format!("/v1/rpc{query}"));
        let rpc = rpc.header("cookie", cookie).json(&frame).send().await;
        assert_eq!(rpc.expect("an answer").status(), 401, "{query} {headers}");
    }
}

#[tokio::test]
async fn a_slow_database_does_not_make_a_token_late() {
    let server = Server::start(Engine::Postgres, &[("auth_timeout_seconds", "1")]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut link = server.database.link().await;
    link.execute("begin; lock table sessions").await.expect("a lock");
    let mut early = Client::connect(&server).await;
    let id = early
        .ask("auth", json!({ "token": tokens["access_token"] }))
        .await;
    let mut late = Client::connect(&server).await;
    let (_, code) = late.until_closed().await;
    assert_eq!(code, Some(4401), "the deadline of both sockets has passed");
    link.execute("rollback").await.expect("no lock");
    assert_eq!(early.answer(id).await["type"], "welcome");
}

#[tokio::test]
async fn a_socket_whose_token_expired_is_closed_after_the_grace_time() {
    let settings = [("jwt_secret", tokens::SECRET), ("auth_grace_seconds", "2")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let begun = Instant::now();
    let mut tokens = http::sign_up(&server, "ada").await;
    let long = tokens["access_token"].clone();
    tokens["access_token"] = tokens::lasting(&long, 10);
    let mut ended = Client::with_tokens(&server, &tokens, json!({})).await;
    let mut renewed = ended.another(&server).await;
    renewed.ok("auth.renew", json!({ "token": long })).await;
    let (frames, code) = ended.until_closed().await;
    let told = frames
        .iter()
        .filter(|frame| frame["signal"] == "session.expiring");
    assert_eq!((told.count(), code), (1, Some(4401)));
    // the token was made after `begun`, and its times are whole seconds
    let lasted = begun.elapsed();
    assert!(lasted >= Duration::from_secs(11), "{lasted:?}");
    renewed.ok("profile.get", json!({})).await;
}

#[tokio::test]
async fn too_many_requests_sockets_or_pings_close_a_socket() {
    let settings = [
        ("rate_limit_enabled", "true"),
        ("ops_per_second", "1"),
        ("ops_burst", "5"),
        ("sockets_per_user", "3"),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut other = ada.another(&server).await;
    for _ in 0..120 {
        other.ask("profile.get", json!({})).await;
    }
    let (frames, code) = other.until_closed().await;
    let limited = frames
        .iter()
        .filter(|frame| frame["error"]["code"] == "RATE_LIMITED");
    assert_eq!(
        (limited.count(), code),
        (100, Some(4429)),
        "closed after 100 refusals"
    );

    let mut pinging = Raw::upgrade(&server, "").await;
    pinging.send(&raw::frame(0x89, b"").repeat(2001)).await;
    assert_eq!(pinging.closed().await, 4429, "too many pings");

    eventually("room", || async {
        let health = http::get(&server, "/health/detailed").await;
        let health: Value = health.json().await.expect("JSON");
        (health["sockets"] == 1).then_some(())
    })
    .await;
    let _rest = [ada.another(&server).await, ada.another(&server).await];
    let mut fourth = Raw::member(&server, &ada.tokens).await;
    assert_eq!(fourth.closed().await, 4429, "one socket too many");
    ada.ok("profile.get", json!({})).await;
}
