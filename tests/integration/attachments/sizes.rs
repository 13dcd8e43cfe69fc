//! How large files may be, how many, and how fast they come: bounds, and the memory that they need.

use super::{begun, get, noise, post, refusal, task, token, upload};
use crate::on_both_databases;
use crate::photos::files;
use crate::support::{Client, Engine, PASSWORD, Server, eventually};
use serde_json::json;

on_both_databases!(
    a_task_has_so_many_attachments_and_an_account_stores_so_much,
    four_uploads_of_an_account_run_at_a_time,
);

async fn a_task_has_so_many_attachments_and_an_account_stores_so_much(engine: Engine) {
    let settings = [
        ("attachments_per_task", "2"),
        ("plan_free_storage_bytes", "10000"),
        ("admin_email", "op@example.com"),
        ("admin_password", PASSWORD),
    ];
    let server = Server::start(engine, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, one, other) = (ada.tokens.clone(), task(&mut ada).await, task(&mut ada).await);
    let first = upload(&server, &tokens, &one, "a", &noise(6000)).await;
    let answer = post(&server, token(&tokens), &other, "b", &noise(4001)).await;
    let (status, error) = refusal(answer).await;
    assert_eq!(
        (status, &error["code"], &error["context"]["limit"]),
        (403, &json!("PLAN_LIMIT"), &json!(10_000))
    );
    assert_eq!(files(&server).len(), 1, "nothing of the refused one");
    // two at once do not share the room for one
    let some = noise(3000);
    let (left, right) = tokio::join!(
        post(&server, token(&tokens), &one, "b", &some),
        post(&server, token(&tokens), &other, "b", &some),
    );
    let mut statuses = [left.status().as_u16(), right.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403]);
    // another plan allows more, and what is deleted makes room
    ada.ok("attachment.delete", json!({ "id": first["id"] })).await;
    let full = upload(&server, &tokens, &one, "c", &noise(7000)).await;
    assert_eq!(
        post(&server, token(&tokens), &other, "d", b"d").await.status(),
        403
    );
    let mut op = Client::log_in(&server, "op").await;
    op.ok("admin.user.update", json!({ "id": ada.user_id(), "plan": "pro" }))
        .await;
    let task = task(&mut ada).await;
    for name in ["e", "f"] {
        upload(&server, &tokens, &task, name, &noise(9000)).await;
    }
    let answer = post(&server, token(&tokens), &task, "g", b"g").await;
    let (status, error) = refusal(answer).await;
    assert_eq!(
        (status, &error["code"], &error["context"]["limit"]),
        (403, &json!("PLAN_LIMIT"), &json!(2))
    );
    ada.ok("attachment.delete", json!({ "id": full["id"] })).await;
}

async fn four_uploads_of_an_account_run_at_a_time(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(begun(&server, &tokens, &id, 400_000, 300_000).await);
    }
    let refused = post(&server, token(&tokens), &id, "a", b"a").await;
    assert!(refused.headers().contains_key("retry-after"));
    let (status, error) = refusal(refused).await;
    assert_eq!((status, &error["code"]), (429, &json!("RATE_LIMITED")));
    // others, and downloads, are not held up
    let mut bob = Client::sign_up(&server, "bob").await;
    let theirs = task(&mut bob).await;
    let made = upload(&server, &bob.tokens, &theirs, "b", b"b").await;
    assert_eq!(
        get(&server, token(&bob.tokens), &made["id"], &[]).await.status(),
        200
    );
    drop(slow);
    eventually("room", async || {
        let answer = post(&server, token(&tokens), &id, "a", b"a").await;
        (answer.status() == 201).then_some(())
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_size_of_a_file_costs_no_memory() {
    // the process of SQLite also has the pages of its file in memory
    let mut server = Server::start(Engine::Postgres, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, id) = (ada.tokens.clone(), task(&mut ada).await);
    ada.cut();
    server.terminate(); // hashing the password took more memory than an upload may: start with a fresh peak
    server.spawn();
    let round = async |bytes: usize| {
        let sent = noise(bytes);
        let made = upload(&server, &tokens, &id, "a", &sent).await;
        assert!(super::content(&server, &tokens, &made["id"]).await == sent);
    };
    round(1_000_000).await;
    let before = server.memory("VmHWM");
    round(25_000_000).await;
    let grown = server.memory("VmHWM") - before;
    assert!(grown < 6 << 20, "{grown} bytes of memory for a file of 25 MB");
}
