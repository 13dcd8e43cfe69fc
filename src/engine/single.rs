//! A single writer on the queue: it runs a group, then a chore, and so on, so that neither waits for more than one of
//! the other.

use super::company::{self, Last};
use super::group::{Outcome, Writer};
use super::shared::Shared;
use super::turns::{Draining, EVERY, Next, Nothing, Turns};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

/// Runs what waits in the queue.
pub(super) async fn drain(turns: Arc<Turns>, shared: Shared) {
    let turns = Draining(turns);
    let mut writer = Writer::new(shared.clone());
    let (mut last, mut grace) = (Last::default(), Instant::now());
    loop {
        if turns.ready() > 0 {
            last.company(&turns).await;
        }
        let next = turns.group(&Nothing, false, grace);
        let (is_held, mut is_idle) = (matches!(next, Next::Held), true);
        if let Next::Group(group) = next {
            is_idle = false;
            let (size, began) = (group.submissions.len(), Instant::now());
            // boxed, because the future is large
            let outcome = unless_broken(Box::pin(writer.run(group.submissions))).await;
            let Outcome { bills, left } = outcome.unwrap_or_else(|| {
                writer = another(&shared);
                Outcome::default()
            });
            let (owes, took, now) = (group.owes.is_some(), began.elapsed(), Instant::now());
            grace = company::grace(grace, owes, &bills, took, now);
            turns.charge(bills, now);
            turns.put_back(left, |_| EVERY);
            if !owes {
                last = Last::new(size, took);
            }
        }
        if let Some(errand) = turns.chore() {
            is_idle = false;
            if unless_broken(errand(&mut writer.tx)).await.is_none() {
                writer = another(&shared);
            }
        }
        if !is_idle {
            continue;
        }
        if turns.is_drained() {
            writer.tx.close().await;
            return;
        }
        turns.arrival(is_held.then_some(grace)).await;
    }
}

/// The writer after one whose group or chore panicked.
fn another(shared: &Shared) -> Writer {
    tracing::error!("a group of mutations panicked; a new writer continues");
    // the group may have committed
    shared.sessions.outdate();
    shared.wishes.clear();
    Writer::new(shared.clone())
}

/// What work on the writer returns; `None` if it panics. The panic must be caught: without the only writer, nothing could
/// be written any more.
async fn unless_broken<T>(work: impl Future<Output = T>) -> Option<T> {
    // unwind safe: the half-changed writer is never used again, because it and its connection are replaced
    AssertUnwindSafe(work).catch_unwind().await.ok()
}
