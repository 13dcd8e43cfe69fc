//! Attachments: files that go up and come back as they were sent, who may do what with them, what broken uploads leave, and
//! what becomes of the bytes.
//!
//! - `access`   who may not read any more
//! - `removal`  what takes the bytes away
//! - `service`  in a bucket of another S3 service
//! - `sizes`    how large, how many, and how fast

mod access;
mod removal;
mod service;
mod sizes;

use crate::on_both_databases;
use crate::photos::files;
use crate::support::follower::names;
use crate::support::http::{Response, request};
use crate::support::{Client, Engine, Follower, Raw, Server, Team, audit, eventually, new_id, text};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    a_file_comes_back_as_it_was_sent,
    a_task_counts_its_attachments_and_keeps_its_version,
    who_uploaded_a_file_deletes_it_and_so_do_admins,
    an_api_token_does_what_its_scope_and_workspaces_say,
    what_is_no_upload_leaves_nothing,
    a_deleted_task_keeps_its_attachments,
    an_upload_that_is_sent_again_makes_one_attachment,
    a_name_is_cleaned_and_comes_back_exactly,
);

/// The `Content-Type` of [`form`].
pub const FORM: &str = "multipart/form-data; boundary=AaB03x";

/// A form with one file.
pub fn form(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--AaB03x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/x-lies\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n--AaB03x--\r\n"].concat()
}

pub fn token(tokens: &Value) -> &str {
    text(&tokens["access_token"])
}

/// Uploads a file. Returns the answer.
pub async fn post(server: &Server, token: &str, task: &Value, name: &str, content: &[u8]) -> Response {
    send_form(server, token, task, "", FORM, form(name, content)).await
}

async fn send_form(
    server: &Server,
    token: &str,
    task: &Value,
    query: &str,
    kind: &str,
    form: Vec<u8>,
) -> Response {
    let path = format!("/v1/tasks/{}/attachments{query}", text(task));
    let request = request(server, Method::POST, &path).bearer_auth(token);
    let sent = request.header("content-type", kind).body(form).send().await;
    sent.expect("an answer")
}

/// Uploads a file that must be accepted. Returns the attachment.
pub async fn upload(server: &Server, tokens: &Value, task: &Value, name: &str, content: &[u8]) -> Value {
    let answer = post(server, token(tokens), task, name, content).await;
    let status = answer.status();
    let made = answer.json().await.expect("JSON");
    assert_eq!(status, 201, "{made}");
    made
}

/// Asks for the file of an attachment.
async fn get(server: &Server, token: &str, id: &Value, headers: &[(&'static str, &str)]) -> Response {
    let path = format!("/v1/attachments/{}", text(id));
    let mut request = request(server, Method::GET, &path).bearer_auth(token);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer")
}

/// The file of an attachment.
async fn content(server: &Server, tokens: &Value, id: &Value) -> Vec<u8> {
    let answer = get(server, token(tokens), id, &[]).await;
    assert_eq!(answer.status(), 200);
    answer.bytes().await.expect("the whole body").to_vec()
}

/// The status of an answer, and its error.
async fn refusal(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let body = answer.json().await.expect("JSON");
    (status, body["error"].clone())
}

/// Bytes that look like nothing.
fn noise(bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    SmallRng::seed_from_u64(5).fill_bytes(&mut content);
    content
}

async fn task(client: &mut Client) -> Value {
    client.ok("task.create", json!({ "title": "T" })).await["id"].clone()
}

/// A task in the team's workspace, made by its owner.
async fn task_of(team: &mut Team) -> Value {
    let data = json!({ "workspace_id": team.workspace, "title": "T" });
    team.owner.ok("task.create", data).await["id"].clone()
}

async fn a_file_comes_back_as_it_was_sent(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    let sent = noise(3_000_000);
    let made = upload(&server, &tokens, &id, "data.bin", &sent).await;
    let expected = json!({
        "id": made["id"], "task_id": id, "name": "data.bin", "size": 3_000_000, "media_type": "application/octet-stream",
        "created_by": ada.user_id(), "created_at": made["created_at"],
    });
    assert_eq!(made, expected);
    assert!(content(&server, &tokens, &made["id"]).await == sent);
    // small ones, and one that has what forms are made of
    for small in [&b""[..], b"x", b"\r\n--AaB03\r\n--AaB03y--\r\n"] {
        let made = upload(&server, &tokens, &id, "small", small).await;
        assert_eq!(
            (made["size"].as_u64(), &made["media_type"]),
            (Some(small.len() as u64), &json!("text/plain"))
        );
        assert_eq!(content(&server, &tokens, &made["id"]).await, small);
    }
    let answer = get(&server, token(&tokens), &made["id"], &[]).await;
    let tag = format!("\"{}\"", text(&made["id"]));
    let headers = [
        ("content-type", "application/octet-stream"),
        ("content-length", "3000000"),
        ("content-disposition", "attachment; filename=\"data.bin\""),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
        ("etag", &tag),
    ];
    for (name, value) in headers {
        assert_eq!(answer.headers()[name], value, "{name}");
    }
    let path = format!("/v1/attachments/{}", text(&made["id"]));
    let head = request(&server, Method::HEAD, &path)
        .bearer_auth(token(&tokens))
        .header("range", "bytes=0-1");
    let head = head.send().await.expect("an answer");
    assert_eq!(head.status(), 200);
    for (name, value) in headers {
        assert_eq!(head.headers()[name], value, "{name}");
    }
    ranges(&server, token(&tokens), &made["id"], &sent).await;
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let answer = get(&server, token(&tokens), &made["id"], &[("if-none-match", &known)]).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["etag"].to_str().ok()),
            (304, Some(&*tag))
        );
    }
}

