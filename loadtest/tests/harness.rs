//! Tests of the harness itself: it passes a server that keeps its promises, and fails a server that breaks one of them.

mod mock;

use mock::Broken;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// Runs a scenario against a mock with one promise broken.
fn run(broken: Broken, scenario: &str) -> Output {
    run_with("0.5", broken, scenario)
}

/// Runs like `run`, with this patience in seconds.
fn run_with(patience: &str, broken: Broken, scenario: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command
        .args(["--patience", patience, "--url", &mock::start(broken)])
        .args(scenario.split(' '));
    command.output().expect("the harness starts")
}

#[track_caller]
fn assert_passes(scenario: &str) -> String {
    assert_clean(&run(Broken::Nothing, scenario))
}

/// Asserts that a server that was silent for a second passes, with enough patience.
#[track_caller]
fn assert_passes_stalled(scenario: &str) -> String {
    let stalled = Broken::Stalled(Duration::from_secs(1));
    assert_clean(&run_with("60", stalled, scenario))
}

#[track_caller]
fn assert_clean(output: &Output) -> String {
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

const IDLE: &str = "idle --sockets 30 --accounts 4 --settle 0";
const FANOUT: &str = "fanout --watchers 20 --accounts 3 --rate 50 --seconds 0.5 --warm-up 0.2";
const BURSTS: &str = "fanout --watchers 20 --accounts 3 --rate 80 --burst 8 --seconds 0.5 --warm-up 0.2";
const SATURATED: &str = "fanout --watchers 20 --accounts 3 --saturate --seconds 0.3 --warm-up 0.1";
const OPS: &str = "ops --clients 3 --seconds 0.3 --warm-up 0.1";
const REAL: &str = "ops --clients 3 --seconds 0.3 --warm-up 0.1 --mix real";
const BY_CLOCK: &str = "ops --clients 3 --seconds 0.5 --warm-up 0.1 --mix real --rate 200";
const MIXED: &str = "mixed --workspaces 3 --smallest 2 --largest 4 --accounts 5 --sockets 12 --people 4 --rate 200 --seconds 0.4 --warm-up 0.1";
const SOAK: &str = "soak --workspaces 2 --smallest 2 --largest 3 --accounts 3 --sockets 6 --people 3 --rate 100 --seconds 0.8 --warm-up 0.1";
const RESUME: &str = "resume --sockets 20 --accounts 3 --distances 1,50";
const SLOW: &str = "slow --watchers 10 --crawlers 2 --accounts 3 --rate 60 --rounds 1 --seconds 0.4";
const STORM: &str = "storm --sockets 40 --accounts 4";

#[test]
fn every_scenario_passes_a_server_that_keeps_its_promises() {
    for scenario in [
        IDLE, FANOUT, BURSTS, SATURATED, OPS, REAL, BY_CLOCK, MIXED, SOAK, RESUME, SLOW, STORM,
    ] {
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
    for scenario in [FANOUT, OPS, MIXED, SLOW] {
        assert_fails(Broken::Gap, scenario, "× gap");
    }
}

#[test]
fn a_duplicate_fails_the_run() {
    for scenario in [BURSTS, BY_CLOCK, SOAK] {
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
    for scenario in [FANOUT, OPS, MIXED, RESUME] {
        assert_fails(Broken::LostAck, scenario, "lost acknowledgement");
    }
}

#[test]
fn a_server_that_ignores_positions_fails_the_run() {
    for scenario in [STORM, RESUME] {
        assert_fails(Broken::Resume, scenario, "not resumed");
    }
}

#[test]
fn a_list_without_the_task_made_before_it_fails_the_run() {
    assert_fails(Broken::Stale, REAL, "× stale query");
}

#[test]
fn an_answer_out_of_turn_fails_the_run() {
    assert_fails(Broken::OutOfTurn, BY_CLOCK, "× answered out of turn");
}

#[test]
fn turns_that_wait_at_the_end_are_still_taken() {
    // The server is silent from the middle of the run until after its end.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("found.json");
    let text = assert_passes_stalled(&format!(
        "ops --clients 1 --seconds 0.6 --warm-up 0.1 --rate 500 --json {}",
        file.display()
    ));
    assert!(text.contains("each of 350 acknowledged operations"), "{text}");
    let worst = number(&file, "latency worst").expect("a latency");
    assert!(worst > 900.0, "{text}");
    // Late answers do not raise the rate.
    assert!(number(&file, "operations") < Some(450.0), "{text}");
}

#[test]
fn dropped_turns_fail_the_run() {
    let stalled = Broken::Stalled(Duration::from_secs(3));
    assert_fails(
        stalled,
        "ops --clients 1 --seconds 0.6 --warm-up 0.1 --rate 500",
        "× turn dropped",
    );
}

#[test]
fn a_list_need_not_show_a_task_if_more_than_a_page_is_under_way() {
    // After the silence, many requests are under way. More than a page of them make tasks.
    assert_passes_stalled("ops --clients 1 --seconds 0.6 --warm-up 0.1 --rate 1000 --mix create=15,list=1");
}

#[test]
fn options_that_would_measure_nothing_are_refused() {
    for (asked, says) in [
        ("bars --only fanuot", "fanout-postgres"),
        (
            "--pid 4294967295 ops --clients 1 --seconds 0.1",
            "no such process",
        ),
        (
            "--postmaster 4294967295 ops --clients 1 --seconds 0.1",
            "no such process",
        ),
        ("fanout --seconds 0", "above 0"),
        ("mixed --rate=-5", "above 0"),
        ("mixed --rate nan", "above 0"),
        ("mixed --rate inf", "above 0"),
        ("mixed --rate 1e-300", "above 0"),
        ("ops --json /nonexistent/x", "/nonexistent/x"),
        ("ops --html /nonexistent/x", "/nonexistent/x"),
    ] {
        let output = run(Broken::Nothing, asked);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && errors.contains(says),
            "{asked}: {errors}"
        );
        assert!(output.stdout.is_empty(), "{asked}: it ran");
    }
}

#[test]
fn a_run_is_compared_with_an_earlier_one_and_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let (json, html) = (folder.path().join("a.json"), folder.path().join("b.html"));
    assert_passes(&format!("{REAL} --json {}", json.display()));
    let text = assert_passes(&format!(
        "{REAL} --compare {} --html {}",
        json.display(),
        html.display()
    ));
    assert!(text.contains("ops, compared") && text.contains("ratio"), "{text}");
    assert!(!text.contains("other settings"), "{text}");
    let page = std::fs::read_to_string(html).expect("a page");
    assert!(
        page.contains("latency over time") && page.contains("earlier\""),
        "{page}"
    );
    let text = assert_passes(&format!("{OPS} --compare {}", json.display()));
    assert!(text.contains("the earlier run had other settings"), "{text}");
    let output = run(
        Broken::Nothing,
        &format!("{OPS} --compare {}", folder.path().display()),
    );
    assert_eq!(
        output.status.code(),
        Some(1),
        "a file that is not an earlier run is refused"
    );
}

/// Interrupts a run while it measures. The run must still succeed. Returns its output.
#[cfg(unix)]
fn interrupt(scenario: &str) -> String {
    use std::io::{BufRead, BufReader};
    let mut running = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["--url", &mock::start(Broken::Nothing)])
        .args(scenario.split(' '))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the harness starts");
    let mut lines = BufReader::new(running.stderr.take().expect("piped")).lines();
    // A long run prints its progress after ten seconds; by then it measures.
    let first = lines.next().expect("a line").expect("text");
    assert!(first.contains('%'), "{first}");
    let asked = Command::new("kill")
        .args(["-INT", &running.id().to_string()])
        .status();
    assert!(asked.expect("kill").success());
    let output = running.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("nothing was wrong"), "{text}");
    assert!(text.contains("(ended early)"), "{text}");
    text
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_checks_and_reports_its_measurements() {
    interrupt("slow --watchers 4 --crawlers 1 --accounts 2 --seconds 20 --rate 50");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_is_not_compared_with_the_limit() {
    let text = interrupt("fanout --watchers 4 --accounts 2 --seconds 20 --rate 50 --with-limit");
    assert!(!text.contains("limit"), "{text}");
}

/// A number that a run wrote into a file.
fn number(file: &Path, name: &str) -> Option<f64> {
    let text = std::fs::read_to_string(file).expect("a file");
    let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let numbers = found["reports"][0]["numbers"].as_array().expect("numbers");
    let number = numbers.iter().find(|number| number["what"] == name)?;
    number["value"].as_f64()
}

#[test]
fn the_numbers_are_written_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("found.json");
    assert_passes(&format!("{OPS} --json {}", file.display()));
    let found: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON");
    assert_eq!(
        (&found["format"], &found["version"]),
        (&"taskwire-loadtest".into(), &1.into())
    );
    let names: Vec<_> = found["reports"][0]["numbers"]
        .as_array()
        .expect("numbers")
        .iter()
        .map(|n| &n["what"])
        .collect();
    assert!(names.iter().any(|name| *name == "operations"), "{found}");
}
