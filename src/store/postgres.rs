//! PostgreSQL: the settings of every connection, the pool of readers, the options of writers, and the server's settings that
//! may lose data. Does not know what is read and written.

use super::database::ACQUIRE;
use super::dial::in_time;
use super::fitness::WITNESS;
use super::trust::Trust;
use super::{OpenError, Result, StoreError, migration};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor, PgConnection, PgPool};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 512;
/// A connection that was idle for longer is checked before it is used. In a busy pool no connection is idle that long,
/// so the check costs nothing there.
const FRESH: Duration = Duration::from_millis(50);
/// A connection that does not answer the check within this time is dead. Less than [`ACQUIRE`], so that the query that
/// wanted the connection still gets a new one.
const DEAD: Duration = Duration::from_secs(4);

/// Settings of every connection. A transaction whose node hangs or is gone must not hold its locks for ever. The wait
/// for a lock must be longer than such a transaction can last. A server that lives must answer in time (`trust::WAIT`), with an
/// error at least. Its probes keep idle connections alive in firewalls, and tell it when a node is gone.
const GUARDS: [(&str, &str); 9] = [
    WITNESS,
    ("lock_timeout", "4s"),
    ("statement_timeout", "4500ms"),
    ("tcp_keepalives_idle", "15s"),
    ("tcp_keepalives_interval", "5s"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "15s"),
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
    let host = options.get_host().to_owned();
    let shown = format!("{} on {host}", options.get_database().unwrap_or("?"));
    // the driver would look the name `[::1]` up
    let options = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => options.host(address),
        None => options,
    };
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
    trust: &Arc<Trust>,
) -> std::result::Result<(PgPool, PgConnectOptions), OpenError> {
    let (guarded, shown) = options(url)?;
    let failed = |error| OpenError::Open(shown.clone(), error);
    let patient = guarded.clone().options(PATIENT);
    let mut link = migration::run(&patient, &shown).await?;
    for (setting, value) in in_time(unsafe_settings(&mut link))
        .await
        .ok_or_else(StoreError::silence)??
    {
        tracing::warn!(
            "PostgreSQL runs with {setting} = {value}: a crash may lose acknowledged commits. Set it to on"
        );
    }
    let closed = in_time(link.close()).await.ok_or_else(StoreError::silence)?;
    closed.map_err(failed)?;
    let (before, after) = (trust.clone(), trust.clone());
    let reads = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        // a metric tells how long queries wait
        .acquire_slow_threshold(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(move |link, meta| {
            let trust = before.clone();
            Box::pin(async move {
                if trust.is_suspect(opened(meta.age)) {
                    return Ok(false);
                }
                // after a restart of the server all pooled connections are dead
                Ok(meta.idle_for < FRESH || is_alive(&trust, link.ping()).await)
            })
        })
        .after_release(move |link, meta| {
            let trust = after.clone();
            Box::pin(async move {
                // ends a transaction that a cancelled query left open; `begin` avoids a warning if there is none
                let ended = link.execute("begin; rollback");
                Ok(!trust.is_suspect(opened(meta.age)) && is_alive(&trust, ended).await)
            })
        })
        .connect_with(guarded.clone())
        .await
        .map_err(failed)?;
    Ok((reads, guarded.options(WRITER)))
}

/// Whether a pooled connection answers. If it is silent, all connections of its age are suspect.
async fn is_alive<T>(trust: &Trust, asked: impl Future<Output = sqlx::Result<T>>) -> bool {
    let answer = tokio::time::timeout(DEAD, asked).await;
    if answer.is_err() {
        trust.doubt(DEAD);
    }
    matches!(answer, Ok(Ok(_)))
}

/// When a connection of this age was opened.
fn opened(age: Duration) -> Instant {
    let now = Instant::now();
    now.checked_sub(age).unwrap_or(now)
}

/// The server's settings with which it may lose acknowledged commits.
pub(super) async fn unsafe_settings(link: &mut PgConnection) -> Result<Vec<(String, String)>> {
    let query = "select name, setting from pg_settings
        where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name";
    Ok(sqlx::query_as(query).fetch_all(link).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::bounds::STATEMENT;
    use crate::store::trust::WAIT;

    #[test]
    fn a_living_server_answers_before_its_node_gives_up() {
        let ms = |name: &str| {
            let (_, value) = GUARDS
                .iter()
                .find(|(setting, _)| *setting == name)
                .expect("a setting");
            let number = value
                .trim_end_matches(char::is_alphabetic)
                .parse::<u64>()
                .expect("a number");
            if value.ends_with("ms") {
                number
            } else {
                number * 1000
            }
        };
        let [idle, lock, statement] = [
            "idle_in_transaction_session_timeout",
            "lock_timeout",
            "statement_timeout",
        ]
        .map(ms);
        assert!(idle < lock && lock < statement && u128::from(statement) < WAIT.as_millis());
        assert_eq!(u128::from(statement), STATEMENT.as_millis());
        assert!(u128::from(lock) <= DEAD.as_millis() && DEAD < ACQUIRE);
    }

    #[test]
    fn the_server_probes_its_end_of_every_connection() {
        let (options, _) = options("postgres://ada@127.0.0.1/tasks").expect("a URL");
        let sent = options.get_options().expect("options");
        for (setting, value) in GUARDS.iter().filter(|(setting, _)| setting.starts_with("tcp_")) {
            assert!(sent.contains(&format!("{setting}={value}")), "{sent}");
        }
    }
}
