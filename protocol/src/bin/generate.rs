//! Writes the generated files of this crate: `cargo run -p taskwire-protocol --bin generate`.

use std::{fs, path::Path, process::ExitCode};
use taskwire_protocol::generate::OUTPUTS;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, text) in OUTPUTS {
        if let Err(error) = fs::write(folder.join(name), text()) {
            eprintln!("cannot write {name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
