//! The metrics of `live`.

use metrics::{Counter, Gauge, Histogram};

/// Handles, made once: to look up a metric by name costs more than a delivery. Install the recorder first.
pub(crate) struct Meters {
    /// Event frames given to sockets.
    pub(crate) delivered: Counter,
    /// Signals that were dropped.
    pub(crate) shed: Counter,
    /// Pages that cursors asked the log for.
    pub(crate) catch_ups: Counter,
    /// Pages that came later, because their user had read very much.
    pub(crate) paced: Counter,
    /// How many events a cursor was behind when it asked for a page.
    pub(crate) lag: Histogram,
    /// How often a topic sent its readers to the log because a frame did not arrive.
    pub(crate) gaps: Counter,
    /// Heads that were compared with the log's.
    pub(crate) compared: Counter,
    /// Streams that have watchers here.
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
            paced: metrics::counter!("taskwire_catch_ups_paced_total"),
            lag: metrics::histogram!("taskwire_cursor_lag_events"),
            gaps: metrics::counter!("taskwire_gaps_total"),
            compared: metrics::counter!("taskwire_heads_compared_total"),
            topics: metrics::gauge!("taskwire_topics"),
            ring_bytes: metrics::gauge!("taskwire_ring_bytes"),
        }
    }
}
