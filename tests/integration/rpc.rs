//! `/v1/rpc`: the shape of its answers, its tokens, its limits. Other files test the operations.

use crate::support::http::RequestBuilder;
use crate::support::{Client, Engine, PATIENCE, Raw, Server, http, text};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

fn post(server: &Server) -> RequestBuilder {
    http::request(server, Method::POST, "/v1/rpc")
}

fn send_text(server: &Server, body: impl Into<reqwest::Body>) -> RequestBuilder {
    post(server).header("content-type", "application/json").body(body)
}

/// The status, the headers and the frame or frames of an answer.
async fn read(request: RequestBuilder) -> (u16, HeaderMap, Value) {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.json().await.expect("JSON"))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers
        .get(name)
        .unwrap_or_else(|| panic!("no {name}: {headers:?}"));
    value.to_str().expect("text")
}

/// Asserts that a frame is an error with this code, and has what every error frame has.
fn is_error(frame: &Value, headers: &HeaderMap, code: &str) {
    assert_eq!(frame["type"], "error", "{code}: {frame}");
    assert_eq!(frame["error"]["code"], code, "{frame}");
    assert_eq!(
        frame["error"]["request_id"],
        header(headers, "x-request-id"),
        "{frame}"
    );
    assert!(frame["error"]["retryable"].is_boolean(), "{frame}");
    assert!(frame.get("success").is_none(), "{frame}");
}

