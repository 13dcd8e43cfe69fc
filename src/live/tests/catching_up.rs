//! Cursors whose next entry has left the ring, and the memory that rings may take.

use super::super::ring::Location;
use super::*;

const SMALL: RingLimits = RingLimits {
    bytes_per_topic: 2_000,
    budget: 1 << 20,
};

#[tokio::test]
async fn a_slow_reader_crosses_from_ring_to_log_to_ring() {
    let world = World::with(SMALL);
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    let room = socket.peer.room.clone();
    world.commit(workspace(1), 4);
    socket.receives(workspace(1), 0, 4).await;
    room.store(0, Ordering::SeqCst);
    world.commit(workspace(1), 500);
    assert_eq!(socket.poll(), Poll::Pending);
    assert_eq!(socket.got(workspace(1)).len(), 4, "nothing is fed without room");
    room.store(usize::MAX / 2, Ordering::SeqCst);
    socket.receives(workspace(1), 0, 504).await;
    assert!(world.log.pages.load(Ordering::SeqCst) >= 7);
    let pages = world.log.pages.load(Ordering::SeqCst);
    world.commit(workspace(1), 2);
    socket.receives(workspace(1), 0, 506).await;
    assert_eq!(world.log.pages.load(Ordering::SeqCst), pages, "back in the ring");
}

#[tokio::test]
async fn cursors_that_need_the_same_page_share_its_read() {
    let world = World::with(SMALL);
    world.commit(workspace(1), 60);
    let mut sockets: Vec<_> = (0..20).map(|n| world.socket(user(n))).collect();
    for socket in &mut sockets {
        assert!(socket.join(workspace(1), Start::After(0)).await.resumed);
    }
    world.log.stalls.store(true, Ordering::SeqCst);
    let running: Vec<_> = sockets.into_iter().map(Socket::run).collect();
    wait_until("a page is read", || world.log.pages.load(Ordering::SeqCst) > 0).await;
    tokio::task::yield_now().await;
    world.log.stalls.store(false, Ordering::SeqCst);
    for socket in &running {
        wait_until("all frames arrived", || {
            seqs(&socket.got, workspace(1)).len() == 60
        })
        .await;
    }
    assert_eq!(world.log.pages.load(Ordering::SeqCst), 1);
    let ranges = world.log.ranges.load(Ordering::SeqCst);
    assert!(
        ranges < 10,
        "the head was read {ranges} times instead of being shared"
    );
}

#[tokio::test]
async fn waiting_for_a_page_does_not_delay_other_streams() {
    let world = World::with(SMALL);
    world.commit(workspace(1), 60);
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::After(0)).await;
    socket.join(workspace(2), Start::Now).await;
    world.log.stalls.store(true, Ordering::SeqCst);
    world.commit(workspace(2), 3);
    let running = socket.run();
    wait_until("the other stream arrived", || {
        seqs(&running.got, workspace(2)).len() > 2
    })
    .await;
    assert!(seqs(&running.got, workspace(1)).is_empty());
    world.log.stalls.store(false, Ordering::SeqCst);
    wait_until("the page arrived", || {
        seqs(&running.got, workspace(1)).len() == 60
    })
    .await;
}

#[tokio::test]
async fn pages_never_go_beyond_the_published_head() {
    let world = World::with(SMALL);
    world.commit(workspace(1), 60);
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::After(0)).await;
    let unpublished: Vec<_> = (0..4).map(|_| world.append(workspace(1))).collect();
    socket.receives(workspace(1), 0, 60).await;
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    world.hub.publish(unpublished);
    socket.receives(workspace(1), 0, 64).await;
}

#[tokio::test]
async fn a_missing_entry_in_the_log_ends_the_socket() {
    let world = World::with(SMALL);
    world.commit(workspace(1), 60);
    world
        .log
        .change(workspace(1), |entries| entries.frames[30] = None);
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::After(10)).await;
    assert_eq!(socket.deliver().await, Err(Stop::Broken(workspace(1))));
    assert!(socket.got(workspace(1)).is_empty());
    let mut other = world.socket(user(1));
    other.join(workspace(1), Start::After(30)).await;
    assert_eq!(other.deliver().await, Err(Stop::Broken(workspace(1))));
}

#[tokio::test]
async fn a_cursor_that_retention_overtook_is_reported() {
    let world = World::with(SMALL);
    world.commit(workspace(1), 300);
    let mut socket = world.socket(user(1));
    assert!(socket.join(workspace(1), Start::After(0)).await.resumed);
    world.log.change(workspace(1), |entries| entries.tail = 100);
    assert_eq!(socket.deliver().await, Ok(Delivered::Overtaken(workspace(1))));
    world.commit(workspace(1), 1);
    socket.receives(workspace(1), 300, 1).await;
    // a reader that joins now at that position is not resumed
    assert!(
        !world
            .socket(user(1))
            .join(workspace(1), Start::After(0))
            .await
            .resumed
    );
}

#[tokio::test]
async fn a_log_that_does_not_answer_is_asked_again() {
    let world = World::with(SMALL);
    world.commit(workspace(1), 60);
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::After(0)).await;
    world.log.fails.store(true, Ordering::SeqCst);
    let running = socket.run();
    wait_until("the log was asked a few times", || {
        world.log.pages.load(Ordering::SeqCst) > 3
    })
    .await;
    world.log.fails.store(false, Ordering::SeqCst);
    wait_until("all frames arrived", || {
        seqs(&running.got, workspace(1)).len() == 60
    })
    .await;
}

