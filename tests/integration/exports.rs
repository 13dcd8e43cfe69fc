//! `GET /v1/profile/export`: what is in the archive and what is not, who gets one, and what becomes of one that ends
//! early. The archives are read by the library's reader, which begins at the end of a file.

use crate::on_both_databases;
use crate::support::http::{Response, request};
use crate::support::{Client, Engine, PASSWORD, Raw, Server, eventually, http, text};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use zip::ZipArchive;

on_both_databases!(
    an_archive_has_all_of_ones_own_data_and_nothing_of_others,
    one_export_runs_at_a_time_and_a_client_that_leaves_ends_it,
    a_session_that_ends_takes_its_export_along,
    an_account_exports_ten_times_an_hour,
);

const EXPORT: &str = "/v1/profile/export";
/// The most memory that a large export may need beyond what a small one needed.
#[cfg(target_os = "linux")]
const BOUND: u64 = 6 << 20;

async fn ask(server: &Server, tokens: &Value) -> Response {
    let asked = request(server, Method::GET, EXPORT).bearer_auth(text(&tokens["access_token"]));
    asked.send().await.expect("an answer")
}

/// The files of an archive, by name; `None` if it is not whole.
fn files(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).expect("a file");
        let mut content = Vec::new();
        file.read_to_end(&mut content)
            .expect("its content, with its checksum");
        let name = file.name().expect("a name in UTF-8").into_owned();
        drop(file);
        files.insert(name, content);
    }
    Some(files)
}

/// An export that must succeed.
async fn exported(server: &Server, tokens: &Value) -> BTreeMap<String, Vec<u8>> {
    let mut answer = ask(server, tokens).await;
    assert_eq!(answer.status(), 200);
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.expect("a piece") {
        bytes.extend_from_slice(&piece);
    }
    files(&bytes).expect("a whole archive")
}

/// The values of a file with one on each line.
fn values(file: &[u8]) -> Vec<Value> {
    let lines = std::str::from_utf8(file).expect("text").lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn value(file: &[u8]) -> Value {
    serde_json::from_slice(file).expect("JSON")
}

/// Makes so many tasks in the personal workspace, with descriptions that hardly get smaller.
async fn fill(client: &mut Client, number: usize) {
    let mut random = SmallRng::seed_from_u64(11);
    let mut made = 0;
    while made < number {
        let ops = (0..12.min(number - made)).map(|n| {
            let letter = |_| char::from_u32(0x1_F300 + random.random_range(0..768)).expect("a picture");
            let description: String = (0..1000).map(letter).collect();
            json!({ "type": "task.create", "data": { "title": format!("Task {}", made + n), "description": description } })
        });
        let ops: Vec<Value> = ops.collect();
        made += ops.len();
        client.ok("batch", json!({ "ops": ops })).await;
        client.forget_events();
    }
}

/// All items of a paged list, as the operation answers them.
async fn listed(client: &mut Client, name: &str, mut data: Value) -> (Vec<Value>, u64) {
    data["limit"] = json!(100);
    let (mut items, mut total) = (Vec::new(), None);
    loop {
        let page = client.ok(name, data.clone()).await;
        items.extend_from_slice(page["items"].as_array().expect("items"));
        total = total.or(page["total"].as_u64());
        if page["next_cursor"].is_null() {
            return (items, total.expect("a total"));
        }
        data["cursor"] = page["next_cursor"].clone();
    }
}

/// The whole log of a stream.
async fn history(client: &mut Client, stream: &str) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let after = events.last().map_or(json!(0), |event| event["seq"].clone());
        let wanted = json!({ "stream": stream, "after": after, "limit": 500 });
        let page = client.ok("stream.history", wanted).await;
        events.extend_from_slice(page["events"].as_array().expect("events"));
        if page["has_more"] == false {
            return events;
        }
    }
}

fn by_id(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_key(|value| value["id"].to_string());
    values
}

