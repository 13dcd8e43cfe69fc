//! The scenarios, one file each: setup, measurement, report.

pub(crate) mod fanout;
pub(crate) mod hop;
pub(crate) mod idle;
pub(crate) mod mixed;
pub(crate) mod ops;
pub(crate) mod reminders;
pub(crate) mod resume;
pub(crate) mod sign_ins;
pub(crate) mod slow;
pub(crate) mod storm;

use crate::report::Report;
use crate::server_options::ServerOptions;
use crate::target::Server;
use crate::trouble::Trouble;
use clap::{Parser, Subcommand};
use serde::Serialize;

/// A scenario with its options.
#[derive(Clone, Debug, Subcommand, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scenario {
    /// Idle sockets: memory of each, and how fast they connect
    Idle(idle::Idle),
    /// Many watchers of one workspace and a writer: cost, rate and latency of a delivery
    Fanout(fanout::Fanout),
    /// Durable operations, in a closed loop or at a rate: operations a second, their cost and latency
    Ops(ops::Ops),
    /// Many workspaces with teams of all sizes, with watchers and people at work
    Mixed(mixed::Mixed),
    /// All sockets cut at once: seconds until all are back
    Storm(storm::Storm),
    /// All sockets away for some events, then back: time and cost by the number of missed events
    Resume(resume::Resume),
    /// A few slow readers: their effect on the latency of the others
    Slow(slow::Slow),
    /// Many sign in at once: how much longer the operations of others take
    SignIns(sign_ins::SignIns),
    /// Many reminders due at one moment: how late they arrive, and how much longer the operations of others take
    Reminders(reminders::Reminders),
    /// `mixed` for a long time: drift of memory, descriptors and latency
    Soak(mixed::Soak),
    /// Two instances: how much later an event arrives at the other one
    Hop(hop::Hop),
}

/// A scenario with its options, read by the parser of the command line.
#[derive(Parser)]
struct Typed {
    #[command(subcommand)]
    scenario: Scenario,
}

impl Scenario {
    /// Parses a scenario from a command line, so that each can also be run by hand.
    pub(crate) fn typed(line: &str) -> Result<Scenario, Trouble> {
        let words = std::iter::once("loadtest").chain(line.split_whitespace());
        let typed = Typed::try_parse_from(words).map_err(|error| Trouble::setup(error.to_string()))?;
        Ok(typed.scenario)
    }

    /// How many sockets the scenario opens.
    pub(crate) fn sockets(&self) -> usize {
        match self {
            Scenario::Idle(idle) => idle.sockets + idle.accounts,
            Scenario::Fanout(fanout) => fanout.watchers,
            Scenario::Ops(ops) => 2 * ops.clients,
            Scenario::Mixed(mixed) => mixed.company.all_sockets(),
            Scenario::Storm(storm) => storm.sockets,
            Scenario::Resume(resume) => resume.sockets,
            Scenario::Slow(slow) => slow.watchers + slow.crawlers,
            Scenario::SignIns(sign_ins) => 1 + sign_ins.people,
            Scenario::Reminders(reminders) => 1 + reminders.people,
            Scenario::Soak(soak) => soak.company.all_sockets(),
            Scenario::Hop(_) => hop::WATCHERS,
        }
    }

    /// Runs the scenario once against a server.
    pub(crate) async fn run(&self, server: &mut Server, options: &ServerOptions) -> Result<Report, Trouble> {
        let report = match self {
            Scenario::Idle(idle) => idle.run(server, options).await,
            Scenario::Fanout(fanout) => fanout.run(server, options).await,
            Scenario::Ops(ops) => ops.run(server).await,
            Scenario::Mixed(mixed) => mixed.run(server, options).await,
            Scenario::Storm(storm) => storm.run(server, options).await,
            Scenario::Resume(resume) => resume.run(server).await,
            Scenario::Slow(slow) => slow.run(server).await,
            Scenario::SignIns(sign_ins) => sign_ins.run(server).await,
            Scenario::Reminders(reminders) => reminders.run(server).await,
            Scenario::Soak(soak) => soak.run(server).await,
            Scenario::Hop(hop) => hop.run(server, options).await,
        };
        report.map(Report::over)
    }
}
