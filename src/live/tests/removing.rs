//! The end of a user's access to a workspace: exact, in whatever order messages arrive.

use super::*;

#[tokio::test]
async fn a_removed_user_gets_the_entries_before_the_removal_and_no_others() {
    let world = World::new();
    let (mut removed, mut other) = (world.socket(user(1)), world.socket(user(2)));
    removed.join(workspace(1), Start::Now).await;
    other.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 5);
    world.commit_removal(workspace(1), user(1));
    world.commit(workspace(1), 5);
    other.receives(workspace(1), 0, 11).await;
    removed.receives(workspace(1), 0, 5).await;
    assert_eq!(removed.poll(), Poll::Ready(Ok(Delivered::All)));
    assert_eq!(removed.got(workspace(1)).len(), 5);
    assert!(!removed.subscriptions.has(workspace(1)));
}

#[tokio::test]
async fn a_removal_that_arrives_first_still_lets_the_entries_before_it_through() {
    let world = World::new();
    let mut removed = world.socket(user(1));
    removed.join(workspace(1), Start::Now).await;
    let before = world.append(workspace(1));
    let removal = world.append_removal(workspace(1), user(1));
    let after = world.append(workspace(1));
    world.hub.publish(vec![after, removal]);
    world.hub.publish(vec![before]);
    removed.receives(workspace(1), 0, 1).await;
    assert_eq!(removed.poll(), Poll::Ready(Ok(Delivered::All)));
    assert_eq!(removed.got(workspace(1)), [1]);
}

#[tokio::test]
async fn a_removal_that_did_not_arrive_is_found_in_the_log() {
    let world = World::new();
    let (mut removed, mut other) = (world.socket(user(1)), world.socket(user(2)));
    removed.join(workspace(1), Start::Now).await;
    other.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 2);
    drop(world.append_removal(workspace(1), user(1)));
    world.commit(workspace(1), 3);
    other.receives(workspace(1), 0, 6).await;
    removed.receives(workspace(1), 0, 2).await;
    assert_eq!(removed.poll(), Poll::Ready(Ok(Delivered::All)));
    assert_eq!(removed.got(workspace(1)), [1, 2]);
    assert!(!removed.subscriptions.has(workspace(1)));
}

#[tokio::test]
async fn a_removal_also_stops_a_slow_reader_that_reads_the_log() {
    let world = World::with(RingLimits {
        bytes_per_topic: 2_000,
        budget: 1 << 20,
    });
    let mut removed = world.socket(user(1));
    removed.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 100);
    world.commit_removal(workspace(1), user(1));
    world.commit(workspace(1), 100);
    removed.receives(workspace(1), 0, 100).await;
    assert_eq!(removed.poll(), Poll::Ready(Ok(Delivered::All)));
    assert_eq!(removed.got(workspace(1)).len(), 100);
}

#[tokio::test]
async fn a_user_who_is_added_again_reads_past_the_removal() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    let mut keeps_the_topic = world.socket(user(2));
    keeps_the_topic.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 5);
    world.commit_removal(workspace(1), user(1));
    world.commit(workspace(1), 3);
    socket.receives(workspace(1), 0, 5).await;
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    assert!(!socket.subscriptions.has(workspace(1)));
    assert!(socket.join(workspace(1), Start::After(5)).await.resumed);
    socket.receives(workspace(1), 0, 9).await;
    world.commit(workspace(1), 1);
    socket.receives(workspace(1), 0, 10).await;
    world.commit_removal(workspace(1), user(1)); // removed a second time
    world.commit(workspace(1), 1);
    keeps_the_topic.receives(workspace(1), 0, 12).await;
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    assert_eq!(socket.got(workspace(1)).len(), 10);
    assert!(!socket.subscriptions.has(workspace(1)));
}

#[tokio::test]
async fn a_removal_ends_a_paused_cursor_unless_a_newer_snapshot_moves_it() {
    let world = World::new();
    let (mut a, mut b) = (world.socket(user(1)), world.socket(user(1)));
    for socket in [&mut a, &mut b] {
        socket.join(workspace(1), Start::Now).await;
        socket.subscriptions.pause(workspace(1));
    }
    world.commit_removal(workspace(1), user(1));
    world.commit(workspace(1), 2);
    a.subscriptions.go_on(workspace(1), Some(0));
    b.subscriptions.go_on(workspace(1), Some(2)); // this user is a member again
    b.receives(workspace(1), 2, 1).await;
    assert_eq!(a.poll(), Poll::Ready(Ok(Delivered::All)));
    assert!(a.got(workspace(1)).is_empty());
}

#[tokio::test]
async fn the_removal_of_a_watcher_is_kept_among_many_others() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    for n in 0..1_000 {
        world.commit_removal(workspace(1), user(1_000 + n));
    }
    world.commit_removal(workspace(1), user(1));
    world.commit(workspace(1), 1);
    socket.receives(workspace(1), 0, 1_000).await;
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    assert_eq!(socket.got(workspace(1)).len(), 1_000);
}