async fn an_archive_has_all_of_ones_own_data_and_nothing_of_others(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let (tokens, me, other) = (ada.tokens.clone(), ada.user_id(), bob.user_id());
    let token = ada.ok("api_token.create", json!({ "name": "ci" })).await;
    let theme = json!({ "preferences": { "theme": "dark" } });
    ada.ok("profile.update", theme).await;
    let photo = request(&server, Method::PUT, "/v1/profile/photo");
    let photo = photo
        .bearer_auth(text(&tokens["access_token"]))
        .header("content-type", "image/png");
    let user = photo
        .body(crate::photos::png([200, 30, 30]))
        .send()
        .await
        .expect("an answer");
    let user = user.json().await.expect("a user");

    for part in 0..30 {
        let made = (0..100)
            .map(|n| json!({ "type": "task.create", "data": { "title": format!("Task {part} {n}") } }));
        ada.ok("batch", json!({ "ops": made.collect::<Vec<_>>() })).await;
        ada.forget_events();
    }
    let (some, _) = listed(&mut ada, "task.list", json!({ "status": "pending" })).await;
    ada.ok("task.complete", json!({ "id": some[0]["id"] })).await;
    ada.ok("task.delete", json!({ "id": some[1]["id"] })).await;
    bob.ok("task.create", json!({ "title": "Of Bob alone" })).await;
    let team = ada.ok("workspace.create", json!({ "name": "Team" })).await;
    let silent = ada.ok("workspace.create", json!({ "name": "Silent" })).await;
    for workspace in [&team, &silent] {
        let member = json!({ "workspace_id": workspace["id"], "email": "bob@example.com", "role": "member" });
        ada.ok("member.add", member).await;
        let task = json!({ "workspace_id": workspace["id"], "title": "Of Bob in a team" });
        bob.ok("task.create", task).await;
    }
    let assigned = json!({ "workspace_id": team["id"], "title": "For Ada", "assignee_ids": [me, other] });
    bob.ok("task.create", assigned).await;
    let by_ada = json!({ "workspace_id": team["id"], "title": "By Ada" });
    let by_ada = ada.ok("task.create", by_ada).await;
    let remark = |body: &str| json!({ "task_id": by_ada["id"], "body": body });
    bob.ok("comment.create", remark("Of Bob")).await;
    let remark = ada.ok("comment.create", remark("Of Ada")).await;

    crate::attachments::upload(&server, &bob.tokens, &by_ada["id"], "b.txt", b"Of Bob").await;
    let upload = crate::attachments::upload(&server, &tokens, &by_ada["id"], "a.txt", b"My file").await;
    let file = format!("attachments/{}/a.txt", text(&upload["id"]));

    let archive = exported(&server, &tokens).await;
    let personal = format!("tasks/{}.ndjson", ada.personal());
    let of_team = format!("tasks/{}.ndjson", text(&team["id"]));
    let names: Vec<&str> = archive.keys().map(String::as_str).collect();
    let mut expected = vec![
        "README.txt",
        "activity.ndjson",
        "api_tokens.json",
        "attachments.ndjson",
        &file,
        "comments.ndjson",
        "invites.json",
        "notifications.ndjson",
        "photo-256.jpg",
        "photo-64.jpg",
        "profile.json",
        "sessions.json",
        "workspaces.json",
        &personal,
        &of_team,
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);

    assert_eq!(value(&archive["profile.json"]), user);
    let sessions = ada.ok("auth.sessions", json!({})).await;
    assert_eq!(
        value(&archive["sessions.json"])["items"][0]["id"],
        sessions["items"][0]["id"]
    );
    assert_eq!(value(&archive["api_tokens.json"])["items"][0]["id"], token["id"]);
    let (workspaces, total) = listed(&mut ada, "workspace.list", json!({})).await;
    let own = value(&archive["workspaces.json"]);
    assert_eq!(
        (by_id(own.as_array().expect("a list").clone()), 3),
        (by_id(workspaces), total)
    );
    let (notifications, total) = listed(&mut ada, "notification.list", json!({ "sort": "created_at" })).await;
    let own = values(&archive["notifications.ndjson"]);
    assert_eq!((own.len() as u64, own), (total, notifications));
    let own = values(&archive["comments.ndjson"]);
    assert_eq!(own, [remark]);
    assert_eq!(values(&archive["attachments.ndjson"]), [upload]);
    assert_eq!(archive[&file], b"My file");
    let own = values(&archive["activity.ndjson"]);
    assert_eq!(own, history(&mut ada, &format!("user:{me}")).await);
    let (tasks, total) = listed(&mut ada, "task.list", json!({ "status": "all" })).await;
    let own = values(&archive[&personal]);
    assert_eq!((own.len() as u64, total), (3000, 3000));
    assert_eq!(own, by_id(tasks), "in the order of their ids");
    let shared = values(&archive[&of_team]);
    let titles = shared.iter().map(|task| text(&task["title"])).collect::<Vec<_>>();
    assert_eq!(titles, ["For Ada", "By Ada"]);

    // a whole archive of Bob, and a look at everything that Ada's says
    let of_bob = exported(&server, &bob.tokens).await;
    assert_eq!(
        of_bob.len(),
        14,
        "no photo, a file of tasks for each workspace: {:?}",
        of_bob.keys()
    );
    let said = archive.iter().filter(|(name, _)| !name.starts_with("photo"));
    let said: String = said
        .map(|(_, content)| std::str::from_utf8(content).expect("text"))
        .collect();
    for secret in [
        text(&token["token"]),
        text(&tokens["access_token"]),
        text(&tokens["refresh_token"]),
        PASSWORD,
        "argon2",
        "Of Bob",
        "bob@example.com",
    ] {
        assert!(!said.contains(secret), "{secret}");
    }
}

