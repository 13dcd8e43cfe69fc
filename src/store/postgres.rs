//! Connecting to PostgreSQL: the settings of every connection, the pool of readers, the options of writers, and what the
//! server is set to that would lose data. Does not know what is read and written.

use super::{OpenError, Result, open};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection as _, Executor, PgConnection, PgPool};
use std::pin::pin;
use std::str::FromStr;
use std::time::Duration;

/// Prepared statements of a connection.
const STATEMENTS: usize = 512;
/// A connection that nobody used for this long is asked whether it still lives before somebody gets it. In a busy pool
/// none is, so it costs nothing there.
const FRESH: Duration = Duration::from_millis(50);
/// A connection that does not answer for this long is dead.
const DEAD: Duration = Duration::from_secs(5);

/// A step of the schema that takes longer is worth a word.
const WORTH_SAYING: Duration = Duration::from_secs(2);

/// Of every connection. A transaction that nobody ends, because its node hangs or its machine is gone, must not hold its
/// locks for ever; and whoever waits for a lock must outwait such a one.
const GUARDS: [(&str, &str); 5] = [
    ("idle_in_transaction_session_timeout", "5s"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "30s"),
    ("jit", "off"),
    // that a table is there already is no news
    ("client_min_messages", "warning"),
];

/// A step of the schema may take long, and another instance waits for it.
const PATIENT: [(&str, &str); 2] = [("lock_timeout", "0"), ("statement_timeout", "0")];

/// The writer looks rows up by key; on fresh tables the planner would rather scan them.
const WRITER: [(&str, &str); 2] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
];

/// Options of every connection, and the server's name for people.
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

/// Brings the schema up to date; the pool of readers and the options of writers.
pub(super) async fn open(
    url: &str,
    connections: u32,
) -> std::result::Result<(PgPool, PgConnectOptions), OpenError> {
    let (guarded, shown) = options(url)?;
    let failed = |error| OpenError::Open(shown.clone(), error);
    let patient = guarded.clone().options(PATIENT);
    let connecting = tokio::time::timeout(open::ACQUIRE, patient.connect()).await;
    let connected = connecting.map_err(|_| OpenError::Silent(shown.clone(), open::ACQUIRE.as_secs()))?;
    let mut link = connected.map_err(failed)?;
    said_to_wait(open::migrate(&open::POSTGRES, &mut link)).await?;
    for (setting, value) in unsafe_settings(&mut link).await? {
        tracing::warn!(
            "PostgreSQL runs with {setting} = {value}: when it or its machine stops hard, what was acknowledged is lost. \
             Set it to on"
        );
    }
    link.close().await.map_err(failed)?;
    let reads = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(open::ACQUIRE)
        // how long they wait is a metric
        .acquire_slow_threshold(open::ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(|link, meta| {
            Box::pin(async move {
                // after a restart of the server every connection of the pool is dead
                Ok(meta.idle_for < FRESH || in_time(link.ping()).await)
            })
        })
        .after_release(|link, _| {
            // what a cancelled query may have left open; alone, a rollback of nothing is a warning in the server's log
            Box::pin(async move { Ok(in_time(link.execute("begin; rollback")).await) })
        })
        .connect_with(guarded.clone())
        .await
        .map_err(failed)?;
    Ok((reads, guarded.options(WRITER)))
}

/// Waits as long as it takes, and says once that it does.
async fn said_to_wait<T>(migrating: impl Future<Output = T>) -> T {
    let mut migrating = pin!(migrating);
    if let Ok(done) = tokio::time::timeout(WORTH_SAYING, &mut migrating).await {
        return done;
    }
    tracing::warn!(
        "the start waits for the database's schema: another instance brings it up to date, or something holds its tables"
    );
    migrating.await
}

async fn in_time<T>(asked: impl Future<Output = sqlx::Result<T>>) -> bool {
    matches!(tokio::time::timeout(DEAD, asked).await, Ok(Ok(_)))
}

/// What the server is set to that lets it lose what it said was durable.
pub(super) async fn unsafe_settings(link: &mut PgConnection) -> Result<Vec<(String, String)>> {
    let query = "select name, setting from pg_settings
        where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name";
    Ok(sqlx::query_as(query).fetch_all(link).await?)
}
