//! The script with which a shell completes `tw`'s commands and options.

use crate::{args::Args, fault::Fault};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::Write as _;

/// Prints the script of a shell.
pub(crate) fn print(shell: Shell) -> Result<(), Fault> {
    // The generator panics when it cannot write, and a reader of standard output may be gone.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "tw", &mut script);
    let mut out = std::io::stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(())
}