async fn one_export_runs_at_a_time_and_a_client_that_leaves_ends_it(engine: Engine) {
    let settings = [("database_connections", "2"), ("frame_bytes", "1000000")];
    let server = Server::start(engine, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let bob = http::sign_up(&server, "bob").await;
    fill(&mut ada, 300).await;
    let slow = begun(&server, &ada.tokens).await;
    let mut refused = ask(&server, &ada.tokens).await;
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers()["retry-after"].to_str().ok()
        ),
        (429, Some("10"))
    );
    let piece = refused.chunk().await.expect("a body").expect("a body");
    let error: Value = serde_json::from_slice(&piece).expect("JSON");
    assert_eq!(error["error"]["code"], "RATE_LIMITED", "{error}");
    // the one that waits for its client keeps neither others nor queries from the two connections
    let (others, ()) = tokio::join!(exported(&server, &bob), async {
        for _ in 0..20 {
            ada.ok("task.list", json!({})).await;
        }
    });
    assert!(others.contains_key("README.txt"));
    drop(slow);
    let tokens = ada.tokens.clone();
    eventually("the end of an export whose client left", async || {
        let again = ask(&server, &tokens).await;
        (again.status() == 200).then_some(())
    })
    .await;
    let program = ada.ok("api_token.create", json!({ "name": "ci" })).await;
    let by = request(&server, Method::GET, EXPORT).bearer_auth(text(&program["token"]));
    assert_eq!(by.send().await.expect("an answer").status(), 403);
    assert_eq!(http::get(&server, EXPORT).await.status(), 401);
    let head = request(&server, Method::POST, EXPORT).bearer_auth(text(&tokens["access_token"]));
    assert_eq!(head.send().await.expect("an answer").status(), 405);
}

/// An export of which the client has read the head alone.
async fn begun(server: &Server, tokens: &Value) -> Raw {
    let mut raw = Raw::dial(server).await;
    let token = text(&tokens["access_token"]);
    let asked = format!(
        "GET {EXPORT} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n",
        server.address
    );
    raw.send(asked.as_bytes()).await;
    let head = raw.head().await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    for line in [
        "content-type: application/zip\r\n",
        "cache-control: no-store\r\n",
        "content-disposition: attachment; filename=\"taskwire-export-20",
        ".zip\"\r\n",
        "x-content-type-options: nosniff\r\n",
    ] {
        assert!(head.contains(line), "{line} {head}");
    }
    raw
}

