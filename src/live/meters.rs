//! What live tells about itself to the metrics.

use metrics::{Counter, Gauge, Histogram};

/// Handles, taken once: looking a metric up by name costs more than a delivery. The recorder must be installed before.
pub(crate) struct Meters {
    /// Event frames given to sockets.
    pub(crate) delivered: Counter,
    /// Signals that were dropped.
    pub(crate) shed: Counter,
    /// Pages that cursors asked the log for.
    pub(crate) catch_ups: Counter,
    /// By how many events a cursor was behind when it asked.
    pub(crate) lag: Histogram,
    /// Times that readers were sent to the log for a frame that did not come.
    pub(crate) gaps: Counter,
    /// Heads compared with the log's.
    pub(crate) compared: Counter,
    /// Streams that somebody here watches.
    pub(crate) topics: Gauge,
    /// Bytes of all rings.
    pub(crate) ring_bytes: Gauge,
}

impl Meters {
    pub(crate) fn new() -> Meters {
        Meters {
            delivered: metrics::counter!("taskwire_events_delivered_total"),
            shed: metrics::counter!("taskwire_signals_shed_total"),
            catch_ups: metrics::counter!("taskwire_catch_ups_total"),
            lag: metrics::histogram!("taskwire_cursor_lag_events"),
            gaps: metrics::counter!("taskwire_gaps_total"),
            compared: metrics::counter!("taskwire_heads_compared_total"),
            topics: metrics::gauge!("taskwire_topics"),
            ring_bytes: metrics::gauge!("taskwire_ring_bytes"),
        }
    }
}
