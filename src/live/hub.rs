//! Stream → topic: what was committed goes in, whoever watches takes a watch, and reads of the log are shared.
//! Knows nothing of cursors, sockets or the database; the marking of watchers is in `fan_out`.

use super::{
    Alone, Bus, BusHealth, Frame, Log, LogRange, LogUnavailable, Note, chatter,
    flight::Flights,
    lock,
    meters::Meters,
    page::{NoPage, Page, PageKey, Read},
    ring::Budget,
    topic::{News, Topic},
    wakeup::{Slot, Wakeup},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use taskwire_protocol::{StreamId, UserId};
use tokio::{
    sync::{Notify, broadcast},
    time::Instant,
};

/// The first wait before the log is asked again for a page; the waits double up to `LAST_RETRY`.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_secs(5);
/// Notes of other instances that a slow listener may be behind before it loses the oldest.
const NOTES: usize = 1024;

/// With more topics than this to be told of events, signals are not taken in.
const BUSY: usize = 256;

/// A committed entry on its way to the watchers of its stream.
#[derive(Clone, Debug)]
pub struct Published {
    /// The stream.
    pub stream: StreamId,
    /// Its place there.
    pub seq: u64,
    /// The encoded event frame.
    pub frame: Frame,
    /// This entry ends the access of that user: nothing with this seq or a later one reaches their sockets.
    pub removed: Option<UserId>,
}

/// How much memory rings may take.
#[derive(Clone, Copy, Debug)]
pub struct RingLimits {
    /// Bytes of one topic's ring.
    pub bytes_per_topic: usize,
    /// Bytes of all rings together; beyond it the least recently used ones give way.
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
    bus: Box<dyn Bus>,
    pub(crate) topics: RwLock<HashMap<StreamId, Arc<Topic>>>,
    pub(crate) budget: Arc<Budget>,
    /// Bytes of all rings together.
    pub(crate) ring_bytes: usize,
    /// Topics whose watchers are to be marked, each at most once.
    pub(crate) moved: Mutex<Vec<Arc<Topic>>>,
    /// Topics that wait for a frame, each at most once, by when they stop waiting.
    pub(crate) late: Mutex<BTreeMap<(Instant, u64), Arc<Topic>>>,
    /// Something came to `moved` or `late`.
    pub(crate) news: Notify,
    /// Streams whose heads are to be compared with the log's.
    pub(crate) ask: Mutex<HashSet<StreamId>>,
    /// Something came to `ask`.
    pub(crate) asked: Notify,
    pub(crate) meters: Meters,
    notes: broadcast::Sender<Arc<Note>>,
    ids: AtomicU64,
    /// By topic, not by stream: a read that began before a topic was there may miss what was published since.
    ranges: Arc<Flights<u64, Result<LogRange, LogUnavailable>>>,
    pages: Arc<Flights<PageKey, Read>>,
}

/// A page of the log on its way to a cursor. It waits out a database that does not answer.
pub(crate) type PageReading = Pin<Box<dyn Future<Output = Result<Arc<Page>, NoPage>> + Send>>;

impl Hub {
    /// The hub of a single instance.
    pub fn new(log: Arc<dyn Log>, limits: RingLimits) -> Arc<Hub> {
        Hub::with_bus(log, limits, Box::new(Alone))
    }

    /// A hub that hands what is committed here to other instances.
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

    /// A group was committed here. Call it after the commit; groups may come in any order. Never waits for a socket.
    pub fn publish(&self, group: Vec<Published>) {
        self.bus.carry(&group);
        self.receive(group);
    }

    /// A group was committed, here or on another instance. Entries may be lost, repeated or out of order.
    pub fn receive(&self, mut group: Vec<Published>) {
        // what tells users of a workspace comes after what is in it: who learns of an access finds it there
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

    /// Says something to whoever watches a stream, here and on other instances: only those who are at its head now.
    /// It is shed when there is more to do.
    pub fn signal(&self, stream: StreamId, frame: &Frame) {
        self.bus.signal(stream, frame);
        self.receive_signal(stream, frame.clone());
    }

    /// Another instance said something to the watchers of a stream.
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

    /// Says something to all other instances. It may be lost.
    pub fn tell(&self, note: &Note) {
        self.bus.tell(note);
    }

    /// Another instance said something.
    pub fn hear(&self, note: Note) {
        // an error only says that nobody listens
        let _ = self.notes.send(Arc::new(note));
    }

    /// What other instances say from now on.
    pub fn notes(&self) -> broadcast::Receiver<Arc<Note>> {
        self.notes.subscribe()
    }

    /// The log was rewritten up to `last` (a purge): frames and pages held of it are dropped, frames up to there that are
    /// still on their way are not taken, and readers go to the log. Call it after the commit.
    pub fn forget(&self, stream: StreamId, last: u64) {
        self.bus.forget(stream, last);
        self.forget_here(stream, last);
    }

    /// Another instance rewrote the log up to `last`.
    pub(crate) fn forget_here(&self, stream: StreamId, last: u64) {
        if let Some(topic) = self.topic(stream) {
            let news = topic.forget(last, self.next_id());
            self.attend(&topic, news);
        }
    }

    /// Another instance committed an entry whose frame is in the log alone.
    pub(crate) fn receive_place(&self, stream: StreamId, seq: u64) {
        if let Some(topic) = self.topic(stream) {
            let news = topic.receive_place(seq);
            self.attend(&topic, news);
        }
    }

    /// How the way to other instances is.
    pub fn bus_health(&self) -> BusHealth {
        self.bus.health()
    }

    /// Whether what other instances commit is heard here.
    pub(crate) fn hears_others(&self) -> bool {
        matches!(self.bus.health(), BusHealth::Up(_)) && self.bus.hears_all()
    }

    /// Whether something waits to be handed to other instances.
    pub fn is_busy(&self) -> bool {
        self.bus.is_busy()
    }

    /// The streams that somebody here watches, and how far they have come.
    pub(crate) fn heads(&self) -> Vec<(StreamId, u64)> {
        let topics: Vec<Arc<Topic>> = {
            let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
            topics.values().cloned().collect()
        };
        let heads = topics.iter().map(|topic| (topic.stream, topic.head()));
        heads.filter_map(|(stream, head)| Some((stream, head?))).collect()
    }

    /// The streams that somebody here watches: those whose heads are worth comparing.
    pub fn watched(&self) -> Vec<StreamId> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .copied()
            .collect()
    }

    /// Whether nothing in a user's own stream after `seq` and up to `last` concerns accounts, sessions or memberships.
    /// False also when that is not known here: what other instances committed may be in the log alone.
    pub fn leaves_accounts_alone(&self, stream: StreamId, seq: u64, last: u64) -> bool {
        self.topic(stream)
            .is_some_and(|topic| topic.leaves_accounts_alone(seq, last))
    }

    /// Takes a seat in a stream. It is in place before the head is read, so that no frame falls between.
    pub(crate) fn watch(self: &Arc<Hub>, stream: StreamId, wakeup: &Arc<Wakeup>, slot: Slot) -> Watch {
        // entry and seat under one lock, or the topic could go in between
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            self.bus.join(stream);
            Arc::new(Topic::new(stream, self.next_id(), self.budget.clone()))
        };
        let topic = topics.entry(stream).or_insert_with(new).clone();
        let key = topic.watch(wakeup.clone(), slot);
        self.meters.topics.set(topics.len() as f64);
        Watch {
            hub: self.clone(),
            topic,
            key,
        }
    }

    /// Sees to it that the topic knows its head. Read once for all who wait for it.
    pub(crate) async fn fill(&self, topic: &Arc<Topic>) -> Result<(), LogUnavailable> {
        if topic.head().is_none() {
            self.range(topic).await?;
        }
        Ok(())
    }

    /// What the log holds, as of a read that others may have begun.
    pub(crate) async fn range(&self, topic: &Arc<Topic>) -> Result<LogRange, LogUnavailable> {
        let (log, stream) = (self.log.clone(), topic.stream);
        let shared = self
            .ranges
            .share(topic.id, || async move { log.range(stream).await });
        self.learn(topic, shared.await)
    }

    /// What the log holds, as of now or later.
    pub(crate) async fn fresh_range(&self, topic: &Arc<Topic>) -> Result<LogRange, LogUnavailable> {
        let (log, stream) = (self.log.clone(), topic.stream);
        let shared = self
            .ranges
            .share_anew(topic.id, || async move { log.range(stream).await });
        self.learn(topic, shared.await)
    }

    /// What a shared read came to: the topic takes it in.
    fn learn(
        &self,
        topic: &Arc<Topic>,
        read: Option<Result<LogRange, LogUnavailable>>,
    ) -> Result<LogRange, LogUnavailable> {
        let range = read.unwrap_or(Err(LogUnavailable))?;
        let news = topic.observe(range);
        self.attend(topic, news);
        Ok(range)
    }

    /// Reads a page, together with all who want the same.
    pub(crate) fn page(self: &Arc<Hub>, key: PageKey) -> PageReading {
        let hub = self.clone();
        Box::pin(async move {
            let mut wait = FIRST_RETRY;
            loop {
                let log = hub.log.clone();
                let shared = hub
                    .pages
                    .share(key, || async move { Page::read(&*log, key).await });
                if let Some(Ok(outcome)) = shared.await {
                    return outcome;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LAST_RETRY);
            }
        })
    }

    pub(crate) fn topic(&self, stream: StreamId) -> Option<Arc<Topic>> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&stream)
            .cloned()
    }

    fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Does what news of one topic demand.
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

    /// Hands moved topics to the fan-out, a group at once: a socket that watches several is woken once.
    fn announce(&self, mut moved: Vec<Arc<Topic>>) {
        if !moved.is_empty() {
            lock(&self.moved).append(&mut moved);
            self.news.notify_one();
        }
    }
}

/// A place among the watchers of a topic, left when it is dropped. The last one out takes the topic along.
pub(crate) struct Watch {
    pub(crate) hub: Arc<Hub>,
    pub(crate) topic: Arc<Topic>,
    key: u32,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let gone = {
            let mut topics = self.hub.topics.write().unwrap_or_else(PoisonError::into_inner);
            let gone = self.topic.unwatch(self.key).then(|| {
                self.hub.bus.leave(self.topic.stream);
                topics.remove(&self.topic.stream)
            });
            self.hub.meters.topics.set(topics.len() as f64);
            gone
        };
        drop(gone); // the ring's memory is given back outside the lock
    }
}
