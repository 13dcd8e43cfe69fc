//! The sums over all sockets of a run: deliveries, their latency, faults. Watchers add to them, and the driver of a
//! scenario waits for them. Does not know who sends, or why.

use crate::check::{Ledger, Positions};
use crate::event::{self, Event, Frame};
use crate::fault::{Fault, Faults};
use crate::link::Link;
use crate::lock::lock;
use crate::meter::Meter;
use crate::trouble::Trouble;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use taskwire_protocol::frames::Welcome;
use tokio::sync::Notify;
use tokio::time::timeout;

/// The sums over all sockets of a run, and a wait for them.
pub(crate) struct Board {
    tally: Mutex<Tally>,
    progress: Notify,
    /// After this time without any progress, missing events count as lost.
    pub(crate) patience: Duration,
}

/// The sums.
pub(crate) struct Tally {
    /// Events that reached a socket for the first time, since the last `begin`.
    pub(crate) delivered: u64,
    /// The delivered events that a writer of this run caused.
    pub(crate) awaited: u64,
    /// Bytes of the delivered frames.
    pub(crate) bytes: u64,
    /// From the turn of an event to its arrival at each socket.
    pub(crate) meter: Meter,
    pub(crate) faults: Faults,
    /// The text of an event, which the limit sends again.
    pub(crate) sample: Vec<u8>,
    /// When each event should have been sent, from the event after `base` on.
    intended: Vec<Instant>,
    base: u64,
    /// The value of `awaited` for which the driver waits.
    wake_at: u64,
}

