//! A download goes on only as long as its reader may read the file.

use super::{noise, post, task_of, token};
use crate::on_both_databases;
use crate::support::{Engine, Raw, Server, Team, text};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, interval, timeout};

on_both_databases!(
    a_member_who_was_removed_gets_no_more_of_a_file,
    a_session_that_ended_gets_no_more_of_a_file,
    a_slow_reader_who_may_read_gets_all_of_a_file,
);

/// More than sockets hold.
const LARGE: usize = 24_000_000;
/// What a slow reader takes at once, and how often.
const SIP: usize = 128 * 1024;
const EVERY: Duration = Duration::from_millis(20);

/// A team with a large file, and the file.
async fn with_a_file(server: &Server) -> (Team, Value) {
    let mut team = Box::pin(Team::gather(server)).await;
    let task = Box::pin(task_of(&mut team)).await;
    let tokens = team.owner.tokens.clone();
    let answer = post(server, token(&tokens), &task, "large", &noise(LARGE)).await;
    assert_eq!(answer.status(), 201);
    let made: Value = answer.json().await.expect("an attachment");
    (team, made["id"].clone())
}

/// A download of which the head has arrived.
async fn begun(server: &Server, token: &str, id: &Value) -> Raw {
    let mut raw = Raw::dial(server).await;
    let request = format!(
        "GET /v1/attachments/{} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n",
        text(id),
        server.address
    );
    raw.send(request.as_bytes()).await;
    let head = raw.head().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    raw
}

/// Reads slowly, until all of the file is there or the connection ends. Returns how much there was.
async fn read_slowly(raw: &mut Raw) -> usize {
    let (mut all, mut part) = (0, vec![0; SIP]);
    let (began, mut pace) = (Instant::now(), interval(EVERY));
    while all < LARGE {
        assert!(began.elapsed() < Duration::from_mins(1), "{all} bytes arrived");
        pace.tick().await;
        let read = timeout(Duration::from_secs(20), raw.0.read(&mut part)).await;
        match read.expect("bytes or an end in time") {
            Ok(read @ 1..) => all += read,
            Ok(0) | Err(_) => break,
        }
    }
    all
}

async fn a_member_who_was_removed_gets_no_more_of_a_file(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut team, id) = Box::pin(with_a_file(&server)).await;
    let tokens = team.member.tokens.clone();
    let mut raw = begun(&server, token(&tokens), &id).await;
    let gone = json!({ "workspace_id": team.workspace, "user_id": tokens["user"]["id"] });
    team.owner.ok("member.remove", gone).await;
    let arrived = read_slowly(&mut raw).await;
    assert!(arrived < LARGE, "{arrived} bytes arrived");
}

async fn a_session_that_ended_gets_no_more_of_a_file(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut team, id) = Box::pin(with_a_file(&server)).await;
    let tokens = team.viewer.tokens.clone();
    let mut raw = begun(&server, token(&tokens), &id).await;
    team.viewer.ok("auth.logout", json!({})).await;
    let arrived = read_slowly(&mut raw).await;
    assert!(arrived < LARGE, "{arrived} bytes arrived");
}

async fn a_slow_reader_who_may_read_gets_all_of_a_file(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (team, id) = Box::pin(with_a_file(&server)).await;
    let mut raw = begun(&server, token(&team.viewer.tokens), &id).await;
    assert_eq!(read_slowly(&mut raw).await, LARGE);
}
