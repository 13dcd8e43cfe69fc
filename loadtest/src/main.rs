//! The harness: `loadtest`.

use std::process::ExitCode;

fn main() -> ExitCode {
    loadtest::harness()
}
