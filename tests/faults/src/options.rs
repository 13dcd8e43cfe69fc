//! The command line of the fault test.

use crate::fault::Kind;
use clap::Parser;
use std::path::PathBuf;

/// Puts three instances of Taskwire, their PostgreSQL and their Redis under load, injects every known kind of fault,
/// and checks that nothing is lost, doubled, out of order, or sent to a user without access.
#[derive(Parser, Clone, Debug)]
#[command(name = "tests/chaos", version)]
pub(crate) struct Options {
    /// Minutes under load and faults
    #[arg(long, default_value_t = 1.0)]
    pub(crate) minutes: f64,
    /// Sockets that read
    #[arg(long, default_value_t = 300)]
    pub(crate) sockets: usize,
    /// Workspaces in which writers write
    #[arg(long, default_value_t = 20)]
    pub(crate) workspaces: usize,
    /// Mutations to invoke, at an even pace
    #[arg(long, default_value_t = 20_000)]
    pub(crate) mutations: u64,
    /// Faults to inject, spread over the time; each kind comes once before any comes twice
    #[arg(long, default_value_t = 30)]
    pub(crate) faults: usize,
    /// The seed of another run, to repeat its choices
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Factor for the length of long faults; by default 1 from ten minutes on, less in shorter runs
    #[arg(long)]
    pub(crate) scale: Option<f64>,
    /// Instances to start
    #[arg(long, default_value_t = 3)]
    pub(crate) instances: usize,
    /// Inject only these kinds of faults (see --list), separated by commas
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<Kind>,
    /// Inject every kind of fault alone, one after the other; after each, every client must reach the head
    #[arg(long)]
    pub(crate) each: bool,
    /// List the kinds of faults, and exit
    #[arg(long)]
    pub(crate) list: bool,
    /// The server's program, built with the feature `failpoints`
    #[arg(long, env = "CHAOS_SERVER")]
    pub(crate) server: Option<PathBuf>,
    /// The folder of PostgreSQL's programs
    #[arg(long, env = "CHAOS_POSTGRES_BIN")]
    pub(crate) postgres_bin: Option<PathBuf>,
    /// Folder for logs and records; by default a new one in the system's temporary folder
    #[arg(long)]
    pub(crate) artifacts: Option<PathBuf>,
}

impl Options {
    /// The factor for the length of long faults.
    pub(crate) fn scale(&self) -> f64 {
        self.scale
            .unwrap_or_else(|| (self.minutes / 10.0).clamp(0.04, 1.0))
    }
}
