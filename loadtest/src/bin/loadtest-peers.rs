//! The client of the comparison: `loadtest-peers`, which `loadtest/peers/run` calls.

use std::process::ExitCode;

fn main() -> ExitCode {
    loadtest::peers()
}
