//! What takes the bytes of attachments away: a deletion, a purge, the end of a workspace or an account, a job; also when
//! the node dies in between. And files in a bucket.

use super::{begun, content, get, noise, post, task, task_of, token, upload};
use crate::on_both_databases;
use crate::photos::bucket::{self, Bucket};
use crate::photos::{aged, files, files_in};
use crate::support::http::request;
use crate::support::{
    Client, Engine, Node, PASSWORD, Server, Team, audit, eventually, new_id, secrets, text,
};
use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use taskwire::engine::Uploaded;
use taskwire_protocol::{Failure, Timestamp};

on_both_databases!(
    a_deletion_and_a_purge_remove_the_bytes,
    the_end_of_a_workspace_removes_the_bytes,
    the_files_of_a_deleted_account_stay_in_the_workspaces_of_others,
    what_a_node_did_not_remove_before_its_end_is_removed_later,
    files_without_a_row_are_removed_when_they_are_old,
    objects_without_a_row_are_removed_from_a_bucket_when_they_are_old,
    attachments_live_in_a_bucket,
);

async fn gone(server: &Server, left: usize) {
    eventually("the bytes are removed", async || {
        (files(server).len() == left).then_some(())
    })
    .await;
}

async fn rows(server: &Server) -> usize {
    server.database.texts("select name from attachments").await.len()
}

async fn a_deletion_and_a_purge_remove_the_bytes(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id, other) = (ada.tokens.clone(), task(&mut ada).await, task(&mut ada).await);
    let first = upload(&server, &tokens, &id, "first-secret", b"1").await["id"].clone();
    for name in ["second-secret", "third-secret"] {
        upload(&server, &tokens, &id, name, b"2").await;
    }
    let kept = upload(&server, &tokens, &other, "kept", b"kept").await["id"].clone();
    ada.ok("attachment.delete", json!({ "id": first })).await;
    gone(&server, 3).await;
    ada.ok("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    gone(&server, 1).await;
    eventually("the rows go too", async || {
        (rows(&server).await == 1).then_some(())
    })
    .await;
    assert_eq!(content(&server, &tokens, &kept).await, b"kept");
    let logs = audit::agree(&server, &ada.tokens).await;
    let entries = logs.values().flatten();
    let of_files = entries.filter(|entry| text(&entry["event"]).starts_with("attachment."));
    let left: Vec<&Value> = of_files.map(|entry| &entry["data"]).collect();
    assert_eq!(left.len(), 5);
    assert!(left[..3].iter().all(|data| data["purged"] == true), "{left:?}");
    assert!(!json!(logs).to_string().contains("secret"));
    for (name, data) in [
        ("attachment.delete", json!({ "id": first })),
        ("attachment.list", json!({ "task_id": id })),
    ] {
        assert_eq!(ada.refused(name, data).await["code"], "NOT_FOUND", "{name}");
    }
}

async fn the_end_of_a_workspace_removes_the_bytes(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let task = task_of(&mut team).await;
    for client in [&team.owner, &team.member] {
        upload(&server, &client.tokens, &task, "a", b"of the team").await;
    }
    let own = super::task(&mut team.owner).await;
    upload(&server, &team.owner.tokens, &own, "b", b"own").await;
    team.owner
        .ok("workspace.delete", json!({ "workspace_id": team.workspace }))
        .await;
    gone(&server, 1).await;
    eventually("the rows go too", async || {
        (rows(&server).await == 1).then_some(())
    })
    .await;
}