/// Reads what is left of an answer, until the connection ends.
async fn rest(raw: &mut Raw) -> Vec<u8> {
    let mut bytes = Vec::new();
    let reading = tokio::io::AsyncReadExt::read_to_end(&mut raw.0, &mut bytes);
    let _reset_or_end = tokio::time::timeout(crate::support::PATIENCE, reading)
        .await
        .expect("an end in time");
    bytes
}

async fn a_session_that_ends_takes_its_export_along(engine: Engine) {
    let server = Server::start(engine, &[("frame_bytes", "1000000")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    fill(&mut ada, 300).await;
    let mut slow = begun(&server, &ada.tokens).await;
    Client::log_in(&server, "ada")
        .await
        .ok("auth.logout_all", json!({}))
        .await;
    let bytes = rest(&mut slow).await;
    assert!(!bytes.ends_with(b"\r\n0\r\n\r\n"), "the answer looks whole");
    let is_there = |what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    assert!(is_there(b"README.txt") && is_there(b"PK\x03\x04"));
    assert!(!is_there(b"PK\x01\x02"), "a list of files");
    assert!(server.log().contains("an export broke off"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_nothing_loses_its_export() {
    let server = Server::start(Engine::Sqlite, &[("frame_bytes", "1000000")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    fill(&mut ada, 300).await;
    let mut stuck = begun(&server, &ada.tokens).await;
    assert_eq!(ask(&server, &ada.tokens).await.status(), 429);
    eventually("the end of an export whose client reads nothing", async || {
        let again = ask(&server, &ada.tokens).await;
        (again.status() == 200).then_some(())
    })
    .await;
    let bytes = rest(&mut stuck).await;
    assert!(
        !bytes.windows(4).any(|part| part == b"PK\x01\x02"),
        "a list of files"
    );
}

async fn an_account_exports_ten_times_an_hour(engine: Engine) {
    let server = Server::start(engine, &[("rate_limit_enabled", "true")]).await;
    let ada = http::sign_up(&server, "ada").await;
    for _ in 0..10 {
        exported(&server, &ada).await;
    }
    let refused = ask(&server, &ada).await;
    let limit = refused.headers()["x-ratelimit-limit"].to_str().expect("a number");
    assert_eq!((refused.status().as_u16(), limit), (429, "10"));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_size_of_an_archive_costs_no_memory() {
    // the process of SQLite also has the pages of its file in memory
    let mut server = Server::start(Engine::Postgres, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    ada.ok("task.create", json!({ "title": "One of many" })).await;
    let (large, small) = (ada.tokens.clone(), http::sign_up(&server, "bob").await);
    ada.cut();
    let many = "insert into tasks select r.* from tasks t cross join generate_series(1, 12000) n
        cross join lateral (
          select string_agg(md5((n * 100 + i)::text), '') as text from generate_series(1, 31) i) d
        cross join lateral jsonb_populate_record(t, jsonb_build_object(
          'id', gen_random_uuid(), 'dated_by_id', false, 'description', d.text)) r";
    server.database.execute(many).await;
    server.terminate(); // hashing the password took more memory than the export may: start with a fresh peak
    server.spawn();
    exported(&server, &small).await;
    let before = server.memory("VmHWM");
    let mut answer = ask(&server, &large).await;
    let mut bytes = 0;
    while let Some(piece) = answer.chunk().await.expect("a piece") {
        bytes += piece.len() as u64;
    }
    let grown = server.memory("VmHWM") - before;
    assert!(bytes > BOUND, "{bytes} bytes");
    assert!(
        grown < BOUND,
        "{grown} bytes of memory for an archive of {bytes} bytes"
    );
}
