//! The limit of `ops`: the database alone. It commits the rows that the server writes for a `task.create`, in groups
//! with one operation of each person, who each have their own workspace. The values are prepared in a temporary table,
//! so parsing, checking and sending them are not counted. No server can be faster with the same tables. The database
//! has the server's settings.

use crate::meter::{latency, micros};
use crate::processes::Processes;
use crate::report::Report;
use crate::rows::{Database, POSTGRES_SCHEMA, SQLITE_SCHEMA, Whose};
use crate::server_options::ServerOptions;
use crate::stop;
use crate::trouble::Trouble;
use std::time::{Duration, Instant};

/// The time of the first ids and rows, in ms since 1970. Any time would do.
const BASE_MS: i64 = 1_767_225_600_000;
/// Operations that are prepared for each second: more than any machine commits.
const MOST: f64 = 40_000.0;
/// SQLite's new keys are moved after this many groups, about as often as in the server.
const GROUPS_A_MOVE: i64 = 18;
/// Groups before the measurement: they fill caches and give PostgreSQL statistics to plan with.
const WARM_UP: usize = 20;
/// The PostgreSQL schema for the rows, so that nothing else in the database changes.
const SCHEMA: &str = "taskwire_load_limit";

/// Commits groups of `group` operations for `seconds` seconds. Reports the operations a second and their CPU.
pub(crate) async fn measure(
    options: &ServerOptions,
    postgres: Option<&str>,
    group: usize,
    seconds: f64,
) -> Result<Report, Trouble> {
    let folder = options.folder()?;
    let url = postgres.map_or_else(
        || format!("sqlite:{}", folder.path().join("limit.db").display()),
        str::to_owned,
    );
    let mut database = Database::open(&url).await?;
    let measured = async {
        let most = (MOST * seconds) as usize / group + WARM_UP + 1;
        let statements = prepare(&mut database, group, most).await?;
        commit(&mut database, &statements, options, (group, most), seconds).await
    };
    let measured = measured.await;
    if postgres.is_some() {
        database
            .run(&format!("drop schema if exists {SCHEMA} cascade"))
            .await?;
    }
    let mut report = measured?;
    let kind = if postgres.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    report.title = format!("limit: {kind}, groups of {group} operations without a server");
    report.checked = "the counters are as high as the operations".into();
    Ok(report)
}

/// Makes an empty schema with a stream for each person and workspace, and prepares the values of `groups` groups.
/// Returns the statements of a group.
async fn prepare(database: &mut Database, group: usize, groups: usize) -> Result<Vec<String>, Trouble> {
    if let Database::Sqlite(_) = database {
        database.run(SQLITE_SCHEMA).await?;
    } else {
        let own = format!(
            "drop schema if exists {SCHEMA} cascade; create schema {SCHEMA}; set search_path = {SCHEMA};"
        );
        database.run(&(own + POSTGRES_SCHEMA)).await?;
    }
    // Person n has the ids n0 (the workspace) and n1 (the user); operation i is person i % group's.
    let of = |digit: char| match database {
        Database::Sqlite(_) => format!("printf('%031x{digit}', i % {group})"),
        Database::Postgres(_) => format!("(lpad(to_hex(i % {group}), 31, '0') || '{digit}')"),
    };
    let whose = Whose {
        workspace: of('0'),
        user: of('1'),
        workspace_seq: format!("i / {group} + 1"),
        user_seq: format!("i / {group} + 1"),
    };
    let streams = database.streams(&whose);
    database.commit(&streams, 0, group as i64 - 1).await?;
    database.prepare().await?;
    let make = [database.make(&whose, BASE_MS)];
    database.commit(&make, 0, (group * groups) as i64 - 1).await?;
    let mut statements = database.operations("aaaaa");
    statements.push(database.advance());
    Ok(statements)
}

async fn commit(
    database: &mut Database,
    statements: &[String],
    options: &ServerOptions,
    (group, most): (usize, usize),
    seconds: f64,
) -> Result<Report, Trouble> {
    database.run("analyze").await?;
    let mut first = 0;
    for _ in 0..WARM_UP {
        database
            .commit(statements, first, first + group as i64 - 1)
            .await?;
        first += group as i64;
    }
    database.run("analyze").await?;
    let processes = Processes {
        server: Some(std::process::id()),
        postmaster: options.postmaster,
        ..Processes::default()
    };
    let mut groups = latency();
    let (usage, start, before) = (processes.usage(), Instant::now(), first);
    let end = start + Duration::from_secs_f64(seconds);
    while Instant::now() < end && first < (group * most) as i64 && !stop::is_asked() {
        let begun = Instant::now();
        database
            .commit(statements, first, first + group as i64 - 1)
            .await?;
        groups.saturating_record(micros(begun.elapsed()));
        first += group as i64;
        if (first / group as i64) % GROUPS_A_MOVE == 0 {
            database.move_keys().await?;
        }
    }
    let took = start.elapsed().as_secs_f64();
    let (ops, spent) = ((first - before) as f64, processes.usage().since(&usage));
    let seen = database.number("select count(*) from ops").await?;
    let heads = database
        .number("select cast(sum(seq) as bigint) from streams")
        .await?;
    let mut report = Report::new("limit", "");
    if (seen, heads) != (first, 2 * first) {
        return Err(Trouble::setup(format!(
            "{first} operations left {seen} rows and heads of {heads}"
        )));
    }
    report.put("limit: operations", ops / took, "per second");
    // SQLite works in this process.
    if options.postmaster.is_some() || matches!(database, Database::Sqlite(_)) {
        report.put(
            "limit: CPU per operation",
            (spent.server + spent.database) / ops,
            "µs",
        );
        report.put(
            "limit: of that the database's processes",
            spent.database / ops,
            "µs",
        );
    }
    report.put("limit: a group, p50", crate::meter::millis_at(&groups, 0.5), "ms");
    report.put(
        "limit: a group, p99",
        crate::meter::millis_at(&groups, 0.99),
        "ms",
    );
    Ok(report)
}
