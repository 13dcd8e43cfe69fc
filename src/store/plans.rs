//! Checks by SQLite's query plans that writers' statements look rows up by an index, however many rows they are given.
//! `tests/integration/plans.rs` checks the readers' statements, on both databases.

use super::statement::{ROWS, Statement, text};
use super::{
    alarms, api_tokens, attachments, calendars, comments, log, members, notifications, ops, projects,
    repeats, sessions, statistics, streams, tags, tasks, users, workspaces,
};
use sqlx::{AssertSqlSafe, Connection, Executor, Row, SqliteConnection};

/// The migrations that make the tables of these statements.
const SCHEMA: [&str; 17] = [
    include_str!("../../migrations/sqlite/0001_core.sql"),
    include_str!("../../migrations/sqlite/0002_jobs.sql"),
    include_str!("../../migrations/sqlite/0003_text.sql"),
    include_str!("../../migrations/sqlite/0004_session_families.sql"),
    include_str!("../../migrations/sqlite/0005_deletion.sql"),
    include_str!("../../migrations/sqlite/0007_profiles.sql"),
    include_str!("../../migrations/sqlite/0008_api_tokens.sql"),
    include_str!("../../migrations/sqlite/0014_stages.sql"),
    include_str!("../../migrations/sqlite/0015_comments.sql"),
    include_str!("../../migrations/sqlite/0016_projects.sql"),
    include_str!("../../migrations/sqlite/0017_alarms.sql"),
    include_str!("../../migrations/sqlite/0018_tags.sql"),
    include_str!("../../migrations/sqlite/0019_attachments.sql"),
    include_str!("../../migrations/sqlite/0020_statistics.sql"),
    include_str!("../../migrations/sqlite/0022_search.sql"),
    include_str!("../../migrations/sqlite/0023_calendars.sql"),
    include_str!("../../migrations/sqlite/0024_purges.sql"),
];

/// The most users who have mutations in one group.
const USERS: usize = 64;

/// The statements, each with the most rows that it gets.
static LOOKUPS: [(&str, &Statement, usize); 53] = [
    ("alarms::CLEAR", &alarms::CLEAR, ROWS),
    ("alarms::LOAD", &alarms::LOAD, ROWS),
    ("alarms::LATER", &alarms::LATER, ROWS),
    ("alarms::MARK", &alarms::MARK, ROWS),
    ("alarms::MOVED", &alarms::MOVED, ROWS),
    ("alarms::OVER", &alarms::OVER, ROWS),
    ("alarms::RUNG", &alarms::RUNG, ROWS),
    ("repeats::FORGET", &repeats::FORGET, ROWS),
    ("repeats::LOAD", &repeats::LOAD, ROWS),
    ("users::ZONES", &users::ZONES, ROWS),
    ("api_tokens::DELETE", &api_tokens::DELETE, ROWS),
    ("api_tokens::LOAD", &api_tokens::LOAD, ROWS),
    ("attachments::FORGET", &attachments::FORGET, ROWS),
    ("attachments::LOAD", &attachments::LOAD, ROWS),
    ("attachments::PLACES", &attachments::PLACES, ROWS),
    ("attachments::REMOVE", &attachments::REMOVE, ROWS),
    (
        "attachments::REMOVE_OF_TASKS",
        &attachments::REMOVE_OF_TASKS,
        ROWS,
    ),
    ("calendars::DELETE", &calendars::DELETE, ROWS),
    ("calendars::LOAD", &calendars::LOAD, ROWS),
    ("comments::DELETE", &comments::DELETE, ROWS),
    ("comments::DELETE_OF_TASKS", &comments::DELETE_OF_TASKS, ROWS),
    ("comments::LOAD", &comments::LOAD, ROWS),
    ("comments::PLACES", &comments::PLACES, ROWS),
    ("log::REWRITE", &log::REWRITE, ROWS),
    ("log::REPLACE", &log::REPLACE, ROWS),
    ("members::ACQUAINTED", &members::ACQUAINTED, ROWS),
    ("members::DELETE", &members::DELETE, ROWS),
    ("members::LOAD", &members::LOAD, ROWS),
    ("notifications::DELETE", &notifications::DELETE, ROWS),
    ("notifications::LOAD", &notifications::LOAD, ROWS),
    ("notifications::READ_ALL", &notifications::READ_ALL, USERS),
    ("ops::FIND", &ops::FIND, ROWS),
    ("projects::DELETE", &projects::DELETE, ROWS),
    ("projects::LOAD", &projects::LOAD, ROWS),
    ("sessions::LOAD", &sessions::LOAD, ROWS),
    ("statistics::DAYS", &statistics::DAYS, ROWS),
    ("statistics::DELETE", &statistics::DELETE, ROWS),
    ("statistics::DELETE_DAYS", &statistics::DELETE_DAYS, ROWS),
    ("statistics::FACTS", &statistics::FACTS, ROWS),
    ("streams::LOCK", &streams::LOCK, ROWS),
    ("tags::DELETE", &tags::DELETE, ROWS),
    ("tags::LOAD", &tags::LOAD, ROWS),
    ("tags::NAMED", &tags::NAMED, ROWS),
    ("tasks::BELOW", &tasks::BELOW, ROWS),
    ("tasks::DELETE", &tasks::DELETE, ROWS),
    ("tasks::LOAD", &tasks::LOAD, ROWS),
    ("tasks::SUBTASKS", &tasks::SUBTASKS, ROWS),
    ("tasks::UNASSIGN", &tasks::UNASSIGN, ROWS),
    ("tasks::UNBLOCK", &tasks::UNBLOCK, ROWS),
    ("tasks::UNTAG", &tasks::UNTAG, ROWS),
    ("users::LOAD", &users::LOAD, ROWS),
    ("users::PREFERENCES", &users::PREFERENCES, ROWS),
    ("workspaces::LOAD", &workspaces::LOAD, ROWS),
];

/// The faulty steps of a statement's plan: those that scan something other than the list of rows, and those that build
/// a temporary index.
async fn faults(database: &mut SqliteConnection, statement: &Statement, rows: usize) -> Vec<String> {
    let explain = format!("explain query plan {}", text(statement, rows));
    let steps = sqlx::query(AssertSqlSafe(explain)).fetch_all(database).await;
    let steps = steps
        .expect("a plan")
        .into_iter()
        .map(|row| row.get::<String, _>(3));
    let is_fault = |step: &String| {
        let is_list = step == "SCAN v" || step.ends_with("CONSTANT ROWS") || step.ends_with("CONSTANT ROW");
        step.contains("AUTOMATIC") || (step.starts_with("SCAN ") && !is_list)
    };
    steps.filter(is_fault).collect()
}

#[tokio::test]
async fn rows_are_looked_up_by_an_index_however_many_they_are() {
    let mut database = SqliteConnection::connect("sqlite::memory:")
        .await
        .expect("a database");
    for migration in SCHEMA {
        database.execute(migration).await.expect("the schema");
    }
    for (name, statement, most) in LOOKUPS {
        for rows in [1, 64, 128, 256, ROWS].into_iter().filter(|rows| *rows <= most) {
            let faults = faults(&mut database, statement, rows).await;
            assert!(faults.is_empty(), "{name} of {rows} rows: {faults:?}");
        }
    }
}
