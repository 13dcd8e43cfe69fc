//! The scenarios, one file each.

mod fanout;
mod idle;
mod ops;
mod storm;

use super::found::Found;
use super::peer::{Peer, Target};
use crate::trouble::Trouble;
use clap::{Args, ValueEnum};
use std::time::Duration;

/// After this time without any progress, missing events count as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// The names of scenarios.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(in crate::peers) enum Name {
    /// Idle sockets: memory of each
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
pub(in crate::peers) struct Scenario {
    /// The load on the server
    #[arg(long = "scenario")]
    pub(in crate::peers) name: Name,
    /// Seconds that are measured, in scenarios that run for a given time
    #[arg(long, default_value_t = 3.0)]
    pub(in crate::peers) seconds: f64,
    /// Seconds of warm-up before that
    #[arg(long, default_value_t = 1.0)]
    pub(in crate::peers) warm_up: f64,
    /// Watchers of fan-outs
    #[arg(long, default_value_t = 1000)]
    pub(in crate::peers) watchers: usize,
    /// Idle sockets that are measured
    #[arg(long, default_value_t = 6000)]
    pub(in crate::peers) idle: usize,
    /// Users of `ops`
    #[arg(long, default_value_t = 32)]
    pub(in crate::peers) users: usize,
    /// Sockets that are cut
    #[arg(long, default_value_t = 5000)]
    pub(in crate::peers) cut: usize,
}

impl Scenario {
    /// Runs it once.
    pub(in crate::peers) async fn run(&self, target: &Target) -> Result<Found, Trouble> {
        let mut found = Found::of(target);
        match self.name {
            Name::Idle => idle::run(self, target, &mut found).await,
            Name::Moderate | Name::Bursts | Name::Saturated => fanout::run(self, target, &mut found).await,
            Name::Ops if target.peer.stores() => ops::run(self, target, &mut found).await,
            Name::Ops => Err(Trouble::setup(
                "this peer stores nothing, so it has no operations",
            )),
            Name::Storm => storm::run(self, target, &mut found).await,
        }?;
        Ok(found)
    }
}

/// How many accounts a crowd uses. There are few for Taskwire, because sign-ups take long there.
fn accounts(peer: Peer, most: usize) -> usize {
    if peer == Peer::Taskwire {
        most.min(20)
    } else {
        most
    }
}
