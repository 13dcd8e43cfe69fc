//! How long a group waits for more mutations before it begins.

use super::item::Item;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A group waits at most this long.
const LONGEST: Duration = Duration::from_millis(4);
/// A group begins earlier when nothing arrived and no other task ran for this long.
const QUIET: Duration = Duration::from_micros(200);
/// A turn of the scheduler that takes longer than this has run another task.
const TURN: Duration = Duration::from_micros(40);

/// The previous group. Its clients have their answers and are about to send the next requests. A group that began with
/// the first of these requests would make the others wait for a whole commit. So the next group waits until it has as
/// many submissions as the previous one, at most half as long as the previous one took. It begins early when nothing
/// arrives for a moment. After a group of a single submission it does not wait.
#[derive(Default)]
pub(super) struct Last {
    submissions: usize,
    wait: Duration,
}

impl Last {
    pub(super) fn new(submissions: usize, took: Duration) -> Last {
        let wait = if submissions > 1 {
            (took / 2).min(LONGEST)
        } else {
            Duration::ZERO
        };
        Last { submissions, wait }
    }

    /// Takes what is in the queue, and waits a moment for more. `waiting`: how many items the group has already.
    pub(super) async fn company(
        &self,
        queue: &mut mpsc::Receiver<Item>,
        received: &mut Vec<Item>,
        room: usize,
        waiting: usize,
    ) {
        let began = Instant::now();
        let mut idle = Duration::ZERO;
        loop {
            let before = received.len();
            while received.len() < room {
                let Ok(item) = queue.try_recv() else { break };
                received.push(item);
            }
            let now = Instant::now();
            let enough = received.len() >= room || received.len() + waiting >= self.submissions;
            if enough || now - began >= self.wait || idle >= QUIET {
                return;
            }
            // other tasks run now, including sockets; a long turn means that one of them had work, perhaps an answer
            tokio::task::yield_now().await;
            let turn = now.elapsed();
            idle = if turn > TURN || received.len() > before {
                Duration::ZERO
            } else {
                idle + turn
            };
        }
    }
}
