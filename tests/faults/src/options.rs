//! The command line of the fault test.

use crate::fault::Kind;
use clap::Parser;
use std::path::PathBuf;

/// Breaks three instances of Taskwire, their PostgreSQL and their Redis in every way known, under load, and checks
/// that nothing is lost, doubled, out of order, or shown to somebody without access.
#[derive(Parser, Clone, Debug)]
#[command(name = "tests/chaos", version)]
pub(crate) struct Options {
    /// Minutes under load and faults
    #[arg(long, default_value_t = 1.0)]
    pub(crate) minutes: f64,
    /// Sockets that read
    #[arg(long, default_value_t = 300)]
    pub(crate) sockets: usize,
    /// Workspaces that are written to
    #[arg(long, default_value_t = 20)]
    pub(crate) workspaces: usize,
    /// Mutations to invoke, at an even pace
    #[arg(long, default_value_t = 20_000)]
    pub(crate) mutations: u64,
    /// Faults to inject, spread over the time; each kind comes before any comes twice
    #[arg(long, default_value_t = 30)]
    pub(crate) faults: usize,
    /// Repeats the choices of another run
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What the length of long faults is multiplied by; 1 from ten minutes on, less in shorter runs
    #[arg(long)]
    pub(crate) scale: Option<f64>,
    /// Instances
    #[arg(long, default_value_t = 3)]
    pub(crate) instances: usize,
    /// Only these kinds of faults (see --list), separated by commas
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<Kind>,
    /// Every kind of fault alone, one after the other, and every client at the head after each
    #[arg(long)]
    pub(crate) each: bool,
    /// List the kinds of faults, and end
    #[arg(long)]
    pub(crate) list: bool,
    /// The server, built with the feature `failpoints`
    #[arg(long, env = "CHAOS_SERVER")]
    pub(crate) server: Option<PathBuf>,
    /// The folder of PostgreSQL's programs
    #[arg(long, env = "CHAOS_POSTGRES_BIN")]
    pub(crate) postgres_bin: Option<PathBuf>,
    /// Where logs and records go; a new folder in the system's temporary one when not said
    #[arg(long)]
    pub(crate) artifacts: Option<PathBuf>,
}

impl Options {
    /// What the length of long faults is multiplied by.
    pub(crate) fn scale(&self) -> f64 {
        self.scale
            .unwrap_or_else(|| (self.minutes / 10.0).clamp(0.04, 1.0))
    }
}
