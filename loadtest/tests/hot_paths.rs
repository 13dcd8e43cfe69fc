//! The hot paths cost at most 10% more than recorded: allocations and bytes always, instructions if valgrind is
//! installed.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs the example `hot_paths`. `cargo test` has built it.
fn hot_paths(arguments: &[&str]) -> Output {
    let this = std::env::current_exe().expect("this test");
    let target: PathBuf = this
        .parent()
        .expect("deps")
        .parent()
        .expect("a target folder")
        .into();
    let program = target.join("examples").join("hot_paths");
    assert!(
        program.exists(),
        "the example is missing: cargo test builds it; with --test, add --examples"
    );
    Command::new(program).args(arguments).output().expect("it starts")
}

#[test]
fn the_hot_paths_cost_no_more_than_recorded() {
    let output = hot_paths(&["--check"]);
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_regression_of_more_than_a_tenth_fails() {
    let recorded = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/hot-paths.json"));
    let mut base: serde_json::Value = serde_json::from_str(&recorded.expect("a file")).expect("JSON");
    for build in ["debug", "release"] {
        let bytes = &mut base[build]["counts"]["decode"]["bytes"];
        *bytes = (bytes.as_u64().expect("a count") * 8 / 10).into();
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("base.json");
    std::fs::write(&file, base.to_string()).expect("written");
    let output = hot_paths(&["--check", "--base", &file.display().to_string()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("WORSE: decode: ") && text.contains("bytes"),
        "{text}"
    );
}
