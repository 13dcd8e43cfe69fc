//! What is done to a server, a file each, and how what was found is written down.

mod fanout;
mod idle;
mod ops;
mod storm;

use crate::board::{Board, Latency};
use crate::peer::{Peer, Target};
use crate::trouble::Trouble;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The names of scenarios.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Name {
    /// Sockets that only are there: memory of each
    Idle,
    /// Watchers and 10 events a second
    Moderate,
    /// The same events, 8 at a time
    Bursts,
    /// Events as fast as they are delivered
    Saturated,
    /// Durable task.create in a closed loop, pushed to each user's other socket
    Ops,
    /// All sockets cut at once
    Storm,
}

/// One scenario.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// Which
    #[arg(long = "scenario")]
    pub(crate) name: Name,
    /// Seconds that are measured, where a scenario has no end of its own
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
    /// Seconds before that
    #[arg(long, default_value_t = 1.0)]
    pub(crate) warm_up: f64,
    /// Watchers of fan-outs
    #[arg(long, default_value_t = 1000)]
    pub(crate) watchers: usize,
    /// Idle sockets that are measured
    #[arg(long, default_value_t = 6000)]
    pub(crate) idle: usize,
    /// Users of `ops`
    #[arg(long, default_value_t = 32)]
    pub(crate) users: usize,
    /// Sockets that are cut
    #[arg(long, default_value_t = 5000)]
    pub(crate) cut: usize,
}

/// What one run of one scenario found.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Found {
    pub(crate) column: String,
    pub(crate) values: BTreeMap<String, f64>,
    pub(crate) faults: BTreeMap<String, u64>,
}

impl Scenario {
    /// Runs it once.
    pub(crate) async fn run(&self, target: &Target) -> Result<Found, Trouble> {
        let mut found = Found {
            column: target.column(),
            values: BTreeMap::new(),
            faults: BTreeMap::new(),
        };
        match self.name {
            Name::Idle => idle::run(self, target, &mut found).await,
            Name::Moderate | Name::Bursts | Name::Saturated => fanout::run(self, target, &mut found).await,
            Name::Ops if target.peer.stores() => ops::run(self, target, &mut found).await,
            Name::Ops => Err(Trouble::Setup("it stores nothing".into())),
            Name::Storm => storm::run(self, target, &mut found).await,
        }?;
        Ok(found)
    }
}

impl Found {
    /// Adds a number under the scenario's name.
    fn put(&mut self, scenario: &str, what: &str, value: f64) {
        self.values.insert(format!("{scenario}.{what}"), value);
    }

    /// Adds the median and the 99th percentile, in ms.
    fn put_latency(&mut self, scenario: &str, latency: &Latency) {
        let at = |quantile| latency.value_at_quantile(quantile) as f64 / 1000.0;
        self.put(scenario, "p50", at(0.5));
        self.put(scenario, "p99", at(0.99));
    }

    /// Adds what was wrong.
    fn put_faults(&mut self, board: &Board) {
        let tally = board.lock();
        for (what, times) in &tally.faults {
            *self.faults.entry((*what).to_owned()).or_default() += times;
        }
        // Taskwire promises order; the others do not.
        if tally.disordered > 0 {
            let promised = self.column.starts_with("taskwire");
            let what = if promised {
                "events out of order"
            } else {
                "events out of order, which it does not promise"
            };
            *self.faults.entry(what.to_owned()).or_default() += tally.disordered;
        }
    }
}

/// Accounts that a crowd belongs to: few for those who are only asked for a token.
fn accounts(peer: Peer, most: usize) -> usize {
    if peer == Peer::Taskwire {
        most.min(20)
    } else {
        most
    }
}