#[tokio::test]
async fn after_a_purge_frames_come_from_the_log() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 5);
    let early = {
        drop(world.append(workspace(1)));
        world.append(workspace(1))
    };
    world.hub.publish(vec![early]);
    world.log.change(workspace(1), |entries| {
        for (i, entry) in entries.frames.iter_mut().enumerate() {
            *entry = Some(frame(
                workspace(1),
                i as u64 + 1,
                "task.updated",
                r#"{"purged":true}"#,
            ));
        }
    });
    world.hub.forget(workspace(1), 7);
    socket.receives(workspace(1), 0, 7).await;
    assert_eq!(world.log.pages.load(Ordering::SeqCst), 1);
    world.commit(workspace(1), 1);
    socket.receives(workspace(1), 0, 8).await;
}

/// The frame was committed before the purge, but arrives after it.
#[tokio::test]
async fn a_frame_that_arrives_after_its_purge_is_read_from_the_log() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 9);
    socket.receives(workspace(1), 0, 9).await;
    let late = world.append(workspace(1));
    let purge = world.log.append(workspace(1), "task.purged", "{}");
    world.hub.forget(workspace(1), late.seq);
    world.hub.publish(vec![purge]);
    world.hub.publish(vec![late]);
    let topic = world.hub.topic(workspace(1)).expect("a topic");
    assert_eq!(topic.locate(9), (11, Location::InLog));
    assert_eq!(
        topic.locate(10),
        (11, Location::InRing),
        "the ring has the purge itself"
    );
    socket.receives(workspace(1), 0, 11).await;
    assert_eq!(world.log.pages.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_page_held_over_a_purge_is_read_again() {
    let world = World::with(SMALL);
    world.commit(workspace(1), 60);
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::After(0)).await;
    let room = socket.peer.room.clone();
    room.store(1, Ordering::SeqCst);
    let running = socket.run();
    wait_until("a first bite arrived", || !lock(&running.got).is_empty()).await;
    assert!(seqs(&running.got, workspace(1)).len() < 60);
    world.hub.forget(workspace(1), 60);
    room.store(usize::MAX / 2, Ordering::SeqCst);
    running.wakeup.nudge();
    wait_until("all frames arrived", || {
        seqs(&running.got, workspace(1)).len() == 60
    })
    .await;
    assert_eq!(world.log.pages.load(Ordering::SeqCst), 2);
    assert_eq!(seqs(&running.got, workspace(1)), (1..=60).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_least_recently_used_rings_are_emptied_first() {
    let world = World::with(RingLimits {
        bytes_per_topic: 100_000,
        budget: 40_000,
    });
    let mut sockets = Vec::new();
    for n in 0..8 {
        let mut socket = world.socket(user(n));
        socket.join(workspace(n), Start::Now).await;
        sockets.push(socket);
    }
    for n in 0..8 {
        world.commit(workspace(n), 30);
    }
    let taken = || world.hub.budget.taken.load(Ordering::SeqCst);
    wait_until("the budget is kept", || taken() <= 40_000).await;
    for (n, socket) in sockets.iter_mut().enumerate().rev() {
        socket.receives(workspace(n as u128), 0, 30).await;
        let from_log = world.log.pages.load(Ordering::SeqCst);
        assert!((n < 7) || from_log == 0, "the newest ring keeps its frames");
    }
    assert!(
        world.log.pages.load(Ordering::SeqCst) > 0,
        "the oldest ring was emptied"
    );
    drop(sockets);
    assert_eq!(
        (world.topics(), taken()),
        (0, 0),
        "a topic without watchers is dropped, and its ring with it"
    );
}

#[tokio::test]
async fn a_ring_stays_within_its_limit() {
    let world = World::with(SMALL);
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 100);
    assert!(world.hub.budget.taken.load(Ordering::SeqCst) <= SMALL.bytes_per_topic);
    let huge = "x".repeat(10_000);
    let entry = world
        .log
        .append(workspace(1), "task.updated", &format!(r#"{{"title":"{huge}"}}"#));
    world.hub.publish(vec![entry]);
    assert_eq!(world.hub.budget.taken.load(Ordering::SeqCst), 0);
    socket.receives(workspace(1), 0, 101).await;
}

#[tokio::test]
async fn a_backlog_is_fed_in_turns_and_equally_from_all_streams() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    socket.join(workspace(2), Start::Now).await;
    world.commit(workspace(1), 500);
    world.commit(workspace(2), 500);
    assert_eq!(
        socket.poll(),
        Poll::Ready(Ok(Delivered::More)),
        "the socket's own replies get a turn"
    );
    let (one, two) = (socket.got(workspace(1)).len(), socket.got(workspace(2)).len());
    assert!(one > 0 && one == two && one + two < 300, "{one} and {two}");
    while socket.poll() == Poll::Ready(Ok(Delivered::More)) {}
    socket.receives(workspace(1), 0, 500).await;
    socket.receives(workspace(2), 0, 500).await;
}

#[tokio::test]
async fn large_frames_are_fed_in_bites() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    let large = "x".repeat(15_000);
    for _ in 0..10 {
        let entry = world
            .log
            .append(workspace(1), "task.updated", &format!(r#"{{"title":"{large}"}}"#));
        world.hub.publish(vec![entry]);
    }
    socket.peer.room.store(1, Ordering::SeqCst);
    assert_eq!(socket.poll(), Poll::Pending);
    assert_eq!(
        socket.got(workspace(1)),
        [1],
        "the peer had room for one frame only"
    );
    socket.peer.room.store(100, Ordering::SeqCst);
    socket.receives(workspace(1), 0, 10).await;
}
