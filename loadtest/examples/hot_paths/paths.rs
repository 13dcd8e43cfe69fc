//! The hot paths. Each is a fixed piece of work without sockets, clocks or threads. Its preparation is not counted, and
//! the counted work is the same in every run. Knows nothing of counting.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use taskwire::clock::Clock;
use taskwire::engine::frame;
use taskwire::ids::Ids;
use taskwire::live::{
    Delivered, Frame, Hub, Log, LogRange, Mode, Outlet, Published, Reading, RingLimits, Start, Subscriptions,
};
use taskwire::ops::bounds::Bounds;
use taskwire::ops::world::{Members, World};
use taskwire::ops::{Act, Caller, Decide, Mutation};
use taskwire::store::streams::Counters;
use taskwire_protocol::account::{GlobalRole, PublicUser};
use taskwire_protocol::frames::RequestFrame;
use taskwire_protocol::member::{Member, Role};
use taskwire_protocol::stage::Stages;
use taskwire_protocol::task::CreateTask;
use taskwire_protocol::{OpId, Request, SessionId, StreamId, Timestamp, UserId, WorkspaceId};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Mutations in a group.
const GROUP: usize = 32;
/// Sockets that watch, groups that are published, and events of a group.
const SOCKETS: usize = 64;
const GROUPS: usize = 16;
const EVENTS: usize = 8;
const NOW: Timestamp = Timestamp(1_767_225_600_000);
const WORKSPACE: WorkspaceId = WorkspaceId(Uuid::from_u128(7));
const USER: UserId = UserId(Uuid::from_u128(9));

/// A path that is ready to run, more than once.
pub(crate) struct Path {
    pub(crate) name: &'static str,
    /// A description of one run.
    pub(crate) work: String,
    run: Box<dyn FnMut()>,
}

/// Runs a path. Callgrind's output has a line for each `counted_…` function, which separates the paths from other code.
#[inline(never)]
pub(crate) fn counted(path: &mut Path) {
    match path.name {
        "decode" => counted_decode(path),
        "decide" => counted_decide(path),
        "encode" => counted_encode(path),
        _ => counted_deliver(path),
    }
}

#[inline(never)]
fn counted_decode(path: &mut Path) {
    (path.run)();
}

#[inline(never)]
fn counted_decide(path: &mut Path) {
    (path.run)();
    std::hint::black_box(path);
}

#[inline(never)]
fn counted_encode(path: &mut Path) {
    std::hint::black_box(&path);
    (path.run)();
}

#[inline(never)]
fn counted_deliver(path: &mut Path) {
    std::hint::black_box(path.name);
    (path.run)();
    std::hint::black_box(path);
}

/// All paths. Each has run once, so that what is made at the first use is not counted.
pub(crate) fn all() -> Vec<Path> {
    let mut paths = vec![decode(), decide(), encode(), deliver()];
    for path in &mut paths {
        (path.run)();
    }
    paths
}

fn request(n: usize) -> String {
    format!(
        r#"{{"type":"task.create","id":{n},"op_id":"0199f000-0000-7000-8000-{n:012}","data":{{"workspace_id":"{WORKSPACE}","title":"Task {n} of a load test, as long as titles are","priority":"medium"}}}}"#
    )
}

fn parameters(text: &str) -> CreateTask {
    let frame = RequestFrame::parse(text).expect("a request");
    match Request::read(&frame.r#type, frame.data) {
        Ok(Request::CreateTask(create)) => Mutation::check(*create).expect("valid parameters"),
        _ => panic!("not a task.create"),
    }
}

/// Reads frames into checked parameters.
fn decode() -> Path {
    let texts: Vec<String> = (0..GROUP).map(request).collect();
    Path {
        name: "decode",
        work: format!("{GROUP} requests read, their parameters checked"),
        run: Box::new(move || {
            for text in &texts {
                std::hint::black_box(parameters(text));
            }
        }),
    }
}

fn caller() -> Caller {
    let user = PublicUser {
        id: USER,
        username: "ada".into(),
        name: "Ada Lovelace".into(),
        photo_url: None,
    };
    Caller::new(user, SessionId(Uuid::from_u128(11)), GlobalRole::User, WORKSPACE)
}

/// A world in which the caller is the only member.
fn world(caller: &Caller) -> World {
    let mut world = World::default();
    let member = Member {
        user: caller.user.clone(),
        role: Role::Owner,
        joined_at: NOW,
        version: 1,
    };
    world.loaded_members(WORKSPACE, Arc::new(Members::new(1, Stages::default(), [member])));
    for stream in [StreamId::from(WORKSPACE), StreamId::User(USER)] {
        world.loaded_counters(stream, Counters::default());
    }
    world
}

fn decided(caller: &Caller, ids: &Ids, group: &[CreateTask]) -> World {
    let mut world = world(caller);
    for (n, create) in (0..).zip(group) {
        let act = Act {
            caller,
            now: NOW,
            bounds: &Bounds::default(),
            ids,
            op_id: Some(OpId(Uuid::from_u128(n))),
            place: Some((WORKSPACE, Role::Owner)),
        };
        let answer = Decide::decide(create, &act, &mut world).expect("a decision");
        std::hint::black_box(answer);
    }
    world
}