#[tokio::test]
async fn every_refusal_of_a_body_is_an_error_frame() {
    let server = Server::start(
        Engine::Sqlite,
        &[("allowed_hosts", "127.0.0.1"), ("frame_bytes", "1024")],
    )
    .await;
    let json = |body: &str| send_text(&server, body.to_owned());
    let pings = json!(vec![json!({ "type": "ping", "id": 1 }); 101]).to_string();
    let cases = [
        (json("{}").header("host", "example.com"), 400, "BAD_FRAME"),
        (send_text(&server, vec![0xff]), 400, "BAD_FRAME"),
        (json("nonsense"), 400, "BAD_FRAME"),
        (json(r#"[{"type":"ping"},"#), 400, "BAD_FRAME"),
        (
            http::request(&server, Method::DELETE, "/v1/rpc"),
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (json(&" ".repeat(1_100_000)), 413, "PAYLOAD_TOO_LARGE"),
        (
            post(&server).header("content-type", "text/plain").body("{}"),
            415,
            "UNSUPPORTED_MEDIA",
        ),
        (json(&pings), 422, "VALIDATION_ERROR"),
    ];
    for (request, status, code) in cases {
        let (came, headers, frame) = read(request).await;
        assert_eq!(came, status, "{frame}");
        is_error(&frame, &headers, code);
        assert_eq!(frame["id"], Value::Null, "{frame}");
        assert_eq!(header(&headers, "content-type"), "application/json");
        assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
        assert_eq!(headers.contains_key("allow"), status == 405, "{headers:?}");
    }
}

#[tokio::test]
async fn a_rate_limited_request_is_answered_with_an_error_frame() {
    let settings = [
        ("rate_limit_enabled", "true"),
        ("rate_limit_requests", "1"),
        ("rate_limit_window_seconds", "60"),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let ping = || post(&server).json(&json!({ "type": "ping", "id": 1 }));
    let (status, _, pong) = read(ping()).await;
    assert_eq!((status, pong), (200, json!({ "type": "pong", "id": 1 })));
    let (status, headers, frame) = read(ping()).await;
    assert_eq!(status, 429);
    is_error(&frame, &headers, "RATE_LIMITED");
    assert!(
        frame["error"]["retry_after_ms"]
            .as_u64()
            .is_some_and(|wait| wait > 0),
        "{frame}"
    );
    assert_eq!(header(&headers, "x-ratelimit-remaining"), "0");
    assert!(headers.contains_key("retry-after"), "{headers:?}");
}

#[tokio::test]
async fn each_frame_of_an_array_counts_as_a_request() {
    let settings = [("rate_limit_enabled", "true"), ("rate_limit_requests", "3")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let frames: Vec<Value> = (0..5).map(|n| json!({ "type": "ping", "id": n })).collect();
    let (status, _, answers) = read(post(&server).json(&frames)).await;
    let answers = answers.as_array().expect("an array");
    assert_eq!((status, answers.len()), (200, 5), "{answers:?}");
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer["id"], n, "{answer}");
        let expected = if n < 3 { json!(null) } else { json!("RATE_LIMITED") };
        assert_eq!(answer["error"]["code"], expected, "{answer}");
    }
}

#[tokio::test]
async fn a_batch_counts_as_its_operations() {
    let settings = [("rate_limit_enabled", "true"), ("rate_limit_requests", "30")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let tokens = http::sign_up(&server, "ada").await;
    let token = text(&tokens["access_token"]);
    let ops = |count: usize| {
        json!(vec![
            json!({ "type": "workspace.create", "data": { "name": "W" } });
            count
        ])
    };
    let batch = |id: &str, count: usize| json!({ "type": "batch", "id": id, "data": { "ops": ops(count) } });
    let one = batch("one", 5);
    let (status, headers, answer) = read(post(&server).bearer_auth(token).json(&one)).await;
    assert_eq!(
        (status, header(&headers, "x-ratelimit-remaining")),
        (200, "25"),
        "{answer}"
    );
    // 5 + 20 + 40: the second batch still has room for a request, the third has none
    let frames = json!([batch("a", 20), batch("b", 40), batch("c", 1), { "type": "ping", "id": "d" }]);
    let (status, _, answers) = read(post(&server).bearer_auth(token).json(&frames)).await;
    assert_eq!(status, 200, "{answers}");
    for (n, code) in [
        json!(null),
        json!(null),
        json!("RATE_LIMITED"),
        json!("RATE_LIMITED"),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(&answers[n]["error"]["code"], code, "{}", answers[n]);
    }
    let context = &answers[2]["error"]["context"];
    assert_eq!(*context, json!({ "limit": 30, "of": "requests" }));
    // nothing more in this window, by no other request either
    let ping = || post(&server).json(&json!({ "type": "ping", "id": 1 }));
    let (status, headers, _) = read(ping().bearer_auth(token)).await;
    assert_eq!((status, header(&headers, "x-ratelimit-remaining")), (429, "0"));
    // others at the same address have their own, a token that somebody made up too
    let (status, headers, _) = read(ping()).await;
    assert_eq!((status, header(&headers, "x-ratelimit-remaining")), (200, "28"));
    let (status, headers, _) = read(ping().bearer_auth("nonsense")).await;
    assert_eq!((status, header(&headers, "x-ratelimit-remaining")), (401, "27"));
}

#[tokio::test]
async fn a_refused_token_is_answered_for_each_frame() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let ask = |body: &Value| post(&server).bearer_auth("nonsense").json(body);
    let one = json!({ "type": "profile.get", "id": 1 });
    let (status, headers, frame) = read(ask(&one)).await;
    assert_eq!((status, &frame["id"]), (401, &json!(1)));
    assert_eq!(header(&headers, "www-authenticate"), "Bearer");
    is_error(&frame, &headers, "INVALID_TOKEN");

    // a token is checked even when the operation needs none
    let several = json!([one, { "type": "ping", "id": "two" }, { "type": "task.list" }, 4]);
    let (status, headers, frames) = read(ask(&several)).await;
    let frames = frames.as_array().expect("an array for an array");
    assert_eq!((status, frames.len()), (200, 4));
    let expected = [
        (json!(1), "INVALID_TOKEN"),
        (json!("two"), "INVALID_TOKEN"),
        (Value::Null, "INVALID_TOKEN"),
        (Value::Null, "BAD_FRAME"),
    ];
    for (frame, (id, code)) in frames.iter().zip(expected) {
        assert_eq!(frame["id"], id, "{frame}");
        is_error(frame, &headers, code);
    }
}

#[tokio::test]
async fn an_array_may_be_as_large_as_all_its_frames() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let padded = |id: usize| {
        let start = format!(r#"{{"type":"ping","id":{id}"#);
        format!("{start:<65535}}}")
    };
    let frames: Vec<String> = (0..100).map(padded).collect();
    assert!(frames.iter().all(|frame| frame.len() == 65_536));
    let body = format!("[\n  {}\n]", frames.join(",\n  "));
    let tokens = http::sign_up(&server, "ada").await;
    let ada = send_text(&server, body).bearer_auth(text(&tokens["access_token"]));
    let (status, _, answers) = read(ada).await;
    let pongs: Vec<Value> = (0..100).map(|id| json!({ "type": "pong", "id": id })).collect();
    assert_eq!((status, answers), (200, json!(pongs)));
}

#[tokio::test]
async fn a_frame_that_is_too_large_keeps_its_id() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let large = json!({ "type": "task.create", "data": { "title": "x".repeat(70_000) }, "id": "seven" });
    let (status, headers, frame) = read(post(&server).json(&large)).await;
    assert_eq!((status, &frame["id"]), (413, &json!("seven")));
    is_error(&frame, &headers, "PAYLOAD_TOO_LARGE");

    let (status, headers, frames) =
        read(post(&server).json(&json!([large, { "type": "ping", "id": 8 }]))).await;
    assert_eq!((status, &frames[0]["id"]), (200, &json!("seven")));
    is_error(&frames[0], &headers, "PAYLOAD_TOO_LARGE");
    assert_eq!(frames[1], json!({ "type": "pong", "id": 8 }));
}

/// Sends a request without a length, up to the first byte of its body.
async fn begin(server: &Server, headers: &str) -> Raw {
    let mut raw = Raw::dial(server).await;
    let request = format!(
        "POST /v1/rpc HTTP/1.1\r\nHost: {}\r\n{headers}Content-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n",
        server.address
    );
    raw.send(request.as_bytes()).await;
    raw
}

#[tokio::test]
async fn slow_senders_without_a_token_do_not_block_other_callers() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let token = format!("Authorization: Bearer {}\r\n", text(&tokens["access_token"]));
    let mut strangers = Vec::new();
    for _ in 0..20 {
        strangers.push(begin(&server, "").await);
    }
    // wait until the server reads them
    let (status, _, _) = read(send_text(&server, r#"{"type":"ping","id":1}"#)).await;
    assert_eq!(status, 200);
    for spaces in [1, 2_000_000] {
        let rest = format!(
            "{}{}]",
            json!({ "type": "profile.get", "id": 1 }),
            " ".repeat(spaces)
        );
        let mut ada = begin(&server, &token).await;
        ada.send(format!("{:x}\r\n{rest}\r\n0\r\n\r\n", rest.len()).as_bytes())
            .await;
        let head = ada.head().await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }
    for raw in &strangers {
        let said = raw.0.try_read(&mut [0; 100]);
        assert!(said.is_err(), "a slow sender was refused before the others");
    }
}

#[tokio::test]
async fn a_large_body_needs_a_valid_token() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let body = format!(
        "[{}{}]",
        json!({ "type": "ping", "id": 1 }),
        " ".repeat(1_200_000)
    );
    let (status, headers, frame) = read(send_text(&server, body.clone())).await;
    assert_eq!(status, 413);
    is_error(&frame, &headers, "PAYLOAD_TOO_LARGE");
    let (status, headers, frame) = read(send_text(&server, body).bearer_auth("nonsense")).await;
    assert_eq!(status, 401);
    is_error(&frame, &headers, "INVALID_TOKEN");
}

/// How much memory the answers to an array may take.
#[cfg(target_os = "linux")]
const ARRAY_BOUND: u64 = 48 << 20;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_large_answers_to_an_array_take_the_memory_of_one() {
    // each connection keeps pages of the file in memory
    let mut server = Server::start(Engine::Sqlite, &[("database_connections", "2")]).await;
    let ada = http::sign_up(&server, "ada").await;
    let token = text(&ada["access_token"]);
    let rpc = |body: &Value| post(&server).bearer_auth(token).json(body);
    let large = json!({ "type": "task.create", "data": { "title": "Large", "description": "\u{1F600}".repeat(1000) } });
    let batch = json!({ "type": "batch", "id": 1, "data": { "ops": vec![large; 14] } });
    for _ in 0..4 {
        let (_, _, made) = read(rpc(&json!(vec![&batch; 10]))).await;
        assert!(
            made.as_array()
                .expect("answers")
                .iter()
                .all(|one| one["type"] == "ok"),
            "{made}"
        );
    }
    let (_, _, workspaces) = read(rpc(&json!({ "type": "workspace.list", "id": 1 }))).await;
    let stream = format!("workspace:{}", text(&workspaces["data"]["items"][0]["id"]));
    server.terminate(); // creating the data took more memory than the answers may: start with a fresh peak
    server.spawn();
    let history =
        |id: usize| json!({ "type": "stream.history", "id": id, "data": { "stream": stream, "limit": 500 } });
    let (_, _, one) = read(post(&server).bearer_auth(token).json(&history(0))).await;
    assert_eq!(one["type"], "ok", "{one}");
    let before = server.memory("VmHWM");
    let all: Vec<Value> = (0..60).map(history).collect();
    let mut answer = post(&server)
        .bearer_auth(token)
        .json(&all)
        .send()
        .await
        .expect("an answer");
    let (mut bytes, mut end) = (0, Vec::new());
    while let Some(piece) = answer.chunk().await.expect("all of it") {
        bytes += piece.len() as u64;
        end = piece.to_vec();
    }
    assert!(end.ends_with(b"]") && bytes > 2 * ARRAY_BOUND, "{bytes} bytes");
    let grown = server.memory("VmHWM") - before;
    assert!(
        grown < ARRAY_BOUND,
        "{grown} bytes of memory for {bytes} bytes of answers"
    );
}

/// A body that was sent in chunks, put together.
fn put_together(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = chunks.windows(2).position(|two| two == b"\r\n").expect("a size");
        let size = std::str::from_utf8(&chunks[..line]).expect("text");
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("{size:?} is no size"));
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&chunks[line + 2..line + 2 + size]);
        chunks = &chunks[line + 2 + size + 2..];
    }
}

