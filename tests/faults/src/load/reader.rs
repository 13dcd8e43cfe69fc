//! A reader: follows streams through raw frames, over any number of connections, and checks every event on arrival. It
//! keeps its positions and a sum of what it saw; the checker compares the sum with the log.

use super::accounts::User;
use super::lease::Lease;
use super::record::{Seen, Segment, weigh};
use super::{Phase, Shared, stream_id};
use crate::socket::{Pace, Socket};
use crate::verdict::Invariant;
use crate::world::Instance;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use taskwire_protocol::frames::Welcome;
use taskwire_protocol::stream::Reason;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// How long an abandoned socket stays open: longer than the server waits for a dead connection.
const ABANDONED: Duration = Duration::from_secs(20);

/// The account that reads, and what it reads.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) user: User,
    /// The one workspace to follow beside the user's stream; everything when `None`.
    pub(crate) workspace: Option<Uuid>,
    /// The workspaces whose events the reader may get.
    pub(crate) entitled: Vec<Uuid>,
    /// Faults remove and add the user's membership, and the reader records every event with its time.
    pub(crate) guest: bool,
}

/// What other tasks know of a reader or follower, and the orders that they give to a reader.
#[derive(Default)]
pub(crate) struct Desk {
    /// Its position in each stream.
    pub(crate) at: Mutex<Vec<(u32, u64)>>,
    pub(crate) pace: Pace,
    /// The size of its next connection's receive buffer; 0: the system's.
    pub(crate) buffer: AtomicU32,
    /// 1: abandon the socket without a close frame; any other value but 0: drop it.
    pub(crate) order: AtomicU8,
    /// Wakes the reader for an order.
    pub(crate) nudge: tokio::sync::Notify,
    /// Whether it is connected now.
    pub(crate) connected: std::sync::atomic::AtomicBool,
}

impl Desk {
    /// Tells the reader to drop its connection, and to connect again with this receive buffer.
    pub(crate) fn reconnect(&self, buffer: u32) {
        self.buffer.store(buffer, Relaxed);
        self.order.store(2, Relaxed);
        self.nudge.notify_one();
    }
}

/// Everything that a reader saw.
#[derive(Default)]
pub(crate) struct Sightings {
    pub(crate) user: Uuid,
    pub(crate) segments: Vec<Segment>,
    pub(crate) seen: Vec<Seen>,
}

/// A reader.
pub(crate) struct Reader {
    shared: Arc<Shared>,
    number: u32,
    assignment: Assignment,
    desk: Arc<Desk>,
    random: StdRng,
    epoch: String,
    streams: HashMap<Uuid, Segment>,
    /// The head of the user's own stream in `welcome`, which shows all memberships up to that head.
    shown: u64,
    /// Events of a workspace that arrived before its `access.granted`: two streams have no common order.
    early: HashMap<Uuid, Segment>,
    sightings: Sightings,
}

#[derive(Deserialize)]
struct Frame<'a> {
    r#type: &'a str,
    #[serde(default)]
    stream: &'a str,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    event: &'a str,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// How long an instance may take to die after it has reset its connections.
const DYING: Duration = Duration::from_secs(1);

/// I7: a reader that takes bytes, however slowly, keeps its connection. Its instance may end it only by a close frame
/// with another reason than silence, or by its own end.
async fn judge(shared: Arc<Shared>, reader: u32, instance: Arc<Instance>, process: u32, error: String) {
    sleep(DYING).await;
    let lives = instance.is_ready() && instance.pid() == process;
    let cut = error.contains("no sign of life") || (lives && !error.starts_with("closed"));
    shared.verdicts.checked(Invariant::I7, 1);
    if cut {
        let what = format!("reader {reader} took bytes slowly and was cut: {error}");
        shared.verdicts.violated(Invariant::I7, what);
    }
}

