//! Maps each stream to its topic, and publishes committed entries to the topics. `watch` adds watchers, `reads` reads
//! the log, `fan_out` marks watchers. Knows no cursors, no readers and no database.

use super::{
    Alone, Bus, BusHealth, Frame, Log, LogRange, LogUnavailable, Note, Published, chatter,
    flight::Flights,
    lock,
    meters::Meters,
    page::{PageKey, PageRead},
    ring::Budget,
    topic::{News, Topic},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};
use taskwire_protocol::StreamId;
use tokio::{
    sync::{Notify, broadcast},
    time::Instant,
};

/// A slow listener may be this many notes of other instances behind; then it loses the oldest.
const NOTES: usize = 1024;

/// With more topics than this waiting for the fan-out, signals are shed.
const BUSY: usize = 256;

/// The memory that rings may take.
#[derive(Clone, Copy, Debug)]
pub struct RingLimits {
    /// Bytes of one topic's ring.
    pub bytes_per_topic: usize,
    /// Bytes of all rings together; beyond this, the least recently used rings are emptied.
    pub budget: usize,
}

impl Default for RingLimits {
    fn default() -> RingLimits {
        RingLimits {
            bytes_per_topic: 256 * 1024,
            budget: 64 * 1024 * 1024,
        }
    }
}

/// All topics of this instance.
pub struct Hub {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) bus: Box<dyn Bus>,
    pub(crate) topics: RwLock<HashMap<StreamId, Arc<Topic>>>,
    pub(crate) budget: Arc<Budget>,
    /// Bytes of all rings together.
    pub(crate) ring_bytes: usize,
    /// Topics whose watchers the fan-out must mark, each at most once.
    pub(crate) moved: Mutex<Vec<Arc<Topic>>>,
    /// Topics with a deadline, by that deadline: they stop waiting for a frame, or drop old signals.
    pub(crate) late: Mutex<BTreeMap<(Instant, u64), Arc<Topic>>>,
    /// Notified when something was added to `moved` or `late`.
    pub(crate) news: Notify,
    /// Streams whose heads must be compared with the log's soon.
    pub(crate) ask: Mutex<HashSet<StreamId>>,
    /// Notified when something was added to `ask`.
    pub(crate) asked: Notify,
    pub(crate) meters: Meters,
    notes: broadcast::Sender<Arc<Note>>,
    ids: AtomicU64,
    /// Keyed by topic, not by stream: a read that began before the topic existed may miss entries published since then.
    pub(crate) ranges: Arc<Flights<u64, Result<LogRange, LogUnavailable>>>,
    pub(crate) pages: Arc<Flights<PageKey, PageRead>>,
}

impl Hub {
    /// The hub of a single instance.
    pub fn new(log: Arc<dyn Log>, limits: RingLimits) -> Arc<Hub> {
        Hub::with_bus(log, limits, Box::new(Alone))
    }

    /// A hub that also sends the commits of this instance to the others.
    pub fn with_bus(log: Arc<dyn Log>, limits: RingLimits, bus: Box<dyn Bus>) -> Arc<Hub> {
        let budget = Budget {
            per_ring: limits.bytes_per_topic,
            taken: AtomicUsize::new(0),
            ticks: AtomicU64::new(0),
        };
        Arc::new(Hub {
            log,
            bus,
            topics: RwLock::default(),
            budget: Arc::new(budget),
            ring_bytes: limits.budget,
            moved: Mutex::default(),
            late: Mutex::default(),
            news: Notify::new(),
            ask: Mutex::default(),
            asked: Notify::new(),
            meters: Meters::new(),
            notes: broadcast::Sender::new(NOTES),
            ids: AtomicU64::new(1),
            ranges: Flights::new(),
            pages: Flights::new(),
        })
    }

    /// Publishes a group that was committed here, to this instance and the others. Call it after the commit; groups may
    /// arrive in any order. Never waits for a reader.
    pub fn publish(&self, group: Vec<Published>) {
        self.bus.carry(&group);
        self.receive(group);
    }

    /// Publishes a group to this instance's readers. It was committed here or on another instance: entries may be lost,
    /// repeated or out of order.
    pub fn receive(&self, mut group: Vec<Published>) {
        // users' streams last: a user learns of a new workspace only after the workspace's entries are published
        group.sort_by_key(|entry| matches!(entry.stream, StreamId::User(_)));
        self.budget.ticks.fetch_add(1, Ordering::Relaxed);
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        for entry in &group {
            if let Some(user) = entry.removed
                && let Some(topic) = topics.get(&entry.stream)
            {
                topic.remove(user, entry.seq);
            }
        }
        let mut moved = Vec::new();
        for entry in group {
            if let Some(topic) = topics.get(&entry.stream) {
                let news = topic.apply(entry.seq, entry.frame);
                self.take_note(topic, news, &mut moved);
            }
        }
        drop(topics);
        self.announce(moved);
    }

