//! The harness itself under test: it passes a server that keeps its promises, and fails one that breaks any.

mod mock;

use mock::Broken;
use std::process::{Command, Output};

/// Runs a scenario against a mock with one promise broken.
fn run(broken: Broken, scenario: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command
        .args(["--patience", "0.5", "--url", &mock::start(broken)])
        .args(scenario.split(' '));
    command.output().expect("the harness starts")
}

#[track_caller]
fn assert_passes(scenario: &str) -> String {
    let output = run(Broken::Nothing, scenario);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.contains("nothing was wrong"), "{text}");
    text
}

#[track_caller]
fn assert_fails(broken: Broken, scenario: &str, says: &str) {
    let output = run(broken, scenario);
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}{errors}");
    assert!(text.contains("FAILED") && text.contains(says), "{text}{errors}");
}

const IDLE: &str = "idle --sockets 30 --before 3 --accounts 4 --settle 0";
const FANOUT: &str = "fanout --watchers 20 --accounts 3 --rate 50 --seconds 0.5 --warm-up 0.2";
const BURSTS: &str = "fanout --watchers 20 --accounts 3 --rate 80 --burst 8 --seconds 0.5 --warm-up 0.2";
const SATURATED: &str = "fanout --watchers 20 --accounts 3 --saturate --seconds 0.3 --warm-up 0.1";
const OPS: &str = "ops --clients 3 --seconds 0.3 --warm-up 0.1";
const STORM: &str = "storm --sockets 40 --accounts 4";

#[test]
fn every_scenario_passes_a_server_that_keeps_its_promises() {
    for scenario in [IDLE, FANOUT, BURSTS, SATURATED, OPS, STORM] {
        assert_passes(scenario);
    }
}

#[test]
fn the_limit_runs_beside_the_server() {
    for scenario in [FANOUT, BURSTS, SATURATED] {
        let text = assert_passes(&format!("{scenario} --with-limit"));
        assert!(text.contains("limit: deliveries"), "{text}");
    }
}

#[test]
fn a_gap_fails_the_run() {
    for scenario in [FANOUT, OPS] {
        assert_fails(Broken::Gap, scenario, "× gap");
    }
}

#[test]
fn a_duplicate_fails_the_run() {
    for scenario in [BURSTS, OPS] {
        assert_fails(Broken::Duplicate, scenario, "× duplicate");
    }
}

#[test]
fn a_reorder_fails_the_run() {
    for scenario in [SATURATED, OPS] {
        assert_fails(Broken::Reordered, scenario, "× reordered");
    }
}

#[test]
fn a_lost_acknowledgement_fails_the_run() {
    for scenario in [FANOUT, OPS] {
        assert_fails(Broken::LostAck, scenario, "lost acknowledgement");
    }
}

#[test]
fn a_position_that_is_ignored_fails_the_run() {
    assert_fails(Broken::Resume, STORM, "not resumed");
}

#[test]
fn the_numbers_are_written_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("found.json");
    assert_passes(&format!("{OPS} --json {}", file.display()));
    let found: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON");
    let names: Vec<_> = found["numbers"]
        .as_array()
        .expect("numbers")
        .iter()
        .map(|n| &n["what"])
        .collect();
    assert!(names.iter().any(|name| *name == "operations"), "{found}");
}
