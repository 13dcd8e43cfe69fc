//! What a few take of a node's places is not taken from everybody else: large bodies, imports, passwords that wait to be
//! hashed. Each test first shows that the places are taken.

use crate::defence::{self, HOME, limited, login, try_login};
use crate::imports::send;
use crate::support::http::{self, sign_up};
use crate::support::{Engine, PASSWORD, PATIENCE, Raw, Server, eventually, text};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// An array with many large answers, and 1.2 MB of frames behind those that make them.
fn much_to_answer() -> String {
    let large = (0..60).map(|n| json!({ "type": "protocol.describe", "id": n }));
    let padded = (60..80).map(|n| json!({ "type": "ping", "id": n, "data": { "pad": "x".repeat(60_000) } }));
    json!(large.chain(padded).collect::<Vec<Value>>()).to_string()
}

#[tokio::test]
async fn a_user_who_reads_answers_slowly_keeps_nobody_from_sending_large_bodies() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let (ada, bob) = (sign_up(&server, "ada").await, sign_up(&server, "bob").await);
    let request = Raw::rpc(&server, text(&ada["access_token"]), "", &much_to_answer());
    let (mut slow, mut refused) = (Vec::new(), 0);
    for _ in 0..20 {
        let mut raw = Raw::dial(&server).await;
        raw.send(request.as_bytes()).await;
        let head = raw.head().await;
        if head.starts_with("HTTP/1.1 200 ") {
            slow.push(raw);
        } else {
            assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
            assert!(head.contains("retry-after: 1\r\n"), "{head}");
            refused += 1;
        }
    }
    // 16 MiB of frames wait for her, and no more
    assert!(
        (12..=14).contains(&slow.len()),
        "{} of 20, {refused} refused",
        slow.len()
    );
    let begun = Instant::now();
    let body = format!(
        "[{}{}]",
        json!({ "type": "profile.get", "id": 1 }),
        " ".repeat(2_000_000)
    );
    let answer = http::request(&server, Method::POST, "/v1/rpc")
        .header("content-type", "application/json")
        .bearer_auth(text(&bob["access_token"]))
        .body(body)
        .send();
    let answer = answer.await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json().await.expect("JSON")[0]["type"], "ok");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}: waited for a place");
    // she still gets what she asked for
    let mut first = slow.remove(0);
    let mut all = Vec::new();
    first.drink(&mut all, |all| all.ends_with(b"0\r\n\r\n")).await;
    let whole = String::from_utf8_lossy(&all);
    assert!(whole.contains("\"id\":79"), "the last frame is answered");
}

/// An import whose file does not arrive.
async fn slow_import(server: &Server, tokens: &Value) -> Raw {
    let mut raw = Raw::dial(server).await;
    let request = format!(
        "POST /v1/import?format=csv HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n\
         7\r\ntitle\na\r\n",
        server.address,
        text(&tokens["access_token"])
    );
    raw.send(request.as_bytes()).await;
    raw
}

/// Begins slow imports, until the next one of this account is refused. Returns them, and the refusal.
async fn slow_imports(server: &Server, tokens: &Value, count: usize) -> (Vec<Raw>, Value) {
    let mut slow = Vec::new();
    for _ in 0..count {
        slow.push(slow_import(server, tokens).await);
    }
    let refused = eventually("places that are taken", async || {
        let (status, error) = send(server, tokens, "format=csv", "title\nb\n").await;
        if status == 429 {
            return Some(error);
        }
        for raw in &mut slow {
            // it was refused, because the one above had its place
            if raw.0.try_read(&mut [0]).is_ok() {
                *raw = slow_import(server, tokens).await;
            }
        }
        None
    })
    .await;
    (slow, refused)
}

#[tokio::test]
async fn accounts_that_import_slowly_do_not_keep_another_from_importing() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let (ada, bob) = (sign_up(&server, "ada").await, sign_up(&server, "bob").await);
    let (eve, joe) = (sign_up(&server, "eve").await, sign_up(&server, "joe").await);
    let (_ada, refused) = slow_imports(&server, &ada, 2).await;
    assert_eq!(
        refused["context"],
        json!({ "limit": 2, "of": "at_a_time" }),
        "{refused}"
    );
    let (_bob, _) = slow_imports(&server, &bob, 2).await;
    let (status, answer) = send(&server, &eve, "format=csv", "title\nMine\n").await;
    assert_eq!((status, &answer["created"]), (200, &json!(1)), "{answer}");
    // who has a place gets another only while half of them are free
    let (_eve, refused) = slow_imports(&server, &eve, 1).await;
    assert_eq!(refused["context"]["limit"], 1, "{refused}");
    let (status, answer) = send(&server, &joe, "format=csv", "title\nMine\n").await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn strangers_who_guess_from_many_networks_keep_no_known_device_out() {
    let server = limited(Engine::Sqlite, &[("password_hash_concurrency", "1")]).await;
    assert_eq!(defence::sign_up(&server, HOME, "ada").await.status(), 201);
    let (over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    // each guesses on until the end, and returns the longest time after which a password was checked
    let guess = |n: usize| {
        let (server, over, refused) = (&server, &over, &refused);
        async move {
            let network = format!("198.51.{}.{}", 100 + n / 200, 1 + n % 200);
            let (mut longest, mut tries) = (Duration::ZERO, 0);
            while !over.load(Ordering::Relaxed) {
                tries += 1;
                let (begun, email) = (Instant::now(), format!("nobody{n}x{tries}@example.com"));
                let (status, _) = try_login(server, &network, &email, "a wrong password").await;
                if status == 401 {
                    longest = longest.max(begun.elapsed());
                } else {
                    refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
            longest
        }
    };
    let flood = join_all((0..350).map(guess));
    let known = async {
        let is_full = async || (refused.load(Ordering::Relaxed) > 20).then_some(());
        eventually("a full queue", is_full).await;
        let mut took = Vec::new();
        for _ in 0..3 {
            let begun = Instant::now();
            let (status, body) = try_login(&server, HOME, "ada@example.com", PASSWORD).await;
            assert_eq!(status, 200, "{body}");
            took.push(begun.elapsed());
        }
        over.store(true, Ordering::Relaxed);
        took
    };
    let (guesses, took) = tokio::join!(timeout(PATIENCE * 4, flood), known);
    let waited = guesses
        .expect("all are answered")
        .into_iter()
        .max()
        .expect("guesses");
    let slowest = took.into_iter().max().expect("three");
    assert!(
        slowest * 2 < waited,
        "a known device waited {slowest:?}, strangers up to {waited:?}"
    );
}

#[tokio::test]
async fn a_network_has_few_places_among_those_who_wait_for_a_hash() {
    let server = limited(Engine::Sqlite, &[("password_hash_concurrency", "1")]).await;
    let guesses = (0..19).map(|n| {
        let body = login(&format!("nobody{n}@example.com"), "a wrong password");
        let server = &server;
        async move { defence::read(defence::post(server, HOME, "/v1/auth/login", &body).await).await }
    });
    let answers = join_all(guesses).await;
    let of = |wanted: u16| answers.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!(of(401) + of(429), 19, "{answers:?}");
    assert!(of(401) >= 4 && of(429) > 0, "{answers:?}");
    let refused = answers.iter().find(|(status, _)| *status == 429);
    let error = &refused.expect("one is refused").1["error"];
    assert_eq!(error["code"], "RATE_LIMITED");
    assert_eq!(
        error["context"],
        json!({ "limit": 4, "of": "passwords_at_a_time" }),
        "{error}"
    );
    assert!(
        error["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0),
        "{error}"
    );
}