async fn ranges(server: &Server, token: &str, id: &Value, sent: &[u8]) {
    let tag = format!("\"{}\"", text(id));
    for (range, if_range, expected) in [
        ("bytes=0-0", None, Some(0..1)),
        ("bytes=262143-524288", Some(&*tag), Some(262_143..524_289)),
        ("bytes=2999999-", None, Some(2_999_999..3_000_000)),
        ("bytes=-1000000", None, Some(2_000_000..3_000_000)),
        ("bytes=1-2", Some("\"other\""), None),
        ("bytes=1-2,4-5", None, None),
        ("pages=1-2", None, None),
    ] {
        let mut headers = vec![("range", range)];
        headers.extend(if_range.map(|tag| ("if-range", tag)));
        let answer = get(server, token, id, &headers).await;
        let status = if expected.is_some() { 206 } else { 200 };
        assert_eq!(answer.status(), status, "{range}");
        let part = expected.clone().unwrap_or(0..sent.len());
        if expected.is_some() {
            let told = format!("bytes {}-{}/3000000", part.start, part.end - 1);
            assert_eq!(answer.headers()["content-range"], told);
        }
        assert_eq!(answer.headers()["content-length"], part.len().to_string());
        assert!(answer.bytes().await.expect("a body") == sent[part], "{range}");
    }
    let beyond = get(server, token, id, &[("range", "bytes=3000000-")]).await;
    assert_eq!(beyond.headers()["content-range"], "bytes */3000000");
    let (status, error) = refusal(beyond).await;
    assert_eq!((status, &error["field"]), (416, &json!("range")));
}

