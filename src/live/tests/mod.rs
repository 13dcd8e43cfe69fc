//! What all tests of `live` share: a log in memory with faults, a peer whose room the test sets, and a socket that uses
//! both. Sockets are checked from outside, so that a missed wake-up is detected.

mod catching_up;
mod controlling;
mod counting;
mod elsewhere;
mod joining;
mod ordering;
mod removing;
mod signalling;
mod stress;

use super::{
    Delivered, Dirty, Frame, Hub, Log, LogRange, LogUnavailable, Mode, Outlet, Published, Reading,
    RingLimits, Start, Stop, Subscriptions, lock,
};
use std::{
    collections::HashMap,
    convert::Infallible,
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use taskwire_protocol::{StreamId, UserId, WorkspaceId};
use uuid::Uuid;

/// The longest time that a test waits.
const DEADLINE: Duration = Duration::from_secs(20);

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn workspace(n: u128) -> StreamId {
    StreamId::Workspace(WorkspaceId(Uuid::from_u128(0xa000 + n)))
}

/// An encoded event.
fn frame(stream: StreamId, seq: u64, event: &str, data: &str) -> Frame {
    format!(r#"{{"type":"event","stream":"{stream}","seq":{seq},"event":"{event}","at":"2026-01-01T00:00:00.000Z","actor":null,"data":{data}}}"#)
        .into()
}

fn seq_of(frame: &str) -> u64 {
    let digits = frame
        .split_once(r#""seq":"#)
        .and_then(|(_, rest)| rest.split_once(','))
        .map(|(digits, _)| digits);
    digits.and_then(|digits| digits.parse().ok()).expect("a seq")
}

/// A log in memory.
#[derive(Default)]
struct MemoryLog {
    streams: Mutex<HashMap<StreamId, Entries>>,
    fails: AtomicBool,
    /// While set, reads do not return.
    stalls: AtomicBool,
    ranges: AtomicUsize,
    pages: AtomicUsize,
}

#[derive(Default)]
struct Entries {
    /// Entry `seq` is at index `seq - 1`; `None` when it is missing.
    frames: Vec<Option<Frame>>,
    tail: u64,
}

impl MemoryLog {
    /// Commits an entry; the caller publishes what is returned.
    fn append(&self, stream: StreamId, event: &str, data: &str) -> Published {
        let mut streams = lock(&self.streams);
        let entries = streams.entry(stream).or_default();
        let seq = entries.frames.len() as u64 + 1;
        let frame = frame(stream, seq, event, data);
        entries.frames.push(Some(frame.clone()));
        Published {
            stream,
            seq,
            frame,
            removed: None,
        }
    }

    fn change(&self, stream: StreamId, change: impl FnOnce(&mut Entries)) {
        change(lock(&self.streams).entry(stream).or_default());
    }

    async fn answer(&self) -> Result<(), LogUnavailable> {
        tokio::task::yield_now().await; // a database does not answer at once
        wait_until("the log may answer", || !self.stalls.load(Ordering::SeqCst)).await;
        if self.fails.load(Ordering::SeqCst) {
            Err(LogUnavailable)
        } else {
            Ok(())
        }
    }
}

impl Log for MemoryLog {
    fn range(&self, stream: StreamId) -> Reading<'_, LogRange> {
        Box::pin(async move {
            self.ranges.fetch_add(1, Ordering::SeqCst);
            let range = {
                let streams = lock(&self.streams);
                let range = |e: &Entries| LogRange {
                    tail: e.tail,
                    head: e.frames.len() as u64,
                };
                streams.get(&stream).map(range).unwrap_or_default()
            };
            self.answer().await?; // after the read: an answer may be outdated when it arrives
            Ok(range)
        })
    }

    fn heads(&self, streams: Vec<StreamId>) -> Reading<'_, Vec<(StreamId, u64)>> {
        Box::pin(async move {
            let heads = {
                let all = lock(&self.streams);
                let head = |stream| Some((stream, all.get(&stream)?.frames.len() as u64));
                streams.into_iter().filter_map(head).collect()
            };
            self.answer().await?;
            Ok(heads)
        })
    }

    fn page(&self, stream: StreamId, after: u64, limit: usize) -> Reading<'_, Vec<(u64, Frame)>> {
        Box::pin(async move {
            self.pages.fetch_add(1, Ordering::SeqCst);
            let page = {
                let streams = lock(&self.streams);
                let entries = streams.get(&stream).into_iter().flat_map(|e| {
                    let from = after.max(e.tail);
                    (from + 1..).zip(e.frames.iter().skip(from as usize))
                });
                entries
                    .filter_map(|(seq, frame)| Some((seq, frame.clone()?)))
                    .take(limit)
                    .collect()
            };
            self.answer().await?;
            Ok(page)
        })
    }
}

/// A hub over a log in memory, with its fan-out running.
struct World {
    log: Arc<MemoryLog>,
    hub: Arc<Hub>,
}

impl World {
    fn new() -> World {
        World::with(RingLimits::default())
    }

    fn with(limits: RingLimits) -> World {
        let log = Arc::new(MemoryLog::default());
        let hub = Hub::new(log.clone(), limits);
        tokio::spawn(hub.clone().fan_out());
        World { log, hub }
    }