    /// Sends a signal to the watchers of a stream, here and on other instances. Only watchers at the stream's head get
    /// it. It is dropped while many topics wait for the fan-out.
    pub fn signal(&self, stream: StreamId, frame: &Frame) {
        self.bus.signal(stream, frame);
        self.receive_signal(stream, frame.clone());
    }

    /// Gives a signal of this or another instance to the watchers of the stream here.
    pub fn receive_signal(&self, stream: StreamId, frame: Frame) {
        let behind = lock(&self.moved).len() > BUSY;
        if behind || frame.len() > chatter::FRAME {
            self.meters.shed.increment(1);
            return;
        }
        if let Some(topic) = self.topic(stream) {
            let news = topic.say(frame);
            self.attend(&topic, news);
        }
    }

    /// Sends a note to all other instances. It may be lost.
    pub fn tell(&self, note: &Note) {
        self.bus.tell(note);
    }

    /// Passes a note that arrived from another instance to the listeners here.
    pub fn hear(&self, note: Note) {
        // an error only means that there is no listener
        let _ = self.notes.send(Arc::new(note));
    }

    /// Subscribes to the notes of other instances that arrive from now on.
    pub fn notes(&self) -> broadcast::Receiver<Arc<Note>> {
        self.notes.subscribe()
    }

    /// The log was rewritten up to `last` (a purge). Drops the stream's frames and pages, so that readers read the log,
    /// and ignores frames up to `last` that arrive later. Call it after the commit.
    pub fn forget(&self, stream: StreamId, last: u64) {
        self.bus.forget(stream, last);
        self.forget_here(stream, last);
    }

    /// The log was rewritten up to `last`, here or by another instance: drops this instance's frames and pages of it.
    pub(crate) fn forget_here(&self, stream: StreamId, last: u64) {
        if let Some(topic) = self.topic(stream) {
            let news = topic.forget(last, self.next_id());
            self.attend(&topic, news);
        }
    }

    /// Another instance committed this entry and sent only its position: its frame must be read from the log.
    pub(crate) fn receive_place(&self, stream: StreamId, seq: u64) {
        if let Some(topic) = self.topic(stream) {
            let news = topic.receive_place(seq);
            self.attend(&topic, news);
        }
    }

    /// The state of the connection to other instances.
    pub fn bus_health(&self) -> BusHealth {
        self.bus.health()
    }

    /// Whether commits of all other instances are received here.
    pub(crate) fn hears_others(&self) -> bool {
        matches!(self.bus.health(), BusHealth::Up(_)) && self.bus.hears_all()
    }

    /// Whether something still waits to be sent to other instances.
    pub fn is_busy(&self) -> bool {
        self.bus.is_busy()
    }

    /// The watched streams and their heads.
    pub(crate) fn heads(&self) -> Vec<(StreamId, u64)> {
        let topics: Vec<Arc<Topic>> = {
            let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
            topics.values().cloned().collect()
        };
        let heads = topics.iter().map(|topic| (topic.stream, topic.head()));
        heads.filter_map(|(stream, head)| Some((stream, head?))).collect()
    }

    /// How many readers here watch a stream.
    pub fn watchers(&self, stream: StreamId) -> u32 {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(&stream).map_or(0, |topic| topic.watching())
    }

    /// The watched streams.
    pub fn watched(&self) -> Vec<StreamId> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .copied()
            .collect()
    }

    /// Whether nothing in a user's own stream after `seq` and up to `last` concerns accounts, sessions or memberships.
    /// Also false when this instance does not know: only the log may have the frames of other instances.
    pub fn leaves_accounts_alone(&self, stream: StreamId, seq: u64, last: u64) -> bool {
        self.topic(stream)
            .is_some_and(|topic| topic.leaves_accounts_alone(seq, last))
    }

    pub(crate) fn topic(&self, stream: StreamId) -> Option<Arc<Topic>> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&stream)
            .cloned()
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Does what the news of one topic asks for: marks its watchers, keeps its deadline.
    pub(crate) fn attend(&self, topic: &Arc<Topic>, news: News) {
        let mut moved = Vec::new();
        self.take_note(topic, news, &mut moved);
        self.announce(moved);
    }

    fn take_note(&self, topic: &Arc<Topic>, news: News, moved: &mut Vec<Arc<Topic>>) {
        if let Some(deadline) = news.deadline {
            lock(&self.late).insert((deadline, topic.id), topic.clone());
            self.news.notify_one();
        }
        if news.moved && topic.enter_queue() {
            moved.push(topic.clone());
        }
    }

    /// Hands all moved topics of a group to the fan-out at once, so that a reader of several topics is woken once.
    fn announce(&self, mut moved: Vec<Arc<Topic>>) {
        if !moved.is_empty() {
            lock(&self.moved).append(&mut moved);
            self.news.notify_one();
        }
    }
}
