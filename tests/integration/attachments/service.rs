//! Attachments in a bucket of somebody else's S3 service, which `TASKWIRE_TEST_S3` names: it checks signatures, and reads
//! requests as it understands S3. Without the variable these tests do nothing.

use super::{begun, content, get, noise, post, task, token, upload};
use crate::support::{Client, Engine, Node, Server, eventually, new_id, secrets, text};
use futures_util::TryStreamExt as _;
use serde_json::json;
use taskwire::clock::Clock;
use taskwire::config::Settings;
use taskwire::files::{Files, Name};

/// A place of its own in the bucket.
struct Bucket {
    url: String,
    files: Files,
}

impl Bucket {
    fn find() -> Option<Bucket> {
        let given = std::env::var("TASKWIRE_TEST_S3").ok()?;
        let (place, service) = given.split_once('?').expect("s3://KEY:SECRET@BUCKET?endpoint=…");
        let (before, _) = place.split_once('@').expect("a key before the bucket");
        let secret = before.rsplit(':').next().expect("a secret");
        secrets::note_text(secret);
        let url = format!("{}/{}?{service}", place.trim_end_matches('/'), new_id());
        let settings = Settings::from_pairs(&[("files_url", &*url)]).expect("settings");
        let files = Files::open(&settings).expect("a bucket");
        Some(Bucket { url, files })
    }

    async fn names(&self) -> Vec<Vec<String>> {
        let listed = self.files.list(&Name::of(["attachments"]));
        let listed: Vec<_> = listed.try_collect().await.expect("a list");
        listed.iter().map(|file| file.name.parts()).collect()
    }
}

#[tokio::test]
async fn attachments_live_in_a_bucket_of_another_service() {
    let Some(bucket) = Bucket::find() else { return };
    let settings = [("files_url", &*bucket.url), ("attachment_bytes", "13000000")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    // no byte, one part, one and two full ones, and several
    for bytes in [0, 10, 5 << 20, 10 << 20, 12_345_678] {
        let sent = noise(bytes);
        let made = upload(&server, &tokens, &id, "Übersicht & Plan.pdf", &sent).await;
        assert!(content(&server, &tokens, &made["id"]).await == sent, "{bytes}");
        // over the end of the first part, and of the last bytes
        for (range, first, last) in [
            ("bytes=5242870-5242890", 5_242_870, 5_242_891),
            ("bytes=-7", bytes.saturating_sub(7), bytes),
        ] {
            if last <= bytes && bytes > 0 {
                let answer = get(&server, token(&tokens), &made["id"], &[("range", range)]).await;
                assert_eq!(answer.status(), 206, "{range} of {bytes}");
                let part = answer.bytes().await.expect("a part");
                assert!(part == sent[first..last], "{range} of {bytes}");
            }
        }
    }
    assert_eq!(bucket.names().await.len(), 5);
    // uploads that do not become whole
    drop(begun(&server, &tokens, &id, 12_000_000, 8_000_000).await);
    let large = post(&server, token(&tokens), &id, "a", &noise(13_000_001)).await;
    assert_eq!((large.status().as_u16(), bucket.names().await.len()), (413, 5));
    let list = ada.ok("attachment.list", json!({ "task_id": id })).await;
    ada.ok("attachment.delete", json!({ "id": list["items"][0]["id"] }))
        .await;
    eventually("the object is removed", async || {
        (bucket.names().await.len() == 4).then_some(())
    })
    .await;
    ada.ok("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    eventually("all are removed", async || {
        bucket.names().await.is_empty().then_some(())
    })
    .await;

    // a key that is not the bucket's is refused, so the others were checked
    let (before, after) = bucket.url.split_once('@').expect("a key");
    let (key, _) = before.rsplit_once(':').expect("a secret");
    let wrong = format!("{key}:not-the-secret-of-this-key@{after}");
    let server = Server::start(Engine::Sqlite, &[("files_url", &wrong)]).await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let id = task(&mut bob).await;
    let refused = post(&server, token(&bob.tokens), &id, "a", b"x").await;
    assert_eq!(refused.status(), 503, "the service takes any signature");
}

#[tokio::test]
async fn objects_without_a_row_are_removed_from_a_bucket_of_another_service() {
    let Some(bucket) = Bucket::find() else { return };
    let node = Node::start(Engine::Sqlite, &[("files_url", &bucket.url)]).await;
    let task = node.ok("task.create", &json!({ "title": "T" })).await["id"].clone();
    let kept = node.upload(&task, b"kept").await;
    for content in ["half a file", "another"] {
        let folder = new_id().to_string();
        let name = Name::of(["attachments", &folder, &new_id().to_string()]);
        bucket.files.put(&name, content).await.expect("an object");
    }
    // the service dates its objects itself
    let now = Clock::system().now_ms();
    let hours = |hours: i64| node.clock.step(now + hours * 3_600_000 - node.clock.now_ms());
    hours(1);
    assert_eq!(node.engine.clear_attachments().await.expect("cleared"), 0);
    hours(14);
    assert_eq!(node.engine.clear_attachments().await.expect("cleared"), 2);
    let left = bucket.names().await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].last().map(String::as_str), Some(text(&kept)));
    assert_eq!(node.engine.clear_attachments().await.expect("cleared"), 0);
}