    fn append(&self, stream: StreamId) -> Published {
        self.log.append(stream, "task.updated", r#"{"title":"x"}"#)
    }

    /// Commits and publishes `n` entries.
    fn commit(&self, stream: StreamId, n: usize) {
        for _ in 0..n {
            self.hub.publish(vec![self.append(stream)]);
        }
    }

    /// Commits and publishes the end of a user's access.
    fn commit_removal(&self, stream: StreamId, user: UserId) {
        let entry = self.append_removal(stream, user);
        self.hub.publish(vec![entry]);
    }

    fn append_removal(&self, stream: StreamId, user: UserId) -> Published {
        let entry = self
            .log
            .append(stream, "member.removed", &format!(r#"{{"user_id":"{user}"}}"#));
        Published {
            removed: Some(user),
            ..entry
        }
    }

    fn socket(&self, of: UserId) -> Socket {
        Socket {
            subscriptions: Subscriptions::new(self.hub.clone(), of),
            peer: Peer::default(),
        }
    }

    fn topics(&self) -> usize {
        self.hub.watched().len()
    }
}

/// The other end of a socket. The test sets how many more frames it has room for.
struct Peer {
    got: Arc<Mutex<Vec<(String, u64)>>>,
    room: Arc<AtomicUsize>,
}

impl Default for Peer {
    fn default() -> Peer {
        Peer {
            got: Arc::default(),
            room: Arc::new(AtomicUsize::new(usize::MAX / 2)),
        }
    }
}

impl Outlet for Peer {
    type Error = Infallible;

    fn poll_room(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.room.load(Ordering::SeqCst) == 0 {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    }

    fn signal(&mut self, frame: Frame) -> Result<(), Infallible> {
        self.take(&frame);
        Ok(())
    }

    fn event(&mut self, frame: Frame, stream: StreamId, seq: u64) -> Result<(), Infallible> {
        assert!(
            frame.contains(&format!(r#""stream":"{stream}","seq":{seq},"#)),
            "{frame}"
        );
        self.take(&frame);
        Ok(())
    }
}

impl Peer {
    fn take(&mut self, frame: &str) {
        let room = self.room.load(Ordering::SeqCst);
        self.room.store(room.saturating_sub(1), Ordering::SeqCst);
        let (_, rest) = frame.split_once(r#""stream":""#).expect("a stream");
        let (stream, _) = rest.split_once('"').expect("a stream");
        lock(&self.got).push((stream.to_owned(), seq_of(frame)));
    }
}

/// A small version of a socket's task.
struct Socket {
    subscriptions: Subscriptions,
    peer: Peer,
}

impl Socket {
    async fn join(&mut self, stream: StreamId, start: Start) -> super::Joined {
        self.subscriptions
            .join(stream, start, Mode::Deliver)
            .await
            .expect("the log answers")
    }

    /// Calls `poll_deliver` once, for every cursor, whether or not the fan-out has marked it.
    fn poll(&mut self) -> Poll<Result<Delivered, Stop<Infallible>>> {
        let wakeup = self.subscriptions.wakeup().clone();
        (0..super::wakeup::SLOT_BITS).for_each(|slot| wakeup.mark(slot as u16));
        self.subscriptions.poll_deliver(
            &mut Context::from_waker(Waker::noop()),
            wakeup.take(),
            &mut self.peer,
        )
    }

    /// Delivers until there is something for the socket to act on. Only its wakeup and its reads wake it.
    async fn deliver(&mut self) -> Result<Delivered, Stop<Infallible>> {
        poll_fn(|cx| {
            loop {
                let dirty = match self.subscriptions.wakeup().poll(cx) {
                    Poll::Ready(dirty) => dirty,
                    Poll::Pending => Dirty::default(),
                };
                match self.subscriptions.poll_deliver(cx, dirty, &mut self.peer) {
                    Poll::Ready(Ok(Delivered::More)) => {}
                    Poll::Pending | Poll::Ready(Ok(Delivered::All)) => return Poll::Pending,
                    outcome @ Poll::Ready(_) => return outcome,
                }
            }
        })
        .await
    }

    /// Delivers until the peer has got `n` frames of the stream: 1 to `n` after `after`, in order.
    async fn receives(&mut self, stream: StreamId, after: u64, n: u64) {
        let got = self.peer.got.clone();
        let all = || seqs(&got, stream).len() as u64 >= n;
        tokio::select! {
            outcome = self.deliver() => panic!("{outcome:?} after the frames {:?}", seqs(&got, stream)),
            () = wait_until("all frames arrived", all) => {}
        }
        assert_eq!(
            seqs(&self.peer.got, stream),
            (after + 1..=after + n).collect::<Vec<_>>()
        );
    }

    fn got(&self, stream: StreamId) -> Vec<u64> {
        seqs(&self.peer.got, stream)
    }

    /// Runs in a separate task from now on; the test sees what it receives.
    fn run(mut self) -> Running {
        let got = self.peer.got.clone();
        let wakeup = self.subscriptions.wakeup().clone();
        let task = tokio::spawn(async move { self.deliver().await });
        Running { got, wakeup, task }
    }
}

/// A socket in a separate task.
struct Running {
    got: Arc<Mutex<Vec<(String, u64)>>>,
    wakeup: Arc<super::Wakeup>,
    task: tokio::task::JoinHandle<Result<Delivered, Stop<Infallible>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn seqs(got: &Mutex<Vec<(String, u64)>>, stream: StreamId) -> Vec<u64> {
    let name = stream.to_string();
    lock(got)
        .iter()
        .filter(|(of, _)| *of == name)
        .map(|(_, seq)| *seq)
        .collect()
}

async fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !done() {
        assert!(begun.elapsed() < DEADLINE, "timed out waiting until {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