impl Reader {
    pub(crate) fn new(
        shared: Arc<Shared>,
        number: u32,
        assignment: Assignment,
        desk: Arc<Desk>,
        seed: u64,
    ) -> Reader {
        let user = assignment.user.id;
        Reader {
            shared,
            number,
            assignment,
            desk,
            random: StdRng::seed_from_u64(seed),
            epoch: String::new(),
            streams: HashMap::new(),
            shown: 0,
            early: HashMap::new(),
            sightings: Sightings {
                user,
                ..Sightings::default()
            },
        }
    }

    /// Reads until the run is over.
    pub(crate) async fn run(mut self) -> Sightings {
        let mut phase = self.shared.phase.subscribe();
        let over = async move {
            let _ = phase.wait_for(|phase| *phase == Phase::Over).await;
        };
        tokio::pin!(over);
        tokio::select! {
            () = &mut over => {}
            () = self.read_on() => {}
        }
        self.sightings.segments.extend(self.streams.into_values());
        self.sightings
    }

    async fn read_on(&mut self) {
        loop {
            let instances = &self.shared.world.instances;
            let instance = instances[self.random.random_range(0..instances.len())].clone();
            let streams = match self.assignment.workspace {
                None => json!("all"),
                Some(id) => json!([
                    format!("user:{}", self.assignment.user.id),
                    format!("workspace:{id}")
                ]),
            };
            let (address, pace) = (instance.address(), self.desk.pace.clone());
            let keeper = &self.assignment.user.session;
            let how = (&*address, pace, self.desk.buffer.load(Relaxed));
            let opened = Lease::open(&self.shared, keeper, how, &streams, self.resume()).await;
            if let Ok((socket, welcome, mut lease)) = opened {
                self.shared.counts.connections.fetch_add(1, Relaxed);
                self.welcome(&welcome);
                self.desk.connected.store(true, Relaxed);
                let process = instance.pid();
                if let Some(error) = self.follow(socket, &mut lease).await
                    && self.desk.pace.load(Relaxed) > 0
                    && !lease.is_over()
                {
                    tokio::spawn(judge(self.shared.clone(), self.number, instance, process, error));
                }
                self.desk.connected.store(false, Relaxed);
            }
            sleep(Duration::from_millis(self.random.random_range(20..500))).await;
        }
    }

    fn resume(&self) -> Option<Value> {
        let positions: HashMap<String, u64> = self
            .streams
            .iter()
            .map(|(id, at)| (self.name(*id), at.last))
            .collect();
        (!self.epoch.is_empty()).then(|| json!({"epoch": self.epoch, "positions": positions}))
    }

    fn name(&self, id: Uuid) -> String {
        let kind = if id == self.assignment.user.id {
            "user"
        } else {
            "workspace"
        };
        format!("{kind}:{id}")
    }

    /// Checks every stream of a `welcome`: it is resumed, or its reason is true.
    fn welcome(&mut self, welcome: &Welcome) {
        self.early.clear();
        let followed: Vec<Uuid> = welcome
            .streams
            .iter()
            .filter(|state| !matches!(state.reason, Some(Reason::NoAccess | Reason::Limit)))
            .filter_map(|state| stream_id(&state.stream))
            .collect();
        for state in &welcome.streams {
            let Some(id) = stream_id(&state.stream) else {
                continue;
            };
            if id == self.assignment.user.id {
                self.shown = state.seq;
            }
            let known = self.streams.get(&id).map(|at| at.last);
            self.shared.verdicts.checked(Invariant::I4, 1);
            if state.resumed {
                if known.is_none_or(|last| last > state.seq) {
                    let what = format!(
                        "{} was resumed from {known:?}, but its head is {}",
                        state.stream, state.seq
                    );
                    self.shared.verdicts.violated(Invariant::I4, what);
                }
                continue;
            }
            if !self.is_true(state.reason, known, welcome) {
                let what = format!(
                    "{}: resumed:false for the untrue reason {:?}; position {known:?}, head {}",
                    state.stream, state.reason, state.seq
                );
                self.shared.verdicts.violated(Invariant::I4, what);
            }
            if known.is_some() {
                self.shared.counts.resyncs.fetch_add(1, Relaxed);
            }
            if followed.contains(&id) {
                self.begin(id, state.seq);
            } else {
                self.end(id);
            }
        }
        // a guest's workspace may be missing: the membership can end while the reader is not connected
        let gone: Vec<Uuid> = self
            .streams
            .keys()
            .filter(|id| !followed.contains(id))
            .copied()
            .collect();
        for id in gone {
            if !self.assignment.guest {
                let what = format!(
                    "reader {}: {} is missing in its welcome",
                    self.number,
                    self.name(id)
                );
                self.shared.verdicts.violated(Invariant::I4, what);
            }
            self.end(id);
        }
        self.epoch.clone_from(&welcome.epoch);
        self.stand();
    }