#[tokio::test]
async fn text_that_looks_like_an_answer_never_becomes_one() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let forged = "HTTP/1.1 400 ".repeat(76);
    let op =
        json!({ "type": "task.create", "data": { "title": &forged[..190], "description": forged.trim() } });
    ada.ok("batch", json!({ "ops": vec![op; 40] })).await;
    let frames = json!(vec![json!({ "type": "task.list", "data": { "limit": 40 } }); 99]);
    let token = text(&ada.tokens["access_token"]);
    let whole = post(&server)
        .bearer_auth(token)
        .json(&frames)
        .send()
        .await
        .expect("an answer");
    let whole = whole.text().await.expect("a body");

    let request = Raw::rpc(&server, token, "Connection: close\r\n", &frames.to_string());
    let mut raw = Raw::dial(&server).await;
    raw.send(request.as_bytes()).await;
    let head = raw.head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let mut chunks = Vec::new();
    let mut part = vec![0; 7_919];
    loop {
        let read = timeout(PATIENCE, raw.0.read(&mut part)).await;
        match read.expect("more in time").expect("no reset") {
            0 => break,
            read => chunks.extend_from_slice(&part[..read]),
        }
    }
    assert!(
        put_together(&chunks) == whole.as_bytes(),
        "a slow reader was told something else"
    );
}

