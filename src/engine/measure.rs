//! The metrics of requests, from arrival to answer. The dispatcher records the requests that it answers; transports
//! record those that never reached it.

use taskwire_protocol::Failure;
use taskwire_protocol::operations::CATALOG;
use tokio::time::Instant;

/// A request that has no answer yet.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    operation: &'static str,
    since: Instant,
}

impl Measure {
    /// A request of an operation that arrived at `since`.
    pub fn begin(operation: &'static str, since: Instant) -> Measure {
        Measure { operation, since }
    }

    /// A request of an operation that the client named. Unknown names share one label, so that clients cannot create
    /// labels.
    pub fn named(operation: &str, since: Instant) -> Measure {
        let row = CATALOG.iter().find(|row| row.name == operation);
        Measure::begin(row.map_or("unknown", |row| row.name), since)
    }

    /// When the request arrived.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Records the answer.
    pub fn end<T>(self, answer: &Result<T, Failure>) {
        let outcome = match answer {
            Ok(_) => "ok",
            Err(failure) => failure.code.as_str(),
        };
        metrics::counter!("taskwire_operations_total", "type" => self.operation, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("taskwire_operation_seconds", "type" => self.operation)
            .record(self.since.elapsed().as_secs_f64());
    }
}
