//! How long a group waits for more mutations before it begins.

use super::item::Item;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A group waits at most this long.
const LONGEST: Duration = Duration::from_millis(4);
/// It begins earlier when for this long nothing came and nothing ran.
const QUIET: Duration = Duration::from_micros(200);
/// A turn of the scheduler in which nothing ran is shorter.
const TURN: Duration = Duration::from_micros(40);

/// The group before. Its clients have their answers and are about to ask again. A group that began with the first of
/// them would leave the others to wait for a whole commit. So the next group waits for as many jobs, at most half as
/// long as the last one took, and begins early when nothing comes for a moment. After a single job it does not wait.
#[derive(Default)]
pub(super) struct Last {
    jobs: usize,
    wait: Duration,
}

impl Last {
    pub(super) fn new(jobs: usize, took: Duration) -> Last {
        let wait = if jobs > 1 {
            (took / 2).min(LONGEST)
        } else {
            Duration::ZERO
        };
        Last { jobs, wait }
    }

    /// Takes what is there, and waits a moment for the rest.
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
            let enough = received.len() >= room || received.len() + waiting >= self.jobs;
            if enough || now - began >= self.wait || idle >= QUIET {
                return;
            }
            // other tasks run now, sockets among them; a long turn means that one had work, perhaps to send an answer
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