async fn a_task_counts_its_attachments_and_keeps_its_version(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let id = task_of(&mut team).await;
    let before = team.owner.ok("task.get", json!({ "id": id })).await;
    let mut member = Follower::new(team.member.another(&server).await);
    let counts = |attachments: u64| json!({ "id": id, "comment_count": 0, "attachment_count": attachments });
    let mut made = Vec::new();
    for n in 1..=3_u64 {
        let one = upload(
            &server,
            &team.member.tokens,
            &id,
            "a.png",
            b"\x89PNG\r\n\x1a\n\0\0",
        )
        .await;
        assert_eq!(one["media_type"], "image/png");
        let head = member.head_of(&team.stream()).await;
        let events = member.catch_up(&team.stream(), head).await;
        assert_eq!(names(&events), ["attachment.created"]);
        let mut expected = one.clone();
        expected["task"] = counts(n);
        assert_eq!(events[0]["data"], expected);
        assert_eq!(events[0]["actor"]["name"], "member");
        made.push(one);
    }
    let gone = member
        .act("attachment.delete", json!({ "id": made[1]["id"] }))
        .await;
    assert_eq!(gone.data, made[1]);
    let mut expected = made.remove(1);
    expected["task"] = counts(2);
    assert_eq!(gone.event("attachment.deleted")["data"], expected);
    let mut counted = before.clone();
    counted["attachment_count"] = json!(2);
    assert_eq!(
        team.owner.ok("task.get", json!({ "id": id })).await,
        counted,
        "only the count changes"
    );
    let synced = team
        .owner
        .ok("workspace.sync", json!({ "workspace_id": team.workspace }))
        .await;
    assert_eq!(synced["tasks"], json!([counted]));
    // an edit of the task keeps the count, and so does a move
    let edited = team
        .owner
        .ok("task.update", json!({ "id": id, "title": "U" }))
        .await;
    assert_eq!(
        json!([edited["attachment_count"], edited["version"]]),
        json!([2, 2])
    );
    let first = team
        .viewer
        .ok("attachment.list", json!({ "task_id": id, "limit": 1 }))
        .await;
    assert_eq!(json!([first["items"], first["total"]]), json!([[made[0]], 2]));
    let next = json!({ "task_id": id, "limit": 1, "cursor": first["next_cursor"] });
    let second = team.viewer.ok("attachment.list", next).await;
    assert_eq!(second["items"], json!([made[1]]));
    assert!(second["next_cursor"].is_null(), "{second}");
    // nobody is told
    let told = team.owner.ok("notification.list", json!({ "limit": 100 })).await;
    assert!(!told.to_string().contains("a.png"), "{told}");
    audit::agree(&server, &team.owner.tokens).await;
}

async fn who_uploaded_a_file_deletes_it_and_so_do_admins(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let task = task_of(&mut team).await;
    let answer = post(&server, token(&team.viewer.tokens), &task, "a", b"a").await;
    let (status, error) = refusal(answer).await;
    assert_eq!((status, &error["code"]), (403, &json!("FORBIDDEN")));
    let of_owner = upload(&server, &team.owner.tokens, &task, "o", b"of the owner").await["id"].clone();
    let of_member = upload(&server, &team.member.tokens, &task, "m", b"of a member").await["id"].clone();
    for reader in [&team.viewer, &team.admin] {
        assert_eq!(content(&server, &reader.tokens, &of_member).await, b"of a member");
    }
    let delete = |id: &Value| json!({ "id": id });
    for client in [&mut team.viewer, &mut team.member] {
        assert_eq!(
            client.refused("attachment.delete", delete(&of_owner)).await["code"],
            "FORBIDDEN"
        );
    }
    team.member.ok("attachment.delete", delete(&of_member)).await;
    team.admin.ok("attachment.delete", delete(&of_owner)).await;
    let left = upload(&server, &team.owner.tokens, &task, "l", b"left").await["id"].clone();
    // to others it does not exist, and neither does what was deleted
    let mut stranger = Client::sign_up(&server, "stranger").await;
    for (name, data) in [
        ("attachment.delete", delete(&left)),
        ("attachment.list", json!({ "task_id": task })),
    ] {
        assert_eq!(stranger.refused(name, data).await["code"], "NOT_FOUND", "{name}");
    }
    let theirs = token(&stranger.tokens);
    for (who, id) in [(theirs, &left), (token(&team.owner.tokens), &of_member)] {
        assert_eq!(refusal(get(&server, who, id, &[]).await).await.0, 404);
    }
    assert_eq!(post(&server, theirs, &task, "a", b"a").await.status(), 404);
    assert_eq!(
        post(&server, theirs, &json!(new_id()), "a", b"a").await.status(),
        404
    );
    assert_eq!(
        post(&server, theirs, &json!("no-id"), "a", b"a").await.status(),
        404
    );
    assert_eq!(
        team.owner.refused("attachment.delete", delete(&of_member)).await["code"],
        "NOT_FOUND"
    );
    let nobody = request(&server, Method::GET, &format!("/v1/attachments/{}", text(&left)));
    assert_eq!(nobody.send().await.expect("an answer").status(), 401);
    // who was removed reads nothing any more
    let member = json!({ "workspace_id": team.workspace, "user_id": team.member.user_id() });
    team.owner.ok("member.remove", member).await;
    assert_eq!(
        get(&server, token(&team.member.tokens), &left, &[])
            .await
            .status(),
        404
    );
}

