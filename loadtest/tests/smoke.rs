//! Every scenario runs against the real server for a short time, with its checks. The numbers mean nothing on a machine
//! that runs tests.

use sqlx::{Connection, Executor, PgConnection};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The server in the folder of the harness. `cargo test --workspace` has built it. For a test of this package alone,
/// this builds the server if it is missing.
fn server() -> PathBuf {
    let harness = Path::new(env!("CARGO_BIN_EXE_loadtest"));
    let server = harness.with_file_name("taskwire");
    if !server.exists() {
        let folder = harness
            .parent()
            .expect("a folder")
            .parent()
            .expect("a target folder");
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--package",
                "taskwire",
                "--bin",
                "taskwire",
                "--target-dir",
            ])
            .arg(folder)
            .status();
        assert!(built.expect("cargo starts").success());
    }
    server
}

fn harness() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    // Other programs may use the same Redis, so this run has its own prefix.
    command.env(
        "TASKWIRE_REDIS_PREFIX",
        format!("loadtest-{}", std::process::id()),
    );
    command
}

/// The URL of a service that the tests share.
fn service(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run ./tests/run, which starts a private PostgreSQL and Redis")
    })
}

/// Runs statements on PostgreSQL.
fn on_postgres(url: &str, sql: String) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.expect("PostgreSQL");
        connection
            .execute(sqlx::AssertSqlSafe(sql))
            .await
            .expect("the statements run");
    });
}

/// Makes a PostgreSQL database for `work` and drops it afterwards.
fn on_a_database<T>(name: &str, work: impl FnOnce(String) -> T) -> T {
    let postgres = service("TASKWIRE_TEST_POSTGRES");
    let name = format!("{name}_{}", std::process::id());
    on_postgres(&postgres, format!("create database {name}"));
    let (server, _) = postgres.rsplit_once('/').expect("a database's URL");
    let done = work(format!("{server}/{name}"));
    on_postgres(&postgres, format!("drop database {name} with (force)"));
    done
}

#[track_caller]
fn assert_passes(arguments: &str) -> String {
    let output = harness()
        .arg("--server")
        .arg(server())
        // A slow answer on a busy machine is not a fault of the server.
        .args(["--patience", "60"])
        .args(arguments.split(' '))
        .output()
        .expect("the harness starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}

#[test]
fn every_scenario_passes() {
    let text = assert_passes("smoke");
    assert!(text.contains("14 scenarios, 0 failed"), "{text}");
}

#[test]
fn the_server_works_on_a_seeded_database() {
    let text =
        assert_passes("growth --only tasks,log --tasks 3000 --entries 12000 --seconds 0.1 --minutes 5");
    for number in [
        "3000 tasks: task.create",
        "3000 tasks: task.list",
        "12000 entries: task.create",
    ] {
        assert!(text.contains(number), "{text}");
    }
}

#[test]
fn a_point_is_measured_until_it_has_answers() {
    // In such a short time there is no answer, so it has to measure again.
    let text = assert_passes("growth --only log --entries 100 --seconds 0.0001 --minutes 5");
    for number in ["100 entries: task.create", "100 entries: task.list"] {
        assert!(text.contains(number), "{text}");
    }
}

#[test]
fn the_databases_commit_the_same_rows_without_a_server() {
    let text = assert_passes("limit --what sqlite --seconds 0.3");
    assert!(text.contains("limit: operations"), "{text}");
    let text = assert_passes(&format!(
        "limit --what postgres --seconds 0.3 --database-url {}",
        service("TASKWIRE_TEST_POSTGRES")
    ));
    assert!(text.contains("PostgreSQL"), "{text}");
    // The processes of that database are unknown, so their CPU is unknown too.
    assert!(!text.contains("CPU per operation"), "{text}");
}

#[test]
fn without_the_databases_processes_the_report_has_no_sum_of_cpu() {
    let text = on_a_database("loadtest_ops", |url| {
        assert_passes(&format!(
            "ops --clients 2 --seconds 0.3 --warm-up 0.1 --database-url {url}"
        ))
    });
    assert!(!text.contains("CPU per operation"), "{text}");
    let known = cfg!(target_os = "linux");
    assert_eq!(text.contains("of the server alone"), known, "{text}");
}

#[test]
fn two_instances_are_measured_beside_their_redis() {
    let redis = service("TASKWIRE_TEST_REDIS");
    let text = on_a_database("loadtest_hop", |url| {
        assert_passes(&format!(
            "hop --rate 50 --seconds 0.6 --warm-up 0.2 --database-url {url} --redis-url {redis}"
        ))
    });
    for number in ["beyond the local push, p99", "limit: publish to receive, p50"] {
        assert!(text.contains(number), "{text}");
    }
}

#[test]
fn a_crowd_reconnects_to_the_bare_writer() {
    let text = assert_passes("limit --what storm --sockets 80");
    assert!(text.contains("limit: until all are back"), "{text}");
}