/// Decides a group in memory: rules, log entries, notifications, answers.
fn decide() -> Path {
    let (caller, ids) = (caller(), Ids::new(Clock::fixed(NOW.0)));
    let group: Vec<CreateTask> = (0..GROUP).map(|n| parameters(&request(n))).collect();
    Path {
        name: "decide",
        work: format!("a group of {GROUP} task.create decided, their answers encoded"),
        run: Box::new(move || {
            std::hint::black_box(decided(&caller, &ids, &group));
        }),
    }
}

/// Encodes the log entries of a group as event frames.
fn encode() -> Path {
    let (caller, ids) = (caller(), Ids::new(Clock::fixed(NOW.0)));
    let group: Vec<CreateTask> = (0..GROUP).map(|n| parameters(&request(n))).collect();
    let world = decided(&caller, &ids, &group);
    Path {
        name: "encode",
        work: format!(
            "the {} log entries of that group as event frames",
            world.entries(0).len()
        ),
        run: Box::new(move || {
            for (seq, entry) in (1..).zip(world.entries(0)) {
                std::hint::black_box(frame::event(entry, seq, NOW, seq));
            }
        }),
    }
}

/// An empty log: all frames come from the rings.
struct Empty;

impl Log for Empty {
    fn range(&self, _: StreamId) -> Reading<'_, LogRange> {
        Box::pin(async { Ok(LogRange::default()) })
    }

    fn page(&self, _: StreamId, _: u64, _: usize) -> Reading<'_, Vec<(u64, Frame)>> {
        Box::pin(async { panic!("a frame fell out of the ring; reading the log is not part of this path") })
    }

    fn heads(&self, streams: Vec<StreamId>) -> Reading<'_, Vec<(StreamId, u64)>> {
        Box::pin(async move { Ok(streams.into_iter().map(|stream| (stream, 0)).collect()) })
    }
}

/// Accepts all frames, like a write buffer with room.
#[derive(Default)]
struct Sink {
    frames: usize,
    bytes: usize,
}

impl Outlet for Sink {
    type Error = Infallible;

    fn poll_room(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn event(&mut self, frame: Frame, _: StreamId, _: u64) -> Result<(), Infallible> {
        self.frames += 1;
        self.bytes += frame.len();
        Ok(())
    }

    fn signal(&mut self, _: Frame) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Sockets that watch one stream.
struct Watchers {
    hub: Arc<Hub>,
    sockets: Vec<(Subscriptions, Sink)>,
    /// Groups that are not published yet, the next one last.
    groups: Vec<Vec<Published>>,
}

/// The groups for all runs, made before anything is counted.
fn groups(stream: StreamId) -> Vec<Vec<Published>> {
    const RUNS: usize = 4;
    let filling = "x".repeat(250);
    let entry = |seq: usize| {
        let text = format!(
            r#"{{"type":"event","stream":"{stream}","seq":{seq},"event":"task.created","data":"{filling}"}}"#
        );
        Published {
            stream,
            seq: seq as u64,
            frame: text.into(),
            removed: None,
        }
    };
    let group = |n: usize| (n * EVENTS + 1..=(n + 1) * EVENTS).map(entry).collect();
    (0..RUNS * GROUPS).rev().map(group).collect()
}

impl Watchers {
    async fn new() -> Watchers {
        let hub = Hub::new(Arc::new(Empty), RingLimits::default());
        tokio::spawn(hub.clone().fan_out());
        let stream = StreamId::from(WORKSPACE);
        let mut sockets = Vec::new();
        for n in 0..SOCKETS {
            let mut socket = Subscriptions::new(hub.clone(), UserId(Uuid::from_u128(100 + n as u128)));
            let joined = socket.join(stream, Start::Now, Mode::Deliver).await;
            joined.expect("the log answers");
            sockets.push((socket, Sink::default()));
        }
        Watchers {
            hub,
            sockets,
            groups: groups(stream),
        }
    }

    /// Publishes a group and delivers all of it to every socket.
    async fn deliver(&mut self) {
        let group = self.groups.pop().expect("a group for every run");
        let before = self.sockets[0].1.frames;
        self.hub.publish(group);
        for (socket, sink) in &mut self.sockets {
            for turn in 0.. {
                assert!(turn < 100_000, "a socket was not woken");
                let dirty = socket.wakeup().take();
                let mut cx = Context::from_waker(Waker::noop());
                let said = socket.poll_deliver(&mut cx, dirty, sink);
                assert!(
                    matches!(said, Poll::Ready(Ok(Delivered::All | Delivered::More))),
                    "{said:?}"
                );
                if sink.frames == before + EVENTS {
                    break;
                }
                // The fan-out marks the socket in a separate task.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Delivers committed entries to the outlets of all watchers.
fn deliver() -> Path {
    let runtime = Runtime::new_single();
    let mut watchers = runtime.block_on(Watchers::new());
    Path {
        name: "deliver",
        work: format!(
            "{GROUPS} groups of {EVENTS} events published, and delivered to {SOCKETS} sockets: {} deliveries",
            GROUPS * EVENTS * SOCKETS
        ),
        run: Box::new(move || {
            runtime.block_on(async {
                for _ in 0..GROUPS {
                    watchers.deliver().await;
                }
            });
            let bytes: usize = watchers.sockets.iter().map(|(_, sink)| sink.bytes).sum();
            std::hint::black_box(bytes);
        }),
    }
}

/// A runtime with this thread only.
trait Single {
    fn new_single() -> Runtime;
}

impl Single for Runtime {
    fn new_single() -> Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
    }
}
