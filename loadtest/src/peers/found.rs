//! The results of one run of one scenario, as the line of JSON from which the table is made.

use super::peer::{Peer, Target};
use crate::board::Board;
use crate::fault::Fault;
use crate::meter::{Latency, millis_at};
use crate::processes::Spent;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The results of one run of one scenario.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Found {
    pub(super) column: String,
    pub(super) values: BTreeMap<String, f64>,
    pub(super) faults: BTreeMap<String, u64>,
}

impl Found {
    /// Results without numbers yet.
    pub(super) fn of(target: &Target) -> Found {
        Found {
            column: target.column(),
            values: BTreeMap::new(),
            faults: BTreeMap::new(),
        }
    }

    /// Adds a number under the scenario's name.
    pub(super) fn put(&mut self, scenario: &str, what: &str, value: f64) {
        self.values.insert(format!("{scenario}.{what}"), value);
    }

    /// Adds the median and the 99th percentile, in ms.
    pub(super) fn put_latency(&mut self, scenario: &str, latency: &Latency) {
        self.put(scenario, "p50", millis_at(latency, 0.5));
        self.put(scenario, "p99", millis_at(latency, 0.99));
    }

    /// Adds how busy this program was. Near 100%, it was the limit.
    pub(super) fn put_client(&mut self, scenario: &str, spent: Spent, seconds: f64) {
        self.put(scenario, "client", Spent::of_a_core(spent.harness, seconds));
    }

    /// Adds the faults.
    pub(super) fn put_faults(&mut self, peer: Peer, board: &Board) {
        for (fault, times) in &board.lock().faults.count {
            let what = in_words(*fault, peer).to_owned();
            *self.faults.entry(what).or_default() += times;
        }
    }
}

/// Describes a fault. Only Taskwire promises an order.
fn in_words(fault: Fault, peer: Peer) -> &'static str {
    match fault {
        Fault::Missing => "deliveries that never arrived",
        Fault::Duplicate => "events that arrived twice",
        Fault::Reordered if peer == Peer::Taskwire => "events out of order",
        Fault::Reordered => "events out of order, which it does not promise",
        Fault::Cut => "sockets that the server cut",
        _ => "requests that were refused or never answered",
    }
}