/// Everything until the connection ends in order; read slowly, so that it ends before all is read.
async fn to_the_end(raw: &mut Raw) -> Vec<u8> {
    let (mut all, mut part) = (Vec::new(), [0; 8_192]);
    loop {
        let read = timeout(PATIENCE, raw.0.read(&mut part))
            .await
            .expect("more in time");
        match read.unwrap_or_else(|error| panic!("after {} bytes: {error}", all.len())) {
            0 => return all,
            read => all.extend_from_slice(&part[..read]),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The statuses of answers of known length; panics if one is not whole.
fn statuses(mut all: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while !all.is_empty() {
        let end = all
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head")
            + 4;
        let head = std::str::from_utf8(&all[..end])
            .expect("text")
            .to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).expect("a length");
        let length: usize = length
            .split("\r\n")
            .next()
            .expect("a line")
            .parse()
            .expect("a number");
        statuses.push(head[9..12].parse().expect("a status"));
        all = all.get(end + length..).expect("a whole answer");
    }
    statuses
}

/// What was not read when a connection is closed resets it, and the reset overtakes answers.
#[tokio::test]
async fn answers_are_whole_though_more_was_sent_than_is_read() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let op = json!({ "type": "task.create", "data": { "title": "a", "description": "x".repeat(500) } });
    ada.ok("batch", json!({ "ops": vec![op; 100] })).await;
    let list = json!({ "type": "task.list", "data": { "limit": 100 } }).to_string();
    let three = Raw::rpc(&server, text(&ada.tokens["access_token"]), "", &list).repeat(3);
    let garbage = three.clone() + &"nonsense ".repeat(5_000);
    let too_long = format!("{three}GET /{} HTTP/1.1\r\n\r\n", "a".repeat(50_000));
    let last = three.replace("Content-Type", "Connection: close\r\nContent-Type");
    for (sent, expected) in [
        (garbage, vec![200, 200, 200, 400]),
        (too_long, vec![200, 200, 200, 431]),
        (last, vec![200]),
    ] {
        let mut raw = Raw::dial_with(&server, 2048).await;
        raw.send(sent.as_bytes()).await;
        assert_eq!(statuses(&to_the_end(&mut raw).await), expected);
    }
}

#[tokio::test]
async fn a_client_that_has_ended_its_half_gets_its_answers() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let create = json!({ "type": "task.create", "data": { "title": "a" } }).to_string();
    let mut raw = Raw::dial(&server).await;
    let two = Raw::rpc(&server, text(&ada.tokens["access_token"]), "", &create).repeat(2);
    raw.send(two.as_bytes()).await;
    raw.0.shutdown().await.expect("half of the connection");
    assert_eq!(statuses(&to_the_end(&mut raw).await), [200, 200]);
}