async fn the_files_of_a_deleted_account_stay_in_the_workspaces_of_others(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let shared = task_of(&mut team).await;
    let made = upload(&server, &team.member.tokens, &shared, "a", b"I was here").await;
    let own = task(&mut team.member).await;
    upload(&server, &team.member.tokens, &own, "b", b"only for me").await;
    team.member
        .ok("profile.delete", json!({ "password": PASSWORD }))
        .await;
    gone(&server, 1).await;
    let stream = team.stream();
    eventually("the log forgets the name", async || {
        let asked = json!({ "stream": stream, "after": 0, "limit": 500 });
        let log = team.owner.ok("stream.history", asked).await;
        (!json!(log).to_string().contains("\"name\":\"member\"")).then_some(())
    })
    .await;
    assert_eq!(
        content(&server, &team.owner.tokens, &made["id"]).await,
        b"I was here"
    );
    let list = team
        .owner
        .ok("attachment.list", json!({ "task_id": shared }))
        .await;
    assert_eq!(list["items"], json!([made]));
}

impl Node {
    /// Uploads a file in this process, without HTTP. Returns the id of its attachment.
    pub(super) async fn upload(&self, task: &Value, content: &'static [u8]) -> Value {
        let task = text(task).parse().expect("an id");
        let upload = self
            .engine
            .may_attach(self.caller.clone(), task)
            .await
            .expect("may");
        let file = Uploaded {
            name: "a".to_owned(),
            op_id: None,
            request_id: "r".into(),
            content: stream::iter([Ok::<_, Failure>(content.into())]).boxed(),
        };
        json!(self.engine.attach(upload, file).await.expect("an attachment").id)
    }
}

/// No job runs in a node of this process: it is as if it died right after each commit.
async fn what_a_node_did_not_remove_before_its_end_is_removed_later(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    let folder = node.server.folder.path().join("data/files");
    let mut tasks = Vec::new();
    for title in ["deleted", "purged", "kept"] {
        tasks.push(node.ok("task.create", &json!({ "title": title })).await["id"].clone());
    }
    let first = node.upload(&tasks[0], b"deleted").await;
    node.upload(&tasks[1], b"purged").await;
    node.upload(&tasks[2], b"kept").await;
    node.ok("attachment.delete", &json!({ "id": first })).await;
    node.ok("task.delete", &json!({ "id": tasks[1], "permanent": true }))
        .await;
    assert_eq!(
        files_in(&folder).len(),
        3,
        "the bytes are there, and nobody sees them"
    );
    let server = node.into_server().await;
    gone(&server, 1).await;
    eventually("the rows go too", async || {
        (rows(&server).await == 1).then_some(())
    })
    .await;
    let ada = Client::log_in(&server, "ada").await;
    assert_eq!(get(&server, token(&ada.tokens), &first, &[]).await.status(), 404);
}

async fn files_without_a_row_are_removed_when_they_are_old(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    let now = node.clock.now_ms();
    let task = node.ok("task.create", &json!({ "title": "T" })).await["id"].clone();
    let (deleted, _) = (
        node.upload(&task, b"deleted").await,
        node.upload(&task, b"kept").await,
    );
    node.ok("attachment.delete", &json!({ "id": deleted })).await;
    let folder = node.server.folder.path().join("data/files");
    let with_rows = files_in(&folder);
    assert_eq!(with_rows.len(), 2);
    for path in &with_rows {
        aged(path, now, 13);
    }
    let place = |name: String, hours: u64| {
        let path = folder.join("attachments").join(new_id().to_string()).join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(&path, b"half a file").expect("a file");
        aged(&path, now, hours);
        path
    };
    let old: [PathBuf; 2] = [place(new_id().to_string(), 13), place(new_id().to_string(), 500)];
    let fresh = [place(new_id().to_string(), 11), place("no-id".to_owned(), 500)];
    assert_eq!(node.engine.clear_attachments().await.expect("cleared"), 2);
    assert!(!old.iter().any(|path| path.exists()));
    // what has a row that waits for its job is the job's
    assert!(fresh.iter().chain(&with_rows).all(|path| path.exists()));
    let next = node
        .engine
        .next_with_removed_files(taskwire_protocol::WorkspaceId(uuid::Uuid::nil()));
    assert_eq!(next.await.expect("a workspace"), Some(node.caller.personal));
}

