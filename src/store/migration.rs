//! Migrates PostgreSQL at a start. That may take as long as it takes, but a server that has no connection any more, or has
//! answered on one that a firewall forgot, would be waited for without an end: so while it lasts, another connection looks.

use super::dial::{connect, in_time};
use super::{OpenError, StoreError, schema};
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use std::time::Duration;
use tokio::time::sleep;

/// A migration that takes longer is logged.
const SLOW: Duration = Duration::from_secs(2);
/// The pause between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Between two statements of a migration nothing works for a moment: so many looks in a row tell that nothing will.
const LOOKS: u32 = 3;

/// Brings the schema up to date, and returns the connection.
pub(super) async fn run(
    options: &PgConnectOptions,
    shown: &str,
) -> std::result::Result<PgConnection, OpenError> {
    loop {
        let mut link = connect(options, shown).await?;
        let asked = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut link);
        let backend: i32 = in_time(asked)
            .await
            .ok_or_else(StoreError::silence)?
            .map_err(StoreError::from)?;
        tokio::select! {
            migrated = schema::migrate(&schema::POSTGRES, &mut link) => {
                migrated?;
                return Ok(link);
            }
            () = lost(options, shown, backend) => {
                tracing::warn!("the database's answer to the migration is lost; the migration begins again");
            }
        }
    }
}

/// Waits until the server does nothing any more for a connection from which an answer is awaited, and ends its session there,
/// which may have locks.
async fn lost(options: &PgConnectOptions, shown: &str, backend: i32) {
    sleep(SLOW).await;
    tracing::warn!(
        "the start waits for the migration of the database: another instance runs it, or a transaction holds its tables"
    );
    let mut idle = 0;
    while idle < LOOKS {
        sleep(LOOK).await;
        // a look that fails tells nothing
        match works(options, shown, backend).await {
            Ok(true) => idle = 0,
            Ok(false) => idle += 1,
            Err(error) => tracing::debug!(error.message = %error, "cannot look at the migration"),
        }
    }
    if let Err(error) = end(options, shown, backend).await {
        tracing::debug!(error.message = %error, "cannot end the session of the migration");
    }
}

async fn works(
    options: &PgConnectOptions,
    shown: &str,
    backend: i32,
) -> std::result::Result<bool, OpenError> {
    let query = "select count(*) from pg_stat_activity where pid = $1 and state = 'active'";
    Ok(ask(options, shown, query, backend).await? > 0)
}

async fn end(options: &PgConnectOptions, shown: &str, backend: i32) -> std::result::Result<(), OpenError> {
    // the number may be another session's by now
    let query = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where pid = $1 and state <> 'active' and application_name = 'taskwire' and datname = current_database()";
    ask(options, shown, query, backend).await.map(drop)
}

async fn ask(
    options: &PgConnectOptions,
    shown: &str,
    query: &'static str,
    backend: i32,
) -> std::result::Result<i64, OpenError> {
    let mut link = connect(options, shown).await?;
    let asked = sqlx::query_scalar(query).bind(backend).fetch_one(&mut link);
    let answer = in_time(asked).await.ok_or_else(StoreError::silence)?;
    Ok(answer.map_err(StoreError::from)?)
}