    fn is_true(&self, reason: Option<Reason>, known: Option<u64>, welcome: &Welcome) -> bool {
        let world = &self.shared.world;
        match reason {
            Some(Reason::New) => known.is_none(),
            Some(Reason::Expired) => known.is_some() && world.cuts.load(Relaxed) > 0,
            Some(Reason::Epoch) => self.epoch != welcome.epoch && world.restores.load(Relaxed) > 0,
            Some(Reason::NoAccess) => self.assignment.guest,
            Some(Reason::Unknown | Reason::Limit) | None => false,
        }
    }

    fn begin(&mut self, id: Uuid, after: u64) {
        self.end(id);
        let segment = self.segment(id, after);
        self.streams.insert(id, segment);
    }

    fn segment(&self, id: Uuid, after: u64) -> Segment {
        Segment {
            stream: self.shared.stream(id),
            era: self.shared.world.restores.load(Relaxed),
            after,
            last: after,
            sum: 0,
        }
    }

    fn end(&mut self, id: Uuid) {
        self.sightings.segments.extend(self.streams.remove(&id));
    }

    fn stand(&self) {
        let mut at = self.desk.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.clear();
        at.extend(
            self.streams
                .values()
                .map(|segment| (segment.stream, segment.last)),
        );
    }

    /// Reads one connection until it ends. Returns the error if the reader did not end it itself.
    async fn follow(&mut self, mut socket: Socket, lease: &mut Lease) -> Option<String> {
        let mut storm = self.shared.storm.subscribe();
        storm.mark_unchanged();
        loop {
            tokio::select! {
                text = socket.next() => {
                    match text {
                        Ok(text) => if !self.take(&text, lease) {
                            return None;
                        },
                        Err(error) => {
                            let error = error.to_string();
                            lease.ended(&error);
                            return Some(error);
                        }
                    }
                }
                renewal = lease.due() => {
                    // if it fails, the next read says why
                    let _ = socket.send(renewal).await;
                }
                _ = storm.changed() => return None,
                () = self.desk.nudge.notified() => {}
            }
            match self.desk.order.swap(0, Relaxed) {
                0 => {}
                1 => {
                    // half-open: send no close frame, and read nothing
                    tokio::spawn(async move {
                        sleep(ABANDONED).await;
                        drop(socket);
                    });
                    return None;
                }
                _ => return None,
            }
        }
    }

