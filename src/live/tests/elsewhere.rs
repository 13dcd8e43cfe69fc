//! Commits of other instances: their messages are lost, repeated and reordered, and comparing heads finds the rest.

use super::super::{Bus, BusHealth, Note, heads::Plan, log::LogRange};
use super::*;
use tokio::time::Instant;

/// A bus whose health the test sets.
#[derive(Clone)]
struct TestBus {
    up: Arc<AtomicBool>,
    all: Arc<AtomicBool>,
}

impl Bus for TestBus {
    fn carry(&self, _: &[Published]) {}
    fn signal(&self, _: StreamId, _: &Frame) {}
    fn tell(&self, _: &Note) {}
    fn join(&self, _: StreamId) {}
    fn leave(&self, _: StreamId) {}
    fn health(&self) -> BusHealth {
        if self.up.load(Ordering::SeqCst) {
            BusHealth::Up(Duration::ZERO)
        } else {
            BusHealth::Down
        }
    }
    fn hears_all(&self) -> bool {
        self.all.load(Ordering::SeqCst)
    }
}

fn world_with_a_bus() -> (World, TestBus) {
    let open = || Arc::new(AtomicBool::new(true));
    let (log, bus) = (
        Arc::new(MemoryLog::default()),
        TestBus {
            up: open(),
            all: open(),
        },
    );
    let hub = Hub::with_bus(log.clone(), RingLimits::default(), Box::new(bus.clone()));
    tokio::spawn(hub.clone().fan_out());
    (World { log, hub }, bus)
}

/// Drops some entries, repeats some, and shuffles them.
fn scrambled(entries: &[Published]) -> Vec<Published> {
    let mut scrambled = Vec::new();
    for entry in entries {
        let copies = match rand::random_range(0..10) {
            0..3 => 0,
            3 => 2,
            _ => 1,
        };
        scrambled.extend(std::iter::repeat_n(entry.clone(), copies));
    }
    for at in 0..scrambled.len() {
        let other = (at + rand::random_range(0..8)).min(scrambled.len() - 1);
        scrambled.swap(at, other);
    }
    scrambled
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn despite_scrambled_messages_a_member_gets_all_and_a_removed_user_nothing_later() {
    for round in 0..40 {
        let world = World::new();
        let (mut removed, mut member) = (world.socket(user(1)), world.socket(user(2)));
        removed.join(workspace(1), Start::Now).await;
        member.join(workspace(1), Start::Now).await;
        let before = rand::random_range(0..30);
        let mut entries: Vec<Published> = (0..before).map(|_| world.append(workspace(1))).collect();
        entries.push(world.append_removal(workspace(1), user(1)));
        entries.extend((0..20).map(|_| world.append(workspace(1))));
        for entry in scrambled(&entries) {
            world.hub.receive(vec![entry]);
            let _ = (removed.poll(), member.poll());
        }
        let head = entries.len() as u64;
        world.hub.hear_of(workspace(1), head);
        member.receives(workspace(1), 0, head).await;
        removed.receives(workspace(1), 0, before).await;
        assert_eq!(removed.poll(), Poll::Ready(Ok(Delivered::All)), "round {round}");
        assert_eq!(removed.got(workspace(1)).len() as u64, before, "round {round}");
    }
}

#[tokio::test]
async fn a_frame_that_is_only_in_the_log_is_read_at_once() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    let (one, large, three) = (
        world.append(workspace(1)),
        world.append(workspace(1)),
        world.append(workspace(1)),
    );
    world.hub.receive(vec![one]);
    world.hub.receive_place(workspace(1), large.seq);
    let topic = world.hub.topic(workspace(1)).expect("a topic");
    assert_eq!(topic.head(), Some(2), "the topic does not wait for its frame");
    world.hub.receive(vec![three]);
    socket.receives(workspace(1), 0, 3).await;
}

#[tokio::test]
async fn the_position_of_a_large_frame_waits_for_earlier_frames() {
    let world = World::new();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    let (one, two) = (world.append(workspace(1)), world.append(workspace(1)));
    world.hub.receive_place(workspace(1), two.seq);
    let topic = world.hub.topic(workspace(1)).expect("a topic");
    assert_eq!(topic.head(), Some(0));
    world.hub.receive(vec![one]);
    socket.receives(workspace(1), 0, 2).await;
}

