//! Somebody who can read and write in Redis, and has read an epoch in a welcome, can do nothing to the instances: forged,
//! moved and recorded messages, and garbage, are dropped, and no event is lost or late.

use super::stranger::{
    ENTRIES, Heard, NOTE, PROBE, Stranger, about_sockets, entry, forged, forged_as_of_old, note, refused,
    refused_for, refuses,
};
use super::{SOON, TRIES, WITHOUT_REDIS, head, number, push, redis_becomes};
use crate::support::redis::{own_prefix, shared_url};
use crate::support::{Client, PASSWORD, Server, eventually, text};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

/// Two instances that share a Redis with a stranger.
async fn instances(settings: &[(&str, &str)]) -> (Vec<Server>, Stranger) {
    let (url, prefix) = (shared_url(), own_prefix());
    let mut all = vec![("redis_url", &*url), ("redis_prefix", &*prefix)];
    all.extend(settings);
    let stranger = Stranger::listens(&prefix).await;
    let servers = Server::start_several(2, &all).await;
    for server in &servers {
        redis_becomes(server, "healthy").await;
    }
    (servers, stranger)
}

/// A push arrives in time; a loaded machine gets some tries.
async fn pushes(writer: &mut Client, reader: &mut Client, workspace: &str, most: Duration) {
    let mut took = Vec::new();
    while took.iter().all(|took| *took > most) {
        assert!(took.len() < TRIES, "a push took {took:?}, not {most:?}");
        took.push(push(writer, reader, workspace).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_event_is_never_delivered_and_the_real_one_of_that_seq_is() {
    let (servers, mut stranger) = instances(&[]).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let mut reader = ada.another(&servers[1]).await;
    let (workspace, epoch) = (ada.personal(), reader.welcome["data"]["epoch"].clone());
    let stream = format!("workspace:{workspace}");
    // a real one first, to be copied
    push(&mut ada, &mut reader, &workspace).await;
    let real = eventually("a real entry", async || {
        let heard = stranger.heard().into_iter();
        let mut entries = heard.filter(|heard| heard.kind() == ENTRIES && heard.channel.ends_with(&stream));
        entries.next()
    })
    .await;
    let seq = head(&reader, &stream) + 2;
    let frame = json!({ "type": "event", "stream": stream, "seq": seq, "event": "task.created",
        "data": { "title": "Forged" } });
    let body = entry(seq, &frame.to_string());
    let sender = u64::from_be_bytes(real.sender().try_into().expect("eight bytes"));
    let mut changed = real.bytes.clone();
    let place = real
        .bytes
        .windows(2)
        .position(|two| two == b"ti")
        .expect("a title");
    changed[place + 10] ^= 1;
    let (before, forgeries) = (
        refused(&servers[1]).await,
        [
            forged(ENTRIES, 99, &epoch, &body),
            forged(ENTRIES, sender, &epoch, &body),
            forged_as_of_old(ENTRIES, &epoch, &body),
            changed,
        ],
    );
    for forgery in &forgeries {
        stranger.publish(&stream, forgery).await;
    }
    refuses(&servers[1], before, forgeries.len()).await;
    assert!(
        refused_for(&servers[1], "version").await > 0.0,
        "the one of the first version"
    );
    let made = ada
        .call(
            "task.create",
            json!({ "workspace_id": workspace, "title": "Real" }),
        )
        .await;
    assert_eq!(made["at"][&stream], seq);
    let event = reader
        .take("the real one", |frame| {
            frame["stream"] == stream.as_str() && frame["seq"] == seq
        })
        .await;
    assert_eq!(event["data"]["title"], "Real");
    let rest = reader.events_so_far().await;
    assert!(
        rest.iter().all(|event| !event.to_string().contains("Forged")),
        "{rest:?}"
    );
}

/// The settings of instances that have an administrator.
const OPERATOR: [(&str, &str); 2] = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_kick_closes_nothing_and_a_forged_question_is_not_answered() {
    let (servers, mut stranger) = instances(&OPERATOR).await;
    let mut operator = Client::log_in(&servers[0], "op").await;
    let mut ada = Client::sign_up(&servers[1], "ada").await;
    let epoch = ada.welcome["data"]["epoch"].clone();
    let asked = crate::support::new_id();
    let nobody = crate::support::new_id();
    let question = json!({ "id": asked, "from": nobody, "user": null, "after": null, "limit": 100 });
    let kick = json!({ "id": crate::support::new_id(), "user": ada.user_id(), "session": null });
    let before = refused(&servers[1]).await;
    for words in [json!({ "kick": kick }), json!({ "ask": question })] {
        stranger
            .publish("notes", &forged(NOTE, 99, &epoch, &note(&words)))
            .await;
        stranger
            .publish("notes", &forged_as_of_old(NOTE, &epoch, &note(&words)))
            .await;
    }
    refuses(&servers[1], before, 4).await;
    ada.ok("profile.get", json!({})).await;
    // a real question is answered, and has the shape of the forged one
    eventually("an answer of the other instance", async || {
        let page = operator.ok("admin.connections", json!({})).await;
        (page["total"] == 2 && page["unanswered"] == json!([])).then_some(())
    })
    .await;
    let fields = |words: &Value| {
        words
            .as_object()
            .map(|object| object.keys().cloned().collect::<Vec<_>>())
    };
    let questions = about_sockets(&stranger, "ask");
    let real = questions
        .iter()
        .find(|real| real["id"] != json!(asked))
        .expect("a real question");
    assert_eq!(fields(real), fields(&question));
    let answers = about_sockets(&stranger, "answer");
    assert!(!answers.is_empty());
    assert!(
        answers.iter().all(|answer| answer["to"] != json!(asked)),
        "{answers:?}"
    );
    ada.ok("profile.get", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_messages_have_no_second_effect() {
    let (servers, mut stranger) = instances(&OPERATOR).await;
    let begun = stranger.heard().len(); // from here on both instances listen
    let mut operator = Client::log_in(&servers[0], "op").await;
    let ada = Client::sign_up(&servers[0], "ada").await;
    let mut there = ada.another(&servers[1]).await;
    let here = json!({ "workspace_id": ada.personal(), "state": "online" });
    there.ok("presence.set", here).await;
    is_answered(&mut operator).await;
    operator
        .ok("admin.kick", json!({ "user_id": ada.user_id() }))
        .await;
    assert_eq!(there.until_closed().await.1, Some(4403));
    let kick = eventually("the note of the kick", async || {
        let mut heard = stranger.heard().into_iter();
        heard.find(|heard| heard.words().is_some_and(|words| words["kick"].is_object()))
    })
    .await;
    let mut back = ada.another(&servers[1]).await;
    let recorded = stranger.heard().split_off(begun);
    for heard in &recorded {
        let channel = heard.channel.strip_prefix(&format!("{}:", stranger.prefix));
        stranger.publish(channel.expect("ours"), &heard.bytes).await;
    }
    let of_the_first =
        |heard: &&Heard| heard.sender() == kick.sender() && [NOTE, PROBE].contains(&heard.kind());
    let replayed = recorded.iter().filter(of_the_first).count();
    assert!(replayed >= 2, "at least a question and a kick");
    eventually("the repetitions are refused", async || {
        (refused_for(&servers[1], "replay").await >= replayed as f64).then_some(())
    })
    .await;
    is_answered(&mut operator).await; // a round trip through both instances
    back.ok("profile.get", json!({})).await;
    // an answer that was published again has the same bytes; a second answer to a question has not
    let answers: HashSet<Vec<u8>> = stranger
        .heard()
        .into_iter()
        .filter(|heard| heard.words().is_some_and(|words| words["answer"].is_object()))
        .map(|heard| heard.bytes)
        .collect();
    let answered: HashSet<String> = about_sockets(&stranger, "answer")
        .iter()
        .map(|answer| format!("{} {} {}", answer["to"], answer["from"]["id"], answer["part"]))
        .collect();
    assert!(!answered.is_empty());
    assert_eq!(
        answers.len(),
        answered.len(),
        "a recorded question was answered again"
    );
}

/// Waits until all instances tell their sockets.
async fn is_answered(operator: &mut Client) {
    eventually("an answer of the other instance", async || {
        let page = operator.ok("admin.connections", json!({})).await;
        (page["unanswered"] == json!([])).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_messages_have_no_effect_on_another_channel() {
    let (servers, mut stranger) = instances(&[]).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let team = ada.ok("workspace.create", json!({ "name": "Team" })).await["id"].clone();
    let mut reader = ada.another(&servers[1]).await;
    let (from, to) = (
        format!("workspace:{}", ada.personal()),
        format!("workspace:{}", text(&team)),
    );
    for n in 0..4 {
        ada.ok("task.create", json!({ "title": format!("Mine {n}") }))
            .await;
    }
    let moved = eventually("real entries", async || {
        let heard = stranger.heard().into_iter();
        let of = heard.filter(|heard| heard.kind() == ENTRIES && heard.channel.ends_with(&from));
        let of: Vec<Heard> = of.collect();
        (!of.is_empty()).then_some(of)
    })
    .await;
    let probe = stranger
        .heard()
        .into_iter()
        .find(|heard| heard.kind() == PROBE)
        .expect("a probe");
    reader.forget_events();
    let before = refused_for(&servers[1], "seal").await;
    for heard in &moved {
        stranger.publish(&to, &heard.bytes).await;
        stranger.publish("notes", &heard.bytes).await;
    }
    stranger.publish(&to, &probe.bytes).await;
    eventually("the moved messages are refused", async || {
        (refused_for(&servers[1], "seal").await >= before + 2.0 * moved.len() as f64).then_some(())
    })
    .await;
    let made = ada
        .call("task.create", json!({ "workspace_id": team, "title": "Ours" }))
        .await;
    let event = reader.next_of(&to).await;
    assert_eq!(
        (&event["seq"], &event["data"]["title"]),
        (&made["at"][&to], &json!("Ours"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rotation_the_previous_secret_seals_what_is_read() {
    let (url, prefix) = (shared_url(), own_prefix());
    let settings = [("redis_url", &*url), ("redis_prefix", &*prefix)];
    let mut servers = Server::start_several(1, &settings).await;
    let rotated = servers[0].beside(&[
        ("jwt_secret", "a newer secret of all instances of a deployment"),
        (
            "jwt_secret_previous",
            "the secret of all instances of a deployment",
        ),
    ]);
    servers.push(rotated);
    let [older, newer] = &servers[..] else {
        panic!("two instances")
    };
    for server in &servers {
        redis_becomes(server, "healthy").await;
    }
    let mut ada = Client::sign_up(older, "ada").await;
    let mut there = ada.another(newer).await;
    let workspace = ada.personal();
    pushes(&mut ada, &mut there, &workspace, SOON).await;
    assert!(number(newer, "taskwire_bus_received_total").await > 0.0);
    assert!(refused(newer).await < 1.0);
    // the other way round they are read from the log, until that instance has the newer secret too
    pushes(&mut there, &mut ada, &workspace, WITHOUT_REDIS).await;
    assert!(number(older, "taskwire_bus_received_total").await < 1.0);
    assert!(refused_for(older, "seal").await > 0.0);
}

/// Two instances that share no secret drop each other's messages, as those of two versions do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_every_message_is_dropped_events_arrive_within_three_seconds() {
    let (url, prefix) = (shared_url(), own_prefix());
    let settings = [("redis_url", &*url), ("redis_prefix", &*prefix)];
    let mut servers = Server::start_several(1, &settings).await;
    let other = servers[0].beside(&[("jwt_secret", "a secret that nobody shares with this one")]);
    servers.push(other);
    for server in &servers {
        redis_becomes(server, "healthy").await;
    }
    let mut here = Client::sign_up(&servers[0], "ada").await;
    let mut there = Client::log_in(&servers[1], "ada").await;
    let workspace = here.personal();
    let stream = format!("workspace:{workspace}");
    let from = head(&there, &stream);
    for _ in 0..2 {
        pushes(&mut here, &mut there, &workspace, WITHOUT_REDIS).await;
        pushes(&mut there, &mut here, &workspace, WITHOUT_REDIS).await;
    }
    for server in &servers {
        assert!(number(server, "taskwire_bus_received_total").await < 1.0);
        assert!(refused_for(server, "seal").await > 0.0);
    }
    let last = here
        .call(
            "task.create",
            json!({ "workspace_id": workspace, "title": "Last" }),
        )
        .await;
    let epoch = there.welcome["data"]["epoch"].clone();
    let resume = json!({ "resume": { "epoch": epoch, "positions": { stream.clone(): from } } });
    let mut late = Client::with_tokens(&servers[1], &there.tokens, resume).await;
    let to = last["at"][&stream].as_u64().expect("a seq");
    super::follows(&mut late, &stream, from, to).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_dropped_counted_and_told_once() {
    const PROBES: usize = 20_000;
    let (servers, mut stranger) = instances(&[]).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let mut reader = ada.another(&servers[1]).await;
    let (workspace, epoch) = (ada.personal(), ada.welcome["data"]["epoch"].clone());
    let stream = format!("workspace:{workspace}");
    let before = refused(&servers[1]).await;
    let lengths = [0, 1, 17, 18, 33, 34, 50, 300, 70_000, 200_000, 2_000_000];
    let mut garbage: Vec<Vec<u8>> = lengths
        .map(|length| rand::random_iter().take(length).collect())
        .into();
    garbage.push(forged(NOTE, 5, &epoch, &vec![b'['; 100_000]));
    garbage.push(forged(NOTE, 5, &epoch, &vec![b'x'; 1_000_000]));
    for bytes in &garbage {
        for channel in ["notes", "probes", &stream] {
            stranger.publish(channel, bytes).await;
        }
    }
    for part in 0..PROBES / 1000 {
        let mut pipeline = redis::pipe();
        for n in 0..1000 {
            let sender = (part * 1000 + n) as u64;
            let probe = forged(PROBE, sender, &epoch, &sender.to_be_bytes());
            pipeline
                .publish(format!("{}:probes", stranger.prefix), probe)
                .ignore();
        }
        pipeline
            .query_async::<()>(&mut stranger.link)
            .await
            .expect("published");
    }
    refuses(&servers[1], before, 3 * garbage.len() + PROBES).await;
    assert!(refused_for(&servers[1], "seal").await >= PROBES as f64);
    let log = servers[1].log();
    let told = log
        .lines()
        .filter(|line| line.contains("messages in Redis were dropped"));
    assert_eq!(told.count(), 1, "{log}");
    pushes(&mut ada, &mut reader, &workspace, SOON).await;
    assert!(number(&servers[1], "taskwire_bus_received_total").await > 0.0);
}
