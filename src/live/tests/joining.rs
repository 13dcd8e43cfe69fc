//! Joining, resuming, pausing.

use super::*;
use crate::live::Joined;
use taskwire_protocol::stream::Reason;

fn at_head(seq: u64, reason: Reason) -> Joined {
    Joined {
        seq,
        resumed: false,
        reason: Some(reason),
    }
}

fn resumed(seq: u64) -> Joined {
    Joined {
        seq,
        resumed: true,
        reason: None,
    }
}

#[tokio::test]
async fn a_position_is_resumed_or_the_reason_is_returned() {
    let world = World::new();
    world.commit(workspace(1), 100);
    world.log.change(workspace(1), |entries| entries.tail = 40);
    let mut socket = world.socket(user(1));
    assert_eq!(
        socket.join(workspace(1), Start::Now).await,
        at_head(100, Reason::New)
    );
    assert_eq!(
        socket.join(workspace(1), Start::After(39)).await,
        at_head(100, Reason::Expired)
    );
    assert_eq!(
        socket.join(workspace(1), Start::After(101)).await,
        at_head(100, Reason::Unknown)
    );
    assert_eq!(socket.join(workspace(1), Start::After(100)).await, resumed(100));
    assert_eq!(socket.join(workspace(1), Start::After(40)).await, resumed(100));
    assert_eq!(socket.subscriptions.count(), 1);
    socket.receives(workspace(1), 40, 60).await;
    assert_eq!(
        world.socket(user(1)).join(workspace(2), Start::After(0)).await,
        resumed(0)
    );
}

#[tokio::test]
async fn a_position_in_the_ring_needs_no_database() {
    let world = World::new();
    let mut first = world.socket(user(1));
    first.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 100);
    for n in 2..20 {
        let mut socket = world.socket(user(n));
        assert_eq!(socket.join(workspace(1), Start::After(50)).await, resumed(100));
        socket.receives(workspace(1), 50, 50).await;
    }
    let asked = (
        world.log.ranges.load(Ordering::SeqCst),
        world.log.pages.load(Ordering::SeqCst),
    );
    assert_eq!(asked, (1, 0));
}

#[tokio::test]
async fn a_position_ahead_of_this_instance_is_checked_in_the_log() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    let entries: Vec<_> = (0..3).map(|_| world.append(workspace(1))).collect();
    let mut other = world.socket(user(2));
    assert_eq!(other.join(workspace(1), Start::After(2)).await, resumed(2));
    world.hub.publish(entries);
    other.receives(workspace(1), 2, 1).await;
    socket.receives(workspace(1), 0, 3).await;
}

#[tokio::test]
async fn a_failing_log_leaves_no_watcher_behind_and_is_asked_again() {
    let world = World::new();
    world.commit(workspace(1), 5);
    world.log.fails.store(true, Ordering::SeqCst);
    let mut socket = world.socket(user(1));
    for _ in 0..3 {
        assert_eq!(
            socket
                .subscriptions
                .join(workspace(1), Start::Now, Mode::Deliver)
                .await,
            Err(LogUnavailable)
        );
        assert_eq!((world.topics(), socket.subscriptions.count()), (0, 0));
    }
    world.log.fails.store(false, Ordering::SeqCst);
    assert_eq!(socket.join(workspace(1), Start::After(0)).await, resumed(5));
    socket.receives(workspace(1), 0, 5).await;
}

#[tokio::test]
async fn a_cancelled_join_leaves_no_watcher_behind() {
    let world = World::new();
    world.log.stalls.store(true, Ordering::SeqCst);
    let mut socket = world.socket(user(1));
    {
        let join = socket.subscriptions.join(workspace(1), Start::Now, Mode::Deliver);
        let cancelled = tokio::time::timeout(Duration::from_millis(20), join).await;
        assert!(cancelled.is_err());
    }
    assert_eq!(world.topics(), 0);
    // the read under way began before this commit: its result must not be used
    world.commit(workspace(1), 1);
    world.log.stalls.store(false, Ordering::SeqCst);
    assert_eq!(socket.join(workspace(1), Start::Now).await.seq, 1);
}

#[tokio::test]
async fn entries_published_while_the_head_is_read_are_not_lost() {
    for many in [1, 3, 64, 65, 200] {
        let world = World::new();
        world.commit(workspace(1), 5);
        world.log.stalls.store(true, Ordering::SeqCst);
        let mut socket = world.socket(user(1));
        let join = socket.join(workspace(1), Start::After(5));
        let publish = async {
            wait_until("the head is read", || {
                world.log.ranges.load(Ordering::SeqCst) == 1
            })
            .await;
            world.commit(workspace(1), many);
            world.log.stalls.store(false, Ordering::SeqCst);
        };
        let (joined, ()) = tokio::join!(join, publish);
        assert!(joined.resumed);
        socket.receives(workspace(1), 5, many as u64).await;
    }
}

#[tokio::test]
async fn a_second_join_moves_the_cursor() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 10);
    socket.receives(workspace(1), 0, 10).await;
    lock(&socket.peer.got).clear();
    assert_eq!(socket.join(workspace(1), Start::After(4)).await, resumed(10));
    socket.receives(workspace(1), 4, 6).await;
    assert_eq!((world.topics(), socket.subscriptions.count()), (1, 1));
}

#[tokio::test]
async fn leaving_silences_a_stream_and_frees_its_slot() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    for n in 0..130 {
        socket.join(workspace(n), Start::Now).await;
    }
    assert!(socket.subscriptions.leave(workspace(64)));
    assert!(!socket.subscriptions.leave(workspace(64)));
    socket.join(workspace(500), Start::Now).await;
    for n in [2, 64, 126, 500] {
        world.commit(workspace(n), 20);
    }
    for n in [2, 126, 500] {
        socket.receives(workspace(n), 0, 20).await;
    }
    assert!(socket.got(workspace(64)).is_empty());
    assert_eq!((socket.subscriptions.count(), world.topics()), (130, 130));
    drop(socket);
    assert_eq!(world.topics(), 0);
}

#[tokio::test]
async fn a_paused_stream_continues_where_it_was_or_at_a_given_position() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    socket.join(workspace(2), Start::Now).await;
    socket.subscriptions.pause(workspace(1));
    world.commit(workspace(1), 10);
    world.commit(workspace(2), 1);
    socket.receives(workspace(2), 0, 1).await;
    assert!(socket.got(workspace(1)).is_empty());
    socket.subscriptions.go_on(workspace(1), None);
    socket.receives(workspace(1), 0, 10).await;
    socket.subscriptions.pause(workspace(1));
    world.commit(workspace(1), 10);
    lock(&socket.peer.got).clear();
    socket.subscriptions.go_on(workspace(1), Some(15));
    socket.receives(workspace(1), 15, 5).await;
    // a snapshot may be ahead of what was published here
    let entries: Vec<_> = (0..3).map(|_| world.append(workspace(1))).collect();
    lock(&socket.peer.got).clear();
    socket.subscriptions.go_on(workspace(1), Some(22));
    world.hub.publish(entries);
    socket.receives(workspace(1), 22, 1).await;
}