    /// Takes a frame. False when the socket must end.
    fn take(&mut self, text: &str, lease: &mut Lease) -> bool {
        match serde_json::from_str::<Frame<'_>>(text) {
            Ok(frame) if frame.r#type == "event" => self.event(&frame, text),
            Ok(_) => return lease.take(text),
            Err(_) => {
                let what = format!("reader {}: cannot parse this frame: {text}", self.number);
                self.shared.verdicts.violated(Invariant::I4, what);
            }
        }
        true
    }

    fn event(&mut self, frame: &Frame<'_>, text: &str) {
        self.shared.counts.events.fetch_add(1, Relaxed);
        let Some(id) = stream_id(frame.stream) else { return };
        self.note(id, frame.seq);
        let Some(segment) = self.streams.get_mut(&id) else {
            return self.stray(id, frame, text);
        };
        if frame.seq == segment.last + 1 {
            segment.last = frame.seq;
            segment.sum = segment.sum.wrapping_add(weigh(frame.seq, text.as_bytes()));
            let (stream, last) = (segment.stream, segment.last);
            let mut at = self.desk.at.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = at.iter_mut().find(|(number, _)| *number == stream) {
                place.1 = last;
            }
        } else {
            let what = format!(
                "reader {}: {} seq {} came after seq {}",
                self.number, frame.stream, frame.seq, segment.last
            );
            self.shared.verdicts.violated(Invariant::I4, what);
            // continue from here, so that one gap counts as one violation
            self.begin(id, frame.seq);
        }
        if frame.stream.starts_with("user:") && frame.seq > self.shown {
            self.membership(frame);
        }
    }

    /// Records each workspace event of a guest with its time.
    fn note(&mut self, id: Uuid, seq: u64) {
        if self.assignment.guest && id != self.assignment.user.id {
            self.sightings.seen.push(Seen {
                reader: self.number,
                stream: self.shared.stream(id),
                seq,
                at: self.shared.now(),
            });
        }
    }

    /// Takes an event of a stream that this reader does not follow. A guest may get such events shortly before
    /// `access.granted`, which says where they begin, or shortly after `access.lost`. The checker judges those by their
    /// time; from any other reader they are a violation.
    fn stray(&mut self, id: Uuid, frame: &Frame<'_>, text: &str) {
        if !(self.assignment.guest && self.assignment.entitled.contains(&id)) {
            let what = format!(
                "reader {}: has no access to {}, but got seq {}",
                self.number, frame.stream, frame.seq
            );
            return self.shared.verdicts.violated(Invariant::I8, what);
        }
        let fresh = self.segment(id, frame.seq - 1);
        let early = self.early.entry(id).or_insert(fresh);
        if early.last + 1 != frame.seq {
            *early = Segment {
                after: frame.seq - 1,
                sum: 0,
                ..early.clone()
            };
        }
        early.last = frame.seq;
        early.sum = early.sum.wrapping_add(weigh(frame.seq, text.as_bytes()));
    }

    /// A membership begins: the stream's events after `seq` follow, and some may have arrived already.
    fn granted(&mut self, id: Uuid, seq: u64) {
        let early = self.early.remove(&id).filter(|early| early.last > seq);
        self.begin(id, seq);
        let Some(early) = early else { return };
        if early.after != seq {
            let what = format!(
                "reader {}: workspace {id} was granted from seq {seq}, but seq {} to {} arrived before",
                self.number,
                early.after + 1,
                early.last
            );
            self.shared.verdicts.violated(Invariant::I4, what);
        }
        self.streams.insert(id, early);
    }

    /// Applies a membership event of the user's own stream.
    fn membership(&mut self, frame: &Frame<'_>) {
        let Some(data) = frame.data else { return };
        let Ok(data) = serde_json::from_str::<Value>(data.get()) else {
            return;
        };
        let id = |value: &Value| value.as_str().and_then(|id| id.parse::<Uuid>().ok());
        match frame.event {
            "access.granted" if self.assignment.workspace.is_none() => {
                if let (Some(id), Some(seq)) = (id(&data["workspace"]["id"]), data["seq"].as_u64()) {
                    self.granted(id, seq);
                }
            }
            "access.lost" => {
                if let Some(id) = id(&data["workspace_id"]) {
                    self.end(id);
                }
            }
            _ => return,
        }
        self.stand();
    }
}

/// Waits until every client is connected, or the time is over. Returns how many are not.
pub(crate) async fn connected(desks: &[Arc<Desk>], patience: Duration) -> usize {
    let missing = || desks.iter().filter(|desk| !desk.connected.load(Relaxed)).count();
    let all = async {
        while missing() > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let _ = timeout(patience, all).await;
    missing()
}
