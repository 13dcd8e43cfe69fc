//! Decides when a writer sends, and waits for exact moments. A latency counts from the turn of its event, not from the
//! sending, so a stalled server cannot hide its stall by delaying the writer.

use crate::board::Board;
use crate::fault::Fault;
use crate::stop;
use crate::trouble::Trouble;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;
use tokio::{pin, select};

/// A timer may wake up to 1 ms late. So the timer ends this long before the moment, and a loop reads the clock for the
/// rest.
const TIMER: Duration = Duration::from_millis(2);

/// When to send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// This many events a second, `burst` of them at a time, independent of the server.
    Rate { per_second: f64, burst: usize },
    /// As fast as they are delivered, with up to `window` events under way.
    Full { window: usize },
}

/// A writer that others watch.
pub(crate) trait Writes {
    /// Sends `count` events whose turn is `turn`.
    async fn send(&mut self, count: usize, turn: Instant) -> Result<(), Trouble>;

    /// Waits until bytes arrive, and handles the answers in them. Safe to cancel.
    async fn hear(&mut self) -> Result<(), Trouble>;

    /// How many requests are not answered yet.
    fn unanswered(&self) -> u64;

    /// Handles answers until `other` is done.
    async fn hear_until<T>(&mut self, other: impl Future<Output = T>) -> Result<T, Trouble> {
        pin!(other);
        loop {
            select! {
                biased;
                happened = &mut other => return Ok(happened),
                heard = self.hear() => heard?,
            }
        }
    }

    /// Handles answers until every request is answered. Missing answers are faults.
    async fn hear_all(&mut self, board: &Board) -> Result<(), Trouble> {
        let end = Instant::now() + board.patience;
        while self.unanswered() > 0 {
            let Ok(heard) = timeout_at(end.into(), self.hear()).await else {
                let missing = self.unanswered();
                board.fault(Fault::Refused, missing, || {
                    format!("{missing} requests were never answered")
                });
                return Ok(());
            };
            heard?;
        }
        Ok(())
    }
}

impl Pace {
    /// Lets `writer` send for `duration`. Then waits until every event is delivered to `watchers` sockets and every
    /// request is answered. Missing deliveries are faults. Returns how many events were sent.
    pub(crate) async fn drive(
        self,
        writer: &mut impl Writes,
        board: &Board,
        watchers: u64,
        duration: Duration,
    ) -> Result<u64, Trouble> {
        let (start, mut sent) = (Instant::now(), 0_u64);
        loop {
            let (turn, count) = match self {
                Pace::Rate { per_second, burst } => {
                    let turn = start + Duration::from_secs_f64(sent as f64 / per_second);
                    writer.hear_until(moment(turn)).await?;
                    (turn, burst.max(1))
                }
                Pace::Full { window } => {
                    let half = (window / 2).max(1);
                    let delivered = sent.saturating_sub(half as u64) * watchers;
                    if !writer.hear_until(board.until(delivered)).await? {
                        break;
                    }
                    (Instant::now(), half)
                }
            };
            if turn >= start + duration || stop::is_asked() {
                break;
            }
            writer.send(count, turn).await?;
            sent += count as u64;
        }
        writer.hear_until(board.all(sent * watchers)).await?;
        writer.hear_all(board).await?;
        Ok(sent)
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