async fn objects_without_a_row_are_removed_from_a_bucket_when_they_are_old(engine: Engine) {
    secrets::note_text(bucket::SECRET);
    let bucket = Bucket::start().await;
    let node = Node::start(engine, &[("files_url", &bucket.url())]).await;
    let hours_ago = |hours: i64| Timestamp(node.clock.now_ms() - hours * 3_600_000);
    let task = node.ok("task.create", &json!({ "title": "T" })).await["id"].clone();
    let deleted = node.upload(&task, b"deleted").await;
    node.upload(&task, b"kept").await;
    node.ok("attachment.delete", &json!({ "id": deleted })).await;
    let mut left = bucket.names();
    assert_eq!(
        left.len(),
        2,
        "the job that removes one of them does not run here"
    );
    for name in &left {
        bucket.dated(name, hours_ago(13));
    }
    let place = |folder: &str, name: String, hours: i64| {
        let name = format!("team/{folder}/{}/{name}", new_id());
        bucket.dated(&name, hours_ago(hours));
        name
    };
    for hours in [13, 14, 500] {
        place("a/attachments", new_id().to_string(), hours);
    }
    left.push(place("a/attachments", new_id().to_string(), 11));
    left.push(place("a/attachments", "no-id".to_owned(), 500));
    left.push(place("b/attachments", new_id().to_string(), 500));
    left.sort_unstable();
    assert_eq!(node.engine.clear_attachments().await.expect("cleared"), 3);
    assert_eq!(bucket.names(), left);
    assert_eq!(node.engine.clear_attachments().await.expect("cleared"), 0);
}

async fn attachments_live_in_a_bucket(engine: Engine) {
    secrets::note_text(bucket::SECRET);
    let bucket = Bucket::start().await;
    let server = Server::start(
        engine,
        &[("files_url", &bucket.url()), ("attachment_bytes", "13000000")],
    )
    .await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    // one part, two exactly full ones, and several
    for bytes in [10, 10 << 20, 12_345_678] {
        let sent = noise(bytes);
        let made = upload(&server, &tokens, &id, "a", &sent).await;
        assert!(content(&server, &tokens, &made["id"]).await == sent, "{bytes}");
    }
    assert_eq!(bucket.names().len(), 3, "{:?}", bucket.names());
    assert!(
        bucket
            .names()
            .iter()
            .all(|name| name.starts_with("team/a/attachments/"))
    );
    assert_eq!((bucket.parts(), files(&server).len()), (0, 0));
    // uploads that do not become whole leave no part
    let raw = begun(&server, &tokens, &id, 12_000_000, 8_000_000).await;
    eventually("a part", async || (bucket.parts() > 0).then_some(())).await;
    drop(raw);
    eventually("no part", async || (bucket.parts() == 0).then_some(())).await;
    let large = post(&server, token(&tokens), &id, "a", &noise(13_000_001)).await;
    assert_eq!(
        (large.status().as_u16(), bucket.parts(), bucket.names().len()),
        (413, 0, 3)
    );
    bucket.is_down(true);
    assert_eq!(post(&server, token(&tokens), &id, "a", b"x").await.status(), 503);
    let list = ada.ok("attachment.list", json!({ "task_id": id })).await;
    let first = list["items"][0]["id"].clone();
    let path = format!("/v1/attachments/{}", text(&first));
    let away = request(&server, Method::GET, &path)
        .bearer_auth(token(&tokens))
        .send()
        .await;
    assert_eq!(away.expect("an answer").status(), 503);
    // the job tries again until the bucket is back
    ada.ok("attachment.delete", json!({ "id": first })).await;
    bucket.is_down(false);
    eventually("the object is removed", async || {
        (bucket.names().len() == 2).then_some(())
    })
    .await;
    ada.ok("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    eventually("all are removed", async || {
        bucket.names().is_empty().then_some(())
    })
    .await;
}