#[tokio::test]
async fn a_request_without_a_host_or_with_an_unknown_coding_is_refused() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    for (headers, status) in [
        ("", 400),
        ("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", 415),
        ("Host: a\r\nTransfer-Encoding: chunked, chunked\r\n", 415),
        ("Host: a:\r\nTransfer-Encoding: Chunked\r\n", 200),
    ] {
        let mut raw = Raw::dial(&server).await;
        let frame = r#"{"type":"protocol.describe"}"#;
        let body = format!("{:x}\r\n{frame}\r\n0\r\n\r\n", frame.len());
        raw.send(format!("POST /v1/rpc HTTP/1.1\r\n{headers}\r\n{body}").as_bytes())
            .await;
        let head = raw.head().await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{headers}: {head}"
        );
    }
}

/// Each mutation is refused by itself.
#[tokio::test]
async fn a_key_that_stands_twice_in_a_batch_refuses_its_mutation_alone() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let ada = Client::sign_up(&server, "ada").await;
    for (atomic, done) in [(false, 1), (true, 0)] {
        let body = format!(
            r#"{{"type":"batch","id":1,"data":{{"atomic":{atomic},"ops":[
                {{"type":"task.create","data":{{"title":"ok"}}}},
                {{"type":"task.create","data":{{"title":"x","title":"y"}}}}]}}}}"#
        );
        let post = send_text(&server, body).bearer_auth(text(&ada.tokens["access_token"]));
        let (_, _, answer) = read(post).await;
        let error = if atomic {
            &answer["error"]
        } else {
            &answer["data"]["results"][1]["error"]
        };
        assert_eq!(error["code"], "VALIDATION_ERROR", "{answer}");
        assert_eq!(error["field"], "ops[1].data.title", "{answer}");
        assert_eq!(
            answer["data"]["results"][0]["data"].is_object(),
            done == 1,
            "{answer}"
        );
    }
}
