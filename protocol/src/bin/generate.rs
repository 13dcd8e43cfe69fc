//! Writes the generated files of this crate.
//!
//! - `cargo run -p taskwire-protocol --bin generate` writes the schema, the TypeScript types and the reference.
//! - With `--release` it also saves the current contract as the released one, with which a test compares later
//!   contracts. It refuses when the current contract would break clients of the last release.

use serde_json::Value;
use std::{env, fs, io, path::Path, process::ExitCode};
use taskwire_protocol::{
    compatibility::{breaks, contract, wrong_revision},
    generate::OUTPUTS,
};

const RELEASED: &str = "released.json";

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let release = match env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [only] if only == "--release" => true,
        _ => {
            eprintln!("usage: generate [--release]");
            return ExitCode::from(2);
        }
    };
    let done = write(folder).and_then(|()| if release { keep(folder) } else { Ok(()) });
    if let Err(message) = done {
        eprintln!("{message}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn write(folder: &Path) -> Result<(), String> {
    for (name, text) in OUTPUTS {
        fs::write(folder.join(name), text()).map_err(|error| format!("cannot write {name}: {error}"))?;
    }
    Ok(())
}

/// Saves the current contract as the released one, unless it would break clients of the last release.
fn keep(folder: &Path) -> Result<(), String> {
    let (file, present) = (folder.join(RELEASED), contract());
    match fs::read_to_string(&file) {
        Ok(text) => {
            let last: Value =
                serde_json::from_str(&text).map_err(|error| format!("{RELEASED} is not JSON: {error}"))?;
            let mut wrong = breaks(&last, &present);
            wrong.extend(wrong_revision(&last, &present));
            if !wrong.is_empty() {
                return Err(format!("{RELEASED} was not changed:\n{}", wrong.join("\n")));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("cannot read {RELEASED}: {error}")),
    }
    fs::write(&file, format!("{present:#}\n")).map_err(|error| format!("cannot write {RELEASED}: {error}"))
}
