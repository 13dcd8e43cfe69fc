//! The one who writes while others watch: sends what makes events (or, against the limit, frames) at a pace, and reads
//! the answers. An event's latency counts from the moment when its turn had come, not from when it was sent, so a
//! stalled server cannot hide its stall by holding the writer up.

use crate::board::{Board, lock};
use crate::check::{Fault, Ledger};
use crate::event;
use crate::link::{Answer, Link, PATIENCE};
use crate::trouble::Trouble;
use crate::wire;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskwire_protocol::{NotificationId, WorkspaceId};
use tokio::pin;
use tokio::select;
use tokio::time::timeout;
use uuid::Uuid;

/// A timer wakes up to 1 ms late; the rest is waited for by asking the clock.
const TIMER: Duration = Duration::from_millis(2);

/// When to send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// So many events a second, `burst` of them at a time, whatever the server does.
    Rate { per_second: f64, burst: usize },
    /// As fast as they are delivered, with up to `window` events under way.
    Full { window: usize },
}

/// An op_id as clients make them: UUIDv7, increasing.
#[allow(clippy::disallowed_methods, reason = "a client makes its own op_ids")]
pub(crate) fn op_id() -> Uuid {
    Uuid::now_v7()
}

/// A `task.create` frame, about as long as real ones are.
pub(crate) fn create(out: &mut String, id: u64, op_id: Uuid, workspace: Option<WorkspaceId>) {
    out.clear();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"type":"task.create","id":{id},"op_id":"{op_id}","data":{{"#
    );
    if let Some(workspace) = workspace {
        let _ = write!(out, r#""workspace_id":"{workspace}","#);
    }
    let _ = write!(
        out,
        r#""title":"Task {id} of a load test, as long as titles are","priority":"medium"}}}}"#
    );
}

/// Makes a task that everybody hears of.
pub(crate) async fn send_one(link: &mut Link, workspace: WorkspaceId) -> Result<(), Trouble> {
    let mut text = String::new();
    create(&mut text, 1, op_id(), Some(workspace));
    link.send(&text).await
}

/// Makes `count` tasks as fast as they are answered, `TOGETHER` at a time, in the own workspace if in no other; what is
/// acknowledged goes to `ledger`.
pub(crate) async fn fill(
    link: &mut Link,
    workspace: Option<WorkspaceId>,
    count: u64,
    ledger: &Mutex<Ledger>,
    board: &Board,
) -> Result<(), Trouble> {
    const TOGETHER: u64 = 32;
    let (mut text, mut bytes) = (String::new(), Vec::new());
    let mut left = count;
    while left > 0 {
        let now = left.min(TOGETHER);
        left -= now;
        bytes.clear();
        let op_ids: Vec<Uuid> = (0..now).map(|_| op_id()).collect();
        for (id, op_id) in (0..).zip(&op_ids) {
            create(&mut text, id, *op_id, workspace);
            wire::client_frame(&mut bytes, wire::TEXT, text.as_bytes());
        }
        link.send_frames(&bytes).await?;
        let mut answered = 0;
        while answered < now {
            let read = link.read(|_, text| {
                if let Some(answer) = Answer::read(text) {
                    answered += 1;
                    let op_id = |id| op_ids.get(usize::try_from(id).ok()?).copied();
                    note(answer, op_id, ledger, board);
                }
            });
            timeout(PATIENCE, read)
                .await
                .map_err(|_| Trouble::TooLate("task.create", PATIENCE))??;
        }
    }
    Ok(())
}

/// What is sent.
pub(crate) enum Source {
    /// Requests, each of which makes an event.
    Requests(Requests),
    /// A frame again and again, each time with the next `seq`.
    Frames { sample: Vec<u8> },
}

/// What is asked for.
pub(crate) enum Wish {
    /// A task more in a workspace. Its event is the whole task.
    Task(WorkspaceId),
    /// One of these notifications less: the smallest event that a mutation makes, about 280 bytes.
    Deletion(Vec<NotificationId>),
}

/// Requests that were sent.
pub(crate) struct Requests {
    wish: Wish,
    ledger: Arc<Mutex<Ledger>>,
    /// By the requests' ids: what tells each one's event.
    causes: Vec<Uuid>,
    answered: usize,
}

impl Source {
    /// Wishes, noted in a ledger.
    pub(crate) fn of(wish: Wish, ledger: Arc<Mutex<Ledger>>) -> Source {
        Source::Requests(Requests {
            wish,
            ledger,
            causes: Vec::new(),
            answered: 0,
        })
    }

    /// Appends what makes event `seq`.
    fn encode(&mut self, out: &mut Vec<u8>, text: &mut String, seq: u64) -> Result<(), Trouble> {
        match self {
            Source::Requests(requests) => {
                requests.ask(text)?;
                wire::client_frame(out, wire::TEXT, text.as_bytes());
            }
            Source::Frames { sample } => {
                let frame = event::renumbered(sample, seq).unwrap_or_default();
                wire::client_frame(out, wire::TEXT, &frame);
            }
        }
        Ok(())
    }

    /// Takes what the server answered.
    fn hear(&mut self, text: &[u8], board: &Board) {
        if let (Source::Requests(requests), Some(answer)) = (self, Answer::read(text)) {
            requests.answered += 1;
            let cause = |id| requests.causes.get(usize::try_from(id).ok()?).copied();
            note(answer, cause, &requests.ledger, board);
        }
    }

    fn is_answered(&self) -> bool {
        match self {
            Source::Requests(requests) => requests.answered >= requests.causes.len(),
            Source::Frames { .. } => true,
        }
    }
}

impl Requests {
    /// Puts the next request into words.
    fn ask(&mut self, text: &mut String) -> Result<(), Trouble> {
        let id = self.causes.len();
        let cause = match &mut self.wish {
            Wish::Task(workspace) => {
                let op_id = op_id();
                create(text, id as u64, op_id, Some(*workspace));
                op_id
            }
            Wish::Deletion(notifications) => {
                let notification = notifications.pop();
                let notification = notification
                    .ok_or_else(|| Trouble::setup("too few notifications were made to delete"))?;
                text.clear();
                // Without an op_id, which the contract leaves to the client: a notification is deleted once anyway.
                // Writing to a string cannot fail.
                let _ = write!(
                    text,
                    r#"{{"type":"notification.delete","id":{id},"data":{{"id":"{notification}"}}}}"#
                );
                notification.0
            }
        };
        self.causes.push(cause);
        Ok(())
    }
}

/// Notes an acknowledgement; an error is a fault.
pub(crate) fn note(
    answer: Answer<'_>,
    cause: impl FnOnce(u64) -> Option<Uuid>,
    ledger: &Mutex<Ledger>,
    board: &Board,
) {
    let answer = match answer.failed() {
        Ok(answer) => answer,
        Err(failure) => return board.fault(Fault::Refused, 1, || failure.to_string()),
    };
    // What changes a workspace may tell the user's own stream too; what is only the user's changes that one alone.
    let mut places = answer.at.iter();
    let at = places
        .clone()
        .find(|(stream, _)| stream.starts_with("workspace:"))
        .or_else(|| places.next());
    match (answer.id.and_then(cause), at) {
        (Some(cause), Some((_, seq))) => lock(ledger).acknowledge(cause, *seq),
        _ => board.fault(Fault::Refused, 1, || {
            "an `ok` without the place of its event".into()
        }),
    }
}

/// The one who writes.
pub(crate) struct Writer {
    pub(crate) link: Link,
    pub(crate) source: Source,
    pub(crate) board: Arc<Board>,
    /// How many sockets get each event.
    pub(crate) watchers: usize,
    /// The head of the stream.
    pub(crate) head: u64,
}

impl Writer {
    /// Sends at a pace, until everything is delivered and answered; says how many events that were. What is missing
    /// at the end is a fault.
    pub(crate) async fn run(&mut self, pace: Pace, duration: Duration) -> Result<u64, Trouble> {
        self.board.begin(self.head);
        let (start, watchers) = (Instant::now(), self.watchers as u64);
        let (mut sent, mut text, mut bytes) = (0_u64, String::new(), Vec::new());
        let board = self.board.clone();
        loop {
            let (turn, count) = match pace {
                Pace::Rate { per_second, burst } => {
                    let turn = start + Duration::from_secs_f64(sent as f64 / per_second);
                    self.hear_until(moment(turn)).await?;
                    (turn, burst.max(1))
                }
                Pace::Full { window } => {
                    let half = (window / 2).max(1);
                    let delivered = sent.saturating_sub(half as u64) * watchers;
                    if !self.hear_until(board.until(delivered)).await? {
                        break;
                    }
                    (Instant::now(), half)
                }
            };
            if turn >= start + duration || crate::stop::is_asked() {
                break;
            }
            bytes.clear();
            for _ in 0..count {
                board.intend(turn);
                self.source.encode(&mut bytes, &mut text, self.head + sent + 1)?;
                sent += 1;
            }
            self.send(&bytes).await?;
        }
        self.head += sent;
        self.hear_until(board.until(sent * watchers)).await?;
        let missing = (sent * watchers).saturating_sub(board.lock().awaited);
        board.fault(Fault::Missing, missing, || {
            format!("{missing} of {} deliveries", sent * watchers)
        });
        self.hear_all().await?;
        Ok(sent)
    }

    /// Sends, and reads answers meanwhile: above what the server can do no turn is waited for, in which to read them.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let Writer {
            link, source, board, ..
        } = self;
        link.send_and_read(bytes, |_, text| source.hear(text, board))
            .await
    }

    /// Reads answers until something else happens.
    async fn hear_until<T>(&mut self, other: impl Future<Output = T>) -> Result<T, Trouble> {
        let Writer {
            link, source, board, ..
        } = self;
        pin!(other);
        loop {
            select! {
                biased;
                happened = &mut other => return Ok(happened),
                read = link.read(|_, text| source.hear(text, board)) => read?,
            }
        }
    }

    /// Reads until every request is answered.
    async fn hear_all(&mut self) -> Result<(), Trouble> {
        let end = Instant::now() + self.board.patience;
        while !self.source.is_answered() {
            let Writer {
                link, source, board, ..
            } = self;
            let read = link.read(|_, text| source.hear(text, board));
            let Ok(read) = tokio::time::timeout_at(end.into(), read).await else {
                board.fault(Fault::Refused, 1, || "requests were never answered".into());
                return Ok(());
            };
            read?;
        }
        Ok(())
    }
}

/// Waits until a moment, exactly.
pub(crate) async fn moment(when: Instant) {
    if let Some(early) = when.checked_sub(TIMER)
        && Instant::now() < early
    {
        tokio::time::sleep_until(early.into()).await;
    }
    while Instant::now() < when {
        tokio::task::yield_now().await;
    }
}
