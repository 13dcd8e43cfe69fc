//! The one who writes while others watch, at a pace, and reads the answers. An event's latency counts from the moment
//! when its turn had come: a stalled server cannot hide its stall by holding the writer up.

use crate::account::Account;
use crate::board::Board;
use crate::hear::Heard;
use crate::join::{Role, join};
use crate::link::{Link, PATIENCE};
use crate::peer::Target;
use crate::say;
use crate::trouble::Trouble;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::{pin, select};

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

/// The one who writes.
pub(crate) struct Writer<'a> {
    link: Link,
    target: &'a Target,
    account: &'a Account,
    board: Arc<Board>,
    /// How many sockets get each event.
    watchers: u64,
    /// Events sent so far.
    sent: u64,
    answered: u64,
}

impl<'a> Writer<'a> {
    /// Opens the writer's socket.
    pub(crate) async fn open(
        target: &'a Target,
        account: &'a Account,
        board: &Arc<Board>,
        watchers: usize,
    ) -> Result<Writer<'a>, Trouble> {
        Ok(Writer {
            link: join(target, account, Role::Write, &None).await?.0,
            target,
            account,
            board: board.clone(),
            watchers: watchers as u64,
            sent: 0,
            answered: 0,
        })
    }

    /// Sends `count` events at once, whose turn is `turn`.
    pub(crate) async fn send(&mut self, count: usize, turn: Instant) -> Result<(), Trouble> {
        let mut bytes = Vec::new();
        for _ in 0..count {
            self.sent += 1;
            self.board.intend(turn);
            say::create(&mut bytes, self.target.peer, self.account, self.sent, true);
        }
        self.link.send(&bytes).await
    }

    /// Sends at a pace, until everything is delivered and answered; says how many events that were. What is missing
    /// at the end is a fault.
    pub(crate) async fn run(&mut self, pace: Pace, duration: Duration) -> Result<u64, Trouble> {
        let before = self.sent;
        self.board.begin(before);
        let (start, board) = (Instant::now(), self.board.clone());
        loop {
            let sent = self.sent - before;
            let (turn, count) = match pace {
                Pace::Rate { per_second, burst } => {
                    let turn = start + Duration::from_secs_f64(sent as f64 / per_second);
                    self.hear_until(moment(turn)).await?;
                    (turn, burst.max(1))
                }
                Pace::Full { window } => {
                    let half = (window / 2).max(1);
                    let delivered = sent.saturating_sub(half as u64) * self.watchers;
                    if !self.hear_until(board.until(delivered)).await? {
                        break;
                    }
                    (Instant::now(), half)
                }
            };
            if turn >= start + duration {
                break;
            }
            self.send(count, turn).await?;
        }
        let sent = self.sent - before;
        self.hear_until(board.all(sent * self.watchers)).await?;
        self.hear_all().await?;
        Ok(sent)
    }

    /// Reads answers until something else happens.
    pub(crate) async fn hear_until<T>(&mut self, other: impl Future<Output = T>) -> Result<T, Trouble> {
        let Writer {
            link,
            answered,
            board,
            ..
        } = self;
        pin!(other);
        loop {
            select! {
                biased;
                happened = &mut other => return Ok(happened),
                read = link.read(|_, heard| note(&heard, answered, board)) => read?,
            }
        }
    }

    /// Reads until every request is answered.
    pub(crate) async fn hear_all(&mut self) -> Result<(), Trouble> {
        let end = Instant::now() + PATIENCE;
        while self.target.peer.answers() && self.answered < self.sent {
            let (answered, board) = (&mut self.answered, &self.board);
            let read = self.link.read(|_, heard| note(&heard, answered, board));
            let Ok(read) = tokio::time::timeout_at(end.into(), read).await else {
                board.fault("requests that were never answered", self.sent - self.answered);
                return Ok(());
            };
            read?;
        }
        Ok(())
    }
}

fn note(heard: &Heard<'_>, answered: &mut u64, board: &Board) {
    match heard {
        Heard::Ok(_) => *answered += 1,
        Heard::Refused(_) => {
            *answered += 1;
            board.fault("requests that were refused", 1);
        }
        _ => {}
    }
}

/// Waits until a moment, exactly.
async fn moment(when: Instant) {
    if let Some(early) = when.checked_sub(TIMER)
        && Instant::now() < early
    {
        tokio::time::sleep_until(early.into()).await;
    }
    while Instant::now() < when {
        tokio::task::yield_now().await;
    }
}
