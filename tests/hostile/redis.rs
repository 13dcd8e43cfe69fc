//! Somebody who may PUBLISH in the Redis of two instances, and floods their channels with what they recorded and what they made
//! up. What one instance commits reaches the other all the same: once, in order, and soon.

use super::victim::HOME;
use super::{Attack, Line, MUCH, Victim};
use crate::instances::redis_becomes;
use crate::instances::stranger::{ENTRIES, NOTE, PROBE, Stranger, entry, forged, note, refused};
use crate::support::redis::{own_prefix, shared_url};
use crate::support::{Server, eventually, text};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::task::JoinSet;

/// Connections that publish, and messages in each request.
const CONNECTIONS: usize = 4;
const AT_ONCE: usize = 100;
/// How many recorded messages are repeated.
const RECORDED: usize = 300;

/// A channel without the prefix, and a message.
type Said = (String, Vec<u8>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_stranger_in_redis_delay_nobody_and_no_event_is_lost() {
    let (url, prefix) = (shared_url(), own_prefix());
    let mut settings = vec![
        ("rate_limit_enabled", "true"),
        ("redis_url", &*url),
        ("redis_prefix", &*prefix),
    ];
    settings.extend(MUCH);
    let stranger = Stranger::listens(&prefix).await;
    let servers = Server::start_several(2, &settings).await;
    for server in &servers {
        redis_becomes(server, "healthy").await;
    }
    let mut victim = Victim::at_rest(&servers[0]).await;
    let (watcher, welcome) = Line::follow(&servers[1], HOME, &victim.tokens).await;
    let welcome: Value = serde_json::from_str(&welcome).expect("JSON");
    let seen = Arc::<AtomicU64>::default();
    let mut watching = JoinSet::new();
    watching.spawn(follows(watcher, head(&welcome), seen.clone()));
    let said = what_to_say(&stranger, &welcome);
    drop(stranger);
    let client = redis::Client::open(&*url).expect("a client");
    let mut links = Vec::new();
    for _ in 0..CONNECTIONS {
        links.push(client.get_multiplexed_async_connection().await.expect("a link"));
    }
    let refused_before = refused(&servers[1]).await;
    let floods = |mut link: redis::aio::MultiplexedConnection, answered: Arc<AtomicU64>| {
        let (said, prefix) = (said.clone(), prefix.clone());
        async move {
            let mut next = said.iter().cycle();
            loop {
                let mut pipeline = redis::pipe();
                for (channel, message) in next.by_ref().take(AT_ONCE) {
                    pipeline.publish(format!("{prefix}:{channel}"), message).ignore();
                }
                pipeline.query_async::<()>(&mut link).await.expect("published");
                answered.fetch_add(AT_ONCE as u64, Relaxed);
            }
        }
    };
    let mut attack = Attack::of(links, floods).await;
    victim.endures(&servers[0], &mut attack).await;
    // meanwhile the other instance has heard of everything
    let (_, late) = Line::follow(&servers[0], HOME, &victim.tokens).await;
    let (_, to) = head(&serde_json::from_str(&late).expect("JSON"));
    eventually("all events on the other instance", async || {
        assert!(watching.try_join_next().is_none(), "the watcher goes on");
        (seen.load(Relaxed) >= to).then_some(())
    })
    .await;
    attack.goes_on();
    let dropped = refused(&servers[1]).await - refused_before;
    println!(
        "{} messages were published, and {dropped} dropped there",
        attack.answered()
    );
    assert!(dropped > AT_ONCE as f64, "{dropped} were dropped");
    redis_becomes(&servers[1], "healthy").await;
}

/// The victim's workspace and its head, in a welcome.
fn head(welcome: &Value) -> (String, u64) {
    let streams = welcome["data"]["streams"].as_array().expect("streams");
    let personal = streams
        .iter()
        .find(|stream| stream["workspace"]["kind"] == "personal")
        .expect("a personal workspace");
    (
        text(&personal["stream"]).to_owned(),
        personal["seq"].as_u64().expect("a seq"),
    )
}

/// Follows a stream: each event comes once, and in order.
async fn follows(mut watcher: Line, (stream, mut last): (String, u64), seen: Arc<AtomicU64>) {
    while let Some(event) = watcher.event().await {
        let event: Value = serde_json::from_str(&event).expect("JSON");
        assert!(event["data"]["title"] != "Forged", "{event}");
        if event["stream"] == *stream {
            last += 1;
            assert_eq!(event["seq"], last, "{event}");
            seen.store(last, Relaxed);
        }
    }
    panic!("the watcher's socket was closed");
}

/// What the stranger recorded, on its own channels and on others, and what they make up.
fn what_to_say(stranger: &Stranger, welcome: &Value) -> Arc<[Said]> {
    let (stream, seq) = head(welcome);
    let mut said: Vec<Said> = Vec::new();
    let heard = stranger.heard();
    assert!(
        heard.iter().any(|heard| heard.kind() == ENTRIES),
        "nothing was recorded"
    );
    for heard in heard.into_iter().rev().take(RECORDED) {
        let own = heard
            .channel
            .strip_prefix(&format!("{}:", stranger.prefix))
            .expect("ours");
        said.push((own.to_owned(), heard.bytes.clone()));
        said.push((stream.clone(), heard.bytes.clone()));
        said.push(("notes".to_owned(), heard.bytes));
    }
    let epoch = &welcome["data"]["epoch"];
    let user =
        json!({ "id": crate::support::new_id(), "user": welcome["data"]["user"]["id"], "session": null });
    let kick = note(&json!({ "kick": user }));
    for n in 0..RECORDED as u64 {
        // of what was and of what is to come
        let seq = (seq + n).saturating_sub(RECORDED as u64 / 4);
        let frame = json!({ "type": "event", "stream": stream, "seq": seq, "event": "task.created",
            "data": { "title": "Forged" } });
        let body = entry(seq, &frame.to_string());
        said.push((stream.clone(), forged(ENTRIES, n, epoch, &body)));
        said.push(("notes".to_owned(), forged(NOTE, n, epoch, &kick)));
        said.push(("probes".to_owned(), forged(PROBE, n, epoch, &n.to_be_bytes())));
    }
    said.into()
}
