//! Publishes that are lost, repeated, early or shuffled.

use super::*;
use crate::live::{
    ring::Budget,
    topic::{LATE, News, Topic},
};
use std::sync::atomic::AtomicU64;

#[tokio::test]
async fn commits_reach_every_socket_in_order() {
    let world = World::new();
    let (mut a, mut b) = (world.socket(user(1)), world.socket(user(2)));
    a.join(workspace(1), Start::Now).await;
    b.join(workspace(1), Start::Now).await;
    b.join(workspace(2), Start::Now).await;
    world.commit(workspace(1), 40);
    world.commit(workspace(2), 3);
    a.receives(workspace(1), 0, 40).await;
    b.receives(workspace(1), 0, 40).await;
    b.receives(workspace(2), 0, 3).await;
    assert_eq!(
        world.log.pages.load(Ordering::SeqCst),
        0,
        "the ring had all frames"
    );
}

#[tokio::test]
async fn repeated_and_shuffled_publishes_are_put_in_order_without_the_log() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    let mut entries: Vec<_> = (0..60).map(|_| world.append(workspace(1))).collect();
    entries.extend(entries.clone());
    entries.reverse();
    entries.swap(3, 50);
    world.hub.publish(entries);
    socket.receives(workspace(1), 0, 60).await;
    assert_eq!(world.log.pages.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_early_frame_waits_30_ms_and_then_the_log_is_read() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 1);
    drop(world.append(workspace(1))); // does not arrive
    let begun = std::time::Instant::now();
    world.commit(workspace(1), 2);
    socket.receives(workspace(1), 0, 1).await;
    socket.receives(workspace(1), 0, 4).await;
    assert!(begun.elapsed() >= LATE, "{:?}", begun.elapsed());
    assert_eq!(world.log.pages.load(Ordering::SeqCst), 1);
}

#[test]
fn each_gap_has_its_own_30_ms() {
    let budget = Budget {
        per_ring: 10_000,
        taken: AtomicUsize::new(0),
        ticks: AtomicU64::new(0),
    };
    let topic = Topic::new(workspace(1), 1, Arc::new(budget));
    let apply = |seq| topic.apply(seq, frame(workspace(1), seq, "task.updated", "{}"));
    topic.observe(LogRange::default());
    let first = apply(2).deadline.expect("1 is missing");
    assert!(apply(1).moved);
    assert_eq!(
        apply(4),
        News::default(),
        "3 is missing now, and the hub has a deadline already"
    );
    let second = topic.late(first).deadline.expect("3 has a deadline too");
    assert!(second > first);
    assert_eq!(topic.head(), Some(2));
    assert_eq!(
        topic.late(second),
        News {
            moved: true,
            deadline: None
        }
    );
    assert_eq!(topic.head(), Some(4));
    assert_eq!(topic.late(second), News::default());
}

#[tokio::test]
async fn more_early_frames_than_may_wait_are_read_from_the_log() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    drop(world.append(workspace(1)));
    world.commit(workspace(1), 200);
    socket.receives(workspace(1), 0, 201).await;
    world.commit(workspace(1), 1);
    socket.receives(workspace(1), 0, 202).await;
}

#[tokio::test]
async fn a_lost_last_message_is_found_by_comparing_heads() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    drop(world.append(workspace(1)));
    let range = world.log.range(workspace(1)).await.expect("a range");
    world.hub.hear_of(workspace(1), range.head);
    socket.receives(workspace(1), 0, 1).await;
}

#[tokio::test]
async fn a_head_seen_a_little_early_does_not_empty_the_ring() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 5);
    let last = world.append(workspace(1));
    let range = world.log.range(workspace(1)).await.expect("a range");
    world.hub.hear_of(workspace(1), range.head);
    world.hub.publish(vec![last]);
    socket.receives(workspace(1), 0, 6).await;
    assert_eq!(world.log.pages.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn one_wake_delivers_a_whole_group() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    socket.join(StreamId::User(user(1)), Start::Now).await;
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    let group = vec![
        world.append(StreamId::User(user(1))),
        world.append(workspace(1)),
        world.append(workspace(1)),
    ];
    world.hub.publish(group);
    let dirty = socket.subscriptions.wakeup().wait().await;
    assert!(dirty.has_topics() && !dirty.has_input() && !dirty.has_nudge());
    let mut cx = Context::from_waker(Waker::noop());
    let done = socket
        .subscriptions
        .poll_deliver(&mut cx, dirty, &mut socket.peer);
    assert_eq!(done, Poll::Ready(Ok(Delivered::All)));
    assert_eq!(
        (
            socket.got(workspace(1)).len(),
            socket.got(StreamId::User(user(1))).len()
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn a_nudge_and_input_are_distinguished_from_topics() {
    let world = World::new();
    let socket = world.socket(user(1));
    let wakeup = socket.subscriptions.wakeup();
    wakeup.nudge();
    Waker::from(wakeup.clone()).wake_by_ref();
    let dirty = wakeup.wait().await;
    assert!(dirty.has_nudge() && dirty.has_input() && !dirty.has_topics());
    assert!(wakeup.take().is_empty());
}
