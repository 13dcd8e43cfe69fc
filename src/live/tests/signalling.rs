//! Signals: only for readers that are at the head now, never stored, and shed first.

use super::*;
use crate::live::{Bus, Note, chatter};
use std::sync::Weak;
use taskwire_protocol::StreamId;

/// A bus that passes everything to another hub of this process.
#[derive(Default)]
struct Wire(Arc<Mutex<Weak<Hub>>>);

impl Wire {
    fn other(&self) -> Option<Arc<Hub>> {
        lock(&self.0).upgrade()
    }
}

impl Bus for Wire {
    fn carry(&self, group: &[Published]) {
        self.other().inspect(|hub| hub.receive(group.to_vec()));
    }
    fn signal(&self, stream: StreamId, frame: &Frame) {
        self.other()
            .inspect(|hub| hub.receive_signal(stream, frame.clone()));
    }
    fn tell(&self, note: &Note) {
        self.other().inspect(|hub| hub.hear(note.clone()));
    }
    fn join(&self, _: StreamId) {}
    fn leave(&self, _: StreamId) {}
}

/// Two instances on one log.
fn two_worlds() -> (World, World) {
    let log = Arc::new(MemoryLog::default());
    let (to_b, to_a) = (Wire::default(), Wire::default());
    let ends = (to_b.0.clone(), to_a.0.clone());
    let world = |bus| {
        let hub = Hub::with_bus(log.clone(), RingLimits::default(), Box::new(bus));
        tokio::spawn(hub.clone().fan_out());
        World {
            log: log.clone(),
            hub,
        }
    };
    let (a, b) = (world(to_b), world(to_a));
    *lock(&ends.0) = Arc::downgrade(&b.hub);
    *lock(&ends.1) = Arc::downgrade(&a.hub);
    (a, b)
}

/// A test's signal, recognized by its number.
fn signal(stream: StreamId, n: u64) -> Frame {
    format!(r#"{{"type":"signal","signal":"typing","data":{{"stream":"{stream}","seq":{n},"x":0}}}}"#).into()
}

const FAR: u64 = 1_000;

fn signals(got: &Mutex<Vec<(String, u64)>>, stream: StreamId) -> Vec<u64> {
    seqs(got, stream).into_iter().filter(|n| *n >= FAR).collect()
}

#[tokio::test]
async fn a_signal_reaches_the_watchers_of_its_stream_on_every_instance_once() {
    let (a, b) = two_worlds();
    let mut sockets = Vec::new();
    for (world, of) in [(&a, 1), (&a, 2), (&b, 3)] {
        let mut socket = world.socket(user(of));
        socket.join(workspace(1), Start::Now).await;
        sockets.push(socket.run());
    }
    let mut elsewhere = a.socket(user(4));
    elsewhere.join(workspace(2), Start::Now).await;
    a.hub.signal(workspace(1), &signal(workspace(1), FAR));
    b.hub.signal(workspace(1), &signal(workspace(1), FAR + 1));
    for socket in &sockets {
        wait_until("both signals arrived", || {
            signals(&socket.got, workspace(1)).len() == 2
        })
        .await;
        a.commit(workspace(1), 1);
    }
    for socket in &sockets {
        wait_until("the events arrived", || {
            seqs(&socket.got, workspace(1)).contains(&3)
        })
        .await;
        assert_eq!(signals(&socket.got, workspace(1)).len(), 2);
    }
    assert_eq!(elsewhere.poll(), Poll::Ready(Ok(Delivered::All)));
    assert!(lock(&elsewhere.peer.got).is_empty());
}

#[tokio::test]
async fn a_socket_gets_no_signals_from_before_its_join() {
    let world = World::new();
    let mut early = world.socket(user(1));
    early.join(workspace(1), Start::Now).await;
    world.hub.signal(workspace(1), &signal(workspace(1), FAR));
    let mut late = world.socket(user(2));
    late.join(workspace(1), Start::Now).await;
    for socket in [&mut early, &mut late] {
        assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    }
    assert_eq!(early.got(workspace(1)), [FAR]);
    assert!(late.got(workspace(1)).is_empty());
}

#[tokio::test]
async fn a_socket_that_is_behind_gets_the_events_and_no_signals() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    socket.peer.room.store(0, Ordering::SeqCst);
    for n in 0..10 {
        world.commit(workspace(1), 10);
        world.hub.signal(workspace(1), &signal(workspace(1), FAR + n));
        assert_eq!(socket.poll(), Poll::Pending);
    }
    socket.peer.room.store(1_000, Ordering::SeqCst);
    socket.receives(workspace(1), 0, 100).await;
    world.hub.signal(workspace(1), &signal(workspace(1), FAR + 99));
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    assert_eq!(signals(&socket.peer.got, workspace(1)), [FAR + 99]);
}

#[tokio::test]
async fn of_many_signals_the_newest_few_are_kept_for_a_second() {
    let world = World::new();
    let (mut prompt, mut late) = (world.socket(user(1)), world.socket(user(2)));
    prompt.join(workspace(1), Start::Now).await;
    late.join(workspace(1), Start::Now).await;
    for n in 0..1_000 {
        world.hub.signal(workspace(1), &signal(workspace(1), FAR + n));
    }
    assert_eq!(prompt.poll(), Poll::Ready(Ok(Delivered::All)));
    let kept = chatter::KEPT as u64;
    let newest: Vec<u64> = (FAR + 1_000 - kept..FAR + 1_000).collect();
    assert_eq!(prompt.got(workspace(1)), newest);
    wait_until("all signals are stale", || lock(&world.hub.late).is_empty()).await;
    assert_eq!(late.poll(), Poll::Ready(Ok(Delivered::All)));
    assert!(late.got(workspace(1)).is_empty());
    wait_until("no topic has a deadline", || lock(&world.hub.late).is_empty()).await;
}

#[tokio::test]
async fn a_removed_member_gets_no_signal_even_before_the_head_reaches_the_removal() {
    let world = World::new();
    let (mut removed, mut other) = (world.socket(user(1)), world.socket(user(2)));
    removed.join(workspace(1), Start::Now).await;
    other.join(workspace(1), Start::Now).await;
    drop(world.append(workspace(1))); // does not arrive: the removal is known, but the head has not reached it
    world.commit_removal(workspace(1), user(1));
    world.hub.signal(workspace(1), &signal(workspace(1), FAR));
    for socket in [&mut removed, &mut other] {
        assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    }
    assert!(removed.got(workspace(1)).is_empty());
    assert_eq!(other.got(workspace(1)), [FAR]);
}

#[tokio::test]
async fn a_paused_or_only_watched_stream_delivers_no_signals() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    let own = StreamId::User(user(1));
    socket.join(workspace(1), Start::Now).await;
    let joined = socket.subscriptions.join(own, Start::Now, Mode::Watch).await;
    assert!(joined.is_ok());
    socket.subscriptions.pause(workspace(1));
    for stream in [workspace(1), own] {
        world.hub.signal(stream, &signal(stream, FAR));
    }
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    socket.subscriptions.go_on(workspace(1), None);
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    assert!(lock(&socket.peer.got).is_empty());
    world.hub.signal(workspace(1), &signal(workspace(1), FAR + 1));
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    assert_eq!(socket.got(workspace(1)), [FAR + 1]);
}

#[tokio::test]
async fn a_frame_too_large_for_a_signal_is_dropped() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    world
        .hub
        .receive_signal(workspace(1), "x".repeat(chatter::FRAME + 1).into());
    assert_eq!(socket.poll(), Poll::Ready(Ok(Delivered::All)));
    assert!(lock(&socket.peer.got).is_empty());
}