#[tokio::test]
async fn a_comparison_before_the_first_read_of_a_head_is_remembered() {
    let world = World::new();
    let socket = world.socket(user(1));
    // order: the read of the head begins, two entries are committed, the subscription is confirmed, heads are compared
    let watch = world.hub.watch(workspace(1), socket.subscriptions.wakeup(), 0);
    world.hub.hear_of(workspace(1), 2);
    assert_eq!(
        watch.topic.head(),
        None,
        "a comparison alone does not say where readers start"
    );
    let read = LogRange { tail: 0, head: 0 };
    watch.topic.observe(read);
    assert_eq!(watch.topic.head(), Some(2));
}

/// The removal was committed before the user was added again, but it arrives here later.
#[tokio::test]
async fn a_removal_older_than_the_users_access_does_not_end_it() {
    let world = World::new();
    let removal = world.append_removal(workspace(1), user(1));
    let added = world.append(workspace(1));
    world
        .log
        .change(workspace(1), |entries| entries.frames.truncate(0));
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    world.log.change(workspace(1), |entries| {
        let frames = [&removal, &added].map(|entry| Some(entry.frame.clone()));
        entries.frames.extend(frames);
    });
    socket.subscriptions.let_in(workspace(1), added.seq);
    world.hub.receive(vec![removal, added]);
    world.commit(workspace(1), 1);
    socket.receives(workspace(1), 0, 3).await;
    assert!(socket.subscriptions.has(workspace(1)));
}

/// The engine's answer about access came from a cache that was older than the removal.
#[tokio::test]
async fn a_removal_newer_than_the_answer_about_access_ends_it_even_if_the_join_was_later() {
    let world = World::new();
    let mut other = world.socket(user(2));
    other.join(workspace(1), Start::Now).await;
    world.commit(workspace(1), 1);
    world.commit_removal(workspace(1), user(1));
    let mut socket = world.socket(user(1));
    assert_eq!(socket.join(workspace(1), Start::After(0)).await.seq, 2);
    socket.subscriptions.let_in(workspace(1), 1);
    world.commit(workspace(1), 1);
    other.receives(workspace(1), 0, 3).await;
    for _ in 0..4 {
        let _ = socket.poll();
    }
    assert_eq!(socket.got(workspace(1)), [1]);
}

/// A cached account may be used only if the ring holds every entry since then, and none of them concerns accounts.
#[tokio::test]
async fn only_known_notifications_leave_accounts_alone() {
    let world = World::new();
    let own = StreamId::User(user(1));
    let leaves = |after, to| world.hub.leaves_accounts_alone(own, after, to);
    let commit = |event: &str| world.log.append(own, event, "{}");
    commit("notification.created");
    assert!(!leaves(0, 1), "no reader watches the stream here");
    let mut socket = world.socket(user(1));
    socket.join(own, Start::Now).await;
    assert!(!leaves(0, 1), "the entry is older than the ring");
    for event in ["notification.created", "notification.all_read"] {
        world.hub.receive(vec![commit(event)]);
    }
    assert!(leaves(1, 3) && leaves(2, 3) && leaves(1, 2));
    assert!(!leaves(0, 3), "the first one is not in the ring");
    assert!(!leaves(1, 4), "the last one has not arrived");
    for event in [
        "access.lost",
        "session.revoked",
        "profile.updated",
        "of.a.newer.server",
    ] {
        let entry = commit(event);
        let seq = entry.seq;
        world.hub.receive(vec![entry]);
        assert!(!leaves(1, seq), "{event}");
        assert!(!leaves(seq - 1, seq), "{event}");
    }
    let not_received = commit("access.lost");
    world.hub.hear_of(own, not_received.seq);
    let watch = world.hub.watch(own, socket.subscriptions.wakeup(), 9);
    wait_until("readers are sent to the log", || {
        watch.topic.head() == Some(not_received.seq)
    })
    .await;
    assert!(!leaves(not_received.seq - 1, not_received.seq), "only in the log");
    let later = commit("notification.created");
    let seq = later.seq;
    world.hub.receive(vec![later]);
    assert!(leaves(seq - 1, seq));
    assert!(!leaves(seq - 2, seq));
}

