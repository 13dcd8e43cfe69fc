//! Connecting to PostgreSQL: the settings of every connection, the pool of readers, the options of writers, and the
//! server's settings that may lose data. Does not know what is read and written.

use super::database::ACQUIRE;
use super::{OpenError, Result, schema};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection as _, Executor, PgConnection, PgPool};
use std::pin::pin;
use std::str::FromStr;
use std::time::Duration;

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 512;
/// A connection that was idle for longer is checked before it is used. In a busy pool no connection is idle that long,
/// so the check costs nothing there.
const FRESH: Duration = Duration::from_millis(50);
/// A connection that does not answer within this time is dead.
const DEAD: Duration = Duration::from_secs(5);

/// A migration that takes longer is logged.
const SLOW_MIGRATION: Duration = Duration::from_secs(2);

/// Settings of every connection. A transaction whose node hangs or is gone must not hold its locks for ever. The wait
/// for a lock must be longer than such a transaction can last.
const GUARDS: [(&str, &str); 5] = [
    ("idle_in_transaction_session_timeout", "5s"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "30s"),
    ("jit", "off"),
    // migrations would log a notice for each table that exists
    ("client_min_messages", "warning"),
];

/// A migration may take long, and another instance waits for it.
const PATIENT: [(&str, &str); 2] = [("lock_timeout", "0"), ("statement_timeout", "0")];

/// The writer looks rows up by key. On new tables the planner would prefer to scan them.
const WRITER: [(&str, &str); 2] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
];

/// Options of every connection, and the database's name for messages.
pub(super) fn options(url: &str) -> std::result::Result<(PgConnectOptions, String), OpenError> {
    let options =
        PgConnectOptions::from_str(url).map_err(|error| OpenError::Open("of database_url".into(), error))?;
    let shown = format!(
        "{} on {}",
        options.get_database().unwrap_or("?"),
        options.get_host()
    );
    let options = options
        .application_name("taskwire")
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging()
        .options(GUARDS);
    Ok((options, shown))
}

/// Brings the schema up to date. Returns the pool of readers and the options of writers.
pub(super) async fn open(
    url: &str,
    connections: u32,
) -> std::result::Result<(PgPool, PgConnectOptions), OpenError> {
    let (guarded, shown) = options(url)?;
    let failed = |error| OpenError::Open(shown.clone(), error);
    let patient = guarded.clone().options(PATIENT);
    let connecting = tokio::time::timeout(ACQUIRE, patient.connect()).await;
    let connected = connecting.map_err(|_| OpenError::Silent(shown.clone(), ACQUIRE.as_secs()))?;
    let mut link = connected.map_err(failed)?;
    log_if_slow(schema::migrate(&schema::POSTGRES, &mut link)).await?;
    for (setting, value) in unsafe_settings(&mut link).await? {
        tracing::warn!(
            "PostgreSQL runs with {setting} = {value}: a crash may lose acknowledged commits. Set it to on"
        );
    }
    link.close().await.map_err(failed)?;
    let reads = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        // a metric tells how long queries wait
        .acquire_slow_threshold(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(|link, meta| {
            Box::pin(async move {
                // after a restart of the server all pooled connections are dead
                Ok(meta.idle_for < FRESH || in_time(link.ping()).await)
            })
        })
        .after_release(|link, _| {
            // ends a transaction that a cancelled query left open; `begin` avoids a warning if there is none
            Box::pin(async move { Ok(in_time(link.execute("begin; rollback")).await) })
        })
        .connect_with(guarded.clone())
        .await
        .map_err(failed)?;
    Ok((reads, guarded.options(WRITER)))
}

/// Waits for a migration without a bound. If it is slow, logs that once.
async fn log_if_slow<T>(migrating: impl Future<Output = T>) -> T {
    let mut migrating = pin!(migrating);
    if let Ok(done) = tokio::time::timeout(SLOW_MIGRATION, &mut migrating).await {
        return done;
    }
    tracing::warn!(
        "the start waits for the migration of the database: another instance runs it, or a transaction holds its tables"
    );
    migrating.await
}

async fn in_time<T>(asked: impl Future<Output = sqlx::Result<T>>) -> bool {
    matches!(tokio::time::timeout(DEAD, asked).await, Ok(Ok(_)))
}

/// The server's settings with which it may lose acknowledged commits.
pub(super) async fn unsafe_settings(link: &mut PgConnection) -> Result<Vec<(String, String)>> {
    let query = "select name, setting from pg_settings
        where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name";
    Ok(sqlx::query_as(query).fetch_all(link).await?)
}