async fn an_api_token_does_what_its_scope_and_workspaces_say(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    let made = upload(&server, &tokens, &id, "a", b"a").await["id"].clone();
    let other = ada.ok("workspace.create", json!({ "name": "Other" })).await["id"].clone();
    for (scope, only, reads, writes) in [
        ("read", Value::Null, 200, 403),
        ("write", json!([ada.personal()]), 200, 201),
        ("write", json!([other]), 404, 404),
    ] {
        let wanted = json!({ "name": scope, "scope": scope, "workspace_ids": only });
        let program = ada.ok("api_token.create", wanted).await["token"].clone();
        assert_eq!(
            get(&server, text(&program), &made, &[]).await.status(),
            reads,
            "{scope} {only}"
        );
        let answer = post(&server, text(&program), &id, "b", b"b").await;
        assert_eq!(answer.status(), writes, "{scope} {only}");
    }
    let log = json!({ "stream": format!("workspace:{}", ada.personal()), "after": 0, "limit": 500 });
    let log = ada.ok("stream.history", log).await;
    let last = log["events"]
        .as_array()
        .and_then(|events| events.last())
        .expect("an event");
    assert_eq!(
        json!([last["event"], last["actor"]["token"]]),
        json!(["attachment.created", "write"])
    );
}

async fn what_is_no_upload_leaves_nothing(engine: Engine) {
    let server = Server::start(engine, &[("attachment_bytes", "1000000")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    let of_field = |name: &str| {
        String::from_utf8(form("a", b"x"))
            .expect("text")
            .replace("\"file\"", name)
    };
    let twice = [
        &form("a", b"x")[..form("a", b"x").len() - 4],
        &b"\r\n"[..],
        &form("b", b"y"),
    ]
    .concat();
    let cases = [
        (
            "too large",
            FORM,
            form("a", &noise(1_000_001)),
            413,
            "PAYLOAD_TOO_LARGE",
            "file",
        ),
        (
            "much too large",
            FORM,
            form("a", &noise(8_000_000)),
            413,
            "PAYLOAD_TOO_LARGE",
            "file",
        ),
        (
            "another field",
            FORM,
            of_field("\"photo\"").into(),
            422,
            "VALIDATION_ERROR",
            "photo",
        ),
        ("two files", FORM, twice, 422, "VALIDATION_ERROR", "file"),
        (
            "no field",
            FORM,
            b"--AaB03x--\r\n".to_vec(),
            422,
            "VALIDATION_ERROR",
            "file",
        ),
        (
            "no form",
            "application/json",
            b"{}".to_vec(),
            415,
            "UNSUPPORTED_MEDIA",
            "",
        ),
        (
            "no boundary",
            "multipart/form-data",
            form("a", b"x"),
            415,
            "UNSUPPORTED_MEDIA",
            "",
        ),
        (
            "half a form",
            FORM,
            form("a", &noise(600_000))[..500_000].to_vec(),
            400,
            "BAD_FRAME",
            "",
        ),
        ("nothing", FORM, Vec::new(), 400, "BAD_FRAME", ""),
    ];
    for (what, kind, body, status, code, field) in cases {
        let answer = send_form(&server, token(&tokens), &id, "", kind, body).await;
        let (found, error) = refusal(answer).await;
        let named = error["field"].as_str().unwrap_or_default();
        assert_eq!(
            (found, &error["code"], named),
            (status, &json!(code), field),
            "{what}: {error}"
        );
        if status == 413 {
            assert_eq!(error["context"]["limit"], 1_000_000, "{error}");
        }
    }
    let packed = request(
        &server,
        Method::POST,
        &format!("/v1/tasks/{}/attachments", text(&id)),
    );
    let packed = packed
        .bearer_auth(token(&tokens))
        .header("content-type", FORM)
        .header("content-encoding", "gzip");
    assert_eq!(
        packed
            .body(form("a", b"x"))
            .send()
            .await
            .expect("an answer")
            .status(),
        415
    );
    let answer = send_form(&server, token(&tokens), &id, "?op_id=7", FORM, form("a", b"x")).await;
    assert_eq!(refusal(answer).await.1["field"], "op_id");
    // a client that goes away in the middle
    begun(&server, &tokens, &id, 900_000, 500_000).await;
    eventually("nothing is left", async || {
        files(&server).is_empty().then_some(())
    })
    .await;
    assert_eq!(
        ada.ok("task.get", json!({ "id": id })).await["attachment_count"],
        0
    );
    let list = ada.ok("attachment.list", json!({ "task_id": id })).await;
    assert_eq!(list["items"], json!([]));
    // exactly as large as it may be
    upload(&server, &tokens, &id, "a", &noise(1_000_000)).await;
}

/// An upload that has its place, and of which so many bytes of the file arrive.
async fn begun(server: &Server, tokens: &Value, task: &Value, size: usize, sent: usize) -> Raw {
    let mut raw = Raw::dial(server).await;
    let form = form("a", &noise(size));
    let head = format!(
        "POST /v1/tasks/{}/attachments HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: {FORM}\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        text(task),
        server.address,
        token(tokens),
        form.len(),
    );
    raw.send(head.as_bytes()).await;
    let answer = raw.head().await;
    assert!(answer.starts_with("HTTP/1.1 100"), "{answer}");
    raw.send(&form[..sent]).await;
    raw
}

async fn a_deleted_task_keeps_its_attachments(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    let made = upload(&server, &tokens, &id, "a", b"still here").await;
    ada.ok("task.delete", json!({ "id": id })).await;
    let answer = post(&server, token(&tokens), &id, "b", b"b").await;
    let (status, error) = refusal(answer).await;
    assert_eq!((status, &error["code"]), (409, &json!("CONFLICT")));
    assert_eq!(
        ada.refused("attachment.delete", json!({ "id": made["id"] }))
            .await["code"],
        "CONFLICT"
    );
    assert_eq!(content(&server, &tokens, &made["id"]).await, b"still here");
    let list = ada.ok("attachment.list", json!({ "task_id": id })).await;
    assert_eq!(list["items"], json!([made]));
    ada.ok("task.restore", json!({ "id": id })).await;
    ada.ok("attachment.delete", json!({ "id": made["id"] })).await;
    assert_eq!(
        ada.ok("task.get", json!({ "id": id })).await["attachment_count"],
        0
    );
}

async fn an_upload_that_is_sent_again_makes_one_attachment(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    let query = format!("?op_id={}", new_id());
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = send_form(&server, token(&tokens), &id, &query, FORM, form("a", b"once")).await;
        assert_eq!(answer.status(), 201);
        answers.push(answer.json().await.expect("an attachment"));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // another file, if only by its content, is another request
    for other in [&b"other!"[..], b"ONCE"] {
        let other = send_form(&server, token(&tokens), &id, &query, FORM, form("a", other)).await;
        let (status, error) = refusal(other).await;
        assert_eq!(
            (status, &error["code"], &error["field"]),
            (409, &json!("CONFLICT"), &json!("op_id"))
        );
    }
    assert_eq!(
        ada.ok("task.get", json!({ "id": id })).await["attachment_count"],
        1
    );
    assert_eq!(content(&server, &tokens, &answers[0]["id"]).await, b"once");
    assert_eq!(files(&server).len(), 1, "{:?}", files(&server));
}

async fn a_name_is_cleaned_and_comes_back_exactly(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    for (given, kept, saved) in [
        ("../../etc/passwd", "passwd", "filename=\"passwd\""),
        (
            "say %22hi%22.txt",
            "say \"hi\".txt",
            "filename=\"say _hi_.txt\"; filename*=UTF-8''say%20%22hi%22.txt",
        ),
        (
            "a%0D%0ASet-Cookie: x=1",
            "aSet-Cookie: x=1",
            "filename=\"aSet-Cookie: x=1\"",
        ),
        (
            "cafe\u{301}.txt",
            "café.txt",
            "filename=\"caf_.txt\"; filename*=UTF-8''caf%C3%A9.txt",
        ),
        (
            "会议.pdf",
            "会议.pdf",
            "filename=\"__.pdf\"; filename*=UTF-8''%E4%BC%9A%E8%AE%AE.pdf",
        ),
        ("", "file", "filename=\"file\""),
    ] {
        let made = upload(&server, &tokens, &id, given, b"x").await;
        assert_eq!(made["name"], kept);
        let answer = get(&server, token(&tokens), &made["id"], &[]).await;
        assert_eq!(
            answer.headers()["content-disposition"],
            format!("attachment; {saved}")
        );
        assert!(!answer.headers().contains_key("set-cookie"));
    }
    assert!(
        files(&server)
            .iter()
            .all(|path| path.starts_with(server.folder.path().join("data/files/attachments")))
    );
}
