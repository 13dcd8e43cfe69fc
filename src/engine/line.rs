//! The line before the writers' queue. While the queue is full, new items wait in line and enter in the order of their
//! arrival. They enter whether or not their callers are polled, so a slow socket delays only itself. The line is
//! bounded by what callers have under way: a caller that disconnects removes its own items. Does not know what the
//! items do.

use super::item::Item;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::{self, Permit, error::TrySendError};

/// The line before the queue.
pub(super) struct Line {
    queue: mpsc::Sender<Item>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The items by number, in the order of arrival.
    waiting: BTreeMap<u64, Item>,
    drawn: u64,
    /// Whether a task is moving items into the queue.
    ushered: bool,
}

/// The queue is closed, because the server is stopping.
#[derive(Debug)]
pub(super) struct Closed;

/// A place in the line or in the queue. Dropping it gives up the place in the line.
#[must_use]
pub(super) struct Ticket<'a> {
    line: &'a Line,
    number: Option<u64>,
}

impl Line {
    pub(super) fn new(queue: mpsc::Sender<Item>) -> Arc<Line> {
        let state = Mutex::default();
        Arc::new(Line { queue, state })
    }

    /// Takes a place: in the queue if it has room and the line is empty, otherwise at the end of the line.
    pub(super) fn enter(self: &Arc<Line>, item: Item) -> Result<Ticket<'_>, Closed> {
        let (line, mut state) = (&**self, self.lock());
        let item = if state.waiting.is_empty() {
            match self.queue.try_send(item) {
                Ok(()) => return Ok(Ticket { line, number: None }),
                Err(TrySendError::Closed(_)) => return Err(Closed),
                Err(TrySendError::Full(item)) => item,
            }
        } else {
            item
        };
        state.drawn += 1;
        let number = state.drawn;
        state.waiting.insert(number, item);
        if !std::mem::replace(&mut state.ushered, true) {
            tokio::spawn(self.clone().usher());
        }
        let number = Some(number);
        Ok(Ticket { line, number })
    }

    /// Whether the queue takes nothing more, because the server is stopping.
    pub(super) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Moves items from the line into the queue until the line is empty.
    async fn usher(self: Arc<Line>) {
        loop {
            let room = self.queue.reserve().await;
            if !self.admit(room.ok()) {
                return;
            }
        }
    }

    /// Moves the first item of the line into the queue, under the lock, so that no other item overtakes it. Without
    /// `room` the queue is closed and all items are dropped. Returns false when the line is empty.
    fn admit(&self, room: Option<Permit<'_, Item>>) -> bool {
        let mut state = self.lock();
        if let Some(room) = room
            && let Some((_, item)) = state.waiting.pop_first()
        {
            room.send(item);
            return true;
        }
        state.ushered = false;
        let sent_away = std::mem::take(&mut state.waiting);
        drop(state);
        drop(sent_away); // the drop closes the channels on which the callers wait
        false
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let left = self
            .number
            .and_then(|number| self.line.lock().waiting.remove(&number));
        drop(left); // outside the lock
    }
}

#[cfg(test)]
mod tests {
    use super::super::Reply;
    use super::super::lane::Lane;
    use super::super::submission::Submission;
    use super::*;
    use crate::ops::sessions::EndAllSessions;
    use std::pin::Pin;
    use std::task::{Context, Waker};
    use std::time::Duration;
    use taskwire_protocol::{ErrorCode, Failure};
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_secs(20);

    type Call<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + 'a>>;

    /// A call that was polled once, as a socket polls requests that are not its first. The session identifies the call.
    fn call(lane: &Lane, n: u128) -> Call<'_> {
        let submission = Submission::of_session(n, Box::new(EndAllSessions));
        let mut call: Call<'_> = Box::pin(lane.submit(Box::new(submission)));
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        call
    }

    async fn next(queue: &mut mpsc::Receiver<Item>) -> u128 {
        match timeout(PATIENCE, queue.recv())
            .await
            .expect("an item enters the queue")
        {
            Some(Item::Submission(submission)) => submission.caller.session.0.as_u128(),
            _ => panic!("expected a submission"),
        }
    }

    #[tokio::test]
    async fn items_in_line_enter_in_order_without_being_polled() {
        let (sender, mut queue) = mpsc::channel(2);
        let lane = Lane(Line::new(sender));
        let mut calls: Vec<Call<'_>> = (0..6).map(|n| call(&lane, n)).collect();
        drop(calls.remove(3));
        let mut came = vec![next(&mut queue).await];
        // the queue has room now, but items in the line enter first
        calls.push(call(&lane, 6));
        while came.len() < 6 {
            came.push(next(&mut queue).await);
        }
        assert_eq!(came, [0, 1, 2, 4, 5, 6]);
        calls.push(call(&lane, 7));
        assert_eq!(next(&mut queue).await, 7, "the line is empty");
    }

    #[tokio::test]
    async fn items_in_line_are_refused_when_the_queue_closes() {
        let (sender, queue) = mpsc::channel(1);
        let lane = Lane(Line::new(sender));
        let calls: Vec<Call<'_>> = (0..3).map(|n| call(&lane, n)).collect();
        drop(queue);
        for call in calls {
            let answer = timeout(PATIENCE, call).await.expect("an answer");
            let refused = answer.expect_err("the server stops");
            assert_eq!(refused.code, ErrorCode::Unavailable);
        }
        assert!(
            lane.0
                .enter(Item::Stop(tokio::sync::oneshot::channel().0))
                .is_err()
        );
    }
}
