//! Control: the events in a user's own stream that the server acts on.

use super::*;
use crate::live::Control;
use taskwire_protocol::SessionId;

fn own(n: u128) -> StreamId {
    StreamId::User(user(n))
}

fn workspace_id(stream: StreamId) -> WorkspaceId {
    WorkspaceId(stream.uuid())
}

impl World {
    fn commit_event(&self, stream: StreamId, event: &str, data: &str) {
        let entry = self.log.append(stream, event, data);
        self.hub.publish(vec![entry]);
    }

    fn commit_lost(&self, of: StreamId, stream: StreamId) {
        let data = format!(r#"{{"workspace_id":"{}","reason":"removed"}}"#, stream.uuid());
        self.commit_event(of, "access.lost", &data);
    }

    fn commit_revoked(&self, of: StreamId, session: u128) {
        self.commit_event(
            of,
            "session.revoked",
            &format!(r#"{{"id":"{}"}}"#, Uuid::from_u128(session)),
        );
    }
}

fn revoked(session: u128) -> Delivered {
    Delivered::Control(Control::SessionRevoked {
        session: SessionId(Uuid::from_u128(session)),
    })
}

#[tokio::test]
async fn only_events_after_the_join_are_acted_on() {
    let world = World::new();
    world.commit_revoked(own(1), 1);
    let mut socket = world.socket(user(1));
    socket.join(own(1), Start::After(0)).await;
    world.commit_revoked(own(1), 2);
    assert_eq!(socket.deliver().await, Ok(revoked(2)));
    assert_eq!(socket.got(own(1)), [1, 2], "the frame was fed");
}

#[tokio::test]
async fn a_lost_workspace_is_silent_after_the_frame_that_announces_it() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(own(1), Start::Now).await;
    socket.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 1);
    socket.receives(workspace(1), 0, 1).await;
    world.commit_lost(own(1), workspace(1));
    world.commit(workspace(1), 5);
    let lost = Delivered::Control(Control::Lost {
        workspace: workspace_id(workspace(1)),
    });
    assert_eq!(socket.deliver().await, Ok(lost));
    assert!(!socket.subscriptions.has(workspace(1)));
    let order = lock(&socket.peer.got).clone();
    assert_eq!(
        order.last(),
        Some(&(own(1).to_string(), 1)),
        "no frame of the workspace may follow"
    );
}

#[tokio::test]
async fn a_granted_workspace_can_be_joined_as_soon_as_it_is_announced() {
    let world = World::new();
    let (mut socket, mut other) = (world.socket(user(1)), world.socket(user(2)));
    socket.join(own(1), Start::Now).await;
    other.join(workspace(1), Start::Now).await;
    let data = format!(
        r#"{{"workspace":{{"id":"{}"}},"role":"member","seq":1}}"#,
        workspace(1).uuid()
    );
    let granted = world.log.append(own(1), "access.granted", &data);
    let added = world.append(workspace(1));
    world.hub.publish(vec![granted, added]);
    let told = Delivered::Control(Control::Granted {
        workspace: workspace_id(workspace(1)),
        seq: 1,
    });
    assert_eq!(socket.deliver().await, Ok(told));
    assert!(socket.join(workspace(1), Start::After(1)).await.resumed);
    world.commit(workspace(1), 1);
    socket.receives(workspace(1), 1, 1).await;
}

#[tokio::test]
async fn a_stream_that_is_only_watched_gives_control_but_no_frames() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket
        .subscriptions
        .join(own(1), Start::Now, Mode::Watch)
        .await
        .expect("joined");
    world.commit(own(1), 3);
    world.commit_event(own(1), "profile.updated", "{}");
    assert_eq!(
        socket.deliver().await,
        Ok(Delivered::Control(Control::AccountChanged))
    );
    assert!(socket.got(own(1)).is_empty());
    // the reader follows the stream later, from an earlier position: no event is acted on twice
    socket.join(own(1), Start::After(2)).await;
    socket.receives(own(1), 2, 2).await;
}

#[tokio::test]
async fn neither_a_pause_nor_a_jump_hides_control() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(own(1), Start::Now).await;
    socket.subscriptions.pause(own(1));
    world.commit_revoked(own(1), 1);
    assert_eq!(socket.deliver().await, Ok(revoked(1)));
    assert!(socket.got(own(1)).is_empty());
    world.commit_revoked(own(1), 2);
    assert_eq!(socket.join(own(1), Start::Now).await.seq, 2); // jumps over it
    assert_eq!(socket.deliver().await, Ok(revoked(2)));
    world.commit(own(1), 1);
    socket.receives(own(1), 2, 1).await;
}

#[tokio::test]
async fn a_peer_without_room_does_not_delay_a_revocation() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(own(1), Start::Now).await;
    socket.peer.room.store(0, Ordering::SeqCst);
    world.commit(own(1), 40);
    world.commit_revoked(own(1), 1);
    assert_eq!(socket.deliver().await, Ok(revoked(1)));
    assert_eq!(socket.poll(), Poll::Pending, "once is enough for now");
    socket.peer.room.store(1_000, Ordering::SeqCst);
    assert_eq!(socket.deliver().await, Ok(revoked(1)), "again, in stream order");
    assert_eq!(socket.got(own(1)).len(), 41);
}

#[tokio::test]
async fn a_peer_without_room_does_not_delay_control_that_only_the_log_has() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(own(1), Start::Now).await;
    world.commit(own(1), 1);
    socket.receives(own(1), 0, 1).await;
    socket.peer.room.store(0, Ordering::SeqCst);
    for session in [2, 3] {
        // committed by another instance, whose message does not arrive
        let entry = world.log.append(
            own(1),
            "session.revoked",
            &format!(r#"{{"id":"{}"}}"#, Uuid::from_u128(session)),
        );
        world.hub.hear_of(own(1), entry.seq);
        let told = Ok(Delivered::Control(Control::AccountChanged));
        assert_eq!(socket.deliver().await, told);
        assert_eq!(
            socket.subscriptions.told(),
            entry.seq,
            "the account must be read at this position or a later one"
        );
        assert_eq!(socket.poll(), Poll::Pending, "once is enough for now");
    }
    socket.peer.room.store(1_000, Ordering::SeqCst);
    assert_eq!(socket.deliver().await, Ok(revoked(2)), "in stream order");
    assert_eq!(socket.deliver().await, Ok(revoked(3)));
}

#[tokio::test]
async fn control_is_found_in_pages_of_the_log_too() {
    let world = World::with(RingLimits {
        bytes_per_topic: 0,
        budget: 1 << 20,
    });
    let mut socket = world.socket(user(1));
    socket.join(own(1), Start::Now).await;
    world.commit(own(1), 100);
    world.commit_revoked(own(1), 1);
    world.commit(own(1), 1);
    assert_eq!(socket.deliver().await, Ok(revoked(1)));
    socket.receives(own(1), 0, 102).await;
}