#[tokio::test]
async fn joins_at_positions_unknown_here_share_reads_of_the_log() {
    let world = World::new();
    let mut first = world.socket(user(1));
    first.join(workspace(1), Start::Now).await;
    drop(world.append(workspace(1))); // committed elsewhere; the frame does not arrive here
    let before = world.log.ranges.load(Ordering::SeqCst);
    let mut others: Vec<Socket> = (0..50).map(|_| world.socket(user(1))).collect();
    let joins = others
        .iter_mut()
        .map(|socket| socket.join(workspace(1), Start::After(1)));
    for joined in futures_util::future::join_all(joins).await {
        assert!(joined.resumed, "{joined:?}");
    }
    let reads = world.log.ranges.load(Ordering::SeqCst) - before;
    assert!(reads <= 3, "{reads} reads of the log for one position");
}

#[tokio::test]
async fn streams_in_use_are_compared_often_the_others_in_turn_and_all_while_the_bus_is_down() {
    let (world, bus) = world_with_a_bus();
    let mut socket = world.socket(user(1));
    for n in 0..60 {
        socket.join(workspace(n), Start::Now).await;
    }
    let (mut plan, start) = (Plan::default(), Instant::now());
    let at = |ms: u64| start + Duration::from_millis(ms);
    assert_eq!(
        plan.due(&world.hub, at(0)).len(),
        60,
        "new streams count as in use"
    );
    assert_eq!(plan.due(&world.hub, at(1_900)).len(), 0);
    assert_eq!(plan.due(&world.hub, at(2_000)).len(), 60);
    let cold = 70_000;
    plan.due(&world.hub, at(cold));
    world.commit(workspace(7), 1);
    let mut times: HashMap<StreamId, usize> = HashMap::new();
    for round in 1..=15 {
        for stream in plan.due(&world.hub, at(cold + round * 2_000)) {
            *times.entry(stream).or_default() += 1;
        }
    }
    assert_eq!(times.len(), 60, "each within thirty seconds");
    for (stream, times) in times {
        let expected = if stream == workspace(7) { 15 } else { 1 };
        assert_eq!(times, expected, "{stream}");
    }
    // the bus is down, or one instance is silent
    let mut lost = cold + 30_100;
    for silence in [bus.up, bus.all] {
        silence.store(false, Ordering::SeqCst);
        assert_eq!(plan.due(&world.hub, at(lost)).len(), 60, "at once");
        assert_eq!(plan.due(&world.hub, at(lost + 1_900)).len(), 0);
        assert_eq!(plan.due(&world.hub, at(lost + 2_000)).len(), 60);
        silence.store(true, Ordering::SeqCst);
        assert_eq!(plan.due(&world.hub, at(lost + 3_000)).len(), 0);
        assert!(plan.due(&world.hub, at(lost + 4_000)).len() < 60);
        lost += 4_100;
    }
}

#[tokio::test]
async fn heads_are_compared_again_when_the_log_did_not_answer() {
    let (world, _) = world_with_a_bus();
    let mut socket = world.socket(user(1));
    socket.join(workspace(1), Start::Now).await;
    drop(world.append(workspace(1)));
    world.log.fails.store(true, Ordering::SeqCst);
    tokio::spawn(world.hub.clone().keep_comparing());
    world.hub.compare_soon(vec![workspace(1)]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.log.fails.store(false, Ordering::SeqCst);
    socket.receives(workspace(1), 0, 1).await;
}

#[tokio::test]
async fn streams_of_users_are_compared_more_often_while_the_bus_is_down() {
    let (world, bus) = world_with_a_bus();
    let (mut socket, own) = (world.socket(user(1)), StreamId::User(user(1)));
    socket.join(own, Start::Now).await;
    socket.join(workspace(1), Start::Now).await;
    let (mut plan, start) = (Plan::default(), Instant::now());
    let at = |ms: u64| start + Duration::from_millis(ms);
    assert_eq!(plan.due(&world.hub, at(0)).len(), 2);
    assert_eq!(plan.due(&world.hub, at(600)).len(), 0, "while it works, not");
    bus.up.store(false, Ordering::SeqCst);
    assert_eq!(plan.due(&world.hub, at(800)).len(), 2, "at once");
    for (ms, expected) in [
        (1_300, vec![]),
        (1_400, vec![own]),
        (1_900, vec![]),
        (2_000, vec![own]),
    ] {
        assert_eq!(plan.due(&world.hub, at(ms)), expected, "after {ms} ms");
    }
    assert_eq!(plan.due(&world.hub, at(2_800)).len(), 2);
}
