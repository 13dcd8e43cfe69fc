//! The last line of a node's log: how long the drain took, and what was left at its end.

use tokio::time::Instant;

/// What is open when the time to drain is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left {
    /// Sockets that did not close.
    pub sockets: usize,
    /// Connections with a request that was not answered.
    pub connections: usize,
}

/// The end of a drain.
pub(super) struct Drained {
    /// When the drain began.
    pub(super) since: Instant,
    pub(super) left: Left,
    /// Whether the jobs that ran here are released for other instances.
    pub(super) jobs_released: bool,
    /// Whether everything that was queued was written, and the database closed.
    pub(super) database_closed: bool,
}

impl Drained {
    /// Writes the line. It is a warning if something was left. `before` writes what must not follow it.
    pub(super) fn tell(&self, before: impl FnOnce()) {
        before();
        let duration_ms = self.since.elapsed().as_millis() as u64;
        let Left { sockets, connections } = self.left;
        let left = self.left_overs();
        if left.is_empty() {
            tracing::info!(sockets, connections, duration_ms, "drained: nothing was left");
        } else {
            tracing::warn!(
                sockets,
                connections,
                duration_ms,
                "drained, but {}",
                left.join("; ")
            );
        }
    }

    fn left_overs(&self) -> Vec<String> {
        let Left { sockets, connections } = self.left;
        let mut left = Vec::new();
        if sockets > 0 {
            let open = counted(sockets, "socket was", "sockets were");
            left.push(format!("{open} cut off when drain_seconds were over"));
        }
        if connections > 0 {
            let open = counted(connections, "connection was", "connections were");
            left.push(format!("{open} cut off before the answer was sent"));
        }
        if !self.jobs_released {
            left.push("jobs were not released and run again when their claims expire".to_owned());
        }
        if !self.database_closed {
            left.push("the database did not close in time, so unfinished requests get no answer".to_owned());
        }
        left
    }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_left_is_told() {
        let mut drained = Drained {
            since: Instant::now(),
            left: Left::default(),
            jobs_released: true,
            database_closed: true,
        };
        assert!(drained.left_overs().is_empty());
        drained.left = Left {
            sockets: 3,
            connections: 1,
        };
        drained.jobs_released = false;
        assert_eq!(
            drained.left_overs(),
            [
                "3 sockets were cut off when drain_seconds were over",
                "1 connection was cut off before the answer was sent",
                "jobs were not released and run again when their claims expire"
            ]
        );
    }
}