impl Board {
    pub(crate) fn new(patience: Duration) -> Arc<Board> {
        let tally = Tally {
            delivered: 0,
            awaited: 0,
            bytes: 0,
            meter: Meter::new(),
            faults: Faults::default(),
            sample: Vec::new(),
            intended: Vec::new(),
            base: 0,
            wake_at: u64::MAX,
        };
        Arc::new(Board {
            tally: Mutex::new(tally),
            progress: Notify::new(),
            patience,
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    /// Begins a phase: sets the sums to 0, and `base` as the `seq` before the next event. Faults stay.
    pub(crate) fn begin(&self, base: u64) {
        let mut tally = self.lock();
        (tally.delivered, tally.awaited, tally.bytes, tally.base) = (0, 0, 0, base);
        tally.meter.reset();
        tally.intended.clear();
    }

    /// Notes that the next event should be sent at `moment`.
    pub(crate) fn intend(&self, moment: Instant) {
        self.lock().intended.push(moment);
    }

    /// Waits until `awaited` events of the writer are delivered since `begin`. Returns `false` when there was no
    /// progress for longer than the patience.
    pub(crate) async fn until(&self, awaited: u64) -> bool {
        let mut before = None;
        loop {
            let progress = self.progress.notified();
            let now = {
                let mut tally = self.lock();
                tally.wake_at = awaited;
                tally.awaited
            };
            if now >= awaited {
                return true;
            }
            if before == Some(now) {
                return false;
            }
            if timeout(self.patience, progress).await.is_err() {
                before = Some(now);
            }
        }
    }

    /// Adds a fault.
    pub(crate) fn fault(&self, fault: Fault, times: u64, what: impl FnOnce() -> String) {
        self.lock().faults.add(fault, times, what);
    }

    /// Waits like `until`. Each missing delivery is a fault.
    pub(crate) async fn all(&self, awaited: u64) {
        if !self.until(awaited).await {
            let missing = awaited.saturating_sub(self.lock().awaited);
            self.fault(Fault::Missing, missing, || {
                format!("{missing} of {awaited} deliveries")
            });
        }
    }

    /// Calls `count`, which adds to the sums and returns whether to wake the driver.
    pub(crate) fn add(&self, count: impl FnOnce(&mut Tally) -> bool) {
        if count(&mut self.lock()) {
            self.progress.notify_one();
        }
    }

    /// Reads a socket until it ends. May be dropped at any await.
    pub(crate) async fn follow(&self, link: &mut Link, watch: &mut Watch) -> Trouble {
        loop {
            if let Err(trouble) = link.read(|now, text| self.take(watch, now, text)).await {
                return trouble;
            }
        }
    }

    /// Reads a socket slowly, `bytes` a second, until it ends. May be dropped at any await.
    pub(crate) async fn crawl(&self, link: &mut Link, watch: &mut Watch, bytes: usize) -> Trouble {
        const SIPS: usize = 4;
        loop {
            tokio::time::sleep(Duration::from_secs(1) / SIPS as u32).await;
            let sip = (bytes / SIPS).max(1);
            if let Err(trouble) = link
                .read_at_most(sip, |now, text| self.take(watch, now, text))
                .await
            {
                return trouble;
            }
        }
    }

    /// Handles a text that a watcher received.
    fn take(&self, watch: &mut Watch, now: Instant, text: &[u8]) {
        match event::read(text) {
            Frame::Event(event) => {
                self.add(|tally| tally.take(&mut watch.positions, now, text, &event));
                watch.note(&event, now);
            }
            Frame::Broken => self.fault(Fault::Unreadable, 1, || {
                String::from_utf8_lossy(text).into_owned()
            }),
            Frame::Other => {}
        }
    }
}

impl Tally {
    /// Checks and counts an event of Taskwire. Returns whether to wake the driver.
    fn take(&mut self, positions: &mut Positions, now: Instant, text: &[u8], event: &Event<'_>) -> bool {
        if !positions.take(event.stream, event.seq, &mut self.faults) {
            return false;
        }
        self.bytes += text.len() as u64;
        let is_awaited = event.is_awaited();
        if is_awaited && self.sample.is_empty() {
            self.sample = text.to_vec();
        }
        self.deliver(event.seq, is_awaited, now)
    }

    /// Counts an event that reached a socket for the first time. Returns whether to wake the driver.
    pub(crate) fn deliver(&mut self, seq: u64, is_awaited: bool, now: Instant) -> bool {
        self.delivered += 1;
        self.awaited += u64::from(is_awaited);
        let place = seq.wrapping_sub(self.base + 1);
        if let Some(intended) = usize::try_from(place).ok().and_then(|n| self.intended.get(n)) {
            self.meter.record(now.saturating_duration_since(*intended));
        }
        let due = self.awaited >= self.wake_at;
        if due {
            self.wake_at = u64::MAX;
        }
        due
    }
}

/// The state of one watcher.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) positions: Positions,
    /// Where the watcher notes the operations that it saw. One watcher a stream is enough for that.
    ledger: Option<Arc<Mutex<Ledger>>>,
    /// Where the watcher notes when each of a writer's events arrived.
    arrivals: Option<Arrivals>,
}

/// When events arrived at one watcher, by their `seq`.
pub(crate) type Arrivals = Arc<Mutex<Vec<(u64, Instant)>>>;

impl Watch {
    /// A watcher that follows the streams of `welcome` from their heads on, and notes the operations that it sees in
    /// `ledger`.
    pub(crate) fn of(welcome: &Welcome, ledger: Option<Arc<Mutex<Ledger>>>) -> Watch {
        let mut positions = Positions::default();
        for state in welcome.streams.iter().filter(|state| is_followed(state)) {
            positions.start(&state.stream, state.seq);
        }
        Watch {
            positions,
            ledger,
            arrivals: None,
        }
    }

    /// Also notes when the writer's events arrive.
    pub(crate) fn timed(mut self, arrivals: Option<Arrivals>) -> Watch {
        self.arrivals = arrivals;
        self
    }

    fn note(&self, event: &Event<'_>, now: Instant) {
        if (self.ledger.is_none() && self.arrivals.is_none()) || !event.is_awaited() {
            return;
        }
        if let Some(arrivals) = &self.arrivals {
            lock(arrivals).push((event.seq, now));
        }
        if let (Some(ledger), Some(cause)) = (&self.ledger, event.cause()) {
            lock(ledger).see(cause, event.seq);
        }
    }
}

/// Whether the socket gets the stream's events.
fn is_followed(state: &taskwire_protocol::frames::StreamState) -> bool {
    use taskwire_protocol::stream::Reason;
    !matches!(state.reason, Some(Reason::NoAccess | Reason::Limit))
}
