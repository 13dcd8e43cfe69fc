//! Compresses the files of the board, which `web/built` has ready, and writes the table by which `src/http/board/files.rs`
//! embeds them. Does not build the board: a build of the server needs no Node.

#[path = "src/http/board/compress.rs"]
mod compress;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

const BUILT: &str = "web/built";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={BUILT}");
    println!("cargo::rerun-if-changed=src/http/board/compress.rs");
    let variable = |name| PathBuf::from(env::var_os(name).unwrap_or_default());
    let (root, out) = (variable("CARGO_MANIFEST_DIR"), variable("OUT_DIR"));
    let built = root.join(BUILT);
    let mut paths = Vec::new();
    collect(&built, &mut paths)?;
    paths.sort();
    let mut table = String::from("&[\n");
    for (number, path) in paths.iter().enumerate() {
        let row = row(&built, path, &out.join(number.to_string()))?;
        table.push_str(&row);
    }
    table.push_str("]\n");
    fs::write(out.join("board.rs"), table)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// The line of the table for a file; writes its compressed forms beside `place`.
fn row(built: &Path, path: &Path, place: &Path) -> io::Result<String> {
    let bytes = fs::read(path)?;
    let name = path.strip_prefix(built).unwrap_or(path).to_string_lossy();
    let digest: String = Sha256::digest(&bytes)[..12]
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // a string takes everything
            text
        });
    let kept = |form: Option<Vec<u8>>, extension: &str| -> io::Result<String> {
        let Some(form) = form else {
            return Ok("None".into());
        };
        let place = place.with_extension(extension);
        fs::write(&place, form)?;
        Ok(format!("Some(include_bytes!({:?}))", place.display().to_string()))
    };
    let brotli = kept(compress::brotli(&bytes), "br")?;
    let gzip = kept(compress::gzip(&bytes), "gz")?;
    let name = name.replace('\\', "/");
    let source = path.display().to_string();
    Ok(format!(
        "Embedded {{ name: {name:?}, digest: {digest:?}, plain: include_bytes!({source:?}), brotli: {brotli}, gzip: {gzip} }},\n"
    ))
}
